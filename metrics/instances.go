package metrics

import (
	"maps"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// instanceView is the name of the view of instances.
const instanceView = "instance"

// instanceRow is what an instance cost in a month in one pay mode.
type instanceRow struct {
	mode  string
	key   *ledger.Key // product code, project id and instance id, as labels have them; rows share it with lines
	cost  billclient.Amount
	facts []string // empty ones for what is not one instance
}

// isFolded reports whether the row stands for more than one instance.
func (r instanceRow) isFolded() bool { return r.key[2] == ledger.Other }

func makeInstanceRows(a Account, n int) (rows []instanceRow, folded map[string]int) {
	m, ok := a.shownMonth(n)
	if ok && m.Lines != nil {
		rows = postpaidInstances(m.Lines, rowsOfModes(modeLines(a, n)))
	}
	if !ok && !a.hasNothingPostpaid(n) { // the other pay modes alone would look like a cheap month
		return nil, nil
	}
	lines := modeLines(a, n)
	if lines == nil || !a.options.Instances.Enabled {
		return rows, nil
	}
	rows, folded = foldInstances(a, append(rows, instancesOfModes(a, n, lines)...))
	return addBeyondRows(a, rows, beyondLines(a, n, lines)), folded
}

// postpaidInstances returns the postpaid instances of a month, with room for more rows.
func postpaidInstances(lines *ledger.LineSums, more int) []instanceRow {
	costs := lines.Rows[instanceView]
	rows := make([]instanceRow, 0, len(costs)+more)
	for i := range lines.Instances {
		described := &lines.Instances[i]
		rows = append(rows, instanceRow{billclient.Postpaid, &described.Key, costs[i].Amount, described.Facts})
	}
	return rows
}

// rowsOfModes returns how many instances lines have in other pay modes than postpaid.
func rowsOfModes(lines *ledger.ModeLines) (n int) {
	if lines != nil {
		for _, sums := range lines.Sums {
			n += len(sums.Instances)
		}
	}
	return n
}

// instancesOfModes returns the instances of the month n months ago in other pay modes than postpaid.
func instancesOfModes(a Account, n int, lines *ledger.ModeLines) (rows []instanceRow) {
	labels := lineLabels(a, n)
	for _, mode := range slices.Sorted(maps.Keys(lines.Sums)) {
		rows = append(rows, instancesOfMode(mode, lines.Sums[mode], labels)...)
	}
	return rows
}

// instancesOfMode returns the instances of one pay mode, as a page calls them.
func instancesOfMode(mode string, sums *ledger.LineSums, labels keyLabels) []instanceRow {
	costs := sums.Rows[instanceView]
	rows := make([]instanceRow, 0, len(costs))
	for i := range sums.Instances {
		described := &sums.Instances[i]
		key := &described.Key
		shown := ledger.Key{labels.product(key[0]), labels.project(key[1]), key[2]}
		if shown != *key {
			key = &shown
		}
		rows = append(rows, instanceRow{mode, key, costs[i].Amount, described.Facts})
	}
	slices.SortStableFunc(rows, func(a, b instanceRow) int { return ledger.CompareKeys(*a.key, *b.key) })
	return mergeRows(rows)
}

// mergeRows adds up the rows of one key, which several groups or projects can have: the attributes of the first stay.
func mergeRows(rows []instanceRow) []instanceRow {
	type id struct {
		mode string
		key  ledger.Key
	}
	at := map[id]int{}
	merged := rows[:0]
	for _, r := range rows {
		i, ok := at[id{r.mode, *r.key}]
		if !ok {
			at[id{r.mode, *r.key}] = len(merged)
			merged = append(merged, r)
			continue
		}
		merged[i].cost = merged[i].cost.Add(r.cost)
	}
	return merged
}

// foldInstances keeps the largest instances of all pay modes, at most as many as are configured, and adds the others to
// those of their product and project that are folded already. It keeps the order of pay modes.
func foldInstances(a Account, rows []instanceRow) (kept []instanceRow, folded map[string]int) {
	rank := make([]int, 0, len(rows))
	for i, r := range rows {
		if !r.isFolded() {
			rank = append(rank, i)
		}
	}
	if len(rank) <= a.options.Instances.MaxSeries {
		return rows, nil
	}
	slices.SortFunc(rank, func(i, j int) int { return compareSizes(rows[i], rows[j]) })
	folded = map[string]int{}
	isCounted := map[ledger.Key]bool{}
	for _, i := range rank[:a.options.Instances.MaxSeries] {
		isCounted[*rows[i].key] = true
	}
	for _, i := range rank[a.options.Instances.MaxSeries:] {
		k := *rows[i].key
		if k[2] != ledger.None && !isCounted[k] { // an instance of two pay modes is one
			folded[k[0]]++
			isCounted[k] = true
		}
		k[2] = ledger.Other
		rows[i].key, rows[i].facts = &k, make([]string, len(rows[i].facts))
	}
	return mergeRows(rows), folded
}

// addBeyondRows adds what pay modes cost beyond their lines, as of no instance.
func addBeyondRows(a Account, rows []instanceRow, beyond map[string]billclient.Amount) []instanceRow {
	for _, mode := range slices.Sorted(maps.Keys(beyond)) {
		rows = append(rows, instanceRow{
			mode, &ledger.Key{ledger.None, ledger.None, ledger.None}, beyond[mode],
			make([]string, len(a.options.Instances.Facts())),
		})
	}
	return mergeRows(rows)
}

// emitInstances emits instances with the attributes that are promoted to labels.
func emitInstances(a Account, rows []instanceRow, emit emit, after ...string) {
	promoted := a.options.Instances.Promoted()
	labels := []string{}
	for _, r := range rows {
		labels = append(append(labels[:0], r.mode), r.key[:]...)
		for _, i := range promoted {
			labels = append(labels, r.facts[i])
		}
		emit(r.cost.Float64(), append(labels, after...)...)
	}
}

// tally returns how many instances of each product the newest month has whose lines are shown.
func tally(a Account) map[string]ledger.Tally {
	for n := range min(1, a.options.PastMonths) + 1 {
		all, postpaid := map[string]ledger.Tally{}, []ledger.Instance{}
		switch m, ok := a.shownMonth(n); {
		case ok && m.Lines != nil:
			maps.Copy(all, m.Lines.Tallies)
			postpaid = m.Lines.Instances
		case ok || !a.hasNothingPostpaid(n) || modeLines(a, n) == nil:
			continue
		}
		addModes(a, all, n, postpaid)
		return all
	}
	return nil
}

// addModes adds the instances of other pay modes of the month n months ago, but those that have been counted already,
// and what they make fold.
func addModes(a Account, all map[string]ledger.Tally, n int, postpaid []ledger.Instance) {
	lines := modeLines(a, n)
	if lines == nil {
		return
	}
	labels := lineLabels(a, n)
	for _, sums := range lines.Sums {
		for group, t := range sums.Tallies {
			addTally(all, labels.product(group), t.All, t.Folded)
		}
	}
	isCounted := map[ledger.Key]bool{}
	for _, i := range postpaid {
		isCounted[i.Key] = true
	}
	for _, r := range instancesOfModes(a, n, lines) {
		if isCounted[*r.key] && !r.isFolded() && r.key[2] != ledger.None {
			addTally(all, r.key[0], -1, 0)
		}
		isCounted[*r.key] = true
	}
	_, folded := instanceRows(a, n)
	for code, count := range folded {
		addTally(all, code, 0, count)
	}
}

func addTally(tallies map[string]ledger.Tally, code string, all, folded int) {
	t := tallies[code]
	tallies[code] = ledger.Tally{All: t.All + all, Folded: t.Folded + folded}
}
