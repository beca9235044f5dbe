package collector

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
)

// complete is an account with all pay modes, at the service that knows them.
func complete(c *customer) Account {
	c.Prepaid = func(string) []billsim.Purchase {
		return []billsim.Purchase{{ProductCode: "KEC", ProjectID: "7", Cost: 10 * billsim.Yuan}}
	}
	c.Realtime = func(month string) []billsim.Purchase {
		if month != "2026-10" {
			return nil
		}
		return []billsim.Purchase{{ProductCode: "EIP", ProjectID: "0", Cost: billsim.Fen}}
	}
	a := simulated("main", c.Account)
	a.API.UnionEndpoint = a.API.Endpoint
	return a
}

// Prepaid and real-time costs stand beside the postpaid ones, of the running month and of closed ones.
func TestAllPayModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		c.Payment = &billsim.Payment{Voucher: 10}
		account := complete(c)
		o := options(account)
		o.Months.Past = 1
		w := start(t, october(15), o, c.Account)
		w.checkInfos()
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny",
			"ksyun_bill_all_modes_product_cost_cny", "ksyun_bill_all_modes_project_cost_cny",
			"ksyun_bill_past_month_all_modes_product_cost_cny", "ksyun_bill_past_month_all_modes_project_cost_cny",
			"ksyun_bill_pay_mode_unreconciled_cost_cny", "ksyun_bill_account_paid_cny",
			"ksyun_bill_product_group_info", "ksyun_bill_project_info", "ksyun_bill_source_items"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="prepaid",months_ago="1"} 10
ksyun_bill_all_modes_product_cost_cny{account="main",product_group="EIP_GROUP"} 0.01
ksyun_bill_all_modes_product_cost_cny{account="main",product_group="VM_GROUP"} 11
ksyun_bill_past_month_all_modes_product_cost_cny{account="main",product_group="VM_GROUP",months_ago="1"} 13
ksyun_bill_all_modes_project_cost_cny{account="main",project_id="0"} 1.01
ksyun_bill_all_modes_project_cost_cny{account="main",project_id="7"} 10
ksyun_bill_past_month_all_modes_project_cost_cny{account="main",project_id="0",months_ago="1"} 3
ksyun_bill_past_month_all_modes_project_cost_cny{account="main",project_id="7",months_ago="1"} 10
ksyun_bill_account_paid_cny{account="main",months_ago="0",means="cash"} 9.91
ksyun_bill_account_paid_cny{account="main",months_ago="0",means="cloud_ticket"} 0
ksyun_bill_account_paid_cny{account="main",months_ago="0",means="reward"} 0
ksyun_bill_account_paid_cny{account="main",months_ago="0",means="voucher"} 1.1
ksyun_bill_account_paid_cny{account="main",months_ago="1",means="cash"} 11.7
ksyun_bill_account_paid_cny{account="main",months_ago="1",means="cloud_ticket"} 0
ksyun_bill_account_paid_cny{account="main",months_ago="1",means="reward"} 0
ksyun_bill_account_paid_cny{account="main",months_ago="1",means="voucher"} 1.3
ksyun_bill_product_group_info{account="main",product_group="EIP_GROUP",product_group_name="弹性IP",product_code="EIP_GROUP"} 1
ksyun_bill_product_group_info{account="main",product_group="VM_GROUP",product_group_name="云服务器",product_code="KEC"} 1
ksyun_bill_pay_mode_unreconciled_cost_cny{account="main",months_ago="0"} 0
ksyun_bill_pay_mode_unreconciled_cost_cny{account="main",months_ago="1"} 0
ksyun_bill_project_info{account="main",project_id="0",project_name="默认项目",owner="",cost_center=""} 1
ksyun_bill_project_info{account="main",project_id="7",project_name="",owner="",cost_center=""} 1
ksyun_bill_project_info{account="main",project_id="__none__",project_name="",owner="",cost_center=""} 1
ksyun_bill_source_items{account="main",source="month_bill"} 2
ksyun_bill_source_items{account="main",source="month_consume"} 0
ksyun_bill_source_items{account="main",source="pay_mode_summary"} 2
ksyun_bill_source_items{account="main",source="product_summary"} 2
ksyun_bill_source_items{account="main",source="project_summary"} 2
ksyun_bill_source_items{account="main",source="product_groups"} 8
ksyun_bill_source_items{account="main",source="product_consume"} 2
ksyun_bill_source_items{account="main",source="project_consume"} 2
ksyun_bill_source_items{account="main",source="detail_bill"} 2
ksyun_bill_source_items{account="main",source="instance_consume"} 2
ksyun_bill_source_items{account="main",source="instance_summary"} 1`)
	})
}

// The sum of the pay modes says whether it has all of them.
func TestPayModesComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		account := complete(c)
		o := options(account)
		o.Months.Past = 1
		w := start(t, october(15), o, c.Account)
		const lastMonth = `
