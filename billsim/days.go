package billsim

import (
	"iter"
	"time"
)

// horizon is how far metering has come: some instances are later than others.
type horizon struct {
	newest day // with any lines
	whole  day // with all
}

// horizonAt is yesterday, of which half of the instances are missing until 10:00 in Beijing.
func horizonAt(now time.Time) horizon {
	yesterday := dayOf(now) - 1
	if now.UTC().Add(beijingOffset).Hour() < 10 {
		return horizon{newest: yesterday, whole: yesterday - 1}
	}
	return horizon{newest: yesterday, whole: yesterday}
}

// consumption is the company's account of days.
func (c *company) consumption(metered func() horizon) func(month string) (Consumption, bool) {
	return func(month string) (Consumption, bool) {
		first, last, ok := daysOf(month)
		h := metered()
		last = min(last, h.newest)
		if !ok || first < c.opened || last < first {
			return Consumption{}, false
		}
		days := func(i *instance, first, last day) iter.Seq[Line] {
			if i.late() {
				last = min(last, h.whole)
			}
			return i.days(first, last)
		}
		return Consumption{EndDate: last.String(), Bill: Bill{Lines: c.lines(first, last, days)}}, true
	}
}

// late is whether the instance is among those that are metered last.
func (i *instance) late() bool { return i.bits>>63 == 1 }

// days are the lines of consumption of the days first to last. Together they are lines, but for what is billed by the
// month.
func (i *instance) days(first, last day) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for span := range i.spans(first, last) {
			for l := range i.daily(span) {
				if !yield(l) {
					return
				}
			}
		}
		if d := i.refundDay(first); first <= d && d <= last {
			l := i.refund(d)
			l.StatDate = d.String()
			yield(l)
		}
	}
}

// daily are the days of one line of a bill. A day costs what it adds to that line, so that the rounding of each
// leaves no difference between the bill and its days.
func (i *instance) daily(s span) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		if s.charge.monthly() {
			return
		}
		var list, cost Amount // of the days so far
		for d := s.first; d <= s.last; d++ {
			l := i.line(s.charge, d, d)
			list += l.MeasureAmount
			l.Cost = list.discounted(i.product.percent) - cost
			cost += l.Cost
			l.StatDate, l.DetailBillNo = d.String(), i.lineNo("day"+s.charge.subType, d)
			if !yield(l) {
				return
			}
		}
	}
}
