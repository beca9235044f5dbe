package metrics

import (
	"cmp"
	"maps"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// mostChanges is how many differences of instances are shown.
const mostChanges = 50

// weekChanges returns the largest differences of instances between the day before the newest and a week before, in all
// pay modes whose instances are known of both.
func weekChanges(a Account) (rows []instanceRow) {
	if a.newest == 0 {
		return nil
	}
	day := a.newest.Add(-1)
	now, before := instancesOfDay(a, day), instancesOfDay(a, day.Add(-ledger.Week))
	for mode, costs := range now {
		earlier, ok := before[mode]
		if !ok {
			continue
		}
		change := maps.Clone(costs)
		for k, amount := range earlier {
			change.Add(k, amount.Neg())
		}
		for k, amount := range change {
			if amount.Sign() != 0 {
				rows = append(rows, instanceRow{mode: mode, key: k, cost: amount})
			}
		}
	}
	slices.SortFunc(rows, compareSizes)
	return rows[:min(len(rows), mostChanges)]
}

// compareSizes orders rows by the absolute value of their cost, the largest first; among equals by key and pay mode.
func compareSizes(a, b instanceRow) int {
	return cmp.Or(b.cost.Abs().Cmp(a.cost.Abs()), ledger.CompareKeys(a.key, b.key), cmp.Compare(a.mode, b.mode))
}

// instancesOfDay returns what instances have cost on a day by pay mode, as far as they are told apart.
func instancesOfDay(a Account, day billclient.Day) map[string]ledger.Sums {
	costs := map[string]ledger.Sums{}
	if d := a.Snapshot.Days[day]; d.Instances != nil {
		costs[billclient.Postpaid] = ledger.Sums{}
		for _, i := range d.Instances {
			costs[billclient.Postpaid].Add(*i.Key, i.Cost)
		}
	}
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
