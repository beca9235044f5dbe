package billclient

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

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

// A file can be of several months, and packed. What it has beyond the vendor's own file is named, and what it lacks.
func TestBillFile(t *testing.T) {
	text := strings.Replace(chineseCSV, "x,2026-10,73400575,0002", "\n"+`"x, y",2018-05,73400575,0002`, 1)
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"UTF-8": text, "GBK": gbk, "packed GBK": pack(t, gbk), "with a mark and CRLF": "\uFEFF" +
			strings.ReplaceAll(text, "\n", "\r\n"), "packed after an empty line": pack(t, "\n"+text),
		"cut at its end": strings.TrimSuffix(text, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			f, err := OpenBillFile(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			lines, err := collectLines(f.Lines())
			if err != nil || len(lines) != 2 || lines[0].Month != october || lines[1].Month != FirstMonth-1 ||
				lines[0].Tags[0].Value != "广告" || lines[1].Cost.Cmp(mustAmount("-0.01")) != 0 {
				t.Errorf("%v, %+v", err, lines)
			}
			want := 4
			if strings.HasPrefix(name, "packed after") {
				want = 5
			}
			if f.LineNumber() != want || f.EndsInLine() != strings.HasPrefix(name, "cut") {
				t.Errorf("line %d, ends in it: %v", f.LineNumber(), f.EndsInLine())
			}
			missing := []string{
				"BillDays", "BillHours", "BillType", "ConfigSet", "DetailBillEndTime", "DetailBillStartTime",
				"ExtraSet", "ProjectName", "ProviderSet", "RegionName", "RuleRemark", "ServiceStartTime", "ZoneName",
			}
			got := [][]string{f.UnknownColumns(), f.MissingColumns()}
			if diff := cmp.Diff([][]string{{"新列"}, missing}, got); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}

// What is wrong with a file is told with its place.
func TestBadBillFile(t *testing.T) {
	const header = "账单月,账单ID,成交价(元),原价(元),说明\n"
	good := header + "2026-10,01,1.00,2.00,a\n"
	for _, tt := range []struct{ name, body, want string }{
		{"empty", "", "file is empty"},
		{"packed nothing", pack(t, " \n"), "file is empty"},
		{"no gzip", "\x1f\x8bx", "unexpected EOF"},
		{"cut gzip", pack(t, good)[:40], "header: unexpected EOF"},
		{"JSON", `{"Error":{"Code":"Throttling"}}`, `no CSV file: {"Error":{"Code":"Throttling"}}`},
		{"no header", "2026-10,1\n", `header: no column for BillMonth: "2026-10,1"`},
		{"month", "\n" + header + "2026/10,01,1,2,a\n", `line 3 (01): column 1 "账单月": month "2026/10": want YYYY-MM`},
		{
			"amount", good + "2026-10,02,\"1,000.00\",2,a\n",
			`line 3 (02): column 3 "成交价(元)": Cost: amount "1,000.00": not a decimal number`,
		},
		{"cut line", good + "2026-10,02,1.00", "line 3: 3 columns: the first line has 5, the header 5"},
		{
			"text over lines", good + "2026-10,02,1,2,\"a\nb\"\n",
			`line 3 (02): column 5 "说明": a text over several lines`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := OpenBillFile(strings.NewReader(tt.body))
			if err == nil {
				_, err = collectLines(f.Lines())
			}
			if err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
