package backfill

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
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/config"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
)

// outcome is what is left of a command.
type outcome struct {
	log   string
	err   error
	files map[string]string // in the folder of Options.Output
}

func (o outcome) String() string { return o.log + o.failure() }

// failure returns each of the joined errors as a line.
func (o outcome) failure() string {
	class := "error: "
	if _, ok := errors.AsType[config.ArgumentError](o.err); ok {
		class = "wrong argument: "
	}
	if o.err == nil {
		return ""
	}
	return class + strings.ReplaceAll(o.err.Error(), "\n", "\n"+class) + "\n"
}

// runBackfill runs the command over pipes instead of sockets; DIR in o.Output is the folder dir. It has to be called in
// a bubble.
func runBackfill(ctx context.Context, t *testing.T, api http.Handler, dir, text string, o Options) outcome {
	t.Helper()
	pipes, stop := billsim.PipeTransport(api)
	defer stop()
	conf, err := config.Parse("config.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	o.Config, o.Transport, o.Now, o.Logger = conf, pipes, time.Now(), level.NewFilter(log.NewLogfmtLogger(&logged), level.AllowInfo())
	o.Output = strings.ReplaceAll(o.Output, "DIR", dir)
	err = Run(ctx, o)
	clean := func(text string) string {
		return pendingFile.ReplaceAllString(strings.ReplaceAll(text, dir, "DIR"), "RANDOM")
	}
	if err != nil {
		err = cleanError{err, clean(err.Error())}
	}
	return outcome{log: clean(logged.String()), err: err, files: filesIn(t, dir)}
}

// cleanError is an error with a text that is the same each time.
type cleanError struct {
	error
	text string
}

func (e cleanError) Error() string { return e.text }
func (e cleanError) Unwrap() error { return e.error }

var pendingFile = regexp.MustCompile(`\.history[0-9]+`)

// noon is noon in Beijing on a day on which last month has been billed.
var noon = time.Date(2026, time.November, 22, 4, 0, 0, 0, time.UTC)

const (
	oneAccount   = "accounts: [{name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}]\n" + postpaidOnly
	twoAccounts  = bothAccounts + postpaidOnly
	bothAccounts = "accounts:\n" +
		"  - {name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}\n" +
		"  - {name: 商城, access_key_id: AKLTSHOP, secret_access_key: s3cret-shop}\n"
	postpaidOnly = "api: {union_endpoint: ''}\n"
)

func month(t *testing.T, text string) billclient.Month {
	t.Helper()
	m, err := billclient.ParseMonth(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// optionsFrom returns options for the months from the given one on.
func optionsFrom(t *testing.T, text string) Options {
	t.Helper()
	return Options{From: month(t, text), Output: "DIR/history"}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

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

// errInterrupted is the cause that a signal gives to a context.
var errInterrupted = errors.New("interrupt signal received")

// forbidShop denies the bills to the key of the second account.
var forbidShop = billsim.Fault{AccessKeyID: "AKLTSHOP", Answer: &billsim.Answer{Status: http.StatusForbidden}}

// newAccount returns an account whose months have a bill from the first one on, except for a gap: the n-th month costs
// n yuan and a fen, in two products and two projects.
func newAccount(key, secret, customer, first, gap string) billsim.Account {
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

// newAPI returns an API with two accounts, one of them with a gap.
func newAPI() *billsim.Server {
	return billsim.New([]billsim.Account{
		newAccount("AKLTMAIN", "s3cret-main", "73400575", "2026-04", ""),
		newAccount("AKLTSHOP", "s3cret-shop", "73406772", "2026-07", "2026-09"),
	})
}

// monthsAsked returns the months that were asked for with a key, in the order of the calls.
func monthsAsked(api *billsim.Server, key string) (months []string) {
	for _, c := range api.Calls() {
		if c.AccessKeyID == key {
			months = append(months, c.Query.Get("BillStartMonth")+" "+c.Query.Get("BillEndMonth"))
		}
	}
	return months
}

// All months, in few calls: those that are not in the answer for their year are asked for alone.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := newAPI()
		got := runBackfill(t.Context(), t, api, t.TempDir(), twoAccounts, optionsFrom(t, "2026-05"))
		compareFile(t, "log.txt", got.String())
		if len(got.files) != 1 {
			t.Errorf("files %q", got.files)
		}
		compareFile(t, "history.txt", got.files["history"])
		want := []string{"2026-05 2026-10", "2026-05 2026-05", "2026-06 2026-06", "2026-09 2026-09"}
		if diff := cmp.Diff(want, monthsAsked(api, "AKLTSHOP")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"2026-05 2026-10"}, monthsAsked(api, "AKLTMAIN")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	})
}

// refuseRanges returns an API that accepts a single month only, as the documentation allows.
func refuseRanges(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("BillStartMonth") != q.Get("BillEndMonth") {
			http.Error(w, `{"Error":{"Code":"InvalidParameter","Message":"span"}}`, http.StatusBadRequest)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// Whatever an API answers to a range of months, the history is the same.
func TestMonthByMonth(t *testing.T) {
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
				api := newAPI()
				got := runBackfill(t.Context(), t, change(api), t.TempDir(), twoAccounts, optionsFrom(t, "2026-05"))
				compareFile(t, "history.txt", got.files["history"])
				if calls := monthsAsked(api, "AKLTMAIN"); !slices.Contains(calls, "2026-05 2026-05") {
					t.Errorf("asked for %v", calls)
				}
			})
		})
	}
}

