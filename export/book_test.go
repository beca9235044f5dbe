package export

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

const manyConfig = twoAccounts + "api: {union_endpoint: ''}\n" +
	"instances: {tags: [{key: '-部门', label: department}, {key: env, label: env}]}\n" +
	"projects:\n" +
	"  - {account: main, id: '103800', owner: trade-team, cost_center: '4101'}\n" +
	"  - {account: 商城, id: '0', owner: =shop}\n"

// manyBills returns an API with two accounts: main has bills of three months, 商城 of the last one of them only.
func manyBills() *billsim.Server {
	bill := func(months ...string) func(string) (billsim.Bill, bool) {
		return func(month string) (billsim.Bill, bool) {
			return billsim.Bill{Lines: slices.Values(october())}, slices.Contains(months, month)
		}
	}
	return billsim.New([]billsim.Account{
		{
			AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
			Bills: bill("2026-08", "2026-09", "2026-10"),
		},
		{
			AccessKeyID: "AKLTSHOP", SecretAccessKey: "s3cret-shop", CustomerID: "73406772", Bills: bill("2026-10"),
		},
	})
}

const manyLog = `level=info msg=bill account=main month=2026-09 lines=3 cost_cny=44.78000000
level=info msg=bill account=main month=2026-10 lines=3 cost_cny=44.78000000
level=warn msg="no bill, or none yet: the file is without this month" account=商城 month=2026-09
level=info msg=bill account=商城 month=2026-10 lines=3 cost_cny=44.78000000
`

// Bills of several accounts and months are one file, with one header, and columns that tell whose lines they are. The
// log says what is in it.
func TestManyBills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := manyBills()
		broken := billsim.Break(billsim.Drop, 2)
		broken.Action, broken.Times = "GetPostpayDetailBill", 2
		options := Options{Account: "all", From: month(t, "2026-09"), Output: "DIR/bill"}
		got := runExport(t.Context(), t, api, t.TempDir(), manyConfig, options)
		compareFile(t, "many.csv", got.files["bill"])
		const written = "level=info msg=written file=DIR/bill lines=9 bytes=2213 cost_cny=134.34000000\n"
		if diff := cmp.Diff(manyLog+written, got.log+got.written+got.failure()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		api.Fault(broken)
		again := runExport(t.Context(), t, api, t.TempDir(), manyConfig, options)
		if diff := cmp.Diff(got.files, again.files); diff != "" || strings.Count(again.log, "trying again") != 2 {
			t.Errorf("after two broken answers (-want +got):\n%s%s", diff, again)
		}
		options.Output = ""
		if out := runExport(t.Context(), t, api, t.TempDir(), manyConfig, options); out.out != got.files["bill"] ||
			out.log != manyLog || out.written != "" {
			t.Errorf("standard output: %s", out)
		}
		rows, err := csv.NewReader(strings.NewReader(got.files["bill"])).ReadAll()
		if err != nil || len(rows) != 10 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}

// Tables of several bills stand below each other.
func TestManyTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		options := Options{Account: "all", From: month(t, "2026-10"), To: month(t, "2026-10"), Format: FormatTable}
		got := runExport(t.Context(), t, manyBills(), t.TempDir(), manyConfig, options)
		compareFile(t, "many.txt", got.String())
	})
}

// Where one of several bills fails, there is no file, and standard output says what is there already. Where one differs
// from its summary, all stand beside the file, and its name is told.
func TestOneOfManyFails(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   billsim.Fault
		options Options
		want    string
		files   int
	}{
		"file": {
			billsim.BadAmount(2, "viel"), Options{Output: "DIR/bill"}, "error: export: 商城, 2026-10:" +
				" GetPostpayDetailBill (HTTP 200, request id REQUEST): line 2 (000000017299676): Cost: amount \"viel\": not a" +
				" decimal number\n", 0,
		},
		"standard output": {
			billsim.BadAmount(2, "viel"), Options{}, "error: export: 商城, 2026-10:" +
				" GetPostpayDetailBill (HTTP 200, request id REQUEST): line 2 (000000017299676): Cost: amount \"viel\": not a" +
				" decimal number; 1607 bytes of other bills are on standard output already. With --output there is a whole" +
				" file or none\n", 0,
		},
		"disagreement": {
			billsim.Raw(200, "application/json", `{"PostpayDetailBillSet":[]}`), Options{Output: "DIR/bill"},
			"disagreement: export: all is written, but to" +
				" DIR/bill.unreconciled, and DIR/bill is as it was: 商城, 2026-10: the postpaid lines come to 0 CNY," +
				" the summary says 44.78; 商城, 2026-10: those of EBS come to 0 CNY, the summary says 0.00000001;" +
				" 商城, 2026-10: those of EIP come to 0 CNY, the summary says -12.00000001; 商城, 2026-10: those of KEC" +
				" come to 0 CNY, the summary says 56.78\n", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := manyBills()
				tt.fault.Action, tt.fault.AccessKeyID = "GetPostpayDetailBill", "AKLTSHOP"
				api.Fault(tt.fault)
				tt.options.Account, tt.options.From = "all", month(t, "2026-09")
				got := runExport(t.Context(), t, api, t.TempDir(), manyConfig, tt.options)
				if diff := cmp.Diff(tt.want, got.failure()); diff != "" || len(got.files) != tt.files {
					t.Errorf("%d files, error (-want +got):\n%s", len(got.files), diff)
				}
			})
		})
	}
}

// Two accounts with the bills of one customer are an error, because all would be there twice.
func TestSameCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		bill := func(string) (billsim.Bill, bool) { return billsim.Bill{Lines: slices.Values(october())}, true }
		account := billsim.Account{
			AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575", Bills: bill,
		}
		other := account
		other.AccessKeyID, other.SecretAccessKey = "AKLTSHOP", "s3cret-shop"
		got := runExport(t.Context(), t, billsim.New([]billsim.Account{account, other}), t.TempDir(), manyConfig,
			Options{Account: "all", Output: "DIR/bill"})
		const want = "error: export: 商城, 2026-10: a line is of customer 73400575, as those of account main: they would" +
			" be there twice\n"
		if diff := cmp.Diff(want, got.failure()); diff != "" || len(got.files) != 0 {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Months of which no account has a bill are no empty file.
func TestNoneOfManyBills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		got := runExport(t.Context(), t, manyBills(), t.TempDir(), manyConfig, Options{
			Account: "all", From: billclient.FirstMonth, To: billclient.FirstMonth, Output: "DIR/bill",
		})
		const want = "error: export: of no account and month: there is no bill, or none yet\n"
		if diff := cmp.Diff(want, got.failure()); diff != "" || len(got.files) != 0 {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
