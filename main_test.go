package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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

// A user gets one line for each mistake, an exit code that is not 0, and no stack trace.
func TestMistakes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	write(t, bad, "accounts: []\nfoo: 1\n")
	_, good := peers.Simulate(t)
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
			"route prefix",
			[]string{"--config.file=" + good, "--web.route-prefix=bills"},
			2,
			"ksyun_bill_exporter: --web.route-prefix: \"bills\" is no path: it starts with /, and has letters, digits and" +
				" . _ ~ - only; try --help\n",
		},
		{
			"external URL without a host",
			[]string{"--config.file=" + good, "--web.external-url=bills.example.com/x"},
			2,
			"ksyun_bill_exporter: --web.external-url: \"bills.example.com/x\": want http:// or https://, a host, and" +
				" perhaps a path; try --help\n",
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
			"no such shard",
			[]string{"--config.file=" + good, "--config.check", "--shard.count=3", "--shard.index=3"},
			2,
			"ksyun_bill_exporter: --shard.index: 3: want 0 to 2, as --shard.count is 3; try --help\n",
		},
		{
			"less than never",
			[]string{"--config.file=" + good, "--config.auto-reload-interval=-1s"},
			2,
			"ksyun_bill_exporter: --config.auto-reload-interval: -1s: want 0s (never) or more; try --help\n",
		},
		{
			"nothing to look at",
			[]string{"--config.auto-reload-interval=30s"},
			2,
			"ksyun_bill_exporter: --config.auto-reload-interval: there is no --config.file to look at; try --help\n",
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
			[]string{"export", "--config.file=" + good},
			2,
			"ksyun_bill_exporter: export: --month: say which one, or --from and --to; try --help\n",
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
			"ksyun_bill_exporter: --format: enum value must be one of csv,table,focus-csv,parquet,focus-parquet, got 'xlsx'; try --help\n",
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
			"no such pay mode",
			[]string{"--config.file=" + good, "export", "--month=2026-10", "--pay-modes=postpaid,monthly"},
			2,
			"ksyun_bill_exporter: export: --pay-modes: \"monthly\" is none of prepaid, realtime, postpaid;" +
				" try --help\n",
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
			var log peers.Log
			code := run(t.Context(), c.args, noEnvironment, io.Discard, &log)
			got := logTime.ReplaceAllString(log.String(), "")
			got = got[max(0, strings.Index(got, "level=error")):]
			if diff := cmp.Diff(c.want, got); diff != "" || code != c.code {
				t.Errorf("exit code %d, want %d; log (-want +got):\n%s", code, c.code, diff)
			}
		})
	}
}

// --help has the flags of all commands; after a command, only its own.
func TestHelp(t *testing.T) {
	for file, args := range map[string][]string{
		"help.txt": {"--help"}, "help_export.txt": {"export", "-h"}, "help_check.txt": {"help", "check"},
	} {
		var out strings.Builder
		code := run(t.Context(), args, noEnvironment, &out, io.Discard)
		want, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" || code != 0 {
			t.Errorf("%q: exit code %d (-%s +got):\n%s", args, code, file, diff)
		}
	}
}

// The command version prints what the flag prints.
func TestVersion(t *testing.T) {
	var texts [2]strings.Builder
	for n, arg := range []string{"version", "--version"} {
		if code := run(t.Context(), []string{arg}, noEnvironment, &texts[n], &texts[n]); code != 0 {
			t.Errorf("%s: exit code %d", arg, code)
		}
	}
	if text := texts[0].String(); text != texts[1].String() || !strings.HasPrefix(text, programName+", version ") {
		t.Errorf("%s\n%s", text, &texts[1])
	}
}

// The command check prints its report, and its exit code says whether all accounts work.
func TestCheck(t *testing.T) {
	api, config := peers.Simulate(t, peers.SampleLine)
	check := func(wantCode int, wantLog string) {
		t.Helper()
		var out, log strings.Builder
		code := run(t.Context(), []string{"check", "--config.file=" + config}, noEnvironment, &out, &log)
		if got := logTime.ReplaceAllString(log.String(), ""); code != wantCode || got != wantLog {
			t.Errorf("exit code %d, want %d; log %swant %s", code, wantCode, got, wantLog)
		}
		if report := out.String(); !strings.Contains(report, "bill:GetMonthBill") ||
			!strings.Contains(report, "```text\n"+programName) {
			t.Errorf("no report:\n%s", report)
		}
	}
	check(0, "")
	api.Fault(billsim.Page(http.StatusBadGateway))
	check(1, `level=error msg="cannot go on" err="check: accounts that do not work: 1 of 1"`+"\n")
}

