package billsim

import (
	"iter"
)

// Consumption is what a month has cost by daily metering: the API's estimate of the bill, without what is billed by
// the month.
type Consumption struct {
	// Bill has the lines, each of one day, its StatDate. Products of SummaryOnly are those of getMonthConsume.
	Bill
	EndDate string // the newest day metered, perhaps not to its end: 2026-11-16
}

// ByDay are the exact totals of the days that have lines, by StatDate.
func (c Consumption) ByDay() map[string]Sums {
	days := map[string]Sums{}
	for l := range c.All() {
		s, ok := days[l.StatDate]
		if !ok {
			s = newSums()
		}
		s.add(&l)
		days[l.StatDate] = s
	}
	return days
}

// LinePage is one page of consumption lines: what it says of itself and what it holds.
type LinePage struct {
	PageNo   int
	PageSize int
	Total    int // lines of all pages
	Skipped  int // so many lines stand on pages before
	Lines    int // at most so many are on this one
}

const maxPageSize = 5000

// writeMonthConsume leaves both dates empty where there is no consumption; what the API does then is unknown.
func writeMonthConsume(x *exchange, b *body) error {
	month, begin := x.months[0], ""
	c, ok := x.consumption()
	if ok {
		begin = month + "-01"
	}
	w := x.begin()
	w.text("BeginDate", begin)
	w.text("EndDate", c.EndDate)
	if w.list("MonthBillSet") {
		if ok {
			writeConsumedMonth(x, w, month, c)
		}
		w.endList("MonthBillSet")
	}
	return x.end(w, b)
}

// writeConsumedMonth has no projects, unlike a bill's month.
func writeConsumedMonth(x *exchange, w writer, month string, c Consumption) {
	s := summarize(c.Bill)
	w.open("Item")
	writeProducts(w, "BillProductSet", "Item", s.products)
	writeTotal(x, w, month, c.ID, s.sum)
	w.close("Item")
}

func writeDetailConsume(x *exchange, b *body) error {
	c, _ := x.consumption()
	p := x.page
	p.Total = total(x, c)
	if x.fault.EditPage != nil {
		x.fault.EditPage(&p)
	}
	w := x.begin()
	w.count("PageNo", p.PageNo)
	w.count("PageSize", p.PageSize)
	w.count("Total", p.Total)
	if err := writeLines(w, b, pageLines(x, c, p)); err != nil {
		return err
	}
	return x.end(w, b)
}

// pageLines yields the lines on a page, as the fault leaves them.
func pageLines(x *exchange, c Consumption, p LinePage) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		if p.Lines <= 0 {
			return
		}
		n := 0
		for l := range consumed(x, c, max(0, p.Skipped)) {
			n++
			l.daily = true
			x.finish(&l, x.months[0], n)
			if !yield(l) || n == p.Lines {
				return
			}
		}
	}
}

// total counts the lines asked for.
func total(x *exchange, c Consumption) int {
	n := 0
	for range consumed(x, c, 0) {
		n++
	}
	return n
}

// consumed yields the lines asked for, without the first ones.
func consumed(x *exchange, c Consumption, skipped int) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		n := 0
		for l := range c.All() {
			if !x.wants(&l) {
				continue
			}
			if n++; n > skipped && !yield(l) {
				return
			}
		}
	}
}
