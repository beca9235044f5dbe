package billsim

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// consumingAccount returns an account with these lines of consumption in every month.
func consumingAccount(lines ...Line) Account {
	a := accountOf(nil)
	a.Consume = func(month string) (Consumption, bool) {
		return Consumption{Bill: billOf(lines...), EndDate: month + "-16"}, true
	}
	return a
}

// dailyLines returns n lines of a yuan with the numbers a, b, c and so on. Each has a day of its own. Products (KEC,
// EIP) and projects (0, 7, 8) take turns.
func dailyLines(n int) []Line {
	lines := make([]Line, n)
	for i := range lines {
		lines[i] = Line{
			DetailBillNo: string(rune('a' + i)),
			StatDate:     fmt.Sprintf("2026-11-%02d", i+1),
			ProductCode:  [...]string{"KEC", "EIP"}[i%2],
			ProjectID:    [...]string{"0", "7", "8"}[i%3],
			Cost:         Yuan,
		}
	}
	return lines
}

// TestMonthConsumeSample checks that the answer has the facts of the vendor's sample, in JSON and in XML.
func TestMonthConsumeSample(t *testing.T) {
	a := accountOf(nil)
	a.CustomerID = "73406772"
	bill := billOf(Line{ProductCode: "KSS", ProductName: "KSS存储", Cost: 820770366 * Fen, ProjectID: "0"})
	a.Consume = func(string) (Consumption, bool) { return Consumption{Bill: bill, EndDate: "2019-08-28"}, true }
	s := New([]Account{a}, WithClock(beijingClock("2019-08-29 12:00:00")))
	const query = "Action=getMonthConsume&Version=2018-06-01&BillMonth=2019-08"
	_, got := askServer(t, s, acceptJSON, query)
	want := `{"RequestId":"b1115100-0000-4000-8000-000000000001","BeginDate":"2019-08-01","EndDate":"2019-08-28",` +
		`"MonthBillSet":[{"BillProductSet":[{"Code":"KSS","Cost":8207703.66,"Name":"KSS存储"}],` +
		`"BillMonth":"2019-08","Sum":8207703.66,"BillId":"KSYZD0073406772201908","BillType":"postpay"}]}`
	if got != want {
		t.Errorf("JSON\n got %s\nwant %s", got, want)
	}
	_, got = askServer(t, s, acceptXML, query)
	want = `<GetMonthConsumeResponse><RequestId>b1115100-0000-4000-8000-000000000002</RequestId>` +
		`<BeginDate>2019-08-01</BeginDate><EndDate>2019-08-28</EndDate><MonthBillSet><Item><BillProductSet><Item>` +
		`<Code>KSS</Code><Cost>8207703.66</Cost><Name>KSS存储</Name></Item></BillProductSet>` +
		`<BillMonth>2019-08</BillMonth><Sum>8207703.66</Sum><BillId>KSYZD0073406772201908</BillId>` +
		`<BillType>postpay</BillType></Item></MonthBillSet></GetMonthConsumeResponse>`
	if got != want {
		t.Errorf("XML\n got %s\nwant %s", got, want)
	}
}

