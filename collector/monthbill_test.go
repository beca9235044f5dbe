package collector

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// A bill that was there and is gone is a short answer until proven otherwise; it must not look like a cheap month.
func TestVanishedBillFailsTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		before := strings.Join(w.scrape(), "\n")
		c.withdraw("2026-09")
		w.log.take()
		w.sleepUntil(nextTick("main", time.Hour, time.Now()))
		compare(t, w.scrape(), before)
		const failure = `reason=incomplete err="GetMonthBill: the answer lacks the bill of 2026-09, which earlier` +
			` answers had"`
		if log := w.log.take(); !strings.Contains(log, failure) {
			t.Errorf("log: %s", log)
		}
	})
}

// An API that takes one month a call only, and finds the running month invalid, is asked month by month from then on.
func TestRangeOfMonthsIsInvalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		c.bill("2026-08", server("kec-1", 200))
		single := httpFilter(func(month, end string) bool { return month != end || month == "2026-10" })
		o := options(simulated("main", c.Account))
		o.Months.Past = 2
		w := startWith(t, october(15), o, single, c.Account)
		want := `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 2`
		w.sleep(5 * time.Second)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), want)
		w.asked()
		w.sleepUntil(nextTick("main", time.Hour, time.Now()).Add(5 * time.Second))
		compare(t, w.asked(), `
GetMonthBill 2026-08 2026-08
GetMonthBill 2026-09 2026-09
getMonthConsume 2026-10
getMonthConsume 2026-09`)
		compare(t, w.scrape("ksyun_bill_source_up"), `
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
	})
}

// A month that an answer lacks is asked for alone; where it lacks there too, its last good bill stays and the source
// says so, while the other months go on.
func TestLackingMonth(t *testing.T) {
	const prepaid = `{"MonthBillSet":[{"BillMonth":"2026-08","BillType":"prepay","BillId":"B","Sum":9}]}`
	failed := func(reason billclient.Reason) string {
		return fmt.Sprintf(`ksyun_bill_source_refresh_failures_total{account="main",reason="%s",source="month_bill"} 1`,
			reason)
	}
	for _, c := range []struct {
		name             string
		faults           []billsim.Fault
		withdrawn        string
		running, august  string
		asked, says, why string
	}{
		{
			"of an answer about several",
			[]billsim.Fault{{NoBillOf: "2026-08"}},
			"",
			"5", "2.5", "GetMonthBill 2026-08 2026-08", "", "",
		},
		{
			"the running one, of an answer about several",
			[]billsim.Fault{{NoBillOf: "2026-10"}},
			"",
			"5", "2.5", "GetMonthBill 2026-10 2026-10", "", "",
		},
		{
			"alone, too", nil, "2026-08", "5", "2", "GetMonthBill 2026-08 2026-08",
			`err="GetMonthBill: the answer lacks the bill of 2026-08, which earlier answers had"`,
			failed(billclient.Incomplete),
		},
		{
			"the running one, alone too", nil, "2026-10", "1", "2.5", "GetMonthBill 2026-10 2026-10",
			`err="GetMonthBill: the answer lacks the bill of 2026-10, which earlier answers had"`,
			failed(billclient.Incomplete),
		},
		{
			"and the next call fails",
			[]billsim.Fault{{NoBillOf: "2026-08", Times: 1}, billsim.Page(503)},
			"",
			"5", "2", "GetMonthBill 2026-08 2026-08", `err="2026-08: GetMonthBill (HTTP 503): `,
			failed(billclient.Server),
		},
		{
			"and alone it is of another kind",
			[]billsim.Fault{
				{NoBillOf: "2026-08", Times: 1},
				billsim.Raw(200, "application/json", prepaid),
			},
			"", "5", "2", "GetMonthBill 2026-08 2026-08",
			`err="2026-08: GetMonthBill (HTTP 200): MonthBillSet 1: BillType \"prepay\": want postpay"`,
			failed(billclient.Decode),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				customer.bill("2026-09", server("kec-1", 300))
				customer.bill("2026-08", server("kec-1", 200))
				o := options(simulated("main", customer.Account))
				o.Months.Past = 2
				w := start(t, october(15), o, customer.Account)
				customer.bill("2026-10", server("kec-1", 500))
				customer.bill("2026-08", server("kec-1", 250))
				if c.withdrawn != "" {
					customer.withdraw(c.withdrawn)
				}
				for _, fault := range c.faults {
					fault.Action = getMonthBill
					w.api.Fault(fault)
				}
				w.asked()
				w.log.take()
				w.sleepUntil(nextTick("main", time.Hour, time.Now()))
				compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} `+c.running+`
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} `+c.august)
				if asked := w.asked(); asked[0] != "GetMonthBill 2026-08 2026-10" || asked[1] != c.asked {
					t.Errorf("asked %q", asked)
				}
				said, failures := w.log.take(), strings.Join(w.scrape("ksyun_bill_source_refresh_failures_total"), "\n")
				if !strings.Contains(said, c.says) || strings.Contains(said, "level=warn") != (c.says != "") {
					t.Errorf("want %s in the log:\n%s", c.says, said)
				}
				if !strings.Contains(failures, c.why) || strings.Contains(failures, "} 1") != (c.why != "") {
					t.Errorf("want %s:\n%s", c.why, failures)
				}
			})
		})
	}
}

// An account without estimates has its running month's bill shown, though the API has taken back another one for good.
func TestLackingMonthBesideARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		c.Denied = []string{"getMonthConsume"}
		w := start(t, october(31), options(simulated("main", c.Account)), c.Account)
		c.withdraw("2026-09")
		c.bill("2026-11", server("kec-1", 100))
		w.sleepUntil(beijing(11, 1, 2))
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 3`)
	})
}

