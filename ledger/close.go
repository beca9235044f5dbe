package ledger

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// entry is a cell with what it is the sum of.
type entry struct {
	Dimensions
	*Cell
}

// Close derives every view from the cells, which were read for a summary at an instant. The ledger must not be used any
// more.
func (l *Ledger) Close(readFor *Summary, readAt time.Time) *LineSums {
	groups := l.groups()
	s := l.closeWhole(groups, readFor, readAt)
	s.Summed, s.Beyond = true, readFor.Sum.Sub(l.Cost())
	if IsRounding(s.Beyond, l.count) {
		s.Beyond = billclient.Amount{}
	} else {
		addMissing(s.ProductNames, None)
		addMissing(s.ProjectNames, None)
	}
	for _, v := range l.options.Views {
		switch {
		case v.Keys == nil:
		case v.Described:
			l.closeInstances(s, v)
		default:
			sums := l.sumView(v, slices.Values(groups))
			if v.Fold != nil {
				sums = sums.fold(l.options.Instances, v.Fold)
			}
			l.addBeyond(v, sums, s.Beyond)
			s.Rows[v.Name] = sums.Rows(len(v.Labels))
		}
	}
	return s
}

// addMissing adds a key without a name, unless it has one.
func addMissing(names map[string]string, key string) {
	if _, ok := names[key]; !ok {
		names[key] = ""
	}
}

// CloseUnsummed returns what the lines say as a whole, without what they add up to.
func (l *Ledger) CloseUnsummed(readFor *Summary, readAt time.Time) *LineSums {
	return l.closeWhole(l.groups(), readFor, readAt)
}

func (l *Ledger) closeWhole(groups []entry, readFor *Summary, readAt time.Time) *LineSums {
	return &LineSums{
		ReadFor: readFor, ReadAt: readAt, Count: l.count, CustomerID: l.customerID, Rows: map[string][]Row{},
		Newest: l.newest,
		ProductNames: l.newestNames(groups,
			func(e entry) string { return e.Product }, func(e entry) symbol { return e.productName }),
		ProjectNames: l.newestNames(groups,
			func(e entry) string { return e.Project }, func(e entry) symbol { return e.projectName }),
	}
}

// CloseDays derives the days that the lines cover from the cells.
func (l *Ledger) CloseDays(readFor *Summary, readAt time.Time) map[billclient.Day]Day {
	byDay := map[billclient.Day]Sums{}
	for k, amount := range l.days {
		if byDay[k.day] == nil {
			byDay[k.day] = Sums{}
		}
		project, product := l.symbols.text(k.project), l.symbols.text(k.product)
		byDay[k.day].Add(Key{KeyLabel(project), KeyLabel(product)}, *amount)
	}
	days, pool := map[billclient.Day]Day{}, labelPool{}
	first, last := l.coveredDays(readFor, readAt)
	for d := first; d <= last; d++ {
		days[d] = Day{ReadAt: readAt, ProjectProduct: byDay[d].rows(2, pool)}
	}
	l.closeWatched(days)
	return days
}

// coveredDays returns the first and the last day that lines cover: those that the estimate they were read for is made
// of, none of them yet to come. Where the API does not say, these are the days that have lines, from the month's first
// on.
func (l *Ledger) coveredDays(readFor *Summary, readAt time.Time) (first, last billclient.Day) {
	first = max(readFor.Begin, billclient.DayOf(readFor.Month.Start()))
	last = cmp.Or(readFor.End, l.newestDay)
	return first, min(last, billclient.DayOf(readFor.Month.End()).Add(-1), billclient.DayOf(readAt))
}

// closeWatched adds to the watched days what their instances cost.
func (l *Ledger) closeWatched(days map[billclient.Day]Day) {
	keys := map[Key]*Key{}
	for i, at := range l.options.Watched {
		d, ok := days[at]
		if !ok {
			continue
		}
		costs := Sums{}
		for e := range l.entries {
			if e.watched != nil {
				costs.Add(labelKey(Key{e.Product, e.Project, e.Instance}, len(Key{})), e.watched[i])
			}
		}
		d.Instances = make([]InstanceCost, 0, len(costs))
		for _, k := range slices.SortedFunc(maps.Keys(costs), CompareKeys) {
			if keys[k] == nil {
				keys[k] = &k
			}
			d.Instances = append(d.Instances, InstanceCost{keys[k], costs[k]})
		}
		days[at] = d
	}
}

// entries yields all cells.
func (l *Ledger) entries(yield func(entry) bool) {
	for k, c := range l.cells {
		e := entry{Dimensions{
			Product: l.symbols.text(k.product), Project: l.symbols.text(k.project), Instance: k.instance,
			Region: l.symbols.text(k.region), Mode: l.symbols.text(k.mode), tags: l.symbols.text(k.tags),
		}, c}
		if !yield(e) {
			return
		}
	}
}

