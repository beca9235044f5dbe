package collector

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/google/go-cmp/cmp"
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

// plain writes an amount as a page does: without zeros at its end.
func plain(a billsim.Amount) string {
	return strings.TrimSuffix(strings.TrimRight(a.String(), "0"), ".")
}

func TestBadKeyLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := newCustomer("1"), newCustomer("2")
		good.bill("2026-10", server("kec-1", 100))
		wrong, key := withKey(simulated("bad", bad.Account), bad.AccessKeyID, "guessed")
		w := start(t, october(15), options(wrong, simulated("good", good.Account)), good.Account, bad.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_account_info", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="good",pay_mode="postpaid"} 1
ksyun_bill_account_info{account="bad",customer_id=""} 1
ksyun_bill_account_info{account="good",customer_id="1"} 1
ksyun_bill_source_up{account="bad",source="month_bill"} 0
ksyun_bill_source_up{account="bad",source="month_consume"} 0
ksyun_bill_source_up{account="good",source="detail_bill"} 1
ksyun_bill_source_up{account="good",source="month_bill"} 1
ksyun_bill_source_up{account="good",source="month_consume"} 1`)
		if !w.bills.Ready() {
			t.Error("a bad key keeps the exporter from being ready")
		}

		// A wrong key stays wrong until somebody replaces it; then nobody waits for the next tick.
		w.asked()
		w.sleep(10 * time.Minute)
		compare(t, w.asked(), "")
		key.Store(keyOf(bad))
		w.sleep(time.Minute)
		compare(t, w.scrape("ksyun_bill_source_up"), `
ksyun_bill_source_up{account="bad",source="month_bill"} 1
ksyun_bill_source_up{account="bad",source="month_consume"} 1
ksyun_bill_source_up{account="good",source="detail_bill"} 1
ksyun_bill_source_up{account="good",source="month_bill"} 1
ksyun_bill_source_up{account="good",source="month_consume"} 1`)
	})
}

func compare(t *testing.T, got []string, want string) {
	t.Helper()
	var lines []string
	if want = strings.TrimSpace(want); want != "" {
		lines = strings.Split(want, "\n")
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A failure changes no number. It is counted and logged once, tried again after 1, 2, 4 ... minutes, and over with the
// next good answer.
func TestFailureKeepsTheNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		before := strings.Join(w.scrape(), "\n")
		w.log.take()
		w.asked()
		fault := billsim.Refuse(billsim.JSONError, 500, "Server unavailable", "Server error")
		fault.Action = getMonthBill
		stop := w.api.Fault(fault)
		c.bill("2026-10", server("kec-1", 200))

		first := nextTick("main", time.Hour, october(15))
		w.sleepUntil(first)
		compare(t, w.scrape(), before)
		compare(t, strings.Split(strings.TrimSpace(w.log.take()), "\n"), `level=warn account=main source=month_bill`+
			` duration=0s msg="refresh failed, the last good numbers stay" reason=server`+
			` err="GetMonthBill: Server unavailable (HTTP 500, request id b1115100-0000-4000-8000-000000000006):`+
			` Server error"`+
			` next=`+first.Add(time.Minute).In(billclient.Beijing).Format(time.RFC3339)+
			"\nlevel=info account=main source=month_consume duration=0s msg=refreshed months=0")
		for _, pause := range []time.Duration{1, 2, 4, 8} {
			w.asked()
			w.sleep(pause*time.Minute - time.Second)
			w.sleep(time.Second)
			compare(t, w.asked(), "GetMonthBill 2026-07 2026-10")
		}
		compare(t, w.scrape(), before)
		compare(t, w.scrape("ksyun_bill_source_up", "ksyun_bill_source_refreshes_total",
			"ksyun_bill_source_last_success_timestamp_seconds"), `
ksyun_bill_source_last_success_timestamp_seconds{account="main",source="detail_bill"} 1.7920368e+09
ksyun_bill_source_last_success_timestamp_seconds{account="main",source="month_bill"} 1.7920368e+09
ksyun_bill_source_last_success_timestamp_seconds{account="main",source="month_consume"} 1.792039539493e+09
ksyun_bill_source_refreshes_total{account="main",source="detail_bill"} 1
ksyun_bill_source_refreshes_total{account="main",source="month_bill"} 6
ksyun_bill_source_refreshes_total{account="main",source="month_consume"} 2
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		failures := slices.DeleteFunc(w.scrape("ksyun_bill_source_refresh_failures_total"), func(sample string) bool {
			return !strings.Contains(sample, "month_bill")
		})
		compare(t, failures, `
ksyun_bill_source_refresh_failures_total{account="main",reason="auth",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="call_limit",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="decode",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="incomplete",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="invalid",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="network",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="server",source="month_bill"} 5
ksyun_bill_source_refresh_failures_total{account="main",reason="throttled",source="month_bill"} 0
ksyun_bill_source_refresh_failures_total{account="main",reason="timeout",source="month_bill"} 0`)
		stop()
		w.sleep(time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		if log := w.log.take(); !strings.Contains(log, "the source works again") {
			t.Errorf("log: %s", log)
		}
	})
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

// Lines are read when their bill has changed, not more often than details_interval, and after details_max_age in any
// case.
func TestLinesAreReadWhenTheBillChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		reads := func() (october, september int) {
			for _, call := range w.asked() {
				switch call {
				case "GetPostpayDetailBill 2026-10 2026-10":
					october++
				case "GetPostpayDetailBill 2026-09 2026-09":
					september++
				}
			}
			return october, september
		}
		for _, step := range []struct {
			name               string
			change             func()
			hours              int
			october, september int
		}{
			{"at the start", func() {}, 0, 1, 1},
			{"no change", func() {}, 20, 0, 0},
			{"the running bill has grown", func() { c.bill("2026-10", server("kec-1", 101)) }, 1, 1, 0},
			{"it grows every hour", func() { c.bill("2026-10", server("kec-1", 102)) }, 1, 0, 0},
			{"details_interval has passed; the closed month is a day old", func() {}, 5, 1, 1},
			{"a late correction that keeps the sum", func() {
				moved := server("kec-1", 300)
				moved.ProductCode = "EBS"
				c.bill("2026-09", moved)
			}, 7, 0, 1},
			{"two quiet days", func() {}, 48, 2, 2},
		} {
			step.change()
			w.sleep(time.Duration(step.hours) * time.Hour)
			if october, september := reads(); october != step.october || september != step.september {
				t.Errorf("%s: lines of October read %d times, of September %d, want %d and %d",
					step.name, october, september, step.october, step.september)
			}
		}
	})
}

// Of two accounts of one customer the first in the file is shown, though the second answered first; a key of an
// unexpected customer shows nothing.
func TestAccountsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newCustomer("7"), newCustomer("7"), newCustomer("9")
		second.AccessKeyID = "AK7b"
		for _, c := range []*customer{first, second, third} {
			c.bill("2026-10", server("kec-1", 100))
		}
		a, key := withKey(simulated("a", first.Account), first.AccessKeyID, "not yet")
		b, unexpected := simulated("b", second.Account), simulated("c", third.Account)
		unexpected.CustomerID = "0008"
		w := start(t, october(15), options(a, b, unexpected), first.Account, second.Account, third.Account)
		families := []string{"ksyun_bill_account_cost_cny", "ksyun_bill_account_info", "ksyun_bill_source_up"}
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="b",pay_mode="postpaid"} 1
ksyun_bill_account_info{account="a",customer_id=""} 1
ksyun_bill_account_info{account="b",customer_id="7"} 1
ksyun_bill_account_info{account="c",customer_id="0008"} 1
ksyun_bill_source_up{account="a",source="month_bill"} 0
ksyun_bill_source_up{account="a",source="month_consume"} 0
ksyun_bill_source_up{account="b",source="detail_bill"} 1
ksyun_bill_source_up{account="b",source="month_bill"} 1
ksyun_bill_source_up{account="b",source="month_consume"} 1
ksyun_bill_source_up{account="c",source="detail_bill"} 0
ksyun_bill_source_up{account="c",source="month_bill"} 0
ksyun_bill_source_up{account="c",source="month_consume"} 0`)
		key.Store(keyOf(first))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="a",pay_mode="postpaid"} 1
