package billsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRefusals(t *testing.T) {
	denied := sampleAccount(sampleLine())
	denied.Denied = []string{"GetPostpayDetailBill"}
	sub := denied
	sub.AccessKeyID, sub.DeniedByIAM = "AKSUB", true
	tests := []struct {
		name, query string
		status      int
		want        string
	}{
		{"no action", monthQuery, 400, "MissingParameter: The parameter Action is missing."},
		{"no version", "Action=GetMonthBill", 400, "MissingParameter: The parameter Version is missing."},
		{"unknown action", "Action=GetWeekBill&" + monthQuery, 404, "INVALID_ACTION: Not Found"},
		{"lower-case action", "Action=getMonthBill&" + monthQuery, 404, "INVALID_ACTION: Not Found"},
		{"other version", "Action=GetMonthBill&Version=2022-06-01", 404, "INVALID_ACTION: Not Found"},
		{
			"no start", "Action=GetMonthBill&Version=2018-06-01&BillEndMonth=2018-06", 400,
			"MissingParameter: The parameter BillStartMonth is missing.",
		},
		{
			"no end", "Action=GetMonthBill&Version=2018-06-01&BillStartMonth=2018-06", 400,
			"MissingParameter: The parameter BillEndMonth is missing.",
		},
		{
			"too old", "Action=GetMonthBill&Version=2018-06-01&BillStartMonth=2018-05&BillEndMonth=2018-06", 400,
			"InvalidParameter: There is one or more invalid parameter(BillStartMonth).",
		},
		{
			"no such month", "Action=GetMonthBill&Version=2018-06-01&BillStartMonth=2018-06&BillEndMonth=2018-13", 400,
			"InvalidParameter: There is one or more invalid parameter(BillEndMonth).",
		},
		{
			"a day", "Action=GetMonthBill&Version=2018-06-01&BillStartMonth=2018-06-01&BillEndMonth=2018-06", 400,
			"InvalidParameter: There is one or more invalid parameter(BillStartMonth).",
		},
		{
			"start after end",
			"Action=GetMonthBill&Version=2018-06-01&BillStartMonth=2018-07&BillEndMonth=2018-06", 400,
			"InvalidParameter: There is one or more invalid parameter(BillEndMonth).",
		},
		{"denied", detailQuery, 400, "Forbidden Request: user 73400575 forbidden request this api"},
	}
	_, c := serve(t, denied, sub)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := c.get(tt.query)
			if got := errorOf(t, body); got != tt.want || status != tt.status {
				t.Errorf("got %d %s\nwant %d %s", status, got, tt.status, tt.want)
			}
		})
	}
	t.Run("denied by IAM", func(t *testing.T) {
		r := c.request(detailQuery)
		signHeader(r, "AKSUB", "secret", noon)
		const want = "InvalidAuthenticationCode: lack of policy to [bill:getpostpaydetailbill] the resources[]"
		if status, got := c.refused(r); status != 403 || got != want {
			t.Errorf("got %d %s", status, got)
		}
	})
	t.Run("POST", func(t *testing.T) {
		r := c.request("Action=GetMonthBill&" + monthQuery)
		r.Method = http.MethodPost
		signHeader(r, "AKSAMPLE", "secret", noon)
		if status, got := c.refused(r); status != 405 || got != "MethodNotAllowed: Method POST is not allowed." {
			t.Errorf("got %d %s", status, got)
		}
	})
	t.Run("in XML", func(t *testing.T) {
		xml := *c
		xml.accept = "text/html,application/xml"
		status, body := xml.get(detailQuery)
		const want = "<ErrorResponse><RequestId>b1115100-0000-4000-8000-00000000000f</RequestId>" +
			"<Error><Type>Sender</Type><Code>Forbidden Request</Code>" +
			"<Message>user 73400575 forbidden request this api</Message></Error></ErrorResponse>"
		if status != 400 || body != want {
			t.Errorf("got %d %s", status, body)
		}
	})
}

// refused sends a signed request that has to be refused.
func (c *client) refused(r *http.Request) (status int, message string) {
	c.t.Helper()
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, errorOf(c.t, c.read(resp))
}

// TestMonths: a range in one call, months without a bill left out, filters, both ends included.
func TestMonths(t *testing.T) {
	line := func(no, product, project string) Line {
		return Line{DetailBillNo: no, ProductCode: product, ProjectID: project, Cost: 5 * Fen}
	}
	_, c := serve(t, accountOf(map[string]Bill{
		"2018-06": billOf(line("1", "KEC", "0"), line("2", "EIP", "0"), line("3", "KEC", "7")),
		"2018-08": billOf(line("4", "KEC", "7")),
		"2018-09": billOf(line("5", "KEC", "7")),
	}))
	const months = "&Version=2018-06-01&BillStartMonth=2018-06&BillEndMonth=2018-08"
	tests := []struct {
		query, list, field string
		want               []any
	}{
		{"Action=GetMonthBill" + months, "MonthBillSet", "BillMonth", []any{"2018-06", "2018-08"}},
		{
			"Action=GetMonthBill" + months, "MonthBillSet", "BillId",
			[]any{"KSYZD0073400575201806", "KSYZD0073400575201808"},
		},
		{"Action=GetPostpayDetailBill" + months, "PostpayDetailBillSet", "DetailBillNo", []any{"1", "2", "3", "4"}},
		{
			"Action=GetPostpayDetailBill" + months, "PostpayDetailBillSet", "BillMonth",
			[]any{"2018-06", "2018-06", "2018-06", "2018-08"},
		},
		{
			"Action=GetPostpayDetailBill" + months + "&ProductCode=KEC", "PostpayDetailBillSet", "DetailBillNo",
			[]any{"1", "3", "4"},
		},
		{
			"Action=GetPostpayDetailBill" + months + "&ProductCode=KEC&ProjectId=7", "PostpayDetailBillSet",
			"DetailBillNo",
			[]any{"3", "4"},
		},
		{"Action=GetPostpayDetailBill" + months + "&ProductCode=KS3", "PostpayDetailBillSet", "DetailBillNo", []any{}},
	}
	for _, tt := range tests {
		_, body := c.get(tt.query)
		got := []any{}
		for _, item := range decodeJSON(t, []byte(body)).(map[string]any)[tt.list].([]any) {
			got = append(got, item.(map[string]any)[tt.field])
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %s %v, want %v", tt.query, tt.field, got, tt.want)
		}
	}
}

