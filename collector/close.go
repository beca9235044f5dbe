package collector

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// entry is a cell with what it is the sum of.
type entry struct {
	dimensions
	*cell
}

// entries yields all cells.
func (l *ledger) entries(yield func(entry) bool) {
	for k, c := range l.cells {
		e := entry{dimensions{
			product: l.symbols.text(k.product), project: l.symbols.text(k.project), instance: k.instance,
			region: l.symbols.text(k.region), mode: l.symbols.text(k.mode), tags: l.symbols.text(k.tags),
		}, c}
		if !yield(e) {
			return
		}
	}
}

// groups returns the cells added up over their instances, each sum with the attributes of the newest of its cells. They
// are few, and all that every family but that of instances needs.
func (l *ledger) groups() []entry {
	type group struct {
		newest     entry
		cost, list billclient.Amount
	}
	all := map[dimensions]*group{}
	for e := range l.entries {
		key := e.dimensions
		key.instance = ""
		g, ok := all[key]
		if !ok {
			g = &group{newest: e}
			all[key] = g
		}
		g.cost, g.list = g.cost.Add(e.cost), g.list.Add(e.list)
		if l.newer(e, g.newest) {
			g.newest = e
		}
	}
	entries := make([]entry, 0, len(all))
	for key, g := range all {
		sum := *g.newest.cell
		sum.cost, sum.list = g.cost, g.list
		entries = append(entries, entry{key, &sum})
	}
	return entries
}

// close derives every family from the cells, which were read for a summary at an instant. The ledger must not be used
// any more.
func (l *ledger) close(readFor *summary, readAt time.Time) *lineSums {
	s, groups := l.counts(readFor, readAt), l.groups()
	s.ProductNames = l.names(groups,
		func(e entry) string { return e.product }, func(e entry) symbol { return e.productName })
	s.ProjectNames = l.names(groups,
		func(e entry) string { return e.project }, func(e entry) symbol { return e.projectName })
	for _, v := range views {
		switch {
		case v.keys == nil:
		case v.name == instanceView:
			l.closeInstances(s, v)
		case v.fold != nil:
			s.Rows[v.name] = l.total(v, slices.Values(groups)).fold(l.options, v.fold).rows(len(v.labels))
		default:
			s.Rows[v.name] = l.total(v, slices.Values(groups)).rows(len(v.labels))
		}
	}
	return s
}

// counts tells of the lines as a whole, without what they add up to.
func (l *ledger) counts(readFor *summary, readAt time.Time) *lineSums {
	return &lineSums{
		ReadFor: readFor, ReadAt: readAt, Lines: l.lines, CustomerID: l.customerID, Rows: map[string][]row{},
		Newest: earlier(l.newest, readAt), // a monthly fee ends with its month; no number counts what is yet to come
	}
}

// cost returns what all lines come to.
func (l *ledger) cost() (sum billclient.Amount) {
	for _, c := range l.cells {
		sum = sum.Add(c.cost)
	}
	return sum
}

// total adds up entries by the keys of a view, as labels have them.
func (l *ledger) total(v view, entries iter.Seq[entry]) sums {
	total := sums{}
	for e := range entries {
		v.keys(e.dimensions, l.options.Tags, func(k key) { total.add(labelled(k, len(v.labels)), v.amount(e.cell)) })
	}
	return total
}

func labelled(k key, n int) key {
	for i := range n {
		k[i] = KeyLabel(k[i])
	}
	return k
}

// closeInstances folds the instances, describes those that are kept, and counts both.
func (l *ledger) closeInstances(s *lineSums, v view) {
	if !l.options.Enabled {
		return
	}
	total := l.total(v, l.entries)
	kept := total.fold(l.options, v.fold)
	s.Tallies = count(total, kept)
	latest := l.latest(kept)
	for _, r := range kept.rows(len(v.labels)) {
		i := instance{Key: key(r.Labels), Facts: l.facts(latest[key(r.Labels)])}
		r.Labels = append(r.Labels, l.options.promoted(i.Facts)...)
		s.Rows[v.name] = append(s.Rows[v.name], r)
		s.Instances = append(s.Instances, i)
	}
}

// tally counts the instances of a product.
type tally struct{ All, Folded int }

// count counts the instances per product. What no line names is no instance.
func count(total, kept sums) map[string]tally {
	tallies := map[string]tally{}
	for k := range total {
		t := tallies[k[0]]
		if k[2] != none {
			t.All++
			if _, ok := kept[k]; !ok {
				t.Folded++
			}
		}
		tallies[k[0]] = t
	}
	return tallies
}

// names returns the newest name of each key, by label value.
func (l *ledger) names(
	groups []entry, of func(entry) string, name func(entry) symbol,
) map[string]string {
	newest := map[string]entry{}
	for _, e := range groups {
		if known, ok := newest[of(e)]; !ok || l.newer(e, known) {
			newest[of(e)] = e
		}
	}
	names := map[string]string{}
	for k, e := range newest {
		names[KeyLabel(k)] = l.symbols.text(name(e))
	}
	return names
}

// latest returns the cell with the newest line of each wanted instance.
func (l *ledger) latest(wanted sums) map[key]entry {
	latest := map[key]entry{}
	for e := range l.entries {
		k := labelled(key{e.product, e.project, e.instance}, len(key{}))
		if _, ok := wanted[k]; !ok {
			continue
		}
		if known, ok := latest[k]; !ok || l.newer(e, known) {
			latest[k] = e
		}
	}
	return latest
}

// newer orders cells by their newest lines. Lines of the same time and number are told apart by what they say, so that
// no attribute hangs on the order of the lines.
func (l *ledger) newer(a, b entry) bool {
	if order := cmp.Compare(l.symbols.text(a.end), l.symbols.text(b.end)); order != 0 {
		return order > 0
	}
	if order := cmp.Compare(string(a.no), string(b.no)); order != 0 {
		return order > 0
	}
	return slices.Compare(l.facts(a), l.facts(b)) > 0
}

// facts returns the values of instanceFacts and of the configured tags; empty ones for what was folded.
func (l *ledger) facts(e entry) []string {
	facts := make([]string, len(instanceFacts)+len(l.options.Tags))
	if e.cell == nil {
		return facts
	}
	copy(facts, []string{e.name, l.symbols.text(e.subtype), e.mode, e.region, l.symbols.text(e.zone)})
	for i := range l.options.Tags {
		facts[len(instanceFacts)+i] = e.tag(i)
	}
	return facts
}
