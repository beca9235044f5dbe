package export

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

// itemColumns are the columns that depend on billing items.
var itemColumns = []string{
	"ResourceId", "PricingQuantity", "PricingUnit", "ConsumedQuantity", "ConsumedUnit", "x_ItemName", "x_ItemPrice",
	"x_ItemPriceUnit", "x_Items",
}

// selectColumns returns some columns of a CSV file, with a bar between two cells.
func selectColumns(t *testing.T, text string, names []string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, row := range rows[1:] {
		for i, name := range names {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(row[slices.Index(rows[0], name)])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// answerItems returns a fault that answers with items: the values of fields between bars.
func answerItems(t *testing.T, items ...string) billsim.Fault {
	t.Helper()
	names := []string{
		"instanceId", "productTypeName", "payTypeName", "billStartTime", "billEndTime", "itemName", "itemPrice",
		"itemPriceUnit", "itemPriceDesc", "billItemValue", "billItemUnit",
	}
	var rows []map[string]string
	for _, item := range items {
		row := map[string]string{}
		for i, value := range strings.Split(item, "|") {
			row[names[i]] = value
		}
		rows = append(rows, row)
	}
	list, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	answer := billsim.Raw(200, "application/json", `{"Success":true,"Data":{"bills":`+string(list)+`}}`)
	answer.Action = billclient.QueryItemBills
	return answer
}

// linesOfItems returns lines of which each meets other items.
func linesOfItems() []billsim.Line {
	line := func(id string, list, cost billsim.Amount) billsim.Line { // in fens
		return billsim.Line{
			ProductCode: "KEC", ProductName: "云服务器", ProductSubTypeName: "S6", InstanceID: id, ProjectID: "0",
			Cost: cost * billsim.Fen, MeasureAmount: list * billsim.Fen, BillDays: 31,
			StartTime: "2026-10-01 00:00:00", EndTime: "2026-10-31 23:59:59",
		}
	}
	part := line("parts", 100, 100)
	part.EndTime = "2026-10-05 23:59:59"
	untyped := line("untyped", 200, 200)
	untyped.ProductSubTypeName = ""
	return []billsim.Line{
		line("list", 7333, 5500), line("paid", 7333, 5500), line("monthly", 120000, 90000),
		line("two", 300, 300), line("refund", -300, -300), line("used", -300, -300), line("steps", 500, 500),
		line("exact", 600, 600), line("bare", 700, 700), line("noted", 800, 800), part, line("parts", 600, 600),
		line("again", 400, 400), line("again", 400, 400), line("other", 900, 900), untyped, line("none", 100, 100),
		line("", 100, 100),
	}
}

// TestItems tests which items belong to a line, and what of them stands in which column.
func TestItems(t *testing.T) {
	const october = "后付费|2026-10-01 00:00:00|2026-10-31 23:59:59"
	api := newAPI(billOf(linesOfItems()...))
	api.Fault(answerItems(t,
		"list|S6|"+october+"|vCPU|0.0328539|元/核/时||2232.00|核时", // 73.3299048
		"paid|S6|后付费|20261001|20261031|vCPU|0.0246416|元/核/时||2232|核时",
		"monthly|S6|2|2026-10-01|2026-10-31|vCPU|100|元/核/月||4|核",
		"two|S6|"+october+"|vCPU|1|元||1|核", "two|S6|"+october+"|内存 <GB>|0.5|元||4|GB",
		"refund|S6|"+october+"|vCPU|3|元||-1|核",
		"used|S6|"+october+"|vCPU|3|元||1|核",
		"steps|S6|"+october+"|流量|阶梯|元/GB|前10GB免费|50|GB",
		"exact|S6|"+october+"|流量|0.00000000001|元/GB||0.123456789012|GB",
		"bare|S6|"+october+"|流量|7|元||1|",
		"noted|S6|"+october+"|流量|8e0|元|八折|1E0|GB",
		"parts|S6|后付费|2026-10-01 00:00:00|2026-10-05 23:59:59|vCPU|1|元||1|核", "parts|S6|后付费|||vCPU|1|元||6|核",
		"again|S6|"+october+"|vCPU|4|元||1|核",
		"other|S7|"+october+"|vCPU|9|元||1|核", "other|S6|预付费|2026-10-01|2026-10-31|vCPU|9|元||1|核",
		"untyped|云服务器|"+october+"|vCPU|1|元||2|核",
		"none|S6|后付费|2026-10-01|2026-10-30|vCPU|1|元||1|核", "|S6|"+october+"|vCPU|1|元||1|核",
	))
	const want = `list|2232.00|核时|2232.00|核时|vCPU|0.0328539|元/核/时|
paid|2232|核时|2232|核时|vCPU|0.0246416|元/核/时|
monthly|31|Days|4|核|vCPU|100|元/核/月|
two|31|Days|31|Days||||[{"ItemName":"vCPU","ItemPrice":"1","ItemPriceUnit":"元","BillItemValue":"1",` +
		`"BillItemUnit":"核"},{"ItemName":"内存 <GB>","ItemPrice":"0.5","ItemPriceUnit":"元","BillItemValue":"4","BillItemUnit":"GB"}]
refund|-1|核|-1|核|vCPU|3|元|
used|31|Days|31|Days||||[{"ItemName":"vCPU","ItemPrice":"3","ItemPriceUnit":"元","BillItemValue":"1","BillItemUnit":"核"}]
steps|31|Days|50|GB|流量|||[{"ItemName":"流量","ItemPrice":"阶梯","ItemPriceUnit":"元/GB","ItemPriceDesc":"前10GB免费",` +
		`"BillItemValue":"50","BillItemUnit":"GB"}]
exact|31|Days|31|Days|流量|||[{"ItemName":"流量","ItemPrice":"0.00000000001","ItemPriceUnit":"元/GB",` +
		`"BillItemValue":"0.123456789012","BillItemUnit":"GB"}]
bare|31|Days|31|Days|流量|7|元|[{"ItemName":"流量","ItemPrice":"7","ItemPriceUnit":"元","BillItemValue":"1"}]
noted|1|GB|1|GB|流量|8|元|[{"ItemName":"流量","ItemPrice":"8e0","ItemPriceUnit":"元","ItemPriceDesc":"八折",` +
		`"BillItemValue":"1E0","BillItemUnit":"GB"}]
parts|1|核|1|核|vCPU|1|元|
parts|6|核|6|核|vCPU|1|元|
again|1|核|1|核|vCPU|4|元|
again|31|Days|31|Days||||
other|31|Days|31|Days||||
untyped|2|核|2|核|vCPU|1|元|
none|31|Days|31|Days||||
|31|Days|31|Days||||
`
	synctest.Test(t, func(t *testing.T) {
		for _, format := range []string{FormatFocusCSV, FormatFocusParquet} {
			got := runModes(t, noon, api, Options{Format: format, PayModes: "postpaid", Output: "DIR/bill"})
			text := got.files["bill"]
			if got.err != nil {
				t.Fatal(got)
			}
			if format == FormatFocusCSV {
				if diff := cmp.Diff(want, selectColumns(t, text, itemColumns)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			} else if cells, _ := readParquet(t, text); len(cells) != 1+strings.Count(want, "\n") {
				t.Errorf("%d rows in Parquet", len(cells)-1)
			}
		}
	})
}

// Where there are no items, the file is without them: that is said once for an account, which is not asked for them
// again, and nothing else fails.
func TestWithoutItems(t *testing.T) {
	bills := billOf(october()...)
	bills["2026-09"] = bills["2026-10"]
	const head = `level=warn msg="the file goes without unit prices and usage" account=main from_month=2026-09 err="`
	for name, tt := range map[string]struct {
		fault billsim.Fault
		says  string
	}{
		"denied": {
			billsim.Refuse(billsim.JSONError, 400, "Forbidden Request", "no"),
			"QueryItemBills: Forbidden Request (HTTP 400, request id REQUEST): no; grant bill-union:QueryItemBills to" +
				" this key",
		},
		"unknown": {
			billsim.Refuse(billsim.JSONError, 404, "INVALID_ACTION", "no"),
			"QueryItemBills: INVALID_ACTION (HTTP 404, request id REQUEST): no",
		},
		"no list": {
			billsim.Raw(200, "application/json", `{"Data":{"x":1}}`),
			"QueryItemBills (HTTP 200): page 1: answer has no bills",
		},
		"dollars": {
			billsim.Raw(200, "application/json", `{"Data":[{"Currency":"USD"}]}`),
			`QueryItemBills (HTTP 200): page 1: item 1: Currency \"USD\": only amounts in CNY are taken`,
		},
		"silent": {billsim.Never(), "QueryItemBills: no byte for 1m0s (api.timeout)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				export := func(api *billsim.Server) outcome {
					return runExport(t.Context(), t, api, t.TempDir(), withProducts+"api: {max_retries: 0}\n", Options{
						Format: FormatFocusCSV, From: month(t, "2026-09"), Output: "DIR/bill",
					})
				}
				empty := newModesAPI(bills)
				empty.Fault(answerItems(t))
				want := export(empty)
				api := newModesAPI(bills)
				tt.fault.Action = billclient.QueryItemBills
				api.Fault(tt.fault)
				got := export(api)
				asked := 0
				for _, call := range api.Calls() {
					if call.Action == billclient.QueryItemBills {
						asked++
					}
				}
				warnings, _, _ := strings.Cut(got.log, "level=info")
				if diff := cmp.Diff(head+tt.says+"\"\n", warnings); diff != "" || asked != 1 || got.err != nil {
					t.Errorf("asked %d times: %v (-want +got):\n%s", asked, got.err, diff)
				}
				diff := cmp.Diff(want.files, got.files)
				if diff != "" || want.err != nil || len(got.files["bill"]) < 5000 {
					t.Errorf("%v (-empty +failed):\n%s", want.err, diff)
				}
			})
		})
	}
}

