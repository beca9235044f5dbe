package billsim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	productDays  = "Action=QueryProductConsume&Version=2022-12-22"
	projectDays  = "Action=QueryProjectConsume&Version=2022-12-22"
	instanceDays = "Action=QueryInstanceConsume&Version=2022-12-22"
	instanceBill = "Action=DescribeInstanceSummaryBills&Version=2020-01-01"
)

// daysOfMonth returns the parameters for all days of a month.
func daysOfMonth(month string) string {
	first, last, _ := daysOf(month)
	return fmt.Sprintf("&StartDay=%s&EndDay=%s", first, last)
}

// demoClient returns a client of each demo account.
func demoClient(t *testing.T, a Account) *client {
	t.Helper()
	a.AccessKeyID, a.SecretAccessKey = "AKSAMPLE", "secret"
	return serveVariant(t, a, WithKeptPages())
}

// sumRows adds up rows under the keys that of names. A key is left out where it comes to 0.
func sumRows(t *testing.T, rows []map[string]any, of func(row map[string]any) map[string]any) map[string]string {
	t.Helper()
	sums := map[string]Amount{}
	for _, row := range rows {
		for key, amount := range of(row) {
			sums[key] += parseAmount(t, fmt.Sprint(amount))
		}
	}
	texts := map[string]string{}
	for key, sum := range sums {
		if sum != 0 {
			texts[key] = sum.String()
		}
	}
	return texts
}

// parseAmount reads a decimal with eight digits after the point at most.
func parseAmount(t *testing.T, text string) Amount {
	t.Helper()
	whole, fraction, _ := strings.Cut(text, ".")
	units, err := strconv.ParseInt(whole+(fraction + "00000000")[:max(8, len(fraction))], 10, 64)
	if err != nil || len(fraction) > 8 {
		t.Fatalf("%q is no amount: %v", text, err)
	}
	return Amount(units)
}

// columns returns the amounts of a row of QueryProductConsume and QueryProjectConsume by pay mode, and their sum, which
// the row states, under its key.
func columns(row map[string]any) map[string]any {
	id := row["productGroupName"]
	if id == nil {
		id = fmt.Sprintf("project %v", row["projectId"])
	}
	return map[string]any{
		"预付费":                      row["prePayBillsAmount"],
		"按量付费":                     row["realtimeBillsAmount"],
		"后付费":                      row["postPayBillsAmount"],
		fmt.Sprint(id):             row["billFinalAmount"],
		fmt.Sprint(row["billDay"]): row["billFinalAmount"],
		"paid":                     row["cash"],
		fmt.Sprint("vouchers of ", row["billDay"]): row["vouchers"],
	}
}

// instanceColumns returns the amounts of a row of QueryInstanceConsume under the keys of columns.
func instanceColumns(row map[string]any) map[string]any {
	cost, day := row["billRealAmount"], fmt.Sprint(row["billDay"])
	return map[string]any{
		row["payTypeName"].(string):                 cost,
		row["productGroupName"].(string):            cost,
		fmt.Sprintf("project %v", row["projectId"]): cost,
		day:                  cost,
		"paid":               row["cash"],
		"vouchers of " + day: row["vouchers"],
	}
}

// TestDemoDaysAgree checks that days by product, by project and by instance have the same sums in every pay mode and
// on every day.
func TestDemoDaysAgree(t *testing.T) {
	for _, a := range Demo(noonClock) {
		c := demoClient(t, a)
		for _, month := range []string{"2026-10", "2026-11"} {
			days := daysOfMonth(month)
			want := sumRows(t, c.getAllBills(instanceDays+days), instanceColumns)
			products := sumRows(t, c.getAllBills(productDays+days), columns)
			projects := sumRows(t, c.getAllBills(projectDays+days), columns)
			for key, sum := range products {
				if other, ok := projects[key]; ok && other != sum {
					t.Errorf("%s of %s, %s: %s by product, %s by project", month, a.CustomerID, key, sum, other)
				}
			}
			maps.Copy(products, projects)
			if diff := cmp.Diff(want, products); diff != "" || len(want) < 40 {
				t.Errorf("%s of %s (-instances +sums):\n%s", month, a.CustomerID, diff)
			}
		}
	}
}

// TestDemoDaysAreMonth checks that the days of a month come to its summaries, but for what a running month's bill and
// estimate differ by: of that, the days have the estimate.
func TestDemoDaysAreMonth(t *testing.T) {
	for _, a := range Demo(noonClock) {
		c := demoClient(t, a)
		for _, month := range []string{"2025-10", "2026-10", "2026-11"} {
			want := map[string]string{}
			for _, by := range []string{"PayMode", "Product", "Project"} {
				_, rows := c.getBills("Action=DescribeBillSummaryBy"+by+
					strings.ReplaceAll(unionMonth, "2020-06", month), "SummaryOverview")
				maps.Copy(want, sumRows(t, rows, summaryColumns))
			}
			got := sumRows(t, c.getAllBills(productDays+daysOfMonth(month)), columns)
			maps.Copy(got, sumRows(t, c.getAllBills(projectDays+daysOfMonth(month)), columns))
			if month == "2026-11" {
				estimate, _ := a.Consume(month)
				want = map[string]string{"预付费": want["预付费"], "按量付费": want["按量付费"]}
				want["后付费"] = estimate.Sums().Total.String()
			}
			maps.DeleteFunc(got, func(key, _ string) bool {
				return strings.HasPrefix(key, "202") || strings.HasPrefix(key, "vouchers") || key == "paid" ||
					month == "2026-11" && want[key] == ""
			})
			if diff := cmp.Diff(want, got); diff != "" || len(want) < 3 {
				t.Errorf("%s of %s (-summaries +days):\n%s", month, a.CustomerID, diff)
			}
		}
	}
}

