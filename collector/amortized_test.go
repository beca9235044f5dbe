package collector

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// Prepaid cost is spread over its terms by the day, what is given back over the rest of its term; other pay modes are
// as they are. Until every month is read whose terms may not have ended, nothing is spread.
func TestAmortized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 100)), on("2026-10-14", server("kec-1", 100)))
		c.consume("2026-09", 30, on("2026-09-14", server("kec-1", 200)))
		c.bill("2026-09", server("kec-1", 200))
		machines(c)
		monthly := c.Prepaid
		c.Prepaid = func(month string) []billsim.Purchase {
			year := billsim.Purchase{
				ProductCode: "KEC", ProductName: "云服务器", ProjectID: "7", ProjectName: "广告", InstanceID: "p-3", InstanceName: "year",
				EndTime: "2026-12-31 23:59:59", Cost: 365 * billsim.Yuan,
			}
			switch month {
			case "2025-12":
				year.Day, year.StartTime = "2025-12-31", "2026-01-01 00:00:00"
				return []billsim.Purchase{year}
			case "2026-09", "2026-10":
				all := monthly(month)[:1]
				if month == "2026-10" { // the rest of the year is given back
					year.Kind, year.Cost = billsim.Refunded, -79*billsim.Yuan
					year.Day, year.StartTime = "2026-10-14", "2026-10-14 00:00:00"
					all = append(all, year)
				}
				return all
			}
			return nil
		}
		c.Realtime = nil
		a := simulated("main", c.Account)
		a.API.UnionEndpoint = a.API.Endpoint
		o := options(a)
		o.Months.Past, o.Days, o.Prepaid.Months = 1, 3, 36
		away, back := billsim.Page(503), func() {}
		away.Action = billclient.DescribeInstanceSummaryBills
		w := startWith(t, october(15), o, faulty(&away, &back), c.Account)
		const missing, left = "ksyun_bill_prepaid_months_missing", "ksyun_bill_prepaid_remaining_cny"
		compare(t, w.scrape("ksyun_bill_amortized_account_cost_cny", "ksyun_bill_day_amortized_account_cost_cny", missing, left), `
ksyun_bill_prepaid_months_missing{account="main"} 36`)
		back()
		w.asked()
		w.sleepUntil(october(16))
		w.checkInfos()
		compare(t, slices.DeleteFunc(w.scrape(), func(line string) bool {
			return !strings.Contains(line, "_amortized_") || strings.Contains(line, "unreconciled")
		}), `
ksyun_bill_amortized_account_cost_cny{account="main",pay_mode="postpaid"} 2
ksyun_bill_amortized_account_cost_cny{account="main",pay_mode="prepaid"} 27.06666676
ksyun_bill_amortized_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC"} 2
ksyun_bill_amortized_product_cost_cny{account="main",pay_mode="prepaid",product_code="KEC"} 27.06666676
ksyun_bill_amortized_project_cost_cny{account="main",pay_mode="postpaid",project_id="0"} 2
ksyun_bill_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="0"} 14.06666676
ksyun_bill_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="7"} 13
ksyun_bill_amortized_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1"} 2
ksyun_bill_amortized_instance_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web"} 14.06666676
ksyun_bill_amortized_instance_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",project_id="7",instance_id="p-3",instance_name="year"} 13
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 1
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 1
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="postpaid",days_ago="2"} 0
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="prepaid",days_ago="0"} 1
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="prepaid",days_ago="1"} 2
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="prepaid",days_ago="2"} 2
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",days_ago="0"} 1
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",days_ago="1"} 1
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",days_ago="2"} 0
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",days_ago="0"} 1
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",days_ago="1"} 2
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",days_ago="2"} 2
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="postpaid",project_id="0",days_ago="0"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="postpaid",project_id="0",days_ago="1"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="postpaid",project_id="0",days_ago="2"} 0
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="0",days_ago="0"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="7",days_ago="0"} 0
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="0",days_ago="1"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="7",days_ago="1"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="0",days_ago="2"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="7",days_ago="2"} 1`)
		compare(t, w.scrape(missing, left, "ksyun_bill_amortized_unreconciled_cost_cny"), `
ksyun_bill_amortized_unreconciled_cost_cny{account="main",months_ago="1"} -0.00333324
ksyun_bill_prepaid_remaining_cny{account="main",product_code="KEC"} 19
ksyun_bill_prepaid_months_missing{account="main"} 0`)
		if n := strings.Count(strings.Join(w.asked(), "\n"), billclient.DescribeInstanceSummaryBills); n != 36 {
			t.Errorf("closed months were asked for %d times, want 36: each once", n)
		}
	})
}

