package billsim

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	linesQuery  = "Action=GetPostpayDetailBill&" + monthQuery
	detailQuery = linesQuery + "&ProductCode=KEC&ProjectId=0"
)

// TestSamples holds the answers against the vendor's own samples, which are what the API is known by.
func TestSamples(t *testing.T) {
	xmlLine := sampleLine()
	xmlLine.Configs = append([]KeyValue(nil), xmlLine.Configs...)
	xmlLine.Configs[0].Key = "SSD size, in GB"
	xmlLine.Configs[2].Key = "Size of the Serial Advanced Technology Attachment (SATA) disk, in GB"
	tests := []struct {
		file, query string
		line        Line
	}{
		{"GetMonthBill.json", "Action=GetMonthBill&" + monthQuery, sampleLine()},
		{"GetMonthBill.xml", "Action=GetMonthBill&" + monthQuery, sampleLine()},
		{"GetPostpayDetailBill.json", detailQuery, sampleLine()},
		{"GetPostpayDetailBill.xml", detailQuery, xmlLine},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			account := sampleAccount(tt.line)
			if strings.Contains(tt.query, "Detail") { // the sample has one of the two lines
				account = accountOf(map[string]Bill{"2018-06": billOf(tt.line)})
			}
			_, c := serve(t, account)
			decode := decodeJSON
			if strings.HasSuffix(tt.file, ".xml") {
				decode, c.accept = decodeXML, "*/*"
			}
			want, err := os.ReadFile("testdata/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			status, got := c.get(tt.query)
			if status != 200 {
				t.Fatalf("status %d: %s", status, got)
			}
			if diff := cmp.Diff(decode(t, want), decode(t, []byte(got))); diff != "" {
				t.Errorf("answer (-sample +got):\n%s", diff)
			}
		})
	}
}

// decodeJSON keeps numbers as they are written: 66 is not 66.0.
func decodeJSON(t *testing.T, data []byte) any {
	t.Helper()
	var tree map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "RequestId")
	return tree
}

// node is an element without the white space of the page.
type node struct {
	Name  string
	Text  string
	Nodes []node
}

func (n *node) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var raw struct {
		Text  string `xml:",chardata"`
		Nodes []node `xml:",any"`
	}
	if err := d.DecodeElement(&raw, &start); err != nil {
		return err
	}
	n.Name, n.Text = strings.ToLower(start.Name.Local), strings.TrimSpace(raw.Text)
	for _, child := range raw.Nodes {
		if child.Name != "requestid" {
			n.Nodes = append(n.Nodes, child)
		}
	}
	return nil
}

func decodeXML(t *testing.T, data []byte) any {
	t.Helper()
	var tree node
	if err := xml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestSampleCSV: the row is the page's to the last byte; the header is the Chinese page's and has one comma more.
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

func TestProductCodes(t *testing.T) {
	account := sampleAccount(sampleLine())
	account.Products = []KeyValue{{"KEC", "云主机"}, {"Redis", `"R" & <b>`}}
	_, c := serve(t, account)
	query := "Action=GetProductCode&Version=2018-06-01"
	_, got := c.get(query)
	want := `{"RequestId":"b1115100-0000-4000-8000-000000000001",` +
		`"ProductCodeSet":[{"Key":"KEC","Value":"云主机"},{"Key":"Redis","Value":"\"R\" & <b>"}]}`
	if got != want {
		t.Errorf("JSON\n got %s\nwant %s", got, want)
	}
	c.accept = ""
	_, got = c.get(query)
	want = "<GetProductCodeResponse><RequestId>b1115100-0000-4000-8000-000000000002</RequestId><ProductCodeSet>" +
		"<ProductCodeSet><Key>KEC</Key><Value>云主机</Value></ProductCodeSet>" +
		"<ProductCodeSet><Key>Redis</Key><Value>&#34;R&#34; &amp; &lt;b&gt;</Value></ProductCodeSet>" +
		"</ProductCodeSet></GetProductCodeResponse>"
	if got != want {
		t.Errorf("XML\n got %s\nwant %s", got, want)
	}
}
