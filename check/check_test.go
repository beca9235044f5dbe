package check

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/config"

	"github.com/google/go-cmp/cmp"
)

// outcome is what Run printed and returned, the calls that it made, and how long they took.
type outcome struct {
	out      string
	err      error
	calls    []billsim.Call
	duration time.Duration
}

func (o outcome) String() string {
	failure := ""
	if o.err != nil {
		failure = fmt.Sprintf("error: %v\n", o.err)
	}
	return fmt.Sprintf("%s%safter %d calls\n", o.out, failure, len(o.calls))
}

// noon is noon in Beijing on a day on which last month has been billed.
var noon = time.Date(2026, time.November, 22, 4, 0, 0, 0, time.UTC)

// runCheck runs the command at noon, over pipes instead of sockets. It has to be called in a bubble.
func runCheck(ctx context.Context, t *testing.T, text string, api *billsim.Server) outcome {
	t.Helper()
	time.Sleep(time.Until(noon))
	pipes, stop := billsim.PipeTransport(api)
	defer stop()
	var out strings.Builder
	err := Run(ctx, Options{
		Config: parse(t, text), UserAgent: "ksyun_bill_exporter/1.2.3", Transport: pipes, Now: time.Now(), Stdout: &out,
	})
	return outcome{
		out:      requestID.ReplaceAllString(out.String(), "REQUEST"),
		err:      err,
		calls:    api.Calls(),
		duration: time.Since(noon),
	}
}

