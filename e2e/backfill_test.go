//go:build e2e

package e2e

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// TestBackfillPeers runs every command of docs/backfill.md: a real Prometheus and a real VictoriaMetrics import the
// history, show each month of two years once, and answer every query.
func TestBackfillPeers(t *testing.T) {
	t.Chdir(root)
	page := manual{"docs/backfill.md", read(t, "docs/backfill.md")}
	dir := t.TempDir()
	if err := os.Symlink(binary(t), filepath.Join(dir, "ksyun_bill_exporter")); err != nil {
		t.Fatal(err)
	}
	simulateYears(t, filepath.Join(dir, "config.yaml"))
	victoria := peers.StartVictoriaMetrics(t)
	commands := page.commands()
	if len(commands) != 3 {
		t.Fatalf("%s has %d commands", page.name, len(commands))
	}
	places := strings.NewReplacer("/var/lib/prometheus", dir, "http://localhost:8428", victoria.URL)
	for _, c := range commands {
		shell := exec.CommandContext(t.Context(), "sh", "-ec", places.Replace(c))
		shell.Dir, shell.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		if out, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c, err, out)
		}
	}
	peers.Get(t, victoria.URL+"/internal/force_flush")
	prometheus := peers.StartPrometheus(t, dir, "", "--storage.tsdb.retention.time=100y")
	queries := page.blocks("promql")
	if len(queries) != 5 {
		t.Errorf("%s has %d queries", page.name, len(queries))
	}
	afterLastSample := billclient.MonthOf(time.Now()).Add(-1).End().Add(-11 * time.Hour) // by an hour
	for _, server := range []peers.Prometheus{prometheus, victoria} {
		checkEachMonthOnce(t, server, queries[0])
		for _, q := range queries {
			if len(server.QueryRange(t, q, afterLastSample, afterLastSample, day)) == 0 {
				t.Errorf("%s: no answer to\n%s", server.URL, q)
			}
		}
	}
	checkEachMonthOnce(t, victoria, "ksyun_bill_month_account_cost_cny")
}

const day = 24 * time.Hour

// simulateYears serves two accounts, of which the second one began a year later, and writes a configuration for them.
func simulateYears(t *testing.T, config string) {
	t.Helper()
	api := httptest.NewServer(billsim.New([]billsim.Account{
		accountSince("AKLTMAIN", "s3cret-main", "73400575", "2018-06"),
		accountSince("AKLTSHOP", "s3cret-shop", "73406772", "2019-06"),
	}))
	t.Cleanup(api.Close)
	const accounts = "accounts:\n" +
		"  - {name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}\n" +
		"  - {name: 商城, access_key_id: AKLTSHOP, secret_access_key: s3cret-shop}\n"
	write(t, config, accounts+"api: {endpoint: '"+api.URL+"', requests_per_second: 100}\n")
}

// accountSince returns an account whose months have a bill from the first one on: the n-th month costs n yuan and a
// fen, in two products and two projects.
func accountSince(key, secret, customer, first string) billsim.Account {
	return billsim.Account{
		AccessKeyID: key, SecretAccessKey: secret, CustomerID: customer,
		Bills: func(month string) (billsim.Bill, bool) {
			begin, _ := billclient.ParseMonth(first)
			m, _ := billclient.ParseMonth(month)
			return billsim.Bill{Lines: slices.Values([]billsim.Line{
				{ProductCode: "KEC", ProjectID: "0", Cost: billsim.Amount(m-begin+1) * billsim.Yuan},
				{ProductCode: "EBS", ProjectID: `1"03`, Cost: billsim.Fen},
			})}, m >= begin
		},
	}
}

// checkEachMonthOnce asks for two years, day by day, from midnight in Beijing and from midnight UTC. The account main
// costs a yuan more every month, and a fen.
func checkEachMonthOnce(t *testing.T, server peers.Prometheus, query string) {
	t.Helper()
	newest := billclient.MonthOf(time.Now()).Add(-1)
	var want []float64
	for m := newest.Add(-23); m <= newest; m++ {
		want = append(want, float64(100*int(m-billclient.FirstMonth+1)+1)/100)
	}
	for _, midnight := range []time.Duration{0, 8 * time.Hour} {
		from, to := newest.Add(-23).Start().AddDate(0, 0, 1).Add(midnight), newest.End().Add(midnight)
		got := valuesOf("main", server.QueryRange(t, query, from, to, day))
		if !strings.Contains(query, "last_over_time") { // VictoriaMetrics shows a month until the next one
			got = slices.Compact(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s from %v (-want +got):\n%s", server.URL, query, from, diff)
		}
	}
}

// valuesOf returns the values of the only series of an account.
func valuesOf(account string, answer []peers.Series) []float64 {
	for _, series := range answer {
		if series.Labels["account"] == account {
			return series.Values
		}
	}
	return nil
}