// When the calls of a day are used up it stops. The next day it goes on without repeating a call, although a crash has
// cut the last line of the journal.
func TestNextRunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api, dir := newAPI(), t.TempDir()
		config := bothAccounts + "api: {union_endpoint: '', daily_calls: 1}\nstate_dir: " + t.TempDir() + "\n"
		backfill := func() outcome {
			return runBackfill(t.Context(), t, api, dir, config, optionsFrom(t, "2026-05"))
		}
		got := backfill()
		compareFile(t, "stopped.txt", got.String())
		for day := 2; day <= 4; day++ {
			partial := got.files["history.partial"]
			if len(got.files) != 1 || partial == "" || got.err == nil {
				t.Fatalf("day %d: files %q\n%s", day, got.files, got)
			}
			write(t, filepath.Join(dir, "history.partial"), partial+`{"Account":"`+strings.Repeat("商城", 100))
			time.Sleep(24 * time.Hour)
			got = backfill()
		}
		compareFile(t, "history.txt", got.files["history"])
		if len(got.files) != 1 || got.err != nil {
			t.Errorf("%v, files %q", got.err, got.files)
		}
		want := []string{"2026-05 2026-10", "2026-05 2026-05", "2026-06 2026-06", "2026-09 2026-09"}
		if diff := cmp.Diff(want, monthsAsked(api, "AKLTSHOP")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	})
}

// An account that fails does not stop the others, and what is known is kept.
func TestFailures(t *testing.T) {
	const keeps = `error: backfill: DIR/history.partial keeps the months that are known, `
	for name, tt := range map[string]struct {
		fault   billsim.Fault
		want    []string
		nothing bool // is known in the end
	}{
		"one key": {
			fault: billsim.Fault{AccessKeyID: "AKLTMAIN", Answer: &billsim.Answer{Status: http.StatusUnauthorized}},
			want: []string{
				`error: backfill: main: GetMonthBill`,
				keeps + "6 of 12: run the command again, and it goes on from there; with --account=商城 it writes the" +
					" accounts that are complete\n",
			},
		},
		"interrupted": {
			fault:   billsim.Never(),
			want:    []string{"error: backfill: interrupt signal received\n"},
			nothing: true,
		},
		"interrupted later": {
			fault: billsim.Fault{AccessKeyID: "AKLTSHOP", End: billsim.Stall},
			want: []string{
				"error: backfill: interrupt signal received\n" + keeps + "6 of 12: run the command again, ",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := newAPI()
				api.Fault(tt.fault)
				ctx, interrupt := context.WithCancelCause(t.Context())
				defer time.AfterFunc(10*time.Second, func() { interrupt(errInterrupted) }).Stop()
				got := runBackfill(ctx, t, api, t.TempDir(), twoAccounts, optionsFrom(t, "2026-05"))
				for _, want := range tt.want {
					if !strings.Contains(got.String(), want) {
						t.Errorf("no %s in\n%s", want, got)
					}
				}
				_, ok := got.files["history.partial"]
				if ok == tt.nothing || !ok && len(got.files) > 0 || got.err == nil {
					t.Errorf("%v, files %q", got.err, got.files)
				}
			})
		})
	}
}

