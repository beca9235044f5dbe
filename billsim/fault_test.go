package billsim

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFaults checks what a client over TCP gets with each fault, and that it gets a good answer after it.
func TestFaults(t *testing.T) {
	with := func(f Fault, change func(*Fault)) Fault {
		change(&f)
		return f
	}
	const head = `200 application/json; charset=UTF-8 {"RequestId":"ID","PostpayDetailBillSet":[`
	const whole = head + `a,b,c]}`
	tests := []struct {
		name  string
		fault Fault
		want  string
	}{
		{"none", Fault{}, whole},
		{
			"JSON error", Refuse(JSONError, 500, "Server unavailable", "Server error"),
			`500 ` + typeJSON + ` {"RequestId":"ID","Error":{"Code":"Server unavailable","Message":"Server error"}}`,
		},
		{"typed error under 200", Refuse(JSONTypedError, 200, "C", "M\"\n"), `200 application/json; charset=UTF-8 ` +
			`{"RequestId":"ID","Error":{"Type":"Sender","Code":"C","Message":"M\"\n"}}`},
		{
			"lower-case error", Refuse(JSONLowerError, 400, "C", "M"),
			`400 ` + typeJSON + ` {"requestid":"ID","error":{"type":"Sender","code":"C","message":"M"}}`,
		},
		{
			"old error", Refuse(OldError, 403, "C", "M"),
			`403 application/json; charset=UTF-8 {"code":403,"message":"M","codeDesc":"C"}`,
		},
		{"XML error", Refuse(XMLError, 503, "C", "<M>"), `503 application/xml; charset=UTF-8 <ErrorResponse>` +
			`<RequestId>ID</RequestId><Error><Type>Sender</Type><Code>C</Code><Message>&lt;M&gt;</Message></Error>` +
			`</ErrorResponse>`},
		{"throttled", Busy(429, time.Minute), `429 application/json; charset=UTF-8 {"RequestId":"ID",` +
			`"Error":{"Code":"Throttling","Message":"Request was denied due to request throttling."}}`},
		{"a proxy's page", Page(200), "200 text/html <html>\r\n<head><title>200 OK</title></head>\r\n<body>\r\n" +
			"<center><h1>200 OK</h1></center>\r\n</body>\r\n</html>\r\n"},
		{"empty", Raw(200, "application/json", ""), "200 application/json "},
		{"malformed", Raw(200, "application/json", `{"RequestId":`), `200 application/json {"RequestId":`},
		{"elsewhere", Redirect("http://192.0.2.1/"), "302  "},
		{
			"no type",
			Fault{Header: http.Header{"content-type": nil}},
			strings.Replace(whole, "application/json; charset=UTF-8", "", 1),
		},
		{
			"other type",
			Fault{Header: http.Header{"Content-Type": {"text/plain"}}},
			strings.Replace(whole, "application/json; charset=UTF-8", "text/plain", 1),
		},
		{"gzip", Fault{Gzip: true}, whole}, // undone by net/http
		{"gzip, broken off", with(Break(Drop, 2), func(f *Fault) { f.Gzip = true }), head + "a,b then unexpected EOF"},
		{"length", Fault{Length: true}, whole},
		{"length, cut", with(Break(Cut, 1), func(f *Fault) { f.Length = true }), head + "a then unexpected EOF"},
		{"cut after lines", Break(Cut, 2), head + "a,b"},
		{"cut after bytes", Fault{End: Cut, AfterBytes: 5}, `200 application/json; charset=UTF-8 {"Req`},
		{"cut at once", Fault{End: Cut}, "200 application/json; charset=UTF-8 "},
		{"cut an error", with(Page(502), func(f *Fault) { f.End, f.AfterBytes = Cut, 6 }), "502 text/html <html>"},
		{"cut beyond the end", Break(Cut, 4), whole},
		{"dropped after lines", Break(Drop, 3), head + "a,b,c then unexpected EOF"},
		{
			"dropped after bytes",
			Fault{End: Drop, AfterBytes: 1},
			`200 application/json; charset=UTF-8 { then unexpected EOF`,
		},
		{"dropped after the last byte", Fault{End: Drop, AfterBytes: 1472}, whole + " then unexpected EOF"},
		{"dropped at once", Fault{End: Drop}, "EOF"},
		{"reset after lines", Break(Reset, 1), head + "a then connection reset by peer"},
		{"reset at once", Fault{End: Reset}, "connection reset by peer"},
		{
			"null set",
			Fault{Forms: map[string]Form{"PostpayDetailBillSet": Null}},
			strings.Replace(whole, "[a,b,c]", "null", 1),
		},
		{
			"missing set",
			Fault{Forms: map[string]Form{"PostpayDetailBillSet": Missing}},
			`200 application/json; charset=UTF-8 {"RequestId":"ID"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := serve(t, accountOf(map[string]Bill{"2018-06": numberedBill(3)}))
			tt.fault.Times = 1
			s.Fault(tt.fault)
			if got := describeOutcome(c.do(linesQuery)); got != tt.want {
				t.Errorf("with the fault\n got %s\nwant %s", got, tt.want)
			}
			if got := describeOutcome(c.do(linesQuery)); got != whole {
				t.Errorf("after it\n got %s", got)
			}
		})
	}
}

func TestFaultHeaders(t *testing.T) {
	s, c := serve(t, accountOf(map[string]Bill{"2018-06": numberedBill(3)}))
	tests := []struct {
		fault        Fault
		header, want string
	}{
		{Busy(503, 90*time.Second), "Retry-After", "90"},
		{Redirect("http://192.0.2.1/"), "Location", "http://192.0.2.1/"},
		{Fault{Gzip: true}, "Content-Encoding", "gzip"},
		{Fault{Length: true}, "Content-Length", "1472"},
	}
	for _, tt := range tests {
		undo := s.Fault(tt.fault)
		r := c.request(linesQuery)
		r.Header.Set("Accept-Encoding", "gzip") // asked for by hand, it is not undone
		signHeader(r, "AKSAMPLE", "secret", noon)
		resp, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get(tt.header); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.header, got, tt.want)
		}
		c.read(resp)
		undo()
	}
}

// TestFaultyFields checks wrong amounts, months and types in an answer that is otherwise good.
func TestFaultyFields(t *testing.T) {
	s, c := serve(t, accountOf(map[string]Bill{"2018-06": numberedBill(3)}))
	tests := []struct {
		name  string
		fault Fault
		query string
		want  string
	}{
		{"bad amount", BadAmount(2, "n/a"), linesQuery, `"Cost":"n/a"`},
		{"wrong month", WrongMonth(3, "2018-07"), linesQuery, `"BillMonth":"2018-07"`},
		{
			"missing field",
			Fault{Forms: map[string]Form{"ZoneName": Missing}},
			linesQuery,
			`"RegionName":"","RuleRemark"`,
		},
		{"null field", Fault{Forms: map[string]Form{"Cost": Null}}, linesQuery, `"Cost":null`},
		{"number", Fault{Forms: map[string]Form{"Cost": AsNumber}}, linesQuery, `"Cost":1.00,`},
		{"string", Fault{Forms: map[string]Form{"Cost": AsString}}, "Action=GetMonthBill&" + monthQuery, `"Cost":"3"`},
		{"string id", Fault{Forms: map[string]Form{"Id": AsString}}, "Action=GetMonthBill&" + monthQuery, `"Id":"0"`},
		{
			"inner set",
			Fault{Forms: map[string]Form{"BillProjectSet": Missing}},
			"Action=GetMonthBill&" + monthQuery,
			`"BillProductSet":[{"Code":"KEC","Cost":3,"Name":""}],"BillMonth"`,
		},
		{"null tags", Fault{Forms: map[string]Form{"TagSet": Null}}, linesQuery, `"TagSet":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			undo := s.Fault(tt.fault)
			if _, got := c.get(tt.query); !strings.Contains(got, tt.want) {
				t.Errorf("with the fault, no %s in %s", tt.want, got)
			}
			undo()
			if _, got := c.get(tt.query); strings.Contains(got, tt.want) {
				t.Errorf("without the fault, %s in %s", tt.want, got)
			}
		})
	}
	t.Run("XML", func(t *testing.T) {
		x := *c
		x.accept = ""
		defer s.Fault(Fault{Forms: map[string]Form{"ZoneName": Missing, "TagSet": Null, "Cost": Null}})()
		_, got := x.get(linesQuery)
		for _, want := range []string{"</RegionName><RuleRemark>", "<TagSet/></Item>", "<Cost/>"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %s in %s", want, got)
			}
		}
	})
	t.Run("CSV", func(t *testing.T) {
		defer s.Fault(Break(Cut, 1))()
		if _, got := c.get("Action=GetPostpayDetailBillCSV&" + monthQuery); strings.Count(got, "\n") != 2 {
			t.Errorf("more or less than a header and a line: %q", got)
		}
	})
}

