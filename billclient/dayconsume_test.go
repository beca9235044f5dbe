package billclient

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A row for the tests of all envelopes, with every field of the vendor's SDK that is read.
const (
	dayAmounts = `"prePayCost":"100.00","prePayRefundAmount":"-30.5","prePayBillsAmount":"69.5",` +
		`"realtimeCost":"12","realtimeAdjustAmount":"0","realtimeBillsAmount":"12.00",` +
		`"postPayCost":"5","postPayAdjustAmount":"0.25","postPayBillsAmount":"5.25","billFinalAmount":"86.75",` +
		`"cash":"80","reward":"6.75","vouchers":"0","cloudTicketDenomination":null}`
	dayHead = `{"aliasName":null,"userId":"73400575","userName":"x","billMonth":"2026-10","customerBillMonth":202610,` +
		`"currencyCode":"CNY","currencyInfo":{"x":"y"},"exchangeRate":"1","billDay":"20261005",`
	productDay = dayHead + `"productGroupId":"41","productGroupName":"云服务器",` + dayAmounts
	projectDay = dayHead + `"projectId":"103800","projectName":"广告",` + dayAmounts
)

func wantProductDay() DayConsume {
	return DayConsume{
		Day: octoberDay, Key: "41", Name: "云服务器", CustomerID: "73400575", Total: mustAmount("86.75"),
		Modes: [3]ModeCost{
			{Prepaid, mustAmount("69.5"), mustAmount("100"), mustAmount("-30.5")},
			{Realtime, mustAmount("12"), mustAmount("12"), mustAmount("0")},
			{Postpaid, mustAmount("5.25"), mustAmount("5"), mustAmount("0.25")},
		},
		Paid: []Payment{{Cash, mustAmount("80")}, {Reward, mustAmount("6.75")}, {Voucher, mustAmount("0")}},
	}
}

func wantProjectDay() DayConsume {
	row := wantProductDay()
	row.Key, row.Name = "103800", "广告"
	return row
}

// bills returns an answer of bill-union with these rows.
func bills(total int, rows ...string) string {
	return fmt.Sprintf(`{"status":200,"requestId":"r","data":{"total":%d,"bills":[%s]},"ok":true}`,
		total, strings.Join(rows, ","))
}

// dayRow returns a row of 5 October with these members.
func dayRow(members string) string {
	return `{"billDay":20261005` + strings.TrimSuffix(","+members, ",") + "}"
}

// threeCosts has the cost of each pay mode.
const threeCosts = `"prePayBillsAmount":1,"realtimeBillsAmount":2,"postPayBillsAmount":3`

