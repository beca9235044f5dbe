package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// A bill goes all the way: a configuration file is read, a sample comes out, and the end is clean.
func TestServe(t *testing.T) {
	_, config := peers.Simulate(t, peers.SampleLine)
	r := launch(t, "--config.file="+config)
	r.AwaitLines("main")
	for path, want := range map[string]string{
		"/metrics": `ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",` +
			`project_id="0",instance_id="i-1",instance_name="web \"1\""} 55` + "\n",
		"/":          `<a href="metrics">Metrics</a>`,
		"/-/healthy": "Healthy.\n",
		"/-/ready":   "Ready.\n",
	} {
		if status, body := r.Get(path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, want in it: %s\n%s", path, status, want, body)
		}
	}
	for _, path := range []string{"/nothing", "/debug/pprof/"} {
		if status, _ := r.Get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if code := r.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log := r.Log.String(); !strings.HasSuffix(log, "msg=stopped\n") || strings.Contains(log, "s3cret") {
		t.Errorf("log:\n%s", log)
	}
}

func TestFlags(t *testing.T) {
	_, config := peers.Simulate(t)
	r := launch(t, "--config.file="+config, "--log.format=json", "--web.telemetry-path=/cost", "--web.enable-pprof",
		"--web.disable-exporter-metrics")
	r.Log.Await(t, regexp.MustCompile(`"msg":"refreshed"`))
	body := r.Await("/cost", "ksyun_bill_account_info{")
	if !strings.Contains(body, "ksyun_bill_exporter_build_info{") {
		t.Errorf("/cost does not have the version:\n%s", body)
	}
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "ksyun_bill_") && !strings.HasPrefix(line, "# ") {
			t.Errorf("not wanted: %s", line)
		}
	}
	if status, _ := r.Get("/debug/pprof/cmdline"); status != http.StatusOK {
		t.Errorf("pprof: %d", status)
	}
}

// Behind a proxy everything is below the path of the external URL, or below another one that the proxy puts there.
func TestExternalURL(t *testing.T) {
	_, config := peers.Simulate(t)
	for _, tt := range []struct {
		args   []string
		prefix string
		open   string // what the log says to open
	}{
		{
			[]string{"--web.external-url=https://example.com/ops/bills/"}, "/ops/bills",
			"page=https://example.com/ops/bills/ metrics=https://example.com/ops/bills/metrics",
		},
		{
			[]string{"--web.external-url=https://example.com/ops/bills", "--web.route-prefix=/"}, "",
			"page=https://example.com/ops/bills/ metrics=https://example.com/ops/bills/metrics",
		},
		{[]string{"--web.route-prefix=/bills/"}, "/bills", "page=URL/bills/ metrics=URL/bills/metrics"},
	} {
		r := launch(t, append(tt.args, "--config.file="+config, "--web.enable-pprof")...)
		for _, path := range []string{"/", "/metrics", "/-/healthy", "/debug/pprof/cmdline", "/favicon.svg"} {
			if status, _ := r.Get(tt.prefix + path); status != http.StatusOK {
				t.Errorf("%v: %s%s: %d", tt.args, tt.prefix, path, status)
			}
			if status, _ := r.Get("/other" + path); status != http.StatusNotFound {
				t.Errorf("%v: /other%s: %d", tt.args, path, status)
			}
		}
		if status, body := r.Get("/"); status != http.StatusOK || !strings.Contains(body, `<a href="metrics">`) {
			t.Errorf("%v: from the root: %d %s", tt.args, status, body)
		}
		if open := strings.ReplaceAll(tt.open, "URL", r.URL); !strings.Contains(r.Log.String(), "msg=open "+open+"\n") {
			t.Errorf("no %s in\n%s", open, r.Log)
		}
	}
}

// The program is not ready until every account has been asked. An API that never answers must not look like an account
// without cost.
func TestNotReady(t *testing.T) {
	api, config := peers.Simulate(t)
	defer api.Fault(billsim.Never())()
	r := launch(t, "--config.file="+config)
	if status, body := r.Get("/-/ready"); status != http.StatusServiceUnavailable ||
		body != "Not ready: 0 of 1 accounts have been asked.\n" {
		t.Errorf("%d: %s", status, body)
	}
	if _, body := r.Get("/metrics"); strings.Contains(body, "_cost_cny{") {
		t.Errorf("cost without an answer:\n%s", body)
	}
	if code := r.Stop(); code != 0 {
		t.Errorf("exit code %d while a call is under way", code)
	}
}

