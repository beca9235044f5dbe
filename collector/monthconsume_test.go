package collector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"
)

// A page of an account whose running month is an estimate: each family of days, of last month to the same day, of
// budgets, and what they rest on.
func TestEstimate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		ip := server("eip-1", 30)
		ip.ProductCode, ip.ProjectID = "EIP", "7"
		c.consume("2026-10", 15, on("2026-10-01", server("kec-1", 100)), on("2026-10-14", server("kec-1", 500)),
			on("2026-10-14", ip), on("2026-10-15", server("kec-1", 1)))
		c.consume("2026-09", 30, on("2026-09-01", server("kec-1", 10)), on("2026-09-14", server("kec-2", 4)),
			on("2026-09-15", server("kec-2", 9)))
		c.bill("2026-09", server("kec-1", 100))
		c.bill("2026-10", server("kec-1", 100)) // which is not shown, so its lines are not read
		o := options(simulated("main", c.Account))
		o.Days = 3
		o.Budgets = []metrics.Budget{
			{Account: "main", Monthly: yuan("1000.10")},
			{Account: "main", Product: "KEC", Monthly: yuan("900"), PayModes: []string{"postpaid", "realtime"}},
			{Account: "main", Product: "EIP", Monthly: yuan("1")},
			{Account: "main", Project: "7", Monthly: yuan("0.3"), PayModes: []string{"prepaid"}},
			{Account: "other", Monthly: yuan("1")},
		}
		w := start(t, october(15), o, c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_project_cost_cny", "ksyun_bill_region_cost_cny",
			"ksyun_bill_day_account_cost_cny", "ksyun_bill_day_project_product_cost_cny",
			"ksyun_bill_day_start_timestamp_seconds", "ksyun_bill_past_month_account_cost_cny",
			"ksyun_bill_past_month_to_date_account_cost_cny", "ksyun_bill_past_month_to_date_product_cost_cny",
			"ksyun_bill_past_month_estimate_cny", "ksyun_bill_account_budget_cny", "ksyun_bill_product_budget_cny",
			"ksyun_bill_project_budget_cny", "ksyun_bill_account_budget_pay_mode_info",
			"ksyun_bill_product_budget_pay_mode_info", "ksyun_bill_project_budget_pay_mode_info",
			"ksyun_bill_month_info", "ksyun_bill_period_data_timestamp_seconds",
			"ksyun_bill_source_data_timestamp_seconds", "ksyun_bill_source_items",
			"ksyun_bill_unreconciled_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 6.31
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="0"} 6.01
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="7"} 0.3
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 6.31
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 0.23
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 5.3
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 0
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="2"} 0
ksyun_bill_day_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="0",product_code="KEC",days_ago="0"} 5
ksyun_bill_day_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="7",product_code="EIP",days_ago="0"} 0.3
ksyun_bill_day_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="0",product_code="KEC",days_ago="1"} 0
ksyun_bill_day_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="7",product_code="EIP",days_ago="1"} 0
ksyun_bill_day_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="0",product_code="KEC",days_ago="2"} 0
ksyun_bill_day_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="7",product_code="EIP",days_ago="2"} 0
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 0.14
ksyun_bill_past_month_to_date_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",months_ago="1"} 0.14
ksyun_bill_day_start_timestamp_seconds{account="main",days_ago="0"} 1791907200
ksyun_bill_day_start_timestamp_seconds{account="main",days_ago="1"} 1791820800
ksyun_bill_day_start_timestamp_seconds{account="main",days_ago="2"} 1791734400
ksyun_bill_month_info{account="main",months_ago="0",month="2026-10",basis="estimate",bill_id="KSYZD0000000001202610"} 1
ksyun_bill_month_info{account="main",months_ago="1",month="2026-09",basis="bill",bill_id="KSYZD0000000001202609"} 1
ksyun_bill_period_data_timestamp_seconds{account="main"} 1792036800
ksyun_bill_account_budget_cny{account="main"} 1000.1
ksyun_bill_product_budget_cny{account="main",product_code="KEC"} 900
ksyun_bill_product_budget_cny{account="main",product_code="EIP"} 1
ksyun_bill_project_budget_cny{account="main",project_id="7"} 0.3
ksyun_bill_product_budget_pay_mode_info{account="main",product_code="KEC",pay_mode="postpaid"} 1
ksyun_bill_product_budget_pay_mode_info{account="main",product_code="KEC",pay_mode="realtime"} 1
ksyun_bill_project_budget_pay_mode_info{account="main",project_id="7",pay_mode="prepaid"} 1
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="EIP"} 0
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KEC"} 0
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="1",product_code="KEC"} 0
ksyun_bill_source_data_timestamp_seconds{account="main",source="month_bill"} 1790784000
ksyun_bill_source_data_timestamp_seconds{account="main",source="month_consume"} 1792036800
ksyun_bill_source_data_timestamp_seconds{account="main",source="detail_consume"} 1791993599
ksyun_bill_source_data_timestamp_seconds{account="main",source="detail_bill"} 1791993599
ksyun_bill_source_items{account="main",source="month_bill"} 2
ksyun_bill_source_items{account="main",source="month_consume"} 2
ksyun_bill_source_items{account="main",source="detail_consume"} 7
ksyun_bill_source_items{account="main",source="detail_bill"} 1`)
		compare(t, w.asked(), `
