package main

import (
	stdcmp "cmp"
	"context"
	"encoding/csv"
	"fmt"
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

	"github.com/google/go-cmp/cmp"
)

// outcomeOf is what is left of a command.
type outcomeOf struct {
	code     int
	out, log string
	files    map[string]string // in the folder of --output
}

func (o outcomeOf) String() string { return fmt.Sprintf("%s%sexit code %d\n", o.out, o.log, o.code) }

// runCommand runs the program as it is, over pipes instead of sockets; DIR in an argument is the folder dir. It has to
// be called in a bubble.
func runCommand(ctx context.Context, t *testing.T, api http.Handler, dir, config string, args ...string) outcomeOf {
	t.Helper()
	pipes, stop := billsim.PipeTransport(api)
	defer stop()
	sockets := http.DefaultTransport
	http.DefaultTransport = pipes
	defer func() { http.DefaultTransport = sockets }()
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, config)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", dir)
	}
	var out, log strings.Builder
	o := outcomeOf{code: run(ctx, append(args, "--config.file="+file), noEnvironment, &out, &log)}
	o.out = out.String()
	o.log = logTime.ReplaceAllString(requestID.ReplaceAllString(log.String(), "REQUEST"), "")
	o.log = pendingFile.ReplaceAllString(strings.ReplaceAll(o.log, dir, "DIR"), "RANDOM")
	o.files = filesIn(t, dir)
	return o
}

var pendingFile = regexp.MustCompile(`\.(?:bill|history)[0-9]+`)

func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
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

// october has names that spreadsheets would run, terminals would obey and tables would not align, and amounts with
// many digits.
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

// biller is one account, main, whose months have these bills.
func biller(bills map[string]billsim.Bill) *billsim.Server {
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

// TestExport compares all that is written with testdata/export.
func TestExport(t *testing.T) {
	plain := october()
	plain[0].RuleRemark, plain[0].InstanceName, plain[0].Tags = "", "order-api", nil // the vendor's file quotes nothing
	plain[2].InstanceName = "+x"
	beyond := billOf(october()...)
	beyond["2026-10"] = billsim.Bill{
		Lines:       beyond["2026-10"].Lines,
		SummaryOnly: []billsim.Product{{Code: "KS3", Name: "对象存储", Cost: billsim.Yuan}, {Code: "VPC", Name: "网络"}},
	}
	for name, tt := range map[string]struct {
		bills map[string]billsim.Bill
		args  []string
	}{
		"lines.csv":    {billOf(october()...), nil},
		"vendor.csv":   {billOf(plain...), []string{"--source=csv"}},
		"table.txt":    {billOf(october()...), []string{"--format=table"}},
		"names.txt":    {billOf(plain...), []string{"--format=table", "--source=csv"}},
		"disagree.txt": {beyond, []string{"--format=table"}},
		"without.txt":  {billOf(), []string{"--format=table"}},
		"disagree.csv": {beyond, []string{"--account=main"}},
		"no_bill.txt":  {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api, args := biller(tt.bills), append([]string{"export", "--month=2026-10"}, tt.args...)
				got := runCommand(t.Context(), t, api, t.TempDir(), oneAccount, args...)
				compareFile(t, "export/"+name, got.String())
				file := runCommand(t.Context(), t, api, t.TempDir(), oneAccount, append(args, "--output=DIR/bill")...)
				place := "bill"
				if got.code == 3 {
					place = "bill.unreconciled"
					const elsewhere = " to DIR/bill.unreconciled, and DIR/bill is as it was:"
					file.log = strings.Replace(file.log, elsewhere, "", 1)
				}
				if file.out != "" || file.files[place] != got.out || file.code != got.code || file.log != got.log {
					t.Errorf("with --output:\n%v%q\nwithout:\n%v", file, file.files, got)
				}
			})
		})
	}
}

// long is a bill too long to be held back, and whose amounts add up to it.
func long(lines int) map[string]billsim.Bill {
	line := october()[0]
	line.RuleRemark = strings.Repeat("长", 100)
	return billOf(slices.Repeat([]billsim.Line{line}, lines)...)
}

// longNames make of the lines of a bill more text than all of the bill has without.
func longNames(_ int, l *billsim.Line) { l.InstanceName = strings.Repeat("n", 500) }

