package main

import (
	stdcmp "cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
)

// errInterrupted is the cause that a signal gives to a context.
var errInterrupted = errors.New("interrupt signal received")

// forbidShop is a key that may not see bills.
var forbidShop = billsim.Fault{AccessKeyID: "AKLTSHOP", Answer: &billsim.Answer{Status: http.StatusForbidden}}

// yearsOf is an account whose months have a bill from the first one on, but for a gap: the n-th costs n yuan and a fen,
// in two products, and in two projects.
func yearsOf(key, secret, customer, first, gap string) billsim.Account {
	return billsim.Account{
		AccessKeyID: key, SecretAccessKey: secret, CustomerID: customer,
		Bills: func(month string) (billsim.Bill, bool) {
			if month < first || month == gap {
				return billsim.Bill{}, false
			}
			begin, _ := billclient.ParseMonth(first)
			m, _ := billclient.ParseMonth(month)
			return billsim.Bill{Lines: slices.Values([]billsim.Line{
				{ProductCode: "KEC", ProjectID: "0", Cost: billsim.Amount(m-begin+1) * billsim.Yuan},
				{ProductCode: "EBS", ProjectID: `1"03`, Cost: billsim.Fen},
			})}, true
		},
	}
}

// veterans are two accounts, one of them with a gap.
func veterans() *billsim.Server {
	return billsim.New([]billsim.Account{
		yearsOf("AKLTMAIN", "s3cret-main", "73400575", "2026-04", ""),
		yearsOf("AKLTSHOP", "s3cret-shop", "73406772", "2026-07", "2026-09"),
	})
}

// asked returns the months that were asked for with a key, as the calls came.
func asked(api *billsim.Server, key string) (months []string) {
	for _, c := range api.Calls() {
		if c.AccessKeyID == key {
			months = append(months, c.Query.Get("BillStartMonth")+" "+c.Query.Get("BillEndMonth"))
		}
	}
	return months
}

// All months, in few calls: those that are not in the answer for their year are asked for alone.
func TestBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := veterans()
		got := runCommand(t.Context(), t, api, t.TempDir(), twoAccounts, "backfill", "--from=2026-05",
			"--output=DIR/history")
		compareFile(t, "backfill/log.txt", got.String())
		if len(got.files) != 1 {
			t.Errorf("files %q", got.files)
		}
		compareFile(t, "backfill/history.txt", got.files["history"])
		want := []string{"2026-05 2026-10", "2026-05 2026-05", "2026-06 2026-06", "2026-09 2026-09"}
		if diff := cmp.Diff(want, asked(api, "AKLTSHOP")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"2026-05 2026-10"}, asked(api, "AKLTMAIN")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	})
}

// refuseRanges is an API that takes a single month only, as the documentation lets it.
func refuseRanges(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("BillStartMonth") != q.Get("BillEndMonth") {
			http.Error(w, `{"Error":{"Code":"InvalidParameter","Message":"span"}}`, http.StatusBadRequest)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// Whatever an API makes of ranges of months, the history is the same.
func TestBackfillMonthByMonth(t *testing.T) {
	for name, change := range map[string]func(*billsim.Server) http.Handler{
		"refused": func(api *billsim.Server) http.Handler { return refuseRanges(api) },
		"shortened": func(api *billsim.Server) http.Handler {
			api.Fault(billsim.Fault{AccessKeyID: "AKLTMAIN", Times: 1, Answer: &billsim.Answer{
				ContentType: "application/json", Body: func(string) string { return `{"MonthBillSet":[]}` },
			}})
			return api
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := veterans()
				got := runCommand(t.Context(), t, change(api), t.TempDir(), twoAccounts, "backfill", "--from=2026-05",
					"--output=DIR/history")
				compareFile(t, "backfill/history.txt", got.files["history"])
				if calls := asked(api, "AKLTMAIN"); !slices.Contains(calls, "2026-05 2026-05") {
					t.Errorf("asked for %v", calls)
				}
			})
		})
	}
}