// groups returns the cells added up over their instances, each sum with the attributes of the newest of its cells. They
// are few, and every view but that of instances needs no more.
func (l *Ledger) groups() []entry {
	type group struct {
		newest     entry
		cost, list billclient.Amount
	}
	all := map[Dimensions]*group{}
	for e := range l.entries {
		key := e.Dimensions
		key.Instance = ""
		g, ok := all[key]
		if !ok {
			g = &group{newest: e}
			all[key] = g
		}
		g.cost, g.list = g.cost.Add(e.Cost), g.list.Add(e.List)
		if l.isNewer(e, g.newest) {
			g.newest = e
		}
	}
	entries := make([]entry, 0, len(all))
	for key, g := range all {
		sum := *g.newest.Cell
		sum.Cost, sum.List = g.cost, g.list
		entries = append(entries, entry{key, &sum})
	}
	return entries
}

// sumView adds up entries by the keys of a view, as labels have them.
func (l *Ledger) sumView(v View, entries iter.Seq[entry]) Sums {
	sums := Sums{}
	for e := range entries {
		v.Keys(e.Dimensions, l.options.Instances.Tags, func(k Key) {
			sums.Add(labelKey(k, len(v.Labels)), v.Amount(e.Cell))
		})
	}
	return sums
}

// addBeyond adds what the summary has beyond the lines to a view, under the keys that a line without any dimension has.
func (l *Ledger) addBeyond(v View, sums Sums, beyond billclient.Amount) {
	if beyond.Sign() != 0 && !v.Listed {
		v.Keys(Dimensions{}, l.options.Instances.Tags, func(k Key) { sums.Add(labelKey(k, len(v.Labels)), beyond) })
	}
}

// closeInstances folds the instances, describes those that are kept, and counts both.
func (l *Ledger) closeInstances(s *LineSums, v View) {
	if !l.options.Instances.Enabled {
		return
	}
	all := l.sumView(v, l.entries)
	kept := all.fold(l.options.Instances, v.Fold)
	s.Tallies = countInstances(all, kept)
	l.addBeyond(v, kept, s.Beyond)
	latest := l.latestEntries(kept)
	for _, r := range kept.Rows(len(v.Labels)) {
		i := Instance{Key: Key(r.Labels), Facts: l.facts(latest[Key(r.Labels)])}
		r.Labels = append(r.Labels, l.options.Instances.promotedValues(i.Facts)...)
		s.Rows[v.Name] = append(s.Rows[v.Name], r)
		s.Instances = append(s.Instances, i)
	}
}

// countInstances counts the instances per product. What names no instance is none.
func countInstances(all, kept Sums) map[string]Tally {
	tallies := map[string]Tally{}
	for k := range all {
		t := tallies[k[0]]
		if k[2] != None {
			t.All++
			if _, ok := kept[k]; !ok {
				t.Folded++
			}
		}
		tallies[k[0]] = t
	}
	return tallies
}

// newestNames returns the newest name of each key, by label value.
func (l *Ledger) newestNames(
	groups []entry, keyOf func(entry) string, nameOf func(entry) symbol,
) map[string]string {
	newest := map[string]entry{}
	for _, e := range groups {
		if earlier, ok := newest[keyOf(e)]; !ok || l.isNewer(e, earlier) {
			newest[keyOf(e)] = e
		}
	}
	names := map[string]string{}
	for k, e := range newest {
		names[KeyLabel(k)] = l.symbols.text(nameOf(e))
	}
	return names
}

// latestEntries returns the entry with the newest line of each wanted instance.
func (l *Ledger) latestEntries(wanted Sums) map[Key]entry {
	latest := map[Key]entry{}
	for e := range l.entries {
		k := labelKey(Key{e.Product, e.Project, e.Instance}, len(Key{}))
		if _, ok := wanted[k]; !ok {
			continue
		}
		if earlier, ok := latest[k]; !ok || l.isNewer(e, earlier) {
			latest[k] = e
		}
	}
	return latest
}

// isNewer reports whether the newest line of a is newer than that of b. Lines of the same time and number are told
// apart by what they say, so that no attribute depends on the order of the lines.
func (l *Ledger) isNewer(a, b entry) bool {
	if order := cmp.Compare(l.symbols.text(a.end), l.symbols.text(b.end)); order != 0 {
		return order > 0
	}
	if order := cmp.Compare(string(a.no), string(b.no)); order != 0 {
		return order > 0
	}
	return slices.Compare(l.facts(a), l.facts(b)) > 0
}

// facts returns the values of instanceFacts and of the configured tags; empty ones for what was folded.
func (l *Ledger) facts(e entry) []string {
	facts := make([]string, len(instanceFacts)+len(l.options.Instances.Tags))
	if e.Cell == nil {
		return facts
	}
	copy(facts, []string{e.name, l.symbols.text(e.subtype), e.Mode, e.Region, l.symbols.text(e.zone)})
	for i := range l.options.Instances.Tags {
		facts[len(instanceFacts)+i] = e.Tag(i)
	}
	return facts
}
