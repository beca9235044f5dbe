package collector

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
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

// bought are purchases of two months: prepaid on the 3rd and the 10th, real-time on every day up to the 14th.
func bought(c *customer) Account {
	c.Prepaid = func(month string) []billsim.Purchase {
		return []billsim.Purchase{
			{ProductCode: "KEC", ProductName: "云服务器", ProjectID: "0", InstanceID: "p-1", Day: month + "-03", Cost: 10 * billsim.Yuan},
			{ProductCode: "EBS", ProductName: "云硬盘", ProjectID: "7", InstanceID: "p-2", Day: month + "-10", Cost: 3 * billsim.Yuan},
		}
	}
	c.Realtime = func(month string) (hours []billsim.Purchase) {
		for _, day := range []string{"-13", "-14"} {
			hours = append(hours, billsim.Purchase{
				ProductCode: "EIP", ProductName: "弹性IP", ProjectID: "7", InstanceID: "r-1", Day: month + day, Cost: billsim.Yuan,
			})
		}
		return hours
	}
	a := simulated("main", c.Account)
	a.API.UnionEndpoint = a.API.Endpoint
	return a
}

// Prepaid and real-time costs stand in the families of products, projects and days, each of which comes to the
// account's.
func TestDaysOfAllPayModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-09", 30, on("2026-09-14", server("kec-1", 200)))
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 100)), on("2026-10-14", server("kec-1", 100)))
		c.bill("2026-09", server("kec-1", 200))
		o := options(bought(c))
		o.Months.Past, o.Days = 1, 3
		o.Products = []metrics.ProductMapping{{Group: "VM_GROUP", Code: "KEC"}}
		w := start(t, october(15), o, c.Account)
		w.checkInfos()
		compare(t, w.scrape(
			"ksyun_bill_account_cost_cny", "ksyun_bill_product_cost_cny", "ksyun_bill_project_cost_cny",
			"ksyun_bill_past_month_product_cost_cny", "ksyun_bill_day_account_cost_cny", "ksyun_bill_day_product_cost_cny",
			"ksyun_bill_past_month_to_date_account_cost_cny", "ksyun_bill_past_month_to_date_project_cost_cny",
			"ksyun_bill_pay_mode_unreconciled_cost_cny", "ksyun_bill_product_info", "ksyun_bill_product_group_info"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 13
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 2
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC"} 2
ksyun_bill_product_cost_cny{account="main",pay_mode="prepaid",product_code="EBS_GROUP"} 3
ksyun_bill_product_cost_cny{account="main",pay_mode="prepaid",product_code="KEC"} 10
ksyun_bill_product_cost_cny{account="main",pay_mode="realtime",product_code="EIP_GROUP"} 2
ksyun_bill_project_cost_cny{account="main",pay_mode="postpaid",project_id="0"} 2
ksyun_bill_project_cost_cny{account="main",pay_mode="prepaid",project_id="0"} 10
ksyun_bill_project_cost_cny{account="main",pay_mode="prepaid",project_id="7"} 3
ksyun_bill_project_cost_cny{account="main",pay_mode="realtime",project_id="7"} 2
ksyun_bill_past_month_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",months_ago="1"} 2
ksyun_bill_past_month_product_cost_cny{account="main",pay_mode="prepaid",product_code="EBS_GROUP",months_ago="1"} 3
ksyun_bill_past_month_product_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",months_ago="1"} 10
ksyun_bill_past_month_product_cost_cny{account="main",pay_mode="realtime",product_code="EIP_GROUP",months_ago="1"} 2
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 1
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 1
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="2"} 0
ksyun_bill_day_account_cost_cny{account="main",pay_mode="realtime",days_ago="0"} 1
ksyun_bill_day_account_cost_cny{account="main",pay_mode="realtime",days_ago="1"} 1
ksyun_bill_day_account_cost_cny{account="main",pay_mode="realtime",days_ago="2"} 0
ksyun_bill_day_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",days_ago="0"} 1
ksyun_bill_day_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",days_ago="1"} 1
ksyun_bill_day_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",days_ago="2"} 0
ksyun_bill_day_product_cost_cny{account="main",pay_mode="realtime",product_code="EIP_GROUP",days_ago="0"} 1
ksyun_bill_day_product_cost_cny{account="main",pay_mode="realtime",product_code="EIP_GROUP",days_ago="1"} 1
ksyun_bill_day_product_cost_cny{account="main",pay_mode="realtime",product_code="EIP_GROUP",days_ago="2"} 0
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 2
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="prepaid",months_ago="1"} 13
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="realtime",months_ago="1"} 2
ksyun_bill_past_month_to_date_project_cost_cny{account="main",pay_mode="postpaid",project_id="0",months_ago="1"} 2
ksyun_bill_past_month_to_date_project_cost_cny{account="main",pay_mode="prepaid",project_id="0",months_ago="1"} 10
ksyun_bill_past_month_to_date_project_cost_cny{account="main",pay_mode="prepaid",project_id="7",months_ago="1"} 3
ksyun_bill_past_month_to_date_project_cost_cny{account="main",pay_mode="realtime",project_id="7",months_ago="1"} 2
ksyun_bill_product_group_info{account="main",product_group="EBS_GROUP",product_group_name="云硬盘",product_code="EBS_GROUP"} 1
ksyun_bill_product_group_info{account="main",product_group="EIP_GROUP",product_group_name="弹性IP",product_code="EIP_GROUP"} 1
ksyun_bill_product_group_info{account="main",product_group="VM_GROUP",product_group_name="云服务器",product_code="KEC"} 1
ksyun_bill_pay_mode_unreconciled_cost_cny{account="main",months_ago="0"} 0
ksyun_bill_pay_mode_unreconciled_cost_cny{account="main",months_ago="1"} 0
ksyun_bill_product_info{account="main",product_code="EBS_GROUP",product_name="云硬盘"} 1
ksyun_bill_product_info{account="main",product_code="EIP_GROUP",product_name="弹性IP"} 1
ksyun_bill_product_info{account="main",product_code="KEC",product_name="云服务器(KEC)"} 1`)
	})
}

// What the summary of the pay modes has beyond the days, which are read less often, is of none of the products. The
// days are read again when another day is metered, and once its last costs have come.
func TestDaysAreReadWhenADayIsMetered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 100)))
		o := options(bought(c))
		o.Months.Past, o.Days = 0, 1
		var hasMore atomic.Bool
		before := c.Prepaid
		c.Prepaid = func(month string) []billsim.Purchase {
			if purchases := before(month); !hasMore.Load() || month != "2026-10" {
				return purchases
			}
			return append(before(month), billsim.Purchase{
				ProductCode: "KEC", ProductName: "云服务器", ProjectID: "0", Day: "2026-10-15", Cost: 5 * billsim.Yuan,
			})
		}
		w := start(t, october(15), o, c.Account)
		readDays := func() int { return strings.Count(strings.Join(w.asked(), "\n"), billclient.QueryProductConsume) }
		const prepaid = `
