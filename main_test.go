package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

// running is the program in this process, from its arguments to its exit code.
type running struct {
	t      *testing.T
	url    string
	log    *logWatch
	cancel context.CancelFunc
	code   chan int
}

// launch starts the program on a free port and returns once it listens.
func launch(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, log: &logWatch{}, cancel: cancel, code: make(chan int, 1)}
	args = append(args, "--web.listen-address=127.0.0.1:0")
	go func() { r.code <- run(ctx, args, noEnvironment, io.Discard, r.log) }()
	t.Cleanup(func() { r.stop() })
	r.url = "http://" + r.log.wait(t, regexp.MustCompile(`address"?[=:]"?(127\.0\.0\.1:\d+)`))
	return r
}

// stop ends the program as SIGTERM does and returns its exit code.
func (r *running) stop() int {
	r.cancel()
	code := <-r.code
	r.code <- code
	return code
}

// get returns status and body of a page.
func (r *running) get(path string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// logWatch keeps a log and wakes who waits for a line of it.
type logWatch struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func (l *logWatch) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(p)
}

// wait returns the first group of the pattern's first match in the log, once there is one.
func (l *logWatch) wait(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		l.mu.Lock()
		found := pattern.FindStringSubmatch(l.text.String())
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if found != nil {
			return found[len(found)-1]
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("the log has no %s:\n%s", pattern, l.String())
		}
	}
}

func (l *logWatch) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// simulate serves a simulated API and returns a configuration file for it, with one account named main.
func simulate(t *testing.T, lines ...billsim.Line) (api *billsim.Server, config string) {
	t.Helper()
	month := time.Now().In(time.FixedZone("UTC+8", 8*60*60)).Format("2006-01")
	api = billsim.New([]billsim.Account{{
		AccessKeyID: "AKLT", SecretAccessKey: "s3cret", CustomerID: "73400575",
		Bills: func(m string) (billsim.Bill, bool) { return billsim.Bill{Lines: slices.Values(lines)}, m == month },
	}})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	config = filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, "accounts: [{name: main, access_key_id: AKLT, secret_access_key: s3cret}]\n"+
		"api: {endpoint: '"+server.URL+"', max_retries: 0}\n")
	return api, config
}

var sampleLine = billsim.Line{
	ProductCode: "KEC", ProjectID: "0", InstanceID: "i-1", InstanceName: `web "1"`, RegionName: "华北1(北京)",
	Cost: 55 * billsim.Yuan, MeasureAmount: 7333 * billsim.Fen,
}

// waitForLines returns once what comes from the lines of an account is on the page.
func (r *running) waitForLines(account string) {
	r.t.Helper()
	r.waitFor("/metrics", `ksyun_bill_source_items{account="`+account+`",source="detail_bill"} `)
}

// waitFor returns a page once it has the wanted text.
func (r *running) waitFor(path, want string) string {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, body := r.get(path)
		if strings.Contains(body, want) {
			return body
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s never has %s\n%s\n%s", path, want, body, r.log)
		}
	}
}

// The whole way of a bill: a configuration file in, a sample out, a clean end.
func TestRun(t *testing.T) {
	_, config := simulate(t, sampleLine)
	r := launch(t, "--config.file="+config)
	r.waitForLines("main")
	for path, want := range map[string]string{
		"/metrics": `ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",` +
			`project_id="0",instance_id="i-1",instance_name="web \"1\""} 55` + "\n",
		"/":          `<a href="/metrics">Metrics</a>`,
		"/-/healthy": "Healthy.\n",
		"/-/ready":   "Ready.\n",
	} {
		if status, body := r.get(path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, want in it: %s\n%s", path, status, want, body)
		}
	}
	for _, path := range []string{"/nothing", "/debug/pprof/"} {
		if status, _ := r.get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log := r.log.String(); !strings.HasSuffix(log, "msg=stopped\n") || strings.Contains(log, "s3cret") {
		t.Errorf("log:\n%s", log)
	}
}

func TestFlags(t *testing.T) {
	_, config := simulate(t)
	r := launch(t, "--config.file="+config, "--log.format=json", "--web.telemetry-path=/cost", "--web.enable-pprof",
		"--web.disable-exporter-metrics")
	r.log.wait(t, regexp.MustCompile(`"msg":"refreshed"`))
	body := r.waitFor("/cost", "ksyun_bill_account_info{")
	if !strings.Contains(body, "ksyun_bill_exporter_build_info{") {
		t.Errorf("/cost does not tell the version:\n%s", body)
	}
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "ksyun_bill_") && !strings.HasPrefix(line, "# ") {
			t.Errorf("not wanted: %s", line)
		}
	}
	if status, _ := r.get("/debug/pprof/cmdline"); status != http.StatusOK {
		t.Errorf("pprof: %d", status)
	}
}