// TestConsumeLine checks that a line has the fields of a bill's line, with the day but without the remark.
func TestConsumeLine(t *testing.T) {
	l := sampleLine()
	bill := l
	bill.BillMonth, bill.CustomerID = "2026-11", "73400575"
	l.StatDate, l.RuleRemark = "2026-11-16", "not in consumption"
	s := New([]Account{consumingAccount(l)}, WithClock(noonClock))
	var j jsonWriter
	writeLine(&j, &bill)
	line := strings.Replace(string(j.take()), `"RuleRemark":"",`, "", 1)
	line = strings.Replace(line, `"DetailBillStart`, `"DetailBillStatDate":"2026-11-16","DetailBillStart`, 1)
	_, got := askServer(t, s, acceptJSON, daysQuery)
	want := `{"RequestId":"b1115100-0000-4000-8000-000000000001","PageNo":0,"PageSize":1,"Total":1,` +
		`"PostpayDetailBillSet":[` + line + `]}`
	if got != want {
		t.Errorf("JSON\n got %s\nwant %s", got, want)
	}
	var x xmlWriter
	writeLine(&x, &bill)
	line = strings.Replace(string(x.take()), "<RuleRemark></RuleRemark>", "", 1)
	const day = "<DetailBillStatDate>2026-11-16</DetailBillStatDate>"
	line = strings.Replace(line, "<DetailBillStart", day+"<DetailBillStart", 1)
	_, got = askServer(t, s, acceptXML, daysQuery)
	want = `<GetPostpayDetailConsumeResponse><RequestId>b1115100-0000-4000-8000-000000000002</RequestId>` +
		`<PageNo>0</PageNo><PageSize>1</PageSize><Total>1</Total><PostpayDetailBillSet>` + line +
		`</PostpayDetailBillSet></GetPostpayDetailConsumeResponse>`
	if got != want {
		t.Errorf("XML\n got %s\nwant %s", got, want)
	}
}

// TestNoConsumption checks the answers for an account without consumption and for a month that has none yet.
func TestNoConsumption(t *testing.T) {
	notYet := consumingAccount()
	notYet.Consume = func(string) (Consumption, bool) { return Consumption{}, false }
	for _, a := range []Account{accountOf(nil), notYet} {
		s := New([]Account{a}, WithClock(noonClock))
		_, got := askServer(t, s, acceptJSON, consumeQuery)
		want := `{"RequestId":"b1115100-0000-4000-8000-000000000001","BeginDate":"","EndDate":"","MonthBillSet":[]}`
		if got != want {
			t.Errorf("summary %s", got)
		}
		_, got = askServer(t, s, acceptJSON, daysQuery)
		want = `{"RequestId":"b1115100-0000-4000-8000-000000000002","PageNo":0,"PageSize":1,"Total":0,` +
			`"PostpayDetailBillSet":[]}`
		if got != want {
			t.Errorf("lines %s", got)
		}
	}
}

func TestConsumeRefusals(t *testing.T) {
	invalid := func(name string) string {
		return "InvalidParameter: There is one or more invalid parameter(" + name + ")."
	}
	tests := []struct{ query, want string }{
		{"Action=getMonthConsume&Version=2018-06-01", "MissingParameter: The parameter BillMonth is missing."},
		{"Action=getPostpayDetailConsume&Version=2018-06-01", "MissingParameter: The parameter BillMonth is missing."},
		{"Action=getMonthConsume&Version=2018-06-01&BillMonth=2026-09", invalid("BillMonth")},
		{"Action=getMonthConsume&Version=2018-06-01&BillMonth=2026-12", invalid("BillMonth")},
		{"Action=getMonthConsume&Version=2018-06-01&BillMonth=2026-11-16", invalid("BillMonth")},
		{daysQuery + "&PageSize=0", invalid("PageSize")},
		{daysQuery + "&PageSize=5001", invalid("PageSize")},
		{daysQuery + "&PageSize=-1", invalid("PageSize")},
		{daysQuery + "&PageSize=all", invalid("PageSize")},
		{daysQuery + "&PageNo=-1", invalid("PageNo")},
		{daysQuery + "&PageNo=1.0", invalid("PageNo")},
		{daysQuery + "&PageNo=2147483648", invalid("PageNo")},
	}
	s := New([]Account{consumingAccount()}, WithClock(noonClock))
	for _, tt := range tests {
		status, body := askServer(t, s, acceptJSON, tt.query)
		if got := errorOf(t, body); got != tt.want || status != 400 {
			t.Errorf("%s: %d %s\nwant %s", tt.query, status, got, tt.want)
		}
	}
	denied := consumingAccount()
	denied.Denied = []string{"getMonthConsume"}
	s = New([]Account{denied}, WithClock(noonClock))
	if _, body := askServer(t, s, acceptJSON, consumeQuery); !strings.Contains(body, "forbidden request this api") {
		t.Errorf("denied: %s", body)
	}
	if status, body := askServer(t, s, acceptJSON, daysQuery); status != 200 {
		t.Errorf("not denied: %s", body)
	}
}

