//go:build e2e

package main

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

// TestBackfillPeers runs every command of docs/backfill.md: a real Prometheus and a real VictoriaMetrics take the
// history in, show each month of two years once, and answer every query.
func TestBackfillPeers(t *testing.T) {
	text, err := os.ReadFile("docs/backfill.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	command(t, "go", "build", "-o", filepath.Join(dir, program), ".")
	simulateYears(t, filepath.Join(dir, "config.yaml"))
	victoria := "http://" + freeAddress(t)
	start(t, exec.CommandContext(t.Context(), "victoria-metrics", "-retentionPeriod=100y",
		"-httpListenAddr="+strings.TrimPrefix(victoria, "http://"), "-storageDataPath="+dir+"/victoria"))
	waitFor(t, victoria+"/health")
	commands := shellBlock.FindAllStringSubmatch(string(text), -1)
	if len(commands) != 3 {
		t.Fatalf("docs/backfill.md has %d commands", len(commands))
	}
	here := strings.NewReplacer("/var/lib/prometheus", dir, "http://localhost:8428", victoria)
	for _, c := range commands {
		shell := exec.CommandContext(t.Context(), "sh", "-ec", here.Replace(c[1]))
		shell.Dir, shell.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		if out, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c[1], err, out)
		}
	}
	body(t, victoria+"/internal/force_flush")
	address := freeAddress(t)
	write(t, dir+"/prometheus.yml", "")
	start(t, exec.CommandContext(t.Context(), "prometheus", "--config.file="+dir+"/prometheus.yml",
		"--storage.tsdb.path="+dir+"/data", "--storage.tsdb.retention.time=100y", "--web.listen-address="+address))
	prometheus := "http://" + address
	waitFor(t, prometheus+"/-/ready")
	queries := promqlBlock.FindAllStringSubmatch(string(text), -1)
	if len(queries) != 5 {
		t.Errorf("docs/backfill.md has %d queries", len(queries))
	}
	for _, server := range []string{prometheus, victoria} {
		showsEachMonthOnce(t, server, queries[0][1])
		for _, q := range queries {
			lastMonth := sampleTime(billclient.MonthOf(time.Now()).Add(-1)).Add(time.Hour)
			if len(rangeOf(t, server, q[1], lastMonth, lastMonth)) == 0 {
				t.Errorf("%s: no answer to\n%s", server, q[1])
			}
		}
	}
	showsEachMonthOnce(t, victoria, "ksyun_bill_month_account_cost_cny")
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// simulateYears serves two accounts, the second of which began a year later, and writes a configuration for them.
func simulateYears(t *testing.T, config string) {
	t.Helper()
	api := httptest.NewServer(billsim.New([]billsim.Account{
		yearsOf("AKLTMAIN", "s3cret-main", "73400575", "2018-06", ""),
		yearsOf("AKLTSHOP", "s3cret-shop", "73406772", "2019-06", ""),
	}))
	t.Cleanup(api.Close)
	write(t, config, twoAccounts+"api: {endpoint: '"+api.URL+"', requests_per_second: 100}\n")
}

// showsEachMonthOnce asks for two years, day by day, from midnight in Beijing and from midnight UTC. The account main
// cost a yuan more every month, and a fen.
func showsEachMonthOnce(t *testing.T, server, query string) {
	t.Helper()
	newest := billclient.MonthOf(time.Now()).Add(-1)
	var want []float64
	for m := newest.Add(-23); m <= newest; m++ {
		want = append(want, float64(100*int(m-billclient.FirstMonth+1)+1)/100)
	}
	for _, midnight := range []time.Duration{0, 8 * time.Hour} {
		from, to := newest.Add(-23).Start().AddDate(0, 0, 1).Add(midnight), newest.End().Add(midnight)
		got := rangeOf(t, server, query, from, to)["main"]
		if !strings.Contains(query, "last_over_time") { // VictoriaMetrics shows a month until the next one
			got = slices.Compact(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s from %v (-want +got):\n%s", server, query, from, diff)
		}
	}
}

// rangeOf returns what a range query with a step of a day finds, by account.
func rangeOf(t *testing.T, server, query string, from, to time.Time) map[string][]float64 {
	t.Helper()
	values := url.Values{
		"query": {query}, "step": {"86400"},
		"start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix(), 10)},
		"nocache": {"1"}, // VictoriaMetrics aligns what it caches
	}
	var answer struct {
		Status string
		Data   struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	text := body(t, server+"/api/v1/query_range?"+values.Encode())
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Status != "success" {
		t.Fatalf("query %s: %v %s", query, err, text)
	}
	found := map[string][]float64{}
	for _, series := range answer.Data.Result {
		for _, v := range series.Values {
			number, err := strconv.ParseFloat(v[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			found[series.Metric["account"]] = append(found[series.Metric["account"]], number)
		}
	}
	return found
}

// Both languages have the same commands and, but for their comments, the same queries.
func TestBackfillDocsAgree(t *testing.T) {
	said := func(file string) (blocks []string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []*regexp.Regexp{shellBlock, promqlBlock} {
			for _, block := range pattern.FindAllStringSubmatch(string(text), -1) {
				blocks = append(blocks, regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(block[1], ""))
			}
		}
		return blocks
	}
	if diff := cmp.Diff(said("docs/backfill.md"), said("docs/backfill.zh-CN.md")); diff != "" {
		t.Errorf("docs/backfill (-English +Chinese):\n%s", diff)
	}
}

// On a real terminal, an export shows how far it is, and leaves nothing of that.
func TestExportOnTerminal(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, program)
	command(t, "go", "build", "-o", binary, ".")
	_, config := simulate(t, slices.Repeat([]billsim.Line{sampleLine}, 20000)...)
	month := billclient.MonthOf(time.Now()).String()
	terminal := exec.CommandContext(t.Context(), "script", "-qec",
		binary+" --config.file="+config+" export --month="+month+" --output="+dir+"/bill.csv", "/dev/null")
	terminal.Env = append(os.Environ(), "TERM=xterm", "COLUMNS=80")
	out, err := terminal.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`(?s)waiting for lines.*\d000 lines, \d+\.\d MB`).Match(out) {
		t.Errorf("no progress on the terminal: %q", out)
	}
	shown := strings.Split(strings.TrimRight(string(out), "\r\n"), "\r")
	if last := shown[len(shown)-1]; strings.TrimSpace(strings.ReplaceAll(last, "\x1b[2K", "")) != "" {
		t.Errorf("on the terminal in the end: %q", last)
	}
	bill, err := os.ReadFile(dir + "/bill.csv")
	if err != nil || strings.Count(string(bill), "\n") != 20001 {
		t.Errorf("%d lines: %v", strings.Count(string(bill), "\n"), err)
	}
}
