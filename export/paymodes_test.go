package export

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

// withProducts is a configuration that gives a product group the code of the bill.
const withProducts = oneAccount + "products: [{group: VM_GROUP, code: KEC}]\n"

// purchasesOf returns what is prepaid in a month: by a project that has postpaid lines too, by one that has none, and
// by two of one name; of a group with a configured code, of one without, and of one that the API does not list.
func purchasesOf(month string) []billsim.Purchase {
	return []billsim.Purchase{
		{
			ProductCode: "KEC", ProductName: "云服务器", ProjectID: "103800", ProjectName: "交易平台", InstanceID: "i-p1",
			InstanceName: "order-db", Cost: 90050 * billsim.Fen, List: 1200 * billsim.Yuan, Kind: billsim.Renewed,
			Day: month + "-05", StartTime: month + "-05 00:00:00", EndTime: "2027-10-04 23:59:59", SubType: "标准型S6",
			RegionName: "华北1(北京)", ZoneName: "可用区A", ServiceStartTime: "2025-10-05 10:00:00", Remark: "续费",
			Configs: []billsim.KeyValue{{Key: "CPU", Value: "4"}}, Tags: []billsim.KeyValue{{Key: "部门", Value: "ads"}},
		},
		{
			ProductCode: "KEC", ProductName: "云服务器", ProjectID: "103900", ProjectName: "搜索推荐", InstanceID: "i-p2",
			InstanceName: "=1+1", Cost: -3333*billsim.Fen - 100, Kind: billsim.Refunded, Day: month + "-06",
		},
		{ProductCode: "KIS", ProductName: "云数据中心(KIS)", ProjectID: "1", ProjectName: "双子", Cost: billsim.Yuan},
		{ProductCode: "XYZ", ProductName: "神秘产品", ProjectID: "2", ProjectName: "双子", Cost: 2 * billsim.Yuan},
	}
}

// hoursOf returns what is paid by the hour in a month, on two days.
func hoursOf(month string) []billsim.Purchase {
	hours := billsim.Purchase{
		ProductCode: "EIP", ProductName: "弹性IP", ProjectID: "0", ProjectName: "默认项目", InstanceID: "ip-1",
		InstanceName: "nat", Cost: 125 * billsim.Fen, Hours: 24, Day: month + "-01",
	}
	next := hours
	next.Day, next.Cost = month+"-02", 126*billsim.Fen
	return []billsim.Purchase{hours, next}
}

// newModesAPI returns an API whose months have these bills, and purchases of all pay modes.
func newModesAPI(bills map[string]billsim.Bill) *billsim.Server {
	return billsim.New([]billsim.Account{{
		AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
		Bills: func(month string) (billsim.Bill, bool) {
			bill, ok := bills[month]
			return bill, ok
		},
		Prepaid: purchasesOf, Realtime: hoursOf,
	}})
}

// runModes exports a month, October by default, at a time in November.
func runModes(t *testing.T, now time.Time, api http.Handler, o Options) outcome {
	t.Helper()
	time.Sleep(time.Until(now))
	dir := t.TempDir()
	if o.Output != "" {
		write(t, filepath.Join(dir, "bill"), "that of September")
	}
	return runExport(t.Context(), t, api, dir, withProducts, o)
}

// TestPayModes compares lines and sums of all pay modes with testdata: those of a month that is over, which have no ids
// of products and projects, and those of the days of the running one.
func TestPayModes(t *testing.T) {
	bills := billOf(october()...)
	bills["2026-11"] = bills["2026-10"]
	running := month(t, "2026-11")
	for name, o := range map[string]Options{
		"modes.csv":         {},
		"modes.txt":         {Format: FormatTable},
		"prepaid.csv":       {PayModes: "prepaid"},
		"others.txt":        {PayModes: "prepaid, realtime,prepaid", Format: FormatTable},
		"lines.csv":         {PayModes: "postpaid"},
		"focus.csv":         {Format: FormatFocusCSV},
		"focus_prepaid.csv": {Format: FormatFocusCSV, PayModes: "prepaid", FocusVersion: Focus12},
		"focus_running.csv": {Month: running, Format: FormatFocusCSV, FocusVersion: Focus14},
		"running_modes.csv": {Month: running},
		"running_modes.txt": {Month: running, Format: FormatTable},
		"running_hours.txt": {Month: running, Format: FormatTable, PayModes: "realtime"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				compareFile(t, name, runModes(t, noon, newModesAPI(bills), o).String())
			})
		})
	}
}

