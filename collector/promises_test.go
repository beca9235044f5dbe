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
	"ksyun_bill_exporter/metrics"
)

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

// A stream that breaks and is read again counts every line once.
func TestRetryStartsFromNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100), server("kec-2", 200))
		account := simulated("main", c.Account)
		account.API.MaxRetries = 1
		w := startWith(t, october(15), options(account), func(api http.Handler) http.Handler {
			broken := billsim.Break(billsim.Drop, 1)
			broken.Action, broken.Times = getDetailBill, 1
			api.(*billsim.Server).Fault(broken)
			return api
		}, c.Account)
		w.sleep(10 * time.Second)
		compare(t, w.scrape("ksyun_bill_region_cost_cny", "ksyun_bill_api_retries_total",
			"ksyun_bill_source_refreshes_total"), `
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 3
ksyun_bill_api_retries_total{account="main",action="GetPostpayDetailBill"} 1
ksyun_bill_source_refreshes_total{account="main",source="detail_bill"} 1
ksyun_bill_source_refreshes_total{account="main",source="month_bill"} 1
ksyun_bill_source_refreshes_total{account="main",source="month_consume"} 1`)
	})
}

// With customer_id configured, nothing is shown before an answer tells whose numbers these are, and no line of another
// customer is added up.
func TestCustomerIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("11")
		stranger := server("kec-2", 200)
		stranger.CustomerID = "12"
		c.put("2026-10", billsim.Bill{ID: "B-1", Lines: slices.Values([]billsim.Line{server("kec-1", 100), stranger})})
		account := simulated("main", c.Account)
		account.CustomerID = "0011"
		o := keptIn(t, t.TempDir(), options(account))
		w := start(t, october(15), o, c.Account)
		compare(t, w.scrape(), "")
		log := w.log.take()
		for _, want := range []string{
			"nothing tells yet whose numbers these are, customer_id expects 0011",
			"2026-10: GetPostpayDetailBill: a line is of customer 12, customer_id expects 0011",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %s:\n%s", want, log)
			}
		}
		seen := func() (refused *metrics.Refusal, foreign []string) {
			status := w.bills.Status().Accounts[0]
			for _, s := range status.Sources {
				if s.Foreign {
					foreign = append(foreign, s.Name)
				}
			}
			return status.Refused, foreign
		}
		w.end()
		w.run(o)
		w.sleep(time.Second)
		refused, foreign := seen()
		if want := (metrics.Refusal{Expected: "0011"}); refused == nil || *refused != want ||
			!slices.Equal(foreign, []string{"detail_bill"}) {
			t.Errorf("refused %+v, foreign %q", refused, foreign)
		}
		c.put("2026-10", billsim.Bill{ID: "B-1", Lines: slices.Values([]billsim.Line{server("kec-1", 100)})})
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		if refused, foreign := seen(); refused != nil || foreign != nil {
			t.Errorf("refused %+v, foreign %q, with the right customer's lines", refused, foreign)
		}
	})
}

// A clock that was set back by days leaves the tick out of reach: the account is asked at once, and ticks by the new
// time.
func TestClockSetBack(t *testing.T) {
	s := &schedule{interval: time.Hour, next: october(15)}
	for _, c := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"at the tick", october(15), true},
		{"an hour before", october(15).Add(-time.Hour), false},
		{"days before", october(5), true},
	} {
		if got := s.due(c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A monthly fee, which ends with its month, does not make a bill look new.
func TestDataTimestamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		fee, odd, old := server("kec-1", 100), server("kec-2", 100), server("kec-3", 100)
		fee.EndTime, odd.EndTime = "2026-10-31 23:59:59", "until further notice"
		old.EndTime = "2026-10-09 23:59:59"
		c.bill("2026-10", fee, odd, old)
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_period_data_timestamp_seconds"),
			`ksyun_bill_period_data_timestamp_seconds{account="main"} 1791561599`)
	})
}