// An answer that breaks off is asked for again, and nothing of it stays.
func TestExportRetries(t *testing.T) {
	for name, tt := range map[string]struct {
		lines, breakAfter int
		args              []string
		code              int
	}{
		"short, standard output": {lines: 9, breakAfter: 8},
		"long, file":             {lines: 1000, breakAfter: 900, args: []string{"--output=DIR/bill"}},
		"long, table":            {lines: 1000, breakAfter: 900, args: []string{"--format=table"}},
		"long, standard output":  {lines: 1000, breakAfter: 900, code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api, args := biller(long(tt.lines)), append([]string{"export", "--month=2026-10"}, tt.args...)
				want := runCommand(t.Context(), t, api, t.TempDir(), oneAccount, slices.Clone(args)...)
				broken := billsim.Break(billsim.Drop, tt.breakAfter)
				broken.Action, broken.Times = "GetPostpayDetailBill", 1
				if tt.code == 0 {
					broken.Edit = longNames
				}
				api.Fault(broken)
				got := runCommand(t.Context(), t, api, t.TempDir(), oneAccount, args...)
				if got.code != tt.code || want.code != 0 {
					t.Fatalf("exit code %d, want %d:\n%s", got.code, tt.code, got.log)
				}
				if tt.code != 0 {
					part := fmt.Sprintf("; do not use the %d bytes of the bill that are on standard output already."+
						" With --output there is another try, and a whole file or none", len(got.out))
					if !strings.Contains(got.log, part) || !strings.HasPrefix(want.out, got.out) {
						t.Errorf("want %q in\n%s", part, got.log)
					}
					return
				}
				said := fmt.Sprintf(`level=warn msg="trying again" account=main action=GetPostpayDetailBill`+
					` err="GetPostpayDetailBill (HTTP 200, request id REQUEST): line %d: answer ended early:`+
					" unexpected EOF\"\n", tt.breakAfter+1)
				if diff := cmp.Diff(want.files, got.files); diff != "" || got.out != want.out || got.log != said {
					t.Errorf("after a retry (-want +got):\n%s%s", diff, got.log)
				}
			})
		})
	}
}

// Whatever ends an export, the file is as it was.
func TestExportLeavesNoHalfFile(t *testing.T) {
	for name, tt := range map[string]struct {
		fault billsim.Fault
		want  string
	}{
		"interrupted": {billsim.Break(billsim.Stall, 900), "GetPostpayDetailBill: context canceled"},
		"bad amount": {
			billsim.BadAmount(900, "viel"),
			`GetPostpayDetailBill (HTTP 200, request id REQUEST): line 900 (000000017299675): Cost: amount \"viel\":` +
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
			`GetMonthBill (HTTP 200): MonthBillSet 1: BillType \"prepay\": want postpay`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api, dir := biller(long(1000)), t.TempDir()
				tt.fault.Action = stdcmp.Or(tt.fault.Action, "GetPostpayDetailBill")
				api.Fault(tt.fault)
				write(t, filepath.Join(dir, "bill"), "that of September")
				ctx, interrupt := context.WithCancel(t.Context())
				defer time.AfterFunc(time.Second, interrupt).Stop()
				got := runCommand(ctx, t, api, dir, oneAccount, "export", "--month=2026-10", "--output=DIR/bill")
				want := `level=error msg="cannot go on" err="export: main, 2026-10: ` + tt.want + "\"\nexit code 1\n"
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

func TestExportMistakes(t *testing.T) {
	const failed = `level=error msg="cannot go on" err="`
	for name, tt := range map[string]struct {
		config string
		args   string
		want   string
	}{
		"no month": {
			oneAccount, "",
			"ksyun_bill_exporter: required flag(s) '--month' not provided; try --help\nexit code 2\n",
		},
		"no such month": {
			oneAccount, "--month=2026-13",
			"ksyun_bill_exporter: --month: month \"2026-13\": want YYYY-MM; try --help\nexit code 2\n",
		},
		"too early": {
			oneAccount, "--month=2018-05",
			"ksyun_bill_exporter: export: --month: there are bills from 2018-06 on; try --help\nexit code 2\n",
		},
		"which account": {
			twoAccounts, "--month=2026-10",
			"ksyun_bill_exporter: export: --account: say which one: main, 商城; try --help\nexit code 2\n",
		},
		"hostile names": {
			strings.Replace(twoAccounts, "name: main", `name: "\u202eniam"`, 1), "--month=2026-10",
			"ksyun_bill_exporter: export: --account: say which one: ?niam, 商城; try --help\nexit code 2\n",
		},
		"no such account": {
			twoAccounts, "--month=2026-10 --account=game",
			"ksyun_bill_exporter: export: --account: \"game\" is none of main, 商城; try --help\nexit code 2\n",
		},
		"format": {
			oneAccount, "--month=2026-10 --format=xlsx",
			"ksyun_bill_exporter: --format: enum value must be one of csv,table, got 'xlsx'; try --help\nexit code 2\n",
		},
		"output": {
			oneAccount, "--month=2026-10 --output=DIR",
			failed + "export: --output: DIR is not a file\"\nexit code 1\n",
		},
		"no folder": {
			oneAccount, "--month=2026-10 --output=DIR/none/bill",
			failed + "export: --output: open DIR/none/RANDOM: no such file or directory\"\nexit code 1\n",
		},
		"other customer": {
			strings.Replace(oneAccount, "name: main", "name: main, customer_id: 4711", 1), "--month=2026-10",
			failed + "export: main, 2026-10: a line is of customer 73400575, customer_id expects 4711\"\nexit code 1\n",
		},
		"wrong key": {
			strings.Replace(oneAccount, "s3cret-main", "s3cret-mine", 1), "--month=2026-10",
			failed + "export: main, 2026-10: GetMonthBill: SignatureDoesNotMatch (HTTP 403, request id REQUEST): The" +
				" request signature we calculated does not match the signature you provided.; check access_key_id," +
				" secret_access_key and this machine's clock\"\nexit code 1\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				args := append([]string{"export"}, strings.Fields(tt.args)...)
				got := runCommand(t.Context(), t, biller(billOf(october()...)), t.TempDir(), tt.config, args...)
				if diff := cmp.Diff(tt.want, got.String()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A file that does not add up is not taken for the bill, and does not take a good one's place.
func TestExportKeepsTheGoodFile(t *testing.T) {
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
				api, dir := biller(billOf(slices.Repeat([]billsim.Line{line}, 200)...)), t.TempDir()
				export := func() outcomeOf {
					return runCommand(t.Context(), t, api, dir, oneAccount, "export", "--month=2026-10",
						"--source="+source, "--output=DIR/bill")
				}
				good := export()
				api.Fault(tt.fault)
				got := export()
				if good.code != 0 || got.code != 3 || got.files["bill"] != good.files["bill"] ||
					strings.Count(got.files["bill.unreconciled"], "\n") != tt.lines+1 || len(got.files) != 2 {
					t.Errorf("files %d, exit code %d\n%s", len(got.files), got.code, got.log)
				}
				want := "all is written, but to DIR/bill.unreconciled, and DIR/bill is as it was: the lines come to " +
					tt.sum + " CNY, the summary says 11356"
				if !strings.Contains(got.log, want) {
					t.Errorf("want %s in\n%s", want, got.log)
				}
			})
		})
	}
}

// Who exports a month that still grows is told so, in the file or beside it.
func TestExportRunningMonth(t *testing.T) {
	for format, want := range map[string]string{
		"table": "main: postpaid bill of 2026-11, which is not over yet (newest line: 2026-11-21), in CNY\n",
		"csv":   byteOrderMark + "bill_month,",
	} {
		t.Run(format, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				lines := october()
				lines[0].StartTime, lines[0].EndTime = "2026-11-01 00:00:00", "2026-11-21 23:59:59"
				api := biller(map[string]billsim.Bill{"2026-11": {Lines: slices.Values(lines)}})
				got := runCommand(t.Context(), t, api, t.TempDir(), oneAccount, "export", "--month=2026-11",
					"--format="+format)
				const said = `level=warn msg="the month is not over, its bill grows" account=main month=2026-11` +
					" newest_line=2026-11-21\n"
				if !strings.HasPrefix(got.out, want) || got.log != said || got.code != 0 {
					t.Errorf("want %s and %s in\n%s", want, said, got)
				}
			})
		})
	}
}

