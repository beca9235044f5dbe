package billclient

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMonthBills tests bills that are unusual and valid.
func TestMonthBills(t *testing.T) {
	bill := func(more string) string { return `{"BillMonth":"2026-10","Sum":"1.50","BillId":"a"` + more + `}` }
	want := MonthBill{Month: october, BillID: "a", Sum: mustAmount("1.5")}
	with := func(change func(*MonthBill)) []MonthBill {
		b := want
		change(&b)
		return []MonthBill{b}
	}
	for name, tt := range map[string]struct {
		body string
		want []MonthBill
	}{
		"none":          {`{"MonthBillSet":[]}`, nil},
		"a code beside": {`{"MonthBillSet":[],"code":"500","message":"odd"}`, nil},
		"null":          {`{"MonthBillSet":null}`, nil},
		"none in XML":   {`<R><MonthBillSet/></R>`, nil},
		"no sets":       {`{"MonthBillSet":[` + bill("") + `]}`, []MonthBill{want}},
		"null for the set": {
			`{"MonthBillSet":[` + bill(`,"BillProductSet":null,"BillProjectSet":null,"BillType":null`) + `]}`,
			[]MonthBill{want},
		},
		"numbers and texts": {
			`{"MonthBillSet":[` + bill(`,"BillProjectSet":[{"Id":103800,"Cost":"-1e2","Name":7,"Details":[]},`+
				`{"Id":"0","Cost":0.1}]`) + `]}`,
			with(func(b *MonthBill) {
				b.Projects = []ProjectCost{
					{ID: "103800", Name: "7", Cost: mustAmount("-100")},
					{ID: "0", Cost: mustAmount("0.1")},
				}
			}),
		},
		"more than 19 digits": {
			`{"MonthBillSet":[` + strings.Replace(bill(""), `"1.50"`, `12345678901234567890.123456789`, 1) + `]}`,
			with(func(b *MonthBill) { b.Sum = mustAmount("12345678901234567890.123456789") }),
		},
		"XML": {
			`<r><monthbillset><a><BILLMONTH>2026-10</BILLMONTH><Sum> 1.5 </Sum><BillId>a</BillId>
			<BillProductSet><b><Code>KEC</Code><Cost>1.5</Cost><New><Code>x</Code></New></b></BillProductSet>
			</a></monthbillset></r>`,
			with(func(b *MonthBill) { b.Products = []ProductCost{{Code: "KEC", Cost: mustAmount("1.5")}} }),
		},
		"two bills of a month": {
			`{"MonthBillSet":[` + bill("") + "," + strings.Replace(bill(""), `"a"`, `"b"`, 1) + `]}`,
			[]MonthBill{want, with(func(b *MonthBill) { b.BillID = "b" })[0]},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newTestClient(t, respondWith(200, "", tt.body)).GetMonthBill(t.Context(), october, october)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, equalAmounts); diff != "" {
				t.Errorf("bills (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadMonthBills(t *testing.T) {
	tests := []struct{ name, bill, text string }{
		{"no sum", `{"BillMonth":"2026-10"}`, `MonthBillSet 1: Sum: missing`},
		{"null sum", `{"BillMonth":"2026-10","Sum":null}`, `MonthBillSet 1: Sum: amount "": not a decimal number`},
		{
			"list for a sum", `{"BillMonth":"2026-10","Sum":[1]}`,
			`MonthBillSet 1: Sum: an object or a list in place of a text`,
		},
		{"two sums", `{"BillMonth":"2026-10","Sum":1,"sum":2}`, `MonthBillSet 1: Sum: twice in one object`},
		{
			"month before", `{"BillMonth":"2026-09","Sum":1}`,
			`MonthBillSet 1: BillMonth "2026-09": asked for 2026-10 to 2026-11`,
		},
		{
			"month after", `{"BillMonth":"2026-12","Sum":1}`,
			`MonthBillSet 1: BillMonth "2026-12": asked for 2026-10 to 2026-11`,
		},
		{"no month", `{"Sum":1}`, `MonthBillSet 1: BillMonth "": asked for 2026-10 to 2026-11`},
		{
			"product without cost", `{"BillMonth":"2026-10","Sum":1,"BillProductSet":[{"Cost":1},{"Code":"KEC"}]}`,
			`MonthBillSet 1: BillProductSet 2: Cost: missing`,
		},
		{
			"project without cost", `{"BillMonth":"2026-10","Sum":1,"BillProjectSet":[{"Id":"7"}]}`,
			`MonthBillSet 1: BillProjectSet 1: Cost: missing`,
		},
		{
			"product in a project",
			`{"BillMonth":"2026-10","Sum":1,"BillProjectSet":[{"Cost":1,"Details":[{"Cost":"?"}]}]}`,
			`MonthBillSet 1: BillProjectSet 1: Details 1: Cost: amount "?": not a decimal number`,
		},
		{
			"text for a set", `{"BillMonth":"2026-10","Sum":1,"BillProductSet":"x"}`,
			`MonthBillSet 1: BillProductSet: a text in place of a list`,
		},
		{
			"another pay mode", `{"BillMonth":"2026-10","Sum":1,"BillType":"prepay"}`,
			`MonthBillSet 1: BillType "prepay": want postpay`,
		},
		{
			"a long pay mode, with a secret in it",
			`{"BillMonth":"2026-10","Sum":1,"BillType":"` + testSecret + strings.Repeat("x", 100_000) + `"}`,
			`MonthBillSet 1: BillType "***xxxxxxxxxxxx...": want postpay`,
		},
		{
			"twice", `{"BillMonth":"2026-10","Sum":1,"BillId":"a"},{"BillMonth":"2026-10","Sum":1,"BillId":"a"}`,
			`MonthBillSet 2: BillId "a": twice in one answer`,
		},
		{
			"other pay modes only", `{"BillMonth":"x","BillType":"prepay"},{"Sum":1,"BillType":"realtime"}`,
			`MonthBillSet 1: BillType "prepay": want postpay`,
		},
		{
			"two pay modes", `{"BillMonth":"2026-10","Sum":1,"BillType":"postpay","billtype":"prepay"}`,
			`MonthBillSet 1: BillType: twice in one object`,
		},
		{
			"deep", `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
			`MonthBillSet 1: nested more than 32 deep`,
		},
		{
			"large", `{"x":[` + strings.Repeat(`"`+strings.Repeat("x", 1<<19)+`",`, 33) + `0]}`,
			`MonthBillSet 1: larger than 16MiB`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, "", `{"MonthBillSet":[`+tt.bill+`]}`))
			bills, err := c.GetMonthBill(t.Context(), october, october.Add(1))
			checkError(t, err, Decode, tt.text)
			if bills != nil {
				t.Errorf("bills %v in spite of the error", bills)
			}
		})
	}
}

// TestMonthsOfNoBill tests that months without bills are an error without a call.
func TestMonthsOfNoBill(t *testing.T) {
	c := New(Options{Endpoint: "http://127.0.0.1:1", Credentials: testKeys})
	for _, tt := range []struct {
		from, to Month
		text     string
	}{
		{june2018.Add(-1), october, "no bills of 2018-05: the API has them from 2018-06 on"},
		{october, october.Add(-1), "2026-10 is after 2026-09"},
	} {
		_, bills := c.GetMonthBill(t.Context(), tt.from, tt.to)
		_, lines := collectLines(c.GetPostpayDetailBill(t.Context(), DetailQuery{From: tt.from, To: tt.to}))
		for action, err := range map[string]error{"GetMonthBill": bills, "GetPostpayDetailBill": lines} {
			if want := action + ": " + tt.text; ReasonOf(err) != Invalid || err.Error() != want {
				t.Errorf("%s: %v, want %s", ReasonOf(err), err, want)
			}
		}
	}
	if used, _ := c.Calls(); used != 0 {
		t.Errorf("%d calls", used)
	}
}

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
