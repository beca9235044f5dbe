package export

import (
	stdcmp "cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/config"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/google/go-cmp/cmp"
)

// outcome is what is left of a command.
type outcome struct {
	out, log string
	written  string // the line of the log that says what is in the file
	err      error
	files    map[string]string // in the folder of Options.Output
}

func (o outcome) String() string { return o.out + o.log + o.failure() }

// failure returns the error as a line, with its class in front.
func (o outcome) failure() string {
	class := "error"
	if _, ok := errors.AsType[config.ArgumentError](o.err); ok {
		class = "wrong argument"
	} else if o.disagrees() {
		class = "disagreement"
	}
	if o.err == nil {
		return ""
	}
	return fmt.Sprintf("%s: %s\n", class, o.err)
}

func (o outcome) disagrees() bool {
	_, ok := errors.AsType[*DisagreementError](o.err)
	return ok
}

// runExport exports October 2026, or o.Month, over pipes instead of sockets; DIR in o.Output and o.Input is the folder
// dir. Without a text, there is no configuration. It has to be called in a bubble.
func runExport(ctx context.Context, t *testing.T, api http.Handler, dir, text string, o Options) outcome {
	t.Helper()
	pipes, stop := billsim.PipeTransport(api)
	defer stop()
	conf, err := config.Default(), error(nil)
	if text != "" {
		conf, err = config.Parse("config.yaml", []byte(text), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out, logged strings.Builder
	o.Config, o.Transport, o.Now = conf, pipes, time.Now()
	if o.Stdout == nil {
		o.Stdout = &out
	}
	o.Stderr, o.Logger = &logged, level.NewFilter(log.NewLogfmtLogger(&logged), level.AllowInfo())
	o.Output, o.Input = strings.ReplaceAll(o.Output, "DIR", dir), strings.ReplaceAll(o.Input, "DIR", dir)
	if o.Month == 0 && o.From == 0 && o.To == 0 && o.Source != SourceFile {
		o.Month = month(t, "2026-10")
	}
	err = Run(ctx, o)
	clean := func(text string) string {
		text = strings.ReplaceAll(requestID.ReplaceAllString(text, "REQUEST"), dir, "DIR")
		return pendingFile.ReplaceAllString(text, "RANDOM")
	}
	if err != nil {
		err = cleanError{err, clean(err.Error())}
	}
	got := outcome{out: out.String(), log: clean(logged.String()), err: err, files: filesIn(t, dir)}
	if at := strings.Index(got.log, "level=info msg=written "); at >= 0 {
		got.log, got.written = got.log[:at], got.log[at:]
	}
	return got
}

// cleanError is an error with a text that is the same each time.
type cleanError struct {
	error
	text string
}

func (e cleanError) Error() string { return e.text }
func (e cleanError) Unwrap() error { return e.error }

var (
	requestID   = regexp.MustCompile(`b1115100-0000-4000-8000-[0-9a-f]{12}`)
	pendingFile = regexp.MustCompile(`\.(?:bill|staged)[0-9]+`)
)

// noon is noon in Beijing on a day on which last month has been billed.
var noon = time.Date(2026, time.November, 22, 4, 0, 0, 0, time.UTC)

const (
	oneAccount  = "accounts: [{name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}]\n"
	twoAccounts = "accounts:\n" +
		"  - {name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}\n" +
		"  - {name: 商城, access_key_id: AKLTSHOP, secret_access_key: s3cret-shop}\n"
)

func month(t *testing.T, text string) billclient.Month {
	t.Helper()
	m, err := billclient.ParseMonth(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func amount(t *testing.T, text string) billclient.Amount {
	t.Helper()
	a, err := billclient.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// filesIn returns the files below a folder.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func compareFile(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// october returns lines with names that spreadsheets would run, terminals would obey and tables would not align, and
// with amounts of many digits.
func october() []billsim.Line {
	return []billsim.Line{
		{
			DetailBillNo: "000000017299675", ProductCode: "KEC", ProductName: "云服务器", ProductSubTypeName: "标准型S6",
			ProjectID: "103800", ProjectName: "交易平台", InstanceID: "i-4711", InstanceName: `=HYPERLINK("x","y")`,
			Cost: 5678 * billsim.Fen, MeasureAmount: 7333 * billsim.Fen, Discount: "0.7743",
			BillType: "Pay-By-Daily-Config", BillDays: 31, BillHours: 744, RegionName: "华北1(北京)", ZoneName: "可用区A",
			StartTime: "2026-10-01 00:00:00", EndTime: "2026-10-31 23:59:59", ServiceStartTime: "2025-03-01 08:00:00",
			RuleRemark: "two\nlines", Configs: []billsim.KeyValue{{Key: "CPU", Value: "4"}, {Key: "内存", Value: "8G"}},
			Tags: []billsim.KeyValue{{Key: "-部门", Value: `"ads", cn`}},
		},
		{
			DetailBillNo: "000000017299676", ProductCode: "EBS", ProductName: "云硬盘\x1b[31m", ProjectID: "0",
			ProjectName: "默认项目", InstanceID: "＝1+1", InstanceName: "-5", Cost: 1, MeasureAmount: billsim.Yuan,
		},
		{
			DetailBillNo: "000000017299677", ProductCode: "EIP", ProductName: "弹性IP", ProjectID: "103800",
			ProjectName: "交易平台", InstanceID: "@eip", InstanceName: "\tx", Cost: -1200*billsim.Fen - 1,
		},
	}
}

// newAPI returns an API with one account, main, whose months have these bills.
func newAPI(bills map[string]billsim.Bill) *billsim.Server {
	return billsim.New([]billsim.Account{{
		AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
		Bills: func(month string) (billsim.Bill, bool) {
			bill, ok := bills[month]
			return bill, ok
		},
	}})
}

func billOf(lines ...billsim.Line) map[string]billsim.Bill {
	return map[string]billsim.Bill{"2026-10": {Lines: slices.Values(lines)}}
}

// TestRun compares all that is written with testdata.
func TestRun(t *testing.T) {
	plain := october()
	plain[0].RuleRemark, plain[0].InstanceName, plain[0].Tags = "", "order-api", nil // the vendor's file quotes nothing
	plain[2].InstanceName = "+x"
	beyond := billOf(october()...)
	beyond["2026-10"] = billsim.Bill{
		Lines:       beyond["2026-10"].Lines,
		SummaryOnly: []billsim.Product{{Code: "KS3", Name: "对象存储", Cost: billsim.Yuan}, {Code: "VPC", Name: "网络"}},
	}
	for name, tt := range map[string]struct {
		bills   map[string]billsim.Bill
		options Options
	}{
		"lines.csv":    {billOf(october()...), Options{}},
		"vendor.csv":   {billOf(plain...), Options{Source: SourceCSV}},
		"table.txt":    {billOf(october()...), Options{Format: FormatTable}},
		"names.txt":    {billOf(plain...), Options{Format: FormatTable, Source: SourceCSV}},
		"disagree.txt": {beyond, Options{Format: FormatTable}},
		"without.txt":  {billOf(), Options{Format: FormatTable}},
		"postpaid.txt": {billOf(october()...), Options{Format: FormatTable, PayModes: "postpaid"}},
		"disagree.csv": {beyond, Options{Account: "main", Format: FormatCSV, Source: SourceLines}},
		"no_bill.txt":  {nil, Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api, options := newAPI(tt.bills), tt.options
				got := runExport(t.Context(), t, api, t.TempDir(), oneAccount, options)
				compareFile(t, name, got.String())
				options.Output = "DIR/bill"
				file := runExport(t.Context(), t, api, t.TempDir(), oneAccount, options)
				place, failure := "bill", file.failure()
				if got.disagrees() {
					place = "bill.unreconciled"
					const beside = " to DIR/bill.unreconciled, and DIR/bill is as it was:"
					failure = strings.Replace(failure, beside, "", 1)
				}
				if file.out != "" || file.files[place] != got.out || failure != got.failure() || file.log != got.log {
					t.Errorf("with --output:\n%v%q\nwithout:\n%v", file, file.files, got)
				}
			})
		})
	}
}

// longBill returns a bill that is too long to be held back, and whose amounts add up to it.
func longBill(lines int) map[string]billsim.Bill {
	line := october()[0]
	line.RuleRemark = strings.Repeat("长", 100)
	return billOf(slices.Repeat([]billsim.Line{line}, lines)...)
}

// longNames makes the lines of a broken attempt longer than the whole bill is without it.
func longNames(_ int, l *billsim.Line) { l.InstanceName = strings.Repeat("n", 500) }

// An answer that breaks off is asked for again, and nothing of it stays.
func TestRetries(t *testing.T) {
	for name, tt := range map[string]struct {
		lines, breakAfter int
		options           Options
		fails             bool
	}{
		"short, standard output": {lines: 9, breakAfter: 8},
		"long, file":             {lines: 1000, breakAfter: 900, options: Options{Output: "DIR/bill"}},
		"long, table":            {lines: 1000, breakAfter: 900, options: Options{Format: FormatTable}},
		"long, standard output":  {lines: 1000, breakAfter: 900, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := newAPI(longBill(tt.lines))
				want := runExport(t.Context(), t, api, t.TempDir(), oneAccount, tt.options)
				broken := billsim.Break(billsim.Drop, tt.breakAfter)
				broken.Action, broken.Times = "GetPostpayDetailBill", 1
				if !tt.fails {
					broken.Edit = longNames
				}
				api.Fault(broken)
				got := runExport(t.Context(), t, api, t.TempDir(), oneAccount, tt.options)
				if (got.err != nil) != tt.fails || want.err != nil {
					t.Fatalf("%v, %v", got.err, want.err)
				}
				if tt.fails {
					part := fmt.Sprintf("; do not use the %d bytes of the bill that are on standard output already."+
						" With --output there is another try, and a whole file or none", len(got.out))
					if !strings.HasSuffix(got.err.Error(), part) || !strings.HasPrefix(want.out, got.out) {
						t.Errorf("%v, want %q at its end", got.err, part)
					}
					return
				}
				warning := fmt.Sprintf(`level=warn msg="trying again" account=main action=GetPostpayDetailBill`+
					` err="GetPostpayDetailBill (HTTP 200, request id REQUEST): line %d: answer ended early:`+
					" unexpected EOF\"\n", tt.breakAfter+1)
				if diff := cmp.Diff(want.files, got.files); diff != "" || got.out != want.out || got.log != warning {
					t.Errorf("after a retry (-want +got):\n%s%s", diff, got.log)
				}
			})
		})
	}
}