// Not ready until every account has been asked; an API that never answers must not look like an account without cost.
func TestNotReady(t *testing.T) {
	api, config := simulate(t)
	defer api.Fault(billsim.Never())()
	r := launch(t, "--config.file="+config)
	if status, body := r.get("/-/ready"); status != http.StatusServiceUnavailable ||
		body != "Not ready: an account has not been asked yet.\n" {
		t.Errorf("%d: %s", status, body)
	}
	if _, body := r.get("/metrics"); strings.Contains(body, "_cost_cny{") {
		t.Errorf("cost without an answer:\n%s", body)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d while a call is under way", code)
	}
}

// A key file that is not there costs its own account, at the start and at a reload, and nobody else.
func TestKeyFileIsMissing(t *testing.T) {
	_, config := simulate(t, sampleLine)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(config), "key")
	late := "}, {name: late, access_key_id: AKLT2, secret_access_key_file: " + file + "}]"
	write(t, config, strings.Replace(string(text), "}]", late, 1))
	r := launch(t, "--config.file="+config, "--web.enable-lifecycle")
	r.waitForLines("main")
	if status, body := r.post("/-/reload"); status != http.StatusOK {
		t.Errorf("%d: %s", status, body)
	}
	page := r.waitFor("/metrics", `source_refresh_failures_total{account="late",reason="auth",source="month_bill"} 1`)
	for _, want := range []string{
		`ksyun_bill_source_up{account="late",source="month_bill"} 0`,
		`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	want := `level=warn account=late source=month_bill`
	said := `reason=auth err="GetMonthBill: credentials: secret_access_key_file: open ` + file + `: no such file`
	if log := r.log.String(); strings.Count(log, want) != 1 || !strings.Contains(log, said) {
		t.Errorf("log:\n%s", log)
	}
}

