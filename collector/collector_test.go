package collector

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// The whole page of one small account: names, help, labels, values and their order are what dashboards and people see.
func TestPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("73400575")
		tagged := server("kec-1", 6600)
		tagged.Tags = []billsim.KeyValue{{Key: "部门", Value: "growth"}, {Key: "环境", Value: "prod"}}
		ip := server("eip-1", 1050)
		ip.ProductCode, ip.ProductName, ip.ProjectID, ip.ProjectName = "EIP", "弹性IP(EIP)", "103800", "广告"
		refund := server("", -25)
		refund.RegionName = ""
		c.bill("2026-10", tagged, ip, refund)
		c.bill("2026-09", server("kec-1", 12000), server("kec-2", 300))
		c.bill("2026-07", server("kec-0", 100))
		o := options(simulated("main", c.Account))
		o.Instances.Tags = []ledger.Tag{{Key: "部门", Label: "department"}}
		o.Projects = []metrics.Project{{Account: "main", ID: "103800", Owner: "ads-team", CostCenter: "4711"}}
		w := start(t, october(15), o, c.Account)

		want, err := os.ReadFile("testdata/page.prom")
		if err != nil {
			t.Fatal(err)
		}
		got, _, _ := strings.Cut(w.body(), "# HELP ksyun_bill_api") // the live part follows
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("page (-want +got):\n%s", diff)
		}
	})
}

// Every sum of the demo's bills, estimates and days, as the simulator adds them up by itself, to the last digit.
func TestSumsEqualTheSimulators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(october(15)))
		demo := billsim.Demo(time.Now)
		o := options(simulated("shop", demo[0]), simulated("game", demo[1]))
		w := start(t, october(15), o, demo...)
		got := map[string]bool{}
		for _, line := range w.scrape() {
			got[line] = true
		}
		for i, name := range []string{"shop", "game"} {
			running, _ := demo[i].Consume("2026-10")
			expectSums(t, got, running.Sums(), "ksyun_bill_", name, "")
			for ago, month := range []string{"2026-09", "2026-08", "2026-07"} {
				bill, _ := demo[i].Bills(month)
				expectSums(t, got, bill.Sums(), "ksyun_bill_past_month_", name, fmt.Sprintf(`,months_ago="%d"`, ago+1))
			}
			last, _ := demo[i].Consume("2026-09")
			days := running.ByDay()
			maps.Copy(days, last.ByDay())
			expectDays(t, got, days, name, time.Date(2026, 10, 14, 0, 0, 0, 0, time.UTC))
		}
		if len(got) == 0 {
			t.Fatal("nothing is left to look at: the page has no cost")
		}
		for line := range got {
			if !strings.HasPrefix(line, "ksyun_bill_unreconciled_cost_cny{") || !strings.HasSuffix(line, "} 0") {
				t.Errorf("not the simulator's: %s", line)
			}
		}
	})
}

// expectDays takes the samples of the 31 days up to the newest one from got, and those of the month before up to the
// same day.
func expectDays(t *testing.T, got map[string]bool, days map[string]billsim.Sums, account string, newest time.Time) {
	t.Helper()
	shown := map[string]map[string]billsim.Amount{}
	all, toDate := map[string]billsim.Amount{}, map[string]billsim.Amount{}
	for date, sums := range days {
		day, _ := time.Parse(time.DateOnly, date)
		if ago := int(newest.Sub(day).Hours() / 24); ago >= 0 && ago < 31 {
			shown[strconv.Itoa(ago)] = samplesOf(sums)
			maps.Copy(all, samplesOf(sums))
		}
		if day.Month() == newest.Month()-1 && day.Day() <= newest.Day() {
			for sample, amount := range samplesOf(sums) {
				toDate[sample] += amount
			}
		}
	}
	for ago, samples := range shown {
		for sample := range all {
			amount := plain(samples[sample])
			expectLine(t, got, fmt.Sprintf(`ksyun_bill_day_`+sample+`,days_ago="%s"} %s`, account, ago, amount))
		}
	}
	for sample, amount := range toDate {
		if !strings.HasPrefix(sample, "project_product") {
			sample = fmt.Sprintf(`ksyun_bill_past_month_to_date_`+sample+`,months_ago="1"} %s`, account, plain(amount))
			expectLine(t, got, sample)
		}
	}
}