// Whatever ends an export, the file stays as it was.
func TestNoHalfFile(t *testing.T) {
	for name, tt := range map[string]struct {
		fault billsim.Fault
		want  string
	}{
		"interrupted": {billsim.Break(billsim.Stall, 900), "GetPostpayDetailBill: context canceled"},
		"bad amount": {
			billsim.BadAmount(900, "viel"),
			`GetPostpayDetailBill (HTTP 200, request id REQUEST): line 900 (000000017299675): Cost: amount "viel":` +
				` not a decimal number`,
		},
		"other pay mode": {
			billsim.Fault{Action: "GetMonthBill", Answer: &billsim.Answer{
				ContentType: "application/json",
				Body: func(string) string {
					return `{"MonthBillSet":[{"BillMonth":"2026-10","BillType":"prepay","BillId":"1","Sum":"1",` +
						`"BillProductSet":[],"BillProjectSet":[]}]}`
				},
			}},
			`GetMonthBill (HTTP 200): MonthBillSet 1: BillType "prepay": want postpay`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api, dir := newAPI(longBill(1000)), t.TempDir()
				tt.fault.Action = stdcmp.Or(tt.fault.Action, "GetPostpayDetailBill")
				api.Fault(tt.fault)
				write(t, filepath.Join(dir, "bill"), "that of September")
				ctx, interrupt := context.WithCancel(t.Context())
				defer time.AfterFunc(10*time.Second, interrupt).Stop()
				got := runExport(ctx, t, api, dir, oneAccount, Options{Output: "DIR/bill"})
				want := "error: export: main, 2026-10: " + tt.want + "\n"
				if diff := cmp.Diff(want, got.String()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(map[string]string{"bill": "that of September"}, got.files); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		config  string
		options Options
		want    string
	}{
		"which month": {
			oneAccount,
			Options{To: billclient.MonthOf(noon)},
			"wrong argument: export: --from: there are bills from 2018-06 on\n",
		},
		"a month and several": {
			oneAccount,
			Options{Month: billclient.MonthOf(noon), To: billclient.MonthOf(noon)},
			"wrong argument: export: --month: give it, or --from and --to, not both\n",
		},
		"months in the wrong order": {
			oneAccount,
			Options{From: billclient.MonthOf(noon)},
			"wrong argument: export: --to: 2026-10 is before 2026-11\n",
		},
		"too early": {
			oneAccount,
			Options{Month: billclient.FirstMonth - 1},
			"wrong argument: export: --month: there are bills from 2018-06 on\n",
		},
		"which account": {
			twoAccounts,
			Options{},
			"wrong argument: export: --account: say which one: main, 商城, or all\n",
		},
		"hostile names": {
			strings.Replace(twoAccounts, "name: main", `name: "\u202eniam"`, 1),
			Options{},
			"wrong argument: export: --account: say which one: ?niam, 商城, or all\n",
		},
		"no such account": {
			twoAccounts,
			Options{Account: "game"},
			"wrong argument: export: --account: \"game\" is none of main, 商城\n",
		},
		"output": {
			oneAccount,
			Options{Output: "DIR"},
			"error: export: --output: DIR is not a file\n",
		},
		"no folder": {
			oneAccount,
			Options{Output: "DIR/none/bill"},
			"error: export: --output: open DIR/none/RANDOM: no such file or directory\n",
		},
		"pay mode": {
			oneAccount,
			Options{PayModes: "prepaid, monthly"},
			"wrong argument: export: --pay-modes: \"monthly\" is none of prepaid, realtime, postpaid\n",
		},
		"pay modes of the vendor's file": {
			oneAccount,
			Options{PayModes: "postpaid,realtime,prepaid", Source: SourceCSV},
			"wrong argument: export: --pay-modes: --source=csv has postpaid lines only: use --source=lines for" +
				" prepaid and realtime\n",
		},
		"pay modes without bill-union": {
			oneAccount + "api: {union_endpoint: \"\"}\n",
			Options{PayModes: "prepaid"},
			"wrong argument: export: --pay-modes: prepaid lines are those of bill-union: set api.union_endpoint\n",
		},
		"version of FOCUS": {
			oneAccount,
			Options{Format: FormatFocusCSV, FocusVersion: "1.1"},
			"wrong argument: export: --focus-version: \"1.1\" is none of 1.2, 1.3, 1.4\n",
		},
		"a file that is not read": {
			oneAccount,
			Options{Input: "DIR/bill"},
			"wrong argument: export: --input: it is for --source=file only\n",
		},
		"other customer": {
			strings.Replace(oneAccount, "name: main", "name: main, customer_id: 4711", 1),
			Options{},
			"error: export: main, 2026-10: a line is of customer 73400575, customer_id expects 4711\n",
		},
		"wrong key": {
			strings.Replace(oneAccount, "s3cret-main", "s3cret-mine", 1),
			Options{},
			"error: export: main, 2026-10: GetMonthBill: SignatureDoesNotMatch (HTTP 403, request id REQUEST): The" +
				" request signature we calculated does not match the signature you provided.; check access_key_id," +
				" secret_access_key and this machine's clock\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				got := runExport(t.Context(), t, newAPI(billOf(october()...)), t.TempDir(), tt.config, tt.options)
				if diff := cmp.Diff(tt.want, got.String()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A file that does not add up does not pass for the bill, and does not replace a good one.
func TestGoodFileStays(t *testing.T) {
	cut := billsim.Break(billsim.Cut, 100)
	cut.Action = "GetPostpayDetailBillCSV"
	empty := billsim.Raw(http.StatusOK, "application/json", `{"PostpayDetailBillSet":[]}`)
	empty.Action = "GetPostpayDetailBill"
	for source, tt := range map[string]struct {
		fault billsim.Fault
		lines int
		sum   string
	}{"csv": {cut, 100, "5678.00"}, "lines": {empty, 0, "0"}} {
		t.Run(source, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				line := billsim.Line{DetailBillNo: "000000017299675", ProductCode: "KEC", Cost: 5678 * billsim.Fen}
				api, dir := newAPI(billOf(slices.Repeat([]billsim.Line{line}, 200)...)), t.TempDir()
				export := func() outcome {
					return runExport(t.Context(), t, api, dir, oneAccount, Options{Source: source, Output: "DIR/bill"})
				}
				good := export()
				api.Fault(tt.fault)
				got := export()
				if good.err != nil || !got.disagrees() || got.files["bill"] != good.files["bill"] ||
					strings.Count(got.files["bill.unreconciled"], "\n") != tt.lines+1 || len(got.files) != 2 {
					t.Errorf("%d files, %v", len(got.files), got.err)
				}
				want := "all is written, but to DIR/bill.unreconciled, and DIR/bill is as it was: the postpaid lines" +
					" come to " + tt.sum + " CNY, the summary says 11356"
				if !strings.Contains(got.failure(), want) {
					t.Errorf("want %s in\n%s", want, got.failure())
				}
			})
		})
	}
}

// A warning says that a month still grows, and a table says so as well.
func TestRunningMonth(t *testing.T) {
	for format, want := range map[string]string{
		"table": "main: prepaid, realtime and postpaid bill of 2026-11, which is not over yet (newest line:" +
			" 2026-11-21), in CNY\n",
		"csv": byteOrderMark + "bill_month,",
	} {
		t.Run(format, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				lines := october()
				lines[0].StartTime, lines[0].EndTime = "2026-11-01 00:00:00", "2026-11-21 23:59:59"
				api := newAPI(map[string]billsim.Bill{"2026-11": {Lines: slices.Values(lines)}})
				got := runExport(t.Context(), t, api, t.TempDir(), oneAccount,
					Options{Month: month(t, "2026-11"), Format: format})
				const warning = `level=warn msg="the month is not over, its bill grows" account=main month=2026-11` +
					" newest_line=2026-11-21\n"
				if !strings.HasPrefix(got.out, want) || got.log != warning || got.err != nil {
					t.Errorf("want %s and %s in\n%s", want, warning, got)
				}
			})
		})
	}
}