// Without calls left for today it stops, and goes on tomorrow, without a call that was made already, though a crash cut
// the last line of what it knew.
func TestBackfillGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api, dir := veterans(), t.TempDir()
		config := twoAccounts + "api: {daily_calls: 1}\nstate_dir: " + t.TempDir() + "\n"
		backfill := func() outcomeOf {
			return runCommand(t.Context(), t, api, dir, config, "backfill", "--from=2026-05", "--output=DIR/history")
		}
		got := backfill()
		compareFile(t, "backfill/stopped.txt", got.String())
		for day := 2; day <= 4; day++ {
			partial := got.files["history.partial"]
			if len(got.files) != 1 || partial == "" || got.code != 1 {
				t.Fatalf("day %d: exit code %d, files %q\n%s", day, got.code, got.files, got.log)
			}
			write(t, filepath.Join(dir, "history.partial"), partial+`{"Account":"`+strings.Repeat("商城", 100))
			time.Sleep(24 * time.Hour)
			got = backfill()
		}
		compareFile(t, "backfill/history.txt", got.files["history"])
		if len(got.files) != 1 || got.code != 0 {
			t.Errorf("exit code %d, files %q", got.code, got.files)
		}
		want := []string{"2026-05 2026-10", "2026-05 2026-05", "2026-06 2026-06", "2026-09 2026-09"}
		if diff := cmp.Diff(want, asked(api, "AKLTSHOP")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	})
}

// An account that fails does not hold up the others, and what is known is kept.
func TestBackfillFailures(t *testing.T) {
	const keeps = `level=error msg="cannot go on" err="backfill: DIR/history.partial keeps the months that are known, `
	for name, tt := range map[string]struct {
		fault   billsim.Fault
		want    []string
		nothing bool // is known
	}{
		"one key": {
			fault: billsim.Fault{AccessKeyID: "AKLTMAIN", Answer: &billsim.Answer{Status: http.StatusUnauthorized}},
			want: []string{
				`level=error msg="cannot go on" err="backfill: main: GetMonthBill`,
				keeps + "6 of 12: run the command again, and it goes on from there; with --account=商城 it writes the" +
					" accounts that are complete\"\n",
			},
		},
		"interrupted": {
			fault:   billsim.Never(),
			want:    []string{"\"cannot go on\" err=\"backfill: interrupt signal received\"\nexit code 1\n"},
			nothing: true,
		},
		"interrupted later": {
			fault: billsim.Fault{AccessKeyID: "AKLTSHOP", End: billsim.Stall},
			want: []string{
				`level=error msg="cannot go on" err="backfill: interrupt signal received"` + "\n" +
					keeps + "6 of 12: run the command again, ",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := veterans()
				api.Fault(tt.fault)
				ctx, interrupt := context.WithCancelCause(t.Context())
				defer time.AfterFunc(10*time.Second, func() { interrupt(errInterrupted) }).Stop()
				got := runCommand(ctx, t, api, t.TempDir(), twoAccounts, "backfill", "--from=2026-05",
					"--output=DIR/history")
				for _, want := range tt.want {
					if !strings.Contains(got.String(), want) {
						t.Errorf("no %s in\n%s", want, got)
					}
				}
				_, partial := got.files["history.partial"]
				if partial == tt.nothing || !partial && len(got.files) > 0 || got.code != 1 {
					t.Errorf("exit code %d, files %q", got.code, got.files)
				}
			})
		})
	}
}

