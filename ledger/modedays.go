package ledger

import (
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// ModeDays is what the days of a month cost in all pay modes, as bill-union has them, split one way: by product group,
// which is an id here, or by project. Amounts are in CNY. Immutable.
type ModeDays struct {
	ReadAt time.Time
	Days   map[billclient.Day][]Row // by pay mode and label value; days without cost are not among them
	Names  map[string]string        // by label value
}

// SummarizeDays adds up an answer: that a day and a key stand only once in it is not promised. What the total of a row
// has more or less than its pay modes is of the pay mode None, and left out where none of them is postpaid: it can be,
// and would count twice.
func SummarizeDays(answer []billclient.DayConsume, readAt time.Time) *ModeDays {
	d := &ModeDays{ReadAt: readAt, Days: map[billclient.Day][]Row{}, Names: map[string]string{}}
	days := map[billclient.Day]Sums{}
	for _, row := range answer {
		sums, label := days[row.Day], keepLabel(row.Key)
		if sums == nil {
			sums = Sums{}
			days[row.Day] = sums
		}
		d.Names[label] = keepText(row.Name)
		for _, mode := range row.Modes {
			sums.Add(Key{mode.PayMode, label}, mode.Cost)
		}
		if beyond := row.Unexplained(); hasPostpaid(row) && !IsRounding(beyond, len(row.Modes)) {
			sums.Add(Key{None, label}, beyond)
		}
	}
	pool := labelPool{}
	for at, sums := range days {
		maps.DeleteFunc(sums, func(_ Key, amount billclient.Amount) bool { return amount.Sign() == 0 })
		d.Days[at] = sums.rows(2, pool)
	}
	return d
}

// hasPostpaid reports whether a row has a postpaid cost.
func hasPostpaid(row billclient.DayConsume) bool {
	return slices.ContainsFunc(row.Modes[:], func(m billclient.ModeCost) bool {
		return m.PayMode == billclient.Postpaid && m.Cost.Sign() != 0
	})
}

// Sums returns what the days come to, by pay mode and label value.
func (d *ModeDays) Sums() Sums {
	sums := Sums{}
	for _, rows := range d.Days {
		for _, r := range rows {
			sums.Add(Key{r.Labels[0], r.Labels[1]}, r.Amount)
		}
	}
	return sums
}

// Postpaid returns what bill-union calls postpaid of the days up to and including one.
func (d *ModeDays) Postpaid(until billclient.Day) (cost billclient.Amount) {
	for at, rows := range d.Days {
		for _, r := range rows {
			if at <= until && r.Labels[0] == billclient.Postpaid {
				cost = cost.Add(r.Amount)
			}
		}
	}
	return cost
}

// Covers reports whether a day of the month was over when the days were read. A nil ModeDays covers none.
func (d *ModeDays) Covers(day billclient.Day) bool { return d != nil && !d.ReadAt.Before(day.End()) }

// MissesModes returns the pay modes that a month's days come to another cost of than a summary of its pay modes has.
func (d *ModeDays) MissesModes(summary *Union) (modes []string) {
	costs, rows := d.byMode()
	return missedModes(costs, rows, summary)
}

// SameCosts reports whether two reads have the same cost of each pay mode.
func (d *ModeDays) SameCosts(other *ModeDays) bool {
	if d == nil || other == nil {
		return d == other
	}
	costs, _ := d.byMode()
	others, _ := other.byMode()
	return sameCosts(costs, others)
}

// byMode returns the cost of each pay mode, and how many rows there are.
func (d *ModeDays) byMode() (costs Sums, rows int) {
	costs = Sums{}
	for _, day := range d.Days {
		rows += len(day)
		for _, r := range day {
			costs.Add(Key{r.Labels[0]}, r.Amount)
		}
	}
	return costs, rows
}

func (d *ModeDays) valid() bool {
	if d == nil {
		return true
	}
	for _, rows := range d.Days {
		if !haveLabels(rows, 2) {
			return false
		}
	}
	return true
}