// Items are not asked for where they cannot be had, and where the file has no place for them.
func TestItemsAreNotAsked(t *testing.T) {
	early := billOf(october()...)
	early["2021-10"] = early["2026-10"]
	for name, tt := range map[string]struct {
		config  string
		options Options
	}{
		"no endpoint":    {withProducts + "api: {union_endpoint: ''}\n", Options{Format: FormatFocusCSV}},
		"before 2021-11": {withProducts, Options{Format: FormatFocusCSV, Month: month(t, "2021-10")}},
		"CSV":            {withProducts, Options{Format: FormatCSV}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := newModesAPI(early)
				got := runExport(t.Context(), t, api, t.TempDir(), tt.config, tt.options)
				for _, call := range api.Calls() {
					if call.Action == billclient.QueryItemBills {
						t.Error("asked")
					}
				}
				if got.err != nil || got.log != "" {
					t.Error(got)
				}
			})
		})
	}
}

// Items take at most half of the calls that are left of the day, so that lines can be read.
func TestItemsLeaveCalls(t *testing.T) {
	full := `[` + strings.Repeat(`{},`, billclient.ItemPageSize-1) + `{}]`
	const want = `level=warn msg="the file goes without unit prices and usage" account=main from_month=2026-10` +
		` err="there are more items than half of the calls bring that are left of api.daily_calls"` + "\n"
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api, cursor := newModesAPI(billOf(october()...)), 0
		endless := billsim.Fault{Action: billclient.QueryItemBills, Answer: &billsim.Answer{
			ContentType: "application/json", Body: func(string) string {
				cursor++
				return fmt.Sprintf(`{"data":{"lastSortValue":%d,"bills":%s}}`, cursor, full)
			},
		}}
		api.Fault(endless)
		config := withProducts + "api: {daily_calls: 20}\n"
		got := runExport(t.Context(), t, api, t.TempDir(), config, Options{Format: FormatFocusCSV})
		diff := cmp.Diff(want, got.log+got.failure())
		if diff != "" || cursor != 9 || !strings.Contains(got.out, "i-4711") {
			t.Errorf("%d pages (-want +got):\n%s", cursor, diff)
		}
	})
}

