package main

import (
	"context"
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

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/version"
)

// checked is what somebody sees who runs the command.
type checked struct {
	code        int
	out, errors string
	calls       []billsim.Call
	took        time.Duration
}

func (c checked) String() string {
	return fmt.Sprintf("%s%sexit code %d after %d calls\n", c.out, c.errors, c.code, len(c.calls))
}

// noon is that of a day in Beijing on which last month has been billed.
var noon = time.Date(2026, time.November, 22, 4, 0, 0, 0, time.UTC)

// runCheck checks at noon: the program as it is, over pipes instead of sockets. It has to be
// called in a bubble.
func runCheck(ctx context.Context, t *testing.T, config string, api *billsim.Server) checked {
	t.Helper()
	time.Sleep(time.Until(noon))
	pipes, stop := billsim.PipeTransport(api)
	defer stop()
	sockets, release := http.DefaultTransport, version.Version
	http.DefaultTransport, version.Version = pipes, "1.2.3"
	defer func() { http.DefaultTransport, version.Version = sockets, release }()
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, config)
	var out, log strings.Builder
	began := time.Now()
	code := run(ctx, []string{"check", "--config.file=" + file}, noEnvironment, &out, &log)
	return checked{
		code:   code,
		out:    requestID.ReplaceAllString(out.String(), "REQUEST"),
		errors: logTime.ReplaceAllString(log.String(), ""),
		calls:  api.Calls(),
		took:   time.Since(began),
	}
}

var requestID = regexp.MustCompile(`b1115100-0000-4000-8000-[0-9a-f]{12}`)

const (
	oneAccount  = "accounts: [{name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}]\n"
	twoAccounts = "accounts:\n" +
		"  - {name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}\n" +
		"  - {name: 商城, access_key_id: AKLTSHOP, secret_access_key: s3cret-shop}\n"
)

// customers are two: the first one's bill grows from day to day, the second one's comes when the month is over.
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
			Bill: billsim.Bill{Lines: ofDay(yesterday, line, second)}, EndDate: yesterday,
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

func ofDay(day string, lines ...billsim.Line) iter.Seq[billsim.Line] {
	for i := range lines {
		lines[i].StatDate = day
	}
	return slices.Values(lines)
}

// private is what must not be among the facts: keys, names, ids, amounts, addresses.
var private = []string{
	"AKLT", "s3cret", "main", "商城", "734", "KEC", "云", "103800", "交易", "i-4711", "order-api", "0000", "56.78",
	"113.56", "12.34", "%", "REQUEST", "ksyun.com", "example", "127.0.0.1", "://", "lack of policy", "user ",
}

// TestCheck compares all that is printed with testdata/check.
func TestCheck(t *testing.T) {
	unknown := func(action string) billsim.Fault {
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
		"no permission for a wanted bill-union": {
			config: oneAccount + "api: {union_endpoint: 'https://bill-union.example'}\n",
			change: func(first, _ *billsim.Account) { first.UnionDenied, first.DeniedByIAM = true, true },
		},
		"no bill-union": {config: oneAccount + "api: {union_endpoint: ''}\n"},
		"no estimates": {
			config: twoAccounts,
			faults: []billsim.Fault{unknown("getMonthConsume"), unknown("getPostpayDetailConsume")},
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
		"hostile answers": {config: oneAccount, faults: []billsim.Fault{hostileCode, hostilePacking}},
		"behind, packed":  {config: oneAccount, faults: []billsim.Fault{behind}},
		"ahead":           {config: oneAccount, faults: []billsim.Fault{ahead}},
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

func compareCheck(t *testing.T, name string, got checked) {
	t.Helper()
	file := filepath.Join("testdata", "check", strings.NewReplacer(" ", "_", ",", "").Replace(name)+".txt")
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
	for _, word := range private {
		if strings.Contains(facts, word) {
			t.Errorf("%q is among the facts:\n%s", word, facts)
		}
	}
}

// Each action is asked once, that of the pages thrice, and no faster than the configuration allows.
func TestCheckPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := runCheck(t.Context(), t, oneAccount+"api: {daily_calls: 5}\n", billsim.New(customers()))
		asked := map[string]int{}
		for _, call := range got.calls {
			asked[call.Action]++
		}
		want := map[string]int{
			"GetMonthBill": 1, "GetPostpayDetailBill": 1, "GetProductCode": 1, "getMonthConsume": 1,
			"getPostpayDetailConsume": 3, "DescribeBillSummaryByPayMode": 1, "DescribeBillSummaryByProduct": 1,
			"DescribeBillSummaryByProject": 1, "DescribeProductCode": 1,
		}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if want := 4500 * time.Millisecond; got.took != want { // 11 calls, 2 of them in a burst
			t.Errorf("took %v, want %v", got.took, want)
		}
	})
}

// Who interrupts it need not wait for an API that does not answer, and sees what has been learned.
func TestCheckInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := billsim.New(customers())
		silent := billsim.Never()
		silent.Action = "getMonthConsume"
		api.Fault(silent)
		ctx, interrupt := context.WithCancelCause(t.Context())
		defer time.AfterFunc(time.Until(noon)+10*time.Second, func() { interrupt(errInterrupted) }).Stop()
		got := runCheck(ctx, t, twoAccounts, api)
		if compareCheck(t, "interrupted", got); got.took != 10*time.Second {
			t.Errorf("after %v", got.took)
		}
	})
}

// Without anybody who answers there is one line for each service, and what there is to report.
func TestCheckRefused(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, oneAccount+"api: {endpoint: 'http://127.0.0.1:1'}\n")
	var out, log strings.Builder
	got := checked{code: run(t.Context(), []string{"check", "--config.file=" + config}, noEnvironment, &out, &log)}
	got.out, got.errors = out.String(), logTime.ReplaceAllString(log.String(), "")
	compareCheck(t, "refused", got)
}
