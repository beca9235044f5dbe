package billclient

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billsim"
)

// The values of the sample on the API's page about getMonthConsume, in both notations.
const (
	consumeJSON = `{"RequestId":"r","BeginDate":"2019-08-01","EndDate":"2019-08-28","MonthBillSet":[{` +
		`"BillProductSet":[{"Code":"KSS","Cost":8207703.66,"Name":"KSS存储"}],"BillId":"KSYZD0073406772201908",` +
		`"Sum":8207703.66,"BillType":"postpay","BillMonth":"2019-08"}]}`
	consumeXML = `<?xml version="1.0" encoding="UTF-8"?>
<GetMonthConsumeResponse>
  <BeginDate>2019-08-01</BeginDate><EndDate>2019-08-28</EndDate><RequestId>r</RequestId>
  <MonthBillSet><Item>
    <BillProductSet><Item><Code>KSS</Code><Cost>8207703.66</Cost><Name>KSS存储</Name></Item></BillProductSet>
    <BillId>KSYZD0073406772201908</BillId><Sum>8207703.66</Sum><BillType>postpay</BillType>
    <BillMonth>2019-08</BillMonth>
  </Item></MonthBillSet>
</GetMonthConsumeResponse>`
)

var august2019 = FirstMonth.Add(14)

func sampleConsume() MonthConsume {
	return MonthConsume{
		Month:    august2019,
		BillType: "postpay",
		BillID:   "KSYZD0073406772201908",
		Sum:      mustAmount("8207703.66"),
		Products: []ProductCost{{"KSS", "KSS存储", mustAmount("8207703.66")}},
		Begin:    mustDay("2019-08-01"),
		End:      mustDay("2019-08-28"),
	}
}