// A link stays a link, and a file keeps its permissions.
func TestLinkAndModeStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, target := t.TempDir(), filepath.Join(t.TempDir(), "bills.csv")
		write(t, target, "that of September")
		if err := os.Symlink(target, filepath.Join(dir, "bill")); err != nil {
			t.Fatal(err)
		}
		got := runExport(t.Context(), t, newAPI(billOf(october()...)), dir, oneAccount, Options{Output: "DIR/bill"})
		compareFile(t, "lines.csv", got.files["bill"]+got.String())
		link, err := os.Lstat(filepath.Join(dir, "bill"))
		file, fileErr := os.Stat(target)
		if err != nil || fileErr != nil || link.Mode()&os.ModeSymlink == 0 || file.Mode() != 0o600 {
			t.Errorf("link %v, file %v: %v, %v", link, file, err, fileErr)
		}
	})
}

// A program that reads the file gets the amounts of the API.
func TestFileCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		lines := slices.Collect(func(yield func(billsim.Line) bool) {
			bill, _ := billsim.Generated("73400575", 3000, 100, 1)("2026-10")
			bill.Lines(yield)
		})
		api := newAPI(billOf(lines...))
		got := runExport(t.Context(), t, api, t.TempDir(), oneAccount, Options{})
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.out, byteOrderMark))).ReadAll()
		if err != nil || len(rows) != len(lines)+1 || got.err != nil {
			t.Fatalf("%d rows of %d lines: %v, %v", len(rows), len(lines), err, got.err)
		}
		cost := slices.Index(rows[0], "cost_cny")
		var sum billclient.Amount
		for _, row := range rows[1:] {
			sum = sum.Add(amount(t, row[cost]))
		}
		bill := billsim.Bill{Lines: slices.Values(lines)}
		if want := amount(t, bill.Sums().Total.String()); sum.Cmp(want) != 0 {
			t.Errorf("the cells come to %v, the lines to %v", sum, want)
		}
	})
}