// samplesOf names the costs of a day by family and labels, with a verb where the account's name goes.
func samplesOf(sums billsim.Sums) map[string]billsim.Amount {
	const head = `_cost_cny{account="%s",pay_mode="postpaid"`
	samples := map[string]billsim.Amount{"account" + head: sums.Total}
	for code, amount := range sums.ByProduct {
		samples["product"+head+`,product_code="`+code+`"`] = amount
	}
	for id, amount := range sums.ByProject {
		samples["project"+head+`,project_id="`+id+`"`] = amount
	}
	for k, amount := range sums.ByProjectProduct {
		samples["project_product"+head+`,project_id="`+k.ProjectID+`",product_code="`+k.ProductCode+`"`] = amount
	}
	return samples
}

func expectLine(t *testing.T, got map[string]bool, line string) {
	t.Helper()
	if !got[line] {
		t.Errorf("missing: %s", line)
	}
	delete(got, line)
}

// expectSums takes the samples of one month from got and reports those that are missing.
func expectSums(t *testing.T, got map[string]bool, sums billsim.Sums, prefix, account, after string) {
	t.Helper()
	expect := func(family, labels string, amount billsim.Amount) {
		t.Helper()
		line := fmt.Sprintf(`%s%s_cost_cny{account="%s",pay_mode="postpaid"%s%s} %s`,
			prefix, family, account, labels, after, plain(amount))
		expectLine(t, got, line)
	}
	expect("account", "", sums.Total)
	for code, amount := range sums.ByProduct {
		expect("product", fmt.Sprintf(`,product_code="%s"`, code), amount)
	}
	for id, amount := range sums.ByProject {
		expect("project", fmt.Sprintf(`,project_id="%s"`, id), amount)
	}
	for k, amount := range sums.ByProjectProduct {
		expect("project_product", fmt.Sprintf(`,project_id="%s",product_code="%s"`, k.ProjectID, k.ProductCode), amount)
	}
	if after != "" && !strings.Contains(after, `"1"`) {
		return
	}
	for code, amount := range sums.ListByProduct {
		expect("product_list", fmt.Sprintf(`,product_code="%s"`, code), amount)
	}
	for id, amount := range sums.ListByProject {
		expect("project_list", fmt.Sprintf(`,project_id="%s"`, id), amount)
	}
	expectInstances(t, got, sums, prefix, account, after)
	if after != "" {
		return
	}
	for region, amount := range sums.ByRegion {
		expect("region", fmt.Sprintf(`,region_name="%s"`, region), amount)
	}
	for mode, amount := range sums.ByBillingMode {
		expect("billing_mode", fmt.Sprintf(`,billing_mode="%s"`, mode), amount)
	}
}

// expectInstances does not look at the promoted instance_name: the sums do not have it.
func expectInstances(t *testing.T, got map[string]bool, sums billsim.Sums, prefix, account, after string) {
	t.Helper()
	byKey := map[string]string{}
	for line := range got {
		if head, rest, ok := strings.Cut(line, `,instance_name="`); ok {
			byKey[head+rest[strings.Index(rest, `"`)+1:]] = line
		}
	}
	for k, amount := range sums.ByInstance {
		id := k.InstanceID
		if id == "" {
			id = "__none__"
		}
		line := fmt.Sprintf(`%sinstance_cost_cny{account="%s",pay_mode="postpaid",product_code="%s",project_id="%s",`+
			`instance_id="%s"%s} %s`, prefix, account, k.ProductCode, k.ProjectID, id, after, plain(amount))
		if byKey[line] == "" {
			t.Errorf("missing: %s", line)
		}
		delete(got, byKey[line])
	}
}

