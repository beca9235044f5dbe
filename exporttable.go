package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/output"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// totals are what the lines of a bill come to.
type totals struct {
	codes              bool // lines have product codes and project ids, not names only
	lines              int
	cost, listCost     billclient.Amount
	products, projects sums
	end                string // of the newest line, as the API writes it
}

// sums are totals by code or id, by name where lines have neither. Names differ from action to action, codes do not.
type sums map[string]*sum

type sum struct {
	id, name       string
	lines          int
	cost, listCost billclient.Amount
}

func (t *totals) add(line *billclient.Line) {
	t.lines++
	if line.EndTime > t.end {
		t.end = strings.Clone(line.EndTime) // a line's texts share memory with other lines'
	}
	t.cost, t.listCost = t.cost.Add(line.Cost), t.listCost.Add(line.ListCost)
	if t.codes {
		t.products.add(line.ProductCode, line.ProductCode, line.ProductName, line)
		t.projects.add(line.ProjectID, line.ProjectID, line.ProjectName, line)
	} else {
		t.products.add(line.ProductName, "", line.ProductName, line)
		t.projects.add(line.ProjectName, "", line.ProjectName, line)
	}
}

func (s sums) add(key, id, name string, line *billclient.Line) {
	of := s[key]
	if of == nil {
		of = &sum{id: strings.Clone(id), name: strings.Clone(name)}
		s[strings.Clone(key)] = of
	}
	of.lines++
	of.cost, of.listCost = of.cost.Add(line.Cost), of.listCost.Add(line.ListCost)
}

// newest returns the day on which the newest line ends, the zero Day if none tells.
func (t *totals) newest() billclient.Day {
	day, _ := billclient.ParseDay(t.end)
	return day
}

// disagreement is that of a month's lines with its summary.
type disagreement struct {
	of             string
	lines, summary billclient.Amount
	products       []disagreement
}

func (d *disagreement) Error() string {
	said := []string{fmt.Sprintf("%s come to %v CNY, the summary says %v", d.of, d.lines, d.summary)}
	for _, p := range d.products {
		said = append(said, p.Error())
	}
	return strings.Join(said, "; ")
}

// compare returns how the lines differ from the summary, nil if they do not: in all, and where the lines have the codes
// for it by product.
func (t *totals) compare(bills []billclient.MonthBill) *disagreement {
	all := disagreement{of: "the lines", lines: t.cost}
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
		p := disagreement{of: "those of " + cmp.Or(code, "no product"), summary: products[code]}
		if of := t.products[code]; of != nil {
			p.lines = of.cost
		}
		if t.codes && p.lines.Cmp(p.summary) != 0 {
			all.products = append(all.products, p)
		}
	}
	if all.lines.Cmp(all.summary) == 0 && len(all.products) == 0 {
		return nil
	}
	return &all
}

// tables shows the totals by product and by project, and whether they are what the summary says.
func (t *totals) tables(wrong *disagreement) string {
	said := "The lines come to what the month's summary says."
	if wrong != nil {
		said = "Lines and summary disagree: " + output.Printable(wrong.Error()) + "."
	}
	return fmt.Sprintf("%s\n\n%s\n\n%s", t.table("Product", t.products), t.table("Project", t.projects), said)
}

// table has the dearest first.
func (t *totals) table(head string, sums sums) string {
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
	w.AppendHeader(table.Row{head, "Name", "Lines", "List cost", "Cost"})
	cost, listCost := pointsOf(t.cost), pointsOf(t.listCost)
	for _, s := range sums {
		cost, listCost = max(cost, pointsOf(s.cost)), max(listCost, pointsOf(s.listCost))
	}
	for _, s := range slices.SortedFunc(maps.Values(sums), dearest) {
		w.AppendRow(table.Row{
			output.OrDash(output.Printable(s.id)), output.OrDash(output.Printable(s.name)), s.lines,
			padded(s.listCost, listCost), padded(s.cost, cost),
		})
	}
	w.AppendFooter(table.Row{"Total", "", t.lines, padded(t.listCost, listCost), padded(t.cost, cost)})
	return w.Render()
}

func dearest(a, b *sum) int {
	return cmp.Or(b.cost.Cmp(a.cost), cmp.Compare(a.id, b.id), cmp.Compare(a.name, b.name))
}

// pointsOf returns how many digits an amount has behind its point, at least the two of a fen.
func pointsOf(a billclient.Amount) int {
	_, fraction, _ := strings.Cut(a.String(), ".")
	return max(2, len(fraction))
}

// padded writes an amount with so many digits behind its point that the points of a column stand in a line.
func padded(a billclient.Amount, points int) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	return whole + "." + fraction + strings.Repeat("0", points-len(fraction))
}
