package metrics

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// modeLines returns the lines of the month n months ago in other pay modes than postpaid, nil if there are none, or
// none new enough. Those of earlier months than the last one are not read by everyone who shows them.
func modeLines(a Account, n int) *ledger.ModeLines {
	at := a.month.Add(-n)
	lines := a.Snapshot.Months[at].ModeLines()
	if lines == nil || n > 1 && !a.options.AllLines || !a.isCurrent(at, lines.ReadAt) {
		return nil
	}
	return lines
}

// keyLabels turns products and projects of lines into label values.
type keyLabels struct {
	account  Account
	named    bool              // they are names
	names    map[string]string // of product groups that are ids
	products map[string]string
	projects map[string]string // id by name in the month, None where several have it

	elsewhere func() map[string]string // likewise, by all that is known: worked out when a name is missing
}

// labelsOf returns how the products and projects of lines of the month n months ago are called on a page.
func labelsOf(a Account, n int, lines *ledger.ModeLines) keyLabels {
	names := map[string]string{}
	for _, sums := range lines.Sums {
		addMissing(names, sums.ProductNames)
	}
	return newKeyLabels(a, n, lines.Named, names)
}

// newKeyLabels is labelsOf for lines whose product groups have the given names.
func newKeyLabels(a Account, n int, named bool, names map[string]string) keyLabels {
	l := keyLabels{account: a, named: named, names: names}
	products := map[string]string{}
	for key := range names {
		products[key] = l.product(key)
	}
	l.products = products
	if l.named {
		l.projects = ledger.ProjectIDs(a.Snapshot.Months[a.month.Add(-n)])
		l.elsewhere = sync.OnceValue(func() map[string]string { return projectsElsewhere(a) })
	}
	return l
}

func (l keyLabels) product(key string) string {
	if key == ledger.None {
		return key
	}
	if label, ok := l.products[key]; ok {
		return label
	}
	if l.named {
		return l.account.groupLabel(ledger.None, key)
	}
	return l.account.groupLabel(key, l.names[key])
}

func (l keyLabels) project(key string) string {
	if !l.named || key == ledger.None {
		return key
	}
	if id, ok := l.projects[key]; ok {
		return id
	}
	return cmp.Or(l.elsewhere()[key], ledger.None)
}

// rewrite returns the labels of a row with those of products and projects as they are called on a page.
func (l keyLabels) rewrite(names, values []string) []string {
	labels := slices.Clone(values)
	for i, name := range names {
		switch {
		case labels[i] == ledger.Other:
		case name == "product_code":
			labels[i] = l.product(labels[i])
		case name == "project_id":
			labels[i] = l.project(labels[i])
		}
	}
	return labels
}

// projectsElsewhere returns the ids of projects by what they are called in any month that is known, also in those that
// are not shown: terms are longer. The name of several projects has ledger.None.
func projectsElsewhere(a Account) map[string]string {
	ids := maps.Clone(a.Snapshot.Projects)
	if ids == nil {
		ids = map[string]string{}
	}
	for id, name := range a.summedProjectNames() {
		if name != "" {
			ledger.AddID(ids, name, id)
		}
	}
	for _, m := range a.Snapshot.Months {
		for name, id := range ledger.ProjectIDs(m) {
			ledger.AddID(ids, name, id)
		}
	}
	return ids
}

// lineNames returns the names of the products or projects of a month's lines in other pay modes than postpaid, by label
// value. Lines that have names only have projects that are known.
func lineNames(a Account, n int, by ledger.Split) map[string]string {
	names := map[string]string{}
	lines := modeLines(a, n)
	if lines == nil {
		return names
	}
	labels := lineLabels(a, n)
	for _, sums := range lines.Sums {
		switch {
		case by == ledger.ByGroup:
			for group, name := range sums.ProductNames {
				names[labels.product(group)] = name
			}
		case !lines.Named:
			addMissing(names, sums.ProjectNames)
		}
	}
	for _, r := range viewNamed("project_product").linesOfModes(a, n) { // what is of None
		position := map[ledger.Split]int{ledger.ByProject: 1, ledger.ByGroup: 2}[by]
		addMissing(names, map[string]string{r.Labels[position]: ""})
	}
	return names
}

// linesOfModes returns the rows of a view of the month n months ago in other pay modes than postpaid, by pay mode and
// the labels of the view. Each pay mode comes to what the account has of it: what the month's summary has beyond its
// lines is of None.
func (v view) linesOfModes(a Account, n int) []ledger.Row {
	lines := modeLines(a, n)
	if lines == nil {
		return nil
	}
	labels, sums := lineLabels(a, n), map[string]ledger.Sums{}
	for mode, of := range lines.Sums {
		sums[mode] = ledger.Sums{}
		for _, r := range of.Rows[v.Name] {
			sums[mode].Add(keyOf(labels.rewrite(v.Labels, r.Labels)), r.Amount)
		}
	}
	for mode, beyond := range beyondLines(a, n, lines) {
		if sums[mode] == nil {
			sums[mode] = ledger.Sums{}
		}
		v.Keys(ledger.Dimensions{}, a.options.Instances.Tags, func(k ledger.Key) {
			sums[mode].Add(labelKey(k, len(v.Labels)), beyond)
		})
	}
	return rowsByMode(sums, len(v.Labels))
}

// beyondLines returns what the month n months ago has cost in each other pay mode than postpaid beyond its lines. What
// can come from rounding is nothing, and so is what nothing but the lines tells.
func beyondLines(a Account, n int, lines *ledger.ModeLines) map[string]billclient.Amount {
	if !a.hasModes(n) {
		return nil
	}
	beyond, rows := map[string]billclient.Amount{}, map[string]int{}
	others, _ := a.otherModes(n)
	for _, r := range others {
		beyond[r.Labels[0]] = r.Amount
	}
	for mode, of := range lines.Sums {
		beyond[mode] = beyond[mode].Sub(of.ReadFor.Sum)
		rows[mode] = len(of.Rows[productView])
	}
	maps.DeleteFunc(beyond, func(mode string, amount billclient.Amount) bool {
		return ledger.IsRounding(amount, rows[mode])
	})
	return beyond
}

// rowsByMode returns sums as rows with the pay mode before their first n labels.
func rowsByMode(sums map[string]ledger.Sums, n int) (rows []ledger.Row) {
	for _, mode := range slices.Sorted(maps.Keys(sums)) {
		for _, r := range sums[mode].Rows(n) {
			rows = append(rows, ledger.Row{Labels: append([]string{mode}, r.Labels...), Amount: r.Amount})
		}
	}
	return rows
}

// keyOf returns label values as a key.
func keyOf(labels []string) (k ledger.Key) {
	copy(k[:], labels)
	return k
}

// labelKey returns a key with None in place of its first n parts that are empty.
func labelKey(k ledger.Key, n int) ledger.Key {
	for i := range n {
		k[i] = ledger.KeyLabel(k[i])
	}
	return k
}