func TestMistakes(t *testing.T) {
	const history = "DIR/history"
	for name, tt := range map[string]struct {
		options       Options
		partial, want string
		calls         int
	}{
		"running month": {
			options: Options{To: month(t, "2026-11"), Output: history},
			want:    "wrong argument: backfill: --to: 2026-10 is the last month that is over\n",
		},
		"too early": {
			options: optionsFrom(t, "2018-05"),
			want:    "wrong argument: backfill: --from: there are bills from 2018-06 on\n",
		},
		"backwards": {
			options: Options{From: month(t, "2026-10"), To: month(t, "2026-09"), Output: history},
			want:    "wrong argument: backfill: --to: 2026-09 is before 2026-10\n",
		},
		"no folder": {
			options: Options{Output: "DIR/none/history"},
			want:    "error: backfill: --output: open DIR/none/RANDOM: no such file or directory\n",
		},
		"a folder": {
			options: Options{Output: "DIR"},
			want:    "error: backfill: --output: DIR is not a file\n",
		},
		"no name": {
			want: "wrong argument: backfill: --output: want the name of a file\n",
		},
		"no such account": {
			options: Options{Accounts: []string{"game"}, Output: history},
			want:    "wrong argument: backfill: --account: \"game\" is none of main\n",
		},
		"no bills": {
			options: Options{From: month(t, "2025-01"), To: month(t, "2025-01"), Output: history},
			want: "level=info msg=months account=main from=2025-01 to=2025-01 billed=0\n" +
				"error: backfill: no account has a bill of 2025-01 to 2025-01\n",
			calls: 1,
		},
		"foreign file": {
			options: optionsFrom(t, "2026-01"), partial: "account,month\n",
			want: "error: backfill: DIR/history.partial: invalid character 'a' looking for beginning of value; remove" +
				" it to begin anew\n",
		},
		"foreign JSON": {
			options: optionsFrom(t, "2026-01"), partial: `{"a":1}` + "\n",
			want: `error: backfill: DIR/history.partial: json: unknown field "a"; remove it to begin anew` + "\n",
		},
		"empty JSON": {
			options: optionsFrom(t, "2026-01"), partial: "{}\n",
			want: "error: backfill: DIR/history.partial: is none of backfill's files; remove it to begin anew\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				dir := t.TempDir()
				if tt.partial != "" {
					write(t, filepath.Join(dir, "history.partial"), tt.partial)
				}
				api := newAPI()
				got := runBackfill(t.Context(), t, api, dir, oneAccount, tt.options)
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

// The history has the bills of the expected customer, and those of each customer once.
func TestCustomers(t *testing.T) {
	const failed = "error: backfill: "
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
			want:   failed + "main: the key belongs to customer 73400575, customer_id expects 1111\n",
		},
		"nobody's": {
			config: expecting("73400575"), faults: []billsim.Fault{nobody},
			want: failed + "main: no bill tells whose it is, customer_id expects 73400575\n",
		},
		"same customer": {
			config: twoAccounts, shop: "73400575",
			want: failed + "商城: account main has the bills of customer 73400575 already\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := billsim.New([]billsim.Account{
					newAccount("AKLTMAIN", "s3cret-main", "73400575", "2026-04", ""),
					newAccount("AKLTSHOP", "s3cret-shop", stdcmp.Or(tt.shop, "73406772"), "2026-07", ""),
				})
				for _, f := range tt.faults {
					api.Fault(f)
				}
				got := runBackfill(t.Context(), t, api, t.TempDir(), tt.config, optionsFrom(t, "2026-10"))
				_, written := got.files["history"]
				if !strings.Contains(got.failure(), tt.want) || written != (tt.want == "") {
					t.Errorf("want %s in\n%s%q", tt.want, got, got.files)
				}
			})
		})
	}
}

