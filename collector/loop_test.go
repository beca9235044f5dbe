package collector

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// A failure changes no number. It is counted and logged once, tried again after 1, 2, 4 ... minutes, and over with the
// next good answer.
func TestFailureKeepsTheNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		before := strings.Join(w.scrape(), "\n")
		w.log.take()
		w.asked()
		fault := billsim.Refuse(billsim.JSONError, 500, "Server unavailable", "Server error")
		fault.Action = getMonthBill
		stop := w.api.Fault(fault)
		c.bill("2026-10", server("kec-1", 200))

		first := nextTick("main", time.Hour, october(15))
		w.sleepUntil(first)
		compare(t, w.scrape(), before)
		compare(t, strings.Split(strings.TrimSpace(w.log.take()), "\n"), `level=warn account=main source=month_bill`+
			` duration=0s msg="refresh failed, the last good numbers stay" reason=server`+
			` err="GetMonthBill: Server unavailable (HTTP 500, request id b1115100-0000-4000-8000-000000000006):`+
			` Server error"`+
			` next=`+first.Add(time.Minute).In(billclient.Beijing).Format(time.RFC3339)+
			"\nlevel=info account=main source=month_consume duration=0s msg=refreshed months=0")
		for _, pause := range []time.Duration{1, 2, 4, 8} {
			w.asked()
			w.sleep(pause*time.Minute - time.Second)
			w.sleep(time.Second)
			compare(t, w.asked(), "GetMonthBill 2026-07 2026-10")
		}
		compare(t, w.scrape(), before)
		compare(t, w.scrape("ksyun_bill_source_up", "ksyun_bill_source_refreshes_total",
			"ksyun_bill_source_last_success_timestamp_seconds"), `
ksyun_bill_source_last_success_timestamp_seconds{account="main",source="detail_bill"} 1792036800
ksyun_bill_source_last_success_timestamp_seconds{account="main",source="month_bill"} 1792036800
ksyun_bill_source_last_success_timestamp_seconds{account="main",source="month_consume"} 1792039539.493
ksyun_bill_source_refreshes_total{account="main",source="detail_bill"} 1
ksyun_bill_source_refreshes_total{account="main",source="month_bill"} 6
ksyun_bill_source_refreshes_total{account="main",source="month_consume"} 2
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		failures := slices.DeleteFunc(w.scrape("ksyun_bill_source_refresh_failures_total"), func(sample string) bool {
			return !strings.Contains(sample, "month_bill")
		})
		compare(t, failures, `
ksyun_bill_source_refresh_failures_total{account="main",reason="auth",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="call_limit",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="decode",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="incomplete",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="invalid",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="network",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="server",source="month_bill"} 5
ksyun_bill_source_refresh_failures_total{account="main",reason="throttled",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="timeout",source="month_bill"} 0`)
		stop()
		w.sleep(time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		if log := w.log.take(); !strings.Contains(log, "the source works again") {
			t.Errorf("log: %s", log)
		}
	})
}

// Lines that could not be read are not wanted any more once their month is two months ago: nobody asks for them again,
// and nobody waits in a loop for a retry that never comes.
func TestFailedLinesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		o := options(simulated("main", c.Account))
		w := startWith(t, october(31), o, func(api http.Handler) http.Handler {
			api.(*billsim.Server).Fault(billsim.Fault{
				Action: "GetPostpayDetailBill", Answer: billsim.Page(http.StatusBadGateway).Answer,
			})
			return api
		}, c.Account)
		compare(t, w.asked(), "GetMonthBill 2026-07 2026-10\ngetMonthConsume 2026-10\ngetMonthConsume 2026-09\n"+
			"GetPostpayDetailBill 2026-09 2026-09")
		w.sleepUntil(time.Date(2026, 11, 1, 2, 0, 0, 0, billclient.Beijing))
		w.asked()
		w.sleep(time.Hour)
		compare(t, w.asked(), "GetMonthBill 2026-08 2026-11\ngetMonthConsume 2026-11\ngetMonthConsume 2026-10")
		compare(t, w.scrape("ksyun_bill_source_up")[:1], `ksyun_bill_source_up{account="main",source="detail_bill"} 1`)
	})
}

// Lines of at most refresh.concurrency accounts are read at once, while all accounts are asked for summaries; a slow
// one delays neither the others nor a scrape.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accounts []Account
		var simulators []billsim.Account
		for i := range 5 {
			c := newCustomer(fmt.Sprint(i + 1))
			c.bill("2026-10", server("kec-1", 100))
			accounts = append(accounts, simulated(fmt.Sprint(i+1), c.Account))
			simulators = append(simulators, c.Account)
		}
		var summaries, lines gauge
		count := func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := &summaries
				if strings.Contains(r.URL.RawQuery, "Detail") {
					n = &lines
				}
				defer n.enter()()
				time.Sleep(30 * time.Second)
				api.ServeHTTP(w, r)
			})
		}
		o := options(accounts...)
		w := startWith(t, october(15), o, count, simulators...)
		w.sleep(91 * time.Second) // of three summaries
		if got := len(w.scrape("ksyun_bill_account_cost_cny")); got != 5 {
			t.Errorf("after the summaries, %d accounts are shown", got)
		}
		w.sleep(10 * time.Minute)
		if s, l := summaries.takeMost(), lines.takeMost(); s != 5 || l != 2 {
			t.Errorf("at once %d accounts were asked for summaries, %d for lines, want 5 and 2", s, l)
		}
		o.Refresh.Concurrency, o.Instances.MaxSeries = 1, 7 // so that lines of all are wanted at once
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		w.sleep(2 * time.Hour)
		if l := lines.takeMost(); l != 1 {
			t.Errorf("with another refresh.concurrency, %d accounts were asked for lines at once, want 1", l)
		}
	})
}

// gauge counts what is under way. It is safe for concurrent use.
type gauge struct {
	mu        sync.Mutex
	now, most int
}

// enter counts one more until leave is called.
func (g *gauge) enter() (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
	g.most = max(g.most, g.now)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.now--
	}
}

// takeMost returns the most that was counted at once since the last call.
func (g *gauge) takeMost() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	most := g.most
	g.most = g.now
	return most
}

// No more than 64 accounts are asked for summaries at once, and all of them are asked soon.
func TestManyAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accounts []Account
		var simulators []billsim.Account
		for i := range 70 {
			c := newCustomer(fmt.Sprint(i + 1))
			c.bill("2026-10", server("kec-1", 100))
			accounts = append(accounts, simulated(fmt.Sprint(i+1), c.Account))
			simulators = append(simulators, c.Account)
		}
		var summaries gauge
		w := startWith(t, october(15), options(accounts...), func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.URL.RawQuery, "Detail") {
					defer summaries.enter()()
					sleep(r.Context(), 10*time.Second, nil)
				}
				api.ServeHTTP(w, r)
			})
		}, simulators...)
		var counts []int
		for range 2 { // three answers of ten seconds each make the summaries of an account
			w.sleep(30 * time.Second)
			n, _ := w.bills.Readiness()
			counts = append(counts, n)
		}
		if diff := cmp.Diff([]int{64, 70}, counts); diff != "" {
			t.Errorf("asked of 70 (-want +got):\n%s", diff)
		}
		if most := summaries.takeMost(); most != 64 {
			t.Errorf("%d accounts were asked at once", most)
		}
	})
}

// Lines that take hours hold up nobody's summaries, at any concurrency.
func TestSlowLinesHoldUpNobody(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
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
			bills := a.custody.visibleState().attempts[0]
			if age := time.Since(bills.LastSuccess); age > time.Hour || bills.refreshes != 73 {
				t.Errorf("%s: summaries are %v old, after %d refreshes", a.Name, age, bills.refreshes)
			}
		}
	})
}