// The bill's sum can have more than its products, and its products more than its projects.
func TestSummaryDoesNotAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 300))
		body := `{"RequestId":"1","MonthBillSet":[{"BillMonth":"2026-10","BillType":"postpay","BillId":"B","Sum":5,` +
			`"BillProductSet":[{"Code":"KEC","Cost":3,"Name":"KEC"}],"BillProjectSet":[{"Id":0,"Cost":1,"Name":"x"}]}]}`
		w := startWith(t, october(15), options(simulated("main", c.Account)), func(api http.Handler) http.Handler {
			fault := billsim.Raw(200, "application/json", body)
			fault.Action = getMonthBill
			api.(*billsim.Server).Fault(fault)
			return api
		}, c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_product_cost_cny", "ksyun_bill_project_cost_cny",
			"ksyun_bill_unreconciled_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 5
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC"} 3
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="0"} 3
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KEC"} 0
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="__none__"} 2`)
	})
}

// A product that the summary lists at 0 stays 0, though the sum has a digit that no product has.
func TestProductsAreTheSummarys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 300))
		body := `{"RequestId":"1","MonthBillSet":[{"BillMonth":"2026-10","BillType":"postpay","BillId":"B",` +
			`"Sum":3.0000000001,"BillProductSet":[{"Code":"KEC","Cost":3},{"Code":"KS3","Cost":0}]}]}`
		w := startWith(t, october(15), options(simulated("main", c.Account)), func(api http.Handler) http.Handler {
			fault := billsim.Raw(200, "application/json", body)
			fault.Action = getMonthBill
			api.(*billsim.Server).Fault(fault)
			return api
		}, c.Account)
		compare(t, w.scrape("ksyun_bill_product_cost_cny", "ksyun_bill_project_cost_cny"), `
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC"} 3
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KS3"} 0
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="0"} 3`)
	})
}

// What a bill's id suggests need not be what its lines say, nor what the id of another month does: lines are right, and
// are not read anew for it.
func TestBillIDSuggestsAnotherCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("11")
		c.put("2026-10", billsim.Bill{
			ID: "KSYZD0000000099202610", Lines: slices.Values([]billsim.Line{server("kec-1", 100)}),
		})
		c.put("2026-09", billsim.Bill{
			ID: "KSYZD0000000098202609", Lines: slices.Values([]billsim.Line{server("kec-1", 1)}),
		})
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		w.asked()
		w.sleep(3 * time.Hour)
		for _, call := range w.asked() {
			if strings.HasPrefix(call, getDetailBill) {
				t.Errorf("read anew: %s", call)
			}
		}
		compare(t, w.scrape("ksyun_bill_account_info", "ksyun_bill_region_cost_cny"), `
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 1
ksyun_bill_account_info{account="main",customer_id="11"} 1`)
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

// What the configuration switches off has no series.
func TestSwitchedOff(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"nothing", func(*Options) {}, `
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-2",instance_name="web-kec-2",months_ago="1"} 3
ksyun_bill_project_info{account="main",project_id="0",project_name="默认项目",owner="",cost_center=""} 1
ksyun_bill_instances{account="main",product_code="KEC"} 1`},
		{"last month's instances", func(o *Options) { o.Instances.LastMonth = false }, `
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_project_info{account="main",project_id="0",project_name="默认项目",owner="",cost_center=""} 1
ksyun_bill_instances{account="main",product_code="KEC"} 1`},
		{"all instances", func(o *Options) { o.Instances.Enabled = false }, `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_project_info{account="main",project_id="0",project_name="默认项目",owner="",cost_center=""} 1`},
		{"closed months", func(o *Options) { o.Months.Past = 0 }, `
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1"} 1
ksyun_bill_project_info{account="main",project_id="0",project_name="默认项目",owner="",cost_center=""} 1
ksyun_bill_instances{account="main",product_code="KEC"} 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				customer.bill("2026-09", server("kec-2", 300))
				o := options(simulated("main", customer.Account))
				o.Projects = []metrics.Project{{Account: "other", ID: "0", Owner: "nobody"}}
				c.change(&o)
				w := start(t, october(15), o, customer.Account)
				compare(t, w.scrape("ksyun_bill_instance_cost_cny", "ksyun_bill_past_month_account_cost_cny",
					"ksyun_bill_past_month_instance_cost_cny", "ksyun_bill_project_info", "ksyun_bill_instances"),
					c.want)
			})
		})
	}
}

