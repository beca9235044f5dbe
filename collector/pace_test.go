package collector

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/exposition"

	"github.com/go-kit/log"
	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
)

const getDetailConsume = "getPostpayDetailConsume"

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
		w.sleepUntil(phase("main", time.Hour, time.Now()))
		began := time.Now()
		w.end()
		if took := time.Since(began); took != 0 {
			t.Errorf("the end takes %v", took)
		}
	})
}

// Lines that take hours hold up nobody's summaries, at any concurrency.
func TestSlowLinesHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accounts []Account
		var customers []billsim.Account
		for i := range 5 {
			c := newCustomer(fmt.Sprint(i + 1))
			for _, month := range []string{"2026-09", "2026-10"} {
				c.consume(month, 14, on(month+"-14", server("kec-1", 100)), on(month+"-14", server("kec-2", 100)))
				c.bill(month, server("kec-1", 100), server("kec-2", 100))
			}
			a := simulated(fmt.Sprint("a", i), c.Account)
			a.API.MaxRetries = 3
			accounts, customers = append(accounts, a), append(customers, c.Account)
		}
		o := options(accounts...)
		o.Refresh.Concurrency = 1
		w := start(t, beijing(10, 15, 12), o, customers...)
		for _, c := range customers[1:] {
			for _, action := range []string{getDetailBill, getDetailConsume} {
				w.api.Fault(billsim.Fault{Action: action, AccessKeyID: c.AccessKeyID, Drip: 50 * time.Second})
			}
		}
		w.sleep(72 * time.Hour)
		for i, a := range w.bills.accounts {
			most := 4 * time.Hour // its own lines: of two months, from two sources, an hour each
			if i == 0 {
				most = time.Hour
			}
			if age := time.Since(a.monthBill.lastSuccess); age > most {
				t.Errorf("%s: summaries are %v old", a.Name, age)
			}
		}
		if refreshes := w.bills.accounts[0].monthBill.refreshes; refreshes != 73 {
			t.Errorf("the account that is not slow was refreshed %d times", refreshes)
		}
	})
}

// A server that asks to be left alone is, at the account's ticks too, for a day at most.
func TestRetryAfterOutlastsTicks(t *testing.T) {
	for _, tt := range []struct {
		status      int
		asks, after time.Duration
	}{
		{429, time.Hour, time.Hour},
		{503, time.Hour, time.Hour},
		{503, 7 * 24 * time.Hour, 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			o := options(simulated("main", c.Account))
			o.Refresh.Interval = 5 * time.Minute
			busy := billsim.Busy(tt.status, tt.asks)
			busy.Action = getMonthBill
			var stop func()
			w := startWith(t, october(15), o, faulty(&busy, &stop), c.Account)
			asked := func() int { return strings.Count(strings.Join(w.asked(), "\n"), getMonthBill+" ") }
			if n := asked(); n != 1 {
				t.Errorf("asked %d times at the start", n)
			}
			w.sleep(tt.after - time.Minute)
			if n := asked(); n != 0 {
				t.Errorf("asked %d times within %v", n, tt.after)
			}
			w.sleep(2 * time.Minute)
			if n := asked(); n != 1 {
				t.Errorf("asked %d times after %v", n, tt.after)
			}
		})
	}
}

// Nor does a restart make an exporter forget that the server asked to be left alone.
func TestRetryAfterOutlastsARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCustomer("1"), t.TempDir()
		o := options(simulated("main", c.Account))
		o.Refresh.Interval = 5 * time.Minute
		busy := billsim.Busy(503, time.Hour)
		busy.Action = getMonthBill
		var stop func()
		w := startWith(t, october(15), keptIn(t, dir, o), faulty(&busy, &stop), c.Account)
		w = w.restart(october(15).Add(time.Minute), dir, o)
		w.sleep(58 * time.Minute)
		if asked := strings.Join(w.asked(), "\n"); strings.Contains(asked, getMonthBill+" ") {
			t.Errorf("asked within the hour:\n%s", asked)
		}
		w.sleep(2 * time.Minute)
		if asked := strings.Join(w.asked(), "\n"); !strings.Contains(asked, getMonthBill+" ") {
			t.Errorf("not asked after the hour:\n%s", asked)
		}
	})
}

// A key file that is unreadable for a moment is no other key: what was read is kept.
func TestKeyUnreadableForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
		w := start(t, october(15), options(account), c.Account)
		c.bill("2026-10", server("kec-1", 500))
		w.api.Fault(billsim.Fault{Action: getMonthBill, Drip: 20 * time.Millisecond})
		w.log.take()
		w.sleepUntil(phase("main", time.Hour, time.Now()))
		key.Store(&billclient.Credentials{})
		w.sleep(30 * time.Minute)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"),
			`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 5`)
		if said := w.log.take(); strings.Contains(said, "replaced") {
			t.Errorf("log: %s", said)
		}
	})
}

// Keys that take turns with every call do not make the account ask without a pause.
func TestKeysInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, other := newCustomer("1"), newCustomer("2")
		account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
		account.API.RequestsPerSecond = 2
		between := func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next := keyOf(c)
				if key.Load().AccessKeyID == c.AccessKeyID {
					next = keyOf(other)
				}
				key.Store(next)
				api.ServeHTTP(w, r)
			})
		}
		w := startWith(t, october(15), options(account), between, c.Account, other.Account)
		w.asked()
		w.sleep(10 * time.Minute)
		if calls := len(w.asked()); calls == 0 || calls > 20 {
			t.Errorf("%d calls in ten minutes", calls)
		}
	})
}

// A page of a gateway, which happens to say 404, says nothing of whether the API has estimates.
func TestGatewaysNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 700)))
		gone := billsim.Page(404)
		gone.Action, gone.Times = "getMonthConsume", 2
		var stop func()
		w := startWith(t, october(15), options(simulated("main", c.Account)), faulty(&gone, &stop), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), "")
		w.sleep(time.Minute)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"),
			`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 7`)
	})
}

// Numbers are on disk before they are on the page.
func TestKeptBeforeShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(october(15)))
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		transport, stopAPI := billsim.PipeTransport(billsim.New([]billsim.Account{c.Account}))
		defer stopAPI()
		o := keptIn(t, t.TempDir(), options(simulated("main", c.Account)))
		o.Accounts[0].API.Transport = transport
		bills := New(o, prometheus.NewRegistry(), func(*exposition.Page) {}, log.NewNopLogger())
		a, october, seen := bills.accounts[0], billclient.MonthOf(october(15)), false
		a.saved = func(error) {
			k, err := o.State.load("main", a.fingerprint())
			if err != nil {
				t.Fatal(err)
			}
			_, all := bills.show(wall())
			if !seen && k != nil && !k.Snapshot.Months[october].Bill.empty() {
				if seen = true; all[0].snapshot.any() {
					t.Error("shown before it was kept")
				}
			}
		}
		a.refresh(t.Context(), make(chan struct{}, 1))
		if _, all := bills.show(wall()); !seen || !all[0].snapshot.any() {
			t.Errorf("kept: %t, and not shown after that", seen)
		}
	})
}
