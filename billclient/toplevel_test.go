package billclient

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// deniedJSON in other forms.
const (
	deniedLower = `{"requestid":"51aee78d","error":{"type":"Sender","code":"Forbidden Request",` +
		`"message":"user 73400575 forbidden request this api"}}`
	deniedXML = `<?xml version="1.0"?><ErrorResponse><RequestId>51aee78d</RequestId><Error><Type>Sender</Type>` +
		`<code>Forbidden Request</code><Message>user 73400575 forbidden request this api</Message></Error>` +
		`</ErrorResponse>`
	deniedOld = `{"requestId":"51aee78d","code":403,"message":"user 73400575 forbidden request this api",` +
		`"codeDesc":"Forbidden Request"}`
)

// TestErrorBodies tests every form of an error body.
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

// TestBadAnswers tests what is neither a valid answer of the API nor an error body of it.
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
		{"truncated", 200, "", unfinishedAnswer, Incomplete, "unexpected EOF after offset 34"},
		{"truncated in a name", 200, "", unfinishedAnswer[:20], Incomplete, "unexpected EOF after offset 20"},
		{"truncated XML", 200, "", "<R>\n<MonthBillSet/>", Incomplete, "unexpected EOF after offset 19"},
		{"only a declaration", 200, "", `<?xml version="1.0"?>`, Incomplete, "EOF"},
		{
			"malformed", 200, "", `{"MonthBillSet":[}`, Decode,
			`MonthBillSet 1: character '}' in place of a value within "/MonthBillSet/0" after offset 17`,
		},
		{"malformed XML", 200, "", "<R><a></b></R>", Decode, "XML syntax error on line 1: element <a> closed by </b>"},
		{"more", 200, "", unfinishedAnswer + "} {}", Decode, "something follows the answer's end"},
		{
			"more of something", 200, "", unfinishedAnswer + "} x", Decode,
			"something follows the answer's end",
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
			`character '\x00' in a string after offset 3`,
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
