package collector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"
)

func beijing(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, billclient.Beijing)
}

// year is a customer for a simulated year: each day costs its number in the year in yuan, and each month has a fee that
// comes only with the bill.
type year struct {
	billed   func(month time.Month, now time.Time) (days int, whole, ok bool)
	refunded func(month time.Month, now time.Time) bool
}

// growing has a bill of the running month up to today, as long as it runs.
var growing = year{
	billed: func(month time.Month, now time.Time) (int, bool, bool) {
		if now.Month() == month {
			return now.Day(), false, true
		}
		return 31, true, now.Month() > month
	},
	refunded: func(time.Month, time.Time) bool { return false },
}

// late has no bill before the 3rd of the next month, and a correction on the 12th.
var late = year{
	billed: func(month time.Month, now time.Time) (int, bool, bool) {
		return 31, true, !now.Before(beijing(month+1, 3, 0))
	},
	refunded: func(month time.Month, now time.Time) bool { return !now.Before(beijing(month+1, 12, 0)) },
}

// lines are those of a month up to a day of it.
func (y year) lines(month time.Month, days int) []billsim.Line {
	var lines []billsim.Line
	for d := 1; d <= days; d++ {
		if day := beijing(month, d, 12); day.Month() == month {
			lines = append(lines, on(day.Format(time.DateOnly), server("kec-1", int64(100*day.YearDay()))))
		}
	}
	return lines
}

func (y year) bill(month time.Month, now time.Time) ([]billsim.Line, bool) {
	days, whole, ok := y.billed(month, now)
	lines := y.lines(month, days)
	fee := server("", 50_000)
	fee.ProductCode = "BWS"
	if whole {
		lines = append(lines, fee)
	}
	if y.refunded(month, now) {
		lines = append(lines, server("kec-1", -7))
	}
	return lines, ok
}

// estimate has all days but today.
func (y year) estimate(month time.Month, now time.Time) []billsim.Line {
	switch now.Month() {
	case month:
		return y.lines(month, now.Day()-1)
	case month + 1:
		return y.lines(month, 31)
	default:
		return nil
	}
}

// account is the customer as the API has it.
func (y year) account(id string) billsim.Account {
	month := func(name string) time.Month {
		m, _ := time.Parse("2006-01", name)
		if m.Year() != 2026 {
			return 99 // there was nothing
		}
		return m.Month()
	}
	now := func() time.Time { return time.Now().In(billclient.Beijing) }
	a := newCustomer(id).Account
	a.Bills = func(name string) (billsim.Bill, bool) {
		lines, ok := y.bill(month(name), now())
		return billsim.Bill{Lines: slices.Values(lines)}, ok && month(name) <= 12
	}
	a.Consume = func(name string) (billsim.Consumption, bool) {
		lines := y.estimate(month(name), now())
		c := billsim.Consumption{Bill: billsim.Bill{Lines: slices.Values(lines)}}
		if len(lines) > 0 {
			c.EndDate = lines[len(lines)-1].StatDate
		}
		return c, len(lines) > 0
	}
	return a
}

// want is what a page has to say of the customer at noon, by what is known of the year: the basis of the running month
// and of the last one, and their costs.
func (y year) want(name string, now time.Time) []string {
	var want []string
	sum := func(lines []billsim.Line) string {
		var sum billsim.Amount
		for _, l := range lines {
			sum += l.Cost
		}
		return plain(sum)
	}
	add := func(family, months string, amount string) {
		want = append(want, fmt.Sprintf(`%s{account="%s",pay_mode="postpaid"%s} %s`, family, name, months, amount))
	}
	running, isBilled := y.bill(now.Month(), now)
	if days := y.estimate(now.Month(), now); len(days) > 0 {
		add("ksyun_bill_account_cost_cny", "", sum(days))
	} else if isBilled && now.Month() == 1 { // nothing was estimated before, either
		add("ksyun_bill_account_cost_cny", "", sum(running))
	}
	if now.Month() > 1 {
		past, isBilled := y.bill(now.Month()-1, now)
		if !isBilled {
			past = y.estimate(now.Month()-1, now)
		}
		add("ksyun_bill_past_month_account_cost_cny", `,months_ago="1"`, sum(past))
	}
	if yesterday := now.AddDate(0, 0, -1); yesterday.Year() == now.Year() {
		add("ksyun_bill_day_account_cost_cny", `,days_ago="0"`, fmt.Sprint(yesterday.YearDay()))
	}
	if now.Day() > 1 && now.Month() > 1 {
		add("ksyun_bill_past_month_to_date_account_cost_cny", `,months_ago="1"`,
			sum(y.lines(now.Month()-1, now.Day()-1)))
	}
	return want
}