// TestModeCosts tests which amount counts where they do not come to each other, and what they do not explain.
func TestModeCosts(t *testing.T) {
	const realtime = `"realtimeBillsAmount":2,"postPayBillsAmount":3`
	for name, tt := range map[string]struct {
		members string
		prepaid string // cost, spent, adjusted
		total   string
		rest    string // that the amounts of prepaid, and the costs of all modes, do not explain
	}{
		"costs only":           {threeCosts, "1 1 0", "6", "0 0"},
		"a total":              {threeCosts + `,"billFinalAmount":"6.00"`, "1 1 0", "6", "0 0"},
		"another total":        {threeCosts + `,"billFinalAmount":"5.5"`, "1 1 0", "5.5", "0 -0.5"},
		"no cost":              {realtime + `,"prePayCost":10,"prePayRefundAmount":-4`, "6 10 -4", "11", "0 0"},
		"null cost":            {realtime + `,"prePayCost":"10","prePayBillsAmount":null`, "10 10 0", "15", "0 0"},
		"empty refund":         {realtime + `,"prePayCost":"10","prePayRefundAmount":""`, "10 10 0", "15", "0 0"},
		"a refund only":        {realtime + `,"prePayRefundAmount":"-4"`, "-4 0 -4", "1", "0 0"},
		"nothing spent":        {threeCosts + `,"prePayRefundAmount":-4`, "1 5 -4", "6", "0 0"},
		"a positive refund":    {threeCosts + `,"prePayCost":5,"prePayRefundAmount":4`, "1 5 -4", "6", "0 0"},
		"a negative refund":    {threeCosts + `,"prePayCost":5,"prePayRefundAmount":-4`, "1 5 -4", "6", "0 0"},
		"unexplained":          {threeCosts + `,"prePayCost":7,"prePayRefundAmount":-4`, "1 7 -4", "6", "-2 0"},
		"unexplained, alone":   {threeCosts + `,"prePayCost":7`, "1 7 0", "6", "-6 0"},
		"no prepaid":           {realtime + `,"billFinalAmount":5`, "0 0 0", "5", "0 0"},
		"no prepaid in a null": {realtime + `,"prePayCost":null,"billFinalAmount":5.01`, "0 0 0", "5.01", "0 0.01"},
		"a total of nothing":   {`"billFinalAmount":"0.00"`, "0 0 0", "0", "0 0"},
		"long": {
			`"prePayBillsAmount":"0.00000000000000000000000001","realtimeBillsAmount":1e20,"postPayBillsAmount":-1e20`,
			"1e-26 1e-26 0",
			"1e-26", "0 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUnionClient(t, respondWith(200, "", bills(1, dayRow(tt.members))))
			rows, err := c.QueryProductConsume(t.Context(), octoberDay, octoberDay)
			if err != nil {
				t.Fatal(err)
			}
			m := rows[0].Modes[0]
			got := []Amount{m.Cost, m.Spent, m.Adjusted, rows[0].Total, m.Unexplained(), rows[0].Unexplained()}
			for i, want := range strings.Fields(tt.prepaid + " " + tt.total + " " + tt.rest) {
				if got[i].Cmp(mustAmount(want)) != 0 {
					t.Errorf("amount %d of %v, want %s", i+1, got, want)
				}
			}
		})
	}
}

// TestBillDays tests the forms of a day and of a month, as far as they say what was asked for.
func TestBillDays(t *testing.T) {
	for day, form := range map[string]DayForm{
		`20261005`: CompactDay, `"20261005"`: CompactDay, `20261005.0`: CompactDay, `2.0261005E7`: CompactDay,
		`" 20261005 "`: CompactDay, `"2026-10-05"`: HyphenDay, `"2026-10-05 00:00:00"`: TimedDay, `5`: MonthDay,
		`"05"`: MonthDay,
	} {
		for _, month := range []string{
			``, `,"billMonth":"2026-10"`, `,"billMonth":"202610"`, `,"billMonth":202610`, `,"billMonth":null`,
			`,"BillMonth":"2026-09","customerBillMonth":202610`,
		} {
			row := `{"billDay":` + day + month + `,` + threeCosts + `,"projectId":0.0}`
			c := newUnionClient(t, respondWith(200, "", bills(2, row, `{"billDay":4,`+threeCosts+`}`)))
			attempt := observeOne(c)
			got, err := c.QueryProjectConsume(t.Context(), octoberDay.Add(-4), octoberDay)
			if err != nil || got[0].Day != octoberDay || got[0].Key != "0" || attempt.DayForm != form {
				t.Errorf("%s: %v, %v, %q", row, got, err, attempt.DayForm)
			}
		}
	}
}