// TestConsumeVersions checks that a server knows the actions by one name and version only.
func TestConsumeVersions(t *testing.T) {
	pages := New([]Account{consumingAccount()}, WithClock(noonClock))
	sdks := New([]Account{consumingAccount()}, WithClock(noonClock), WithConsume2022())
	tests := []struct {
		action, version string
		pages, sdks     int
	}{
		{"getMonthConsume", "2018-06-01", 200, 404},
		{"getPostpayDetailConsume", "2018-06-01", 200, 404},
		{"GetMonthConsume", "2022-06-01", 404, 200},
		{"GetPostpayDetailConsume", "2022-06-01", 404, 200},
		{"GetMonthConsume", "2018-06-01", 404, 404},
		{"getMonthConsume", "2022-06-01", 404, 404},
		{"GetProductCode", "2018-06-01", 200, 200},
		{"GetProductCode", "2022-06-01", 404, 404},
	}
	for _, tt := range tests {
		query := "Action=" + tt.action + "&Version=" + tt.version + "&BillMonth=2026-11"
		for s, want := range map[*Server]int{pages: tt.pages, sdks: tt.sdks} {
			status, body := askServer(t, s, acceptJSON, query)
			if status != want || status == 404 && errorOf(t, body) != "INVALID_ACTION: Not Found" {
				t.Errorf("%s: %d %s, want %d", query, status, body, want)
			}
		}
	}
}

