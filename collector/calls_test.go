package collector

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"ksyun_bill_exporter/billclient"
)

// A day's calls are counted over restarts and reloads, and together with those of other processes; beyond the limit no
// call is made, until midnight in Beijing.
func TestCallsOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		o.Accounts[0].API.DailyCalls = 7 // 4 of the start, 3 of a refresh without lines
		remaining := func(w *world) []string { return w.scrape("ksyun_bill_api_calls_remaining") }
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		compare(t, remaining(w), `ksyun_bill_api_calls_remaining{account="main"} 3`)
		o.Refresh.Interval = time.Hour - time.Second
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		w.sleep(time.Second)
		compare(t, remaining(w), `ksyun_bill_api_calls_remaining{account="main"} 3`)

		NewCalls(dir, "main", func(err error) {
			if err != nil {
				t.Error(err)
			}
		}).Take(t.Context(), billclient.DayOf(time.Now()), 7)
		w = w.restart(october(15).Add(time.Minute), dir, o)
		compare(t, remaining(w), `ksyun_bill_api_calls_remaining{account="main"} 2`)
		w.sleep(3 * time.Hour)
		compare(t, append(remaining(w), w.asked()...), `
ksyun_bill_api_calls_remaining{account="main"} 0
GetMonthBill 2026-07 2026-10
getMonthConsume 2026-10`)
		w.asked()
		w.sleepUntil(beijing(10, 16, 1))
		if asked := w.asked(); len(asked) == 0 {
			t.Error("nothing is asked the next day")
		}
	})
}

// A clock that was wrong for a while and is right again finds the count of its day, in a running process and over a
// restart, and the day that it was ahead by begins with no calls.
func TestCallsOfAWrongClock(t *testing.T) {
	right := beijing(10, 15, 14)
	for name, steps := range map[string][]struct {
		at   time.Time
		used int // before the call
	}{
		"a day ahead":     {{right, 0}, {right.AddDate(0, 0, 1), 0}, {right, 1}, {right, 2}, {beijing(10, 16, 0), 0}},
		"twenty days":     {{right, 0}, {right.AddDate(0, 0, 20), 0}, {right, 1}, {right.AddDate(0, 0, 20), 1}},
		"a day behind":    {{right, 0}, {right.AddDate(0, 0, -1), 0}, {right, 1}},
		"hours ahead":     {{right, 0}, {right.Add(8 * time.Hour), 1}, {right, 2}},
		"many wrong days": {{right, 0}, {right.AddDate(1, 0, 0), 0}, {right.AddDate(2, 0, 0), 0}, {right, 1}},
		"several days long": {
			{right, 0}, {right.AddDate(0, 0, 1), 0}, {right.AddDate(0, 0, 2), 0}, {right.AddDate(0, 0, 3), 0}, {right, 1},
		},
	} {
		for _, restarts := range []bool{false, true} {
			dir := t.TempDir()
			open := func() *Calls {
				return NewCalls(dir, "main", func(err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			calls := open()
			for i, step := range steps {
				setClock(t, step.at)
				if restarts {
					calls = open()
				}
				day := billclient.DayOf(step.at)
				if used := calls.Used(day); used != step.used {
					t.Errorf("%s, restarts %v, step %d: %d calls, want %d", name, restarts, i, used, step.used)
				}
				calls.Take(t.Context(), day, 0)
			}
		}
	}
}

// setClock sets the clock of the package for the rest of a test.
func setClock(t *testing.T, at time.Time) {
	before := now
	now = func() time.Time { return at }
	t.Cleanup(func() { now = before })
}

// Lines leave calls to the summaries: when a day's calls become few, the account's cost stays current.
func TestCallsLeftToSummaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		o.Accounts[0].API.DailyCalls = 30
		w := start(t, october(15), o, c.Account)
		for hour := 1; hour <= 7; hour++ {
			c.bill("2026-10", server("kec-1", int64(100+hour)))
			w.sleep(time.Hour)
		}
		compare(t, w.scrape("ksyun_bill_source_up"), `
ksyun_bill_source_up{account="main",source="detail_bill"} 0
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
	})
}

// The calls that are left are enough for a day also where each month is a call of its own.
func TestCallsLeftToEachMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		o.Accounts[0].API.DailyCalls, o.Months.Past = 1000, 12
		single := httpFilter(func(start, end string) bool { return start != end })
		w := startWith(t, beijing(10, 15, 1), o, single, c.Account)
		for rest := 1000 - w.bills.accounts[0].API.DailyReserve; w.bills.calls["main"].Take(t.Context(),
			billclient.DayOf(time.Now()), rest); { // as lines may
		}
		c.bill("2026-10", server("kec-1", 900))
		w.sleepUntil(beijing(10, 15, 23))
		compare(t, w.scrape("ksyun_bill_source_up")[1:], `
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
	})
}

// Another process that holds the file of the calls and does not go on holds up neither scrapes nor the end, and calls
// for two seconds each.
func TestCallsHeldByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		held := flock.New(filepath.Join(dir, "main"+callsSuffix+".lock"))
		if err := held.Lock(); err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		scrape := func() []string { return w.scrape("ksyun_bill_api_calls_remaining", "ksyun_bill_account_cost_cny") }
		compare(t, scrape(), `ksyun_bill_api_calls_remaining{account="main"} 5000`)
		w.sleep(10 * time.Second)
		compare(t, scrape(), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_api_calls_remaining{account="main"} 4996`)
		if said := w.log.take(); strings.Count(said, "main.calls.lock: locked by another process for 2s") != 1 {
			t.Errorf("log: %s", said)
		}
		w.sleepUntil(nextTick("main", time.Hour, time.Now()))
		began := time.Now()
		w.end()
		if took := time.Since(began); took != 0 {
			t.Errorf("the end takes %v", took)
		}
	})
}

// The file of an account's calls has what is counted, whatever longer text it had, and is for its owner only.
func TestCallsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(october(15)))
		dir, october15 := t.TempDir(), billclient.DayOf(october(15))
		file := filepath.Join(dir, "main.calls")
		var errs []error
		take := func() {
			NewCalls(dir, "main", func(err error) { errs = append(errs, err) }).Take(t.Context(), october15, 7)
		}
		take()
		long := strings.Repeat("2026-10-15 2 2026-10-15T00:00:00+08:00\n", 9)
		if err := os.WriteFile(file, []byte(long), 0o600); err != nil {
			t.Fatal(err)
		}
		take()
		text, err := os.ReadFile(file)
		if want := fmt.Sprintf("2026-10-15 3 %s\n", time.Now().Format(time.RFC3339)); err != nil || string(text) != want {
			t.Errorf("%q, error %v; want %q", text, err, want)
		}
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 || errors.Join(errs...) != nil {
			t.Errorf("%v, errors %v, %v", info, err, errs)
		}
	})
}
