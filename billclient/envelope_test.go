package billclient

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// envelopeAction is an action whose answers have an envelope.
type envelopeAction struct {
	name, version string
	service       string
	endpoint      string     // the key of its address
	params        url.Values // beside Action and Version
	set           string     // empty if the answer has texts only
	data          string     // of an answer: a row, or the texts
	ask           func(context.Context, *Client) (any, error)
	want          any
}

// envelopeActions returns every action whose answers have an envelope. The data has all numbers and ids as texts.
func envelopeActions() []envelopeAction {
	days := url.Values{"StartDay": {"2026-10-05"}, "EndDay": {"2026-10-05"}, "Page": {"1"}, "Size": {"200"}}
	const union, unionEndpoint = "bill-union", "api.union_endpoint"
	return []envelopeAction{
		{
			QueryProductConsume, "2022-12-22", union, unionEndpoint, days, "bills", productDay,
			func(ctx context.Context, c *Client) (any, error) {
				return c.QueryProductConsume(ctx, octoberDay, octoberDay)
			},
			[]DayConsume{wantProductDay()},
		},
		{
			QueryProjectConsume, "2022-12-22", union, unionEndpoint, days, "bills", projectDay,
			func(ctx context.Context, c *Client) (any, error) {
				return c.QueryProjectConsume(ctx, octoberDay, octoberDay)
			},
			[]DayConsume{wantProjectDay()},
		},
		{
			QueryInstanceConsume, "2022-12-22", union, unionEndpoint, days, "bills", instanceDay,
			func(ctx context.Context, c *Client) (any, error) {
				return collectUnionLines(c.QueryInstanceConsume(ctx, octoberDay, octoberDay, allSets))
			},
			[]UnionLine{wantInstanceDay()},
		},
		{
			DescribeInstanceSummaryBills, "2020-01-01", union, unionEndpoint,
			url.Values{"BillMonth": {"2026-10"}, "Page": {"1"}, "Size": {"1000"}},
			"SummaryOverview", instanceMonth,
			func(ctx context.Context, c *Client) (any, error) {
				return collectUnionLines(c.DescribeInstanceSummaryBills(ctx, october, allSets))
			},
			[]UnionLine{wantInstanceMonth()},
		},
		{
			DescribeCostBill, "2021-12-09", union, unionEndpoint,
			url.Values{"billMonth": {"202610"}, "statisticalItem": {"1"}, "pageNo": {"1"}, "pageSize": {"2000"}},
			"bills", costRow,
			func(ctx context.Context, c *Client) (any, error) { return c.DescribeCostBill(ctx, october) },
			[]CostBill{wantCostBill()},
		},
		{
			QueryItemBills, "2025-08-01", union, unionEndpoint,
			url.Values{"CustomerBillMonth": {"202610"}, "Size": {"1000"}},
			"bills", itemRow,
			func(ctx context.Context, c *Client) (any, error) { return collectItems(c.QueryItemBills(ctx, october)) },
			[]ItemBill{wantItem()},
		},
		{
			ListProductGroups, "2020-01-01", union, unionEndpoint, nil, "Data",
			`{"Id":"41","Code":"VM_GROUP","Name":"云服务器","EnName":"KEC"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.ListProductGroups(ctx) },
			[]ProductGroup{{"41", "VM_GROUP", "云服务器"}},
		},
		{
			QueryCashWalletAction, "V1", "kingpay", "api.pay_endpoint", nil, "", walletTexts,
			func(ctx context.Context, c *Client) (any, error) { return c.QueryCashWalletAction(ctx) },
			wantWallet(),
		},
		{
			QueryInstances, "2025-08-28", "trade", "api.trade_endpoint",
			url.Values{"page": {"1"}, "size": {"100"}},
			"retResponse", tradeRow,
			func(ctx context.Context, c *Client) (any, error) {
				return c.QueryInstances(ctx, time.Time{}, time.Time{})
			},
			[]TradeInstance{wantTradeInstance()},
		},
	}
}

// newEnvelopeClient returns a client as newTestClient does, for the actions that have an envelope: nothing answers at
// the endpoint of the others.
func newEnvelopeClient(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	c := newUnionClient(t, h)
	c.options.PayEndpoint, c.options.TradeEndpoint = c.options.UnionEndpoint, c.options.UnionEndpoint
	return c
}

// answers returns the answer of the action in each envelope, with the texts beside it at its end.
func (a envelopeAction) answers() map[string]string {
	members := strings.TrimSuffix(strings.TrimPrefix(a.data, "{"), "}")
	switch a.set {
	case "":
	case "Data":
		return map[string]string{
			"status": `{"status":200,"requestId":"r","data":[` + a.data + `],"error":null,"ok":true}`,
			"data":   `{"RequestId":"r","Success":true,"Data":[` + a.data + `]}`,
			"top":    `{"RequestId":"r","Data":[` + a.data + `]}`,
		}
	default:
		members = `"page":"1","size":"20","total":"1","` + a.set + `":[` + a.data + `]`
	}
	return map[string]string{
		"status": `{"status":200,"requestId":"r","data":{` + members + `},"error":"","ok":true}`,
		"data":   `{"Success":true,"RequestId":"r","Data":{` + members + `}}`,
		"top":    `{"RequestId":"r",` + strings.Replace(members, "total", "TotalCount", 1) + `}`,
		"old":    `{"code":200,"message":"success","data":{` + members + `}}`,
	}
}

// envelopeForms has what an Attempt says of the envelopes of envelopeAction.answers.
var envelopeForms = map[string]EnvelopeForm{
	"status": StatusEnvelope, "data": SuccessEnvelope, "top": TopEnvelope, "old": OtherEnvelope,
}

// hasPages reports whether the action answers page by page.
func (a envelopeAction) hasPages() bool { return a.params != nil }

// firstField returns the name of the first field of the data.
func (a envelopeAction) firstField() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(a.data, `{"`), `"`)
	return strings.ToLower(name)
}

// observeOne returns the attempt of the one call that is made then.
func observeOne(c *Client) *Attempt {
	var attempt Attempt
	c.options.Observe = func(a Attempt) { attempt = a }
	return &attempt
}

var (
	namePattern   = regexp.MustCompile(`"[A-Za-z_]+":`)
	numberPattern = regexp.MustCompile(`:"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)"`)
)

// TestEnvelopes reads the same answer in each envelope, with names in any case, and with numbers as numbers.
func TestEnvelopes(t *testing.T) {
	forms := map[string]func(string) string{
		"as the SDKs have it": func(s string) string { return s },
		"upper case":          func(s string) string { return namePattern.ReplaceAllStringFunc(s, strings.ToUpper) },
		"lower case":          func(s string) string { return namePattern.ReplaceAllStringFunc(s, strings.ToLower) },
		"numbers":             func(s string) string { return numberPattern.ReplaceAllString(s, `:$1`) },
	}
	for _, a := range envelopeActions() {
		for envelope, answer := range a.answers() {
			for form, change := range forms {
				t.Run(a.name+" "+envelope+" "+form, func(t *testing.T) {
					c := newEnvelopeClient(t, respondWith(200, "application/json", change(answer)))
					attempt := observeOne(c)
					got, err := a.ask(t.Context(), c)
					if err != nil {
						t.Fatal(err)
					}
					if diff := gocmp.Diff(a.want, got, equalAmounts); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
					if a.hasPages() != slices.Contains(attempt.Fields, a.firstField()) {
						t.Errorf("fields %q, want %q: %t", attempt.Fields, a.firstField(), a.hasPages())
					}
					if want := envelopeForms[envelope]; attempt.Envelope != want {
						t.Errorf("envelope %q, want %q", attempt.Envelope, want)
					}
				})
			}
		}
	}
}

// TestRefusedForms tests what is known of the form of an answer that fails.
func TestRefusedForms(t *testing.T) {
	for body, want := range map[string]Attempt{
		bills(1, dayRow(threeCosts))[:30]:      {Envelope: StatusEnvelope},
		bills(1, dayRow("")):                   {Envelope: StatusEnvelope, DayForm: CompactDay},
		bills(1, `{"billDay":"5 Oct"}`):        {Envelope: StatusEnvelope, DayForm: OtherDay},
		bills(1, `{"billDay":[5]}`):            {Envelope: StatusEnvelope, DayForm: OtherDay},
		bills(1, `{"billDay":null}`):           {Envelope: StatusEnvelope},
		`{"Success":false,"Data":null}`:        {Envelope: SuccessEnvelope},
		`{"Success":true,"status":403}`:        {Envelope: OtherEnvelope},
		`{"data":{"bills":[{"billDay":32}]}}`:  {DayForm: MonthDay},
		`{"bills":[{"billDay":"2026-10-32"}]}`: {DayForm: OtherDay},
		`{"Error":{"Code":"Throttling"}}`:      {},
		``:                                     {},
	} {
		c := newEnvelopeClient(t, respondWith(200, "", body))
		got := observeOne(c)
		if _, err := c.QueryProductConsume(t.Context(), octoberDay, octoberDay); err == nil {
			t.Errorf("%s: no error", body)
		}
		if got.Envelope != want.Envelope || got.DayForm != want.DayForm {
			t.Errorf("%s: envelope %q, want %q; day %q, want %q",
				body, got.Envelope, want.Envelope, got.DayForm, want.DayForm)
		}
	}
}

// TestEnvelopeRequests tests what is asked for, where, and as which service, and that no call is made without an
// endpoint.
func TestEnvelopeRequests(t *testing.T) {
	for _, a := range envelopeActions() {
		t.Run(a.name, func(t *testing.T) {
			var request *http.Request
			answer := respondWith(200, "", a.answers()["data"])
			c := newEnvelopeClient(t, func(w http.ResponseWriter, r *http.Request) {
				request = r
				answer(w, r)
			})
			if _, err := a.ask(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			want := url.Values{"Action": {a.name}, "Version": {a.version}}
			maps.Copy(want, a.params)
			if diff := gocmp.Diff(want, request.URL.Query()); diff != "" || request.Method != http.MethodGet {
				t.Errorf("%s, query (-want +got):\n%s", request.Method, diff)
			}
			scope := "/cn-beijing-6/" + a.service + "/"
			if signed := request.Header.Get("Authorization"); !strings.Contains(signed, scope) {
				t.Errorf("Authorization %q, want %s", signed, scope)
			}
			none := New(Options{Endpoint: "http://127.0.0.1:1", Credentials: testKeys, MaxRetries: 3})
			got, err := a.ask(t.Context(), none)
			if want := a.name + ": " + a.endpoint + " is empty"; ReasonOf(err) != Invalid || err.Error() != want {
				t.Errorf("%s: %v, want %s", ReasonOf(err), err, want)
			}
			if used, _ := none.Calls(); used != 0 {
				t.Errorf("%d calls to no endpoint: %v", used, got)
			}
		})
	}
}

// TestEmptyEnvelopes tests answers that have nothing, and say so.
func TestEmptyEnvelopes(t *testing.T) {
	for _, a := range envelopeActions() {
		bodies := []string{
			`{"status":200,"requestId":"r","data":{"page":1,"size":200,"total":0,"%s":[]},"error":null,"ok":true}`,
			`{"Success":true,"Data":{"Total":"0","%s":null}}`,
			`{"RequestId":"r","TotalCount":0,"%s":[]}`,
			`{"Success":true,"Data":{"Total":0.0}}%.0s`,
			`<R><status>200</status><data><total>0</total><%s/></data></R>`,
		}
		switch a.set {
		case "":
			continue
		case "Data":
			bodies = []string{`{"%s":[]}`, `{"success":"true","%s":null}`}
		}
		for _, body := range bodies {
			c := newEnvelopeClient(t, respondWith(200, "", fmt.Sprintf(body, a.set)))
			if got, err := a.ask(t.Context(), c); err != nil || fmt.Sprint(got) != "[]" {
				t.Errorf("%s, %s: %v, %v", a.name, body, got, err)
			}
		}
	}
}

// TestFailedEnvelopes tests everything by which an answer can say that the call failed.
func TestFailedEnvelopes(t *testing.T) {
	const advice = "; check api.region and the months asked for"
	for body, tt := range map[string]struct {
		reason Reason
		text   string
	}{
		`{"RequestId":"r","Error":{"Code":"InvalidParameter","Message":"no"}}`: {
			Invalid, "InvalidParameter (HTTP 200, request id r): no" + advice,
		},
		`{"status":400,"requestId":"r","data":null,"error":"no such user","ok":false}`: {
			Invalid, "400 (HTTP 200, request id r): no such user" + advice,
		},
		`{"status":500,"request_id":"r","data":{},"error":"busy","ok":false}`: {
			Server, "500 (HTTP 200, request id r): busy",
		},
		`{"STATUS":"503","Ok":"true","Message":"busy"}`: {Server, "503 (HTTP 200): busy"},
		`{"status":429}`:                                         {Throttled, "429 (HTTP 200)"},
		`{"status":"FAIL","data":{"bills":[]}}`:                  {Invalid, "FAIL (HTTP 200)" + advice},
		`{"status":200,"data":null,"error":"no user","ok":true}`: {Invalid, "(HTTP 200): no user" + advice},
		`{"status":200,"data":null,"error":null,"ok":false}`:     {Invalid, "(HTTP 200): ok is false" + advice},
		`{"Success":false,"RequestId":"r","Data":{"Total":0}}`: {
			Invalid, "(HTTP 200, request id r): success is false" + advice,
		},
		`{"Success":"False","message":"no right","Data":[]}`: {Invalid, "(HTTP 200): no right" + advice},
		`{"code":500,"message":"busy","data":null}`:          {Server, "500 (HTTP 200): busy"},
		`{"code":"X","codeDesc":"ServiceTimeout","message":"busy","data":{"total":0,"bills":[],"retResponse":[]}}`: {
			Server, "ServiceTimeout (HTTP 200): busy",
		},
		`{"message":"no"}`: {Invalid, "(HTTP 200): no" + advice},
		`{"error":"SecurityTokenExpired","ok":false}`: {
			Auth, "SecurityTokenExpired (HTTP 200); replace the security token of this key, which has expired",
		},
		`<R><Status>500</Status><Error>busy</Error></R>`: {Server, "500 (HTTP 200): busy"},
	} {
		for _, a := range envelopeActions() {
			if a.set == "Data" && strings.Contains(body, "codeDesc") {
				continue // it has other data
			}
			_, err := a.ask(t.Context(), newEnvelopeClient(t, respondWith(200, "", body)))
			if want := a.name + ": " + tt.text; !isErrorOf(err, tt.reason, strings.Replace(want, ": (", " (", 1)) {
				t.Errorf("%s\n%s: %v, want\n%s: %s", body, ReasonOf(err), err, tt.reason, want)
			}
		}
	}
}

// TestDeniedEnvelopes tests that each form of a failure names the permission that is missing.
func TestDeniedEnvelopes(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
	}{
		{400, deniedJSON},
		{200, deniedJSON},
		{200, `{"status":403,"error":"Forbidden Request","ok":false}`},
		{400, `{"status":403,"error":"Forbidden Request","ok":false}`},
		{200, `{"Success":false,"code":"AccessDenied","message":"no"}`},
	} {
		for _, a := range envelopeActions() {
			_, err := a.ask(t.Context(), newEnvelopeClient(t, respondWith(tt.status, "", tt.body)))
			want := "; grant " + a.service + ":" + a.name + " to this key"
			if !IsDenied(err) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("HTTP %d %s: %v, want %s", tt.status, tt.body, err, want)
			}
		}
	}
}

// TestBadEnvelopes tests answers that are not whole, whatever the action.
func TestBadEnvelopes(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		reason Reason
		text   string // with MISSING for the set or the text that is missing, and ENDPOINT
	}{
		"nothing":           {200, `{}`, Incomplete, "answer has no MISSING"},
		"success":           {200, `{"status":200,"ok":true}`, Incomplete, "answer has no MISSING"},
		"a text for data":   {200, `{"ok":true,"data":"x"}`, Incomplete, "answer has no MISSING"},
		"empty":             {200, "", Incomplete, "answer is empty"},
		"HTML":              {200, "<html>welcome", Decode, "HTML in place of an answer: <html>welcome"},
		"list":              {200, "[]", Decode, "neither JSON nor XML: []"},
		"truncated":         {200, `{"ok":true,`, Incomplete, "unexpected EOF after offset 11"},
		"more":              {200, `{"status":200} {}`, Decode, "something follows the answer's end"},
		"object as verdict": {200, `{"ok":{}}`, Decode, "ok: an object or a list in place of a text"},
		"gateway":           {502, "bad gateway", Server, "bad gateway"},
		"not found":         {404, "no", Invalid, "no; check that ENDPOINT is the billing API's"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, a := range envelopeActions() {
				text := strings.NewReplacer("ENDPOINT", a.endpoint, "MISSING", cmp.Or(a.set, "availableAmount")).
					Replace(tt.text)
				if a.set == "Data" && name == "a text for data" {
					continue // it is a text for the set
				}
				if a.hasPages() && tt.status == 200 {
					text = "page 1: " + text
				}
				_, err := a.ask(t.Context(), newEnvelopeClient(t, respondWith(tt.status, "", tt.body)))
				checkError(t, err, tt.reason, text)
			}
		})
	}
}