func parse(t *testing.T, text string) config.Config {
	t.Helper()
	c, err := config.Parse("config.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// errInterrupted is the cause that a signal gives to a context.
var errInterrupted = errors.New("interrupt signal received")

var requestID = regexp.MustCompile(`b1115100-0000-4000-8000-[0-9a-f]{12}`)

const (
	oneAccount  = "accounts: [{name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}]\n"
	twoAccounts = "accounts:\n" +
		"  - {name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}\n" +
		"  - {name: 商城, access_key_id: AKLTSHOP, secret_access_key: s3cret-shop}\n"
)

// customers returns two accounts. The bill of the first one grows from day to day, that of the second one comes when
// the month is over.
func customers() []billsim.Account {
	line := billsim.Line{
		DetailBillNo: "000000017299675", ProductCode: "KEC", ProductName: "云服务器", ProjectID: "103800",
		ProjectName: "交易平台", InstanceID: "i-4711", InstanceName: "order-api", Cost: 5678 * billsim.Fen,
	}
	second := line
	second.DetailBillNo = "000000017299676"
	months := func(months ...string) func(string) (billsim.Bill, bool) {
		return func(month string) (billsim.Bill, bool) {
			return billsim.Bill{Lines: slices.Values([]billsim.Line{line, second})}, slices.Contains(months, month)
		}
	}
	daily := func(month string) (billsim.Consumption, bool) {
		yesterday := month + "-21"
		return billsim.Consumption{
			Bill: billsim.Bill{Lines: linesOfDay(yesterday, line, second)}, EndDate: yesterday,
		}, true
	}
	prepaid := func(string) []billsim.Purchase {
		return []billsim.Purchase{{ProductCode: "KEC", ProjectID: "0", Cost: 1234 * billsim.Fen}}
	}
	return []billsim.Account{
		{
			AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
			Bills: months("2026-10", "2026-11"), Consume: daily, Prepaid: prepaid,
		},
		{
			AccessKeyID: "AKLTSHOP", SecretAccessKey: "s3cret-shop", CustomerID: "73406772",
			Bills: months("2026-10"), Consume: daily,
		},
	}
}

func linesOfDay(day string, lines ...billsim.Line) iter.Seq[billsim.Line] {
	for i := range lines {
		lines[i].StatDate = day
	}
	return slices.Values(lines)
}

// privateTexts are texts that must not be among the facts: keys, names, ids, amounts, addresses.
var privateTexts = []string{
	"AKLT", "s3cret", "main", "商城", "734", "KEC", "云", "103800", "交易", "i-4711", "order-api", "0000", "56.78",
	"113.56", "12.34", "%", "REQUEST", "ksyun.com", "example", "127.0.0.1", "://", "lack of policy", "user ",
}

// TestRun compares all that is printed with testdata.
func TestRun(t *testing.T) {
	unknownAction := func(action string) billsim.Fault {
		f := billsim.Refuse(billsim.JSONError, http.StatusNotFound, "INVALID_ACTION", "Not Found")
		f.Action = action
		return f
	}
	hostileCode := billsim.Refuse(billsim.JSONError, http.StatusInternalServerError, "user 73400575", "of main")
	hostileCode.Action = "GetProductCode"
	hostileCode.Header = http.Header{"Content-Type": {`application/json+73400575; charset="main"`}}
	hostilePacking := billsim.Fault{
		Action: "DescribeProductCode", Header: http.Header{"Content-Encoding": {"73400575"}},
	}
	leftOut := answerTo("GetMonthBill", `{"MonthBillSet":[`+
		`{"BillMonth":"2026-11","Sum":1,"BillId":"a"},{"BillMonth":"2026-11","Sum":2,"BillId":"b","BillType":"prepay"}]}`)
	behind := billsim.Fault{
		Gzip:   true,
		Header: http.Header{"Date": {noon.Add(-100 * time.Second).Format(http.TimeFormat)}},
	}
	ahead := billsim.Fault{Header: http.Header{"Date": {noon.Add(time.Hour).Format(http.TimeFormat)}}}
	for name, tt := range map[string]struct {
		config  string
		change  func(first, second *billsim.Account)
		options []billsim.Option
		faults  []billsim.Fault
	}{
		"fine": {config: twoAccounts},
		"no permission for bill-union": {config: oneAccount, change: func(first, _ *billsim.Account) {
			first.UnionDenied = true
		}},
		"no permission for days": {
			config: oneAccount + "api: {union_endpoint: 'https://bill-union.example'}\n",
			change: func(first, _ *billsim.Account) {
				first.Denied = []string{"ListProductGroups", "QueryProductConsume", "QueryProjectConsume"}
			},
		},
		"no days": {
			config:  oneAccount,
			options: []billsim.Option{billsim.WithoutActions("QueryProductConsume", "QueryProjectConsume")},
		},
		"no permission for instances": {config: oneAccount, change: func(first, _ *billsim.Account) {
			first.Denied = []string{
				"QueryInstanceConsume", "DescribeInstanceSummaryBills", "DescribeCostBill", "QueryItemBills",
				"QueryCashWalletAction", "QueryInstances",
			}
		}},
		"no permission for wanted balances": {
			config: oneAccount + "api: {pay_endpoint: 'https://pay.example', trade_endpoint: 'https://trade.example'}\n",
			change: func(first, _ *billsim.Account) {
				first.Denied = []string{"QueryCashWalletAction", "QueryInstances"}
			},
		},
		"no balances": {config: oneAccount + "api: {pay_endpoint: '', trade_endpoint: ''}\n"},
		"no costs":    {config: oneAccount, options: []billsim.Option{billsim.WithoutActions("DescribeCostBill", "QueryItemBills")}},
		"many pages": {config: oneAccount, change: buyMuch, faults: []billsim.Fault{
			ofAction("DescribeInstanceSummaryBills", billsim.MissingPage(2)),
		}},
		"hostile lines": {config: oneAccount, faults: hostileLines()},
		"no permission for a wanted bill-union": {
			config: oneAccount + "api: {union_endpoint: 'https://bill-union.example'}\n",
			change: func(first, _ *billsim.Account) { first.UnionDenied, first.DeniedByIAM = true, true },
		},
		"no bill-union": {config: oneAccount + "api: {union_endpoint: ''}\n"},
		"no estimates": {
			config: twoAccounts,
			faults: []billsim.Fault{unknownAction("getMonthConsume"), unknownAction("getPostpayDetailConsume")},
		},
		"estimates of 2022": {config: oneAccount, options: []billsim.Option{billsim.WithConsume2022()}},
		"no permission for estimates": {
			config: oneAccount + "months: {running: estimate}\n",
			change: func(first, _ *billsim.Account) {
				first.Denied = []string{"getMonthConsume", "getPostpayDetailConsume"}
			},
		},
		"estimates not wanted": {
			config: oneAccount + "months: {running: bill}\n",
			change: func(first, _ *billsim.Account) { first.Denied = []string{"getPostpayDetailConsume"} },
		},
		"no permission for lines": {config: oneAccount, change: func(first, _ *billsim.Account) {
			first.Denied, first.DeniedByIAM = []string{"GetPostpayDetailBill", "getPostpayDetailConsume"}, true
		}},
		"no permission for bills": {config: oneAccount, change: func(first, _ *billsim.Account) {
			first.Denied = []string{"GetMonthBill", "getMonthConsume"}
		}},
		"fault of the API": {config: oneAccount, faults: []billsim.Fault{billsim.Page(http.StatusBadGateway)}},
		"hostile name":     {config: strings.Replace(oneAccount, "name: main", `name: "\u202eniam"`, 1)},
		"pages from 1":     {config: oneAccount, options: []billsim.Option{billsim.WithPagesFromOne()}},
		"wrong secret":     {config: strings.ReplaceAll(twoAccounts, "s3cret-main", "s3cret-mine")},
		"empty account": {config: oneAccount, change: func(first, _ *billsim.Account) {
			first.Bills, first.Consume, first.Prepaid = nil, nil, nil
		}},
		"throttled": {
			config: oneAccount, faults: []billsim.Fault{billsim.Busy(http.StatusTooManyRequests, time.Second)},
		},
		"wrong endpoint": {config: oneAccount, faults: []billsim.Fault{billsim.Page(http.StatusNotFound)}},
		"other customer": {
			config: strings.Replace(twoAccounts, "name: main", "name: main, customer_id: 1234567", 1),
		},
		"same customer": {config: twoAccounts, change: func(first, second *billsim.Account) {
			second.CustomerID = "00" + first.CustomerID
		}},
		"left out":        {config: oneAccount, faults: []billsim.Fault{leftOut}},
		"hostile answers": {config: oneAccount, faults: []billsim.Fault{hostileCode, hostilePacking}},
		"behind, packed":  {config: oneAccount, faults: []billsim.Fault{behind}},
		"ahead":           {config: oneAccount, faults: []billsim.Fault{ahead}},
		"parts miss":      {config: oneAccount, faults: partsThatMiss()},
		"days miss":       {config: oneAccount, change: buyByTheHour, faults: daysThatMiss()},
		"days of another form": {config: oneAccount, faults: []billsim.Fault{
			answerTo("QueryProductConsume", `{"status":200,"data":{"total":1,"bills":[{"billDay":"main 73400575"}]}}`),
			answerTo("QueryProjectConsume", `{"data":{"total":0,"bills":[]}}`),
		}},
		"days in other envelopes": {config: oneAccount, change: buyByTheHour, options: []billsim.Option{
			billsim.WithEnvelope(billsim.CapitalEnvelope), billsim.WithDayText(),
		}},
		"pay modes": {config: twoAccounts, faults: []billsim.Fault{
			ofKey("AKLTMAIN", payModes("后付费", "2", "Spot-Market", "33", "user 73400575 of main", "后付费(73400575)",
				"what the main account has bought", "main.example")),
			ofKey("AKLTSHOP", payModes("月结", "Prepaid", "Project 103800")),
		}},
		"currencies": {config: twoAccounts, change: func(first, second *billsim.Account) {
			first.Currency, second.Currency = "USD", "商城 73406772"
		}},
		"bill in dollars": {config: oneAccount, faults: []billsim.Fault{answerTo("GetMonthBill",
			`{"MonthBillSet":[{"BillMonth":"2026-11","Currency":"USD","Sum":1}]}`)}},
		"balance in dollars": {config: oneAccount, faults: []billsim.Fault{
			answerTo("QueryCashWalletAction", `{"data":{"availableAmount":1,"currency":"USD"}}`),
			answerTo("DescribeCostBill", `{"ok":true,"data":{"total":1,"bills":[{"currency":"USD"}]}}`),
		}},
		"no currency": {config: oneAccount, faults: currenciesOfYuan()},
		"bill ids":    {config: twoAccounts, change: changeBillIDs},
		"no bill ids": {
			config: oneAccount, faults: []billsim.Fault{{Forms: map[string]billsim.Form{"BillId": billsim.Missing}}},
		},
		"two customers": {config: oneAccount, faults: []billsim.Fault{answerTo("GetMonthBill",
			`{"MonthBillSet":[{"BillMonth":"2026-10","Sum":1,"BillId":"KSYZD0073400575202610"},`+
				`{"BillMonth":"2026-11","Sum":1,"BillId":"KSYZD0073406772202611"}]}`)}},
		"silence": {
			config: oneAccount, faults: []billsim.Fault{{Action: "getMonthConsume", End: billsim.Stall}},
		},
		"long bill": {
			config: oneAccount,
			change: func(first, _ *billsim.Account) {
				bill, _ := first.Bills("2026-11")
				lines := slices.Repeat(slices.Collect(bill.Lines), 1000)
				first.Bills = func(string) (billsim.Bill, bool) {
					return billsim.Bill{Lines: slices.Values(lines)}, true
				}
			},
			faults: []billsim.Fault{{Action: "GetPostpayDetailBill", Length: true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				accounts := customers()
				if tt.change != nil {
					tt.change(&accounts[0], &accounts[1])
				}
				api := billsim.New(accounts, tt.options...)
				for _, f := range tt.faults {
					api.Fault(f)
				}
				compareCheck(t, name, runCheck(t.Context(), t, tt.config, api))
			})
		})
	}
}

// buyMuch gives the first account more of everything than fits on a page, and a term that ends soon to all of it. Its
// newest day is two days ago.
func buyMuch(first, _ *billsim.Account) {
	bills, daily := first.Bills, first.Consume
	many := func(lines iter.Seq[billsim.Line], copies int) iter.Seq[billsim.Line] {
		repeated := slices.Repeat(slices.Collect(lines), copies)
		for n := range repeated {
			repeated[n].InstanceID = fmt.Sprintf("i-4711-%d", n)
		}
		return slices.Values(repeated)
	}
	first.Bills = func(month string) (billsim.Bill, bool) {
		bill, ok := bills(month)
		bill.Lines = many(bill.Lines, 600)
		return bill, ok
	}
	first.Consume = func(month string) (billsim.Consumption, bool) {
		c, ok := daily(month)
		c.Lines, c.EndDate = many(c.Lines, 300), month+"-20"
		return c, ok
	}
	first.Prepaid = func(month string) (all []billsim.Purchase) {
		for n := range 250 {
			all = append(all, billsim.Purchase{
				ProductCode: "KEC", ProjectID: fmt.Sprint(n % 7), Cost: billsim.Fen, Day: month + "-20",
				InstanceID: fmt.Sprintf("i-4711-%s-%d", month, n), EndTime: "2026-12-01 00:00:00",
				AutoRenew: n%2 == 0,
			})
		}
		return all
	}
}

// hostileLines are answers in which names and numbers of the account stand where the API has its own words.
func hostileLines() []billsim.Fault {
	day := func(members string) string { return `{"billDay":20261121,"billRealAmount":0,` + members + `}` }
	return []billsim.Fault{
		answerTo("QueryInstanceConsume", `{"Data":{"total":3,"bills":[`+
			day(`"projectId":"main \u001b[2J","payTypeName":"main 73400575","userId":"73406772","i-4711":"56.78"`)+`,`+
			day(`"projectId":"103800","payType":1`)+`,`+day(`"userId":"73400575"`)+`]}}`),
		answerTo("DescribeInstanceSummaryBills", `{"TotalCount":1,"SummaryOverview":[{"BillMonth":"2026-10",`+
			`"RealCost":0,"PayMode":"order-api","ProductName":"云","ProjectName":"交易","ProductSubTypeName":"main"}]}`),
		answerTo("QueryCashWalletAction", `{"data":{"availableAmount":56.78,"currency":"rmb"}}`),
		answerTo("QueryInstances", `{"data":{"total":4,"retResponse":[`+
			`{"instanceId":"i-4711","billingEndTime":"2026-11-30 00:00:00","renewStrategy":"main","userId":73406772},`+
			`{"instanceId":"i-4712","billingEndTime":"2026-11-30 00:00:00","renewStrategy":"1"},`+
			`{"instanceId":"i-4713","billingEndTime":"2026-11-30 00:00:00"},{"instanceId":"i-4714"}]}}`),
		answerTo("DescribeCostBill", `{"status":200,"data":{"total":1,"bills":[{"productGroupId":7340,"totalCost":1,`+
			`"costAtBeginning":0,"totalBalance":"main"}]}}`),
	}
}

// ofAction returns the fault for calls of an action only.
func ofAction(action string, f billsim.Fault) billsim.Fault {
	f.Action = action
	return f
}

// answerTo returns a fault that answers an action with this body.
func answerTo(action, body string) billsim.Fault {
	return ofAction(action, billsim.Raw(http.StatusOK, "application/json", body))
}

// ofKey returns the fault for calls with a key only.
func ofKey(accessKeyID string, f billsim.Fault) billsim.Fault {
	f.AccessKeyID = accessKeyID
	return f
}

// payModes answers with parts of 56.78 yuan, each in the pay mode that a word is for.
func payModes(words ...string) billsim.Fault {
	var parts []string
	for _, word := range words {
		parts = append(parts, fmt.Sprintf(`{"PayMode":%q,"RealTotalCost":56.78,"BillMonth":"2026-10"}`, word))
	}
	return answerTo("DescribeBillSummaryByPayMode", fmt.Sprintf(
		`{"Currency":"CNY","RealTotalCost":%d.%02d,"SummaryOverview":[%s]}`,
		5678*len(words)/100, 5678*len(words)%100, strings.Join(parts, ",")))
}

// partsThatMiss are answers of which no set of parts comes to its total. The products of November do.
func partsThatMiss() []billsim.Fault {
	faults := []billsim.Fault{
		answerTo("GetMonthBill", `{"MonthBillSet":[{"BillMonth":"2026-10","Sum":113.56,"BillId":"KSYZD0073400575202610",`+
			`"BillProductSet":[{"Code":"KEC","Cost":56.78}],"BillProjectSet":[{"Id":0,"Cost":113.54},`+
			`{"Id":103800,"Cost":0,"Details":[{"Code":"KEC","Cost":0.01}]}]},{"BillMonth":"2026-11","Sum":56.78,`+
			`"BillId":"KSYZD0073400575202611","BillProductSet":[{"Code":"KEC","Cost":56.785}]}]}`),
		answerTo("getMonthConsume", `{"EndDate":"2026-11-21","MonthBillSet":[{"BillMonth":"2026-11","Sum":56.78,`+
			`"BillId":"KSYZD0073400575202611"}]}`),
	}
	for _, split := range []string{`PayMode":"后付费`, `ProductCode":"KEC`, `ProjectId":"103800`} {
		action, _, _ := strings.Cut(split, `"`)
		action = "DescribeBillSummaryBy" + strings.TrimSuffix(strings.TrimSuffix(action, "Code"), "Id")
		faults = append(faults, answerTo(action, `{"Currency":"CNY","RealTotalCost":113.56,"SummaryOverview":[{"`+split+
			`","RealTotalCost":56.78,"BillMonth":"2026-10"}]}`))
	}
	return faults
}

// buyByTheHour lets the first account pay by the hour, too.
func buyByTheHour(first, _ *billsim.Account) {
	first.Realtime = func(string) []billsim.Purchase {
		return []billsim.Purchase{{ProductCode: "EIP", ProjectID: "103800", Cost: 1234 * billsim.Fen}}
	}
}

// daysThatMiss are days in which nothing comes to what other actions have: neither pay modes nor totals, neither groups
// nor projects.
func daysThatMiss() []billsim.Fault {
	days := func(action, members string) billsim.Fault {
		return answerTo(action, `{"RequestId":"r","total":2,"bills":[{"billDay":31,"prePayBillsAmount":12.36,`+
			`"realtimeBillsAmount":0,"postPayBillsAmount":56.78,"billFinalAmount":113.56,`+members+`},`+
			`{"billDay":1,"prePayBillsAmount":0,"realtimeBillsAmount":12.34,"postPayBillsAmount":0}]}`)
	}
	return []billsim.Fault{
		days("QueryProductConsume", `"productGroupId":101`), days("QueryProjectConsume", `"projectId":"7340"`),
		answerTo("ListProductGroups", `{"Data":[{"Id":101,"Code":"KEC"}]}`),
	}
}

// currenciesOfYuan are answers that name the yuan where the API's pages have no currency, in other words, or not at
// all.
func currenciesOfYuan() []billsim.Fault {
	part := func(action, key, currency string) billsim.Fault {
		return answerTo(action, `{"RealTotalCost":1,`+currency+`"SummaryOverview":[{"`+key+
			`","RealTotalCost":1,"BillMonth":"2026-10"}]}`)
	}
	return []billsim.Fault{
		answerTo("GetMonthBill", `{"Currency":"CNY","MonthBillSet":[`+
			`{"BillMonth":"2026-11","Sum":0,"BillId":"KSYZD0073400575202611"}]}`),
		part("DescribeBillSummaryByPayMode", `PayMode":"2`, `"Currency":"元",`),
		part("DescribeBillSummaryByProduct", `ProductCode":"KEC`, `"Currency":"RMB",`),
		part("DescribeBillSummaryByProject", `ProjectId":"103800`, ""),
	}
}

// changeBillIDs gives the bills of the first account the ids of another customer, and its estimates ids in another
// form. The estimates of the second account get the ids of the first.
func changeBillIDs(first, second *billsim.Account) {
	bills, daily, months := first.Bills, first.Consume, second.Consume
	first.Bills = func(month string) (billsim.Bill, bool) {
		bill, ok := bills(month)
		bill.ID = "KSYZD0073406772" + strings.ReplaceAll(month, "-", "")
		return bill, ok
	}
	first.Consume = func(month string) (billsim.Consumption, bool) {
		c, ok := daily(month)
		c.ID = "main-73400575"
		return c, ok
	}
	second.Consume = func(month string) (billsim.Consumption, bool) {
		c, ok := months(month)
		c.ID = "KSYZD0073400575202611"
		return c, ok
	}
}

func compareCheck(t *testing.T, name string, got outcome) {
	t.Helper()
	file := filepath.Join("testdata", strings.NewReplacer(" ", "_", ",", "").Replace(name)+".txt")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
	_, facts, _ := strings.Cut(got.out, "```text\n")
	facts, fenced := strings.CutSuffix(facts, "```\n")
	if !fenced || facts == "" {
		t.Fatalf("no facts at the end of\n%s", got.out)
	}
	for _, word := range privateTexts {
		if strings.Contains(facts, word) {
			t.Errorf("%q is among the facts:\n%s", word, facts)
		}
	}
}

// Each action is asked once, the one whose pages are numbered three times, and no faster than the configuration allows.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := runCheck(t.Context(), t, oneAccount+"api: {daily_calls: 5}\n", billsim.New(customers()))
		asked := map[string]int{}
		for _, call := range got.calls {
			asked[call.Action]++
		}
		want := map[string]int{
			"GetMonthBill": 1, "GetPostpayDetailBill": 1, "GetProductCode": 1, "getMonthConsume": 1,
			"getPostpayDetailConsume": 3, "DescribeBillSummaryByPayMode": 1, "DescribeBillSummaryByProduct": 1,
			"DescribeBillSummaryByProject": 1, "ListProductGroups": 1, "QueryProductConsume": 1,
			"QueryProjectConsume": 1, "QueryInstanceConsume": 1, "DescribeInstanceSummaryBills": 1,
			"DescribeCostBill": 1, "QueryItemBills": 1, "DescribeProductCode": 1, "QueryCashWalletAction": 1,
			"QueryInstances": 1,
		}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if want := 9 * time.Second; got.duration != want { // 20 calls, 2 of them in a burst
			t.Errorf("took %v, want %v", got.duration, want)
		}
	})
}

// An interrupted command does not wait for an API that does not answer, and prints what it has learned.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := billsim.New(customers())
		silent := billsim.Never()
		silent.Action = "getMonthConsume"
		api.Fault(silent)
		ctx, interrupt := context.WithCancelCause(t.Context())
		defer time.AfterFunc(time.Until(noon)+10*time.Second, func() { interrupt(errInterrupted) }).Stop()
		got := runCheck(ctx, t, twoAccounts, api)
		if compareCheck(t, "interrupted", got); got.duration != 10*time.Second {
			t.Errorf("after %v", got.duration)
		}
	})
}

// Where nobody answers, there is one line for each service, and the facts.
func TestConnectionRefused(t *testing.T) {
	var out strings.Builder
	err := Run(t.Context(), Options{
		Config: parse(t, oneAccount+"api: {endpoint: 'http://127.0.0.1:1'}\n"), UserAgent: "ksyun_bill_exporter/",
		Now: time.Now(), Stdout: &out,
	})
	compareCheck(t, "refused", outcome{out: out.String(), err: err})
}
