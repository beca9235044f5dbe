package billclient

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/width"
)

// GetPostpayDetailBillCSV returns the same lines as GetPostpayDetailBill, under the same rules, from the CSV file
// that the API makes of them. The file has names only: ProductCode and ProjectID are empty.
// Source: https://endocs.ksyun.com/documents/37506, https://docs.ksyun.com/documents/39126.
func (c *Client) GetPostpayDetailBillCSV(ctx context.Context, q DetailQuery) iter.Seq2[Line, error] {
	return c.lines(ctx, GetPostpayDetailBillCSV, q, readCSV)
}

// columns has, by their Chinese and English headers without blanks and in lower case, what the columns of the file are.
var columns = map[string]string{
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

// columnOf returns which member of a line the column is, -1 for none that is known.
func columnOf(header string) int {
	plain := strings.ToLower(strings.Join(strings.Fields(width.Fold.String(header)), ""))
	if name, known := columns[plain]; known {
		return members[strings.ToLower(name)]
	}
	return -1
}

// readCSV reads the answer of GetPostpayDetailBillCSV.
func readCSV(r *reply, q DetailQuery, emit func(*Line) error) error {
	switch first, err := r.first(); {
	case err != nil:
		return err
	case first == '{', first == '<':
		return r.noCSV()
	}
	c := csvReader{record: newRecord(q, false), window: &window{body: r.decoded()}}
	c.window.done = func() int64 { return c.done }
	c.rows = csv.NewReader(c.window)
	// The file has no quotes around anything, and in the API's own sample the header is longer than the rows.
	c.rows.LazyQuotes, c.rows.FieldsPerRecord, c.rows.ReuseRecord = true, -1, true
	if err := c.readHeader(); err != nil {
		return err
	}
	return c.readRows(emit)
}

// noCSV reads an error body, the only thing in JSON or XML that the action can answer with.
func (r *reply) noCSV() error {
	excerpt := r.excerpt()
	if said := r.errorBody(); said != nil {
		return said
	}
	return because(Decode, "no CSV file: %s", excerpt)
}

// decoded returns the body in UTF-8.
func (r *reply) decoded() io.Reader {
	return r.charset().NewDecoder().Reader(r.body)
}

// charset finds the file's encoding out. It is GBK, says the API, and so it is here unless the header shows something
// else; what the Content-Type says counts only where the header has nothing but ASCII. Invalid bytes become U+FFFD.
func (r *reply) charset() encoding.Encoding {
	head, _ := r.body.Peek(bufferSize / 16)
	header, _, _ := strings.Cut(string(head), "\n")
	isASCII := !strings.ContainsFunc(header, func(c rune) bool { return c >= utf8.RuneSelf })
	if !isASCII && utf8.ValidString(header) {
		return unicode.UTF8
	}
	if isASCII {
		if _, params, err := mime.ParseMediaType(r.header.Get("Content-Type")); err == nil {
			if declared, err := htmlindex.Get(params["charset"]); err == nil {
				return declared
			}
		}
	}
	return simplifiedchinese.GB18030
}

// csvReader reads lines from a CSV file.
type csvReader struct {
	record
	window  *window
	done    int64 // how much was read when the last row ended
	rows    *csv.Reader
	columns []int // the member of a line in each column, -1 for none
	named   int   // how many columns have a header
	width   int   // how many columns every row has
}

func (c *csvReader) readHeader() error {
	header, err := c.row()
	if err != nil {
		return at("header", err)
	}
	for i, name := range header {
		c.columns = append(c.columns, columnOf(name))
		if name != "" {
			c.named = i + 1
		}
	}
	for _, needed := range [...]int{fieldMonth, fieldCost, fieldListCost} {
		if !slices.Contains(c.columns, needed) {
			return because(Decode, "header: no column for %s: %q", fields[needed].name,
				shorten(strings.Join(header, ","), maxExcerpt))
		}
	}
	return nil
}

func (c *csvReader) readRows(emit func(*Line) error) error {
	for {
		row, err := c.row()
		if errors.Is(err, io.EOF) {
			return nil
		}
		c.next()
		if err == nil {
			err = c.fill(row)
		}
		if err != nil {
			return c.at(err)
		}
		line, err := c.line()
		if err != nil {
			return c.at(err)
		}
		if err := emit(line); err != nil {
			return err
		}
	}
}

// row reads the next row of the file, io.EOF after the last.
func (c *csvReader) row() ([]string, error) {
	row, err := c.rows.Read()
	c.done = c.window.read
	return row, err
}

// fill takes the row's columns into the record. Nothing is quoted in the file, so a comma or a quote in a name moves
// the columns behind it: a row that is not as wide as the first one is wrong, and so is a text that spans rows.
func (c *csvReader) fill(row []string) error {
	if c.width == 0 {
		c.width = len(row)
	}
	if len(row) != c.width || len(row) < c.named || len(row) > len(c.columns) {
		return because(Decode, "%d columns: the first line has %d, the header %d", len(row), c.width, c.named)
	}
	for i, text := range row {
		if c.columns[i] < 0 {
			continue
		}
		if strings.Contains(text, "\n") {
			return because(Decode, "a text over several lines in column %d", i+1)
		}
		if err := c.cell(c.columns[i], text); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (c *csvReader) cell(member int, text string) error {
	if member < len(fields) {
		return c.put(member, append(c.text, text...))
	}
	set := member - len(fields)
	if !c.query.wants(set) {
		return nil
	}
	if err := c.mark(member); err != nil {
		return err
	}
	for entry := range strings.SplitSeq(text, "|") {
		c.entry(set, entry)
	}
	return nil
}

// entry takes an entry of a set, in the form "key: value". After the last one there is an empty one.
func (c *csvReader) entry(set int, entry string) {
	if strings.TrimSpace(entry) == "" {
		return
	}
	key, value := entry, ""
	if i := strings.IndexAny(entry, ":："); i >= 0 {
		_, size := utf8.DecodeRuneInString(entry[i:])
		key, value = entry[:i], entry[i+size:]
	}
	p := pair{set: set}
	p.key = c.grow(append(c.text, strings.TrimSpace(key)...))
	p.value = c.grow(append(c.text, strings.TrimSpace(value)...))
	c.pairs = append(c.pairs, p)
}
