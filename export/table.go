package export

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/output"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// totals are what the lines of a bill add up to.
type totals struct {
	hasCodes           bool // the lines have product codes and project ids, not only names
	lines              int
	cost, listCost     billclient.Amount
	products, projects sums
	newestEnd          string // EndTime of the newest line
}

func newTotals(hasCodes bool) *totals {
	return &totals{hasCodes: hasCodes, products: sums{}, projects: sums{}}
}

func (t *totals) add(line *billclient.Line) {
	t.lines++
	if line.EndTime > t.newestEnd {
		t.newestEnd = strings.Clone(line.EndTime) // the texts of a line share memory with those of other lines
	}
	t.cost, t.listCost = t.cost.Add(line.Cost), t.listCost.Add(line.ListCost)
	if t.hasCodes {
		t.products.add(line.ProductCode, line.ProductCode, line.ProductName, line)
		t.projects.add(line.ProjectID, line.ProjectID, line.ProjectName, line)
	} else {
		t.products.add(line.ProductName, "", line.ProductName, line)
		t.projects.add(line.ProjectName, "", line.ProjectName, line)
	}
}

// newestDay returns the day on which the newest line ends, and the zero Day if no line has one.
func (t *totals) newestDay() billclient.Day {
	day, _ := billclient.ParseDay(t.newestEnd)
	return day
}

// compare returns how the lines differ from the summary: in all and, if the lines have codes, by product. It returns
// nil if they do not differ by more than the rounding of lines to the fen.
func (t *totals) compare(bills []billclient.MonthBill) *DisagreementError {
	all := DisagreementError{subject: "the lines", lines: t.cost}
	products := map[string]billclient.Amount{}
	for code := range t.products {
		products[code] = billclient.Amount{}
	}
	for _, b := range bills {
		all.summary = all.summary.Add(b.Sum)
		for _, p := range b.Products {
			products[p.Code] = products[p.Code].Add(p.Cost)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(products)) {
		p, lines := DisagreementError{subject: "those of " + cmp.Or(code, "no product"), summary: products[code]}, 0
		if s := t.products[code]; s != nil {
			p.lines, lines = s.cost, s.lines
		}
		if t.hasCodes && !ledger.IsRounding(p.lines.Sub(p.summary), lines) {
			all.products = append(all.products, p)
		}
	}
	if ledger.IsRounding(all.lines.Sub(all.summary), t.lines) && len(all.products) == 0 {
		return nil
	}
	return &all
}

// tables returns the totals by product and by project, and whether they are what the summary says.
func (t *totals) tables(difference *DisagreementError) string {
	conclusion := "The lines come to what the month's summary says."
	if difference != nil {
		conclusion = "Lines and summary disagree: " + output.Printable(difference.Error()) + "."
	}
	return fmt.Sprintf("%s\n\n%s\n\n%s", t.table("Product", t.products), t.table("Project", t.projects), conclusion)
}

// table returns a table of sums, the largest cost first, and of their total.
func (t *totals) table(head string, sums sums) string {
	w := newTableWriter()
	w.AppendHeader(table.Row{head, "Name", "Lines", "List cost", "Cost"})
	costDigits, listCostDigits := countDecimals(t.cost), countDecimals(t.listCost)
	for _, s := range sums {
		costDigits = max(costDigits, countDecimals(s.cost))
		listCostDigits = max(listCostDigits, countDecimals(s.listCost))
	}
	for _, s := range slices.SortedFunc(maps.Values(sums), compareCosts) {
		w.AppendRow(table.Row{
			output.OrDash(output.Printable(s.id)), output.OrDash(output.Printable(s.name)), s.lines,
			padDecimals(s.listCost, listCostDigits), padDecimals(s.cost, costDigits),
		})
	}
	w.AppendFooter(table.Row{
		"Total", "", t.lines, padDecimals(t.listCost, listCostDigits), padDecimals(t.cost, costDigits),
	})
	return w.Render()
}

// newTableWriter returns an empty table whose first two columns have texts, and the other three numbers.
func newTableWriter() table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleDefault)
	w.Style().Options = table.Options{SeparateHeader: true, SeparateFooter: true}
	w.Style().Format = table.FormatOptions{Header: text.FormatDefault, Footer: text.FormatDefault}
	w.SuppressTrailingSpaces()
	var columns []table.ColumnConfig
	for n := 1; n <= 5; n++ {
		align := text.AlignRight
		if n <= 2 {
			align = text.AlignLeft
		}
		columns = append(columns, table.ColumnConfig{Number: n, Align: align, AlignHeader: align, AlignFooter: align})
	}
	w.SetColumnConfigs(columns)
	return w
}

// countDecimals returns how many digits an amount has behind its point, at least the two of a fen.
func countDecimals(a billclient.Amount) int {
	_, fraction, _ := strings.Cut(a.String(), ".")
	return max(2, len(fraction))
}

// padDecimals returns an amount with so many digits behind its point, so that the points of a column are aligned.
func padDecimals(a billclient.Amount, digits int) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	return whole + "." + fraction + strings.Repeat("0", digits-len(fraction))
}

// sums are totals by code or id, or by name where the lines have neither. The name of a code differs from action to
// action.
type sums map[string]*sum

type sum struct {
	id, name       string
	lines          int
	cost, listCost billclient.Amount
}

func (s sums) add(key, id, name string, line *billclient.Line) {
	total := s[key]
	if total == nil {
		total = &sum{id: strings.Clone(id), name: strings.Clone(name)}
		s[strings.Clone(key)] = total
	}
	total.lines++
	total.cost, total.listCost = total.cost.Add(line.Cost), total.listCost.Add(line.ListCost)
}

// compareCosts sorts the largest cost first.
func compareCosts(a, b *sum) int {
	return cmp.Or(b.cost.Cmp(a.cost), cmp.Compare(a.id, b.id), cmp.Compare(a.name, b.name))
}

// DisagreementError is how the lines of a month differ from its summary.
type DisagreementError struct {
	subject        string
	lines, summary billclient.Amount
	products       []DisagreementError
}

// Error returns both sums, and those of each product that differ.
func (e *DisagreementError) Error() string {
	parts := []string{fmt.Sprintf("%s come to %v CNY, the summary says %v", e.subject, e.lines, e.summary)}
	for _, p := range e.products {
		parts = append(parts, p.Error())
	}
	return strings.Join(parts, "; ")
}
