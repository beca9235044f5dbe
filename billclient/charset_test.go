package billclient

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// rareName has a character that GB18030 has and GBK has not.
const rareName = "云主机𠀀"

// encodeChinese returns a text in GB18030.
func encodeChinese(t *testing.T, text string) string {
	t.Helper()
	encoded, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// TestCharsets tests the encodings that an answer can name, and answers that are in another one than they name.
func TestCharsets(t *testing.T) {
	const (
		csvHeader = "Billing month,Actual amount (CNY),Original amount (CNY),Product,\n"
		csvRow    = "2026-10,1.50,2," + rareName + ",\n"
		declared  = `<?xml version="1.0" encoding="gb2312"?>`
	)
	asJSON := jsonAnswer(goodLine(`,"ProductName":"` + rareName + `"`))
	asXML := xmlAnswer(goodItem("<ProductName>" + rareName + "</ProductName>"))
	chinese := func(s string) string { return encodeChinese(t, s) }
	many := strings.Repeat("2026-10,1.50,2,,\n", 1000)
	for name, tt := range map[string]struct{ contentType, body string }{
		"CSV in UTF-8":                     {"text/csv", csvHeader + csvRow},
		"CSV in UTF-8 with a mark":         {"text/csv", "\uFEFF" + csvHeader + csvRow},
		"CSV in UTF-8 with a mark, as GBK": {"text/csv; charset=GBK", "\uFEFF" + csvHeader + csvRow},
		"CSV in UTF-8, as GBK":             {"text/csv; charset=GBK", csvHeader + csvRow},
		"CSV in UTF-8, at last":            {"text/csv", csvHeader + many + csvRow},
		"CSV in UTF-8, cut sample":         {"text/csv", csvHeader + csvRow + "," + strings.Repeat("中", 5000)},
		"CSV in GBK":                       {"text/csv", chinese(csvHeader + csvRow)},
		"CSV in GBK, as GB2312":            {"text/csv; charset=gb2312", chinese(csvHeader + csvRow)},
		"CSV in GBK, at last":              {"text/csv", csvHeader + many + chinese(csvRow)},
		"JSON in GBK":                      {"application/json; charset=GBK", chinese(asJSON)},
		"JSON in GB2312":                   {`application/json;charset="gb2312"`, chinese(asJSON)},
		"JSON in GB18030":                  {"application/json; charset=gb18030", chinese(asJSON)},
		"JSON in CP936":                    {"application/json; charset=cp936", chinese(asJSON)},
		"JSON in UTF-8, as GBK":            {"application/json; charset=GBK", asJSON},
		"JSON in UTF-8, as Latin-1":        {"application/json; charset=iso-8859-1", asJSON},
		"JSON in UTF-8, as nothing known":  {"application/json; charset=x", asJSON},
		"XML in GBK":                       {"text/xml; charset=GBK", chinese(asXML)},
		"XML in GBK that says so":          {"text/xml", chinese(declared + asXML)},
		"XML in GBK that says so twice":    {"text/xml; charset=GBK", chinese(declared + asXML)},
		"XML in GBK, as UTF-8 too":         {"text/xml; charset=utf-8", chinese(declared + asXML)},
		"XML in UTF-8, as GBK":             {"text/xml", declared + asXML},
		"XML in UTF-8 with a mark, as GBK": {"text/xml; charset=GBK", "\uFEFF" + declared + asXML},
		"XML in GBK by an older name": {
			"text/xml", strings.Replace(chinese(declared+asXML), "gb2312", "chinese", 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, read := responseOf(tt.contentType, []byte(tt.body)), readLines
			if strings.HasPrefix(tt.contentType, "text/csv") {
				read = readCSV
			}
			product := ""
			err := read(r, octoberLines, func(line *Line) error {
				product = line.ProductName
				return nil
			})
			if product != rareName || err != nil && !strings.Contains(name, "cut") {
				t.Errorf("product %q, error %v", product, err)
			}
		})
	}
}

// TestChineseTextByByte tests that it does not matter how a text arrives.
func TestChineseTextByByte(t *testing.T) {
	const text = "KEC, 云主机, 𠀀"
	for _, encoded := range []string{text, encodeChinese(t, text)} {
		body := &chineseText{body: bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(encoded)), sampleSize)}
		got, err := io.ReadAll(iotest.OneByteReader(body))
		if err != nil || string(got) != text {
			t.Errorf("%q, error %v", got, err)
		}
	}
}
