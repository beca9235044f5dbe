package collector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"

	"github.com/google/go-cmp/cmp"
)

// sameAmounts takes 1 for 1.00.
var sameAmounts = cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })

// parts makes parts of keys, names and costs.
func parts(of ...string) []metrics.Part {
	var parts []metrics.Part
	for p := range slices.Chunk(of, 3) {
		parts = append(parts, metrics.Part{Key: p[0], Name: p[1], Cost: yuan(p[2])})
	}
	return parts
}

// All that people are shown of an account, the largest ten of twelve products, three pay modes, days of two months and
// a comparison among it; and how its sources go. Every amount is a sample of the metrics too.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("73400575")
		for month, days := range map[string]int{"2026-09": 30, "2026-10": 14} {
			lines := []billsim.Line{}
			for d := 1; d <= days; d++ {
				l := on(fmt.Sprintf("%s-%02d", month, d), server("kec-1", int64(100*d)))
				lines = append(lines, l)
			}
			for i := range 11 {
				l := on(month+"-02", server("x", int64(i+1)))
				l.ProductCode, l.ProductName = fmt.Sprintf("P%02d", i), "产品"
				lines = append(lines, l)
			}
			c.consume(month, days, lines...)
		}
		c.bill("2026-09", server("kec-1", 100_000))
		o := options(complete(c))
		o.Days = 16
		w := start(t, october(15), o, c.Account)

		status := w.bills.Status()
		if len(status.Accounts) != 1 || !status.At.Equal(time.Now()) {
			t.Fatalf("%d accounts at %v", len(status.Accounts), status.At)
		}
		got := status.Accounts[0]
		samples := w.scrape()
		for _, sample := range samplesShown(got) {
			if !slices.Contains(samples, sample) {
				t.Errorf("not in the metrics: %s", sample)
			}
		}
		days, sources := got.Days, got.Sources
		got.Days, got.Sources = nil, nil
		lines, billed := yuan("105.66"), yuan("1000")
		running := billclient.MonthOf(october(1))
		want := metrics.AccountStatus{
			Name: "main", CustomerID: "73400575",
			Running: &metrics.MonthStatus{
				Month: running, Estimated: true, Until: time.Date(2026, 10, 15, 0, 0, 0, 0, billclient.Beijing),
				Modes:    parts("postpaid", "", "105.66", "prepaid", "", "10", "realtime", "", "0.01"),
				AllModes: true, Total: yuan("115.67"), Lines: &lines,
				Products: parts("KEC", "云服务器(KEC)", "105", "P10", "产品", "0.11", "P09", "产品", "0.1",
					"P08", "产品", "0.09", "P07", "产品", "0.08", "P06", "产品", "0.07", "P05", "产品", "0.06",
					"P04", "产品", "0.05", "P03", "产品", "0.04", "P02", "产品", "0.03"),
				Rest: metrics.Part{Cost: yuan("0.03")}, RestCount: 2,
			},
			LastMonth: &metrics.MonthStatus{
				Month: running - 1, Modes: parts("postpaid", "", "1000", "prepaid", "", "10"),
				AllModes: true, Total: yuan("1010"), Lines: &billed, Products: parts("KEC", "云服务器(KEC)", "1000"),
			},
			ToDate: &metrics.ToDate{
				Day:     billclient.DayOf(time.Date(2026, 10, 14, 0, 0, 0, 0, billclient.Beijing)),
				Running: yuan("105.66"), LastMonth: yuan("105.66"),
			},
		}
		if diff := cmp.Diff(want, got, sameAmounts); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		first, last := "2026-09-29 29.00, 2026-09-30 30.00, 2026-10-01 1.00, 2026-10-02 2.66, ", ", 2026-10-14 14.00"
		var texts []string
		for _, d := range days {
			texts = append(texts, fmt.Sprintf("%v %v", d.Day, d.Cost))
		}
		text := strings.Join(texts, ", ")
		if len(days) != 16 || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
			t.Errorf("%d days: %s, want %s ... %s", len(days), text, first, last)
		}
		for _, s := range sources {
			if s.Failed > 0 || s.LastSuccess.IsZero() || s.FromDisk {
				t.Errorf("source %+v", s)
			}
		}
		if len(sources) != 7 {
			t.Errorf("%d sources, want 7", len(sources))
		}
	})
}

