package billclient

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	deniedJSON = `{"RequestId":"51aee78d","Error":{"Type":"Sender","Code":"Forbidden Request",` +
		`"Message":"user 73400575 forbidden request this api"}}`
	deniedLower = `{"requestid":"51aee78d","error":{"type":"Sender","code":"Forbidden Request",` +
		`"message":"user 73400575 forbidden request this api"}}`
	deniedXML = `<?xml version="1.0"?><ErrorResponse><RequestId>51aee78d</RequestId><Error><Type>Sender</Type>` +
		`<code>Forbidden Request</code><Message>user 73400575 forbidden request this api</Message></Error>` +
		`</ErrorResponse>`
	deniedOld = `{"requestId":"51aee78d","code":403,"message":"user 73400575 forbidden request this api",` +
		`"codeDesc":"Forbidden Request"}`

	noJSON = `{"RequestId":"r","MonthBillSet":[]`
)

// TestErrorBodies has every form of an error body.
func TestErrorBodies(t *testing.T) {
	denied := Error{
		Action: "GetMonthBill", Reason: Auth, Code: "Forbidden Request", RequestID: "51aee78d",
		Message: "user 73400575 forbidden request this api",
	}
	for name, tt := range map[string]struct {
		status            int
		contentType, body string
	}{
		"JSON":                   {400, "application/json", deniedJSON},
		"JSON in lower case":     {400, "application/json", deniedLower},
		"JSON without a type":    {400, "", "\n" + deniedJSON},
		"XML":                    {400, "text/xml", deniedXML},
		"XML as plain text":      {400, "text/plain", deniedXML},
		"old form":               {400, "application/json", deniedOld},
		"JSON under 200":         {200, "application/json", deniedJSON},
		"XML under 200":          {200, "application/xml", deniedXML},
		"old form under 200":     {200, "application/json", deniedOld},
		"after the data":         {200, "application/json", `{"MonthBillSet":[],` + deniedJSON[1:]},
		"cut after what matters": {400, "application/json", strings.TrimSuffix(deniedJSON, "}}")},
		"request id after the error": {
			400, "",
			`{` + deniedJSON[len(`{"RequestId":"51aee78d",`):len(deniedJSON)-1] + `,"RequestId":"51aee78d"}`,
		},
		"without the data, under 200": {200, "", strings.Replace(deniedJSON, `{`, `{"MonthBillSet":null,`, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, respondWith(tt.status, tt.contentType, tt.body))
			_, err := c.GetMonthBill(t.Context(), october, october)
			got, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("error %v is no *Error", err)
			}
			want := denied
			want.HTTPStatus = tt.status
			if diff := cmp.Diff(want, *got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			text := fmt.Sprintf("GetMonthBill: Forbidden Request (HTTP %d, request id 51aee78d): "+
				"user 73400575 forbidden request this api; grant bill:GetMonthBill to this key", tt.status)
			if got.Error() != text {
				t.Errorf("text %q, want %q", got.Error(), text)
			}
		})
	}
}