// If one account always fails, the others can be written without it, from what is known.
func TestOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, api := t.TempDir(), newAPI()
		api.Fault(forbidShop)
		options := optionsFrom(t, "2026-05")
		runBackfill(t.Context(), t, api, dir, twoAccounts, options)
		api.ResetCalls()
		options.Accounts = []string{"main"}
		got := runBackfill(t.Context(), t, api, dir, twoAccounts, options)
		if got.err != nil || len(api.Calls()) > 0 || len(got.files) != 1 ||
			strings.Count(got.files["history"], `{account=`) != 6*5 || strings.Contains(got.files["history"], "商城") {
			t.Errorf("after %d calls: %s%q", len(api.Calls()), got, got.files)
		}
	})
}

// What is known of an account is known of its key. With another key, all months are asked for again.
func TestAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, api := t.TempDir(), newAPI()
		backfill := func(config string) outcome {
			return runBackfill(t.Context(), t, api, dir, config, optionsFrom(t, "2026-07"))
		}
		mend := api.Fault(forbidShop)
		backfill(twoAccounts)
		mend()
		swapped := strings.NewReplacer("AKLTMAIN", "AKLTSHOP", "-main", "-shop").Replace(oneAccount)
		got := backfill(swapped).files["history"]
		dir = t.TempDir()
		want := backfill(swapped)
		if diff := cmp.Diff(want.files["history"], got); diff != "" || got == "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// That there is no bill yet is not kept, and what there is for a week only, because it may be corrected.
func TestMonthsAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := time.Date(2026, time.November, 1, 4, 0, 0, 0, time.UTC)
		days := func(n int) time.Time { return first.AddDate(0, 0, n) }
		main := newAccount("AKLTMAIN", "s3cret-main", "73400575", "2026-08", "")
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
		api := billsim.New([]billsim.Account{main, newAccount("AKLTSHOP", "s3cret-shop", "73406772", "2026-07", "")})
		dir := t.TempDir()
		mend := api.Fault(forbidShop)
		var got outcome
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
			got = runBackfill(t.Context(), t, api, dir, twoAccounts, optionsFrom(t, "2026-08"))
			if diff := cmp.Diff(step.want, monthsAsked(api, "AKLTMAIN")); diff != "" {
				t.Errorf("day %d: asked for (-want +got):\n%s", step.day, diff)
			}
		}
		for m, sum := range map[string]string{"2026-08": "5.01", "2026-09": "2.01", "2026-10": "3.01"} {
			want := fmt.Sprintf(`ksyun_bill_month_account_cost_cny{account="main",pay_mode="postpaid"} %s %v`+"\n", sum,
				float64(sampleTime(month(t, m)).Unix()))
			if !strings.Contains(got.files["history"], want) {
				t.Errorf("no %s in\n%s%s", want, got.files["history"], got.log)
			}
		}
	})
}

// Two processes at once would overwrite each other's lines.
func TestOneProcessAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, api := t.TempDir(), newAPI()
		other := flock.New(filepath.Join(dir, "history.partial"))
		if locked, err := other.TryLock(); err != nil || !locked {
			t.Fatal(locked, err)
		}
		defer other.Close()
		got := runBackfill(t.Context(), t, api, dir, oneAccount, Options{Output: "DIR/history"})
		const want = "error: backfill: DIR/history.partial: another backfill is at work on it\n"
		if got.String() != want || len(api.Calls()) > 0 || len(got.files) != 1 {
			t.Errorf("after %d calls, want %s\n%s", len(api.Calls()), want, got)
		}
	})
}

// A code that looks like the label value for no code stays a code of its own.
func TestCodesLikeSentinels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		lines := slices.Values([]billsim.Line{
			{ProductCode: "__none__", Cost: billsim.Yuan},
			{ProjectID: "__other__", Cost: billsim.Fen},
		})
		api := billsim.New([]billsim.Account{{
			AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
			Bills: func(m string) (billsim.Bill, bool) { return billsim.Bill{Lines: lines}, m == "2026-10" },
		}})
		got := runBackfill(t.Context(), t, api, t.TempDir(), oneAccount, optionsFrom(t, "2026-10"))
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