// TestMonthConsumes tests the sample, and estimates that are unusual and valid.
func TestMonthConsumes(t *testing.T) {
	sample := sampleConsume()
	with := func(begin, end Day) []MonthConsume {
		m := sample
		m.Begin, m.End = begin, end
		return []MonthConsume{m}
	}
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(consumeJSON) }
	const begin, end = `"BeginDate":"2019-08-01",`, `"EndDate":"2019-08-28",`
	for name, tt := range map[string]struct {
		body string
		want []MonthConsume
	}{
		"JSON":                {consumeJSON, []MonthConsume{sample}},
		"XML":                 {consumeXML, []MonthConsume{sample}},
		"names in other case": {edit(`Date"`, `DATE"`, `"Sum"`, `"sum"`, `"Month`, `"month`), []MonthConsume{sample}},
		"days behind the set": {
			edit(begin+end, "", `08"}]}`, `08"}],`+begin+end[:len(end)-1]+`}`),
			[]MonthConsume{sample},
		},
		"days with a time": {
			edit(`08-01"`, `08-01 00:00:00"`, `08-28"`, `08-28 23:59:59"`),
			[]MonthConsume{sample},
		},
		"days as numbers":   {edit(`"2019-08-01"`, "20190801", `"2019-08-28"`, "20190828"), []MonthConsume{sample}},
		"no days":           {edit(begin, "", end, ""), with(0, 0)},
		"empty days":        {edit(`"2019-08-01"`, `null`, `"2019-08-28"`, `" "`), with(0, 0)},
		"day after the end": {edit(`2019-08-28`, `2019-09-01`), with(sample.Begin, mustDay("2019-09-01"))},
		"none":              {`{"BeginDate":"","EndDate":"","MonthBillSet":[]}`, nil},
		"null":              {`{"MonthBillSet":null}`, nil},
		"none in XML":       {`<R><EndDate/><MonthBillSet/></R>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var query map[string][]string
			c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
				query = r.URL.Query()
				respondWith(200, "", tt.body)(w, r)
			})
			got, err := c.GetMonthConsume(t.Context(), august2019)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, equalAmounts); diff != "" {
				t.Errorf("estimates (-want +got):\n%s", diff)
			}
			want := map[string][]string{
				"Action": {"getMonthConsume"}, "Version": {"2018-06-01"}, "BillMonth": {"2019-08"},
			}
			if diff := cmp.Diff(want, query); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadMonthConsumes(t *testing.T) {
	tests := []struct {
		name, old, new string
		reason         Reason
		text           string
	}{
		{"no set", "MonthBillSet", "Bills", Incomplete, "answer has no MonthBillSet"},
		{"no sum", `"Sum":8207703.66,`, "", Decode, "MonthBillSet 1: Sum: missing"},
		{
			"bad cost", `"Cost":8207703.66`, `"Cost":"?"`, Decode,
			`MonthBillSet 1: BillProductSet 1: Cost: amount "?": not a decimal number`,
		},
		{
			"other month", `"2019-08"`, `"2019-09"`, Decode, `MonthBillSet 1: BillMonth "2019-09": asked for 2019-08`,
		},
		{
			"bad begin", `"2019-08-01"`, `"2019-08-00"`, Decode,
			`BeginDate: day "2019-08-00": want YYYY-MM-DD`,
		},
		{"bad end", `2019-08-28`, `yesterday`, Decode, `EndDate: day "yesterday": want YYYY-MM-DD`},
		{
			"list for a day", `"2019-08-28"`, `["2019-08-28"]`, Decode,
			"EndDate: an object or a list in place of a text",
		},
		{"two ends", `{"Req`, `{"enddate":"2019-08-27","Req`, Decode, "EndDate: twice in one answer"},
		{
			"twice", `Set":[`, `Set":[{"BillMonth":"2019-08","Sum":1,"BillId":"KSYZD0073406772201908"},`, Decode,
			`MonthBillSet 2: BillId "KSYZD0073406772201908": twice in one answer`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := strings.Replace(consumeJSON, tt.old, tt.new, 1)
			months, err := newTestClient(t, respondWith(200, "", body)).GetMonthConsume(t.Context(), august2019)
			checkError(t, err, tt.reason, tt.text)
			if months != nil {
				t.Errorf("estimates %v in spite of the error", months)
			}
		})
	}
}

// TestOtherRefusals tests that no other refusal makes the client try another version of the action.
func TestOtherRefusals(t *testing.T) {
	denied := simulatedCustomer(eightLines)
	denied[0].Denied = []string{GetMonthConsume}
	const months = "; check api.region and the months asked for"
	for name, tt := range map[string]struct {
		accounts []billsim.Account
		month    Month
		reason   Reason
		text     string
	}{
		"a month too old": {
			simulatedCustomer(eightLines), october.Add(-2), Invalid,
			"There is one or more invalid parameter(BillMonth)." + months,
		},
		"a month to come": {
			simulatedCustomer(eightLines), october.Add(1), Invalid,
			"There is one or more invalid parameter(BillMonth)." + months,
		},
		"no permission": {
			denied, october, Auth,
			"user 73400575 forbidden request this api; grant bill:getMonthConsume to this key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := billsim.New(tt.accounts)
			runSimulation(t, Options{MaxRetries: 3}, s, func(t *testing.T, c *conversation) {
				_, err := c.GetMonthConsume(t.Context(), tt.month)
				checkError(t, err, tt.reason, tt.text)
				if IsUnknownAction(err) || len(c.calls) != 1 {
					t.Errorf("%d calls, unknown action: %v", len(c.calls), IsUnknownAction(err))
				}
			})
		})
	}
	s := billsim.New(simulatedCustomer(eightLines))
	runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
		months, err := c.GetMonthConsume(t.Context(), october.Add(-1))
		if err != nil || len(months) != 1 || months[0].Sum.String() != "8" || months[0].End != mustDay("2026-09-08") {
			t.Errorf("the previous month: %v, error %v", months, err)
		}
	})
}