// TestReasons has every code that is known, and the statuses without one.
func TestReasons(t *testing.T) {
	const keys = "; check access_key_id, secret_access_key and this machine's clock"
	tests := []struct {
		status int
		code   string
		reason Reason
		advice string
	}{
		{400, "InvalidParameter", Invalid, "; check api.region and the months asked for"},
		{400, "Forbidden Request", Auth, "; grant bill:GetMonthBill to this key"},
		{500, "Server unavailable", Server, ""},
		{400, "MissingParameter", Invalid, "; check api.region and the months asked for"},
		{403, "InvalidAuthenticationCode", Auth, "; grant bill:GetMonthBill to this key"},
		{400, "AuthFailure", Auth, "; grant bill:GetMonthBill to this key"},
		{403, "MissingAuthenticationToken", Auth, keys},
		{400, "MissingSignature", Auth, keys},
		{400, "MissingAccesskey", Auth, keys},
		{403, "SignatureDoesNotMatch", Auth, keys},
		{400, "InvalidClientTokenId", Auth, keys},
		{404, "INVALID_ACTION", Invalid, "; check that api.endpoint is the billing API's"},
		{400, "INTERNAL_FAILURE", Server, ""},
		{200, "ServiceTimeout", Server, ""},
		{400, "Throttling", Throttled, ""},
		{400, "ThrottlingException", Throttled, ""},
		{503, "RequestLimitExceeded", Throttled, ""},
		{200, "RequestLimitExceeded", Throttled, ""},
		{200, "500", Server, ""},
		{200, "429", Throttled, ""},
		{200, "SomethingNew", Invalid, "; check api.region and the months asked for"},
		{400, "500", Invalid, "; check api.region and the months asked for"},
		{401, "SomethingNew", Auth, keys},
		{
			403, "SomethingNew", Auth,
			"; grant bill:GetMonthBill to this key, or check access_key_id, secret_access_key and this machine's clock",
		},
		{429, "SomethingNew", Throttled, ""},
		{599, "SomethingNew", Server, ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, " ", tt.code), func(t *testing.T) {
			body := fmt.Sprintf(`{"RequestId":"r","Error":{"Code":%q,"Message":"no"}}`, tt.code)
			_, err := newTestClient(t, respondWith(tt.status, "", body)).GetMonthBill(t.Context(), october, october)
			if ReasonOf(err) != tt.reason {
				t.Errorf("reason %s, want %s", ReasonOf(err), tt.reason)
			}
			want := fmt.Sprintf("GetMonthBill: %s (HTTP %d, request id r): no%s", tt.code, tt.status, tt.advice)
			if err.Error() != want {
				t.Errorf("text %q, want %q", err, want)
			}
		})
	}
}

// TestDenied has both refusals that keys without a permission were seen or documented to get, for every action.
func TestDenied(t *testing.T) {
	const iam = `{"RequestId":"51aee78d","Error":{"Code":"InvalidAuthenticationCode",` +
		`"Message":"lack of policy to [bill:x] the resources[]"}}`
	ctx, bills, days := t.Context(), DetailQuery{From: october, To: october}, ConsumeQuery{Month: october}
	for status, body := range map[int]string{400: deniedJSON, 403: iam} {
		c := newTestClient(t, respondWith(status, "application/json", body))
		c.options.UnionEndpoint = c.options.Endpoint
		for permission, err := range map[string]error{
			"bill:GetMonthBill":                       errorFrom(c.GetMonthBill(ctx, october, october)),
			"bill:GetPostpayDetailBill":               errorFrom(collectLines(c.GetPostpayDetailBill(ctx, bills))),
			"bill:GetPostpayDetailBillCSV":            errorFrom(collectLines(c.GetPostpayDetailBillCSV(ctx, bills))),
			"bill:GetProductCode":                     errorFrom(c.GetProductCode(ctx)),
			"bill:getMonthConsume":                    errorFrom(c.GetMonthConsume(ctx, october)),
			"bill:getPostpayDetailConsume":            errorFrom(collectLines(c.GetPostpayDetailConsume(ctx, days))),
			"bill-union:DescribeBillSummaryByPayMode": errorFrom(c.DescribeBillSummaryByPayMode(ctx, october)),
			"bill-union:DescribeBillSummaryByProduct": errorFrom(c.DescribeBillSummaryByProduct(ctx, october)),
			"bill-union:DescribeBillSummaryByProject": errorFrom(c.DescribeBillSummaryByProject(ctx, october)),
			"bill-union:DescribeProductCode":          errorFrom(c.DescribeProductCode(ctx)),
		} {
			if !IsDenied(err) || !strings.HasSuffix(err.Error(), "; grant "+permission+" to this key") {
				t.Errorf("%s, HTTP %d: %v", permission, status, err)
			}
		}
	}
	if IsDenied(&Error{Reason: Auth, Code: "SignatureDoesNotMatch"}) || IsDenied(nil) {
		t.Error("a wrong key, or nothing at all, counts as a lack of permission")
	}
}

