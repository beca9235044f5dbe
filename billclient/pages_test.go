package billclient

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billsim"
)

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

// threeLinesPerPage returns a fault that makes pages of three lines, whatever is asked for, and then applies the
// others.
func threeLinesPerPage(first int, more ...billsim.Fault) billsim.Fault {
	return billsim.Fault{EditPage: func(p *billsim.LinePage) {
		p.PageSize, p.Lines, p.Skipped = 3, 3, 3*max(0, p.PageNo-first)
		for _, f := range more {
			f.EditPage(p)
		}
	}}
}

// TestPages reads eight lines from pages of three, from every kind of API that the client expects.
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

// TestPageParameters tests the query of a page.
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

// TestFirstPage tests APIs that count pages from 0 and from 1, with few lines, and with an empty page.
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

// TestFullPages adds up the lines of pages of full size.
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

// TestPagesThatDoNotAddUp tests that such pages are an error: they must not become a cheaper or dearer month.
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
			[]billsim.Fault{billsim.MissingPage(0)}, "page 3: " + prefix + "no lines after 5 of 8", "defgh",
		},
		"missing at first and after it": {
			[]billsim.Fault{billsim.MissingPage(0), billsim.MissingPage(1)},
			"page 1: " + prefix + "no lines after 0 of 8", "",
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

// TestAlikeLines tests pages that begin like the page before, or have the same lines in part, and yet do not repeat
// it. Lines that are on several pages count once a second read has them, too.
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
		runConversation(t, Options{DailyCalls: 50}, func(t *testing.T, c *conversation) {
			for read := 1; read <= 3; read++ {
				lines, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
				calls, isWhole := read*len(pages), read > 1
				if got := lineNumbers(lines); got != all || (err == nil) != isWhole || len(c.calls) != calls {
					t.Errorf("read %d of pages %v: lines %s, want %s, in %d calls, error %v",
						read, pages, got, all, len(c.calls), err)
				}
			}
		}, pageHandler(len(all), pages))
	}
}

// pageHandler answers with pages of lines, one read after another. A line is a letter, its number.
func pageHandler(total int, reads ...[]string) http.HandlerFunc {
	read := -1
	return func(w http.ResponseWriter, r *http.Request) {
		page, err := strconv.Atoi(r.URL.Query().Get("PageNo"))
		if err != nil {
			panic(err)
		}
		if page == 0 {
			read = min(read+1, len(reads)-1)
		}
		var lines []string
		if page < len(reads[read]) {
			for _, no := range reads[read][page] {
				lines = append(lines, strings.Replace(octoberLine("2026-10-05"), "01", string(no), 1))
			}
		}
		respondWith(200, "", jsonPage(strconv.Itoa(total), lines...))(w, r)
	}
}