GetMonthBill 2026-07 2026-10
getMonthConsume 2026-10
getMonthConsume 2026-09
getPostpayDetailConsume 2026-10 0
getPostpayDetailConsume 2026-09 0
GetPostpayDetailBill 2026-09 2026-09`)
	})
}

// What the API says of an estimate decides what the running month is based on: an account without one has its bill. An
// estimate that is denied later stays for max_staleness.
func TestBasis(t *testing.T) {
	noAction := billsim.Refuse(billsim.JSONError, 404, "INVALID_ACTION", "Not Found")
	noAction.Action = "getMonthConsume"
	forbidden := billsim.Refuse(billsim.JSONError, 400, "Forbidden Request", "user 1 forbidden request this api")
	forbidden.Action = "getMonthConsume"
	away := billsim.Page(503)
	away.Action = "getMonthConsume"
	const bill, estimate = `{account="main",pay_mode="postpaid"} 1`, `{account="main",pay_mode="postpaid"} 2`
	for _, c := range []struct {
		name      string
		estimated bool
		fault     *billsim.Fault
		running   Running
		want, up  string
		later     string // with the API as it should be
	}{
		{"an estimate", true, nil, Auto, estimate, "1", estimate},
		{"an empty estimate", false, nil, Auto, bill, "1", bill},
		{"no permission", true, &forbidden, Auto, bill, "0", estimate},
		{"an unknown action", true, &noAction, Auto, bill, "0", estimate},
		{"no answer", true, &away, Auto, bill, "0", estimate},
		{"the bill, as configured", true, nil, Bill, bill, "1", bill},
		{"the bill, as configured, without an answer", true, &away, Bill, bill, "0", bill},
		{"the estimate, as configured", true, nil, Estimate, estimate, "1", estimate},
		{"the estimate, as configured, which there is not", false, nil, Estimate, "", "1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				if c.estimated {
					customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
				}
				o := options(simulated("main", customer.Account))
				o.Months.Running = c.running
				stop := func() {}
				w := startWith(t, october(15), o, faulty(c.fault, &stop), customer.Account)
				expect := func(cost, up string) {
					t.Helper()
					want := fmt.Sprintf("\nksyun_bill_source_up{account=\"main\",source=\"month_consume\"} %s", up)
					if cost != "" {
						want = "\nksyun_bill_account_cost_cny" + cost + want
					}
					got := slices.DeleteFunc(w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_source_up"),
						func(sample string) bool {
							return strings.Contains(sample, "source=") && !strings.Contains(sample, "month_consume")
						})
					compare(t, got, want)
				}
				expect(c.want, c.up)
				stop()
				w.sleep(2 * time.Hour)
				expect(c.later, "1")
				defer w.api.Fault(forbidden)()
				w.sleep(2 * time.Hour)
				expect(c.later, "0")
			})
		})
	}
}

// An action that the API does not know, while it knows others, is not offered: the log says so, and what is shown
// instead, where that is so.
func TestActionIsNotOffered(t *testing.T) {
	const says = `err="2026-10: getMonthConsume: INVALID_ACTION (HTTP 404, request id ID): `
	const notOffered = says + "the API does not offer this action to the account, or in its region"
	for _, c := range []struct {
		name      string
		running   Running
		estimated bool // an estimate was seen before
		all       bool // no action is known
		want      string
	}{
		{"at first", Auto, false, false, notOffered + `; the running month is its bill then"`},
		{"where estimates are wanted", Estimate, false, false, notOffered + `"`},
		{"any more", Auto, true, false, notOffered + `"`},
		{"as no other is", Auto, true, true, says + "Not Found; check that api.endpoint is the billing API's\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				if c.estimated {
					customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
				}
				o := options(simulated("main", customer.Account))
				o.Months.Running = c.running
				unknown := billsim.Refuse(billsim.JSONError, 404, "INVALID_ACTION", "Not Found")
				if !c.all {
					unknown.Action = "getMonthConsume"
				}
				w := start(t, october(15), o, customer.Account)
				w.log.take()
				w.api.Fault(unknown)
				w.sleepUntil(nextTick("main", time.Hour, time.Now()))
				if log := requestID.ReplaceAllString(w.log.take(), "request id ID"); !strings.Contains(log, c.want) {
					t.Errorf("the log lacks %s:\n%s", c.want, log)
				}
			})
		})
	}
}