// An API that does not know DescribeCostBill any more has nothing to compare with: that is no failure.
func TestCostBillThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(machines(c))
		o.Prepaid.Months = 1
		w := startWith(t, october(15), o, func(http.Handler) http.Handler {
			return billsim.New([]billsim.Account{c.Account}, billsim.WithoutActions(billclient.DescribeCostBill))
		})
		compare(t, slices.DeleteFunc(w.scrape("ksyun_bill_source_up", "ksyun_bill_amortized_unreconciled_cost_cny"),
			func(sample string) bool {
				return !strings.Contains(sample, "cost_bill") && !strings.Contains(sample, "unreconciled")
			}), `
ksyun_bill_source_up{account="main",source="cost_bill"} 1`)
		if w.sleep(23 * time.Hour); strings.Contains(w.log.take(), "level=warn") {
			t.Error("there is a warning")
		}
	})
}

// At the turn of a month, what was bought long ago is spread as before and stands under the same product and project,
// also while the lines of the last month as a whole are not there yet. Product and project have names though nothing
// else is shown of them.
func TestAmortizedAtTheTurnOfAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		ofProject := server("kec-1", 100)
		ofProject.ProjectID, ofProject.ProjectName = "9", "旧项目"
		c.consume("2026-10", 31, on("2026-10-30", ofProject))
		c.Prepaid = func(month string) []billsim.Purchase {
			if month != "2025-12" {
				return nil
			}
			return []billsim.Purchase{{
				ProductCode: "OLD_GROUP", ProductName: "旧产品", ProjectID: "9", ProjectName: "旧项目", InstanceID: "p-1", Day: "2025-12-31",
				StartTime: "2026-01-01 00:00:00", EndTime: "2026-12-31 23:59:59", Cost: 365 * billsim.Yuan,
			}}
		}
		c.Groups = []billsim.ProductGroup{{ID: 9, Code: "OLD_GROUP", Name: "旧产品"}}
		a := simulated("main", c.Account)
		a.API.UnionEndpoint = a.API.Endpoint
		o := options(a)
		o.Months.Past, o.Days, o.Prepaid.Months = 0, 2, 12
		w := start(t, beijing(10, 31, 20), o, c.Account)
		for at := beijing(10, 31, 21); at.Before(beijing(11, 2, 0)) && !t.Failed(); at = at.Add(30 * time.Minute) {
			w.sleepUntil(at)
			w.checkInfos()
			const days = "ksyun_bill_day_amortized_product_cost_cny"
			got := w.scrape(days, "ksyun_bill_day_amortized_project_cost_cny", "ksyun_bill_prepaid_months_missing")
			compare(t, slices.DeleteFunc(got, func(line string) bool { return strings.Contains(line, "postpaid") }), `
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="prepaid",product_code="OLD_GROUP",days_ago="0"} 1
ksyun_bill_day_amortized_product_cost_cny{account="main",pay_mode="prepaid",product_code="OLD_GROUP",days_ago="1"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="9",days_ago="0"} 1
ksyun_bill_day_amortized_project_cost_cny{account="main",pay_mode="prepaid",project_id="9",days_ago="1"} 1
ksyun_bill_prepaid_months_missing{account="main"} 0`)
		}
		compare(t, w.scrape("ksyun_bill_product_info", "ksyun_bill_project_info"), `
ksyun_bill_product_info{account="main",product_code="KEC",product_name="云服务器(KEC)"} 1
ksyun_bill_product_info{account="main",product_code="OLD_GROUP",product_name="旧产品"} 1
ksyun_bill_project_info{account="main",project_id="9",project_name="旧项目",owner="",cost_center=""} 1`)
	})
}

