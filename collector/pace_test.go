package collector

import (
	"fmt"
	"path/filepath"
	"slices"
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
		w.sleepUntil(nextTick("main", time.Hour, time.Now()))
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
		for _, a := range w.bills.accounts {
			bills := a.custody.revealed().attempts[0]
			if age := time.Since(bills.LastSuccess); age > time.Hour || bills.refreshes != 73 {
				t.Errorf("%s: summaries are %v old, after %d refreshes", a.Name, age, bills.refreshes)
			}
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
		const down = `ksyun_bill_source_up{account="main",source="month_consume"} 0`
		if up := w.scrape("ksyun_bill_source_up"); !slices.Contains(up, down) {
			t.Errorf("%q, want %s", up, down)
		}
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
		a.onSave = func(error) {
			kept, errs := o.State.load()
			if errs != nil {
				t.Fatal(errs)
			}
			_, all := bills.show(now())
			if !seen && len(kept) > 0 && !kept[0].Snapshot.Months[october].Bill.Empty() {
				if seen = true; !all[0].Snapshot.Empty() {
					t.Error("shown before it was kept")
				}
			}
		}
		(&loop{account: a, custody: a.custody, name: summaryLoop}).refresh(t.Context())
		if _, all := bills.show(now()); !seen || all[0].Snapshot.Empty() {
			t.Errorf("kept: %t, and not shown after that", seen)
		}
	})
}
