package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// column is a column of an exported file.
type column struct {
	name string
	text func(*row) string
	kind kind
}

// kind is the type of a column in a file that has types. In the others all is text.
type kind int

const (
	texts    kind = iota
	amounts       // decimal numbers
	instants      // RFC 3339, in UTC
	tagMap        // the tags once more, as keys and values; not in files without types
)

// fixedColumns are the columns of every exported file. Those that people need most often come first, but a new one
// stands at the end, for the sake of programs that count columns.
var fixedColumns = []column{
	{"bill_month", func(r *row) string { return r.Month.String() }, texts},
	{"customer_id", func(r *row) string { return r.CustomerID }, texts},
	{"product_code", func(r *row) string { return r.ProductCode }, texts},
	{"product_name", func(r *row) string { return r.ProductName }, texts},
	{"product_subtype", func(r *row) string { return r.ProductSubTypeName }, texts},
	{"project_id", func(r *row) string { return r.ProjectID }, texts},
	{"project_name", func(r *row) string { return r.ProjectName }, texts},
	{"instance_id", func(r *row) string { return r.InstanceID }, texts},
	{"instance_name", func(r *row) string { return r.InstanceName }, texts},
	{"cost_cny", func(r *row) string { return r.Cost.String() }, amounts},
	{"list_cost_cny", func(r *row) string { return r.ListCost.String() }, amounts},
	{"discount", func(r *row) string { return r.Discount }, texts},
	{"billing_mode", func(r *row) string { return r.BillingMode }, texts},
	{"bill_days", func(r *row) string { return r.BillDays }, texts},
	{"bill_hours", func(r *row) string { return r.BillHours }, texts},
	{"start_time", func(r *row) string { return r.StartTime }, texts},
	{"end_time", func(r *row) string { return r.EndTime }, texts},
	{"service_start_time", func(r *row) string { return r.ServiceStartTime }, texts},
	{"region_name", func(r *row) string { return r.RegionName }, texts},
	{"zone_name", func(r *row) string { return r.ZoneName }, texts},
	{"remark", func(r *row) string { return r.RuleRemark }, texts},
	{"price_factors", func(r *row) string { return joinPairs(r.Providers) }, texts},
	{"configuration", func(r *row) string { return joinPairs(r.Configs) }, texts},
	{"extras", func(r *row) string { return joinPairs(r.Extras) }, texts},
	{"tags", func(r *row) string { return joinPairs(r.Tags) }, texts},
	{"bill_line_no", func(r *row) string { return r.DetailBillNo }, texts},
	{"pay_mode", func(r *row) string { return r.payMode }, texts},
	{"account", func(r *row) string { return r.account }, texts},
	{"owner", func(r *row) string { return r.owner }, texts},
	{"cost_center", func(r *row) string { return r.costCenter }, texts},
}

// columnsWith returns the columns of a file, which are those of every file and one for each of some tags. Its name has
// something before the label of the tag, which can be the name of another column.
func columnsWith(tags []ledger.Tag) []column {
	all := slices.Clone(fixedColumns)
	for _, tag := range tags {
		all = append(all, column{"tag_" + tag.Label, func(r *row) string { return valueOf(r.Tags, tag.Key) }, texts})
	}
	return all
}

// typed returns the columns of a file that has types.
func typed(columns []column, tags string) []column {
	return append(columns, column{name: tags, kind: tagMap})
}

// valueOf returns the value of a key, and nothing for a key that is not there.
func valueOf(pairs []billclient.KeyValue, key string) string {
	for _, p := range pairs {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

// joinPairs returns a set as the vendor's CSV file has it, without the separator behind the last entry.
func joinPairs(pairs []billclient.KeyValue) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(p.Key)
		b.WriteString(": ")
		b.WriteString(p.Value)
	}
	return b.String()
}

// byteOrderMark marks a file as UTF-8 for spreadsheets. Without it, Excel uses the encoding of the machine.
const byteOrderMark = "\uFEFF"

// sheet writes rows as CSV: RFC 4180, but with the line ends of Unix. Spreadsheets read those as well, and awk and cut
// find no CR in the last column.
type sheet struct {
	columns []column
	target  *bufio.Writer
	rows    *csv.Writer
	row     []string
	isExact bool // for programs: no mark of its encoding, and texts as they are
}

// newSheet returns a sheet that writes to w, which can be reset between two bills.
func newSheet(w *bufio.Writer, columns []column, isExact bool) *sheet {
	return &sheet{
		columns: columns, target: w, rows: csv.NewWriter(w), row: make([]string, len(columns)), isExact: isExact,
	}
}

// begin writes the header where nothing is written yet. The next write returns an error of that.
func (s *sheet) begin(isFirst bool) error {
	if !isFirst {
		return nil
	}
	if !s.isExact {
		_, _ = s.target.WriteString(byteOrderMark)
	}
	for i, c := range s.columns {
		s.row[i] = c.name
	}
	_ = s.rows.Write(s.row)
	return nil
}

func (s *sheet) write(r *row) error {
	for i, c := range s.columns {
		s.row[i] = c.text(r)
		if !s.isExact {
			s.row[i] = escapeFormula(s.row[i])
		}
	}
	if err := s.rows.Write(s.row); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

func (s *sheet) end() error { return nil }

func (s *sheet) close() error { return nil }

// formulaStarts are the characters with which a formula of a spreadsheet begins, also those of full width.
// Source: https://owasp.org/www-community/attacks/CSV_Injection.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// escapeFormula puts an apostrophe before a text that a spreadsheet would run as a formula, because anybody may choose
// names and tags. Numbers stay as they are, negative ones too.
func escapeFormula(text string) string {
	if text == "" || strings.IndexAny(text, formulaStarts) != 0 {
		return text
	}
	if _, err := billclient.ParseAmount(text); err == nil {
		return text
	}
	return "'" + text
}
