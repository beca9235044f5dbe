package billclient

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billsim"
)

// The facts of the sample on the API's page about getMonthConsume, in both notations.
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

// TestMonthConsumes has the sample, and estimates that are unusual and right.
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

// runSimulation runs a test in October 2026 against a simulated API.
func runSimulation(t *testing.T, o Options, s *billsim.Server, test func(t *testing.T, c *conversation)) {
	t.Helper()
	o.Region, o.DailyCalls = "cn-beijing-6", 50 // an end for a client that would read pages for ever
	runConversation(t, o, func(t *testing.T, c *conversation) {
		time.Sleep(time.Until(october.Start().AddDate(0, 0, 20)))
		test(t, c)
	}, s.ServeHTTP)
}

func simulatedCustomer(consume func(string) (billsim.Consumption, bool)) []billsim.Account {
	return []billsim.Account{{
		AccessKeyID: testKeyID, SecretAccessKey: testSecret, CustomerID: "73400575", Consume: consume,
	}}
}

// eightLines are of eight days, a to h.
func eightLines(month string) (billsim.Consumption, bool) {
	lines := func(yield func(billsim.Line) bool) {
		for i := range 8 {
			l := billsim.Line{
				DetailBillNo: string(rune('a' + i)), StatDate: fmt.Sprintf("%s-%02d", month, i+1), ProductCode: "KEC",
				InstanceName: `<a&b>"`, Cost: billsim.Yuan, MeasureAmount: 2 * billsim.Yuan,
				Tags: []billsim.KeyValue{{Key: "部门", Value: "广告"}},
			}
			if !yield(l) {
				return
			}
		}
	}
	return billsim.Consumption{Bill: billsim.Bill{Lines: lines}, EndDate: month + "-08"}, true
}

func wantEightLines() []Line {
	var lines []Line
	for i := range 8 {
		lines = append(lines, Line{
			DetailBillNo: string(rune('a' + i)), Month: october, CustomerID: "73400575",
			StatDate: DayOf(october.Start()).Add(i), ProductCode: "KEC", InstanceName: `<a&b>"`, Cost: mustAmount("1"),
			ListCost: mustAmount("2"), BillDays: "0", BillHours: "0", Tags: []KeyValue{{"部门", "广告"}},
		})
	}
	return lines
}

// threeLinesPerPage makes pages of three lines, whatever is asked for, and then what the other faults do to them.
func threeLinesPerPage(first int, more ...billsim.Fault) billsim.Fault {
	return billsim.Fault{EditPage: func(p *billsim.LinePage) {
		p.PageSize, p.Lines, p.Skipped = 3, 3, 3*max(0, p.PageNo-first)
		for _, f := range more {
			f.EditPage(p)
		}
	}}
}

// TestPages reads eight lines from pages of three, from every kind of API that there may be.
func TestPages(t *testing.T) {
	fromOne, consume2022 := billsim.WithPagesFromOne(), billsim.WithConsume2022()
	for name, tt := range map[string]struct {
		options []billsim.Option
		first   int
		calls   string // action, version and page
	}{
		"from 0": {nil, 0, "getPostpayDetailConsume 2018-06-01: 0 1 2"},
		"from 1": {[]billsim.Option{fromOne}, 1, "getPostpayDetailConsume 2018-06-01: 0 1 2 3"},
		"2022": {
			[]billsim.Option{consume2022},
			0,
			"getPostpayDetailConsume 2018-06-01: 0; GetPostpayDetailConsume 2022-06-01: 0 1 2",
		},
		"2022, from 1": {
			[]billsim.Option{consume2022, fromOne},
			1,
			"getPostpayDetailConsume 2018-06-01: 0; GetPostpayDetailConsume 2022-06-01: 0 1 2 3",
		},
	} {
		for _, accept := range []string{"application/json", "application/xml"} {
			t.Run(name+" "+accept, func(t *testing.T) {
				s := billsim.New(simulatedCustomer(eightLines), tt.options...)
				s.Fault(threeLinesPerPage(tt.first))
				runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
					c.http.Transport = acceptTransport{accept, c.http.Transport}
					q := ConsumeQuery{Month: october, ProductCode: "KEC", Sets: true}
					got, err := collectLines(c.GetPostpayDetailConsume(t.Context(), q))
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(wantEightLines(), got, equalAmounts); diff != "" {
						t.Errorf("lines (-want +got):\n%s", diff)
					}
					if got := listCalls(s); got != tt.calls {
						t.Errorf("calls %s, want %s", got, tt.calls)
					}
					n := len(s.Calls())
					if used, _ := c.Calls(); used != n || len(c.attempts) != n {
						t.Errorf("%d calls counted, %d observed, want %d", used, len(c.attempts), n)
					}
				})
			})
		}
	}
}

