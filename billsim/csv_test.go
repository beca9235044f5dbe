package billsim

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// TestSampleCSV checks that the row is that of the vendor's sample, byte by byte, and the header that of the Chinese
// page.
func TestSampleCSV(t *testing.T) {
	l := sampleLine()
	l.Providers = []KeyValue{{"Operating system", "Linux"}}
	l.Configs = []KeyValue{
		{"SSD size (GB)", "50.0000"},
		{"Number of CPU cores", "1.0000"},
		{"SATA disk size (GB)", ""},
		{"Memory size (GB)", "1.0000"},
	}
	l.Extras = []KeyValue{{"Private IP address", ""}, {"Public IP address", ""}}
	_, c := serve(t, accountOf(map[string]Bill{"2018-06": billOf(l)}))
	sample, err := os.ReadFile("testdata/GetPostpayDetailBillCSV.csv")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.do("Action=GetPostpayDetailBillCSV&" + monthQuery)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "text/csv" {
		t.Errorf("Content-Type %q", got)
	}
	text, err := simplifiedchinese.GBK.NewDecoder().String(c.read(resp))
	if err != nil {
		t.Fatal(err)
	}
	header, row, _ := strings.Cut(text, "\n")
	sampleHeader, sampleRow, _ := strings.Cut(string(sample), "\n")
	if row != sampleRow {
		t.Errorf("row\n got %q\nwant %q", row, sampleRow)
	}
	const want = "账单月,客户ID,账单ID,产品线,产品类型,产品ID,产品名称,账单开始时间,账单结束时间,服务开始时间,计费方式,计费天数,计费时长," +
		"机房,可用区,说明,原价(元),折扣,成交价(元),归属项目组,价格影响因子,配置,附属信息,标签信息,"
	if header != want {
		t.Errorf("header\n got %q\nwant %q", header, want)
	}
	if got, sample := strings.Count(header, ","), strings.Count(sampleHeader, ","); got != sample {
		t.Errorf("header has %d commas, the page's %d", got, sample)
	}
}