ksyun_bill_account_pay_modes_complete{account="main",months_ago="1"} `
		const running = `ksyun_bill_account_pay_modes_complete{account="main",months_ago="0"} `
		compare(t, w.scrape("ksyun_bill_account_pay_modes_complete"), running+"1"+lastMonth+"1")
		for _, action := range []string{
			billclient.DescribeBillSummaryByPayMode, billclient.QueryProductConsume, billclient.QueryProjectConsume,
		} {
			away := billsim.Page(503)
			away.Action = action
			w.api.Fault(away)
		}
		w.sleep(73 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_pay_modes_complete"), running+"0"+lastMonth+"1")
	})
}

// Without permission, without the service, and while it is away, what the bill says stands as before, and nothing
// claims to be the whole.
func TestWithoutBillUnion(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Account, *customer)
		want   string
	}{
		{"no permission", func(_ *Account, c *customer) { c.UnionDenied = true }, `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="instance_consume"} 0
ksyun_bill_source_up{account="main",source="instance_summary"} 0
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1
ksyun_bill_source_up{account="main",source="pay_mode_summary"} 0
ksyun_bill_source_up{account="main",source="product_consume"} 0
ksyun_bill_source_up{account="main",source="product_groups"} 0
ksyun_bill_source_up{account="main",source="product_summary"} 0
ksyun_bill_source_up{account="main",source="project_consume"} 0
ksyun_bill_source_up{account="main",source="project_summary"} 0`},
		{"not configured", func(a *Account, _ *customer) { a.API.UnionEndpoint = "" }, `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				account := complete(customer)
				c.change(&account, customer)
				w := start(t, october(15), options(account), customer.Account)
				compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_all_modes_product_cost_cny",
					"ksyun_bill_pay_mode_unreconciled_cost_cny", "ksyun_bill_source_up"), c.want)
				failures := strings.Count(w.log.take(), "reason=auth")
				isUnion := regexp.MustCompile(`(?m)^(Describe|Query|List)`)
				if asked := len(isUnion.FindAllString(strings.Join(w.asked(), "\n"), -1)); asked != failures {
					t.Errorf("bill-union was asked %d times, to be refused %d times", asked, failures)
				}
				w.sleep(5 * time.Hour)
				if again := strings.Count(w.log.take(), "reason=auth"); again != 0 {
					t.Errorf("what is not granted is logged %d times at first, and %d times more", failures, again)
				}
			})
		})
	}
}

// A closed month is asked for again when its bill has changed, last month once a day besides; the running one always.
func TestUnionIsAskedWhenSomethingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		c.bill("2026-08", server("kec-1", 200))
		account := complete(c)
		o := options(account)
		o.Months.Past = 2
		w := start(t, october(15), o, c.Account)
		months := func() string {
			var asked []string
			for _, call := range w.asked() {
				if of := strings.Fields(call); of[0] == billclient.DescribeBillSummaryByPayMode {
					asked = append(asked, of[1])
				}
			}
			return strings.Join(asked, " ")
		}
		for _, step := range []struct {
			name   string
			change func()
			hours  int
			want   string
		}{
			{"at the start", func() {}, 0, "2026-10 2026-09 2026-08"},
			{"no change", func() {}, 1, "2026-10"},
			{"a late correction", func() { c.bill("2026-08", server("kec-1", 250)) }, 1, "2026-10 2026-08"},
			{"last month, a day later", func() {}, 23, strings.Repeat("2026-10 ", 23) + "2026-09"},
		} {
			step.change()
			w.sleep(time.Duration(step.hours) * time.Hour)
			if got := months(); got != step.want {
				t.Errorf("%s: asked for %s, want %s", step.name, got, step.want)
			}
		}
	})
}