// A quarter of a year, day by day, with months of 31 and of 28 days: of an account whose bill grows during the month, and
// of one whose bill appears on the 3rd of the next and is corrected on the 12th. Now and then the API is away for some
// hours, and no number moves for it.
func TestQuarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(simulated("growing", growing.account("1")), simulated("late", late.account("2")))
		o.Refresh.Interval, o.Refresh.DetailsInterval, o.Days = 12*time.Hour, 6*time.Hour, 2
		w := start(t, beijing(1, 1, 5), o, growing.account("1"), late.account("2"))
		families := []string{
			"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", "ksyun_bill_day_account_cost_cny",
			"ksyun_bill_past_month_to_date_account_cost_cny",
		}
		newest := func(sample string) bool { // of the many days and months
			return !strings.Contains(sample, `_ago="`) || strings.Contains(sample, `days_ago="0"`) ||
				strings.Contains(sample, `months_ago="1"`)
		}
		for now := beijing(1, 1, 12); now.Before(beijing(4, 4, 0)) && !t.Failed(); now = now.AddDate(0, 0, 1) {
			w.sleepUntil(now)
			w.log.take()
			got := slices.DeleteFunc(w.scrape(families...), func(sample string) bool { return !newest(sample) })
			want := append(growing.want("growing", now), late.want("late", now)...)
			slices.Sort(got)
			slices.Sort(want)
			compare(t, got, strings.Join(want, "\n"))
			compare(t, w.bases(), strings.Join(wantBases(now), "\n"))

			if now.Day()%5 == 2 {
				before := strings.Join(w.scrape(), "\n")
				stop := w.api.Fault(billsim.Page(503))
				w.sleep(11*time.Hour + 50*time.Minute) // a tick falls into it
				compare(t, w.scrape(), before)
				stop()
			}
		}
		_, all := w.bills.show(now())
		for _, s := range all {
			if months, days := len(s.Snapshot.Months), len(s.Snapshot.Days); months != 4 || days != 28+31+2 {
				t.Errorf("%s: %d months and %d days are kept", s.Name, months, days)
			}
		}
	})
}

// bases returns what the running and the last month are based on.
func (w *world) bases() []string {
	return slices.DeleteFunc(w.scrape("ksyun_bill_month_info"), func(sample string) bool {
		return !strings.Contains(sample, `months_ago="0"`) && !strings.Contains(sample, `months_ago="1"`)
	})
}