// TestDemoInstanceBills checks that the instances of a month come to its summary in every pay mode.
func TestDemoInstanceBills(t *testing.T) {
	for _, a := range Demo(noonClock) {
		c := demoClient(t, a)
		for _, month := range []string{"2025-10", "2026-10", "2026-11"} {
			_, modes := c.getBills("Action=DescribeBillSummaryByPayMode"+
				strings.ReplaceAll(unionMonth, "2020-06", month), "SummaryOverview")
			head, rows := c.getBills(instanceBill+"&Size=1000&BillMonth="+month, "SummaryOverview")
			got := sumRows(t, rows, func(row map[string]any) map[string]any {
				return map[string]any{row["PayMode"].(string): row["RealCost"]}
			})
			if diff := cmp.Diff(sumRows(t, modes, summaryColumns), got); diff != "" {
				t.Errorf("%s of %s (-summary +instances):\n%s", month, a.CustomerID, diff)
			}
			if total := fmt.Sprint(head["TotalCount"]); total != fmt.Sprint(len(rows)) {
				t.Errorf("%s of %s: %d rows, total %s", month, a.CustomerID, len(rows), total)
			}
		}
	}
}

// TestDemoMonthSums pins what the demo costs in one month, so that its lines can change but not what the house shows.
func TestDemoMonthSums(t *testing.T) {
	want := map[string][2]string{
		"73990001": {"66925.00", "50579.608"},
		"73990002": {"47309.00", "35137.892"},
	}
	for _, a := range Demo(noonClock) {
		var got [2]string
		for i, of := range []func(string) []Purchase{a.Prepaid, a.Realtime} {
			var sum Amount
			for _, p := range of("2026-10") {
				sum += p.Cost
			}
			got[i] = sum.String()
		}
		if got != want[a.CustomerID] {
			t.Errorf("%s: %v, want %v", a.CustomerID, got, want[a.CustomerID])
		}
	}
}

// summaryColumns returns the cost of a row of a summary under the keys of columns.
func summaryColumns(row map[string]any) map[string]any {
	key := ""
	for _, name := range []string{"PayMode", "ProductName"} {
		if text, ok := row[name].(string); ok {
			key = text
		}
	}
	if id, ok := row["ProjectId"]; ok {
		key = fmt.Sprintf("project %v", id)
	}
	return map[string]any{key: row["RealTotalCost"]}
}

// TestUnmetered checks what the days have of a bill that is not the sum of its consumption.
func TestUnmetered(t *testing.T) {
	line := func(day, instance string, cost Amount) Line {
		return Line{StatDate: day, ProductCode: "KEC", ProjectID: "7", InstanceID: instance, Cost: cost}
	}
	bill := billOf(line("", "a", 9*Yuan), line("", "b", 2*Yuan), line("", "c", 0))
	bill.SummaryOnly = []Product{{"KS3", "对象存储", 3 * Yuan}}
	account := accountOf(map[string]Bill{"2026-10": bill, "2026-11": bill})
	account.Consume = func(month string) (Consumption, bool) {
		days := billOf(line(month+"-01", "a", 4*Yuan), line(month+"-02", "a", 4*Yuan), line(month+"-02", "d", Yuan),
			line(month+"-02", "b", 2*Yuan))
		return Consumption{Bill: days, EndDate: month + "-02"}, true
	}
	metered := []string{"01 a 4", "02 a 4", "02 d 1", "02 b 2"}
	closed := append(slices.Clone(metered), "31 a 1 退款", "31 c 0", "31  3", "31 d -1 退款")
	without := account
	without.Consume = nil
	tests := []struct {
		name       string
		account    Account
		start, end string
		want       []string
	}{
		{"closed", account, "2026-10-01", "2026-10-31", closed},
		{"its last day", account, "2026-10-31", "2026-10-31", closed[4:]},
		{"without its last day", account, "2026-10-01", "2026-10-30", metered},
		{"running", account, "2026-11-01", "2026-11-30", metered},
		{"closed, not metered", without, "2026-10-01", "2026-10-31", []string{"31 a 9", "31 b 2", "31 c 0", "31  3"}},
		{"running, not metered", without, "2026-11-01", "2026-11-30", []string{"17 a 9", "17 b 2", "17 c 0", "17  3"}},
		{"none", account, "2026-09-03", "2026-09-30", nil},
	}
	for _, tt := range tests {
		c := serveVariant(t, tt.account)
		var got []string
		for _, row := range c.getAllBills(instanceDays + "&StartDay=" + tt.start + "&EndDay=" + tt.end) {
			day := fmt.Sprint(row["billDay"])[6:]
			text := fmt.Sprintf("%s %s %s %s", day, row["instanceId"], row["billRealAmount"], row["billDetailTypeName"])
			got = append(got, strings.TrimSuffix(text, " 消费"))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