ksyun_bill_product_cost_cny{account="main",pay_mode="postpaid",product_code="KEC"} 1
ksyun_bill_product_cost_cny{account="main",pay_mode="prepaid",product_code="EBS_GROUP"} 3
ksyun_bill_product_cost_cny{account="main",pay_mode="prepaid",product_code="KEC"} `
		const realtime = `
ksyun_bill_product_cost_cny{account="main",pay_mode="realtime",product_code="EIP_GROUP"} 2`
		compare(t, w.scrape("ksyun_bill_product_cost_cny"), prepaid+"10"+realtime)
		if times := readDays(); times != 2 {
			t.Errorf("the days were read %d times at the start, want 2, of two months", times)
		}

		hasMore.Store(true)
		w.sleep(10 * time.Hour)
		const none = `
ksyun_bill_product_cost_cny{account="main",pay_mode="prepaid",product_code="__none__"} 5`
		compare(t, w.scrape("ksyun_bill_product_cost_cny"), prepaid+"10"+none+realtime)
		if times := readDays(); times != 0 {
			t.Errorf("the days were read %d times within a day", times)
		}

		w.sleepUntil(beijing(10, 16, 1))
		c.consume("2026-10", 15, on("2026-10-15", server("kec-1", 100)))
		w.sleep(time.Hour)
		compare(t, w.scrape("ksyun_bill_product_cost_cny"), prepaid+"15"+realtime)
		if times := readDays(); times != 1 {
			t.Errorf("the days were read %d times when a day was metered", times)
		}
		w.sleepUntil(beijing(10, 16, 8))
		if times := readDays(); times != 1 {
			t.Errorf("the days were read %d times once the day's last costs had come", times)
		}
	})
}

// shortDays is an answer that lacks a yuan in real-time.
const shortDays = `{"status":200,"ok":true,"data":{"page":1,"size":200,"total":1,"bills":[{"billDay":20260903,` +
	`"customerBillMonth":202609,"projectId":"7","projectName":"x","prePayBillsAmount":"13","realtimeBillsAmount":"1",` +
	`"postPayBillsAmount":"2","billFinalAmount":"16"}]}}`

// Days of a closed month that do not come to the summary of its pay modes make the source incomplete, and are taken
// when another read says the same. Those that did are kept for a day.
func TestDaysThatDoNotComeToTheMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 200))
		o := options(bought(c))
		o.Months.Past, o.Days = 1, 0
		var isShort atomic.Bool
		w := startWith(t, october(15), o, func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				query := r.URL.Query()
				if !isShort.Load() || query.Get("Action") != billclient.QueryProjectConsume || query.Get("StartDay") != "2026-09-01" {
					api.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, shortDays)
			})
		}, c.Account)
		const whole = `
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="postpaid",project_id="0",months_ago="1"} 2
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="prepaid",project_id="0",months_ago="1"} 10
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="prepaid",project_id="7",months_ago="1"} 3
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="realtime",project_id="7",months_ago="1"} 2`
		const project = "ksyun_bill_past_month_project_cost_cny"
		compare(t, w.scrape(project), whole)
		isShort.Store(true)
		w.sleep(25 * time.Hour)
		compare(t, w.scrape(project), whole)
		if up := w.scrape("ksyun_bill_source_up"); !slices.Contains(up, `ksyun_bill_source_up{account="main",source="project_consume"} 0`) {
			t.Errorf("%q", up)
		}
		w.sleep(30 * time.Hour)
		compare(t, w.scrape(project, "ksyun_bill_source_up"), `
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="postpaid",project_id="0",months_ago="1"} 2
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="prepaid",project_id="7",months_ago="1"} 13
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="realtime",project_id="7",months_ago="1"} 1
ksyun_bill_past_month_project_cost_cny{account="main",pay_mode="realtime",project_id="__none__",months_ago="1"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="instance_consume"} 1
ksyun_bill_source_up{account="main",source="instance_summary"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1
ksyun_bill_source_up{account="main",source="pay_mode_summary"} 1
ksyun_bill_source_up{account="main",source="product_consume"} 1
ksyun_bill_source_up{account="main",source="product_groups"} 1
ksyun_bill_source_up{account="main",source="product_summary"} 1
ksyun_bill_source_up{account="main",source="project_consume"} 1
ksyun_bill_source_up{account="main",source="project_summary"} 1`)
	})
}

// On the first days of March, 35 days reach back into January, which is not shown itself: its postpaid days are kept,
// though the API no longer has them, and those of other pay modes are, or are asked for.
func TestDaysReachBackTwoMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		o := options(bought(c))
		o.Months.Past, o.Days = 1, 35
		c.Prepaid, c.Realtime = nil, func(month string) (hours []billsim.Purchase) {
			for day := range 3 {
				hours = append(hours, billsim.Purchase{
					ProductCode: "EIP", ProductName: "弹性IP", ProjectID: "7", InstanceID: "r-1",
					Day: fmt.Sprintf("%s-%d", month, 25+day), Cost: billsim.Amount(1+day) * billsim.Yuan,
				})
			}
			return hours
		}
		c.consume("2026-01", 31, on("2026-01-25", server("kec-1", 2500)), on("2026-01-26", server("kec-1", 2600)),
			on("2026-01-27", server("kec-1", 2700)))
		c.consume("2026-02", 28, on("2026-02-27", server("kec-1", 100)))
		w := start(t, beijing(2, 28, 12), o, c.Account)
		for day := 1; day <= 3; day++ {
			if day > 1 {
				c.consume("2026-03", day-1, on("2026-03-01", server("kec-1", 100)))
			}
			w.sleepUntil(beijing(3, day, 15))
			fresh := start(t, beijing(3, day, 15), o, c.Account)
			compare(t, w.oldestDay(), fmt.Sprintf(`
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="34"} %d
ksyun_bill_day_account_cost_cny{account="main",pay_mode="realtime",days_ago="34"} %d`, 24+day, day))
			compare(t, fresh.oldestDay(), fmt.Sprintf(`