func TestBadDayRows(t *testing.T) {
	good := dayRow(threeCosts)
	day := func(text string) string { return strings.Replace(good, "20261005", text, 1) }
	wrongDay := func(text string) string { return `billDay "` + text + `": asked for 2026-10-04 to 2026-10-05` }
	for name, tt := range map[string]struct{ row, text string }{
		"day before":     {day("20261003"), wrongDay("20261003")},
		"day after":      {day(`"2026-10-06"`), wrongDay("2026-10-06")},
		"number of then": {day("3"), wrongDay("3")},
		"day 0":          {day("0"), wrongDay("0")},
		"day 99":         {day("99"), wrongDay("99")},
		"another month":  {day("20260905"), wrongDay("20260905")},
		"another year":   {day("20251005"), wrongDay("20251005")},
		"no such day":    {day("20261032"), wrongDay("20261032")},
		"null day":       {day("null"), wrongDay("")},
		"no day":         {`{` + threeCosts + `}`, wrongDay("")},
		"word":           {day(`"today"`), wrongDay("today")},
		"list for a day": {day(`[5]`), "billDay: an object or a list in place of a text"},
		"two days":       {dayRow(threeCosts + `,"BillDay":20261004`), "billDay: twice in one object"},
		"bill of another month": {
			dayRow(threeCosts + `,"billMonth":"2026-09"`), `billMonth "2026-09": asked for 2026-10`,
		},
		"bills of other months": {
			dayRow(threeCosts + `,"billMonth":"2026-09","customerBillMonth":202611`),
			`billMonth "2026-09": asked for 2026-10`,
		},
		"no amount":   {dayRow(`"prePayBillsAmount":1,"realtimeBillsAmount":2`), "postPayBillsAmount: missing"},
		"null amount": {strings.Replace(good, `:2,`, `:null,`, 1), "realtimeBillsAmount: missing"},
		"bad cost": {
			strings.Replace(good, `:2,`, `:"1,0",`, 1), `realtimeBillsAmount: amount "1,0": not a decimal number`,
		},
		"bad spending": {dayRow(threeCosts + `,"prePayCost":"-"`), `prePayCost: amount "-": not a decimal number`},
		"bad refund": {
			dayRow(threeCosts + `,"prePayRefundAmount":true`),
			`prePayRefundAmount: amount "true": not a decimal number`,
		},
		"bad total": {
			dayRow(threeCosts + `,"billFinalAmount":"?"`), `billFinalAmount: amount "?": not a decimal number`,
		},
		"bad payment": {dayRow(threeCosts + `,"cash":"e"`), `cash: amount "e": not a decimal number`},
		"two costs":   {dayRow(threeCosts + `,"PREPAYBILLSAMOUNT":1`), "prePayBillsAmount: twice in one object"},
		"object for a sum": {
			dayRow(threeCosts + `,"billFinalAmount":{"a":1}`),
			"billFinalAmount: an object or a list in place of a text",
		},
		"dollars": {
			dayRow(threeCosts + `,"currencyCode":"USD"`), `Currency "USD": only amounts in CNY are taken`,
		},
		"dollars as text": {
			dayRow(threeCosts + `,"Currency":"USD"`), `Currency "USD": only amounts in CNY are taken`,
		},
		"text for a row": {`"x"`, wrongDay("")},
		"null for a row": {`null`, wrongDay("")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUnionClient(t, respondWith(200, "", bills(2, day("4"), tt.row)))
			got, err := c.QueryProductConsume(t.Context(), octoberDay.Add(-1), octoberDay)
			checkError(t, err, Decode, "page 1: bills 2: "+tt.text)
			if IsForeignCurrency(err) != strings.Contains(name, "dollars") || got != nil {
				t.Errorf("foreign currency %t; rows %v", IsForeignCurrency(err), got)
			}
			if used, _ := c.Calls(); used != 1 {
				t.Errorf("%d calls", used)
			}
		})
	}
}

