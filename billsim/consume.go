package billsim

import "iter"

// Consumption is what a month has cost by daily metering: the API's estimate of the bill. What is billed by the month
// is not in it.
type Consumption struct {
	// Bill has the lines. Each is of one day, its StatDate. The products of SummaryOnly are in getMonthConsume only.
	Bill
	EndDate string // the newest metered day, 2026-11-16; perhaps not all of it is metered
}

// ByDay returns the exact totals of each day that has lines, by StatDate.
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

// LinePage is one page of consumption lines: the numbers that it states, and which lines it has.
type LinePage struct {
	PageNo   int
	PageSize int
	Total    int // number of lines on all pages
	Skipped  int // number of lines on the pages before
	Lines    int // number of lines on this page, at most
}

const maxPageSize = 5000

// writeMonthConsume leaves both dates empty if there is no consumption. What the API does then is unknown.
func writeMonthConsume(x *exchange, b *body) error {
	month, begin := x.months[0], ""
	c, ok := x.consumption()
	if ok {
		begin = month + "-01"
	}
	w := x.openRoot()
	w.writeText("BeginDate", begin)
	w.writeText("EndDate", c.EndDate)
	if w.openList("MonthBillSet") {
		if ok {
			writeConsumptionMonth(x, w, month, c)
		}
		w.closeList("MonthBillSet")
	}
	return x.closeRoot(w, b)
}

// writeConsumptionMonth writes no projects: only a month of bills has them.
func writeConsumptionMonth(x *exchange, w writer, month string, c Consumption) {
	s := summarize(c.Bill)
	w.openObject("Item")
	writeProducts(w, "BillProductSet", "Item", s.products)
	writeTotal(x, w, month, c.ID, s.sum)
	w.closeObject("Item")
}

func writeDetailConsume(x *exchange, b *body) error {
	c, _ := x.consumption()
	p := x.page
	p.Total = countLines(x, c)
	if x.fault.EditPage != nil {
		x.fault.EditPage(&p)
	}
	w := x.openRoot()
	w.writeCount("PageNo", p.PageNo)
	w.writeCount("PageSize", p.PageSize)
	w.writeCount("Total", p.Total)
	if err := writeLines(w, b, pageLines(x, c, p)); err != nil {
		return err
	}
	return x.closeRoot(w, b)
}

// pageLines yields the lines of a page, as the fault leaves them.
func pageLines(x *exchange, c Consumption, p LinePage) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		n := -max(0, p.Skipped) // the number of the line on the page; lines of earlier pages have 0 or less
		for l := range x.matchingLines(c.Bill) {
			if n++; n <= 0 {
				continue
			}
			l.daily = true
			x.completeLine(&l, x.months[0], n)
			if n > p.Lines || !yield(l) {
				return
			}
		}
	}
}

// countLines returns the number of lines on all pages.
func countLines(x *exchange, c Consumption) int {
	n := 0
	for range x.matchingLines(c.Bill) {
		n++
	}
	return n
}