func TestBackfillMistakes(t *testing.T) {
	const output = " --output=DIR/history"
	const failed = `level=error msg="cannot go on" err="backfill: `
	for name, tt := range map[string]struct {
		args, partial, want string
		calls               int
	}{
		"no output": {want: "ksyun_bill_exporter: required flag(s) '--output' not provided; try --help\nexit code 2\n"},
		"running month": {
			args: "--to=2026-11" + output,
			want: "ksyun_bill_exporter: backfill: --to: 2026-10 is the last month that is over; try --help\n" +
				"exit code 2\n",
		},
		"too early": {
			args: "--from=2018-05" + output,
			want: "ksyun_bill_exporter: backfill: --from: there are bills from 2018-06 on; try --help\nexit code 2\n",
		},
		"backwards": {
			args: "--from=2026-10 --to=2026-09" + output,
			want: "ksyun_bill_exporter: backfill: --to: 2026-09 is before 2026-10; try --help\nexit code 2\n",
		},
		"no folder": {
			args: "--output=DIR/none/history",
			want: failed + "--output: open DIR/none/RANDOM: no such file or directory\"\nexit code 1\n",
		},
		"a folder": {
			args: "--output=DIR",
			want: failed + "--output: DIR is not a file\"\nexit code 1\n",
		},
		"no name": {
			args: "--output=",
			want: "ksyun_bill_exporter: backfill: --output: want the name of a file; try --help\nexit code 2\n",
		},
		"no such account": {
			args: "--account=game" + output,
			want: "ksyun_bill_exporter: backfill: --account: \"game\" is none of main; try --help\nexit code 2\n",
		},
		"no bills": {
			args: "--from=2025-01 --to=2025-01" + output,
			want: "level=info msg=months account=main from=2025-01 to=2025-01 billed=0\n" + failed +
				"no account has a bill of 2025-01 to 2025-01\"\nexit code 1\n",
			calls: 1,
		},
		"foreign file": {
			args: "--from=2026-01" + output, partial: "account,month\n",
			want: failed + "DIR/history.partial: invalid character 'a' looking for beginning of value; remove it to" +
				" begin anew\"\nexit code 1\n",
		},
		"foreign JSON": {
			args: "--from=2026-01" + output, partial: `{"a":1}` + "\n",
			want: failed + `DIR/history.partial: json: unknown field \"a\"; remove it to begin anew"` +
				"\nexit code 1\n",
		},
		"empty JSON": {
			args: "--from=2026-01" + output, partial: "{}\n",
			want: failed + "DIR/history.partial: is none of backfill's files; remove it to begin anew\"\nexit code 1\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				dir := t.TempDir()
				if tt.partial != "" {
					write(t, filepath.Join(dir, "history.partial"), tt.partial)
				}
				api, args := veterans(), append([]string{"backfill"}, strings.Fields(tt.args)...)
				got := runCommand(t.Context(), t, api, dir, oneAccount, args...)
				if diff := cmp.Diff(tt.want, got.String()); diff != "" || len(api.Calls()) != tt.calls {
					t.Errorf("after %d calls (-want +got):\n%s", len(api.Calls()), diff)
				}
				if got.files["history.partial"] != tt.partial {
					t.Errorf("files %q", got.files)
				}
			})
		})
	}
}

// History is of the customer that is expected, and of each customer once.
func TestBackfillCustomers(t *testing.T) {
	const failed = `level=error msg="cannot go on" err="backfill: `
	nobody := billsim.Raw(http.StatusOK, "application/json", `{"MonthBillSet":[{"BillMonth":"2026-10","BillId":"1",`+
		`"BillType":"postpay","Sum":"1","BillProductSet":[],"BillProjectSet":[]}]}`)
	nobody.AccessKeyID = "AKLTMAIN"
	expecting := func(customer string) string {
		return strings.Replace(twoAccounts, "name: main", "name: main, customer_id: "+customer, 1)
	}
	for name, tt := range map[string]struct {
		config string
		faults []billsim.Fault
		shop   string // customer
		want   string
	}{
		"expected": {config: expecting("0073400575")},
		"other customer": {
			config: expecting("1111"),
			want:   failed + "main: the key belongs to customer 73400575, customer_id expects 1111\"\n",
		},
		"nobody's": {
			config: expecting("73400575"), faults: []billsim.Fault{nobody},
			want: failed + "main: no bill tells whose it is, customer_id expects 73400575\"\n",
		},
		"same customer": {
			config: twoAccounts, shop: "73400575",
			want: failed + "商城: account main has the bills of customer 73400575 already\"\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := billsim.New([]billsim.Account{
					yearsOf("AKLTMAIN", "s3cret-main", "73400575", "2026-04", ""),
					yearsOf("AKLTSHOP", "s3cret-shop", stdcmp.Or(tt.shop, "73406772"), "2026-07", ""),
				})
				for _, f := range tt.faults {
					api.Fault(f)
				}
				got := runCommand(t.Context(), t, api, t.TempDir(), tt.config, "backfill", "--from=2026-10",
					"--output=DIR/history")
				_, written := got.files["history"]
				if !strings.Contains(got.log, tt.want) || written != (tt.want == "") {
					t.Errorf("want %s in\n%s%q", tt.want, got, got.files)
				}
			})
		})
	}
}