ksyun_bill_account_info{account="a",customer_id="7"} 1
ksyun_bill_account_info{account="b",customer_id=""} 1
ksyun_bill_account_info{account="c",customer_id="0008"} 1
ksyun_bill_source_up{account="a",source="detail_bill"} 1
ksyun_bill_source_up{account="a",source="month_bill"} 1
ksyun_bill_source_up{account="a",source="month_consume"} 1
ksyun_bill_source_up{account="b",source="detail_bill"} 0
ksyun_bill_source_up{account="b",source="month_bill"} 0
ksyun_bill_source_up{account="b",source="month_consume"} 0
ksyun_bill_source_up{account="c",source="detail_bill"} 0
ksyun_bill_source_up{account="c",source="month_bill"} 0
ksyun_bill_source_up{account="c",source="month_consume"} 0`)
		var refusals []string
		for line := range strings.Lines(w.log.take()) {
			if strings.Contains(line, "refused, its numbers") {
				refusals = append(refusals, strings.TrimSpace(line))
			}
		}
		compare(t, refusals, `
level=error account=c msg="account refused, its numbers are not shown" err="the key belongs to customer 9, customer_id expects 0008"
level=error account=b msg="account refused, its numbers are not shown" err="account a has the numbers of customer 7 already"`)
	})
}

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

// Lines that could not be read are not wanted any more once their month is two months ago: nobody asks for them again,
// and nobody waits in a loop for a retry that never comes.
func TestFailedLinesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		o := options(simulated("main", c.Account))
		w := startWith(t, october(31), o, func(api http.Handler) http.Handler {
			api.(*billsim.Server).Fault(billsim.Fault{
				Action: "GetPostpayDetailBill", Answer: billsim.Page(http.StatusBadGateway).Answer,
			})
			return api
		}, c.Account)
		compare(t, w.asked(), "GetMonthBill 2026-07 2026-10\ngetMonthConsume 2026-10\ngetMonthConsume 2026-09\n"+
			"GetPostpayDetailBill 2026-09 2026-09")
		w.sleepUntil(time.Date(2026, 11, 1, 2, 0, 0, 0, billclient.Beijing))
		w.asked()
		w.sleep(time.Hour)
		compare(t, w.asked(), "GetMonthBill 2026-08 2026-11\ngetMonthConsume 2026-11\ngetMonthConsume 2026-10")
		compare(t, w.scrape("ksyun_bill_source_up")[:1], `ksyun_bill_source_up{account="main",source="detail_bill"} 1`)
	})
}

func TestPhase(t *testing.T) {
	now := time.Date(2026, 10, 15, 4, 59, 59, 0, time.UTC)
	for _, name := range []string{"main", "ads", "游戏"} {
		first := nextTick(name, time.Hour, now)
		if wait := first.Sub(now); wait <= 0 || wait > time.Hour {
			t.Errorf("%s: the first tick is in %s", name, wait)
		}
		if second := nextTick(name, time.Hour, first); !second.Equal(first.Add(time.Hour)) {
			t.Errorf("%s: ticks at %s and %s are not an hour apart", name, first, second)
		}
	}
	if nextTick("main", time.Hour, now).Equal(nextTick("ads", time.Hour, now)) {
		t.Error("two accounts are refreshed at the same instant")
	}
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

// At most refresh.concurrency accounts are asked for summaries at once, and as many for lines; a slow one delays
// neither the others nor a scrape.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accounts []Account
		var simulators []billsim.Account
		for i := range 5 {
			c := newCustomer(fmt.Sprint(i + 1))
			c.bill("2026-10", server("kec-1", 100))
			accounts = append(accounts, simulated(fmt.Sprint(i+1), c.Account))
			simulators = append(simulators, c.Account)
		}
		var summaries, lines struct{ asked, most atomic.Int32 }
		count := func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := &summaries
				if strings.Contains(r.URL.RawQuery, "Detail") {
					n = &lines
				}
				n.most.Store(max(n.most.Load(), n.asked.Add(1)))
				defer n.asked.Add(-1)
				time.Sleep(30 * time.Second)
				api.ServeHTTP(w, r)
			})
		}
		o := options(accounts...)
		w := startWith(t, october(15), o, count, simulators...)
		for scraped := range 5 { // 30 s for each of an account's four answers, two accounts at once
			if got := len(w.scrape("ksyun_bill_account_cost_cny")); got != min(5, 2*scraped) {
				t.Errorf("after %d minutes %d accounts are shown", 2*scraped, got)
			}
			w.sleep(2 * time.Minute)
		}
		expect := func(want int32) {
			if s, l := summaries.most.Swap(0), lines.most.Swap(0); s != want || l != want {
				t.Errorf("at once %d accounts were asked for summaries, %d for lines, want %d", s, l, want)
			}
		}
		expect(2)
		o.Refresh.Concurrency, o.Instances.MaxSeries = 1, 7 // so that all are asked at once
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		w.sleep(2 * time.Hour)
		expect(1)
	})
}