// A key file that does not exist stops its own account, at the start and at a reload, and no other one.
func TestKeyFileIsMissing(t *testing.T) {
	_, config := peers.Simulate(t, peers.SampleLine)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(config), "key")
	late := "}, {name: late, access_key_id: AKLT2, secret_access_key_file: " + file + "}]"
	write(t, config, strings.Replace(string(text), "}]", late, 1))
	r := launch(t, "--config.file="+config, "--web.enable-lifecycle")
	r.AwaitLines("main")
	if status, body := r.Post("/-/reload"); status != http.StatusOK {
		t.Errorf("%d: %s", status, body)
	}
	page := r.Await("/metrics", `source_refresh_failures_total{account="late",reason="auth",source="month_bill"} 1`)
	for _, want := range []string{
		`ksyun_bill_source_up{account="late",source="month_bill"} 0`,
		`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	want := `level=warn account=late source=month_bill`
	reason := `reason=auth err="GetMonthBill: credentials: secret_access_key_file: open ` + file + `: no such file`
	if log := r.Log.String(); strings.Count(log, want) != 1 || !strings.Contains(log, reason) {
		t.Errorf("log:\n%s", log)
	}
}

// The next start has the numbers of the last one, without a call. A second process cannot use the directory.
func TestStateDir(t *testing.T) {
	api, config := peers.Simulate(t, peers.SampleLine)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new", "state")
	write(t, config, string(text)+"refresh: {interval: 1d, max_staleness: 1w}\nstate_dir: "+dir+"\n")
	first := launch(t, "--config.file="+config)
	first.AwaitLines("main")

	var stderr strings.Builder
	if code := run(t.Context(), []string{"--config.file=" + config}, noEnvironment, &stderr, &stderr); code != 1 ||
		!strings.Contains(stderr.String(), "state_dir: "+dir+" is in use by another process; give each its own, or let one wait with --state.standby") {
		t.Errorf("a second process: %d: %s", code, stderr.String())
	}

	first.Stop()
	api.ResetCalls()
	second := launch(t, "--config.file="+config)
	const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`
	if _, page := second.Get("/metrics"); !strings.Contains(page, cost) ||
		!strings.Contains(page, `ksyun_bill_source_from_disk{account="main",source="detail_bill"} 1`) {
		t.Errorf("after a restart:\n%s", page)
	}
	if status, _ := second.Get("/-/ready"); status != http.StatusOK {
		t.Errorf("ready: %d", status)
	}
	if calls := api.Calls(); len(calls) != 0 {
		t.Errorf("after a restart %d calls were made", len(calls))
	}
}

func TestConfigCheck(t *testing.T) {
	_, config := peers.Simulate(t)
	var out strings.Builder
	args := []string{"--config.file=" + config, "--config.check"}
	if code := run(t.Context(), args, noEnvironment, &out, io.Discard); code != 0 {
		t.Errorf("exit code %d", code)
	}
	const want = `The configuration is good.
accounts: 1 (main)
months: the running one (auto) and 3 closed; days: 31
first round: 3 calls an account for summaries, with api.requests_per_second at least 1s; 1s for all accounts, 64 at once; lines come after that, of refresh.concurrency (2) accounts at once
calls a day and account: 72 for summaries, up to 3 more for closed months that have no bill, 73 more where the API refuses a range of months; lines are read 3 to 16 times, those of consumption with a call per 5000; retries apart; at most 5000 (api.daily_calls)
series an account: at most 4000 of instances, as many that describe them, 0 of amortised ones, and 0 of tags, __other__ apart; in all accounts at most 8000; and 31 days of each product in a project and, by pay mode, of each product and project
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, strings.Replace(string(text), "name: main", `name: "\u202eniam"`, 1))
	out.Reset()
	run(t.Context(), args, noEnvironment, &out, io.Discard)
	if want := "\naccounts: 1 (?niam)\n"; !strings.Contains(out.String(), want) {
		t.Errorf("no %s in\n%s", want, &out)
	}
}

// Only --config.check reads key files. A running exporter waits for them.
func TestConfigCheckReadsKeyFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	write(t, file, "accounts:\n  - name: a\n    access_key_id: b\n    secret_access_key_file: "+dir+"/nowhere")
	var out, log strings.Builder
	code := run(t.Context(), []string{"--config.file=" + file, "--config.check"}, noEnvironment, &out, &log)
	want := `level=error msg="cannot go on" err="` + file + `:4: accounts[0].secret_access_key_file: open ` + dir +
		`/nowhere: no such file or directory"` + "\n"
	if got := logTime.ReplaceAllString(log.String(), ""); got != want || code != 1 || out.Len() > 0 {
		t.Errorf("exit code %d, %swant 1, %s", code, got, want)
	}
}

func TestBrowserURL(t *testing.T) {
	withTLS := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }}
	for _, tt := range []struct {
		address net.Addr
		config  *tls.Config
		want    string
	}{
		{&net.TCPAddr{Port: 9978}, nil, "http://localhost:9978"},
		{&net.TCPAddr{IP: net.IPv6zero, Port: 9978}, &tls.Config{}, "http://localhost:9978"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 1}, withTLS, "https://[::1]:1"},
		{&net.UnixAddr{Name: "socket", Net: "unix"}, nil, "http://socket"},
	} {
		if got := browserURL(tt.address, tt.config); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.address, got, tt.want)
		}
	}
}