// A link stays a link, and who may read a file stays so.
func TestExportKeepsLinkAndMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, target := t.TempDir(), filepath.Join(t.TempDir(), "bills.csv")
		write(t, target, "that of September")
		if err := os.Symlink(target, filepath.Join(dir, "bill")); err != nil {
			t.Fatal(err)
		}
		got := runCommand(t.Context(), t, biller(billOf(october()...)), dir, oneAccount, "export", "--month=2026-10",
			"--output=DIR/bill")
		compareFile(t, "export/lines.csv", got.files["bill"]+got.String())
		link, err := os.Lstat(filepath.Join(dir, "bill"))
		file, noFile := os.Stat(target)
		if err != nil || noFile != nil || link.Mode()&os.ModeSymlink == 0 || file.Mode() != 0o600 {
			t.Errorf("link %v, file %v: %v, %v", link, file, err, noFile)
		}
	})
}

// What is written reads back as what the API said, but for the apostrophes.
func TestExportReadsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := slices.Collect(func(yield func(billsim.Line) bool) {
			bill, _ := billsim.Generated("73400575", 3000, 100, 1)("2026-10")
			bill.Lines(yield)
		})
		api := biller(billOf(lines...))
		got := runCommand(t.Context(), t, api, t.TempDir(), oneAccount, "export", "--month=2026-10")
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.out, byteOrderMark))).ReadAll()
		if err != nil || len(rows) != len(lines)+1 || got.code != 0 {
			t.Fatalf("%d rows of %d lines: %v\n%s", len(rows), len(lines), err, got.log)
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
func TestExportCountsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		config := oneAccount + "api: {daily_calls: 3}\nstate_dir: " + t.TempDir() + "\n"
		api, args := biller(billOf(october()...)), []string{"export", "--month=2026-10"}
		first := runCommand(t.Context(), t, api, t.TempDir(), config, args...)
		second := runCommand(t.Context(), t, api, t.TempDir(), config, args...)
		const want = `level=error msg="cannot go on" err="export: main, 2026-10: GetPostpayDetailBill: the 3 calls` +
			` of today (api.daily_calls) are used up; the next day begins at 2026-11-23T00:00:00+08:00"` +
			"\nexit code 1\n"
		if diff := cmp.Diff(want, second.String()); diff != "" || first.code != 0 || len(api.Calls()) != 3 {
			t.Errorf("after %d calls (-want +got):\n%s", len(api.Calls()), diff)
		}
	})
}