// acceptTransport asks for another notation than the client does.
type acceptTransport struct {
	accept string
	http.RoundTripper
}

func (a acceptTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", a.accept)
	return a.RoundTripper.RoundTrip(r)
}

// listCalls lists the pages that were asked for, by action and version.
func listCalls(s *billsim.Server) string {
	text, last := "", ""
	for _, call := range s.Calls() {
		if head := call.Action + " " + call.Query.Get("Version") + ":"; head != last {
			text += "; " + head
			last = head
		}
		text += " " + call.Query.Get("PageNo")
	}
	return strings.TrimPrefix(text, "; ")
}

// TestPageParameters looks at the query of a page.
func TestPageParameters(t *testing.T) {
	s := billsim.New(simulatedCustomer(eightLines))
	runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
		q := ConsumeQuery{Month: october, ProductCode: "EIP", ProjectID: "0"}
		if got, err := collectLines(c.GetPostpayDetailConsume(t.Context(), q)); got != nil || err != nil {
			t.Errorf("lines %v, error %v", got, err)
		}
		want := map[string][]string{
			"Action": {"getPostpayDetailConsume"}, "Version": {"2018-06-01"}, "BillMonth": {"2026-10"},
			"ProductCode": {"EIP"}, "ProjectId": {"0"}, "PageNo": {"0"}, "PageSize": {"5000"},
		}
		if diff := cmp.Diff(want, map[string][]string(s.Calls()[0].Query)); diff != "" {
			t.Errorf("query (-want +got):\n%s", diff)
		}
	})
}

// TestFirstPage has APIs that count pages in either way, and those that leave something out.
func TestFirstPage(t *testing.T) {
	oneLine := func(month string) (billsim.Consumption, bool) {
		c, _ := eightLines(month)
		lines := c.Lines
		c.Lines = func(yield func(billsim.Line) bool) {
			for l := range lines {
				yield(l)
				return
			}
		}
		return c, true
	}
	fromOne := []billsim.Option{billsim.WithPagesFromOne()}
	for name, tt := range map[string]struct {
		consume func(string) (billsim.Consumption, bool)
		options []billsim.Option
		fault   billsim.Fault
		first   int
		ok      bool
	}{
		"from 0":             {consume: eightLines, first: 0, ok: true},
		"from 1":             {consume: eightLines, options: fromOne, first: 1, ok: true},
		"one line from 0":    {consume: oneLine, first: 0, ok: true},
		"one line from 1":    {consume: oneLine, options: fromOne, first: 1, ok: true},
		"nothing on page 0":  {consume: eightLines, fault: billsim.MissingPage(0), first: 1, ok: true},
		"nothing in a month": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := billsim.New(simulatedCustomer(tt.consume), tt.options...)
			s.Fault(tt.fault)
			runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
				first, ok, err := c.FirstPage(t.Context(), october)
				if err != nil || first != tt.first || ok != tt.ok {
					t.Errorf("%d, %t, %v, want %d, %t", first, ok, err, tt.first, tt.ok)
				}
				if want := "getPostpayDetailConsume 2018-06-01: 0 1"; listCalls(s) != want {
					t.Errorf("calls %s, want %s", listCalls(s), want)
				}
			})
		})
	}
	_, _, err := newTestClient(t, respondWith(500, "", "")).FirstPage(t.Context(), october)
	checkError(t, err, Server, "")
}

// TestFullPages adds up what is on pages as large as the API has them.
func TestFullPages(t *testing.T) {
	for first, options := range [][]billsim.Option{nil, {billsim.WithPagesFromOne()}} {
		consume := billsim.GeneratedConsumption("73400575", 3, 4001, 1)
		want := map[string]string{}
		consumption, _ := consume("2026-10")
		for day, sums := range consumption.ByDay() {
			want[day] = fmt.Sprint(sums.Lines, " ", mustAmount(sums.Total.String()))
		}
		s := billsim.New(simulatedCustomer(consume), options...)
		runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
			lines, sums := map[string]int{}, map[string]Amount{}
			for line, err := range c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}) {
				if err != nil {
					t.Fatal(err)
				}
				day := line.StatDate.String()
				lines[day]++
				sums[day] = sums[day].Add(line.Cost)
			}
			got := map[string]string{}
			for day, sum := range sums {
				got[day] = fmt.Sprint(lines[day], " ", sum)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pages from %d: days (-want +got):\n%s", first, diff)
			}
			if n := len(s.Calls()); n != 3+first {
				t.Errorf("pages from %d: %d calls", first, n)
			}
		})
	}
}