// A file of the vendor's is exported without a configuration and without the key of the environment.
func TestExportOfFile(t *testing.T) {
	var out, log strings.Builder
	key := func(name string) string { return map[string]string{"KSYUN_ACCESS_KEY": "half a key"}[name] }
	args := []string{"export", "--source=file", "--input=billclient/testdata/detail_bill.csv", "--format=table"}
	code := run(t.Context(), args, key, &out, &log)
	const want = "file: postpaid bill of 2018-06, in CNY\n"
	if code != 0 || !strings.HasPrefix(out.String(), want) || !strings.Contains(log.String(), "lines=1 cost_cny=55.00") {
		t.Errorf("exit code %d:\n%s%s", code, out.String(), log.String())
	}
}

// The command export takes its flags, and exit code 3 says that lines and summary disagree.
func TestExport(t *testing.T) {
	api, config := peers.Simulate(t, peers.SampleLine, peers.SampleLine)
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
	want = `level=error msg="cannot go on" err="export: main, ` + month + `: all is written, but to ` + file +
		`.unreconciled, and ` + file + ` is as it was: the postpaid lines come to`
	if code != 3 || !strings.Contains(log, want) {
		t.Errorf("exit code %d, want 3 and %s in\n%s", code, want, log)
	}
}

// The command backfill takes its flags, and its exit code says whether there is a file.
func TestBackfill(t *testing.T) {
	api, config := peers.Simulate(t)
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
	backfill(0, months+" billed=1\nlevel=info msg=written file="+file+" samples=2\n")
	text, err := os.ReadFile(file)
	if want := `ksyun_bill_month_account_cost_cny{account="main",pay_mode="postpaid"} 1.0 `; err != nil ||
		!strings.Contains(string(text), want) {
		t.Errorf("%v, want %s in\n%s", err, want, text)
	}
}

// A configuration file whose read hangs is an error after 10s, and a signal ends the program in time all the same.
func TestConfigFileHangs(t *testing.T) {
	t.Parallel()
	const abandoned = "ended while something hangs, such as the read of a file"
	const slow = `level=error msg="cannot go on" err="%s: FILE: reading it took longer than 10s"`
	for _, tt := range []struct {
		flag       string
		command    string
		terminated bool
		code       int
		want       string
	}{
		{"--config.file", "serve", false, 1, fmt.Sprintf(slow, "--config.file")},
		{"--config.file", "serve", true, 0, `level=warn msg="` + abandoned + `"`},
		{"--config.file", "--config.check", true, 1, `level=error msg="cannot go on" err="` + abandoned + `"`},
		{"--config.file", "check", true, 1, `level=error msg="cannot go on" err="` + abandoned + `"`},
		{"--web.config.file", "serve", false, 1, fmt.Sprintf(slow, "--web.config.file")},
		{"--web.config.file", "serve", true, 0, `level=warn msg="` + abandoned + `"`},
	} {
		t.Run(fmt.Sprint(tt.flag, " ", tt.command, " terminated ", tt.terminated), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "config.yaml")
			makeFIFO(t, file)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			longest := 13 * time.Second
			if tt.terminated {
				longest = 3 * time.Second
				cancel()
			}
			var log peers.Log
			start := time.Now()
			keys := func(string) string { return "key" }
			code := run(ctx, []string{tt.command, tt.flag + "=" + file}, keys, io.Discard, &log)
			if took := time.Since(start); took > longest {
				t.Errorf("it took %s", took)
			}
			got := strings.ReplaceAll(logTime.ReplaceAllString(log.String(), ""), file, "FILE")
			if code != tt.code || got != tt.want+"\n" {
				t.Errorf("exit code %d, want %d; %swant %s", code, tt.code, got, tt.want)
			}
		})
	}
}