// TestNoBill: an empty set, not an absent one.
func TestNoBill(t *testing.T) {
	_, c := serve(t, accountOf(nil))
	_, got := c.get("Action=GetMonthBill&" + monthQuery)
	if want := `{"RequestId":"b1115100-0000-4000-8000-000000000001","MonthBillSet":[]}`; got != want {
		t.Errorf("got %s", got)
	}
	c.accept = ""
	_, got = c.get(detailQuery)
	want := "<GetPostpayDetailBillResponse><RequestId>b1115100-0000-4000-8000-000000000002</RequestId>" +
		"<PostpayDetailBillSet/></GetPostpayDetailBillResponse>"
	if got != want {
		t.Errorf("got %s", got)
	}
}

// TestHostileNames: whatever stands in a name comes out of the JSON and XML as it went in, as far as XML can have it.
func TestHostileNames(t *testing.T) {
	const name = "quote \" back\\slash \x00\x1f\t\r\n 中文 12345678\"</Name>&amp;"
	_, c := serve(t, accountOf(map[string]Bill{"2018-06": billOf(Line{InstanceName: name, ProjectID: "0x7"})}))
	_, body := c.get(linesQuery)
	line := decodeJSON(t, []byte(body)).(map[string]any)["PostpayDetailBillSet"].([]any)[0].(map[string]any)
	if line["InstanceName"] != name {
		t.Errorf("JSON: %q", line["InstanceName"])
	}
	_, body = c.get("Action=GetMonthBill&" + monthQuery)
	month := decodeJSON(t, []byte(body)).(map[string]any)["MonthBillSet"].([]any)[0].(map[string]any)
	if got := month["BillProjectSet"].([]any)[0].(map[string]any)["Id"]; got != "0x7" {
		t.Errorf("project id %v", got)
	}
	c.accept = ""
	_, body = c.get(linesQuery)
	const want = "quote \" back\\slash \uFFFD\uFFFD\t\r\n 中文 12345678\"</Name>&amp;"
	if got := decodeXML(t, []byte(body)).(node).Nodes[0].Nodes[0].Nodes[9].Text; got != want {
		t.Errorf("XML: %q", got)
	}
}

// TestQuote has every character up to U+0100 at every place of a text.
func TestQuote(t *testing.T) {
	for c := rune(0); c <= 0x100; c++ {
		for n := range 10 {
			want := strings.Repeat("x", n) + string(c) + strings.Repeat("y", 10-n)
			var got string
			if err := json.Unmarshal([]byte(quote(want)), &got); err != nil || got != want {
				t.Errorf("%q is %s: %v", want, quote(want), err)
			}
		}
	}
}

func TestCalls(t *testing.T) {
	s, c := serve(t, sampleAccount(sampleLine()))
	c.get("Action=GetMonthBill&" + monthQuery)
	r := c.request("Action=GetProductCode")
	signHeader(r, "AKOTHER", "", noon)
	c.refused(r)
	type seen struct{ Action, Key, Region, Start string }
	var got []seen
	for _, call := range s.Calls() {
		got = append(got, seen{call.Action, call.AccessKeyID, call.Region, call.Query.Get("BillStartMonth")})
		if !call.Time.Equal(noon) || call.Method != http.MethodGet || call.Header.Get("Accept") != "application/json" {
			t.Errorf("call %+v", call)
		}
	}
	want := []seen{
		{"GetMonthBill", "AKSAMPLE", "cn-beijing-6", "2018-06"},
		{"GetProductCode", "AKOTHER", "cn-beijing-6", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if s.ResetCalls(); len(s.Calls()) != 0 {
		t.Error("calls are not forgotten")
	}
}

func TestAmount(t *testing.T) {
	tests := []struct {
		amount Amount
		want   string
	}{
		{0, "0.00"},
		{1, "0.00000001"},
		{-1, "-0.00000001"},
		{55 * Yuan, "55.00"},
		{7333 * Fen, "73.33"},
		{Fen / 10, "0.001"},
		{-10 * Fen, "-0.10"},
		{1<<63 - 1, "92233720368.54775807"},
		{-1 << 63, "-92233720368.54775808"},
	}
	for _, tt := range tests {
		if got := tt.amount.String(); got != tt.want {
			t.Errorf("%d: %s, want %s", int64(tt.amount), got, tt.want)
		}
	}
	for _, tt := range []struct {
		list    Amount
		percent int64
		want    string
	}{{7333 * Fen, 75, "55.00"}, {Fen, 50, "0.01"}, {-Fen, 50, "-0.01"}, {Fen, 49, "0.00"}, {-Fen, 49, "0.00"}} {
		if got := tt.list.discount(tt.percent).String(); got != tt.want {
			t.Errorf("%s at %d%%: %s, want %s", tt.list, tt.percent, got, tt.want)
		}
	}
}