// TestPagesThatDoNotAddUp are no bill, neither a cheap nor a dear one.
func TestPagesThatDoNotAddUp(t *testing.T) {
	const prefix = "the pages do not add up: "
	for name, tt := range map[string]struct {
		faults []billsim.Fault
		text   string
		lines  string // that were read before
	}{
		"more in total": {
			[]billsim.Fault{billsim.ChangedTotal(1, 2)}, "page 1: " + prefix + "Total is 10, it was 8", "abcdef",
		},
		"less in total at last": {
			[]billsim.Fault{billsim.ChangedTotal(2, -1)}, "page 2: " + prefix + "Total is 7, it was 8", "abcdefgh",
		},
		"missing": {
			[]billsim.Fault{billsim.MissingPage(1)}, "page 1: " + prefix + "no lines after 3 of 8", "abc",
		},
		"missing at first": {
			[]billsim.Fault{billsim.MissingPage(0)}, "page 0: " + prefix + "no lines after 0 of 8", "",
		},
		"missing at last": {
			[]billsim.Fault{billsim.MissingPage(2)}, "page 2: " + prefix + "no lines after 6 of 8", "abcdef",
		},
		"short of Total": {
			[]billsim.Fault{{EditPage: func(p *billsim.LinePage) { p.Total++ }}},
			"page 3: " + prefix + "no lines after 8 of 9", "abcdefgh",
		},
		"page 1 repeated, though the first is 0": {
			[]billsim.Fault{billsim.RepeatedPage(1)}, "page 3: " + prefix + "no lines after 5 of 8", "abcgh",
		},
		"page 2 repeated": {
			[]billsim.Fault{billsim.RepeatedPage(2)}, "page 2: " + prefix + "the same lines as on page 1", "abcdef",
		},
		"always the same page": {
			[]billsim.Fault{{EditPage: func(p *billsim.LinePage) { p.Skipped = 0 }}},
			"page 2: " + prefix + "the same lines as on page 1", "abc",
		},
		"more than Total": {
			[]billsim.Fault{{EditPage: func(p *billsim.LinePage) { p.Total = 2 }}},
			"page 0: " + prefix + "3 lines, Total is 2", "abc",
		},
		"more than Total at last": {
			[]billsim.Fault{{EditPage: func(p *billsim.LinePage) { p.Total = 5 }}},
			"page 1: " + prefix + "6 lines, Total is 5", "abcdef",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := billsim.New(simulatedCustomer(eightLines))
			s.Fault(threeLinesPerPage(0, tt.faults...))
			runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
				lines, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
				checkError(t, err, Incomplete, tt.text)
				if got := lineNumbers(lines); got != tt.lines {
					t.Errorf("lines %s, want %s", got, tt.lines)
				}
				if last := c.attempts[len(c.attempts)-1]; last.Reason != Incomplete {
					t.Errorf("the last attempt was %+v", last)
				}
			})
		})
	}
}

func lineNumbers(lines []Line) (text string) {
	for _, line := range lines {
		text += line.DetailBillNo
	}
	return text
}

// TestAlikeLines has pages that begin, or are, like the page before and yet are not the same page.
func TestAlikeLines(t *testing.T) {
	for _, pages := range [][]string{
		{"ab", "ac", "d"},
		{"ab", "a"},
		{"aa", "a"},
		{"ab", "abc"},
		{"ab", "ba", "ab"},
		{"ab", "ab", "cd", "c", "e"}, // from 1
	} {
		all := strings.Join(pages, "")
		if pages[0] == pages[1] {
			all = strings.Join(pages[1:], "")
		}
		var answers []http.HandlerFunc
		for _, page := range pages {
			var lines []string
			for _, no := range page {
				lines = append(lines, strings.Replace(octoberLine("2026-10-05"), "01", string(no), 1))
			}
			answers = append(answers, respondWith(200, "", jsonPage(fmt.Sprint(len(all)), lines...)))
		}
		runConversation(t, Options{DailyCalls: 50}, func(t *testing.T, c *conversation) {
			lines, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
			if got := lineNumbers(lines); got != all || err != nil || len(c.calls) != len(pages) {
				t.Errorf("pages %v: lines %s, want %s, in %d calls, error %v", pages, got, all, len(c.calls), err)
			}
		}, answers...)
	}
}