// TestRepeatedLines tests what becomes of lines that are on several pages: no read counts whose lines the read before
// did not have.
func TestRepeatedLines(t *testing.T) {
	const prefix = "the pages do not add up: "
	for name, tt := range map[string]struct {
		total int
		reads [][]string // the last one is repeated for ever
		want  string     // the lines of the last read
		count int        // of the reads
		text  string     // of the error, if there is one
	}{
		"once": {6, [][]string{{"abc", "cde"}, {"abc", "def"}}, "abcdef", 2, ""},
		"then other lines twice": {
			6, [][]string{{"abc", "cde"}, {"abc", "bde"}, {"abc", "bde"}}, "abcbde", 3, "",
		},
		"always, and Total counts them": {6, [][]string{{"abc", "cde"}}, "abccde", 2, ""},
		"always, in another order":      {6, [][]string{{"abc", "cde"}, {"bca", "edc"}}, "bcaedc", 2, ""},
		"never the same": {
			6,
			[][]string{{"abc", "cde"}, {"abc", "bde"}, {"abc", "ade"}},
			"abcade", 3,
			"page 1: " + prefix + "1 of 6 lines are on several pages",
		},
		"a last page that begins too early": {8, [][]string{{"abc", "def", "fgh"}}, "abcdefgh", 2, ""},
		"a last page of old lines":          {8, [][]string{{"abc", "def", "bc"}}, "abcdefbc", 2, ""},
		"a last page that begins too early at first": {
			8, [][]string{{"abc", "def", "fgh"}, {"abc", "def", "gh"}}, "abcdefgh", 2, "",
		},
		"two lines alike on a page, again later": {8, [][]string{{"aab", "cde", "aafg"}}, "aabcdefg", 2, ""},
		"beyond Total, and too few without them": {
			7, [][]string{{"abc", "def", "fab"}}, "abcdef", 3, "page 2: " + prefix + "6 lines, Total is 7",
		},
		"two lines alike on one page": {6, [][]string{{"aab", "cdd"}}, "aabcdd", 1, ""},
		"an empty page 0":             {5, [][]string{{"", "abc", "de"}}, "abcde", 1, ""},
		"an empty page 0 of one more": {3, [][]string{{"", "abc"}}, "abc", 1, ""},
		"from 1":                      {6, [][]string{{"abc", "abc", "cde"}}, "abccde", 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			runConversation(t, Options{MaxRetries: 5}, func(t *testing.T, c *conversation) {
				count, text := 0, ""
				var lines []Line
				err := c.Retry(t.Context(), GetPostpayDetailConsume, func() (err error) {
					count++
					lines, err = collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
					return err
				})
				if err != nil {
					_, text, _ = strings.Cut(err.Error(), "): ")
				}
				if got := lineNumbers(lines); got != tt.want || count != tt.count || text != tt.text {
					t.Errorf("lines %s in %d reads, error %q, want %s in %d, %q",
						got, count, text, tt.want, tt.count, tt.text)
				}
			}, pageHandler(tt.total, tt.reads...))
		})
	}
}

// TestRepeatedLinesOfSimulatedAPI tests lines that move between two pages of the simulated API, in both notations, and
// an API that counts from 1 and answers page 0 with nothing.
func TestRepeatedLinesOfSimulatedAPI(t *testing.T) {
	for name, tt := range map[string]struct {
		fault billsim.Fault
		first int
		reads int
	}{
		"a last page that begins too early": {threeLinesPerPage(0, billsim.EarlyPage(2, 1)), 0, 2},
		"nothing on page 0":                 {threeLinesPerPage(1, billsim.MissingPage(0)), 1, 1},
	} {
		for _, accept := range []string{"application/json", "application/xml"} {
			t.Run(name+" "+accept, func(t *testing.T) {
				var options []billsim.Option
				if tt.first == 1 {
					options = append(options, billsim.WithPagesFromOne())
				}
				s := billsim.New(simulatedCustomer(eightLines), options...)
				s.Fault(tt.fault)
				runSimulation(t, Options{}, s, func(t *testing.T, c *conversation) {
					c.http.Transport = acceptTransport{accept, c.http.Transport}
					q := ConsumeQuery{Month: october, Sets: true}
					for read := 1; read <= tt.reads; read++ {
						got, err := collectLines(c.GetPostpayDetailConsume(t.Context(), q))
						if (err == nil) != (read == tt.reads) {
							t.Fatalf("read %d: %v", read, err)
						}
						if diff := cmp.Diff(wantEightLines(), got, equalAmounts); err == nil && diff != "" {
							t.Errorf("lines (-want +got):\n%s", diff)
						}
					}
				})
			})
		}
	}
}