// What a user sees who makes a mistake: one line for each, a code that is not 0, and no stack trace.
func TestMistakes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	write(t, bad, "accounts: []\nfoo: 1\n")
	_, good := simulate(t)
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	occupied := taken.Listener.Addr().String()
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"--conf=x"}, 2, "ksyun_bill_exporter: unknown long flag '--conf'; try --help\n"},
		{"no account", nil, 1, `level=error msg="cannot go on" err="no account: give --config.file, or set` +
			` KSYUN_ACCESS_KEY and KSYUN_SECRET_KEY, or try --demo"` + "\n"},
		{
			"bad configuration",
			[]string{"--config.file=" + bad},
			1,
			`level=error msg="cannot go on" err="` + bad + `:1: accounts: want at least one account"` + "\n" +
				`level=error msg="cannot go on" err="` + bad + `:2: foo: unknown key"` + "\n",
		},
		{
			"demo and configuration",
			[]string{"--demo", "--config.file=" + good},
			2,
			"ksyun_bill_exporter: --demo brings its own configuration: leave out --config.file and --config.check, or" +
				" --demo; try --help\n",
		},
		{
			"telemetry path",
			[]string{"--config.file=" + good, "--config.check", "--web.telemetry-path=/"},
			2,
			"ksyun_bill_exporter: --web.telemetry-path: \"/\" serves something else; try --help\n",
		},
		{
			"no port",
			[]string{"--config.file=" + good, "--config.check", "--web.listen-address=foo"},
			2,
			"ksyun_bill_exporter: --web.listen-address: address foo: missing port in address; try --help\n",
		},
		{
			"no such port",
			[]string{"--config.file=" + good, "--config.check", "--web.listen-address=:99999"},
			2,
			"ksyun_bill_exporter: --web.listen-address: address 99999: invalid port; try --help\n",
		},
		{
			"less than no scrapes",
			[]string{"--config.file=" + good, "--config.check", "--web.max-requests=-1"},
			2,
			"ksyun_bill_exporter: --web.max-requests: -1: want 0 (no limit) or more; try --help\n",
		},
		{
			"no number",
			[]string{"--web.max-requests=many"},
			2,
			"ksyun_bill_exporter: --web.max-requests: strconv.ParseFloat: parsing \"many\": invalid syntax;" +
				" try --help\n",
		},
		{
			"no month",
			[]string{"export"},
			2,
			"ksyun_bill_exporter: required flag(s) '--month' not provided; try --help\n",
		},
		{
			"no such month",
			[]string{"export", "--month=2026-13"},
			2,
			"ksyun_bill_exporter: --month: month \"2026-13\": want YYYY-MM; try --help\n",
		},
		{
			"no such format",
			[]string{"export", "--month=2026-10", "--format=xlsx"},
			2,
			"ksyun_bill_exporter: --format: enum value must be one of csv,table, got 'xlsx'; try --help\n",
		},
		{
			"a month without bills",
			[]string{"--config.file=" + good, "export", "--month=2018-05"},
			2,
			"ksyun_bill_exporter: export: --month: there are bills from 2018-06 on; try --help\n",
		},
		{
			"no such account",
			[]string{"--config.file=" + good, "export", "--month=2026-10", "--account=game"},
			2,
			"ksyun_bill_exporter: export: --account: \"game\" is none of main; try --help\n",
		},
		{
			"nowhere to write to",
			[]string{"backfill"},
			2,
			"ksyun_bill_exporter: required flag(s) '--output' not provided; try --help\n",
		},
		{
			"an empty name",
			[]string{"--config.file=" + good, "backfill", "--output="},
			2,
			"ksyun_bill_exporter: backfill: --output: want the name of a file; try --help\n",
		},
		{
			"bad web configuration",
			[]string{"--config.check", "--config.file=" + good, "--web.config.file=" + bad},
			1,
			`level=error msg="cannot go on" err="--web.config.file: ` + bad + `: yaml: unmarshal errors:\n` +
				`  line 1: field accounts not found in type web.Config\n` +
				`  line 2: field foo not found in type web.Config"` + "\n",
		},
		{
			"occupied port",
			[]string{"--config.file=" + good, "--web.listen-address=" + occupied},
			1,
			`level=error msg="cannot go on" err="web server: listen tcp ` + occupied +
				`: bind: address already in use"` + "\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log logWatch
			code := run(t.Context(), c.args, noEnvironment, io.Discard, &log)
			got := logTime.ReplaceAllString(log.String(), "")
			got = got[max(0, strings.Index(got, "level=error")):]
			if diff := cmp.Diff(c.want, got); diff != "" || code != c.code {
				t.Errorf("exit code %d, want %d; log (-want +got):\n%s", code, c.code, diff)
			}
		})
	}
}

var logTime = regexp.MustCompile(`(?m)^ts=\S+ `)

func TestConfigCheck(t *testing.T) {
	_, config := simulate(t)
	var out strings.Builder
	args := []string{"--config.file=" + config, "--config.check"}
	if code := run(t.Context(), args, noEnvironment, &out, io.Discard); code != 0 {
		t.Errorf("exit code %d", code)
	}
	const want = `The configuration is good.
accounts: 1 (main)
months: the running one (auto) and 3 closed; days: 31
calls a day and account: 72 for summaries, 73 more where the API refuses a range of months; lines are read 3 to 16 times, those of consumption with a call per 5000; retries apart; at most 5000 (api.daily_calls)
series an account: at most 4000 of instances, as many that describe them, and 0 of tags, __other__ apart; in all accounts at most 8000; and 31 days of each product, project and product in a project
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

// Only --config.check reads key files, for a program that runs waits for them.
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

// The command check prints its report, and its exit code says whether all accounts work.
func TestCheck(t *testing.T) {
	api, config := simulate(t, sampleLine)
	check := func(wantCode int, wantLog string) {
		t.Helper()
		var out, log strings.Builder
		code := run(t.Context(), []string{"check", "--config.file=" + config}, noEnvironment, &out, &log)
		if got := logTime.ReplaceAllString(log.String(), ""); code != wantCode || got != wantLog {
			t.Errorf("exit code %d, want %d; log %swant %s", code, wantCode, got, wantLog)
		}
		if report := out.String(); !strings.Contains(report, "bill:GetMonthBill") ||
			!strings.Contains(report, "```text\n"+program) {
			t.Errorf("no report:\n%s", report)
		}
	}
	check(0, "")
	api.Fault(billsim.Page(http.StatusBadGateway))
	check(1, `level=error msg="cannot go on" err="check: accounts that do not work: 1 of 1"`+"\n")
}