func octoberLine(day string) string { return goodLine(`,"DetailBillStatDate":"` + day + `"`) }

func jsonPage(total string, lines ...string) string {
	return `{"Total":` + total + `,"PageNo":0,` + jsonAnswer(lines...)[1:]
}

// TestStatDates reads days in the forms in which they may come.
func TestStatDates(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-10-01"`:            "2026-10-01",
		`"2026-10-31 23:59:59"`:   "2026-10-31",
		`"2026-10-31 00:00:00.0"`: "2026-10-31",
		`"20261031"`:              "2026-10-31",
		`20261031`:                "2026-10-31",
	} {
		line := strings.Replace(octoberLine("x"), `"x"`, text, 1)
		c := newTestClient(t, respondWith(200, "", `{"PostpayDetailBillSet":[`+line+`],"TOTAL":"1"}`))
		lines, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
		if err != nil || len(lines) != 1 || lines[0].StatDate != mustDay(want) {
			t.Errorf("%s: lines %v, error %v, want %s", text, lines, err, want)
		}
	}
}

// TestBadPages has everything on one page that must not become a cheaper month.
func TestBadPages(t *testing.T) {
	day := func(s string) string { return jsonPage("2", octoberLine("2026-10-05"), octoberLine(s)) }
	wrongDay := func(s string) string {
		return `page 0: line 2 (01): DetailBillStatDate "` + s + `": asked for 2026-10`
	}
	total := func(s string) string { return jsonPage(s, octoberLine("2026-10-05")) }
	two := strings.Repeat("x", 70)
	tests := []struct {
		name, body string
		reason     Reason
		text       string
	}{
		{"no day", jsonPage("2", octoberLine("2026-10-05"), goodLine("")), Decode, wrongDay("")},
		{"empty day", day(""), Decode, wrongDay("")},
		{"null day", strings.Replace(day("x"), `"x"`, "null", 1), Decode, wrongDay("")},
		{"day before", day("2026-09-30"), Decode, wrongDay("2026-09-30")},
		{"day after", day("2026-11-01"), Decode, wrongDay("2026-11-01")},
		{"other year", day("2025-10-05"), Decode, wrongDay("2025-10-05")},
		{"no such day", day("2026-10-32"), Decode, wrongDay("2026-10-32")},
		{"no such time", day("2026-10-05 24:00:00"), Decode, wrongDay("2026-10-05 24:00:00")},
		{"a zone", day("2026-10-05T00:00:00Z"), Decode, wrongDay("2026-10-05T00:00:00Z")},
		{"a month", day("2026-10"), Decode, wrongDay("2026-10")},
		{"word", day("yesterday"), Decode, wrongDay("yesterday")},
		{"long", day(two), Decode, wrongDay(two[:60] + "...")},
		{
			"object for a day", strings.Replace(day("x"), `"x"`, "{}", 1), Decode,
			"page 0: line 2 (01): DetailBillStatDate: an object or a list in place of a text",
		},
		{
			"two days", jsonPage("1", goodLine(`,"DetailBillStatDate":"2026-10-05","detailbillstatdate":"2026-10-06"`)),
			Decode, "page 0: line 1 (01): DetailBillStatDate: twice in one object",
		},
		{
			"other month", strings.ReplaceAll(day("2026-09-05"), `h":"2026-10"`, `h":"2026-09"`), Decode,
			`page 0: line 1 (01): BillMonth "2026-09": asked for 2026-10`,
		},
		{
			"bad amount", strings.Replace(total("1"), `"1.50"`, `"free"`, 1), Decode,
			`page 0: line 1 (01): Cost: amount "free": not a decimal number`,
		},
		{"no set", `{"Total":1}`, Incomplete, "page 0: answer has no PostpayDetailBillSet"},
		{"no total", jsonAnswer(octoberLine("2026-10-05")), Incomplete, "page 0: answer has no Total"},
		{"no total and no lines", jsonAnswer(), Incomplete, "page 0: answer has no Total"},
		{"null total", total("null"), Incomplete, "page 0: answer has no Total"},
		{"empty total", total(`" "`), Incomplete, "page 0: answer has no Total"},
		{"word for a total", total(`"all"`), Decode, `page 0: Total "all": not a number of lines`},
		{"fraction", total("1.5"), Decode, `page 0: Total "1.5": not a number of lines`},
		{"negative total", total("-1"), Decode, `page 0: Total "-1": not a number of lines`},
		{
			"huge total", total("99999999999999999999"), Decode,
			`page 0: Total "99999999999999999999": not a number of lines`,
		},
		{"list for a total", total("[1]"), Decode, "page 0: Total: an object or a list in place of a text"},
		{"two totals", total(`1,"total":2`), Decode, "page 0: Total: twice in one answer"},
		{
			"two totals in XML", "<R><Total>1</Total><Total>1</Total><PostpayDetailBillSet/></R>", Decode,
			"page 0: Total: twice in one answer",
		},
		{
			"more than asked for", jsonPage("5001", slices.Repeat([]string{octoberLine("2026-10-05")}, 5001)...),
			Decode, "page 0: more than 5000 lines",
		},
		{
			"lines and an unknown action",
			`{"Error":{"Code":"INVALID_ACTION","Message":"Not Found"},` + total("1")[1:], Decode,
			"page 0: lines of an action that is unknown",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, "", tt.body))
			_, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
			checkError(t, err, tt.reason, tt.text)
			if used, _ := c.Calls(); used != 1 {
				t.Errorf("%d calls", used)
			}
		})
	}
}

