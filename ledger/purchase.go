package ledger

import (
	"time"

	"ksyun_bill_exporter/billclient"
)

// Purchase is a prepaid line: what was paid at once for a term, or is given back of one. Group and project are as in
// the lines that it is from.
type Purchase struct {
	Group, Project, Instance string

	Name        string         // of the instance; may be empty
	Day         billclient.Day // on which it was paid; 0: it is not known
	First, Last billclient.Day // of the term
	Cost        billclient.Amount
	Daily       billclient.Amount // of each day of the term but the last, which has the rest
}

// newPurchase returns the purchase of a line. What has no term is spent when it is paid. What is given back counts for
// the rest of its term, which begins when it is given back. The texts are not to be those of the line.
func newPurchase(line *billclient.UnionLine, k ModeKey, name string) Purchase {
	p := Purchase{Group: k.Group, Project: k.Project, Instance: k.Instance, Name: name, Day: line.Day, Cost: line.Cost}
	from, to := line.Day, line.Day // when it was paid, as far as it is known
	if line.Day == 0 {
		from, to = billclient.DayOf(line.Month.Start()), billclient.DayOf(line.Month.End()).Add(-1)
	}
	first, last, ok := line.Term()
	if !ok {
		first, last = from, to
	}
	if line.Cost.Sign() < 0 {
		first = max(first, from)
	}
	p.First, p.Last = first, max(first, last)
	p.Daily = p.Cost.Share(p.days())
	return p
}

func (p *Purchase) days() int { return p.Last.Sub(p.First) + 1 }

// Until returns what the term costs up to and including a day. Over the whole term that is the cost, to the last digit.
func (p *Purchase) Until(day billclient.Day) billclient.Amount {
	switch {
	case day < p.First:
		return billclient.Amount{}
	case day >= p.Last:
		return p.Cost
	default:
		return p.Daily.Times(day.Sub(p.First) + 1)
	}
}

// LastShare returns what the last day of the term costs.
func (p *Purchase) LastShare() billclient.Amount { return p.Cost.Sub(p.Daily.Times(p.days() - 1)) }

// boughtBefore returns the purchases that were paid before a day.
func boughtBefore(all []Purchase, day billclient.Day) (before []Purchase) {
	for _, p := range all {
		if p.Day < day {
			before = append(before, p)
		}
	}
	return before
}

// PrepaidMonth is what was bought in a closed month, as far as its terms still count. Immutable.
type PrepaidMonth struct {
	ReadAt time.Time
	Named  bool // as in ModeLines
	Count  int  // lines that were read
	Bought []Purchase
}

// without returns the month without the terms that ended before a day.
func (m *PrepaidMonth) without(ended billclient.Day) *PrepaidMonth {
	kept := PrepaidMonth{ReadAt: m.ReadAt, Named: m.Named, Count: m.Count}
	for _, p := range m.Bought {
		if p.Last >= ended {
			kept.Bought = append(kept.Bought, p)
		}
	}
	if len(kept.Bought) == len(m.Bought) {
		return m
	}
	return &kept
}