// What is bought in the last evening of a month counts on its last day, though that month is not shown. The month to
// date is not shown while its postpaid part is not known.
func TestLastEveningOfAMonthIsAmortized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 31, on("2026-10-30", server("kec-1", 100)))
		var isEvening atomic.Bool
		c.Prepaid = func(month string) []billsim.Purchase {
			if month != "2026-10" || !isEvening.Load() {
				return nil
			}
			return []billsim.Purchase{{
				ProductCode: "KEC", ProductName: "云服务器", ProjectID: "0", ProjectName: "默认项目", InstanceID: "p-1", Day: "2026-10-31",
				StartTime: "2026-10-31 00:00:00", EndTime: "2026-11-29 23:59:59", Cost: 30 * billsim.Yuan,
			}}
		}
		a := simulated("main", c.Account)
		a.API.UnionEndpoint = a.API.Endpoint
		o := options(a)
		o.Months.Past, o.Days, o.Prepaid.Months = 0, 1, 1
		noMonth := `{"TotalCount":0,"SummaryOverview":[]}`
		text := atomic.Pointer[string]{}
		text.Store(&noMonth)
		w := startWith(t, beijing(10, 31, 20), o, answering(billclient.DescribeInstanceSummaryBills, &text), c.Account)
		isEvening.Store(true)
		const day = "ksyun_bill_day_amortized_account_cost_cny"
		for _, days := range []int{0, 1} {
			w.sleepUntil(beijing(11, 1+days, 12))
			compare(t, w.scrape("ksyun_bill_amortized_account_cost_cny", day), `
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 0
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="prepaid",days_ago="0"} 1`)
		}
		c.consume("2026-11", 2, on("2026-11-02", server("kec-1", 100)))
		w.sleepUntil(beijing(11, 3, 12))
		compare(t, w.scrape("ksyun_bill_amortized_account_cost_cny", day), `
ksyun_bill_amortized_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_amortized_account_cost_cny{account="main",pay_mode="prepaid"} 2
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 1
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="prepaid",days_ago="0"} 1`)
		isPostpaid := func(r *http.Request) bool {
			return strings.HasPrefix(strings.ToLower(r.URL.Query().Get("Action")), "get")
		}
		w.wire.refuses.Store(&isPostpaid)
		w.sleep(80 * time.Hour)
		compare(t, w.scrape("ksyun_bill_amortized_account_cost_cny", "ksyun_bill_prepaid_months_missing"), `
ksyun_bill_prepaid_months_missing{account="main"} 0`)
	})
}

// What was bought is known by the lines of a month's days, where those of the month as a whole are the worse ones, and
// stays known when that month is no longer the last one. No lines at all of a month that has cost something prepaid are
// no answer.
func TestPurchasesOfDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.Prepaid = func(month string) []billsim.Purchase {
			if month != "2026-07" && month != "2026-09" {
				return nil
			}
			return []billsim.Purchase{{
				ProductCode: "KEC", ProductName: "云服务器", ProjectID: "0", ProjectName: "默认项目", InstanceID: "p-1", Day: month + "-21",
				StartTime: month + "-21 00:00:00", EndTime: "2027-08-31 23:59:59", Cost: 365 * billsim.Yuan,
			}}
		}
		a := simulated("main", c.Account)
		a.API.UnionEndpoint = a.API.Endpoint
		o := options(a)
		o.Months.Past, o.Days, o.Prepaid.Months, o.Refresh.Interval = 2, 1, 5, 6*time.Hour
		var isThere atomic.Bool
		w := startWith(t, beijing(9, 22, 20), o, replacing(func(query url.Values) string {
			isAsked := query.Get("Action") == billclient.DescribeInstanceSummaryBills
			switch month := query.Get("BillMonth"); {
			case isAsked && month == "2026-07" && !isThere.Load():
				return `{"TotalCount":0,"SummaryOverview":[]}`
			case isAsked && month == "2026-09":
				return `{"TotalCount":1,"SummaryOverview":[{"BillMonth":"2026-09","PayMode":"预付费","RealCost":"1","InstanceId":"p-9"}]}`
			}
			return ""
		}), c.Account)
		const left = "ksyun_bill_prepaid_remaining_cny"
		compare(t, w.scrape(left, "ksyun_bill_prepaid_months_missing"), `
ksyun_bill_prepaid_months_missing{account="main"} 1`)
		isThere.Store(true)
		w.sleep(12 * time.Hour)
		compare(t, w.scrape("ksyun_bill_prepaid_months_missing"), `
ksyun_bill_prepaid_months_missing{account="main"} 0`)
		for _, at := range []time.Time{beijing(10, 22, 14), beijing(11, 22, 12)} {
			w.sleepUntil(at)
			compare(t, w.scrape("ksyun_bill_day_amortized_account_cost_cny"), `
ksyun_bill_day_amortized_account_cost_cny{account="main",pay_mode="prepaid",days_ago="0"} 1.9547769`)
		}
	})
}