// samplesShown are the amounts that people are shown of an account, as samples of the families that they are of.
func samplesShown(a metrics.AccountStatus) []string {
	var samples []string
	add := func(cost billclient.Amount, family, labels string, args ...any) {
		sample := "ksyun_bill_" + family + `_cost_cny{account="main",pay_mode="` + labels + "} %v"
		samples = append(samples, fmt.Sprintf(sample, append(args, cost.Float64())...))
	}
	for _, p := range a.Running.Modes {
		add(p.Cost, "account", `%s"`, p.Key)
	}
	for _, p := range a.LastMonth.Modes {
		add(p.Cost, "past_month_account", `%s",months_ago="1"`, p.Key)
	}
	for _, p := range a.Running.Products {
		add(p.Cost, "product", `postpaid",product_code="%s"`, p.Key)
	}
	for i, d := range a.Days {
		add(d.Cost, "day_account", `postpaid",days_ago="%d"`, len(a.Days)-1-i)
	}
	add(a.ToDate.LastMonth, "past_month_to_date_account", `postpaid",months_ago="1"`)
	return samples
}

// A failure tells its cause until the source works again, and an account that is refused tells why.
func TestStatusOfTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 100))
		var mend func()
		w := startWith(t, october(15), options(simulated("main", c.Account), simulated("twin", c.Account)),
			faulty(&billsim.Fault{Action: "GetPostpayDetailBill", End: billsim.Drop}, &mend), c.Account)
		source := func(account int) metrics.Source {
			sources := w.bills.Status().Accounts[account].Sources
			return sources[slices.IndexFunc(sources, func(s metrics.Source) bool { return s.Name == "detail_bill" })]
		}
		main := source(0)
		if main.Failed != 1 || main.Reason != billclient.Network || !main.LastSuccess.IsZero() ||
			main.Error != "2026-09: GetPostpayDetailBill: bill.api.ksyun.com: EOF" {
			t.Errorf("detail_bill: %+v", main)
		}
		mend()
		w.sleep(2 * time.Minute)
		if main = source(0); main.Failed != 0 || main.Reason != "" || main.Error != "" || main.LastSuccess.IsZero() {
			t.Errorf("detail_bill works again: %+v", main)
		}
		twin := w.bills.Status().Accounts[1]
		if want := (metrics.Refusal{Customer: "1", ShownBy: "main"}); twin.Refused == nil || *twin.Refused != want ||
			twin.Running != nil || twin.LastMonth != nil || twin.Days != nil || len(twin.Sources) == 0 {
			t.Errorf("twin: %+v, want %+v", twin, want)
		}
	})
}

// People are shown what the page of metrics shows, though what it is made of has become too old since.
func TestStatusIsThePages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		w.stop() // so that no page takes this one's place
		w.sleep(100 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		status := w.bills.Status()
		running := status.Accounts[0].Running
		if running == nil || running.Total.Cmp(yuan("1")) != 0 || !status.At.Equal(time.Now()) {
			t.Errorf("at %v: %+v", status.At, running)
		}
	})
}

// What went wrong is known in words after a restart, too.
func TestStatusAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		fault := billsim.Refuse(billsim.JSONError, 400, "InvalidParameter", "by "+c.SecretAccessKey)
		fault.Action = getDetailBill
		w := startWith(t, october(15), keptIn(t, dir, o), faulty(&fault, new(func())), c.Account)
		before := w.bills.Status().Accounts[0].Sources
		w = w.restart(october(15).Add(2*time.Second), dir, o)
		after := w.bills.Status().Accounts[0].Sources
		for i := range before {
			before[i].FromDisk = !before[i].LastSuccess.IsZero()
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		const want = "2026-09: GetPostpayDetailBill: InvalidParameter (HTTP 400, request id ID): by ***;" +
			" check api.region and the months asked for"
		if got := requestID.ReplaceAllString(after[len(after)-1].Error, "request id ID"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
