package billsim

import (
	"cmp"
	"iter"
	"slices"
)

// unionLine is one line of any pay mode. All answers of bill-union are made of such lines.
type unionLine struct {
	Line
	mode payMode
	kind Kind
}

// purchases returns the lines of a month that are not postpaid.
func (a *Account) purchases(month string) []unionLine {
	return append(a.purchasesIn(prepaid, month), a.purchasesIn(realtime, month)...)
}

// purchasesIn returns those of one pay mode.
func (a *Account) purchasesIn(mode payMode, month string) []unionLine {
	of := map[payMode]func(string) []Purchase{prepaid: a.Prepaid, realtime: a.Realtime}[mode]
	if of == nil {
		return nil
	}
	var all []unionLine
	for _, p := range of(month) {
		all = append(all, unionLine{p.line(a.CustomerID, month), mode, p.Kind})
	}
	return all
}

// linesOfMonth yields the lines of the month of the query, the postpaid ones from its bill.
func (x *exchange) linesOfMonth() iter.Seq[unionLine] {
	return func(yield func(unionLine) bool) {
		for _, l := range x.account.purchases(x.months[0]) {
			if !yield(l) {
				return
			}
		}
		for _, bill := range x.bills() {
			for l := range x.withSummaryOnly(bill) {
				if !yield(unionLine{Line: l, mode: postpaid}) {
					return
				}
			}
		}
	}
}

// withSummaryOnly yields the lines of a bill and one for each product that has none.
func (x *exchange) withSummaryOnly(b Bill) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for l := range b.All() {
			l.BillMonth, l.CustomerID = cmp.Or(l.BillMonth, x.months[0]), cmp.Or(l.CustomerID, x.account.CustomerID)
			if !yield(l) {
				return
			}
		}
		for _, p := range b.SummaryOnly {
			if !yield(x.summaryLine(p)) {
				return
			}
		}
	}
}

// summaryLine returns a line for a product that has none.
func (x *exchange) summaryLine(p Product) Line {
	month := x.months[0]
	first, last, _ := daysOf(month)
	return Line{
		BillMonth:     month,
		CustomerID:    x.account.CustomerID,
		StartTime:     first.timestamp("00:00:00"),
		EndTime:       last.timestamp("23:59:59"),
		ProductCode:   p.Code,
		ProductName:   p.Name,
		Cost:          p.Cost,
		MeasureAmount: p.Cost,
		ProjectID:     defaultProject.Key,
		ProjectName:   defaultProject.Value,
	}
}

// linesOfDays returns the lines of the days of the query, in the order of days. The postpaid ones are those of
// consumption and, once the month has ended, what its bill has beyond them, on its last day. So the days of a closed
// month add up to its bill, and days that were read once do not change when another day follows.
func (x *exchange) linesOfDays() []unionLine {
	byDay := map[string][]unionLine{} // sorting the lines themselves would move large values about
	first, last := x.days[0].String(), x.days[1].String()
	add := func(l *Line, mode payMode, kind Kind) {
		if first <= l.StatDate && l.StatDate <= last {
			byDay[l.StatDate] = append(byDay[l.StatDate], unionLine{*l, mode, kind})
		}
	}
	addAll := func(all []unionLine) {
		for i := range all {
			add(&all[i].Line, all[i].mode, all[i].kind)
		}
	}
	addAll(x.account.purchases(x.months[0]))
	c, metered := x.consumption()
	for l := range x.withSummaryOnly(Bill{Lines: c.Lines}) {
		add(&l, postpaid, 0)
	}
	addAll(x.unmetered(c, metered))
	var all []unionLine
	for d := x.days[0]; d <= x.days[1]; d++ {
		all = append(all, byDay[d.String()]...)
	}
	return all
}

// unmetered returns what the bill of the month has beyond consumption, if the query asks for the day that has it. In
// the running month, that is nothing unless the account has no consumption at all.
func (x *exchange) unmetered(c Consumption, metered bool) []unionLine {
	_, last, _ := daysOf(x.months[0])
	today := dayOf(x.now)
	if last >= today && metered || x.days[1] < min(last, today) {
		return nil
	}
	var rest []unionLine
	for _, bill := range x.bills() {
		rest = x.subtract(bill, c)
	}
	for i := range rest {
		rest[i].StatDate = min(last, today).String()
	}
	return rest
}

// subtract returns, for each instance, by how much its bill differs from its consumption.
func (x *exchange) subtract(bill Bill, c Consumption) []unionLine {
	d := difference{index: map[InstanceKey]int{}}
	for l := range x.withSummaryOnly(bill) {
		d.add(&l, 1)
	}
	for l := range x.withSummaryOnly(Bill{Lines: c.Lines}) {
		d.add(&l, -1)
	}
	return slices.DeleteFunc(d.all, func(l unionLine) bool {
		return l.Cost == 0 && l.MeasureAmount == 0 && l.kind == Refunded
	})
}

// difference adds up lines by instance, in the order of their first lines.
type difference struct {
	index map[InstanceKey]int
	all   []unionLine
}

// add adds a line of a bill or, if the sign is -1, subtracts one of consumption. What an instance has in both is an
// adjustment.
func (d *difference) add(l *Line, sign Amount) {
	key := InstanceKey{l.ProductCode, l.ProjectID, l.InstanceID}
	i, ok := d.index[key]
	if !ok {
		i = len(d.all)
		d.index[key] = i
		d.all = append(d.all, unionLine{Line: *l, mode: postpaid})
		d.all[i].Cost, d.all[i].MeasureAmount = 0, 0
		d.all[i].CostText, d.all[i].MeasureText = "", ""
	}
	d.all[i].Cost += sign * l.Cost
	d.all[i].MeasureAmount += sign * l.MeasureAmount
	if sign < 0 {
		d.all[i].kind = Refunded
	}
}