func wantBases(now time.Time) []string {
	var want []string
	add := func(account string, ago int, basis, id string) {
		month := billclient.MonthOf(now).Add(-ago)
		if month.Start().Year() == 2026 {
			want = append(want, fmt.Sprintf(`ksyun_bill_month_info{account="%s",months_ago="%d",month="%s",basis="%s",`+
				`bill_id="KSYZD000000000%s%s"} 1`, account, ago, month, basis, id,
				strings.ReplaceAll(month.String(), "-", "")))
		}
	}
	if now.Day() > 1 {
		add("growing", 0, "estimate", "1")
	} else if now.Month() == 1 {
		add("growing", 0, "bill", "1")
	}
	add("growing", 1, "bill", "1")
	if now.Day() > 1 {
		add("late", 0, "estimate", "2")
	}
	if basis := "bill"; now.Day() < 3 {
		add("late", 1, "estimate", "2")
	} else {
		add("late", 1, basis, "2")
	}
	return want
}

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
			{Account: "main", Product: "KEC", Monthly: yuan("900")},
			{Account: "main", Project: "7", Monthly: yuan("0.3")},
			{Account: "other", Monthly: yuan("1")},
		}
		w := start(t, october(15), o, c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_project_cost_cny", "ksyun_bill_region_cost_cny",
			"ksyun_bill_day_account_cost_cny", "ksyun_bill_day_project_product_cost_cny",
			"ksyun_bill_day_start_timestamp_seconds", "ksyun_bill_past_month_account_cost_cny",
			"ksyun_bill_past_month_to_date_account_cost_cny", "ksyun_bill_past_month_to_date_product_cost_cny",
			"ksyun_bill_past_month_estimate_cny", "ksyun_bill_account_budget_cny", "ksyun_bill_product_budget_cny",
			"ksyun_bill_project_budget_cny", "ksyun_bill_month_info", "ksyun_bill_period_data_timestamp_seconds",
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
ksyun_bill_project_budget_cny{account="main",project_id="7"} 0.3
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

// At midnight in Beijing days and months move on, in one swap and without a call; the API is away. The day that was not
// over is shown once it is, as far as it was metered, and days before the two months of the API stay.
func TestMidnightMovesTheDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-01", 31, on("2026-01-02", server("kec-1", 2)), on("2026-01-28", server("kec-1", 28)),
			on("2026-01-31", server("kec-1", 31)))
		c.consume("2026-02", 27, on("2026-02-27", server("kec-1", 227)))
		w := start(t, beijing(2, 28, 12), options(simulated("main", c.Account)), c.Account)
		c.consume("2026-02", 28, on("2026-02-27", server("kec-1", 227)), on("2026-02-28", server("kec-1", 5)))
		w.sleep(7 * time.Hour)
		defer w.api.Fault(billsim.Never())()
		w.asked()
		w.sleep(time.Until(beijing(3, 1, 0)) - time.Second)
		w.asked()
		families := []string{
			"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", "ksyun_bill_month_info",
			"ksyun_bill_past_month_estimate_cny", "ksyun_bill_past_month_to_date_account_cost_cny",
			"ksyun_bill_instance_week_change_cny", "ksyun_bill_day_account_cost_cny",
		}
		cost := func() []string {
			return slices.DeleteFunc(w.scrape(families...), func(sample string) bool {
				return strings.HasSuffix(sample, "} 0") // most of the days
			})
		}
		compare(t, cost(), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2.32
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 0.61
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 0.61
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 2.27
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="27"} 0.31
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="30"} 0.28
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 0.02
ksyun_bill_month_info{account="main",months_ago="0",month="2026-02",basis="estimate",bill_id="KSYZD0000000001202602"} 1
ksyun_bill_month_info{account="main",months_ago="1",month="2026-01",basis="estimate",bill_id="KSYZD0000000001202601"} 1`)
		w.sleep(time.Second)
		compare(t, w.asked(), "")
		compare(t, cost(), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 2.32
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 0.61
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 2.32
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 0.05
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 2.27
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="28"} 0.31
ksyun_bill_instance_week_change_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1"} 2.27
ksyun_bill_month_info{account="main",months_ago="1",month="2026-02",basis="estimate",bill_id="KSYZD0000000001202602"} 1
ksyun_bill_month_info{account="main",months_ago="2",month="2026-01",basis="estimate",bill_id="KSYZD0000000001202601"} 1`)
	})
}

// Who is behind a spike: the 50 largest changes of a week, either way, those of instances that came or went too.
func TestWeekChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		lines := []billsim.Line{
			on("2026-10-13", server("dearer", 1000)), on("2026-10-06", server("dearer", 100)),
			on("2026-10-06", server("gone", 300)),
			on("2026-10-13", server("same", 7)), on("2026-10-06", server("same", 7)),
			on("2026-10-14", server("another day", 9999)),
		}
		for i := range 60 {
			lines = append(lines, on("2026-10-13", server(fmt.Sprintf("new-%02d", i), 10)))
		}
		c.consume("2026-10", 14, lines...)
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		got := w.scrape("ksyun_bill_instance_week_change_cny")
		const sample = `ksyun_bill_instance_week_change_cny{account="main",pay_mode="postpaid",product_code="KEC",` +
			`project_id="0",instance_id="%s"} %s`
		want := []string{fmt.Sprintf(sample, "dearer", "9"), fmt.Sprintf(sample, "gone", "-3")}
		for i := range 48 {
			want = append(want, fmt.Sprintf(sample, fmt.Sprintf("new-%02d", i), "0.1"))
		}
		compare(t, got, strings.Join(want, "\n"))
	})
}