// The calls of a command and those of an exporter are counted together, in the state directory.
func TestCallsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		config := oneAccount + "api: {daily_calls: 7}\nstate_dir: " + t.TempDir() + "\n"
		api := newAPI(billOf(october()...))
		first := runExport(t.Context(), t, api, t.TempDir(), config, Options{})
		second := runExport(t.Context(), t, api, t.TempDir(), config, Options{})
		const want = "error: export: main, 2026-10: DescribeBillSummaryByPayMode: the 7 calls of today" +
			" (api.daily_calls) are used up; the next day begins at 2026-11-23T00:00:00+08:00; --pay-modes=postpaid" +
			" does without bill-union\n"
		if diff := cmp.Diff(want, second.String()); diff != "" || first.err != nil || len(api.Calls()) != 7 {
			t.Errorf("after %d calls (-want +got):\n%s", len(api.Calls()), diff)
		}
	})
}

// Whatever happens to the vendor's CSV: the file stays as it was, the failure is reported once, with action, code and
// request id, and the next good answer is written whole. Only an answer that ends between two lines looks whole. The
// sum of the bill shows that lines are missing.
func TestExportMeetsEveryFault(t *testing.T) {
	api := func(status int, code string) billsim.Fault {
		return billsim.Refuse(billsim.JSONError, status, code, "no")
	}
	const advice = `; --source=lines does without the vendor's file`
	twoLines := billsim.Fault{Edit: func(_ int, l *billsim.Line) { l.InstanceName = "two\nlines" }}
	gzipped := billsim.Fault{Gzip: true, End: billsim.Cut, AfterBytes: 100}
	for _, c := range []struct {
		name  string
		fault billsim.Fault
		says  string
	}{
		{"500", api(500, "Server unavailable"), ": Server unavailable (HTTP 500, request id REQUEST): no"},
		{"503", billsim.Busy(503, time.Second), ": Server unavailable (HTTP 503, request id REQUEST): Server error"},
		{"429", billsim.Busy(429, time.Second), ": Throttling (HTTP 429, request id REQUEST): "},
		{"throttling under 400", api(400, "RequestLimitExceeded"), ": RequestLimitExceeded (HTTP 400, request id "},
		{"no permission", api(400, "Forbidden Request"), "grant bill:GetPostpayDetailBillCSV to this key" + advice},
		{"no such action", api(404, "INVALID_ACTION"), "(HTTP 404, request id REQUEST): no" + advice},
		{"invalid parameter", api(400, "InvalidParameter"), ": InvalidParameter (HTTP 400, request id REQUEST): no"},
		{"wrong signature", api(403, "SignatureDoesNotMatch"), ": SignatureDoesNotMatch (HTTP 403, request id REQUEST"},
		{"unknown key", api(403, "InvalidClientTokenId"), ": InvalidClientTokenId (HTTP 403, request id REQUEST): no"},
		{"HTML under 502", billsim.Page(502), " (HTTP 502): "},
		{"HTML under 200", billsim.Page(200), " (HTTP 200): no CSV file: <html>"},
		{"an error under 200", api(200, "Server unavailable"), ": Server unavailable (HTTP 200, request id REQUEST"},
		{
			"an error under 200 in XML", billsim.Refuse(billsim.XMLError, 200, "Server unavailable", "no"),
			": Server unavailable (HTTP 200, request id REQUEST): no",
		},
		{"an empty body", billsim.Raw(200, "text/csv", ""), " (HTTP 200): answer is empty"},
		{"no CSV", billsim.Raw(200, "text/csv", "a,b\n1,2\n"), " (HTTP 200): "},
		{"a redirect", billsim.Redirect("https://elsewhere.example"), "which is not followed"},
		{"no answer", billsim.Never(), "no byte for 1m0s (api.timeout)"},
		{"a drip", billsim.Fault{Drip: time.Second}, "answer took longer than 2m0s (api.max_duration)"},
		{"no amount", billsim.BadAmount(2, "12,00"), " (HTTP 200): line 3"},
		{"a name of two lines", twoLines, `: column 7 "产品名称": a text over several lines` + advice},
		{"another month", billsim.WrongMonth(2, "2026-01"), " (HTTP 200): line 3"},
		{"cut in a line", billsim.Fault{End: billsim.Cut, AfterBytes: 400}, " (HTTP 200): "},
		{"dropped", billsim.Break(billsim.Drop, 1), " (HTTP 200): "},
		{"reset", billsim.Break(billsim.Reset, 1), " (HTTP 200): "},
		{"stalled", billsim.Break(billsim.Stall, 1), "no byte for 1m0s (api.timeout)"},
		{"cut gzip", gzipped, " (HTTP 200): "},
		{"cut between lines", billsim.Break(billsim.Cut, 1), "all is written, but to DIR/bill.unreconciled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				lines := october()
				lines[0].RuleRemark, lines[0].InstanceName = "", "order-api" // the vendor's file quotes nothing
				bills, dir := newAPI(billOf(lines...)), t.TempDir()
				config := oneAccount + "api: {max_retries: 0, max_duration: 2m}\n"
				export := func() outcome {
					return runExport(t.Context(), t, bills, dir, config, Options{Source: SourceCSV, Output: "DIR/bill"})
				}
				write(t, filepath.Join(dir, "bill"), "that of September")
				c.fault.Action = "GetPostpayDetailBillCSV"
				mend := bills.Fault(c.fault)
				got := export()
				disagrees := strings.HasPrefix(c.says, "all is written")
				_, beside := got.files["bill.unreconciled"]
				if got.files["bill"] != "that of September" || beside != disagrees {
					t.Errorf("files: %q", got.files)
				}
				if got.err == nil || got.disagrees() != disagrees || got.log != "" ||
					!strings.Contains(got.failure(), c.says) {
					t.Errorf("want %s in\n%s", c.says, got)
				}
				if !strings.Contains(got.failure(), "GetPostpayDetailBillCSV") && !disagrees {
					t.Errorf("the action is not named:\n%s", got.failure())
				}
				mend()
				if got = export(); got.err != nil || strings.Count(got.files["bill"], "\n") != 4 {
					t.Errorf("mended: %s%q", got, got.files)
				}
			})
		})
	}
}