func errorFrom[T any](_ T, err error) error { return err }

func TestRetryableReasons(t *testing.T) {
	want := []Reason{Throttled, Server, Network, Timeout, Incomplete}
	got := slices.DeleteFunc(Reasons(), func(r Reason) bool { return !r.retryable() })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("retryable reasons (-want +got):\n%s", diff)
	}
}

// TestBadAnswers has what is no answer of the API, and no error body of it either.
func TestBadAnswers(t *testing.T) {
	page := "<!DOCTYPE html>\n<html><head><title>502 Bad\tGateway</title></head>" + strings.Repeat("<p>nginx</p>", 40)
	start := "<!DOCTYPE html> <html><head><title>502 Bad Gateway</title></head>" + strings.Repeat("<p>nginx</p>", 40)
	excerpt := start[:200] + "..."
	tests := []struct {
		name              string
		status            int
		contentType, body string
		reason            Reason
		text              string
	}{
		{"HTML", 200, "text/html", page, Decode, "HTML in place of an answer: " + excerpt},
		{
			"HTML that says to be XML", 200, "text/xml", "<HTML>portal", Decode,
			"HTML in place of an answer: <HTML>portal",
		},
		{"body of a gateway that nobody can read", 502, "br", "x", Server, ""},
		{"HTML of a gateway", 502, "text/html", page, Server, excerpt},
		{
			"HTML of a login", 403, "text/html", "<html>log in</html>", Auth,
			"<html>log in</html>; check access_key_id, secret_access_key and what answers at api.endpoint",
		},
		{
			"not found", 404, "text/plain", "404 page not found\n", Invalid,
			"404 page not found; check that api.endpoint is the billing API's",
		},
		{"nothing at all", 404, "", "", Invalid, "check that api.endpoint is the billing API's"},
		{"redirect", 302, "", "", Decode, `a redirect to "https://elsewhere.example/", which is not followed`},
		{"empty", 200, "application/json", "", Incomplete, "answer is empty"},
		{"white space", 200, "", "\uFEFF \r\n\t ", Incomplete, "answer is empty"},
		{"text", 200, "", "it works", Decode, "neither JSON nor XML: it works"},
		{"list", 200, "application/json", "[]", Decode, `not what its type "application/json" says: []`},
		{"JSON as XML", 200, "text/xml", "{}", Decode, `not what its type "text/xml" says: {}`},
		{"XML as JSON", 200, "text/json", "<a/>", Decode, `not what its type "text/json" says: <a/>`},
		{"no set", 200, "", `{"RequestId":"1","Other":{"MonthBillSet":[]}}`, Incomplete, "answer has no MonthBillSet"},
		{"no set in XML", 200, "", "<R><RequestId>1</RequestId></R>", Incomplete, "answer has no MonthBillSet"},
		{"success without a set", 200, "", `{"code":200,"message":"ok"}`, Incomplete, "answer has no MonthBillSet"},
		{
			"text for an error", 200, "", `{"status":500,"error":"no such user","ok":false}`, Invalid,
			"no such user; check api.region and the months asked for",
		},
		{"set twice", 200, "", `{"MonthBillSet":[],"monthbillset":[]}`, Decode, "MonthBillSet: twice in one answer"},
		{"text for a set", 200, "", `{"MonthBillSet":"x"}`, Decode, "MonthBillSet: a text in place of a list"},
		{
			"number for a set in XML", 200, "", `<R><MonthBillSet>1</MonthBillSet></R>`, Decode,
			"MonthBillSet: a text in place of a list",
		},
		{
			"object for a request id", 200, "", `{"RequestId":{}}`, Decode,
			"RequestId: an object or a list in place of a text",
		},
		{"truncated", 200, "", noJSON, Incomplete, "jsontext: unexpected EOF after offset 34"},
		{"truncated in a name", 200, "", noJSON[:20], Incomplete, "jsontext: unexpected EOF after offset 20"},
		{"truncated XML", 200, "", "<R>\n<MonthBillSet/>", Incomplete, "unexpected EOF after offset 19"},
		{"only a declaration", 200, "", `<?xml version="1.0"?>`, Incomplete, "EOF"},
		{
			"malformed", 200, "", `{"MonthBillSet":[}`, Decode,
			`jsontext: invalid character '}' at start of value within "/MonthBillSet/0" after offset 17`,
		},
		{"malformed XML", 200, "", "<R><a></b></R>", Decode, "XML syntax error on line 1: element <a> closed by </b>"},
		{"more", 200, "", noJSON + "} {}", Decode, "something follows the answer's end"},
		{
			"more of something", 200, "", noJSON + "} x", Decode,
			"jsontext: invalid character 'x' at start of value after offset 36",
		},
		{
			"more XML", 200, "", "<R><MonthBillSet/></R> <!-- fine --> <R/>", Decode,
			"something follows the answer's end",
		},
		{"more text", 200, "", "<R><MonthBillSet/></R>x", Decode, "something follows the answer's end"},
		{
			"unknown encoding", 200, "", `<?xml version="1.0" encoding="EBCDIC"?><R/>`, Decode,
			`xml: opening charset "EBCDIC": encoding "EBCDIC": htmlindex: invalid encoding name`,
		},
		{"text between elements", 200, "", "<R>x<MonthBillSet/></R>", Decode, `text "x" between elements`},
		{
			"hostile names", 200, "", "{\"a\x00b\":1}", Decode,
			`jsontext: invalid character '\x00' in string (expecting non-control character) after offset 3`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "https://elsewhere.example/")
				if tt.contentType == "br" {
					w.Header().Set("Content-Encoding", "br")
				}
				respondWith(tt.status, tt.contentType, tt.body)(w, r)
			})
			bills, err := c.GetMonthBill(t.Context(), october, october)
			checkError(t, err, tt.reason, tt.text)
			if bills != nil {
				t.Errorf("bills %v in spite of the error", bills)
			}
		})
	}
}

