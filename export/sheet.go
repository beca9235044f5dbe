package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// sheetColumns are the columns of an exported file. Those that people need most often come first.
var sheetColumns = []struct {
	name string
	text func(*billclient.Line) string
}{
	{"bill_month", func(l *billclient.Line) string { return l.Month.String() }},
	{"customer_id", func(l *billclient.Line) string { return l.CustomerID }},
	{"product_code", func(l *billclient.Line) string { return l.ProductCode }},
	{"product_name", func(l *billclient.Line) string { return l.ProductName }},
	{"product_subtype", func(l *billclient.Line) string { return l.ProductSubTypeName }},
	{"project_id", func(l *billclient.Line) string { return l.ProjectID }},
	{"project_name", func(l *billclient.Line) string { return l.ProjectName }},
	{"instance_id", func(l *billclient.Line) string { return l.InstanceID }},
	{"instance_name", func(l *billclient.Line) string { return l.InstanceName }},
	{"cost_cny", func(l *billclient.Line) string { return l.Cost.String() }},
	{"list_cost_cny", func(l *billclient.Line) string { return l.ListCost.String() }},
	{"discount", func(l *billclient.Line) string { return l.Discount }},
	{"billing_mode", func(l *billclient.Line) string { return l.BillingMode }},
	{"bill_days", func(l *billclient.Line) string { return l.BillDays }},
	{"bill_hours", func(l *billclient.Line) string { return l.BillHours }},
	{"start_time", func(l *billclient.Line) string { return l.StartTime }},
	{"end_time", func(l *billclient.Line) string { return l.EndTime }},
	{"service_start_time", func(l *billclient.Line) string { return l.ServiceStartTime }},
	{"region_name", func(l *billclient.Line) string { return l.RegionName }},
	{"zone_name", func(l *billclient.Line) string { return l.ZoneName }},
	{"remark", func(l *billclient.Line) string { return l.RuleRemark }},
	{"price_factors", func(l *billclient.Line) string { return joinPairs(l.Providers) }},
	{"configuration", func(l *billclient.Line) string { return joinPairs(l.Configs) }},
	{"extras", func(l *billclient.Line) string { return joinPairs(l.Extras) }},
	{"tags", func(l *billclient.Line) string { return joinPairs(l.Tags) }},
	{"bill_line_no", func(l *billclient.Line) string { return l.DetailBillNo }},
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

// sheet writes lines as CSV: RFC 4180, but with the line ends of Unix. Spreadsheets read those as well, and awk and cut
// find no CR in the last column.
type sheet struct {
	rows *csv.Writer
	row  []string
}

// newSheet returns a sheet and writes its header. The next write to w returns an error of that.
func newSheet(w *bufio.Writer) *sheet {
	_, _ = w.WriteString(byteOrderMark)
	s := &sheet{rows: csv.NewWriter(w)}
	for _, c := range sheetColumns {
		s.row = append(s.row, c.name)
	}
	_ = s.rows.Write(s.row)
	return s
}

func (s *sheet) write(line *billclient.Line) error {
	for i, c := range sheetColumns {
		s.row[i] = escapeFormula(c.text(line))
	}
	if err := s.rows.Write(s.row); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

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