// TestBadDays tests that days that the API refuses need no call.
func TestBadDays(t *testing.T) {
	c := New(Options{UnionEndpoint: "http://127.0.0.1:1", Credentials: testKeys, MaxRetries: 3})
	first := DayOf(october.Start())
	for _, tt := range []struct {
		from, to Day
		text     string
	}{
		{first, first.Add(-1), "2026-10 is after 2026-09"},
		{first.Add(1), first, "2026-10-02 is after 2026-10-01"},
		{first.Add(-1), first, "2026-09-30 to 2026-10-01: want days of one month"},
		{DayOf(FirstMonth.Start()) - 1, first, "no bills of 2018-05: the API has them from 2018-06 on"},
		{0, first, "no bills of 0000-12: the API has them from 2018-06 on"},
	} {
		_, products := c.QueryProductConsume(t.Context(), tt.from, tt.to)
		_, projects := c.QueryProjectConsume(t.Context(), tt.from, tt.to)
		_, instances := collectUnionLines(c.QueryInstanceConsume(t.Context(), tt.from, tt.to, allSets))
		for action, err := range map[string]error{
			QueryProductConsume: products, QueryProjectConsume: projects, QueryInstanceConsume: instances,
		} {
			if !isErrorOf(err, Invalid, action+": "+tt.text) {
				t.Errorf("%s: %v, want %s", ReasonOf(err), err, tt.text)
			}
		}
	}
	_, err := collectUnionLines(c.DescribeInstanceSummaryBills(t.Context(), FirstMonth-1, allSets))
	if want := DescribeInstanceSummaryBills + ": no bills of 2018-05: the API has them from 2018-06 on"; !isErrorOf(
		err, Invalid, want) {
		t.Errorf("%v, want %s", err, want)
	}
	if used, _ := c.Calls(); used != 0 {
		t.Errorf("%d calls", used)
	}
}

// dayPages answers with pages of rows, one read after another. A row is a letter, the id of its product group.
func dayPages(totals []int, reads ...[]string) http.HandlerFunc {
	read := -1
	return func(w http.ResponseWriter, r *http.Request) {
		page, err := strconv.Atoi(r.URL.Query().Get("Page"))
		if err != nil {
			panic(err)
		}
		if page == 1 {
			read = min(read+1, len(reads)-1)
		}
		var rows []string
		if page <= len(reads[read]) {
			for _, key := range reads[read][page-1] {
				rows = append(rows, dayRow(threeCosts+`,"productGroupId":"`+string(key)+`"`))
			}
		}
		respondWith(200, "", bills(totals[min(page, len(totals))-1], rows...))(w, r)
	}
}

// TestDayPages tests that rows are whole, or an error: pages that do not add up are read again, and rows that are on
// several pages count once a second read has them, too.
func TestDayPages(t *testing.T) {
	const prefix = "the pages do not add up: "
	for name, tt := range map[string]struct {
		totals []int
		reads  [][]string // the last one is repeated for ever
		want   string     // the keys of the rows
		calls  int
		text   string // of the error, if there is one
	}{
		"none":                   {[]int{0}, [][]string{{""}}, "", 1, ""},
		"one":                    {[]int{3}, [][]string{{"abc"}}, "abc", 1, ""},
		"three":                  {[]int{8}, [][]string{{"abc", "def", "gh"}}, "abcdefgh", 3, ""},
		"smaller than asked for": {[]int{3}, [][]string{{"a", "b", "c"}}, "abc", 3, ""},
		"once wrong":             {[]int{6}, [][]string{{"abc", "de"}, {"abc", "def"}}, "abcdef", 5, ""},
		"a row on two pages":     {[]int{6}, [][]string{{"abc", "cde"}, {"abc", "def"}}, "abcdef", 4, ""},
		"rows alike":             {[]int{6}, [][]string{{"abc", "cde"}}, "abccde", 4, ""},
		"page 2 repeats page 1": {
			[]int{6}, [][]string{{"abc", "abc"}}, "", 6, "page 2: " + prefix + "the same lines as on page 1",
		},
		"a page is missing": {
			[]int{6}, [][]string{{"abc", "", "def"}}, "", 6, "page 2: " + prefix + "no lines after 3 of 6",
		},
		"the first page is missing": {
			[]int{6}, [][]string{{"", "abc", "def"}}, "", 3, "page 1: " + prefix + "no lines after 0 of 6",
		},
		"Total changes": {
			[]int{6, 7}, [][]string{{"abc", "def"}}, "", 6, "page 2: " + prefix + "Total is 7, it was 6",
		},
		"more than Total": {
			[]int{2}, [][]string{{"abc"}}, "", 3, "page 1: " + prefix + "3 lines, Total is 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{UnionEndpoint: "http://union.example", MaxRetries: 5, DailyCalls: 50}
			runConversation(t, o, func(t *testing.T, c *conversation) {
				rows, err := c.QueryProductConsume(t.Context(), octoberDay, octoberDay)
				got := ""
				for _, row := range rows {
					got += row.Key
				}
				if tt.text != "" {
					checkError(t, err, Incomplete, tt.text)
				} else if err != nil {
					t.Error(err)
				}
				if got != tt.want || len(c.calls) != tt.calls {
					t.Errorf("rows %s in %d calls, want %s in %d", got, len(c.calls), tt.want, tt.calls)
				}
			}, dayPages(tt.totals, tt.reads...))
		})
	}
}