// TestConsumeMonths checks that there is consumption of the running and the previous month in Beijing only.
func TestConsumeMonths(t *testing.T) {
	clock := noon
	s := New([]Account{consumingAccount()}, WithClock(func() time.Time { return clock }))
	for now, want := range map[string][]string{
		"2026-11-30 23:59:59": {"2026-10", "2026-11"},
		"2026-12-01 00:00:00": {"2026-11", "2026-12"},
		"2027-01-31 12:00:00": {"2026-12", "2027-01"},
		"2027-03-31 12:00:00": {"2027-02", "2027-03"},
	} {
		clock = beijingClock(now)()
		var got []string
		for month := day(20_729).monthStart(0); month < 20_880; month = month.monthStart(1) {
			query := "Action=getMonthConsume&Version=2018-06-01&BillMonth=" + month.month()
			if status, _ := askServer(t, s, acceptJSON, query); status == 200 {
				got = append(got, month.month())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", now, got, want)
		}
	}
}

// describePage returns the numbers that a page states and the numbers of its lines.
func describePage(t *testing.T, s *Server, query string) string {
	t.Helper()
	_, body := askServer(t, s, acceptJSON, query)
	p := decodeJSON(t, []byte(body)).(map[string]any)
	numbers := ""
	for _, l := range p["PostpayDetailBillSet"].([]any) {
		numbers += l.(map[string]any)["DetailBillNo"].(string)
	}
	return fmt.Sprintf("page %s of %s, total %s: %s", p["PageNo"], p["PageSize"], p["Total"], numbers)
}

func TestPages(t *testing.T) {
	tests := []struct{ query, fromZero, fromOne string }{
		{"", "page 0 of 1, total 8: a", "page 1 of 1, total 8: a"},
		{"&PageNo=1", "page 1 of 1, total 8: b", "page 1 of 1, total 8: a"},
		{"&PageSize=3", "page 0 of 3, total 8: abc", "page 1 of 3, total 8: abc"},
		{"&PageSize=3&PageNo=1", "page 1 of 3, total 8: def", "page 1 of 3, total 8: abc"},
		{"&PageSize=3&PageNo=2", "page 2 of 3, total 8: gh", "page 2 of 3, total 8: def"},
		{"&PageSize=3&PageNo=3", "page 3 of 3, total 8: ", "page 3 of 3, total 8: gh"},
		{"&PageSize=4&PageNo=2", "page 2 of 4, total 8: ", "page 2 of 4, total 8: efgh"},
		{"&PageSize=5000", "page 0 of 5000, total 8: abcdefgh", "page 1 of 5000, total 8: abcdefgh"},
		{
			"&PageSize=5000&PageNo=2147483647",
			"page 2147483647 of 5000, total 8: ",
			"page 2147483647 of 5000, total 8: ",
		},
		{"&PageSize=9&ProductCode=EIP", "page 0 of 9, total 4: bdfh", "page 1 of 9, total 4: bdfh"},
		{"&PageSize=2&PageNo=1&ProjectId=0", "page 1 of 2, total 3: g", "page 1 of 2, total 3: ad"},
		{"&PageSize=9&ProductCode=KEC&ProjectId=7", "page 0 of 9, total 1: e", "page 1 of 9, total 1: e"},
		{"&PageSize=9&ProductCode=KS3", "page 0 of 9, total 0: ", "page 1 of 9, total 0: "},
	}
	fromZero := New([]Account{consumingAccount(dailyLines(8)...)}, WithClock(noonClock))
	fromOne := New([]Account{consumingAccount(dailyLines(8)...)}, WithClock(noonClock), WithPagesFromOne())
	for _, tt := range tests {
		if got := describePage(t, fromZero, daysQuery+tt.query); got != tt.fromZero {
			t.Errorf("from 0, %s: %s, want %s", tt.query, got, tt.fromZero)
		}
		if got := describePage(t, fromOne, daysQuery+tt.query); got != tt.fromOne {
			t.Errorf("from 1, %s: %s, want %s", tt.query, got, tt.fromOne)
		}
	}
}

// TestPageFaults checks the faults of pages and of the lines on them.
func TestPageFaults(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		want  []string
	}{
		{"none", Fault{}, []string{"total 8: abc", "total 8: def", "total 8: gh"}},
		{"more in total", ChangedTotal(1, 2), []string{"total 8: abc", "total 10: def", "total 8: gh"}},
		{"less in total", ChangedTotal(0, -1), []string{"total 7: abc", "total 8: def", "total 8: gh"}},
		{"missing", MissingPage(1), []string{"total 8: abc", "total 8: ", "total 8: gh"}},
		{"too early", EarlyPage(2, 1), []string{"total 8: abc", "total 8: def", "total 8: fgh"}},
		{"repeated", RepeatedPage(2), []string{"total 8: abc", "total 8: def", "total 8: def"}},
		{
			"nothing before the first",
			RepeatedPage(0),
			[]string{"total 8: abc", "total 8: def", "total 8: gh"},
		},
		{
			"an edit",
			Fault{Edit: func(n int, l *Line) { l.DetailBillNo += fmt.Sprint(n) }},
			[]string{"total 8: a1b2c3", "total 8: d1e2f3", "total 8: g1h2"},
		},
		{
			"another action's",
			Fault{Action: "getMonthConsume", EditPage: func(p *LinePage) { p.Total = 0 }},
			[]string{"total 8: abc", "total 8: def", "total 8: gh"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New([]Account{consumingAccount(dailyLines(8)...)}, WithClock(noonClock))
			s.Fault(tt.fault)
			var got []string
			for n := range tt.want {
				_, about, _ := strings.Cut(describePage(t, s, fmt.Sprintf("%s&PageSize=3&PageNo=%d", daysQuery, n)), ", ")
				got = append(got, about)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("cut", func(t *testing.T) {
		s := New([]Account{consumingAccount(dailyLines(8)...)}, WithClock(noonClock))
		s.Fault(Break(Cut, 2))
		if _, got := askServer(t, s, acceptJSON, daysQuery+"&PageSize=3"); strings.Count(got, "DetailBillNo") != 2 {
			t.Errorf("more or less than two lines: %s", got)
		}
	})
	t.Run("fields", func(t *testing.T) {
		s := New([]Account{consumingAccount(dailyLines(1)...)}, WithClock(noonClock))
		s.Fault(Fault{Forms: map[string]Form{"Total": AsString, "PageNo": Missing, "DetailBillStatDate": Null}})
		_, got := askServer(t, s, acceptJSON, daysQuery)
		for _, want := range []string{`01","PageSize":1,"Total":"1",`, `"DetailBillStatDate":null,`} {
			if !strings.Contains(got, want) {
				t.Errorf("no %s in %s", want, got)
			}
		}
	})
}

// TestConsumptionByDay adds up lines some of which have the same day or the same keys.
func TestConsumptionByDay(t *testing.T) {
	line := func(day, product, project, instance string, cost Amount) Line {
		return Line{StatDate: day, ProductCode: product, ProjectID: project, InstanceID: instance, Cost: cost}
	}
	c := Consumption{Bill: billOf(line("2026-11-02", "KEC", "0", "i", 3), line("2026-11-01", "KEC", "0", "i", 5),
		line("2026-11-02", "KEC", "7", "j", -8), line("2026-11-02", "EIP", "0", "", 20))}
	days := c.ByDay()
	second := days["2026-11-02"]
	got := []any{
		len(days), days["2026-11-01"].Total, second.Lines, second.Total, second.ByProduct, second.ByProject,
		second.ByProjectProduct, second.ByInstance,
	}
	want := []any{
		2, Amount(5), 3, Amount(15),
		map[string]Amount{"KEC": -5, "EIP": 20},
		map[string]Amount{"0": 23, "7": -8},
		map[ProjectProduct]Amount{{"0", "KEC"}: 3, {"7", "KEC"}: -8, {"0", "EIP"}: 20},
		map[InstanceKey]Amount{{"KEC", "0", "i"}: 3, {"KEC", "7", "j"}: -8, {"EIP", "0", ""}: 20},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	if got := c.Sums().Total; got != 20 {
		t.Errorf("month %s", got)
	}
}

// TestDemoDaysOverHTTP adds up the lines of all pages that a client gets and compares the sums with summary and ByDay.
func TestDemoDaysOverHTTP(t *testing.T) {
	a := Demo(noonClock)[0]
	a.AccessKeyID, a.SecretAccessKey = "AKSAMPLE", "secret"
	_, c := serve(t, a)
	const query = "Action=getPostpayDetailConsume&Version=2018-06-01&BillMonth=2026-11&PageSize=5000&PageNo="
	sum, products, days := new(big.Rat), map[string]*big.Rat{}, map[string]*big.Rat{}
	for n := range 2 {
		_, body := c.get(fmt.Sprint(query, n))
		for _, item := range decodeJSON(t, []byte(body)).(map[string]any)["PostpayDetailBillSet"].([]any) {
			l := item.(map[string]any)
			cost, _ := new(big.Rat).SetString(l["Cost"].(string))
			sum.Add(sum, cost)
			addCost(products, l["ProductCode"].(string), cost)
			addCost(days, l["DetailBillStatDate"].(string), cost)
		}
	}
	_, body := c.get(consumeQuery)
	month := decodeJSON(t, []byte(body)).(map[string]any)["MonthBillSet"].([]any)[0].(map[string]any)
	summary := map[string]string{"": formatNumber(month["Sum"])}
	for _, p := range month["BillProductSet"].([]any) {
		summary[p.(map[string]any)["Code"].(string)] = formatNumber(p.(map[string]any)["Cost"])
	}
	addCost(products, "", sum)
	if diff := cmp.Diff(ratSums(products).texts(), summary); diff != "" {
		t.Errorf("lines and summary differ:\n%s", diff)
	}
	consumption, _ := a.Consume("2026-11")
	byDay := map[string]string{}
	for day, s := range consumption.ByDay() {
		byDay[day] = newRat(s.Total).FloatString(8)
	}
	if diff := cmp.Diff(ratSums(days).texts(), byDay); diff != "" || len(byDay) != 16 {
		t.Errorf("lines and ByDay differ on %d days:\n%s", len(byDay), diff)
	}
}
