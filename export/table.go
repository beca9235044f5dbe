package export

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/output"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// totals are what the lines of a bill add up to.
type totals struct {
	hasCodes                  bool // the postpaid lines have product codes and project ids, not only names
	lines                     int
	cost, listCost            billclient.Amount
	products, projects, modes sums
	newest                    string // until of the newest line
}

func newTotals(hasCodes bool) *totals {
	return &totals{hasCodes: hasCodes, products: sums{}, projects: sums{}, modes: sums{}}
}

func (t *totals) add(r *row) {
	t.lines++
	if r.until > t.newest {
		t.newest = strings.Clone(r.until) // the texts of a line share memory with those of other lines
	}
	t.cost, t.listCost = t.cost.Add(r.Cost), t.listCost.Add(r.ListCost)
	t.products.add(r.ProductCode, r.ProductName, r)
	t.projects.add(r.ProjectID, r.ProjectName, r)
	t.modes.add("", "", r)
}

// newestDay returns the day on which the newest line ends, and the zero Day if no line has one.
func (t *totals) newestDay() billclient.Day {
	day, _ := billclient.ParseDay(t.newest)
	return day
}

// tables returns the totals by product, by project and, if there can be more than one, by pay mode.
func (t *totals) tables(modes payModes, conclusion string) string {
	text := t.table("Product", t.products) + "\n\n" + t.table("Project", t.projects) + "\n\n"
	if len(modes) > 1 {
		text += t.modeTable(modes) + "\n\n"
	}
	return text + conclusion
}

// table returns a table of sums, the largest cost first, and of their total.
func (t *totals) table(head string, sums sums) string {
	w := newTableWriter(3)
	w.AppendHeader(table.Row{head, "Name", "Pay mode", "Lines", "List cost", "Cost"})
	f := t.numbers(sums)
	for _, s := range slices.SortedFunc(maps.Values(sums), compareCosts) {
		id, name := output.OrDash(output.Printable(s.id)), output.OrDash(output.Printable(s.name))
		w.AppendRow(append(table.Row{id, name, s.payMode}, f.row(s)...))
	}
	w.AppendFooter(append(table.Row{"Total", "", ""}, f.row(t.total())...))
	return w.Render()
}

// modeTable returns a table of what the pay modes come to, also of those without lines, and of their total.
func (t *totals) modeTable(modes payModes) string {
	w := newTableWriter(1)
	w.AppendHeader(table.Row{"Pay mode", "Lines", "List cost", "Cost"})
	f := t.numbers(t.modes)
	for _, mode := range modes {
		w.AppendRow(append(table.Row{mode}, f.row(t.ofMode(mode))...))
	}
	w.AppendFooter(append(table.Row{"Total"}, f.row(t.total())...))
	return w.Render()
}

// ofMode returns what the lines of a pay mode come to.
func (t *totals) ofMode(mode string) *sum {
	if s := t.modes[sumKey{payMode: mode}]; s != nil {
		return s
	}
	return &sum{}
}

func (t *totals) total() *sum { return &sum{lines: t.lines, cost: t.cost, listCost: t.listCost} }

// numberForm is how the amounts of a table are written: with so many digits behind their points, to align these.
type numberForm struct{ costDigits, listCostDigits int }

func (t *totals) numbers(sums sums) numberForm {
	f := numberForm{countDecimals(t.cost), countDecimals(t.listCost)}
	for _, s := range sums {
		f.costDigits = max(f.costDigits, countDecimals(s.cost))
		f.listCostDigits = max(f.listCostDigits, countDecimals(s.listCost))
	}
	return f
}

// row returns the last three cells of a row.
func (f numberForm) row(s *sum) table.Row {
	return table.Row{s.lines, padDecimals(s.listCost, f.listCostDigits), padDecimals(s.cost, f.costDigits)}
}

// newTableWriter returns an empty table whose first columns have texts, and the three others numbers.
func newTableWriter(texts int) table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleDefault)
	w.Style().Options = table.Options{SeparateHeader: true, SeparateFooter: true}
	w.Style().Format = table.FormatOptions{Header: text.FormatDefault, Footer: text.FormatDefault}
	w.SuppressTrailingSpaces()
	var columns []table.ColumnConfig
	for n := 1; n <= texts+3; n++ {
		align := text.AlignRight
		if n <= texts {
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

// sums are totals by code or id and by pay mode.
type sums map[sumKey]*sum

type sumKey struct {
	id      string
	unnamed string // the name of what has no id; the name of an id differs from action to action
	payMode string
}

type sum struct {
	id, name, payMode string
	lines             int
	cost, listCost    billclient.Amount
}

func (s sums) add(id, name string, r *row) {
	key := sumKey{id: id, payMode: r.payMode}
	if id == "" {
		key.unnamed = name
	}
	total := s[key]
	if total == nil {
		key.id, key.unnamed = strings.Clone(key.id), strings.Clone(key.unnamed)
		total = &sum{id: key.id, name: strings.Clone(name), payMode: r.payMode}
		s[key] = total
	}
	total.lines++
	total.cost, total.listCost = total.cost.Add(r.Cost), total.listCost.Add(r.ListCost)
}

// compareCosts sorts the largest cost first.
func compareCosts(a, b *sum) int {
	return cmp.Or(b.cost.Cmp(a.cost), cmp.Compare(a.id, b.id), cmp.Compare(a.name, b.name),
		cmp.Compare(a.payMode, b.payMode))
}
