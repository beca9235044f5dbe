package metrics

import (
	"cmp"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// mostChanges is how many differences of instances are shown.
const mostChanges = 50

// weekChanges returns the largest differences of instances between the day before the newest and a week before, in all
// pay modes whose instances are known of both.
func weekChanges(a Account) []instanceRow {
	if a.newest == 0 {
		return nil
	}
	day := a.newest.Add(-1)
	earlier := day.Add(-ledger.Week)
	var changes largestRows
	if now, before := a.Snapshot.Days[day], a.Snapshot.Days[earlier]; now.Instances != nil && before.Instances != nil {
		for k, change := range ledger.Changes(before.Instances, now.Instances) {
			changes.add(instanceRow{mode: billclient.Postpaid, key: k, cost: change})
		}
	}
	now, before := modesOfDay(a, day), modesOfDay(a, earlier)
	for mode, costs := range now {
		if _, ok := before[mode]; !ok {
			continue
		}
		for k, amount := range before[mode] {
			costs.Add(k, amount.Neg())
		}
		for k, change := range costs {
			changes.add(instanceRow{mode: mode, key: &k, cost: change})
		}
	}
	return changes.sorted()
}

// largestRows has the largest of many rows, and some more.
type largestRows struct{ rows []instanceRow }

// add adds a row, unless it is 0.
func (l *largestRows) add(r instanceRow) {
	if r.cost.Sign() == 0 {
		return
	}
	l.rows = append(l.rows, r)
	if len(l.rows) >= 20*mostChanges { // those of all instances would be a large table
		l.rows = l.sorted()
	}
}

// sorted returns the largest rows, the largest first.
func (l *largestRows) sorted() []instanceRow {
	slices.SortFunc(l.rows, compareSizes)
	return l.rows[:min(len(l.rows), mostChanges)]
}

// compareSizes orders rows by the absolute value of their cost, the largest first; among equals by key and pay mode.
func compareSizes(a, b instanceRow) int {
	if order := b.cost.Abs().Cmp(a.cost.Abs()); order != 0 {
		return order
	}
	return cmp.Or(ledger.CompareKeys(*a.key, *b.key), cmp.Compare(a.mode, b.mode))
}

// modesOfDay returns what instances have cost on a day by pay mode, as far as they are told apart, but for postpaid ones.
func modesOfDay(a Account, day billclient.Day) map[string]ledger.Sums {
	costs := map[string]ledger.Sums{}
	lines := a.Snapshot.Months[day.Month()].DayLines
	ofModes, ok := lines.OnDay(day)
	if !ok || !a.options.Instances.Enabled || !a.isCurrent(day.Month(), lines.ReadAt) {
		return costs
	}
	labels := labelsOf(a, int(a.month-day.Month()), lines)
	for _, mode := range otherPayModes {
		costs[mode] = ledger.Sums{} // what has no line has cost nothing
		for k, amount := range ofModes[mode] {
			costs[mode].Add(ledger.Key{labels.product(k[0]), labels.project(k[1]), k[2]}, amount)
		}
	}
	return costs
}

// otherPayModes are those that the service bill does not know.
var otherPayModes = []string{billclient.Prepaid, billclient.Realtime}
