package billsim

import (
	"cmp"
	"iter"
	"math"
	"strconv"
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

// readMonth takes the one month, which has to be the running or the previous one, in Beijing as is assumed.
func (x *exchange) readMonth() *refusal {
	month := x.query.Get("BillMonth")
	if month == "" {
		return missingParameter("BillMonth")
	}
	today := dayOf(x.now)
	if month != today.month() && month != today.monthStart(-1).month() {
		return invalidParameter("BillMonth")
	}
	x.months = []string{month}
	return nil
}

// readMonthAndPage takes the defaults from the page: a caller who asks for nothing gets one line.
func (x *exchange) readMonthAndPage() *refusal {
	size, badSize := x.number("PageSize", 1, maxPageSize, 1)
	page, badPage := x.number("PageNo", 0, math.MaxInt32, 0)
	page = max(page, x.variant.firstPage)
	x.page = LinePage{PageNo: page, PageSize: size, Skipped: (page - x.variant.firstPage) * size, Lines: size}
	return cmp.Or(x.readMonth(), badPage, badSize)
}

// number is a parameter that may be absent.
func (x *exchange) number(name string, low, high, fallback int) (int, *refusal) {
	text := x.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, invalidParameter(name)
	}
	return n, nil
}

// consumption is the account's in the month asked for.
func (x *exchange) consumption() (Consumption, bool) {
	if x.account.Consume == nil {
		return Consumption{}, false
	}
	return x.account.Consume(x.months[0])
}

// writeMonthConsume leaves both dates empty where there is no consumption; what the API does then is unknown.
func (x *exchange) writeMonthConsume(b *body) error {
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
			x.writeConsumedMonth(w, month, c)
		}
		w.endList("MonthBillSet")
	}
	return x.end(w, b)
}

// writeConsumedMonth has no projects, unlike a bill's month.
func (x *exchange) writeConsumedMonth(w writer, month string, c Consumption) {
	s := summarize(c.Bill)
	w.open("Item")
	writeProducts(w, "BillProductSet", "Item", s.products)
	x.writeTotal(w, month, c.ID, s.sum)
	w.close("Item")
}

func (x *exchange) writeDetailConsume(b *body) error {
	c, _ := x.consumption()
	p := x.page
	p.Total = x.total(c)
	if x.fault.EditPage != nil {
		x.fault.EditPage(&p)
	}
	w := x.begin()
	w.count("PageNo", p.PageNo)
	w.count("PageSize", p.PageSize)
	w.count("Total", p.Total)
	if err := writeLines(w, b, x.pageLines(c, p)); err != nil {
		return err
	}
	return x.end(w, b)
}

// pageLines yields the lines on a page, as the fault leaves them.
func (x *exchange) pageLines(c Consumption, p LinePage) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		if p.Lines <= 0 {
			return
		}
		n := 0
		for l := range x.consumed(c, max(0, p.Skipped)) {
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
func (x *exchange) total(c Consumption) int {
	n := 0
	for range x.consumed(c, 0) {
		n++
	}
	return n
}

// consumed yields the lines asked for, without the first ones.
func (x *exchange) consumed(c Consumption, skipped int) iter.Seq[Line] {
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
