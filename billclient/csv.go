package billclient

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/width"
)

// GetPostpayDetailBillCSV is an action of the API, as it spells it.
const GetPostpayDetailBillCSV = "GetPostpayDetailBillCSV"

var detailBillCSVAction = declareAction(billService, actionVersion{GetPostpayDetailBillCSV, version2018})

// GetPostpayDetailBillCSV returns the same lines as GetPostpayDetailBill, under the same rules, from the CSV file that
// the API makes of them. The file names products and projects without their ids: ProductCode and ProjectID are empty.
// Source: https://endocs.ksyun.com/documents/37506, https://docs.ksyun.com/documents/39126.
func (c *Client) GetPostpayDetailBillCSV(ctx context.Context, q DetailQuery) iter.Seq2[Line, error] {
	return c.streamLines(ctx, detailBillCSVAction, q, readCSV)
}

// csvColumns has the members of a line by the Chinese and English headers of their columns, without blanks and in
// lower case.
var csvColumns = map[string]string{
	"账单月": "BillMonth", "billingmonth": "BillMonth",
	"客户id": "CustomerId", "customerid": "CustomerId",
	"账单id": "DetailBillNo", "billid": "DetailBillNo",
	"产品线": "ProductName", "product": "ProductName",
	"产品类型": "ProductSubTypeName", "producttype": "ProductSubTypeName",
	"产品id": "InstanceId", "productid": "InstanceId",
	"产品名称": "InstanceName", "productname": "InstanceName",
	"账单开始时间": "DetailBillStartTime", "starttimeofthebill": "DetailBillStartTime",
	"账单结束时间": "DetailBillEndTime", "endtimeofthebill": "DetailBillEndTime",
	"服务开始时间": "ServiceStartTime", "starttimeoftheservice": "ServiceStartTime",
	"计费方式": "BillType", "billingmode": "BillType",
	"计费天数": "BillDays", "billingdays": "BillDays",
	"计费时长": "BillHours", "billinghours": "BillHours",
	"机房": "RegionName", "region": "RegionName",
	"可用区": "ZoneName", "availabilityzone": "ZoneName",
	"说明": "RuleRemark", "remarks": "RuleRemark",
	"原价(元)": "MeasureAmount", "originalamount(cny)": "MeasureAmount",
	"折扣": "Discount", "discount": "Discount",
	"成交价(元)": "Cost", "actualamount(cny)": "Cost",
	"归属项目组": "ProjectName", "project": "ProjectName",
	"价格影响因子": "ProviderSet", "priceimpactfactor": "ProviderSet",
	"配置": "ConfigSet", "configuration": "ConfigSet",
	"附属信息": "ExtraSet", "extrainformation": "ExtraSet",
	"标签信息": "TagSet", "tag": "TagSet",
}

// memberOfColumn returns the member of a line that a column holds, -1 if its header is not in csvColumns.
func memberOfColumn(header string) int {
	plain := strings.ToLower(strings.Join(strings.Fields(width.Fold.String(header)), ""))
	if name, ok := csvColumns[plain]; ok {
		return memberPlaces[strings.ToLower(name)]
	}
	return -1
}

// readCSV reads the answer of GetPostpayDetailBillCSV.
func readCSV(r *response, q DetailQuery, emit func(*Line) error) error {
	switch first, err := r.firstByte(); {
	case err != nil:
		return err
	case first == '{', first == '<':
		return readErrorForCSV(r)
	}
	c := newCSVReader(r, newRecord(q, false))
	if err := c.readHeader(); err != nil {
		return err
	}
	return c.readRows(emit)
}

// readErrorForCSV returns the error of an answer in JSON or XML: the only such answer of the action is an error body.
func readErrorForCSV(r *response) error {
	excerpt := r.excerpt()
	if err := readErrorBody(r); err != nil {
		return err
	}
	return classify(Decode, "no CSV file: %s", excerpt)
}

// newUTF8Body returns the file in UTF-8, with invalid bytes replaced by U+FFFD. The API documents GBK. A byte order
// mark shows that the file is in UTF-8, and so does a header that is valid UTF-8 beyond ASCII. Where the header is all
// ASCII, the Content-Type decides, and without one the rows do.
func newUTF8Body(r *response) io.Reader {
	head, _ := r.body.Peek(sampleSize)
	header, _, _ := bytes.Cut(head, []byte("\n"))
	isASCII := countASCII(header) == len(header)
	switch declared := declaredEncoding(r.header); {
	case r.hasMark, !isASCII && utf8.Valid(header):
		return unicode.UTF8.NewDecoder().Reader(r.body)
	case !isASCII:
		return simplifiedchinese.GB18030.NewDecoder().Reader(r.body)
	case declared != nil:
		return decodeText(r.body, declared)
	default:
		return decodeText(r.body, simplifiedchinese.GB18030)
	}
}

// csvReader reads lines from a CSV file. Its errors name lines and columns of the file, both from 1.
type csvReader struct {
	record
	window      *window
	consumed    int64 // how many bytes had been read when the last row ended
	rows        *csv.Reader
	before      int      // how many lines of the file come before those that rows has
	fileLine    int      // in which the last row begins
	header      []string // of each column
	columns     []int    // the member of a line in each column, -1 for none
	headerWidth int      // how many columns there are, up to the last one that has a header
	rowWidth    int      // how many columns every row has
}