// checkError compares an error's reason and its text behind the facts.
func checkError(t *testing.T, err error, reason Reason, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s: %s", reason, text)
	}
	if got := ReasonOf(err); got != reason {
		t.Errorf("reason %s, want %s", got, reason)
	}
	_, got, _ := strings.Cut(err.Error(), "HTTP ")
	_, got, _ = strings.Cut(got, ")")
	if got = strings.TrimLeft(got, ":; "); got != text {
		t.Errorf("text\n%q, want\n%q", got, text)
	}
}

// TestBrokenTransfer has bodies that end before their end.
func TestBrokenTransfer(t *testing.T) {
	for name, tt := range map[string]struct {
		end    func(http.ResponseWriter)
		reason Reason
		text   string
	}{
		"short of its length": {func(http.ResponseWriter) {}, Incomplete, "answer ended early: unexpected EOF"},
		"reset": {func(w http.ResponseWriter) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.(interface{ SetLinger(int) error }).SetLinger(0)
			conn.Close()
		}, Network, "connection reset by peer"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				w.Write([]byte(noJSON))
				w.(http.Flusher).Flush()
				tt.end(w)
			})
			_, err := c.GetMonthBill(t.Context(), october, october)
			if ReasonOf(err) != tt.reason || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %s: %v, want %s: %s", ReasonOf(err), err, tt.reason, tt.text)
			}
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	c := New(Options{Endpoint: "http://127.0.0.1:1", Credentials: testKeys})
	_, err := c.GetMonthBill(t.Context(), october, october)
	want := "GetMonthBill: dial tcp 127.0.0.1:1: connect: connection refused"
	if ReasonOf(err) != Network || err.Error() != want {
		t.Errorf("error %s: %v, want %s", ReasonOf(err), err, want)
	}
}