// TestBadTotals tests the number of rows that an answer states.
func TestBadTotals(t *testing.T) {
	row := dayRow(threeCosts)
	for data, tt := range map[string]struct {
		reason Reason
		text   string
	}{
		`"bills":[]`:                         {Incomplete, "answer has no Total"},
		`"total":null,"bills":[` + row + `]`: {Incomplete, "answer has no Total"},
		`"total":"many","bills":[]`:          {Decode, `Total "many": not a number of lines`},
		`"total":-1,"bills":[]`:              {Decode, `Total "-1": not a number of lines`},
		`"total":[1],"bills":[]`:             {Decode, "Total: an object or a list in place of a text"},
		`"total":1,"Total":1,"bills":[]`:     {Decode, "Total: twice in one answer"},
		`"total":1`:                          {Incomplete, "answer has no bills"},
		`"total":1,"bills":"x"`:              {Decode, "bills: a text in place of a list"},
		`"bills":[],"bills":[]`:              {Decode, "bills: twice in one answer"},
		`"total":201,"bills":[` + strings.Repeat(row+",", 200) + row + `]`: {Decode, "more than 200 lines"},
	} {
		c := newUnionClient(t, respondWith(200, "", `{"ok":true,"data":{`+data+`}}`))
		_, err := c.QueryProductConsume(t.Context(), octoberDay, octoberDay)
		checkError(t, err, tt.reason, "page 1: "+tt.text)
	}
}

// TestDayRetry tests that the rows of a failed attempt are dropped, and that the calls count for the day.
func TestDayRetry(t *testing.T) {
	whole := bills(1, productDay)
	o := Options{UnionEndpoint: "http://union.example", MaxRetries: 3, DailyCalls: 3}
	runConversation(t, o, func(t *testing.T, c *conversation) {
		got, err := c.QueryProductConsume(t.Context(), octoberDay, octoberDay)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]DayConsume{wantProductDay()}, got, equalAmounts); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		want := []Attempt{
			{HTTPStatus: 503, Reason: Server, Bytes: 4},
			{HTTPStatus: 200, Reason: Incomplete, Bytes: int64(len(whole) - 3)},
			{HTTPStatus: 200, Bytes: int64(len(whole))},
		}
		for i := range want[1:] {
			want[1+i].Envelope, want[1+i].DayForm, want[1+i].RequestID = StatusEnvelope, CompactDay, "r"
		}
		for i := range want {
			want[i].Action, want[i].Version, want[i].Period = QueryProductConsume, versionDays, "2026-10-05"
		}
		if diff := cmp.Diff(want, c.attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		_, err = c.QueryProjectConsume(t.Context(), octoberDay, octoberDay)
		if ReasonOf(err) != CallLimit {
			t.Errorf("the fourth call: %v", err)
		}
	}, respondWith(503, "", "busy"), respondWith(200, "", whole[:len(whole)-3]), respondWith(200, "", whole))
}