// TestRereads starts over where pages do not add up, but not for ever.
func TestRereads(t *testing.T) {
	changed := threeLinesPerPage(0, billsim.ChangedTotal(1, 1))
	noTotal := threeLinesPerPage(0)
	noTotal.Forms = map[string]billsim.Form{"Total": billsim.Missing}
	for name, tt := range map[string]struct {
		fault      billsim.Fault
		times      int // calls that the fault meets; 0: all
		maxRetries int
		readings   int
		lines      string
	}{
		"once":                {changed, 2, 5, 2, "abcdefgh"},
		"twice":               {changed, 4, 5, 3, "abcdefgh"},
		"always":              {changed, 0, 5, 3, "abcdef"},
		"always, two tries":   {changed, 0, 1, 2, "abcdef"},
		"another failure":     {noTotal, 0, 5, 6, "abc"},
		"no retry":            {changed, 0, 0, 1, "abcdef"},
		"another, then a few": {noTotal, 3, 5, 4, "abcdefgh"},
	} {
		t.Run(name, func(t *testing.T) {
			s := billsim.New(simulatedCustomer(eightLines))
			tt.fault.Times = tt.times
			s.Fault(tt.fault)
			s.Fault(threeLinesPerPage(0))
			runSimulation(t, Options{MaxRetries: tt.maxRetries}, s, func(t *testing.T, c *conversation) {
				var lines []Line
				readings := 0
				err := c.Retry(t.Context(), GetPostpayDetailConsume, func() (err error) {
					readings++
					lines, err = collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
					return err
				})
				if whole := tt.lines == "abcdefgh"; whole != (err == nil) || !whole && ReasonOf(err) != Incomplete {
					t.Errorf("error %v", err)
				}
				if got := lineNumbers(lines); readings != tt.readings || got != tt.lines {
					t.Errorf("%d readings, lines %s, want %d, %s", readings, got, tt.readings, tt.lines)
				}
			})
		})
	}
}

// TestEnoughOfPages ends the stream after each of its lines, those included that are held back for a while.
func TestEnoughOfPages(t *testing.T) {
	alike := threeLinesPerPage(0)
	alike.Edit = func(n int, l *billsim.Line) { // so that pages begin in the same way
		if n < 3 {
			l.DetailBillNo, l.StatDate = "x", "2026-10-20"
		}
	}
	for lines, calls := range []int{1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 3, 8: 3} {
		if lines == 0 {
			continue
		}
		s := billsim.New(simulatedCustomer(eightLines))
		s.Fault(alike)
		runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
			n := 0
			for _, err := range c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == lines {
					break
				}
			}
			if len(c.attempts) != calls || slices.ContainsFunc(c.attempts, isFailure) {
				t.Errorf("%d lines: attempts %v, want %d", lines, c.attempts, calls)
			}
			if cut := slices.IndexFunc(c.attempts, func(a Attempt) bool { return a.Cut }); cut != calls-1 {
				t.Errorf("%d lines: attempt %d was cut, want %d", lines, cut, calls-1)
			}
		})
	}
}

func isFailure(a Attempt) bool { return a.Reason != "" }

// askMonthConsume tells whether the API answers.
func askMonthConsume(t *testing.T, c *conversation) error {
	t.Helper()
	_, err := c.GetMonthConsume(t.Context(), october)
	return err
}