// Who hangs up without a word is named all the same: it may be a proxy.
func TestClosedConnection(t *testing.T) {
	c := newTestClient(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := c.GetMonthBill(t.Context(), october, october)
	want := "GetMonthBill: " + strings.TrimPrefix(c.options.Endpoint, "http://") + ": EOF"
	if ReasonOf(err) != Network || err.Error() != want {
		t.Errorf("error %s: %v, want %s", ReasonOf(err), err, want)
	}
}

// TestNoSecrets lets everything that a server can write repeat what it must not.
func TestNoSecrets(t *testing.T) {
	const signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	echo := fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/20261022/cn-beijing-6/bill/aws4_request, "+
		"Signature=%s \\n %s \u202e%s", testKeyID, signature, testSecret, strings.Repeat("x", 5000))
	secrets := []string{testKeyID, testSecret, signature, "20261022", "\n", "\u202e"}
	bodies := map[string]string{
		"message":    `{"Error":{"Code":"AuthFailure","Message":"` + echo + `"}}`,
		"code":       `{"Error":{"Code":"` + echo + `"}}`,
		"request id": `{"RequestId":"` + echo + `"}`,
		"text":       strings.ReplaceAll(echo, `\n`, "\n"),
		"html":       "<html>" + echo,
		"amount":     `{"MonthBillSet":[{"BillMonth":"2026-10","Sum":"` + echo + `"}]}`,
		"month":      `{"MonthBillSet":[{"BillMonth":"` + testSecret + `"}]}`,
		"name":       `{"MonthBillSet":[{"` + testSecret + `":x}]}`,
	}
	for name, body := range bodies {
		for _, status := range []int{200, 403} {
			_, err := newTestClient(t, respondWith(status, "", body)).GetMonthBill(t.Context(), october, october)
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			for _, secret := range secrets {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s, HTTP %d: %q in %q", name, status, secret, err)
				}
			}
			if len(err.Error()) > 1000 {
				t.Errorf("%s, HTTP %d: an error of %d bytes", name, status, len(err.Error()))
			}
		}
	}
}

func TestCredentialsNeverPrinted(t *testing.T) {
	keys, _ := testKeys()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{keys, &keys, []Credentials{keys}, struct{ Keys Credentials }{keys}} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, testSecret) || !strings.Contains(got, "<secret>") {
				t.Errorf("%s of %T: %s", verb, value, got)
			}
		}
	}
	text, err := keys.MarshalText()
	if want := "key " + testKeyID + " <secret>"; err != nil || string(text) != want {
		t.Errorf("MarshalText: %s, %v, want %s", text, err, want)
	}
}

func TestBadCredentials(t *testing.T) {
	missing := errors.New("open key: no such file")
	for name, tt := range map[string]struct {
		keys func() (Credentials, error)
		text string
	}{
		"none": {nil, "GetMonthBill: no credentials"},
		"failing": {
			func() (Credentials, error) { return Credentials{}, missing },
			"GetMonthBill: credentials: open key: no such file",
		},
		"empty": {
			func() (Credentials, error) { return Credentials{}, nil },
			"GetMonthBill: credentials: access_key_id or secret_access_key is empty",
		},
		"no secret": {
			func() (Credentials, error) { return Credentials{"a", ""}, nil },
			"GetMonthBill: credentials: access_key_id or secret_access_key is empty",
		},
	} {
		c := New(Options{Endpoint: "http://127.0.0.1:1", Credentials: tt.keys})
		_, err := c.GetMonthBill(t.Context(), october, october)
		if ReasonOf(err) != Auth || err.Error() != tt.text {
			t.Errorf("%s: %s: %v, want %s", name, ReasonOf(err), err, tt.text)
		}
		if name == "failing" && !errors.Is(err, missing) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}
