package collector

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// Good numbers are kept for a day against answers that say less; then the API's word is taken, and the log says what
// was lost. A source is not down for weeks because a month was regrouped, corrected or withdrawn.
func TestProtectionEnds(t *testing.T) {
	t.Parallel()
	const up = `ksyun_bill_source_up{account="main",source="`
	for _, c := range []struct {
		name, source, family string
		less                 func(c *customer)
		before, after        string
	}{
		{
			"a withdrawn bill", "month_bill", "ksyun_bill_past_month_account_cost_cny",
			func(c *customer) { c.withdraw("2026-08") },
			`{account="main",pay_mode="postpaid",months_ago="2"} 8`, "",
		},
		{
			"an estimate that goes back to an earlier day", "month_consume", "ksyun_bill_account_cost_cny",
			func(c *customer) { c.consume("2026-10", 13, on("2026-10-13", server("kec-1", 1000))) },
			`{account="main",pay_mode="postpaid"} 10`, `{account="main",pay_mode="postpaid"} 10`,
		},
		{
			"an estimate that falls", "month_consume", "ksyun_bill_account_cost_cny",
			func(c *customer) { c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 400))) },
			`{account="main",pay_mode="postpaid"} 10`, `{account="main",pay_mode="postpaid"} 4`,
		},
		{
			"an estimate that is gone", "month_consume", "ksyun_bill_account_cost_cny",
			func(c *customer) { c.forget("2026-10") },
			`{account="main",pay_mode="postpaid"} 10`, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-08", server("kec-1", 800))
				customer.bill("2026-09", server("kec-1", 900))
				customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 1000)))
				o := options(simulated("main", customer.Account))
				o.Months.Past = 2
				w := start(t, october(15), o, customer.Account)
				expect := func(sample, isUp string) {
					t.Helper()
					all := strings.Join(append(w.scrape(c.family), w.scrape("ksyun_bill_source_up")...), "\n")
					if sample != "" && !strings.Contains(all, c.family+sample) || !strings.Contains(all, up+c.source+`"} `+isUp) {
						t.Errorf("%v: want %s and up %s:\n%s", time.Now(), c.family+sample, isUp, all)
					}
				}
				c.less(customer)
				w.sleep(23 * time.Hour)
				expect(c.before, "0")
				w.log.take()
				w.sleep(3 * time.Hour)
				expect(c.after, "1")
				if c.after == "" && strings.Contains(strings.Join(w.scrape(c.family), "\n"), c.before) {
					t.Errorf("still shown: %q", w.scrape(c.family))
				}
				if log := w.log.take(); !strings.Contains(log, "the API has said less for a day, its word is taken") {
					t.Errorf("log: %s", log)
				}
			})
		})
	}
}

// An answer that lacks a product while its sum still has the money is asked for once more. If it stays so, it is taken,
// and the sum of the products is the total all the same.
func TestLostParts(t *testing.T) {
	const whole = `{"RequestId":"1","MonthBillSet":[{"BillMonth":"2026-10","BillType":"postpay","BillId":"B",` +
		`"Sum":500015.5,"BillProductSet":[{"Code":"KEC","Cost":500000},{"Code":"EIP","Cost":15.5}]}]}`
	cut := strings.Replace(whole, `{"Code":"KEC","Cost":500000},`, "", 1)
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		var answers atomic.Pointer[[]string]
		answers.Store(&[]string{whole})
		between := func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("Action") != billclient.GetMonthBill {
					api.ServeHTTP(w, r)
					return
				}
				left := *answers.Load()
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(left[0]))
				if len(left) > 1 {
					left = left[1:]
					answers.Store(&left)
				}
			})
		}
		o := options(simulated("main", c.Account))
		o.Months.Past = 0
		w := startWith(t, october(15), o, between, c.Account)
		const complete = `
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="EIP"} 15.5
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC"} 500000`
		compare(t, w.scrape("ksyun_bill_product_cost_cny"), complete)
		answers.Store(&[]string{cut, whole})
		w.sleep(time.Hour)
		compare(t, w.scrape("ksyun_bill_product_cost_cny"), complete)
		if left := len(*answers.Load()); left != 1 {
			t.Errorf("%d answers are left", left)
		}
		w.log.take()
		answers.Store(&[]string{cut})
		w.sleep(time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_product_cost_cny", "ksyun_bill_unreconciled_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 500015.5
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="EIP"} 15.5
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="__none__"} 500000
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="EIP"} 15.5
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KEC"} 499999`)
		if log := w.log.take(); !strings.Contains(log, "parts are missing though the sum has their money") {
			t.Errorf("log: %s", log)
		}
	})
}

// A month in the middle of a range that the API refuses has no bill and fails no other.
func TestMonthThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		for _, month := range []string{"2026-07", "2026-09", "2026-10"} {
			c.bill(month, server("kec-1", 100))
		}
		o := options(simulated("main", c.Account))
		refusesAugust := httpFilter(func(start, end string) bool { return start <= "2026-08" && end >= "2026-08" })
		w := startWith(t, october(15), o, refusesAugust, c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny",
			"ksyun_bill_source_up")[:4], `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="3"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 1`)
		defer w.api.Fault(billsim.Page(503))()
	})
}

// A project, a product of an estimate and a part of bill-union that an answer lacks are asked for once more as well.
func TestLostPartsOfOtherAnswers(t *testing.T) {
	for _, c := range []struct{ name, action, whole, lost string }{
		{"a project", getMonthBill, `{"MonthBillSet":[{"BillMonth":"2026-10","BillId":"B","Sum":9,"BillProductSet":[` +
			`{"Code":"KEC","Cost":9}],"BillProjectSet":[{"Id":"1","Cost":5},{"Id":"2","Cost":4}]}]}`, `{"Id":"1","Cost":5},`},
		{"all projects", getMonthBill, `{"MonthBillSet":[{"BillMonth":"2026-10","BillId":"B","Sum":9,"BillProductSet":[` +
			`{"Code":"KEC","Cost":9}],"BillProjectSet":[{"Id":"1","Cost":9}]}]}`, `{"Id":"1","Cost":9}`},
		{"a product of an estimate", billclient.GetMonthConsume, `{"MonthBillSet":[{"BillMonth":"2026-10","BillId":"B",` +
			`"Sum":9,"BillProductSet":[{"Code":"KEC","Cost":5},{"Code":"EIP","Cost":4}]}]}`, `{"Code":"KEC","Cost":5},`},
		{"a project of bill-union", billclient.DescribeBillSummaryByProject, `{"Currency":"CNY","RealTotalCost":9,` +
			`"SummaryOverview":[{"BillMonth":"2026-10","ProjectId":"1","RealTotalCost":5},` +
			`{"BillMonth":"2026-10","ProjectId":"2","RealTotalCost":4}]}`,
			`{"BillMonth":"2026-10","ProjectId":"1","RealTotalCost":5},`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var text atomic.Pointer[string]
				cut := strings.Replace(c.whole, c.lost, "", 1)
				text.Store(&c.whole)
				customer := newCustomer("1")
				o := options(complete(customer))
				o.Months.Past, o.Days = 0, 0
				w := startWith(t, october(15), o, answering(c.action, &text), customer.Account)
				w.asked()
				w.log.take()
				text.Store(&cut)
				w.sleepUntil(nextTick("main", time.Hour, time.Now()).Add(time.Minute))
				if log := w.log.take(); strings.Count(log, "parts are missing though the sum has their money") != 1 {
					t.Errorf("log: %s", log)
				}
			})
		})
	}
}