// Lines that are read again have their items again, and items that break off are read again.
func TestItemsOfASecondTry(t *testing.T) {
	for _, action := range []string{billclient.DescribeInstanceSummaryBills, billclient.QueryItemBills} {
		t.Run(action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newModesAPI(billOf(october()...))
				broken := billsim.Break(billsim.Drop, 2)
				broken.Action, broken.Times = action, 1
				api.Fault(broken)
				got := runModes(t, noon, api, Options{Format: FormatFocusCSV, Output: "DIR/bill"})
				compareFile(t, "focus.csv", got.files["bill"])
				if got.err != nil || strings.Count(got.log, "trying again") != 1 || strings.Count(got.log, "\n") != 1 {
					t.Error(got)
				}
			})
		})
	}
}

// The items of 50,000 instances, three of each, need less than 10 MB.
func TestItemsAreSmall(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := newItemTable(billclient.MonthOf(noon))
	const instances = 50_000
	for n := range 3 * instances {
		table.add(&billclient.ItemBill{
			InstanceID: fmt.Sprintf("c35d5c4a-06e6-446c-811f-%012d", n/3), ProductTypeName: "标准型S6",
			PayMode: "postpaid", Name: "内存", Price: fmt.Sprintf("0.%08d", n), PriceUnit: "元/GB/小时",
			Quantity: fmt.Sprint(n), Unit: "GB小时",
		})
	}
	table.complete()
	table.begin()
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / (1 << 20)
	r := row{payMode: "postpaid", Line: billclient.Line{
		Month: table.month, InstanceID: "c35d5c4a-06e6-446c-811f-000000024999", ProductSubTypeName: "标准型S6",
	}}
	table.describe(&r)
	if !strings.Contains(r.charge.items, `"ItemPrice":"0.00074999"`) || kept > 10 {
		t.Errorf("%.0f MB; %s", kept, r.charge.items)
	}
}