// Without an answer of estimates, an account has its bill until there is one; one that had an estimate last month waits
// for the next.
func TestDenialThatTellsNothing(t *testing.T) {
	forbidden := billsim.Refuse(billsim.JSONError, 400, "Forbidden Request", "user 1 forbidden request this api")
	away := billsim.Page(503)
	away.Action = "getMonthConsume"
	t.Run("of bills too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			c.bill("2026-10", server("kec-1", 100))
			w := start(t, october(31), options(simulated("main", c.Account)), c.Account)
			c.bill("2026-11", server("kec-1", 100))
			c.consume("2026-11", 1, on("2026-11-01", server("kec-1", 200)))
			grant := w.api.Fault(forbidden)
			w.sleepUntil(beijing(11, 1, 12))
			grant()
			arrive := w.api.Fault(away)
			w.sleep(2 * time.Hour)
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
			arrive()
			w.sleep(2 * time.Hour)
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2`)
		})
	})
	t.Run("in the next month", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			c.bill("2026-11", server("kec-1", 100))
			c.consume("2026-10", 30, on("2026-10-30", server("kec-1", 200)))
			w := start(t, october(31), options(simulated("main", c.Account)), c.Account)
			forbidden.Action = "getMonthConsume"
			defer w.api.Fault(forbidden)()
			w.sleepUntil(beijing(11, 1, 12))
			compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_estimate_cny"), `
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 2`)
		})
	})
}

// An estimate that was there and is gone is a short answer: its number stays, and the source says so.
func TestVanishedEstimateFailsTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		c.forget("2026-10")
		w.log.take()
		w.sleep(time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2`)
		const failure = `getMonthConsume: the answer lacks the estimate of 2026-10, which earlier answers had"`
		if log := w.log.take(); !strings.Contains(log, failure) {
			t.Errorf("log: %s", log)
		}
	})
}

// A bill that is wanted of a running month and does not come leaves the closed month to its estimate, with all that its
// lines tell.
func TestWantedBillDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 31, on("2026-10-30", server("kec-1", 100)))
		o := options(simulated("main", c.Account))
		o.Months.Running = Bill
		w := start(t, october(31), o, c.Account)
		w.sleepUntil(beijing(11, 1, 2))
		compare(t, w.scrape("ksyun_bill_past_month_account_cost_cny", "ksyun_bill_past_month_product_list_cost_cny",
			"ksyun_bill_unreconciled_cost_cny"), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1
ksyun_bill_past_month_product_list_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",months_ago="1"} 2
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="1",product_code="KEC"} 0`)
	})
}

// What last month had come to while it ran is not its estimate for ever; and an estimate of the whole month, which
// stays as such, does not stand in for the bill for ever.
func TestPartOfAnEstimate(t *testing.T) {
	t.Parallel()
	const estimate = `ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 1`
	const cost = `ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1`
	for _, c := range []struct {
		name          string
		away          time.Time // when the API goes away
		before, later string
	}{
		{"a part", beijing(10, 31, 23), cost + "\n" + estimate, ""},
		{"the whole", beijing(11, 1, 2), cost + "\n" + estimate, estimate},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.consume("2026-10", 30, on("2026-10-30", server("kec-1", 100)))
				w := start(t, october(31), options(simulated("main", customer.Account)), customer.Account)
				w.sleepUntil(c.away)
				w.api.Fault(billsim.Never())
				families := []string{"ksyun_bill_past_month_account_cost_cny", "ksyun_bill_past_month_estimate_cny"}
				w.sleepUntil(beijing(11, 2, 0))
				compare(t, w.scrape(families...), c.before)
				w.sleepUntil(beijing(11, 5, 0))
				compare(t, w.scrape(families...), c.later)
			})
		})
	}
}

// Once a month is billed, the API need not know any more what it was estimated by: nothing is lost for it, nothing
// fails, and its lines are not asked for again.
func TestEstimateIsDroppedOnceBilled(t *testing.T) {
	t.Parallel()
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

// A billed month's estimate that is corrected downwards, lines and summary alike, is taken over.
func TestEstimateIsCorrectedDownwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 100))
		c.consume("2026-09", 30, on("2026-09-14", server("kec-1", 100)), on("2026-09-14", server("kec-2", 90000)))
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		c.consume("2026-09", 30, on("2026-09-14", server("kec-1", 100)))
		w.sleep(7 * time.Hour)
		compare(t, w.scrape("ksyun_bill_past_month_to_date_account_cost_cny", "ksyun_bill_past_month_estimate_cny"), `
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 1
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1`)
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