// TestForms asks for an action in both forms, and then only in that which the API knows.
func TestForms(t *testing.T) {
	s := billsim.New(simulatedCustomer(eightLines), billsim.WithConsume2022())
	paged := s.Fault(threeLinesPerPage(0))
	runSimulation(t, Options{MaxRetries: 1}, s, func(t *testing.T, c *conversation) {
		for range 2 {
			if err := askMonthConsume(t, c); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			_, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
			if err != nil {
				t.Fatal(err)
			}
		}
		paged()
		s.Fault(billsim.Busy(503, time.Second))
		wantText := "GetMonthConsume: Server unavailable (HTTP 503, request id "
		if err := askMonthConsume(t, c); err == nil || !strings.HasPrefix(err.Error(), wantText) {
			t.Errorf("error %v, want %s", err, wantText)
		}
		want := "getMonthConsume 2018-06-01: ; GetMonthConsume 2022-06-01:  ; " +
			"getPostpayDetailConsume 2018-06-01: 0; GetPostpayDetailConsume 2022-06-01: 0 1 2 0 1 2; " +
			"GetMonthConsume 2022-06-01:  "
		if got := listCalls(s); got != want {
			t.Errorf("calls\n%s, want\n%s", got, want)
		}
		first := Attempt{
			Action: "getMonthConsume", Version: version2018, HTTPStatus: 404, Reason: Invalid, Code: "INVALID_ACTION",
			Bytes: c.attempts[0].Bytes,
		}
		second := Attempt{
			Action: "GetMonthConsume", Version: version2022, HTTPStatus: 200, Bytes: c.attempts[1].Bytes,
		}
		if diff := cmp.Diff([]Attempt{first, second}, c.attempts[:2]); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"GetMonthConsume"}, c.retries); diff != "" {
			t.Errorf("retries (-want +got):\n%s", diff)
		}
	})
}

const unknown = `{"RequestId":"51aee78d","Error":{"Code":"INVALID_ACTION","Message":"Not Found"}}`

// TestUnknownForms has an API that knows neither form, then the first, the second, and the first again.
func TestUnknownForms(t *testing.T) {
	no, yes := respondWith(404, "", unknown), respondWith(200, "", noBill)
	busy := respondWith(503, "", "")
	runConversation(t, Options{}, func(t *testing.T, c *conversation) {
		want := "getMonthConsume: INVALID_ACTION (HTTP 404, request id 51aee78d): Not Found; " +
			"check that api.endpoint is the billing API's"
		if err := askMonthConsume(t, c); !IsUnknownAction(err) || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if err := askMonthConsume(t, c); ReasonOf(err) != Server {
			t.Errorf("error %v of the second form", err)
		}
		for range 4 {
			if err := askMonthConsume(t, c); err != nil {
				t.Error(err)
			}
		}
		var got []string
		for _, a := range c.attempts {
			got = append(got, fmt.Sprint(a.Action[:1], a.HTTPStatus))
		}
		all := "g404 G404 g404 G503 g200 g404 G200 G200 G404 g200"
		if strings.Join(got, " ") != all {
			t.Errorf("attempts %v, want %s", got, all)
		}
	}, no, no, no, busy, yes, no, yes, yes, no, yes)
}

// TestOtherRefusals do not make the client look for another form of the action.
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

func TestIsUnknownAction(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{&Error{Reason: Invalid, HTTPStatus: 400, Code: "INVALID_ACTION"}, true},
		{&Error{Reason: Invalid, HTTPStatus: 200, Code: "InvalidAction"}, true},
		{fmt.Errorf("x: %w", &Error{Reason: Invalid, HTTPStatus: 404, Code: "NotFound"}), true},
		{&Error{Reason: Invalid, HTTPStatus: 404}, false}, // a gateway's
		{&Error{Reason: Invalid, HTTPStatus: 400, Code: "InvalidParameter"}, false},
		{&Error{Reason: Auth, HTTPStatus: 404, Code: "Forbidden Request"}, false},
		{&Error{Reason: Server, HTTPStatus: 500}, false},
		{errors.New("INVALID_ACTION"), false},
		{nil, false},
	} {
		if got := IsUnknownAction(tt.err); got != tt.want {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
}

// TestConcurrentForms is for the race detector.
func TestConcurrentForms(t *testing.T) {
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("Version") == version2018 {
			respondWith(404, "", unknown)(w, r)
			return
		}
		respondWith(200, "", noBill)(w, r)
	})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := c.GetMonthConsume(t.Context(), october); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