// A failure for another reason is news, even if it is one that is said only once.
func TestDenialAfterAnotherFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		stop := w.api.Fault(billsim.Page(503))
		w.sleep(2 * time.Hour)
		stop()
		w.log.take()
		defer w.api.Fault(billsim.Refuse(billsim.JSONError, 403, "Forbidden", "no"))()
		w.sleep(5 * time.Hour)
		if said := strings.Count(w.log.take(), "source=month_bill"); said != 1 {
			t.Errorf("said %d times", said)
		}
	})
}

// settable lets a test set the collector's clock: it returns by how much it is ahead.
func settable(t *testing.T) *atomic.Int64 {
	t.Helper()
	ahead, before := &atomic.Int64{}, now
	now = func() time.Time { return before().Add(time.Duration(ahead.Load())) }
	t.Cleanup(func() { now = before })
	return ahead
}

// A clock that is set while the API is away loses no number but by what it says of their age, has nobody flooded with
// calls, and holds up nothing once the API is back.
func TestClockIsSetDuringAnOutage(t *testing.T) {
	const running = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} `
	const past = `ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="%d"} %d`
	const day = 24 * time.Hour
	for _, c := range []struct {
		name         string
		ahead        time.Duration
		shown, later string
	}{
		{"hours ahead", 5 * time.Hour, running + "1\n" + fmt.Sprintf(past, 1, 3), ""},
		{"days ahead", 4 * day, fmt.Sprintf(past, 1, 3), ""},
		{
			"into the next month", 20 * day, fmt.Sprintf(past, 2, 3),
			fmt.Sprintf(past, 1, 5) + "\n" + fmt.Sprintf(past, 2, 3),
		},
		{"minutes back", -20 * time.Minute, running + "1\n" + fmt.Sprintf(past, 1, 3), ""},
		{"days back", -10 * day, running + "1\n" + fmt.Sprintf(past, 1, 3), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ahead := settable(t)
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				customer.bill("2026-09", server("kec-1", 300))
				w := start(t, october(15), options(simulated("main", customer.Account)), customer.Account)
				mend := w.api.Fault(billsim.Page(503))
				w.sleepUntil(nextTick("main", time.Hour, time.Now()).Add(20 * time.Minute))
				w.asked()
				ahead.Store(int64(c.ahead))
				w.sleep(time.Minute + time.Second)
				families := []string{"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"}
				compare(t, w.scrape(families...), c.shown)
				w.sleep(time.Hour)
				if calls := strings.Count(strings.Join(w.asked(), "\n"), getMonthBill); calls < 1 || calls > 3 {
					t.Errorf("bills were asked for %d times in an hour", calls)
				}
				compare(t, w.scrape(families...), c.shown)
				mend()
				customer.bill("2026-10", server("kec-1", 500))
				w.sleep(time.Hour + time.Minute)
				if c.later == "" {
					c.later = running + "5\n" + fmt.Sprintf(past, 1, 3)
				}
				compare(t, w.scrape(families...), c.later)
			})
		})
	}
}

// How long a call takes does not hang on the clock that is set meanwhile.
func TestClockIsSetDuringACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := settable(t)
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		w.api.Fault(billsim.Never())
		w.sleepUntil(nextTick("main", time.Hour, time.Now()).Add(30 * time.Second))
		ahead.Store(int64(-10 * time.Minute))
		w.sleep(time.Minute)
		const want = `ksyun_bill_source_last_refresh_duration_seconds{account="main",source="month_bill"} 60`
		if got := w.scrape("ksyun_bill_source_last_refresh_duration_seconds"); !slices.Contains(got, want) {
			t.Errorf("%q", got)
		}
	})
}
