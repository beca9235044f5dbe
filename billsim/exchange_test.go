package billsim

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSamples compares the answers with the vendor's own samples, from which the API is known.
func TestSamples(t *testing.T) {
	xmlLine := sampleLine()
	xmlLine.Configs = append([]KeyValue(nil), xmlLine.Configs...)
	xmlLine.Configs[0].Key = "SSD size, in GB"
	xmlLine.Configs[2].Key = "Size of the Serial Advanced Technology Attachment (SATA) disk, in GB"
	tests := []struct {
		file, query string
		line        Line
	}{
		{"GetMonthBill.json", "Action=GetMonthBill&" + monthQuery, sampleLine()},
		{"GetMonthBill.xml", "Action=GetMonthBill&" + monthQuery, sampleLine()},
		{"GetPostpayDetailBill.json", detailQuery, sampleLine()},
		{"GetPostpayDetailBill.xml", detailQuery, xmlLine},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			account := sampleAccount(tt.line)
			if strings.Contains(tt.query, "Detail") { // the sample has one of the two lines
				account = accountOf(map[string]Bill{"2018-06": billOf(tt.line)})
			}
			_, c := serve(t, account)
			decode := decodeJSON
			if strings.HasSuffix(tt.file, ".xml") {
				decode, c.accept = decodeXML, "*/*"
			}
			want, err := os.ReadFile("testdata/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			status, got := c.get(tt.query)
			if status != 200 {
				t.Fatalf("status %d: %s", status, got)
			}
			if diff := cmp.Diff(decode(t, want), decode(t, []byte(got))); diff != "" {
				t.Errorf("answer (-sample +got):\n%s", diff)
			}
		})
	}
}

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
		if status, got := c.getRefusal(r); status != 403 || got != want {
			t.Errorf("got %d %s", status, got)
		}
	})
	t.Run("POST", func(t *testing.T) {
		r := c.request("Action=GetMonthBill&" + monthQuery)
		r.Method = http.MethodPost
		signHeader(r, "AKSAMPLE", "secret", noon)
		if status, got := c.getRefusal(r); status != 405 || got != "MethodNotAllowed: Method POST is not allowed." {
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

// TestMonths checks that a range includes both ends, leaves out months without a bill and can be filtered.
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

// TestNoBill checks that the set is empty and not absent.
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
