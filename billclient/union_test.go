package billclient

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billsim"
)

var june2020 = june2018.Add(24)

// newUnionClient returns a client as newTestClient does, but for bill-union: nothing answers at the other endpoint.
func newUnionClient(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	c := newTestClient(t, h)
	c.options.UnionEndpoint, c.options.Endpoint = c.options.Endpoint, "http://127.0.0.1:1"
	return c
}

// summaryMethod returns the method of c that calls an action.
func summaryMethod(c *Client, action string) func(context.Context, Month) (UnionSummary, error) {
	return map[string]func(context.Context, Month) (UnionSummary, error){
		DescribeBillSummaryByPayMode: c.DescribeBillSummaryByPayMode,
		DescribeBillSummaryByProduct: c.DescribeBillSummaryByProduct,
		DescribeBillSummaryByProject: c.DescribeBillSummaryByProject,
	}[action]
}

func unionPart(key, name, cost string) UnionPart {
	return UnionPart{Key: key, Name: name, Cost: mustAmount(cost)}
}

// TestUnionSamples tests the samples of the API's pages. One page has its sample in XML only.
func TestUnionSamples(t *testing.T) {
	modes := []UnionPart{unionPart("realtime", "Pay-As-You-Go", "145.2"), unionPart("postpaid", "Postpaid", "966")}
	products := []UnionPart{
		unionPart("NAT_GROUP", "网络地址转换NAT", "30"), unionPart("EBS_GROUP", "云硬盘", "396"),
		unionPart("VM_GROUP", "云服务器", "642"), unionPart("EIP_GROUP", "弹性IP", "43.2"),
	}
	projects := []UnionPart{
		unionPart("0", "Default project", "169.2"), unionPart("100686", "kvmProject", "942"),
		unionPart("100681", "DailyProject", "0"),
	}
	for _, tt := range []struct {
		file, action string
		want         []UnionPart
	}{
		{"union_pay_mode.xml", DescribeBillSummaryByPayMode, modes},
		{"union_pay_mode.json", DescribeBillSummaryByPayMode, modes},
		{"union_product.xml", DescribeBillSummaryByProduct, products},
		{"union_product.json", DescribeBillSummaryByProduct, products},
		{"union_project.xml", DescribeBillSummaryByProject, projects},
	} {
		t.Run(tt.file, func(t *testing.T) {
			var query url.Values
			c := newUnionClient(t, func(w http.ResponseWriter, r *http.Request) {
				query = r.URL.Query()
				if signed := r.Header.Get("Authorization"); !strings.Contains(signed, "/cn-beijing-6/bill-union/") {
					t.Errorf("Authorization %q", signed)
				}
				respondWith(200, "", readTestdata(t, tt.file))(w, r)
			})
			got, err := summaryMethod(c, tt.action)(t.Context(), june2020)
			if err != nil {
				t.Fatal(err)
			}
			want := UnionSummary{Month: june2020, Currency: "CNY", Total: mustAmount("1111.2"), Parts: tt.want}
			if diff := cmp.Diff(want, got, equalAmounts); diff != "" || !got.Billed() {
				t.Errorf("summary, billed %v (-want +got):\n%s", got.Billed(), diff)
			}
			wantQuery := url.Values{
				"Action": {tt.action}, "Version": {"2020-01-01"},
				"BillBeginMonth": {"2020-06"}, "BillEndMonth": {"2020-06"},
			}
			if diff := cmp.Diff(wantQuery, query); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProductGroupSamples(t *testing.T) {
	want := []ProductCode{
		{"PenetrationTest_GROUP", "渗透测试"},
		{"KBaaS", "区块链服务KBaaS"},
		{"KIS", "云数据中心(KIS)"},
		{"VM_GROUP", "云服务器"},
		{"EBS_GROUP", "云硬盘"},
		{"EIP_GROUP", "弹性IP"},
	}
	for file, contentType := range sampleTypes("union_product_code") {
		c := newUnionClient(t, respondWith(200, contentType, readTestdata(t, file)))
		got, err := c.DescribeProductCode(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// TestUnionSummaries tests summaries that are unusual and valid.
func TestUnionSummaries(t *testing.T) {
	const top = `{"Currency":"CNY","RealTotalCost":"5172897.43000000",`
	whole := UnionSummary{Month: october, Currency: "CNY", Total: mustAmount("5172897.43")}
	with := func(paid []Payment, parts ...UnionPart) UnionSummary {
		s := whole
		s.Paid, s.Parts = paid, parts
		return s
	}
	in := func(currency string, s UnionSummary) UnionSummary {
		s.Currency = currency
		return s
	}
	unbilled := UnionSummary{Month: october}
	paid := []Payment{
		{Cash, mustAmount("5172890")},
		{Reward, mustAmount("0")},
		{Voucher, mustAmount("7.43")},
		{CloudTicket, mustAmount("0")},
	}
	free := unionPart("CLOUD_GAMING", "CLOUD_GAMING", "0")
	free.Paid = []Payment{{Reward, mustAmount("-1e-8")}}
	for name, tt := range map[string]struct {
		body string
		want UnionSummary
	}{
		"nothing":             {top[:18] + `"SummaryOverview":[]}`, in("CNY", unbilled)},
		"nothing at all":      {`{"SummaryOverview":null}`, unbilled},
		"nothing in XML":      {`<R><Currency/><SummaryOverview/></R>`, unbilled},
		"nothing that costs":  {`{"SummaryOverview":[],"Currency":"rmb","RealTotalCost":"0.0000"}`, in("rmb", unbilled)},
		"null for everything": {`{"SummaryOverview":[],"Currency":null,"RealTotalCost":null}`, unbilled},
		"yuan in each part": {
			top + `"SummaryOverview":[{"ProductCode":"A","RealTotalCost":1,"BillMonth":"2026-10","Currency":"RMB"},` +
				`{"ProductCode":"B","RealTotalCost":1,"BillMonth":"2026-10","Currency":null}]}`,
			with(nil, unionPart("A", "", "1"), unionPart("B", "", "1")),
		},
		"numbers, and the set first": {
			`{"SummaryOverview":[{"ProductCode":7,"RealTotalCost":5172897.43,"BillMonth":"2026-10"},` +
				`{"RealTotalCost":-1e2,"BillMonth":"2026-10"}],"Currency":"RMB","RealTotalCost":5172897.43}`,
			in("RMB", with(nil, unionPart("7", "", "5172897.43"), unionPart("", "", "-100"))),
		},
		"payments": {
			top + `"Reward":"0.00","Voucher":"7.43","CloudTicketCost":0,"Cash":"5172890.00","SummaryOverview":[` +
				`{"ProductCode":"CLOUD_GAMING","ProductName":"CLOUD_GAMING","RealTotalCost":"0.00000000",` +
				`"BillMonth":"2026-10","Reward":-1e-8,"Voucher":null,"Cash":""}]}`,
			with(paid, free),
		},
		"XML": {
			`<r><currency>CNY</currency><realtotalcost> 5172897.43 </realtotalcost><Cash>5172890</Cash><summaryoverview>
			<x><productcode>A</productcode><RealTotalCost>0.1</RealTotalCost><BillMonth>2026-10</BillMonth></x>
			</summaryoverview></r>`,
			with([]Payment{{Cash, mustAmount("5172890")}}, unionPart("A", "", "0.1")),
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUnionClient(t, respondWith(200, "", tt.body))
			got, err := c.DescribeBillSummaryByProduct(t.Context(), october)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, equalAmounts); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			if got.Billed() != (len(tt.want.Parts) > 0) {
				t.Errorf("billed %v", got.Billed())
			}
		})
	}
}

func TestBadUnionSummaries(t *testing.T) {
	const good = `{"PayMode":"Postpaid","RealTotalCost":"1","BillMonth":"2026-10"}`
	for name, tt := range map[string]struct {
		top, parts string
		reason     Reason
		text       string
	}{
		"dollars": {
			`"Currency":"USD","RealTotalCost":1`, good, Decode, `Currency "USD": only amounts in CNY are taken`,
		},
		"dollars for nothing": {
			`"Currency":"USD"`, "", Decode, `Currency "USD": only amounts in CNY are taken`,
		},
		"dollars in a part": {
			`"Currency":"CNY","RealTotalCost":1`, strings.Replace(good, "{", `{"currency":"USD",`, 1), Decode,
			`SummaryOverview 1: Currency "USD": only amounts in CNY are taken`,
		},
		"dollars in all parts": {
			`"Currency":"USD","RealTotalCost":1`, strings.Replace(good, "{", `{"Currency":"USD",`, 1), Decode,
			`SummaryOverview 1: Currency "USD": only amounts in CNY are taken`,
		},
		"yuan in a part of dollars": {
			`"Currency":"USD","RealTotalCost":1`, strings.Replace(good, "{", `{"Currency":"CNY",`, 1), Decode,
			`Currency "USD": only amounts in CNY are taken`,
		},
		"no currency": {`"RealTotalCost":1`, good, Decode, `Currency "": only amounts in CNY are taken`},
		"two currencies": {
			`"Currency":"CNY","currency":"USD","RealTotalCost":1`, good, Decode, "Currency: twice in one answer",
		},
		"no total": {`"Currency":"CNY"`, good, Decode, "RealTotalCost: missing"},
		"bad total": {
			`"Currency":"CNY","RealTotalCost":"1,0"`, good, Decode,
			`RealTotalCost: amount "1,0": not a decimal number`,
		},
		"bad total of nothing": {
			`"Currency":"CNY","RealTotalCost":"-"`, "", Decode, `RealTotalCost: amount "-": not a decimal number`,
		},
		"a total of nothing": {
			`"Currency":"CNY","RealTotalCost":"12.30"`, "", Incomplete,
			"SummaryOverview is empty, but RealTotalCost is 12.30",
		},
		"bad payment": {
			`"Currency":"CNY","RealTotalCost":1,"Voucher":"?"`, good, Decode,
			`Voucher: amount "?": not a decimal number`,
		},
		"list for a payment": {
			`"Currency":"CNY","RealTotalCost":1,"Cash":[1]`, good, Decode,
			`Cash: an object or a list in place of a text`,
		},
		"no cost": {
			"", good + `,{"PayMode":"x","BillMonth":"2026-10"}`, Decode, "SummaryOverview 2: RealTotalCost: missing",
		},
		"null cost": {
			"", `{"PayMode":"x","BillMonth":"2026-10","RealTotalCost":null}`, Decode,
			`SummaryOverview 1: RealTotalCost: amount "": not a decimal number`,
		},
		"another month": {
			"", `{"PayMode":"x","RealTotalCost":1,"BillMonth":"2026-09"}`, Decode,
			`SummaryOverview 1: BillMonth "2026-09": asked for 2026-10`,
		},
		"no month": {
			"", `{"PayMode":"x","RealTotalCost":1}`, Decode, `SummaryOverview 1: BillMonth "": asked for 2026-10`,
		},
		"no pay mode": {
			"", `{"PayMode":" ","RealTotalCost":1,"BillMonth":"2026-10"}`, Decode,
			"SummaryOverview 1: PayMode: missing",
		},
		"bad payment of a part": {
			"", `{"PayMode":"x","RealTotalCost":1,"BillMonth":"2026-10","Reward":"e"}`, Decode,
			`SummaryOverview 1: Reward: amount "e": not a decimal number`,
		},
		"a text for a part": {"", `"x"`, Decode, `SummaryOverview 1: BillMonth "": asked for 2026-10`},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"SummaryOverview":[` + tt.parts + `]` + strings.TrimSuffix(","+tt.top, ",") + `}`
			got, err := newUnionClient(t, respondWith(200, "", body)).DescribeBillSummaryByPayMode(t.Context(), october)
			checkError(t, err, tt.reason, tt.text)
			wantCode := map[bool]string{true: "USD"}[strings.Contains(name, "dollars")]
			if IsForeignCurrency(err) != (wantCode != "") {
				t.Errorf("foreign currency %t, want %q", IsForeignCurrency(err), wantCode)
			}
			isOfCurrency := wantCode != "" || name == "no currency"
			if code, ok := RefusedCurrency(err); code != wantCode || ok != isOfCurrency {
				t.Errorf("refused currency %q, %t; want %q, %t", code, ok, wantCode, isOfCurrency)
			}
			if diff := cmp.Diff(UnionSummary{}, got, equalAmounts); diff != "" {
				t.Errorf("a summary in spite of the error:\n%s", diff)
			}
		})
	}
}

// TestUnionRefusals tests the advice for an operator, and that no call is made without an endpoint.
func TestUnionRefusals(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		reason Reason
		text   string
	}{
		{
			400, deniedJSON, Auth,
			"user 73400575 forbidden request this api; grant bill-union:DescribeBillSummaryByPayMode to this key",
		},
		{404, "no", Invalid, "no; check that api.union_endpoint is the billing API's"},
		{403, "no", Auth, "no; check access_key_id, secret_access_key and what answers at api.union_endpoint"},
		{200, `{"RequestId":"r"}`, Incomplete, "answer has no SummaryOverview"},
	} {
		c := newUnionClient(t, respondWith(tt.status, "", tt.body))
		_, err := c.DescribeBillSummaryByPayMode(t.Context(), october)
		checkError(t, err, tt.reason, tt.text)
	}
	_, err := newUnionClient(t, respondWith(200, "", "{}")).DescribeProductCode(t.Context())
	checkError(t, err, Incomplete, "answer has no ProductGroupSet")

	for endpoint, text := range map[string]string{
		"":  "api.union_endpoint is empty",
		":": `api.union_endpoint: parse ":": missing protocol scheme`,
	} {
		c := New(Options{Endpoint: "http://127.0.0.1:1", UnionEndpoint: endpoint, Credentials: testKeys, MaxRetries: 3})
		_, summary := c.DescribeBillSummaryByPayMode(t.Context(), october)
		_, groups := c.DescribeProductCode(t.Context())
		for action, err := range map[string]error{DescribeBillSummaryByPayMode: summary, DescribeProductCode: groups} {
			if want := action + ": " + text; ReasonOf(err) != Invalid || err.Error() != want {
				t.Errorf("endpoint %q: %s: %v, want %s", endpoint, ReasonOf(err), err, want)
			}
		}
		if used, _ := c.Calls(); endpoint == "" && used != 0 {
			t.Errorf("%d calls to no endpoint", used)
		}
	}
}

// TestUnionRetry tests that the parts of a failed attempt are dropped, and that the calls count for the day.
func TestUnionRetry(t *testing.T) {
	whole := readTestdata(t, "union_pay_mode.json")
	const requestID = "a18b2452-cff8-4237-b46c-19bb4df36191"
	o := Options{UnionEndpoint: "http://union.example", MaxRetries: 3, DailyCalls: 3}
	runConversation(t, o, func(t *testing.T, c *conversation) {
		got, err := c.DescribeBillSummaryByPayMode(t.Context(), june2020)
		if err != nil || len(got.Parts) != 2 {
			t.Errorf("%d parts, error %v", len(got.Parts), err)
		}
		want := []Attempt{
			{HTTPStatus: 503, Reason: Server, Bytes: 4},
			{HTTPStatus: 200, Reason: Incomplete, RequestID: requestID, Bytes: int64(len(whole) - 3)},
			{HTTPStatus: 200, RequestID: requestID, Bytes: int64(len(whole))},
		}
		for i := range want {
			want[i].Action, want[i].Version, want[i].Period = DescribeBillSummaryByPayMode, version2020, "2020-06"
		}
		if diff := cmp.Diff(want, c.attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if err := c.askMonthBill(t.Context()); ReasonOf(err) != CallLimit {
			t.Errorf("the fourth call: %v", err)
		}
	}, respondWith(503, "", "busy"), respondWith(200, "", whole[:len(whole)-3]), respondWith(200, "", whole))
}

// TestUnionOfSimulatedAPI calls both services of the simulator at one address, in JSON and in XML: the three summaries
// have one total, their parts add up to it, and their postpaid cost is that of GetMonthBill.
func TestUnionOfSimulatedAPI(t *testing.T) {
	now := func() time.Time { return time.Date(2026, time.November, 17, 12, 0, 0, 0, Beijing) }
	accounts := billsim.Demo(now)
	server := httptest.NewServer(billsim.New(accounts))
	defer server.Close()
	for _, a := range accounts {
		for _, transport := range []http.RoundTripper{
			server.Client().Transport, acceptTransport{"application/xml", server.Client().Transport},
		} {
			c := New(Options{
				Endpoint: server.URL, UnionEndpoint: server.URL, Region: "cn-beijing-6", Transport: transport,
				Credentials: keysOf(Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey}),
			})
			checkSummaries(t, c, october)
		}
	}
}

func checkSummaries(t *testing.T, c *Client, m Month) {
	t.Helper()
	bills, err := c.GetMonthBill(t.Context(), m, m)
	if err != nil {
		t.Fatal(err)
	}
	modes := fetchWholeSummary(t, c, DescribeBillSummaryByPayMode, m)
	costs := map[string]Amount{}
	for _, p := range modes.Parts {
		costs[p.Key] = p.Cost
	}
	if len(costs) != 3 || costs[Prepaid].Sign() <= 0 || costs[Realtime].Sign() <= 0 {
		t.Errorf("by pay mode %v", costs)
	}
	if costs[Postpaid].Cmp(bills[0].Sum) != 0 {
		t.Errorf("postpaid %v, the bill is %v", costs[Postpaid], bills[0].Sum)
	}
	products := fetchWholeSummary(t, c, DescribeBillSummaryByProduct, m)
	projects := fetchWholeSummary(t, c, DescribeBillSummaryByProject, m)
	if products.Total.Cmp(modes.Total) != 0 || projects.Total.Cmp(modes.Total) != 0 {
		t.Errorf("totals %v, %v and %v", modes.Total, products.Total, projects.Total)
	}
	var paid Amount
	for _, p := range products.Paid {
		paid = paid.Add(p.Cost)
	}
	if paid.Cmp(products.Total) != 0 {
		t.Errorf("paid %v of %v", products.Paid, products.Total)
	}
}

// fetchWholeSummary returns a summary, and fails the test if its parts do not add up to its total.
func fetchWholeSummary(t *testing.T, c *Client, action string, m Month) UnionSummary {
	t.Helper()
	s, err := summaryMethod(c, action)(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	var sum Amount
	for _, p := range s.Parts {
		sum = sum.Add(p.Cost)
	}
	if sum.Cmp(s.Total) != 0 || !s.Billed() {
		t.Errorf("%s: %d parts of %v, total %v", action, len(s.Parts), sum, s.Total)
	}
	return s
}