// The command export takes its flags, and exit code 3 says that lines and summary disagree.
func TestExport(t *testing.T) {
	api, config := simulate(t, sampleLine, sampleLine)
	month := billclient.MonthOf(time.Now()).String()
	file := filepath.Join(t.TempDir(), "bill")
	args := []string{
		"--config.file=" + config, "export", "--month=" + month, "--account=main", "--source=csv", "--format=table",
		"--output=" + file,
	}
	export := func() (code int, log string) {
		var text strings.Builder
		code = run(t.Context(), slices.Clone(args), noEnvironment, io.Discard, &text)
		return code, text.String()
	}
	if code, log := export(); code != 0 || !strings.Contains(log, "level=warn msg=\"the month is not over") {
		t.Errorf("exit code %d, log:\n%s", code, log)
	}
	want := "main: postpaid bill of " + month
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), want) {
		t.Errorf("%v, want %s in:\n%s", err, want, text)
	}
	cut := billsim.Break(billsim.Cut, 1)
	cut.Action = "GetPostpayDetailBillCSV"
	api.Fault(cut)
	code, log := export()
	if want = `level=error msg="cannot go on" err="export: main, ` + month + `: all is written, but to ` + file +
		`.unreconciled, and ` + file + ` is as it was: the lines come to`; code != 3 || !strings.Contains(log, want) {
		t.Errorf("exit code %d, want 3 and %s in\n%s", code, want, log)
	}
}

// The command backfill takes its flags, and its exit code says whether there is a file.
func TestBackfill(t *testing.T) {
	api, config := simulate(t)
	last := billclient.MonthOf(time.Now()).Add(-1).String()
	file := filepath.Join(t.TempDir(), "history")
	args := []string{
		"--config.file=" + config, "backfill", "--from=" + last, "--to=" + last, "--account=main", "--output=" + file,
	}
	backfill := func(wantCode int, want string) {
		t.Helper()
		var log strings.Builder
		code := run(t.Context(), slices.Clone(args), noEnvironment, io.Discard, &log)
		if got := logTime.ReplaceAllString(log.String(), ""); code != wantCode || got != want {
			t.Errorf("exit code %d, want %d; log:\n%swant:\n%s", code, wantCode, got, want)
		}
	}
	months := "level=info msg=months account=main from=" + last + " to=" + last
	missing := `level=warn msg="no bill, or none yet: the file is without this month" account=main month=` + last + "\n"
	backfill(1, months+" billed=0\n"+missing+`level=error msg="cannot go on" err="backfill: no account has a bill of `+
		last+` to `+last+"\"\n")
	bill := billsim.Raw(http.StatusOK, "application/json", `{"MonthBillSet":[{"BillMonth":"`+last+`","BillId":"1",`+
		`"BillType":"postpay","Sum":"1","BillProductSet":[],"BillProjectSet":[]}]}`)
	api.Fault(bill)
	backfill(0, months+" billed=1\nlevel=info msg=written file="+file+" samples=1\n")
	text, err := os.ReadFile(file)
	if want := `ksyun_bill_month_account_cost_cny{account="main",pay_mode="postpaid"} 1.0 `; err != nil ||
		!strings.Contains(string(text), want) {
		t.Errorf("%v, want %s in\n%s", err, want, text)
	}
}