// TestNoBillOf checks that an answer about several months leaves one out, and that an answer about it alone has it.
func TestNoBillOf(t *testing.T) {
	s, c := serve(t, accountOf(map[string]Bill{"2018-06": numberedBill(1), "2018-07": numberedBill(1)}))
	s.Fault(Fault{NoBillOf: "2018-06"})
	const query = "Action=GetMonthBill&Version=2018-06-01&BillEndMonth="
	for months, want := range map[string]string{
		"2018-07&BillStartMonth=2018-06": "2018-07", "2018-06&BillStartMonth=2018-06": "2018-06",
	} {
		_, got := c.get(query + months)
		if strings.Count(got, `"BillMonth"`) != 1 || !strings.Contains(got, `"BillMonth":"`+want+`"`) {
			t.Errorf("%s: %s", months, got)
		}
	}
}

// TestFaultMatch checks which calls have a fault and how often. A wrong signature is refused without using one up.
func TestFaultMatch(t *testing.T) {
	other := accountOf(nil)
	other.AccessKeyID = "AKOTHER"
	s, c := serve(t, accountOf(nil), other)
	status := func(action, key, secret string) int {
		r := c.request("Action=" + action + "&" + monthQuery)
		signHeader(r, key, secret, noon)
		resp, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		c.read(resp)
		return resp.StatusCode
	}
	want := func(action, key string, want int) {
		t.Helper()
		if got := status(action, key, "secret"); got != want {
			t.Errorf("%s by %s: %d, want %d", action, key, got, want)
		}
	}
	twice := Page(502)
	twice.Action, twice.AccessKeyID, twice.Times = "GetMonthBill", "AKSAMPLE", 2
	s.Fault(twice)
	undo := s.Fault(Page(503))
	want("GetMonthBill", "AKSAMPLE", 502)
	want("GetMonthBill", "AKOTHER", 503)
	want("GetPostpayDetailBill", "AKSAMPLE", 503)
	if got := status("GetMonthBill", "AKSAMPLE", "wrong"); got != 403 {
		t.Errorf("wrong signature: %d", got)
	}
	want("GetMonthBill", "AKSAMPLE", 502)
	want("GetMonthBill", "AKSAMPLE", 503)
	undo()
	undo()
	want("GetMonthBill", "AKSAMPLE", 200)
}

