package billsim

import (
	"cmp"
	"iter"
	"math"
	"time"
)

// readPage reads the numbers of a page, which are counted from 1.
func (x *exchange) readPage(pageName, sizeName string, usual, largest int) *refusal {
	page, pageErr := x.numberParameter(pageName, 1, math.MaxInt32, 1)
	size, sizeErr := x.numberParameter(sizeName, 1, largest, usual)
	x.page = LinePage{PageNo: page, PageSize: size, Skipped: (page - 1) * size, Lines: size}
	return cmp.Or(pageErr, sizeErr)
}

// pageOf returns the page of the query, as the fault leaves it. rows yields the rows of all pages, line returns the
// line of a row that the fault may change.
func pageOf[R any](x *exchange, rows iter.Seq[R], line func(*R) *Line) (LinePage, iter.Seq[R]) {
	p := x.page
	for range rows {
		p.Total++
	}
	if x.fault.EditPage != nil {
		x.fault.EditPage(&p)
	}
	return p, func(yield func(R) bool) {
		n := -max(0, p.Skipped) // as in pageLines
		for row := range rows {
			if n++; n <= 0 {
				continue
			}
			if n > p.Lines {
				return
			}
			x.completeLine(line(&row), line(&row).BillMonth, n)
			if !yield(row) {
				return
			}
		}
	}
}

// writeRows writes and sends rows one by one, so that a fault can end the answer after any of them.
func writeRows[R any](w writer, b *body, list string, rows iter.Seq[R], write func(writer, *R)) error {
	if !w.openList(list) {
		return nil
	}
	for row := range rows {
		w.openObject("Item")
		write(w, &row)
		w.closeObject("Item")
		if _, err := b.Write(w.take()); err != nil {
			return err
		}
		if err := b.endLine(); err != nil {
			return err
		}
	}
	w.closeList(list)
	return nil
}

// readDaysAndPage reads the days, both of which belong to the query and to one month, and the page.
func (x *exchange) readDaysAndPage() *refusal {
	for i, name := range []string{"StartDay", "EndDay"} {
		var err *refusal
		if x.days[i], err = x.dayParameter(name); err != nil {
			return err
		}
	}
	if x.days[1] < x.days[0] || x.days[1].month() != x.days[0].month() {
		return invalidParameter("EndDay")
	}
	x.months = []string{x.days[0].month()}
	return x.readPage("Page", "Size", 20, 200)
}

// dayParameter returns a parameter that is required.
func (x *exchange) dayParameter(name string) (day, *refusal) {
	text := x.query.Get(name)
	if text == "" {
		return 0, missingParameter(name)
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil || text < firstMonth {
		return 0, invalidParameter(name)
	}
	return dayOfDate(date), nil
}
