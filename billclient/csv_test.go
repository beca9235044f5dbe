package billclient

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

func TestBadCSV(t *testing.T) {
	const header = "账单月,账单ID,成交价(元),原价(元),说明,标签信息,\n"
	tests := []struct {
		name, body string
		reason     Reason
		text       string
	}{
		{"empty", "", Incomplete, "answer is empty"},
		{"JSON error", `{"Error":{"Code":"Throttling","Message":"slow down"}}`, Throttled, "slow down"},
		{
			"XML error", `<R><Error><Code>Throttling</Code><Message>slow down</Message></Error></R>`, Throttled,
			"slow down",
		},
		{"HTML", "<html>log in</html>", Decode, "no CSV file: <html>log in</html>"},
		{"no error", `{"RequestId":"1"}`, Decode, `no CSV file: {"RequestId":"1"}`},
		{"no header", "2026-10,1,1.00,2.00,,,\n", Decode, `header: no column for BillMonth: "2026-10,1,1.00,2.00,,,"`},
		{"no cost", "账单月,原价(元)\n", Decode, `header: no column for Cost: "账单月,原价(元)"`},
		{"no list cost", "账单月,成交价(元)\n", Decode, `header: no column for MeasureAmount: "账单月,成交价(元)"`},
		{
			"bad amount", header + "2026-10,01,free,2.00,,\n", Decode,
			`line 2 (01): column 3 "成交价(元)": Cost: amount "free": not a decimal number`,
		},
		{
			"empty amount", header + "2026-10,01,1.00,2.00,,\n2026-10,02,1.00,,,\n", Decode,
			`line 3 (02): column 4 "原价(元)": MeasureAmount: amount "": not a decimal number`,
		},
		{
			"other month", header + "2026-09,01,1.00,2.00,,\n", Decode,
			`line 2 (01): column 1 "账单月": BillMonth "2026-09": asked for 2026-10`,
		},
		{"cut row", header + "2026-10,01,1.00,2.00\n", Decode, "line 2: 4 columns: the first line has 4, the header 6"},
		{
			"comma in a name", header + "2026-10,01,1.00,2.00,,\n2026-10,02,1.00,2.00,a,b,\n", Decode,
			"line 3: 7 columns: the first line has 6, the header 6",
		},
		{
			"long row", header + "2026-10,01,1.00,2.00,,,,\n", Decode,
			"line 2: 8 columns: the first line has 8, the header 6",
		},
		{
			"quote that swallows a line", header + "2026-10,01,1.00,2.00,\"a,\n2026-10,02,1.00,2.00,b\",\n", Decode,
			`line 2 (01): column 5 "说明": a text over several lines`,
		},
		{
			"column twice", "账单月,成交价(元),原价(元),Actual amount (CNY)\n2026-10,1,1,1\n", Decode,
			`line 2: column 4 "Actual amount (CNY)": twice in one object`,
		},
		{"endless row", header + strings.Repeat("x", 2<<20), Decode, "line 2: a value is longer than 1MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, "text/csv", tt.body))
			_, err := collectLines(c.GetPostpayDetailBillCSV(t.Context(), octoberLines))
			checkError(t, err, tt.reason, tt.text)
		})
	}
}

// TestCSVWithoutRows tests the file of a month in which nothing was billed.
func TestCSVWithoutRows(t *testing.T) {
	c := newTestClient(t, respondWith(200, "", "账单月,成交价(元),原价(元)\n"))
	lines, err := collectLines(c.GetPostpayDetailBillCSV(t.Context(), octoberLines))
	if lines != nil || err != nil {
		t.Errorf("lines %v, error %v", lines, err)
	}
}

// chineseCSV is the sample in the words of the Chinese page, with a tag, a negative line, and columns in another
// order.
const chineseCSV = "新列,账单月,客户ID,账单ID,产品线,产品类型,产品ID,产品名称,成交价（元）,原价 (元),折扣,标签信息,\n" +
	"x,2026-10,73400575,0001,云服务器(KEC),标准型,i-1,网站 \"一\",55.00,73.33,0.75,部门: 广告|IPv6：fe80::1|\n" +
	"x,2026-10,73400575,0002,云服务器(KEC),标准型,i-1,,-1e-2,0,1,\n"

func TestChineseCSV(t *testing.T) {
	want := []Line{
		{
			DetailBillNo: "0001", Month: october, CustomerID: "73400575", ProductName: "云服务器(KEC)",
			ProductSubTypeName: "标准型", InstanceID: "i-1", InstanceName: `网站 "一"`, Cost: mustAmount("55"),
			ListCost: mustAmount("73.33"), Discount: "0.75", Tags: []KeyValue{{"部门", "广告"}, {"IPv6", "fe80::1"}},
		},
		{
			DetailBillNo: "0002", Month: october, CustomerID: "73400575", ProductName: "云服务器(KEC)",
			ProductSubTypeName: "标准型", InstanceID: "i-1", Cost: mustAmount("-0.01"), ListCost: mustAmount("0"),
			Discount: "1",
		},
	}
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(chineseCSV)
	if err != nil {
		t.Fatal(err)
	}
	english := strings.NewReplacer("账单月", "Billing month", "成交价（元）", "Actual amount (CNY)", "原价 (元)",
		"Original amount(CNY)", "标签信息", "Tag", "客户ID", "customer id", "账单ID", "Bill ID", "产品线", "Product", "产品类型",
		"Product type", "产品ID", "Product ID", "产品名称", "Product name", "折扣", "discount", "新列", "New")
	header, rows, _ := strings.Cut(chineseCSV, "\n")
	for name, tt := range map[string]struct{ contentType, body string }{
		"GBK, declared as UTF-8":      {"text/csv; charset=utf-8", gbk},
		"UTF-8":                       {"application/octet-stream", chineseCSV},
		"UTF-8 with a mark":           {"text/csv", "\uFEFF" + chineseCSV},
		"UTF-8 with an ASCII header":  {"text/csv; charset=utf-8", english.Replace(header) + "\n" + rows},
		"CRLF":                        {"text/csv", strings.ReplaceAll(chineseCSV, "\n", "\r\n")},
		"no end of line":              {"text/csv", strings.TrimSuffix(chineseCSV, "\n")},
		"GBK with an English header":  {"text/csv", english.Replace(header) + gbk[strings.Index(gbk, "\n"):]},
		"GBK with leading empty line": {"text/csv", "\r\n" + gbk},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, tt.contentType, tt.body))
			q := DetailQuery{From: october, To: october, Tags: true}
			got, err := collectLines(c.GetPostpayDetailBillCSV(t.Context(), q))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, equalAmounts); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzCSV writes the lines that it reads as JSON, and reads those.
func FuzzCSV(f *testing.F) {
	f.Add(chineseCSV)
	f.Add(readTestdata(f, "detail_bill.csv"))
	f.Add("Billing month,Actual amount (CNY),Original amount (CNY),Tag,Product name,\n2026-10,1.00,2,k: v|l:|,\"a\"b\n")
	f.Fuzz(func(t *testing.T, body string) {
		got, err := readAny("text/csv", []byte(body))
		checkAsJSON(t, got, err)
	})
}
