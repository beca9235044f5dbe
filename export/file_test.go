package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// csvKeeper keeps the files of GetPostpayDetailBillCSV by their months, byte for byte.
type csvKeeper struct {
	http.Handler
	files map[string]*bytes.Buffer
}

func (k csvKeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if query := r.URL.Query(); query.Get("Action") == "GetPostpayDetailBillCSV" {
		file := &bytes.Buffer{}
		k.files[query.Get("BillStartMonth")] = file
		w = teeWriter{w, io.MultiWriter(w, file)}
	}
	k.Handler.ServeHTTP(w, r)
}

type teeWriter struct {
	http.ResponseWriter
	both io.Writer
}

func (t teeWriter) Write(p []byte) (int, error) { return t.both.Write(p) }

// demoGame is the configuration of an account of the demo, without the actions that know more of its lines.
var demoGame = strings.NewReplacer("main", "game", "AKLTMAIN", "DEMOGAMEACCESSKEY", "s3cret-main",
	"demo-game-secret-key").Replace(oneAccount) + "api: {union_endpoint: ''}\n"

// What the vendor answered with comes to the same from a file as from the API, in every format and to the last digit,
// although the months are mixed and the file is packed.
func TestFileEqualsTheAnswer(t *testing.T) {
	for _, format := range Formats {
		t.Run(format, func(t *testing.T) {
			var api, file outcome
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				demo := billsim.New(billsim.Demo(time.Now))
				keeper := csvKeeper{demo, map[string]*bytes.Buffer{}}
				dir, o := t.TempDir(), Options{From: month(t, "2026-09"), Format: format, Output: "DIR/bill"}
				o.Source = SourceCSV
				api = runExport(t.Context(), t, keeper, dir, demoGame, o)
				_, later, _ := strings.Cut(keeper.files["2026-10"].String(), "\n")
				write(t, filepath.Join(dir, "in"), pack(t, keeper.files["2026-09"].String()+later))
				demo.ResetCalls()
				o = Options{Source: SourceFile, Input: "DIR/in", Format: format, Output: "DIR/bill"}
				file = runExport(t.Context(), t, demo, dir, demoGame, o)
				if calls := demo.Calls(); len(calls) != 0 || len(later) < 10000 {
					t.Errorf("%d calls, %d bytes of October", len(calls), len(later))
				}
			})
			want := withoutSummaries(t, format, api.files["bill"])
			if diff := cmp.Diff(want, withoutSummaries(t, format, file.files["bill"])); diff != "" || file.err != nil {
				t.Errorf("%v (-api +file):\n%s", file, diff)
			}
		})
	}
}

// withoutSummaries returns the cells of a file, or the lines of a table, without what only the summary of a month
// tells: the number of the bill, and whether the lines come to its sum.
func withoutSummaries(t *testing.T, format, text string) (cells [][]string) {
	t.Helper()
	switch format {
	case FormatTable:
		for _, conclusion := range []string{
			"The lines come to what the month's summary says.",
			fileConclusion,
		} {
			text = strings.ReplaceAll(text, conclusion, "")
		}
		return [][]string{strings.Split(text, "\n")}
	case FormatParquet, FormatFocusParquet:
		cells, _ = readParquet(t, text)
	default:
		cells = readCells(t, text)
	}
	for i, name := range cells[0] {
		for _, row := range cells[1:] {
			if name == "x_BillId" {
				row[i] = ""
			}
		}
	}
	return cells
}

func pack(t *testing.T, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// downloaded is a file with the columns in another order, one of them unknown and some not there, of three months.
const downloaded = "成交价（元）,原价 (元),账单月,账单ID,产品线,产品ID,账单开始时间,账单结束时间,标签信息,归属项目组,订单号\r\n" +
	"12.5,20,2026-10,01,云服务器(KEC),i-1,2026-10-01 00:00:00,2026-10-31 23:59:59,部门: 广告|,交易平台,O1\r\n" +
	"-0.5,0,2026-10,02,云服务器（KEC）,i-1,2026-09-01 00:00:00,2026-09-30 23:59:59,,交易平台,O2\r\n" +
	"7,7,2026-09,03,GPU云(GPU),g-1,,,,,O3\r\n" +
	"\"1.25\",1.25,2026-11,04,\"专线, 上海\",d-1,,2026-11-20 23:59:59,,默认项目,O4"

const gpuFile = "accounts: [{name: main, customer_id: 73400575, access_key_id: A, secret_access_key: s}]\n" +
	"products: [{group: GPU_GROUP, code: GPU}]\n"

// TestFile compares what becomes of a file with testdata.
func TestFile(t *testing.T) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(downloaded)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		config  string
		options Options
	}{
		"file.csv":       {"", Options{}},
		"file.txt":       {gpuFile, Options{Format: FormatTable}},
		"file_focus.csv": {gpuFile, Options{Format: FormatFocusCSV}},
		"file_months.csv": {
			"", Options{From: month(t, "2026-08"), To: month(t, "2026-09"), Account: "shop"},
		},
		"file_nobody.txt": {"", Options{Format: FormatFocusCSV}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				dir, o := t.TempDir(), tt.options
				o.Source, o.Input, o.Stdin = SourceFile, StandardInput, strings.NewReader(gbk)
				got := runExport(t.Context(), t, nil, dir, tt.config, o)
				compareFile(t, name, got.String())
				write(t, filepath.Join(dir, "in"), byteOrderMark+downloaded)
				o.Input, o.Output = "DIR/in", "DIR/bill"
				file := runExport(t.Context(), t, nil, dir, tt.config, o)
				failure := strings.Replace(got.failure(), "standard input", "DIR/in", 1)
				if file.files["bill"] != got.out || file.failure() != failure || file.log != got.log {
					t.Errorf("from a file to a file:\n%v%s", file, file.files["bill"])
				}
			})
		})
	}
}