// TestPatience runs in a bubble, where the faults that take time pass at once.
func TestPatience(t *testing.T) {
	tests := []struct {
		name    string
		fault   Fault
		timeout time.Duration
		want    string
		took    time.Duration
	}{
		{"never", Never(), time.Hour, "context deadline exceeded", time.Hour},
		{
			"stall after a line", Break(Stall, 1), time.Minute,
			`200 ` + typeJSON + ` {"RequestId":"ID","PostpayDetailBillSet":[a then context deadline exceeded`,
			time.Minute,
		},
		{
			"drip",
			Fault{Drip: time.Second, End: Cut, AfterBytes: 20},
			time.Hour,
			`200 application/json; charset=UTF-8 {"RequestId":"b11151`, 20 * time.Second,
		},
		{
			"drip too slow",
			Fault{Drip: time.Second},
			2500 * time.Millisecond,
			`200 application/json; charset=UTF-8 {"R then context deadline exceeded`, 2500 * time.Millisecond,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New([]Account{accountOf(map[string]Bill{"2018-06": numberedBill(3)})})
				s.Fault(tt.fault)
				transport, stop := PipeTransport(s)
				defer stop()
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				c := client{t: t, url: "https://bill.api.ksyun.com", accept: "application/json"}
				r := c.request(linesQuery).WithContext(ctx)
				signHeader(r, "AKSAMPLE", "secret", time.Now())
				start := time.Now()
				if got := describeOutcome(transport.RoundTrip(r)); got != tt.want {
					t.Errorf("got %s\nwant %s", got, tt.want)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
			})
		})
	}
}
