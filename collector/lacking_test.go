package collector

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

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

// Once a month is billed, the API need not know any more what it was estimated by: nothing is lost for it, nothing
// fails, and its lines are not asked for again.
func TestEstimateIsDroppedOnceBilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 31, on("2026-10-01", server("kec-1", 100)), on("2026-10-31", server("kec-1", 3100)))
		w := start(t, beijing(11, 1, 12), options(simulated("main", c.Account)), c.Account)
		c.bill("2026-10", server("kec-1", 4000))
		c.forget("2026-10")
		c.consume("2026-11", 1, on("2026-11-01", server("kec-1", 200)))
		w.sleepUntil(beijing(11, 2, 6))
		w.asked()
		w.sleepUntil(beijing(11, 8, 6)) // beyond max_staleness
		compare(t, w.scrape("ksyun_bill_past_month_account_cost_cny", "ksyun_bill_past_month_estimate_cny",
			"ksyun_bill_past_month_to_date_account_cost_cny", "ksyun_bill_source_up"), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 40
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 32
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="detail_consume"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		compare(t, w.scrape("ksyun_bill_day_account_cost_cny")[:2], `
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 2
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 31`)
		if asked := strings.Join(w.asked(), "\n"); strings.Contains(asked, "getPostpayDetailConsume 2026-10") {
			t.Errorf("lines of the billed month were asked for: %s", asked)
		}
	})
}

// Lines that have vanished, while their summary still comes to something, are a short answer: their month's numbers and
// days stay, and the source says so, unless it is what a billed month was estimated by.
func TestVanishedLines(t *testing.T) {
	const consumed = `ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 2`
	for _, c := range []struct {
		name   string
		change func(*customer)
		says   string
	}{
		{"of a bill", func(c *customer) {
			c.put("2026-09", billsim.Bill{SummaryOnly: []billsim.Product{{Code: "KEC", Cost: 4 * billsim.Yuan}}})
		}, `2026-09: GetPostpayDetailBill: the answer has no lines, though the summary comes to 4 CNY"`},
		{
			"of the running estimate", func(c *customer) { c.vanish("2026-10", "2026-10-14") },
			`2026-10: getPostpayDetailConsume: the answer has no lines, though the summary comes to 5 CNY"`,
		},
		{"of a billed month's estimate", func(c *customer) { c.vanish("2026-09", "2026-09-30") }, ""},
		{"of a billed month's estimate, some", func(c *customer) {
			c.consume("2026-09", 30, on("2026-09-29", server("kec-1", 50)))
			c.unexplain("2026-09")
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-09", server("kec-1", 300))
				customer.consume("2026-09", 30,
					on("2026-09-29", server("kec-1", 50)), on("2026-09-30", server("kec-1", 100)))
				customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
				o := options(simulated("main", customer.Account))
				o.Refresh.DetailsInterval = time.Minute
				w := start(t, october(15), o, customer.Account)
				days := strings.Join(w.scrape("ksyun_bill_day_account_cost_cny"), "\n")
				past := strings.Join(w.scrape("ksyun_bill_past_month_instance_cost_cny"), "\n")
				c.change(customer)
				w.log.take()
				w.sleepUntil(nextTick("main", time.Hour, time.Now()))
				compare(t, w.scrape("ksyun_bill_region_cost_cny"), consumed)
				compare(t, w.scrape("ksyun_bill_day_account_cost_cny"), days)
				compare(t, w.scrape("ksyun_bill_past_month_instance_cost_cny"), past)
				said := w.log.take()
				if !strings.Contains(said, c.says) || strings.Contains(said, "level=warn") != (c.says != "") {
					t.Errorf("want %s in the log:\n%s", c.says, said)
				}
				w.asked()
				w.sleep(48 * time.Hour)
				asked := strings.Count(strings.Join(w.asked(), "\n"), "getPostpayDetailConsume 2026-09")
				if asked != 2 {
					t.Errorf("lines of last month were asked for %d times in two days", asked)
				}
			})
		})
	}
}

// unexplain adds to an estimate what no line is behind.
func (c *customer) unexplain(month string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	consumed := c.consumed[month]
	consumed.SummaryOnly = []billsim.Product{{Code: "EIP", Cost: 2 * billsim.Yuan}}
	c.consumed[month] = consumed
}

// vanish leaves an estimate without lines, and with another sum.
func (c *customer) vanish(month, until string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.consumed[month] = billsim.Consumption{EndDate: until, Bill: billsim.Bill{
		SummaryOnly: []billsim.Product{{Code: "KEC", Cost: 5 * billsim.Yuan}},
	}}
}