// The rules of FOCUS hold of a file that has names only.
func TestFocusRulesOfFile(t *testing.T) {
	for _, format := range []string{FormatFocusCSV, FormatFocusParquet} {
		var text string
		synctest.Test(t, func(t *testing.T) {
			o := Options{Source: SourceFile, Input: StandardInput, Format: format, Output: "DIR/bill"}
			o.Stdin = strings.NewReader(downloaded)
			text = runExport(t.Context(), t, nil, t.TempDir(), gpuFile, o).files["bill"]
		})
		compareFile(t, "focus_rules.txt", newFocusFile(readTyped(t, format, text)).report(readRules(t)))
	}
}

// fileHead is a file that has nothing wrong with it.
const fileHead = "账单月,客户ID,账单ID,成交价(元),原价(元),产品线\n2026-10,1,01,1,2,KEC\n"

// exportFile exports a file to another one, which has to stay as it was, and returns the failure.
func exportFile(t *testing.T, config, file string, o Options) (failure string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir := t.TempDir()
		write(t, filepath.Join(dir, "in"), file)
		write(t, filepath.Join(dir, "bill"), "that of September")
		o.Source, o.Output = SourceFile, "DIR/bill"
		got := runExport(t.Context(), t, nil, dir, config, o)
		if diff := cmp.Diff(map[string]string{"in": file, "bill": "that of September"}, got.files); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		failure = got.failure()
	})
	return failure
}

// Whatever is wrong with a file, the error names the place.
func TestBadFiles(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"empty":     {" ", "file is empty"},
		"no column": {"账单月,成交价(元)\n", `header: no column for MeasureAmount: "账单月,成交价(元)"`},
		"bad amount": {
			fileHead + "2026-10,1,02,1,2.O,KEC\n",
			`line 3 (02): column 5 "原价(元)": MeasureAmount: amount "2.O": not a decimal number`,
		},
		"bad month": {
			fileHead + "Oct-26,1,02,1,2,KEC\n", `line 3 (02): column 1 "账单月": month "Oct-26": want YYYY-MM`,
		},
		"cut line": {fileHead + "2026-10,1,02,1", "line 3: 4 columns: the first line has 6, the header 6"},
		"cut gzip": {pack(t, fileHead)[:60], "header: unexpected EOF"},
		"two customers": {
			fileHead + "2026-10,2,02,1,2,KEC\n",
			"line 3: it is of customer 2, those before it of 1: split the file, one for each account",
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := "error: export: DIR/in: " + tt.want + "\n"
			if diff := cmp.Diff(want, exportFile(t, "", tt.file, Options{Input: "DIR/in"})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFileMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		config  string
		options Options
		want    string
	}{
		"which file": {
			"", Options{},
			"wrong argument: export: --input: say which file --source=file is to read, or - for standard input\n",
		},
		"no such file": {
			"", Options{Input: "DIR/none"}, "error: export: --input: open DIR/none: no such file or directory\n",
		},
		"folder": {"", Options{Input: "DIR"}, "error: export: DIR: read DIR: is a directory\n"},
		"which account": {
			twoAccounts, Options{Input: "DIR/in"},
			"wrong argument: export: --account: say whose file it is: main, 商城\n",
		},
		"other account": {
			oneAccount, Options{Input: "DIR/in", Account: "all"},
			"wrong argument: export: --account: \"all\" is none of main\n",
		},
		"pay mode": {
			"", Options{Input: "DIR/in", PayModes: "prepaid"},
			"wrong argument: export: --pay-modes: --source=file has postpaid lines only: use --source=lines for prepaid\n",
		},
		"other customer": {
			gpuFile, Options{Input: "DIR/in"},
			"error: export: DIR/in: line 2: a line is of customer 1, customer_id expects 73400575\n",
		},
		"other month": {
			"", Options{Input: "DIR/in", Month: month(t, "2026-09")},
			"error: export: DIR/in: it has no lines, or none of the months asked for\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, exportFile(t, tt.config, fileHead, tt.options)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is on standard output already when a line cannot be read is counted in the error.
func TestFileBreaksOff(t *testing.T) {
	line := "2026-10,01,1,2," + strings.Repeat("长", 30000) + "\n"
	o := Options{Source: SourceFile, Input: StandardInput}
	o.Stdin = strings.NewReader("账单月,账单ID,成交价(元),原价(元),说明\n" + line + line + "2026-10,02,x,2,\n")
	synctest.Test(t, func(t *testing.T) {
		got := runExport(t.Context(), t, nil, t.TempDir(), "", o)
		const want = `error: export: standard input: line 4 (02): column 3 "成交价(元)": Cost: amount "x": not a decimal` +
			" number; do not use the 131072 bytes that are on standard output already. With --output there is a whole" +
			" file or none\n"
		if diff := cmp.Diff(want, got.failure()); diff != "" || len(got.out) != 131072 {
			t.Errorf("%d bytes (-want +got):\n%s", len(got.out), diff)
		}
	})
}

// A command that waits for standard input can be ended, and leaves nothing.
func TestFileIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
		defer interrupt()
		silent, writer := io.Pipe()
		defer writer.Close()
		o := Options{Source: SourceFile, Input: StandardInput, Stdin: silent, Output: "DIR/bill"}
		got := runExport(ctx, t, nil, t.TempDir(), "", o)
		const want = "error: export: standard input: context deadline exceeded\n"
		if diff := cmp.Diff(want, got.String()); diff != "" || len(got.files) != 0 {
			t.Errorf("%d files (-want +got):\n%s", len(got.files), diff)
		}
	})
}