ksyun_bill_day_account_cost_cny{account="main",pay_mode="realtime",days_ago="34"} %d`, day))
			fresh.stop()
		}
		w.asked()
		w.sleep(2 * time.Hour)
		for _, call := range w.api.Calls() {
			if strings.HasPrefix(call.Query.Get("StartDay"), "2026-01") {
				t.Errorf("%s asks for January again", call.Action)
			}
		}
	})
}

// oldestDay returns what the account has cost on the oldest of 35 days.
func (w *world) oldestDay() []string {
	return slices.DeleteFunc(w.scrape("ksyun_bill_day_account_cost_cny"), func(sample string) bool {
		return !strings.Contains(sample, `days_ago="34"`)
	})
}

// Over the end of a month of the demo, every noon, products and projects come to what the account has of each pay mode,
// to the last digit: this month, in the closed ones and on each day.
func TestFamiliesComeToTheBill(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(beijing(9, 30, 6)))
		demo := billsim.Demo(time.Now)
		shop, game := simulated("shop", demo[0]), simulated("game", demo[1])
		shop.API.UnionEndpoint, game.API.UnionEndpoint = shop.API.Endpoint, game.API.Endpoint
		o := options(shop, game)
		o.Refresh.Interval, o.Prepaid.Months, o.Days = 12*time.Hour, 12, 7
		w := start(t, beijing(9, 30, 6), o, demo...)
		for at := beijing(9, 30, 12); at.Before(beijing(10, 2, 0)) && !t.Failed(); at = at.AddDate(0, 0, 1) {
			w.sleepUntil(at)
			w.checkInfos()
			sums := w.sumsOfModes()
			for _, prefix := range []string{"ksyun_bill_", "ksyun_bill_past_month_"} {
				for _, part := range []string{"product", "project"} {
					compareSums(t, at, sums[prefix+"account_cost_cny"], sums[prefix+part+"_cost_cny"])
				}
			}
			for _, part := range []string{"project_product", "region", "billing_mode", "instance"} {
				compareSums(t, at, sums["ksyun_bill_account_cost_cny"], sums["ksyun_bill_"+part+"_cost_cny"])
			}
			for _, part := range []string{"project_product", "instance"} {
				compareSums(t, at, lastMonth(sums["ksyun_bill_past_month_account_cost_cny"]),
					sums["ksyun_bill_past_month_"+part+"_cost_cny"])
			}
			for _, part := range []string{"product", "project"} {
				compareSums(t, at, sums["ksyun_bill_day_account_cost_cny"], sums["ksyun_bill_day_"+part+"_cost_cny"])
				compareSums(t, at, sums["ksyun_bill_day_amortized_account_cost_cny"],
					sums["ksyun_bill_day_amortized_"+part+"_cost_cny"])
			}
			for _, part := range []string{"product", "project", "instance"} {
				compareSums(t, at, sums["ksyun_bill_amortized_account_cost_cny"], sums["ksyun_bill_amortized_"+part+"_cost_cny"])
			}
		}
	})
}

var modeSample = regexp.MustCompile(`^(\w+)\{account="(\w+)",pay_mode="(prepaid|realtime)",.*?(?:(months_ago|days_ago)="(\d+)",)?\} (\S+)$`)

// sumsOfModes adds up the samples of prepaid and real-time cost by family, account, pay mode and how long ago they are.
func (w *world) sumsOfModes() map[string]map[string]billclient.Amount {
	sums := map[string]map[string]billclient.Amount{}
	for _, line := range w.scrape() {
		m := modeSample.FindStringSubmatch(strings.Replace(line, `"} `, `",} `, 1))
		if m == nil {
			continue
		}
		amount, err := billclient.ParseAmount(m[6])
		if err != nil {
			w.t.Fatal(line, err)
		}
		if sums[m[1]] == nil {
			sums[m[1]] = map[string]billclient.Amount{}
		}
		key := strings.Join(m[2:6], " ")
		sums[m[1]][key] = sums[m[1]][key].Add(amount)
	}
	return sums
}

// lastMonth returns the sums of last month alone.
func lastMonth(sums map[string]billclient.Amount) map[string]billclient.Amount {
	last := maps.Clone(sums)
	maps.DeleteFunc(last, func(key string, _ billclient.Amount) bool { return !strings.HasSuffix(key, "months_ago 1") })
	return last
}

func compareSums(t *testing.T, at time.Time, whole, parts map[string]billclient.Amount) {
	t.Helper()
	if len(whole) == 0 && at.Day() != 1 { // before its first day is metered, there is no running month
		t.Errorf("%v: there is nothing to compare", at)
	}
	for key, amount := range whole {
		if parts[key].Cmp(amount) != 0 {
			t.Errorf("%v: %s: the parts come to %v, not to %v", at, key, parts[key], amount)
		}
	}
	for key, amount := range parts {
		if _, ok := whole[key]; !ok && amount.Sign() != 0 {
			t.Errorf("%v: %s: %v of nothing", at, key, amount)
		}
	}
}