// newCSVReader returns a reader of the file of which the first byte was looked at.
func newCSVReader(r *response, record record) *csvReader {
	c := &csvReader{record: record, window: &window{body: newUTF8Body(r)}, before: r.linesBefore}
	c.window.consumed = func() int64 { return c.consumed }
	c.rows = csv.NewReader(c.window)
	// Nothing in the file is quoted, and in the API's own sample the header is longer than the rows.
	c.rows.LazyQuotes, c.rows.FieldsPerRecord, c.rows.ReuseRecord = true, -1, true
	return c
}

func (c *csvReader) readHeader() error {
	header, err := c.readRow()
	if err != nil {
		return locate("header", err)
	}
	c.header = slices.Clone(header)
	for i, name := range header {
		c.columns = append(c.columns, memberOfColumn(name))
		if name != "" {
			c.headerWidth = i + 1
		}
	}
	for _, needed := range [...]int{fieldMonth, fieldCost, fieldListCost} {
		if !slices.Contains(c.columns, needed) {
			return classify(Decode, "header: no column for %s: %q", lineFields[needed].name,
				shorten(strings.Join(header, ","), maxExcerpt))
		}
	}
	return nil
}

func (c *csvReader) readRows(emit func(*Line) error) error {
	for {
		row, err := c.readRow()
		if errors.Is(err, io.EOF) {
			return nil
		}
		c.reset()
		if err != nil {
			return locate(fmt.Sprintf("line %d", c.fileLine+1), err)
		}
		line, err := c.makeRow(row)
		if err != nil {
			return c.locateRow(err)
		}
		if err := emit(line); err != nil {
			return err
		}
	}
}

// makeRow returns the line that is in a row.
func (c *csvReader) makeRow(row []string) (*Line, error) {
	if err := c.fillRecord(row); err != nil {
		return nil, err
	}
	return c.makeLine()
}

// locateRow adds to an error the place of the row in the file and, where it is about a field, its column.
func (c *csvReader) locateRow(err error) error {
	if f, ok := errors.AsType[*fieldError](err); ok {
		err = c.locateColumn(slices.Index(c.columns, f.field), err)
	}
	place := fmt.Sprintf("line %d", c.fileLine)
	if billNumber := c.fieldText(fieldNumber); billNumber != "" {
		place += fmt.Sprintf(" (%s)", shorten(billNumber, 60))
	}
	return locate(place, err)
}

// locateColumn adds to an error the number of a column, and its header.
func (c *csvReader) locateColumn(column int, err error) error {
	return locate(fmt.Sprintf("column %d %q", column+1, shorten(c.header[column], 60)), err)
}

// readRow returns the next row of the file, io.EOF after the last.
func (c *csvReader) readRow() ([]string, error) {
	row, err := c.rows.Read()
	c.consumed = c.window.read
	if err == nil {
		line, _ := c.rows.FieldPos(0)
		c.fileLine = c.before + line
	}
	return row, err
}

// fillRecord puts the cells of a row into the record. Nothing in the file is quoted, so a comma or a quote in a name
// moves the columns after it. That is why a row must be as wide as the first one, and a text must not span rows.
func (c *csvReader) fillRecord(row []string) error {
	if c.rowWidth == 0 {
		c.rowWidth = len(row)
	}
	if len(row) != c.rowWidth || len(row) < c.headerWidth || len(row) > len(c.columns) {
		return classify(Decode, "%d columns: the first line has %d, the header %d", len(row), c.rowWidth, c.headerWidth)
	}
	for i, text := range row {
		if c.columns[i] < 0 {
			continue
		}
		if strings.Contains(text, "\n") {
			return c.locateColumn(i, classify(Decode, "a text over several lines"))
		}
		if err := c.putCell(c.columns[i], text); err != nil {
			return c.locateColumn(i, err)
		}
	}
	return nil
}

func (c *csvReader) putCell(member int, text string) error {
	set := member - len(lineFields)
	if set >= 0 && !c.query.readsSet(set) {
		return nil
	}
	if err := c.markMember(member); err != nil {
		return err
	}
	if set < 0 {
		c.putField(member, []byte(text))
		return nil
	}
	for entry := range strings.SplitSeq(text, "|") {
		c.addEntry(set, entry)
	}
	return nil
}

// splitPair returns the pair in a text such as "key: value", without blanks around the two. The first separator counts.
// A text without one is a key.
func splitPair(text, separators string) KeyValue {
	key, value := text, ""
	if i := strings.IndexAny(text, separators); i >= 0 {
		_, size := utf8.DecodeRuneInString(text[i:])
		key, value = text[:i], text[i+size:]
	}
	return KeyValue{strings.TrimSpace(key), strings.TrimSpace(value)}
}

// addEntry adds an entry of a set, which has the form "key: value". It ignores an empty one: the last entry of a set
// is followed by a separator as well.
func (c *csvReader) addEntry(set int, entry string) {
	if strings.TrimSpace(entry) == "" {
		return
	}
	pair := splitPair(entry, ":：")
	key, value := c.keepKnown([]byte(pair.Key)), c.keepKnown([]byte(pair.Value))
	c.entries = append(c.entries, setEntry{set, key, value})
}