// The demo needs nothing and shows both kinds of account.
func TestDemo(t *testing.T) {
	r := launch(t, "--demo")
	for _, account := range []string{"shop", "game"} {
		r.waitForLines(account)
	}
	_, body := r.get("/metrics")
	for _, want := range []string{
		`ksyun_bill_past_month_account_cost_cny{account="shop",pay_mode="postpaid",months_ago="3"} `,
		`ksyun_bill_past_month_account_cost_cny{account="game",pay_mode="postpaid",months_ago="3"} `,
		`ksyun_bill_past_month_instance_cost_cny{account="game",`,
		`ksyun_bill_account_cost_cny{account="shop",`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	said := `msg=open page=http://127.0.0.1:0/ metrics=http://127.0.0.1:0/metrics`
	if log := r.log.String(); !strings.Contains(log, said) {
		t.Errorf("the log does not say what to open:\n%s", log)
	}
}

// inProcess starts main as a process of its own, which exports the running month over an API, and returns once it has
// asked for the lines.
func inProcess(t *testing.T, wrapper []string, stdout io.Writer, api *billsim.Server, args ...string) *exec.Cmd {
	t.Helper()
	month := billclient.MonthOf(time.Now()).String()
	args = append([]string{program, "export", "--month=" + month}, args...)
	command := append(wrapper, os.Args[0], "-test.run=^TestSignals$")
	child := exec.CommandContext(t.Context(), command[0], command[1:]...)
	child.Env = append(os.Environ(), "SIGNALLED_ARGS="+strings.Join(args, "\n"))
	child.Stdout, child.Stderr = stdout, &logWatch{}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if slices.ContainsFunc(api.Calls(), func(c billsim.Call) bool { return c.Action == "GetPostpayDetailBill" }) {
			return child
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not ask for lines:\n%s", child.Stderr)
		}
	}
}

// Whatever signal ends an export, no half file stays; nohup keeps a closed terminal from ending it.
func TestSignals(t *testing.T) {
	if args := os.Getenv("SIGNALLED_ARGS"); args != "" { // the process that gets the signals
		os.Args = strings.Split(args, "\n")
		main()
	}
	for name, tt := range map[string]struct {
		wrapper []string
		signals []os.Signal
		want    string
	}{
		"terminated": {nil, []os.Signal{syscall.SIGTERM}, "terminated signal received"},
		"hung up":    {nil, []os.Signal{syscall.SIGHUP, syscall.SIGHUP}, "hangup signal received"},
		"nohup":      {[]string{"nohup"}, []os.Signal{syscall.SIGHUP, syscall.SIGINT}, "interrupt signal received"},
	} {
		t.Run(name, func(t *testing.T) {
			api, config := simulate(t, slices.Repeat([]billsim.Line{sampleLine}, 1000)...)
			defer api.Fault(billsim.Break(billsim.Stall, 900))()
			dir := t.TempDir()
			child := inProcess(t, tt.wrapper, io.Discard, api, "--config.file="+config, "--output="+dir+"/bill")
			for _, s := range tt.signals {
				if err := child.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond) // one is to end it before the next comes, or not at all
			}
			_ = child.Wait() // its exit code tells
			log := child.Stderr.(*logWatch).String()
			if files, err := os.ReadDir(dir); err != nil || len(files) > 0 || child.ProcessState.ExitCode() != 1 ||
				!strings.Contains(log, ": "+tt.want+`"`) {
				t.Errorf("%v, files %d\n%s", child.ProcessState, len(files), log)
			}
		})
	}
}

// Who asks a second time does not wait for an export that writes to nobody.
func TestSecondSignalKills(t *testing.T) {
	api, config := simulate(t, sampleLine)
	read, full, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer full.Close()
	if _, err := full.Write(make([]byte, 64<<10)); err != nil { // all that fits
		t.Fatal(err)
	}
	child := inProcess(t, nil, full, api, "--config.file="+config, "--format=table")
	child.Stderr.(*logWatch).wait(t, regexp.MustCompile("the month is not over")) // the last thing before it writes
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		_ = child.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-ended:
			if s := child.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGINT {
				t.Errorf("%v\n%s", child.ProcessState, child.Stderr)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