// The running month alone may be invalid to the API: no bill yet, with past months or without.
func TestInvalidRunningMonth(t *testing.T) {
	for _, past := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 100)))
			c.bill("2026-09", server("kec-1", 100))
			o := options(simulated("main", c.Account))
			o.Months.Past = past
			invalid := httpFilter(func(_, end string) bool { return end == "2026-10" })
			w := startWith(t, october(15), o, invalid, c.Account)
			up, want := w.scrape("ksyun_bill_source_up"), `ksyun_bill_source_up{account="main",source="month_bill"} 1`
			if !slices.Contains(up, want) {
				t.Errorf("months.past %d: %q", past, up)
			}
			if said := w.log.take(); strings.Contains(said, "a range of months") != (past > 0) {
				t.Errorf("months.past %d: log:\n%s", past, said)
			}
		})
	}
}

// What a month had come to while it ran is no bill of the closed month: it moves on with the month, and goes away when
// it is too old, while the bills of months that were closed when they were read stay.
func TestPartOfAMonthIsNoBill(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(*world, *customer)
		up    string // whether GetMonthBill is thought to work
	}{
		{"the API is away", func(w *world, _ *customer) { w.api.Fault(billsim.Never()) }, "0"},
		{"the API has no bill before the 3rd", func(_ *world, c *customer) { c.withdraw("2026-10") }, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				customer.bill("2026-09", server("kec-1", 300))
				w := start(t, october(31), options(simulated("main", customer.Account)), customer.Account)
				w.sleep(11 * time.Hour) // 23:00
				c.fault(w, customer)
				families := []string{
					"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny",
					"ksyun_bill_past_month_region_cost_cny", "ksyun_bill_past_month_product_list_cost_cny",
				}
				november := time.Date(2026, 11, 1, 0, 0, 0, 0, billclient.Beijing)
				w.sleep(time.Until(november))
				compare(t, w.scrape(families...), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 3
ksyun_bill_past_month_product_list_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",months_ago="1"} 2`)
				w.sleepUntil(november.Add(73 * time.Hour))
				compare(t, w.scrape(families...), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 3`)
				compare(t, w.scrape("ksyun_bill_source_up")[1:], `
ksyun_bill_source_up{account="main",source="month_bill"} `+c.up+`
ksyun_bill_source_up{account="main",source="month_consume"} `+c.up)
			})
		})
	}
}

// A running bill that is gone is a short answer until the month has ended.
func TestVanishedRunningBillFailsTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		c.withdraw("2026-10")
		w.sleepUntil(nextTick("main", time.Hour, time.Now()))
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
	})
}

// A bill of another kind must not be summed up as postpaid.
func TestBillOfAnotherKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		w := startWith(t, october(15), options(simulated("main", c.Account)), func(api http.Handler) http.Handler {
			api.(*billsim.Server).Fault(billsim.Raw(200, "application/json",
				`{"MonthBillSet":[{"BillMonth":"2026-10","BillType":"prepay","BillId":"B","Sum":5}]}`))
			return api
		}, c.Account)
		compare(t, w.scrape(), "")
		const want = `reason=decode err="GetMonthBill (HTTP 200): MonthBillSet 1: BillType \"prepay\": want postpay"`
		if log := w.log.take(); !strings.Contains(log, want) || !strings.Contains(log, "there are no numbers yet") {
			t.Errorf("log: %s", log)
		}
	})
}

// A month whose bill was seen only while it ran, and that a range leaves out, is asked for alone.
func TestClosedMonthSeenWhileItRan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		c.bill("2026-10", server("kec-1", 100))
		var cutRange atomic.Bool
		withheld := newCustomer("1")
		withheld.bill("2026-09", server("kec-1", 300))
		w := startWith(t, october(31), options(simulated("main", c.Account)), func(api http.Handler) http.Handler {
			less := billsim.New([]billsim.Account{withheld.Account})
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				if cutRange.Load() && q.Get("BillStartMonth") != q.Get("BillEndMonth") {
					less.ServeHTTP(w, r)
					return
				}
				api.ServeHTTP(w, r)
			})
		}, c.Account)
		cutRange.Store(true)
		c.bill("2026-10", server("kec-1", 900))
		w.sleepUntil(beijing(11, 12, 12))
		compare(t, w.scrape("ksyun_bill_past_month_account_cost_cny"), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 9
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 3`)
	})
}

// An API that does not know GetMonthBill is a failure, also where no past months are wanted.
func TestUnknownActionWithoutPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(complete(c))
		o.Months.Past = 0
		w := startWith(t, october(15), o, func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.URL.Query().Get("Action"), "Describe") {
					http.Error(w, `{"Error":{"Code":"InvalidAction"}}`, http.StatusBadRequest)
					return
				}
				api.ServeHTTP(w, r)
			})
		}, c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_account_pay_modes_complete"), `
ksyun_bill_account_pay_modes_complete{account="main",months_ago="0"} 0`)
	})
}

// The running month that a range leaves out is asked for alone.
func TestRunningMonthIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, less := newCustomer("1"), newCustomer("1")
		for _, c := range []*customer{c, less} {
			c.bill("2026-09", server("kec-1", 300))
		}
		c.bill("2026-10", server("kec-1", 100))
		w := startWith(t, october(15), options(simulated("main", c.Account)), func(api http.Handler) http.Handler {
			cut := billsim.New([]billsim.Account{less.Account})
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); q.Get("BillStartMonth") != q.Get("BillEndMonth") {
					cut.ServeHTTP(w, r)
					return
				}
				api.ServeHTTP(w, r)
			})
		}, c.Account)
		w.sleep(25 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
	})
}