// At midnight in Beijing the months move on, in one swap and without a call; the API is away, and has not been asked.
func TestMidnightMovesTheMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300), server("kec-2", 5))
		c.bill("2026-07", server("kec-1", 700))
		o := options(simulated("main", c.Account))
		o.Refresh.MaxStaleness = 400 * time.Hour
		w := start(t, october(31), o, c.Account)
		defer w.api.Fault(billsim.Never())()
		midnight := time.Date(2026, 11, 1, 0, 0, 0, 0, billclient.Beijing)
		w.sleep(time.Until(midnight) - time.Second)
		families := []string{
			"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny",
			"ksyun_bill_past_month_instance_cost_cny", "ksyun_bill_month_info",
			"ksyun_bill_period_start_timestamp_seconds", "ksyun_bill_unreconciled_cost_cny",
		}
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3.05
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="3"} 7
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1",months_ago="1"} 3
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-2",instance_name="web-kec-2",months_ago="1"} 0.05
ksyun_bill_month_info{account="main",months_ago="0",month="2026-10",basis="bill",bill_id="KSYZD0000000001202610"} 1
ksyun_bill_month_info{account="main",months_ago="1",month="2026-09",basis="bill",bill_id="KSYZD0000000001202609"} 1
ksyun_bill_month_info{account="main",months_ago="3",month="2026-07",basis="bill",bill_id="KSYZD0000000001202607"} 1
ksyun_bill_period_start_timestamp_seconds{account="main"} 1790784000
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KEC"} 0
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="1",product_code="KEC"} 0`)
		w.sleep(time.Second)
		compare(t, w.scrape(families...), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 3.05
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1",months_ago="1"} 1
ksyun_bill_month_info{account="main",months_ago="1",month="2026-10",basis="bill",bill_id="KSYZD0000000001202610"} 1
ksyun_bill_month_info{account="main",months_ago="2",month="2026-09",basis="bill",bill_id="KSYZD0000000001202609"} 1
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="1",product_code="KEC"} 0`)
	})
}

// The running month's numbers go away when they are too old; absence is a signal. Billed closed months stay.
func TestStaleNumbersGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		w := start(t, october(5), options(simulated("main", c.Account)), c.Account)
		defer w.api.Fault(billsim.Page(http.StatusBadGateway))()
		families := []string{
			"ksyun_bill_account_cost_cny", "ksyun_bill_region_cost_cny", "ksyun_bill_past_month_account_cost_cny",
			"ksyun_bill_past_month_product_list_cost_cny",
		}
		w.sleep(72*time.Hour - 2*time.Minute)
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_past_month_product_list_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",months_ago="1"} 6`)
		w.sleep(3 * time.Minute)
		compare(t, w.scrape(families...), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_past_month_product_list_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",months_ago="1"} 6`)
	})
}

// Whatever stands in a bill, its sums are right and its names are shown as they are.
func TestHostileBill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		hostile := server("a\"b\\c\nd", 100)
		hostile.InstanceName, hostile.RegionName = "名字\x01 {le=\"+Inf\"} 1e9\n# EOF\n", "\xff华北"
		older := server("i-1", 1)
		older.InstanceName, older.EndTime = "old name", "2026-10-01 23:59:59"
		nobody := server("", -300)
		nobody.ProductCode, nobody.ProjectID, nobody.RegionName = "", "", ""
		sentinel := server("__other__", 500)
		free := server("free", 0)
		free.ProductCode = "KS3"
		c.bill("2026-10", hostile, older, server("i-1", 10), nobody, sentinel, free)
		o := options(simulated("main", c.Account))
		w := startWith(t, october(15), o, func(api http.Handler) http.Handler {
			api.(*billsim.Server).Fault(billsim.Fault{Forms: map[string]billsim.Form{
				"Sum": billsim.AsString, "MeasureAmount": billsim.AsNumber, "Cost": billsim.AsNumber,
				"Id": billsim.AsString, "Discount": billsim.Null, "TagSet": billsim.Missing, "ConfigSet": billsim.Null,
			}})
			return api
		}, c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_product_cost_cny", "ksyun_bill_project_cost_cny",
			"ksyun_bill_region_cost_cny", "ksyun_bill_instance_cost_cny", "ksyun_bill_unreconciled_cost_cny",
			"ksyun_bill_instances"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 3.11
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC"} 6.11
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KS3"} 0
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="__none__"} -3
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="0"} 6.11
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="__none__"} -3
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="__none__"} -3
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 5.11
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="�华北"} 1
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="___other__",instance_name="web-__other__"} 5
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="a\"b\\c\nd",instance_name="名字`+"\x01"+` {le=\"+Inf\"} 1e9\n# EOF\n"} 1
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="i-1",instance_name="web-i-1"} 0.11
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KS3",project_id="0",instance_id="free",instance_name="web-free"} 0
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="__none__",project_id="__none__",instance_id="__none__",instance_name="web-"} -3
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KEC"} 0
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KS3"} 0
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="__none__"} 0
ksyun_bill_instances{account="main",product_code="KEC"} 3
ksyun_bill_instances{account="main",product_code="KS3"} 1
ksyun_bill_instances{account="main",product_code="__none__"} 0`)
	})
}

// No bill is not a bill of nothing, and no month before the API's first is asked for.
func TestNoBill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		o := options(simulated("main", c.Account))
		w := start(t, time.Date(2018, 7, 15, 12, 0, 0, 0, billclient.Beijing), o, c.Account)
		compare(t, w.scrape(), "")
		compare(t, w.asked(), "GetMonthBill 2018-06 2018-07\ngetMonthConsume 2018-07\ngetMonthConsume 2018-06")
		compare(t, w.scrape("ksyun_bill_source_up", "ksyun_bill_source_items"), `
