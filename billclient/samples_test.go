package billclient

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// The files of testdata are the samples of the API's own pages, byte for byte; only those of GetProductCode had to be
// mended.

func TestMonthBillSamples(t *testing.T) {
	products := []ProductCost{
		{"KEC", "KEC", mustAmount("66")},
		{"KRDS", "KRDS", mustAmount("174")},
		{"Redis", "Kingsoft Cloud Redis", mustAmount("101.25")},
		{"KS3", "KS3", mustAmount("0")},
	}
	want := []MonthBill{{
		Month:    june2018,
		BillType: "postpay",
		BillID:   "KSYZD0073400575201806",
		Sum:      mustAmount("341.25"),
		Products: products,
		Projects: []ProjectCost{{"0", "Default project", mustAmount("341.25"), products}},
	}}
	for file, contentType := range sampleTypes("month_bill") {
		t.Run(file, func(t *testing.T) {
			var query url.Values
			c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
				query = r.URL.Query()
				respondWith(200, contentType, readTestdata(t, file))(w, r)
			})
			got, err := c.GetMonthBill(t.Context(), june2018, june2018.Add(1))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, equalAmounts); diff != "" {
				t.Errorf("bills (-want +got):\n%s", diff)
			}
			wantQuery := url.Values{
				"Action": {"GetMonthBill"}, "Version": {"2018-06-01"},
				"BillStartMonth": {"2018-06"}, "BillEndMonth": {"2018-07"},
			}
			if diff := cmp.Diff(wantQuery, query); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func sampleTypes(name string) map[string]string {
	return map[string]string{name + ".json": "application/json;charset=UTF-8", name + ".xml": "text/xml"}
}

func TestProductCodeSamples(t *testing.T) {
	want := []ProductCode{{"EBS", "云硬盘(EBS)"}, {"EIP", "弹性IP(EIP)"}}
	for file, contentType := range sampleTypes("product_code") {
		got, err := newTestClient(t, respondWith(200, contentType, readTestdata(t, file))).GetProductCode(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
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
