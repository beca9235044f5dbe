package export

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// DisagreementError is how the lines of a month differ from its summaries.
type DisagreementError struct{ differences []difference }

// difference is one sum of lines beside what a summary says of it.
type difference struct {
	subject        string
	lines, summary billclient.Amount
}

// Error returns both sums of each pay mode and, if it is postpaid, of each product that differ.
func (e *DisagreementError) Error() string {
	var parts []string
	for _, d := range e.differences {
		parts = append(parts, fmt.Sprintf("%s come to %v CNY, the summary says %v", d.subject, d.lines, d.summary))
	}
	return strings.Join(parts, "; ")
}

// compare returns how the lines of these pay modes differ from the summaries: in all and, if the lines are postpaid and
// have codes, by product. It returns nil if they do not differ by more than the rounding of lines to the fen.
func (t *totals) compare(modes payModes, s summaries) *DisagreementError {
	var e DisagreementError
	if modes.has(billclient.Postpaid) {
		e.differences = t.compareBills(s.bills)
	}
	if len(s.modes) > 0 {
		for _, mode := range modes.others() {
			d := difference{"the " + mode + " lines", t.ofMode(mode).cost, s.costOf(mode)}
			if !d.isRounding(t.ofMode(mode).lines) {
				e.differences = append(e.differences, d)
			}
		}
	}
	if len(e.differences) == 0 {
		return nil
	}
	return &e
}

// compareBills compares the postpaid lines.
func (t *totals) compareBills(bills []billclient.MonthBill) []difference {
	all := difference{subject: "the postpaid lines", lines: t.ofMode(billclient.Postpaid).cost}
	summary := map[string]billclient.Amount{}
	for _, b := range bills {
		all.summary = all.summary.Add(b.Sum)
		for _, p := range b.Products {
			summary[p.Code] = summary[p.Code].Add(p.Cost)
		}
	}
	var products []difference
	if t.hasCodes {
		products = t.compareProducts(summary)
	}
	if all.isRounding(t.ofMode(billclient.Postpaid).lines) && len(products) == 0 {
		return nil
	}
	return append([]difference{all}, products...)
}

// compareProducts compares the postpaid lines of each product with what the bill has of it.
func (t *totals) compareProducts(summary map[string]billclient.Amount) (differences []difference) {
	products := map[string]*sum{} // by code
	for code := range summary {
		products[code] = &sum{}
	}
	for _, s := range t.products {
		if s.payMode != billclient.Postpaid {
			continue
		}
		if products[s.id] == nil {
			products[s.id] = &sum{}
		}
		products[s.id].cost, products[s.id].lines = products[s.id].cost.Add(s.cost), products[s.id].lines+s.lines
	}
	for _, code := range slices.Sorted(maps.Keys(products)) {
		d := difference{"those of " + cmp.Or(code, "no product"), products[code].cost, summary[code]}
		if !d.isRounding(products[code].lines) {
			differences = append(differences, d)
		}
	}
	return differences
}

// isRounding reports whether the difference can come from the rounding of so many lines.
func (d difference) isRounding(lines int) bool {
	return ledger.IsRounding(d.lines.Sub(d.summary), lines)
}