ksyun_bill_source_items{account="main",source="month_bill"} 0
ksyun_bill_source_items{account="main",source="month_consume"} 0
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		defer w.api.Fault(billsim.Fault{Forms: map[string]billsim.Form{"MonthBillSet": billsim.Null}})()
		w.sleep(time.Hour)
		compare(t, w.scrape("ksyun_bill_source_up"), `
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
	})
}

// The summary and the lines of a bill do not always agree; the difference is shown, not hidden.
func TestUnreconciled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		lines := slices.Values([]billsim.Line{server("kec-1", 100)})
		c.put("2026-10", billsim.Bill{Lines: lines, SummaryOnly: []billsim.Product{
			{Code: "KEC", Name: "KEC", Cost: 1 * billsim.Fen}, {Code: "KSS", Name: "KSS", Cost: 7 * billsim.Yuan},
		}})
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_unreconciled_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 8.01
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KEC"} 0.01
ksyun_bill_unreconciled_cost_cny{account="main",months_ago="0",product_code="KSS"} 7`)
	})
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

// A quarter of a year, day by day, with months of 31 and of 28 days: of an account whose bill grows during the month,
// and of one whose bill appears on the 3rd of the next and is corrected on the 12th. Now and then the API is away for
// some hours, and no number moves for it.
func TestQuarter(t *testing.T) {
	t.Parallel()
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
			w.checkInfos()

			if now.Day()%5 == 2 {
				before := strings.Join(w.scrape(), "\n")
				stop := w.api.Fault(billsim.Page(503))
				w.sleep(11*time.Hour + 50*time.Minute) // a tick falls into it
				compare(t, w.scrape(), before)
				stop()
			}
		}
		for _, s := range w.bills.show(now()).asOf() {
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
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="__none__"} 2
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="0"} 3
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="__none__"} 2
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

// parts makes parts of keys, names and costs.
func parts(of ...string) []metrics.Part {
	var parts []metrics.Part
	for p := range slices.Chunk(of, 3) {
		parts = append(parts, metrics.Part{Key: p[0], Name: p[1], Cost: yuan(p[2])})
	}
	return parts
}

// inMode makes parts the products of a pay mode.
func inMode(mode string, products []metrics.Part) []metrics.Part {
	for i := range products {
		products[i].PayMode = mode
	}
	return products
}