// A summary that was there and is gone keeps the last good numbers for a day; then the API's word is taken.
func TestUnionFailsAndGrowsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		o := options(complete(c))
		o.Months.Past = 1
		w := start(t, october(15), o, c.Account)
		before := strings.Join(w.scrape(), "\n")
		gone := billsim.Raw(200, "application/json", `{"RequestId":"1","RealTotalCost":"0.00","SummaryOverview":[]}`)
		gone.Action = billclient.DescribeBillSummaryByPayMode
		stop := w.api.Fault(gone)
		w.sleep(time.Hour)
		compare(t, w.scrape(), before)
		const lacks = "the answer lacks the summary of 2026-10, which earlier answers had"
		if log := w.log.take(); !strings.Contains(log, lacks) {
			t.Errorf("log: %s", log)
		}
		w.sleep(73 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3`)
		const taken = `msg="the API has said less for a day, its word is taken" source=PayModes month=2026-09`
		if log := w.log.take(); !strings.Contains(log, taken) {
			t.Errorf("log: %s", log)
		}
		stop()
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01`)
	})
}

// A bill that is too old to be shown is not compared with anything either.
func TestUnionBesideAnOldBill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(complete(c))
		o.Months.Past = 0
		w := start(t, october(15), o, c.Account)
		away := billsim.Page(503)
		away.Action = getMonthBill
		defer w.api.Fault(away)()
		c.bill("2026-10", server("kec-1", 300))
		w.sleep(71 * time.Hour)
		compare(t, w.scrape("ksyun_bill_pay_mode_unreconciled_cost_cny"), `
ksyun_bill_pay_mode_unreconciled_cost_cny{account="main",months_ago="0"} 2`)
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_pay_mode_unreconciled_cost_cny"), "")
	})
}

// A summary stays if it was read since its month ended, that of last month for a day, and not if the clock was ahead.
func TestUnionStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(october(15)))
		for _, c := range []struct {
			name   string
			ago    int
			readAt time.Time
			want   bool
		}{
			{"a day ago", 1, october(14), false},
			{"since", 1, october(14).Add(time.Second), true},
			{"now", 1, october(15), true},
			{"tomorrow", 1, october(16), false},
			{"two months ago, since it ended", 2, beijing(9, 1, 0), true},
			{"two months ago, before it ended", 2, beijing(8, 31, 23), false},
		} {
			of := billclient.MonthOf(october(15)).Add(-c.ago)
			m := ledger.Month{}.WithUnion(ledger.ByPayMode, &ledger.Union{ReadAt: c.readAt})
			f := &fetch{options: options(), snapshot: (&ledger.Snapshot{}).WithMonth(of, m)}
			if got := isUnionCurrent(f, of, ledger.ByPayMode, now()); got != c.want {
				t.Errorf("%s: %v", c.name, got)
			}
		}
	})
}

// Without the postpaid part, other pay modes do not pass for the whole month: neither while it is too old, nor in a new
// month before there is any.
func TestOtherPayModesAlone(t *testing.T) {
	skipIfShort(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100000))
		w := start(t, october(15), options(complete(c)), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1000
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01`)
		away := billsim.Page(503)
		away.Action = getMonthBill
		back := w.api.Fault(away)
		w.sleep(73 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), "")
		if got := w.scrape("ksyun_bill_all_modes_project_cost_cny"); len(got) == 0 {
			t.Error("all_modes families are gone, too")
		}
		back()
		w.sleepUntil(beijing(11, 1, 3))
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), "")
	})
}

// An account that has nothing postpaid is shown by what it has, once the API has said that there is no more.
func TestNothingPostpaid(t *testing.T) {
	for _, action := range []string{getMonthBill, billclient.GetMonthConsume} {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			away := billsim.Page(503)
			away.Action = action
			var back func()
			w := startWith(t, october(15), options(complete(c)), faulty(&away, &back), c.Account)
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), "")
			back()
			w.sleep(2 * time.Minute)
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01`)
		})
	}
}