// Where an account fails for good, the others are written without it, from what is known.
func TestBackfillOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, api := t.TempDir(), veterans()
		api.Fault(forbidShop)
		args := []string{"backfill", "--from=2026-05", "--output=DIR/history"}
		runCommand(t.Context(), t, api, dir, twoAccounts, slices.Clone(args)...)
		api.ResetCalls()
		got := runCommand(t.Context(), t, api, dir, twoAccounts, append(args, "--account=main")...)
		if got.code != 0 || len(api.Calls()) > 0 || len(got.files) != 1 ||
			strings.Count(got.files["history"], `{account=`) != 6*5 || strings.Contains(got.files["history"], "商城") {
			t.Errorf("after %d calls: %s%q", len(api.Calls()), got, got.files)
		}
	})
}

// What is known of an account is known of its key: another one's months are asked for, all of them.
func TestBackfillAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, api := t.TempDir(), veterans()
		backfill := func(config string) outcomeOf {
			return runCommand(t.Context(), t, api, dir, config, "backfill", "--from=2026-07", "--output=DIR/history")
		}
		broken := api.Fault(forbidShop)
		backfill(twoAccounts)
		broken()
		swapped := strings.NewReplacer("AKLTMAIN", "AKLTSHOP", "-main", "-shop").Replace(oneAccount)
		got := backfill(swapped).files["history"]
		dir = t.TempDir()
		want := backfill(swapped)
		if diff := cmp.Diff(want.files["history"], got); diff != "" || got == "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// That there is no bill yet is known for the moment only, and what there is for a week: it may be corrected.
func TestBackfillAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := time.Date(2026, time.November, 1, 4, 0, 0, 0, time.UTC)
		days := func(n int) time.Time { return first.AddDate(0, 0, n) }
		main := yearsOf("AKLTMAIN", "s3cret-main", "73400575", "2026-08", "")
		bills := main.Bills
		main.Bills = func(month string) (billsim.Bill, bool) {
			switch {
			case month == "2026-10" && time.Now().Before(days(2)):
				return billsim.Bill{}, false
			case month == "2026-08" && !time.Now().Before(days(5)): // it is corrected
				return bills("2026-12")
			default:
				return bills(month)
			}
		}
		api := billsim.New([]billsim.Account{main, yearsOf("AKLTSHOP", "s3cret-shop", "73406772", "2026-07", "")})
		dir := t.TempDir()
		mend := api.Fault(forbidShop)
		var got outcomeOf
		for _, step := range []struct {
			day  int
			want []string
		}{
			{0, []string{"2026-08 2026-10", "2026-10 2026-10"}},
			{2, []string{"2026-10 2026-10"}},
			{6, nil},
			{8, []string{"2026-08 2026-08", "2026-09 2026-09"}},
		} {
			time.Sleep(time.Until(days(step.day)))
			if api.ResetCalls(); step.day == 8 {
				mend()
			}
			got = runCommand(t.Context(), t, api, dir, twoAccounts, "backfill", "--from=2026-08",
				"--output=DIR/history")
			if diff := cmp.Diff(step.want, asked(api, "AKLTMAIN")); diff != "" {
				t.Errorf("day %d: asked for (-want +got):\n%s", step.day, diff)
			}
		}
		for month, sum := range map[string]string{"2026-08": "5.01", "2026-09": "2.01", "2026-10": "3.01"} {
			m, _ := billclient.ParseMonth(month)
			want := fmt.Sprintf(`ksyun_bill_month_account_cost_cny{account="main",pay_mode="postpaid"} %s %v`+"\n", sum,
				float64(sampleTime(m).Unix()))
			if !strings.Contains(got.files["history"], want) {
				t.Errorf("no %s in\n%s%s", want, got.files["history"], got.log)
			}
		}
	})
}