// On a day without change no line is downloaded: not one in a month. When the estimate moves on its lines are read
// once, and a moved end alone is a change.
func TestLinesOfAQuietMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 1, on("2026-10-01", server("kec-1", 100)))
		c.bill("2026-09", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		o.Refresh.DetailsMaxAge, o.Refresh.MaxStaleness = 40*24*time.Hour, 41*24*time.Hour
		w := start(t, october(2), o, c.Account)
		calls := func() map[string]int {
			n := map[string]int{}
			for _, call := range w.asked() {
				n[strings.Fields(call)[0]]++
			}
			return n
		}
		if got := calls(); got["getPostpayDetailConsume"] != 1 || got["GetPostpayDetailBill"] != 1 {
			t.Fatalf("at the start: %v", got)
		}
		for day := 2; day < 31; day++ {
			w.sleep(24 * time.Hour)
			want := map[string]int{"GetMonthBill": 24, "getMonthConsume": 48}
			if day == 10 || day == 20 { // at 12:00, the phase comes later: the call is of the next 24 hours
				c.consume("2026-10", day, on("2026-10-01", server("kec-1", 100)))
			}
			if day == 11 || day == 21 {
				want["getPostpayDetailConsume"] = 1
			}
			if got := calls(); !maps.Equal(got, want) {
				t.Errorf("on the %d.: %v, want %v", day, got, want)
			}
		}
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

// Without closed months to show, last month's days are shown all the same, and its lines are read no more often for it.
func TestNoPastMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-09", 30, on("2026-09-30", server("kec-1", 200)))
		c.bill("2026-10", server("kec-1", 300))
		o := options(simulated("main", c.Account))
		o.Months.Past = 0
		w := start(t, october(15), o, c.Account)
		w.sleep(5 * time.Hour)
		asked := strings.Join(w.asked(), "\n")
		for action, want := range map[string]int{"getPostpayDetailConsume": 1, getDetailBill: 1} {
			if got := strings.Count(asked, action); got != want {
				t.Errorf("%s: %d calls, want %d", action, got, want)
			}
		}
		compare(t, w.scrape("ksyun_bill_day_start_timestamp_seconds")[:1], `
ksyun_bill_day_start_timestamp_seconds{account="main",days_ago="0"} 1790697600`)
		w.sleepUntil(beijing(11, 1, 2))
		w.asked()
		w.sleep(48 * time.Hour)
		if asked := strings.Join(w.asked(), "\n"); strings.Contains(asked, getDetailBill) {
			t.Errorf("asked for lines of a month that is not shown: %s", asked)
		}
	})
}

// Lines of consumption are read where they are shown: of the running month's estimate, and for days and for last month
// to the same day.
func TestLinesThatNobodyWants(t *testing.T) {
	const running, last = "getPostpayDetailConsume 2026-10 0", "getPostpayDetailConsume 2026-09 0"
	for _, c := range []struct {
		name       string
		past, days int
		running    Running
		want       string
	}{
		{"no past months and no days", 0, 0, Auto, running},
		{"nor the estimate", 0, 0, Bill, ""},
		{"no past months", 0, 1, Bill, running + "\n" + last},
		{"no days", 1, 0, Bill, running + "\n" + last},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.consume("2026-09", 30, on("2026-09-30", server("kec-1", 200)))
				customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
				customer.bill("2026-10", server("kec-1", 300))
				o := options(simulated("main", customer.Account))
				o.Months.Past, o.Days, o.Months.Running = c.past, c.days, c.running
				w := start(t, october(15), o, customer.Account)
				var asked []string
				for _, call := range w.asked() {
					if strings.HasPrefix(call, "getPostpayDetailConsume") {
						asked = append(asked, call)
					}
				}
				compare(t, asked, c.want)
			})
		})
	}
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

// A month that has cost nothing so far has days that have.
func TestDaysWithoutALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 2)
		w := start(t, october(3), options(simulated("main", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_day_account_cost_cny"), `
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 0
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 0`)
	})
}