// What is exported of the demo comes to what the API's own summaries say, to the last digit, also in the running month.
func TestPayModesOfTheDemo(t *testing.T) {
	for key, secret := range map[string]string{
		"DEMOSHOPACCESSKEY": "demo-shop-secret-key", "DEMOGAMEACCESSKEY": "demo-game-secret-key",
	} {
		for at, modes := range map[string]string{"2026-10": "", "2026-09": "", "2026-11": "prepaid,realtime"} {
			t.Run(key+at, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(noon))
					api := billsim.New(billsim.Demo(time.Now), billsim.WithKeptPages())
					config := strings.NewReplacer("AKLTMAIN", key, "s3cret-main", secret).Replace(oneAccount)
					options := Options{Month: month(t, at), PayModes: modes}
					got := runExport(t.Context(), t, api, t.TempDir(), config, options)
					if got.err != nil {
						t.Fatal(got)
					}
					want := summedUp(t, api, billclient.Credentials{AccessKeyID: key, SecretAccessKey: secret}, at)
					if modes != "" {
						delete(want, "postpaid") // bill-union has it before there is a bill
					}
					if diff := cmp.Diff(want, costsOf(t, got.out), sameAmount); diff != "" {
						t.Errorf("(-summaries +lines):\n%s", diff)
					}
				})
			})
		}
	}
}

// sameAmount compares amounts as numbers: each action writes another number of decimals.
var sameAmount = cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })

// summedUp returns what a month cost by pay mode as GetMonthBill and DescribeBillSummaryByPayMode have it.
func summedUp(t *testing.T, api http.Handler, keys billclient.Credentials, at string) map[string]billclient.Amount {
	t.Helper()
	client, stop := newClient(api, keys)
	defer stop()
	union, err := client.DescribeBillSummaryByPayMode(t.Context(), month(t, at))
	if err != nil {
		t.Fatal(err)
	}
	bills, err := client.GetMonthBill(t.Context(), month(t, at), month(t, at))
	if err != nil {
		t.Fatal(err)
	}
	costs := map[string]billclient.Amount{}
	for _, p := range union.Parts {
		costs[p.Key] = p.Cost
	}
	for _, b := range bills {
		costs["postpaid"] = b.Sum
	}
	return costs
}

// newClient returns a client of an API, which stop ends.
func newClient(api http.Handler, keys billclient.Credentials) (client *billclient.Client, stop func()) {
	options := billclient.DefaultOptions()
	options.Transport, stop = billsim.PipeTransport(api)
	options.Credentials = func(context.Context) (billclient.Credentials, error) { return keys, nil }
	return billclient.New(options), stop
}

// costsOf returns what the rows of a file come to by pay mode, and fails if one has no project.
func costsOf(t *testing.T, text string) map[string]billclient.Amount {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, byteOrderMark))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	sums := map[string]billclient.Amount{}
	for _, row := range rows[1:] {
		mode := row[column["pay_mode"]]
		sums[mode] = sums[mode].Add(amount(t, row[column["cost_cny"]]))
		if row[column["product_code"]] == "" || row[column["project_id"]] == "" {
			t.Fatalf("no product or no project: %q", row)
		}
	}
	return sums
}

