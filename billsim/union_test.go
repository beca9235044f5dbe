package billsim

import (
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const unionMonth = "&Version=2020-01-01&BillBeginMonth=2020-06&BillEndMonth=2020-06"

// unionSample returns the customer of bill-union's samples: 1111.20, of which 966 are postpaid.
func unionSample() Account {
	line := func(product, id, name string, cost Amount) Line {
		return Line{ProductCode: product, ProjectID: id, ProjectName: name, Cost: cost}
	}
	a := accountOf(map[string]Bill{"2020-06": billOf(
		line("EBS", "100686", "kvmProject", 360*Yuan),
		line("KEC", "100686", "kvmProject", 582*Yuan),
		line("KEC", "100681", "DailyProject", 0),
		line("KEC", "0", "Default project", 24*Yuan),
	)})
	a.Realtime = purchases(map[string][]Purchase{"2020-06": {
		{ProductCode: "NAT", ProjectID: "0", ProjectName: "Default project", Cost: 30 * Yuan},
		{ProductCode: "EBS", ProjectID: "0", ProjectName: "Default project", Cost: 36 * Yuan},
		{ProductCode: "KEC", ProjectID: "0", ProjectName: "Default project", Cost: 36 * Yuan},
		{ProductCode: "EIP", ProjectID: "0", ProjectName: "Default project", Cost: 4320 * Fen},
	}})
	a.Products = []KeyValue{
		{"PenetrationTest", "渗透测试"}, {"KEC", "云主机"}, {"EBS", "云硬盘(EBS)"}, {"EIP", "弹性IP(EIP)"},
	}
	return a
}

func purchases(months map[string][]Purchase) func(month string) []Purchase {
	return func(month string) []Purchase { return months[month] }
}

func signUnion(r *http.Request, key string) { signService(r, key, "bill-union") }

func signService(r *http.Request, key, service string) {
	g := newTestSignature(key, noon)
	g.scope[2] = service
	g.headers = []string{"host", "x-amz-date"}
	r.Header.Set("X-Amz-Date", g.stamp)
	r.Host = r.URL.Host
	authorize(r, &g, "secret")
}

// serveEnglish returns a client of a server with the pay modes of the English pages.
func serveEnglish(t *testing.T, a Account) *client { return serveVariant(t, a, WithEnglish()) }

// serveVariant returns a client of a server with options.
func serveVariant(t *testing.T, a Account, opts ...Option) *client {
	t.Helper()
	_, c := serve(t)
	h := httptest.NewServer(New([]Account{a}, append(opts, WithClock(noonClock))...))
	t.Cleanup(h.Close)
	c.url = h.URL
	return c
}

// TestUnionSamples compares the summaries with the vendor's own samples.
func TestUnionSamples(t *testing.T) {
	c := serveEnglish(t, unionSample())
	for _, file := range []string{
		"DescribeBillSummaryByPayMode.xml", "DescribeBillSummaryByProduct.xml", "DescribeBillSummaryByProduct.json",
		"DescribeBillSummaryByProject.xml",
	} {
		want, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		action, kind, _ := strings.Cut(file, ".")
		decode := decodeXML
		if c.accept = "*/*"; kind == "json" {
			decode, c.accept = decodeJSON, "application/json"
		}
		status, got := c.getUnion("Action=" + action + unionMonth)
		if status != 200 {
			t.Fatalf("%s: status %d: %s", file, status, got)
		}
		if diff := cmp.Diff(decode(t, want), decode(t, []byte(got))); diff != "" {
			t.Errorf("%s (-sample +got):\n%s", file, diff)
		}
	}
	_, got := c.getUnion("Action=DescribeProductCode&Version=2020-01-01")
	if !strings.HasPrefix(got, "<ProductGroupInfoResponse><RequestId>") {
		t.Errorf("DescribeProductCode: %s", got)
	}
}

// TestUnionAnswers checks what the samples do not show.
func TestUnionAnswers(t *testing.T) {
	usual := unionSample()
	usual.Prepaid = purchases(map[string][]Purchase{"2020-07": {
		{ProductCode: "KRDS", ProductName: "数据库", ProjectID: "x7", ProjectName: "七", Cost: -Fen / 10},
	}})
	outside := accountOf(map[string]Bill{"2020-06": {SummaryOnly: []Product{{"KSS", "KSS存储", 7 * Yuan}}}})
	dollars := accountOf(nil)
	dollars.Currency = "USD"
	paying := unionSample()
	paying.Payment = &Payment{Reward: 1, Voucher: 50, CloudTicket: 2}
	paying.Bills, paying.Realtime = nil, purchases(map[string][]Purchase{"2020-06": {
		{ProductCode: "EIP", ProjectID: "0", Cost: 4321 * Fen},
	}})

	const cny = `"Currency":"CNY","RealTotalCost":`
	const payments = `"Reward":"0.43","Voucher":"21.61","CloudTicketCost":"0.86","Cash":"20.31"`
	tests := []struct {
		name          string
		account       Account
		action, month string
		want          string
	}{
		{"no bill", usual, "DescribeBillSummaryByProduct", "2020-08", cny + `"0.0000","SummaryOverview":[]`},
		{
			"Chinese pay modes", usual, "DescribeBillSummaryByPayMode", "2020-06",
			cny + `"1111.2000","SummaryOverview":[` +
				`{"PayMode":"按量付费","RealTotalCost":"145.2000","BillMonth":"2020-06"},` +
				`{"PayMode":"后付费","RealTotalCost":"966.0000","BillMonth":"2020-06"}]`,
		},
		{
			"prepaid", usual, "DescribeBillSummaryByPayMode", "2020-07",
			cny + `"-0.0010","SummaryOverview":[{"PayMode":"预付费","RealTotalCost":"-0.0010","BillMonth":"2020-07"}]`,
		},
		{
			"other group", usual, "DescribeBillSummaryByProduct", "2020-07",
			cny + `"-0.0010","SummaryOverview":[{"ProductCode":"KRDS_GROUP","ProductName":"数据库",` +
				`"RealTotalCost":"-0.0010","BillMonth":"2020-07"}]`,
		},
		{
			"project ids", usual, "DescribeBillSummaryByProject", "2020-07",
			cny + `"-0.0010","SummaryOverview":[{"ProjectId":"x7","ProjectName":"七",` +
				`"RealTotalCost":"-0.0010","BillMonth":"2020-07"}]`,
		},
		{
			"outside the projects", outside, "DescribeBillSummaryByProject", "2020-06",
			cny + `"7.0000","SummaryOverview":[{"ProjectId":0,"ProjectName":"默认项目",` +
				`"RealTotalCost":"7.0000","BillMonth":"2020-06"}]`,
		},
		{
			"payments", paying, "DescribeBillSummaryByProduct", "2020-06",
			cny + `"43.21000000",` + payments + `,"SummaryOverview":[{"ProductCode":"EIP_GROUP","ProductName":"弹性IP",` +
				`"RealTotalCost":"43.21000000",` + payments + `,"BillMonth":"2020-06"}]`,
		},
		{
			"payments of products only", paying, "DescribeBillSummaryByProject", "2020-06",
			cny + `"43.2100","SummaryOverview":[{"ProjectId":0,"ProjectName":"",` +
				`"RealTotalCost":"43.2100","BillMonth":"2020-06"}]`,
		},
		{
			"another currency", dollars, "DescribeBillSummaryByProduct", "2020-06",
			`"Currency":"USD","RealTotalCost":"0.0000","SummaryOverview":[]`,
		},
		{
			"product groups", usual, "DescribeProductCode", "",
			`"ProductGroupSet":[{"Key":"PenetrationTest_GROUP","Value":"渗透测试"},{"Key":"VM_GROUP","Value":"云服务器"},` +
				`{"Key":"EBS_GROUP","Value":"云硬盘"},{"Key":"EIP_GROUP","Value":"弹性IP"},` +
				`{"Key":"KIS","Value":"云数据中心(KIS)"}]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := serve(t, tt.account)
			_, got := c.getUnion("Action=" + tt.action + strings.ReplaceAll(unionMonth, "2020-06", tt.month))
			want := `{"RequestId":"b1115100-0000-4000-8000-000000000001",` + tt.want + "}"
			if got != want {
				t.Errorf("got\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestUnionRefusals(t *testing.T) {
	denied := unionSample()
	denied.UnionDenied = true
	sub := denied
	sub.AccessKeyID, sub.DeniedByIAM = "AKSUB", true
	free := unionSample()
	free.AccessKeyID = "AKFREE"
	const action, months = "Action=DescribeBillSummaryByPayMode", "&BillBeginMonth=2020-06&BillEndMonth="
	const invalidEnd = "InvalidParameter: There is one or more invalid parameter(BillEndMonth)."
	tests := []struct {
		name, key, query string
		status           int
		want             string
	}{
		{"denied", "AKSAMPLE", action + unionMonth, 400, "Forbidden Request: user 73400575 forbidden request this api"},
		{
			"denied by IAM", "AKSUB", action + unionMonth, 403,
			"InvalidAuthenticationCode: lack of policy to [bill-union:describebillsummarybypaymode] the resources[]",
		},
		{
			"denied groups", "AKSAMPLE", "Action=DescribeProductCode&Version=2020-01-01", 400,
			"Forbidden Request: user 73400575 forbidden request this api",
		},
		{"another version", "AKFREE", action + "&Version=2018-06-01" + months, 404, "INVALID_ACTION: Not Found"},
		{
			"no begin", "AKFREE", action + "&Version=2020-01-01&BillEndMonth=2020-06", 400,
			"MissingParameter: The parameter BillBeginMonth is missing.",
		},
		{
			"no end", "AKFREE", action + "&Version=2020-01-01" + months, 400,
			"MissingParameter: The parameter BillEndMonth is missing.",
		},
		{"a day", "AKFREE", action + "&Version=2020-01-01" + months + "2020-06-30", 400, invalidEnd},
		{"two months", "AKFREE", action + "&Version=2020-01-01" + months + "2020-07", 400, invalidEnd},
		{
			"the other service's action", "AKFREE", "Action=GetMonthBill&" + monthQuery, 403,
			`SignatureDoesNotMatch: Credential is for service "bill-union", not "bill".`,
		},
	}
	s, c := serve(t, denied, sub, free)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := c.request(tt.query)
			signUnion(r, tt.key)
			if status, got := c.getRefusal(r); got != tt.want || status != tt.status {
				t.Errorf("got %d %s\nwant %d %s", status, got, tt.status, tt.want)
			}
		})
	}
	if call := s.Calls()[0]; call.Service != "bill-union" {
		t.Errorf("call for service %q", call.Service)
	}
	r := c.request(action + unionMonth)
	signHeader(r, "AKFREE", "secret", noon)
	const want = `SignatureDoesNotMatch: Credential is for service "bill", not "bill-union".`
	if status, got := c.getRefusal(r); status != 403 || got != want {
		t.Errorf("signed for bill: %d %s", status, got)
	}
	if status, body := c.get("Action=GetMonthBill&" + monthQuery); status != 200 {
		t.Errorf("bills of whom bill-union is denied to: %d %s", status, body)
	}
}

// TestUnionFaults checks that faults apply to these actions as they do to the others.
func TestUnionFaults(t *testing.T) {
	s, c := serve(t, unionSample())
	s.Fault(Fault{Action: "DescribeBillSummaryByProject", Times: 1, Forms: map[string]Form{
		"SummaryOverview": Null, "RealTotalCost": AsNumber, "Currency": Missing,
	}})
	f := Busy(503, 0)
	f.Action, f.Times = "DescribeBillSummaryByPayMode", 1
	s.Fault(f)
	_, got := c.getUnion("Action=DescribeBillSummaryByProject" + unionMonth)
	const want = `{"RequestId":"b1115100-0000-4000-8000-000000000001",` +
		`"RealTotalCost":1111.2000,"SummaryOverview":null}`
	if got != want {
		t.Errorf("got %s", got)
	}
	for _, want := range []int{503, 200} {
		if status, body := c.getUnion("Action=DescribeBillSummaryByPayMode" + unionMonth); status != want {
			t.Errorf("%d %s", status, body)
		}
	}
}

// TestDemoUnion checks that the three summaries of a month have the same total and that their postpaid part is the
// bill.
func TestDemoUnion(t *testing.T) {
	for _, a := range Demo(noonClock) {
		a.AccessKeyID, a.SecretAccessKey = "AKSAMPLE", "secret"
		_, c := serve(t, a)
		for month, unpaid := range map[string]bool{"2026-10": false, "2026-11": a.CustomerID == "73990002"} {
			sums := map[string]map[string]*big.Rat{}
			for _, by := range []string{"PayMode", "Product", "Project"} {
				_, body := c.getUnion("Action=DescribeBillSummaryBy" + by +
					strings.ReplaceAll(unionMonth, "2020-06", month))
				sums[by] = unionSums(t, body)
				if sums[by][""].Cmp(sums["PayMode"][""]) != 0 {
					t.Errorf("%s: by %s %s, by pay mode %s", month, by, sums[by][""], sums["PayMode"][""])
				}
			}
			bill, billed := a.Bills(month)
			postpaid := sums["PayMode"]["后付费"]
			total := bill.Sums().Total
			if billed == unpaid || billed != (postpaid != nil) || billed && postpaid.Cmp(newRat(total)) != 0 {
				t.Errorf("%s of %s: postpaid %v, the bill is %v", month, a.CustomerID, postpaid, total)
			}
			for _, mode := range []string{"预付费", "按量付费"} {
				if sum := sums["PayMode"][mode]; sum == nil || sum.Cmp(newRat(9000*Yuan)) < 0 {
					t.Errorf("%s of %s: %s %v", month, a.CustomerID, mode, sum)
				}
			}
		}
	}
}

// unionSums returns the costs of a summary by pay mode, under "" the total, which all parts have to add up to.
func unionSums(t *testing.T, body string) map[string]*big.Rat {
	t.Helper()
	answer := decodeJSON(t, []byte(body)).(map[string]any)
	cost := func(v any) *big.Rat {
		r, _ := new(big.Rat).SetString(v.(map[string]any)["RealTotalCost"].(string))
		return r
	}
	sums, rest := map[string]*big.Rat{"": cost(answer)}, cost(answer)
	for _, part := range answer["SummaryOverview"].([]any) {
		mode, _ := part.(map[string]any)["PayMode"].(string)
		if mode != "" {
			sums[mode] = cost(part)
		}
		rest.Sub(rest, cost(part))
	}
	if rest.Sign() != 0 {
		t.Errorf("the parts differ from the total by %s", rest)
	}
	return sums
}