// Where an answer names another currency than CNY, no amount of the account is shown as one in CNY, also after a
// restart, until an answer is in CNY.
func TestOtherCurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(complete(c))
		o.Months.Past = 0
		inDollars := c.Account
		inDollars.Currency = "USD"
		var isInDollars atomic.Bool
		isInDollars.Store(true)
		o = keptIn(t, t.TempDir(), o)
		w := startWith(t, october(15), o, func(inYuan http.Handler) http.Handler {
			dollars := billsim.New([]billsim.Account{inDollars})
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if isInDollars.Load() {
					dollars.ServeHTTP(w, r)
				} else {
					inYuan.ServeHTTP(w, r)
				}
			})
		}, c.Account)
		const up = `ksyun_bill_source_up`
		const noneUp = `
ksyun_bill_source_up{account="main",source="detail_bill"} 0
ksyun_bill_source_up{account="main",source="instance_consume"} 0
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 0
ksyun_bill_source_up{account="main",source="pay_mode_summary"} 0
ksyun_bill_source_up{account="main",source="product_consume"} 0
ksyun_bill_source_up{account="main",source="product_groups"} 0
ksyun_bill_source_up{account="main",source="product_summary"} 0
ksyun_bill_source_up{account="main",source="project_consume"} 0
ksyun_bill_source_up{account="main",source="project_summary"} 0`
		compare(t, w.scrape("ksyun_bill_account_cost_cny", up), noneUp)
		w.end()
		w.run(o)
		w.sleep(time.Second)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", up), noneUp)
		if log := w.log.take(); !strings.Contains(log, "the API names another currency than CNY") {
			t.Errorf("the log does not say why:\n%s", log)
		}
		isInDollars.Store(false)
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01`)
	})
}

// A bill is not documented to name a currency. Where one does, it is not taken for yuan either.
func TestBillInOtherCurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		const cost = "ksyun_bill_account_cost_cny"
		compare(t, w.scrape(cost), `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		inDollars := billsim.Raw(http.StatusOK, "application/json",
			`{"MonthBillSet":[{"BillMonth":"2026-10","Sum":"1","Currency":"USD"}]}`)
		inDollars.Action = getMonthBill
		undo := w.api.Fault(inDollars)
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(cost), "")
		undo()
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(cost), `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
	})
}

// An answer of bill-union that lacks the postpaid part, though its total has it, does not make it count twice.
func TestUnionLacksPostpaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 50000))
		var text atomic.Pointer[string]
		answer := `{"RequestId":"1","Currency":"CNY","RealTotalCost":600,"SummaryOverview":[` +
			`{"BillMonth":"2026-10","PayMode":"Prepaid","RealTotalCost":100}]}`
		text.Store(&answer)
		o := options(complete(c))
		o.Months.Past = 0
		w := startWith(t, october(15), o, answering(billclient.DescribeBillSummaryByPayMode, &text), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_account_pay_modes_complete"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 500
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 100
ksyun_bill_account_pay_modes_complete{account="main",months_ago="0"} 0`)
	})
}

// A customer who no longer has anything postpaid is shown by what else there is, once no bill can be yet to come.
func TestNothingPostpaidAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-08", server("kec-1", 100))
		w := start(t, october(9), options(complete(c)), c.Account)
		families := []string{"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"}
		w.sleep(24 * time.Hour)
		const august = `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="prepaid",months_ago="2"} 10`
		compare(t, w.scrape(families...), august+`
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="prepaid",months_ago="3"} 10`)
		w.sleep(48 * time.Hour)
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="prepaid",months_ago="1"} 10`+august+`
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="prepaid",months_ago="3"} 10`)
	})
}