// Where bill-union does not answer, the file stays as it was, and the error says what can be exported without it.
func TestUnionFails(t *testing.T) {
	const advice = "; --pay-modes=postpaid does without bill-union\n"
	denied := billsim.Refuse(billsim.JSONError, 400, "Forbidden Request", "no")
	unknown := billsim.Refuse(billsim.JSONError, 404, "INVALID_ACTION", "no")
	running := Options{Month: month(t, "2026-11")}
	for _, c := range []struct {
		action  string
		fault   billsim.Fault
		options Options
		says    string
	}{
		{
			"DescribeBillSummaryByPayMode", denied, Options{},
			"DescribeBillSummaryByPayMode: Forbidden Request (HTTP 400, request id REQUEST): no; grant" +
				" bill-union:DescribeBillSummaryByPayMode to this key" + advice,
		},
		{
			"DescribeInstanceSummaryBills", denied, Options{PayModes: "prepaid"},
			"DescribeInstanceSummaryBills: Forbidden Request (HTTP 400, request id REQUEST): no; grant" +
				" bill-union:DescribeInstanceSummaryBills to this key\n",
		},
		{"DescribeInstanceSummaryBills", denied, Options{}, "Bills to this key" + advice},
		{
			"ListProductGroups", unknown, Options{},
			"ListProductGroups: INVALID_ACTION (HTTP 404, request id REQUEST): no; check that api.union_endpoint is" +
				" the billing API's" + advice,
		},
		{"DescribeBillSummaryByProject", billsim.Page(502), Options{}, "DescribeBillSummaryByProject (HTTP 502): " +
			"<html> <head><title>502 Bad Gateway</title></head> <body> <center><h1>502 Bad Gateway</h1></center>" +
			" </body> </html>" + advice},
		{"QueryInstanceConsume", denied, running, "bill-union:QueryInstanceConsume to this key" + advice},
		{
			"QueryInstanceConsume", billsim.BadAmount(3, "viel"), running,
			`: amount "viel": not a decimal number` + advice,
		},
		{"DescribeInstanceSummaryBills", billsim.Break(billsim.Drop, 2), Options{}, "unexpected EOF" + advice},
	} {
		t.Run(c.action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bills := billOf(october()...)
				bills["2026-11"] = bills["2026-10"]
				api := newModesAPI(bills)
				c.fault.Action, c.options.Output = c.action, "DIR/bill"
				api.Fault(c.fault)
				got := runModes(t, noon, api, c.options)
				if !strings.HasSuffix(got.failure(), c.says) {
					t.Errorf("want %s in\n%s", c.says, got)
				}
				if diff := cmp.Diff(map[string]string{"bill": "that of September"}, got.files); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Lines of bill-union that break off are read again with those before them, and nothing stands twice in the file.
func TestUnionBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newModesAPI(billOf(october()...))
		broken := billsim.Break(billsim.Drop, 2)
		broken.Action, broken.Times = "DescribeInstanceSummaryBills", 1
		api.Fault(broken)
		got := runModes(t, noon, api, Options{Output: "DIR/bill"})
		compareFile(t, "modes.csv", got.files["bill"])
		const warning = `level=warn msg="trying again" account=main action=DescribeInstanceSummaryBills err="Desc`
		if got.err != nil || !strings.HasPrefix(got.log, warning) || strings.Count(got.log, "\n") != 1 {
			t.Error(got)
		}
	})
}