// All that people are shown of an account, the largest twelve of fourteen products, three pay modes, days of two months
// and a comparison among it; and how its sources go. Every amount is a sample of the metrics too.
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
		forecast := yuan("786.01") // 17 days of 8 more, and 534.34 that September's bill has beyond its estimate
		prepaid := inMode("prepaid", parts("KEC", "云服务器(KEC)", "10"))
		running := billclient.MonthOf(october(1))
		want := metrics.AccountStatus{
			Name: "main", CustomerID: "73400575",
			Running: &metrics.MonthStatus{
				Month: running, Estimated: true, Until: time.Date(2026, 10, 15, 0, 0, 0, 0, billclient.Beijing),
				OthersAt: october(15),
				Modes:    parts("postpaid", "", "105.66", "prepaid", "", "10", "realtime", "", "0.01"),
				AllModes: true, Total: yuan("115.67"), Details: metrics.Details{Lines: &lines, OtherModes: yuan("10.01")},
				Products: slices.Concat(inMode("postpaid", parts("KEC", "云服务器(KEC)", "105")), prepaid,
					inMode("postpaid", parts("P10", "产品", "0.11", "P09", "产品", "0.1", "P08", "产品", "0.09",
						"P07", "产品", "0.08", "P06", "产品", "0.07", "P05", "产品", "0.06", "P04", "产品", "0.05",
						"P03", "产品", "0.04", "P02", "产品", "0.03", "P01", "产品", "0.02"))),
				Rest: metrics.Part{Cost: yuan("0.02")}, RestCount: 2, ByMode: true,
			},
			Forecast: &forecast,
			LastMonth: &metrics.MonthStatus{
				Month: running - 1, Modes: parts("postpaid", "", "1000", "prepaid", "", "10"),
				AllModes: true, Total: yuan("1010"), Details: metrics.Details{Lines: &billed, OtherModes: yuan("10")},
				Products: append(inMode("postpaid", parts("KEC", "云服务器(KEC)", "1000")), prepaid...), ByMode: true,
			},
			ToDate: &metrics.ToDate{
				Day:     billclient.DayOf(time.Date(2026, 10, 14, 0, 0, 0, 0, billclient.Beijing)),
				Running: yuan("115.67"), LastMonth: yuan("115.66"), AllModes: true,
				Modes: parts("postpaid", "", "105.66", "prepaid", "", "10"),
			},
		}
		if diff := cmp.Diff(want, got, sameAmounts); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		const first = "2026-09-29 29: postpaid 29 prepaid 0 realtime 0, " +
			"2026-09-30 30: postpaid 30 prepaid 0 realtime 0, " +
			"2026-10-01 11.01: postpaid 1 prepaid 10 realtime 0.01, "
		const last = ", 2026-10-14 14: postpaid 14 prepaid 0 realtime 0"
		text := daysText(days)
		if len(days) != 16 || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
			t.Errorf("%d days: %s, want %s ... %s", len(days), text, first, last)
		}
		for _, s := range sources {
			if s.Failed > 0 || s.LastSuccess.IsZero() || s.FromDisk {
				t.Errorf("source %+v", s)
			}
		}
		if len(sources) != 12 {
			t.Errorf("%d sources, want 12", len(sources))
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
		add(p.Cost, "product", `%s",product_code="%s"`, p.PayMode, p.Key)
	}
	for _, p := range a.LastMonth.Products {
		add(p.Cost, "past_month_product", `%s",product_code="%s",months_ago="1"`, p.PayMode, p.Key)
	}
	for i, d := range a.Days {
		for _, p := range d.Modes {
			add(p.Cost, "day_account", `%s",days_ago="%d"`, p.Key, len(a.Days)-1-i)
		}
	}
	for _, p := range a.ToDate.Modes {
		add(p.Cost, "past_month_to_date_account", `%s",months_ago="1"`, p.Key)
	}
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

// Two exporters with the same last answers say the same, whatever they were answered before: one that has run for
// months through outages, denials and corrections, and one that has just begun.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	for _, day := range []int{1, 4, 12} {
		synctest.Test(t, func(t *testing.T) {
			accounts := []billsim.Account{growing.account("1"), late.account("2")}
			o := options(simulated("growing", growing.account("1")), simulated("late", late.account("2")))
			o.Refresh.Interval, o.Refresh.DetailsInterval, o.Days, o.Months.Past = 6*time.Hour, time.Hour, 2, 1
			old := start(t, beijing(2, 20, 5), o, accounts...)
			for range 4 {
				fault := billsim.Page(503)
				fault.Action = []string{"getMonthConsume", getMonthBill}[time.Now().Day()%2]
				stop := old.api.Fault(fault)
				old.sleep(20 * time.Hour)
				stop()
				old.sleep(28 * time.Hour)
			}
			old.sleepUntil(beijing(3, day, 12)) // all was asked since midnight
			fresh := startWith(t, time.Now(), o, func(api http.Handler) http.Handler { return api }, accounts...)
			families := []string{
				"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", "ksyun_bill_month_info",
			}
			compare(t, fresh.scrape(families...), strings.Join(old.scrape(families...), "\n"))
		})
	}
}