// TestRepeatedLinesOfQueries tests that a read is compared with one of the same query only, and no longer with one from
// before a read without repeated lines.
func TestRepeatedLinesOfQueries(t *testing.T) {
	repeated, whole := []string{"abc", "cde"}, []string{"abc", "def"}
	reads := [][]string{repeated, repeated, repeated, whole, repeated, repeated}
	runConversation(t, Options{}, func(t *testing.T, c *conversation) {
		for i, tt := range []struct {
			query ConsumeQuery
			ok    bool
		}{
			{ConsumeQuery{Month: october}, false},
			{ConsumeQuery{Month: october, ProductCode: "KEC"}, false},
			{ConsumeQuery{Month: october}, true},
			{ConsumeQuery{Month: october}, true},
			{ConsumeQuery{Month: october}, false},
			{ConsumeQuery{Month: october}, true},
		} {
			_, err := collectLines(c.GetPostpayDetailConsume(t.Context(), tt.query))
			if tt.ok != (err == nil) {
				t.Errorf("read %d: error %v", i+1, err)
			}
		}
	}, pageHandler(6, reads...))
}

func octoberLine(day string) string { return goodLine(`,"DetailBillStatDate":"` + day + `"`) }

func jsonPage(total string, lines ...string) string {
	return `{"Total":` + total + `,"PageNo":0,` + jsonAnswer(lines...)[1:]
}

// TestHeldLines tests that no line is held back where pages begin with different lines, and that the lines of a page
// are held back while they are those of the page before.
func TestHeldLines(t *testing.T) {
	for _, tt := range []struct {
		pages []string
		held  int // the most lines at once
	}{
		{[]string{"abc", "def", "g"}, 0},
		{[]string{"abc", "abd", "e"}, 2},
		{[]string{"abc", "abc", "def", "g"}, 3},
	} {
		held := 0
		p := newConsumeReader(ConsumeQuery{Month: october}, nil, nil)
		p.emit = func(*Line) error {
			held = max(held, len(p.held))
			return nil
		}
		for _, page := range tt.pages {
			var lines []string
			for _, number := range page {
				lines = append(lines, strings.Replace(octoberLine("2026-10-05"), "01", string(number), 1))
			}
			err := p.readPage(responseOf("", []byte(jsonPage("7", lines...))))
			if err != nil && !errors.Is(err, errPages) { // the lines that are on two pages
				t.Fatal(err)
			}
			held = max(held, len(p.held))
			p.page++
		}
		if held != tt.held || !p.done {
			t.Errorf("pages %v: %d lines held, want %d; done: %t", tt.pages, held, tt.held, p.done)
		}
	}
}

// TestBadPages tests single pages that must not become a cheaper month.
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

// TestRereads tests how often pages that do not add up are read again.
func TestRereads(t *testing.T) {
	changed := threeLinesPerPage(0, billsim.ChangedTotal(1, 1))
	noTotal := threeLinesPerPage(0)
	noTotal.Forms = map[string]billsim.Form{"Total": billsim.Missing}
	for name, tt := range map[string]struct {
		fault      billsim.Fault
		times      int // calls that the fault changes; 0: all
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

// TestEarlyEndOfPages ends the stream after each of its lines, also after those that are held back for a while.
func TestEarlyEndOfPages(t *testing.T) {
	alike := threeLinesPerPage(0)
	alike.Edit = func(n int, l *billsim.Line) { // so that all pages begin with the same lines
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

// BenchmarkPages reads as many lines of consumption as BenchmarkLines, from four pages.
func BenchmarkPages(b *testing.B) {
	var bodies [][]byte
	size := 0
	day := strings.NewReplacer(`"DetailBillStartTime"`, `"DetailBillStatDate":"2026-10-05","DetailBillStartTime"`,
		`{"RequestId"`, fmt.Sprintf(`{"Total":%d,"RequestId"`, benchLines))
	for first := 0; first < benchLines; first += maxPageSize {
		body := day.Replace(string(benchAnswer(first, maxPageSize)))
		bodies, size = append(bodies, []byte(body)), size+len(body)
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		p := newConsumeReader(ConsumeQuery{Month: october}, nil, func(*Line) error { n++; return nil })
		for _, body := range bodies {
			if err := p.readPage(responseOf("application/json", body)); err != nil {
				b.Fatal(err)
			}
			p.page++
		}
		if n != benchLines || !p.done {
			b.Fatal(n, p.done)
		}
	}
	reportPerLine(b, size)
}