// A month is exported only if all that is asked for is there. What is not there yet does not look like a cheap month.
func TestNotThereYet(t *testing.T) {
	second, fourth := time.Date(2026, 11, 2, 4, 0, 0, 0, time.UTC), time.Date(2026, 11, 3, 16, 0, 0, 0, time.UTC)
	noLines := billsim.Raw(200, "application/json", `{"SummaryOverview":[],"TotalCount":0}`)
	noLines.Action = "DescribeInstanceSummaryBills"
	noSummary := billsim.Raw(200, "application/json", `{"Currency":"CNY","SummaryOverview":[]}`)
	noSummary.Action = "DescribeBillSummaryByPayMode"
	noDays := billsim.Raw(200, "application/json", `{"Success":true,"Data":{"total":0,"bills":[]}}`)
	noDays.Action = "QueryInstanceConsume"
	noBill := billsim.Raw(200, "application/json", `{"MonthBillSet":[]}`)
	noBill.Action = "GetMonthBill"
	const failed = "error: export: main, 2026-10: "
	for name, tt := range map[string]struct {
		now     time.Time
		bills   map[string]billsim.Bill
		faults  []billsim.Fault
		options Options
		want    string
	}{
		"nothing": {
			noon, nil, []billsim.Fault{noSummary}, Options{}, failed + "there is no bill, or none yet\n",
		},
		"no month yet": {
			noon, nil, nil, Options{Month: month(t, "2026-12"), PayModes: "prepaid"},
			"error: export: main, 2026-12: there is no bill, or none yet\n",
		},
		"no postpaid bill yet": {
			second, nil, nil, Options{},
			failed + "there is no postpaid bill, or none yet; --pay-modes=prepaid,realtime does without it\n",
		},
		"never a postpaid bill": {fourth, nil, nil, Options{}, ""},
		"bill is not shown": {
			fourth, billOf(october()...), []billsim.Fault{noBill}, Options{},
			failed + "there is no postpaid bill, or none yet; --pay-modes=prepaid,realtime does without it\n",
		},
		"running, no postpaid bill": {
			noon, nil, nil, Options{Month: month(t, "2026-11")},
			"error: export: main, 2026-11: there is no postpaid bill, or none yet; --pay-modes=prepaid,realtime does" +
				" without it\n",
		},
		"nothing of bill-union": {
			second, billOf(october()...), []billsim.Fault{noSummary}, Options{},
			failed + "DescribeBillSummaryByPayMode has nothing, or nothing yet: the bill of a month is made on the" +
				" 3rd of the next one; --pay-modes=postpaid does without bill-union\n",
		},
		"nothing of bill-union, which is all": {
			second, nil, []billsim.Fault{noSummary}, Options{PayModes: "prepaid"},
			failed + "DescribeBillSummaryByPayMode has nothing, or nothing yet: the bill of a month is made on the" +
				" 3rd of the next one\n",
		},
		"nobody's lines": {
			noon, nil, []billsim.Fault{noBill}, Options{PayModes: "prepaid", Format: FormatFocusCSV},
			failed + "neither a line nor the bill says whose it is, as FOCUS requires: set customer_id\n",
		},
		"no lines of bill-union": {
			noon, billOf(october()...), []billsim.Fault{noLines}, Options{},
			failed + "DescribeInstanceSummaryBills has no lines, or none yet, but DescribeBillSummaryByPayMode has" +
				" costs; --pay-modes=postpaid does without bill-union\n",
		},
		"no days of bill-union": {
			noon, map[string]billsim.Bill{"2026-11": {}}, []billsim.Fault{noDays}, Options{Month: month(t, "2026-11")},
			`level=warn msg="bill-union has no lines of this month, or none yet" account=main month=2026-11` + "\n" +
				`level=warn msg="the month is not over, its bill grows" account=main month=2026-11 newest_line=-
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newModesAPI(tt.bills)
				for _, f := range tt.faults {
					api.Fault(f)
				}
				tt.options.Output = "DIR/bill"
				got := runModes(t, tt.now, api, tt.options)
				isWritten := got.files["bill"] != "that of September"
				if diff := cmp.Diff(tt.want, got.String()); diff != "" || isWritten != (got.err == nil) {
					t.Errorf("written: %v (-want +got):\n%s", isWritten, diff)
				}
			})
		})
	}
}

// Lines of bill-union that come to something else than its summary do not pass for the bill.
func TestPayModesDisagree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newModesAPI(billOf(october()...))
		summary := billsim.Raw(200, "application/json", `{"Currency":"CNY","RealTotalCost":"1","SummaryOverview":[`+
			`{"BillMonth":"2026-10","PayMode":"预付费","RealTotalCost":"870.2"},`+
			`{"BillMonth":"2026-10","PayMode":"按量付费","RealTotalCost":"2.515"}]}`)
		summary.Action = "DescribeBillSummaryByPayMode"
		api.Fault(summary)
		got := runModes(t, noon, api, Options{Output: "DIR/bill"})
		const want = "disagreement: export: main, 2026-10: all is written, but to DIR/bill.unreconciled, and DIR/bill" +
			" is as it was: the prepaid lines come to 870.169999 CNY, the summary says 870.2\n"
		compareFile(t, "modes.csv", got.files["bill.unreconciled"])
		if diff := cmp.Diff(want, got.String()); diff != "" || got.files["bill"] != "that of September" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Projects that bill-union does not sum up have the ids of postpaid lines.
func TestProjectsOfPostpaidLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newModesAPI(billOf(october()...))
		projects := billsim.Raw(200, "application/json", `{"Currency":"CNY","SummaryOverview":[]}`)
		projects.Action = "DescribeBillSummaryByProject"
		api.Fault(projects)
		got := runModes(t, noon, api, Options{})
		compareFile(t, "modes.csv", strings.Replace(got.String(), ",,搜索推荐,", ",103900,搜索推荐,", 1))
	})
}

// A line of no known pay mode costs nothing, and is none of the file.
func TestNoPayMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newModesAPI(nil)
		const row = `{"BillMonth":"2026-10","InstanceId":"%s","PayMode":"%s","RealCost":"%s"}`
		lines := billsim.Raw(200, "application/json", `{"TotalCount":4,"SummaryOverview":[`+strings.Join([]string{
			fmt.Sprintf(row, "i-1", "预付费", "870.169999"), fmt.Sprintf(row, "i-2", "Gift", "0.00"),
			fmt.Sprintf(row, "i-3", "", "0"), fmt.Sprintf(row, "i-4", "Postpaid", "5"),
		}, ",")+"]}")
		lines.Action = "DescribeInstanceSummaryBills"
		api.Fault(lines)
		got := runModes(t, noon, api, Options{PayModes: "prepaid"})
		_, rows, _ := strings.Cut(got.out, "cost_center\n")
		const want = "2026-10,,,,,,,i-1,,870.169999,870.169999,,,,,,,,,,,,,,,,prepaid,main,,\n"
		if diff := cmp.Diff(want, rows+got.log+got.failure()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Whose lines those of a closed month are, its bill tells: they do not say it themselves.
func TestPayModesOfAnotherCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		config := strings.Replace(oneAccount, "name: main", "name: main, customer_id: 4711", 1)
		got := runExport(t.Context(), t, newModesAPI(billOf(october()...)), t.TempDir(), config,
			Options{PayModes: "prepaid"})
		const want = "error: export: main, 2026-10: the bill is of customer 73400575, customer_id expects 4711\n"
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