// Two at once would write over each other's lines.
func TestBackfillIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, api := t.TempDir(), veterans()
		other := flock.New(filepath.Join(dir, "history.partial"))
		if locked, err := other.TryLock(); err != nil || !locked {
			t.Fatal(locked, err)
		}
		defer other.Close()
		got := runCommand(t.Context(), t, api, dir, oneAccount, "backfill", "--output=DIR/history")
		const want = `level=error msg="cannot go on" err="backfill: DIR/history.partial: another backfill is at work` +
			" on it\"\nexit code 1\n"
		if got.String() != want || len(api.Calls()) > 0 || len(got.files) != 1 {
			t.Errorf("after %d calls, want %s\n%s", len(api.Calls()), want, got)
		}
	})
}

// A line that cannot be written to its end is taken back: those after it are to be read.
func TestPartialOnAFullDisk(t *testing.T) {
	name, now := filepath.Join(t.TempDir(), "partial"), noon
	p, err := openPartial(name, now)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(month billclient.Month, id string) error {
		return p.keepMonth(owner{"main", "key"}, month, []billclient.MonthBill{{Month: month, BillID: id}})
	}
	var before syscall.Rlimit
	err = keep(billclient.FirstMonth, "1")
	if err = stdcmp.Or(err, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before)); err != nil {
		t.Fatal(err)
	}
	full := before
	full.Cur = uint64(p.whole) + 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	err = keep(billclient.FirstMonth+1, "2")
	if restored := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); restored != nil {
		t.Fatal(restored)
	}
	if want := "write " + name + ": file too large"; errorText(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := keep(billclient.FirstMonth+2, "3"); err != nil {
		t.Fatal(err)
	}
	p.close()
	if p, err = openPartial(name, now); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	got := p.missing(owner{"main", "key"}, billclient.FirstMonth, billclient.FirstMonth+2)
	if diff := cmp.Diff([]billclient.Month{billclient.FirstMonth + 1}, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// A code that looks like the sign for none stays another one.
func TestBackfillCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := biller(billOf(
			billsim.Line{ProductCode: "__none__", Cost: billsim.Yuan},
			billsim.Line{ProjectID: "__other__", Cost: billsim.Fen},
		))
		got := runCommand(t.Context(), t, api, t.TempDir(), oneAccount, "backfill", "--from=2026-10",
			"--output=DIR/history")
		for _, want := range []string{
			`product_code="__none__"} 0.01 `, `product_code="___none__"} 1.0 `,
			`project_id="__none__"} 1.0 `, `project_id="___other__"} 0.01 `,
		} {
			if !strings.Contains(got.files["history"], want) {
				t.Errorf("no %s in\n%s%s", want, got.files["history"], got)
			}
		}
	})
}

// outcomeOf is what is left of a command.
type outcomeOf struct {
	code     int
	out, log string
	files    map[string]string // in the folder of --output
}

func (o outcomeOf) String() string { return fmt.Sprintf("%s%sexit code %d\n", o.out, o.log, o.code) }

// runCommand runs the program as it is, over pipes instead of sockets; DIR in an argument is the folder dir. It has to
// be called in a bubble.
func runCommand(ctx context.Context, t *testing.T, api http.Handler, dir, config string, args ...string) outcomeOf {
	t.Helper()
	pipes, stop := billsim.PipeTransport(api)
	defer stop()
	sockets := http.DefaultTransport
	http.DefaultTransport = pipes
	defer func() { http.DefaultTransport = sockets }()
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, config)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", dir)
	}
	var out, log strings.Builder
	o := outcomeOf{code: run(ctx, append(args, "--config.file="+file), noEnvironment, &out, &log)}
	o.out = out.String()
	o.log = logTime.ReplaceAllString(requestID.ReplaceAllString(log.String(), "REQUEST"), "")
	o.log = pendingFile.ReplaceAllString(strings.ReplaceAll(o.log, dir, "DIR"), "RANDOM")
	o.files = filesIn(t, dir)
	return o
}

var pendingFile = regexp.MustCompile(`\.(?:bill|history)[0-9]+`)

func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

func compareFile(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// biller is one account, main, whose months have these bills.
func biller(bills map[string]billsim.Bill) *billsim.Server {
	return billsim.New([]billsim.Account{{
		AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
		Bills: func(month string) (billsim.Bill, bool) {
			bill, ok := bills[month]
			return bill, ok
		},
	}})
}

func billOf(lines ...billsim.Line) map[string]billsim.Bill {
	return map[string]billsim.Bill{"2026-10": {Lines: slices.Values(lines)}}
}
