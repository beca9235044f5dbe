package ledger

import (
	"cmp"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Close derives every view from the lines, which were read for a summary at an instant. The ledger must not be used any
// more.
func (l *Ledger) Close(readFor *Summary, readAt time.Time) *LineSums {
	of := dearestOfAll
	// While a month runs, all its lines are read again.
	isOver := readFor.Month != 0 && !readAt.Before(readFor.Month.End())
	if isOver && l.partInstances() <= mostPartInstances {
		of = dearestOfEach
	}
	s := l.closeWhole(readFor, readAt, of)
	s.Summed, s.Beyond = true, readFor.Sum.Sub(l.Cost())
	if IsRounding(s.Beyond, s.Count) {
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
			sums := l.sumView(v, s.parts)
			if v.Fold != nil {
				sums = sums.fold(l.options.Instances, v.Fold)
			}
			l.addBeyond(v, sums, s.Beyond)
			s.Rows[v.Name] = sums.Rows(len(v.Labels))
		}
	}
	if of != dearestOfEach {
		s.parts = nil
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
	return l.closeWhole(readFor, readAt, noInstances)
}

func (l *Ledger) closeWhole(readFor *Summary, readAt time.Time, of reach) *LineSums {
	s := &LineSums{
		ReadFor: readFor, ReadAt: readAt, CustomerID: l.customerID, Rows: map[string][]Row{},
		ProductNames: map[string]string{}, parts: l.allParts(readAt, of),
	}
	// The memory of the cells is wanted for what is made of the parts.
	l.cells, l.costs, l.names, l.sorted = chunks[instanceCell]{}, column{}, texts{}, nil
	projects := map[string]newestText{}
	for _, p := range s.parts {
		s.Count += p.count
		if p.newest.After(s.Newest) {
			s.Newest = p.newest
		}
		s.ProductNames[p.product] = p.name.text
		for project, name := range p.projectNames {
			newest := projects[project]
			newest.update(name.end, name.text)
			projects[project] = newest
		}
	}
	s.ProjectNames = make(map[string]string, len(projects))
	for project, name := range projects {
		s.ProjectNames[project] = name.text
	}
	return s
}

// sumView adds up the groups of parts by the keys of a view, as labels have them.
func (l *Ledger) sumView(v View, parts []*part) Sums {
	sums := Sums{}
	for _, p := range parts {
		for i := range p.groups {
			g := &p.groups[i]
			v.Keys(g.Dimensions, l.options.Instances.Tags, func(k Key) {
				sums.Add(labelKey(k, len(v.Labels)), v.Amount(&g.Cell))
			})
		}
	}
	return sums
}

// addBeyond adds what the summary has beyond the lines to a view, under the keys that a line without any dimension has.
func (l *Ledger) addBeyond(v View, sums Sums, beyond billclient.Amount) {
	if beyond.Sign() != 0 && !v.Listed {
		v.Keys(Dimensions{}, l.options.Instances.Tags, func(k Key) { sums.Add(labelKey(k, len(v.Labels)), beyond) })
	}
}

// closeInstances folds the instances of all parts, describes those that are kept, and counts both.
func (l *Ledger) closeInstances(s *LineSums, v View) {
	options := l.options.Instances
	if !options.Enabled {
		return
	}
	kept, described := l.foldParts(s, v)
	l.addBeyond(v, kept, s.Beyond)
	for _, r := range kept.Rows(len(v.Labels)) {
		i := Instance{Key: Key(r.Labels), Facts: make([]string, len(options.Facts()))}
		if of, ok := described[i.Key]; ok {
			i.Facts = of.facts(len(options.Tags))
		}
		r.Labels = append(r.Labels, options.promotedValues(i.Facts)...)
		s.Rows[v.Name] = append(s.Rows[v.Name], r)
		s.Instances = append(s.Instances, i)
	}
}

// foldParts returns what the dearest instances of all parts have cost, with the others folded, and those instances.
func (l *Ledger) foldParts(s *LineSums, v View) (kept Sums, described map[Key]partInstance) {
	var all []partInstance // in the order of their keys, for that of their products comes first
	for _, p := range s.parts {
		all = append(all, p.instances...)
	}
	isKept := l.options.Instances.largest(len(all), func(i int) billclient.Amount { return all[i].cost })
	kept, described, s.Tallies = Sums{}, map[Key]partInstance{}, map[string]Tally{}
	for _, p := range s.parts {
		tally := p.tally
		for project, amount := range p.folded {
			kept.Add(v.Fold(Key{p.product, project}), amount)
		}
		for i, instance := range p.instances {
			k := Key{p.product, instance.project, instance.instance}
			if isKept[i] {
				described[k] = instance
			} else {
				k = v.Fold(k)
				tally.fold(instance.instance != None)
			}
			kept.Add(k, instance.cost)
		}
		isKept = isKept[len(p.instances):]
		s.Tallies[p.product] = tally
	}
	return kept, described
}

// CloseDays derives the days that the lines cover from the cells. It has to be called before Close.
func (l *Ledger) CloseDays(readFor *Summary, readAt time.Time) map[billclient.Day]Day {
	byDay, watched := l.daySums(), l.watchedCosts()
	for _, o := range l.others {
		addDays(byDay, o.days)
		for at := range watched {
			watched[at] = append(watched[at], o.watched[at]...)
		}
	}
	days, pool := map[billclient.Day]Day{}, labelPool{}
	first, last := l.coveredDays(readFor, readAt)
	for at := first; at <= last; at++ {
		d := Day{ReadAt: readAt, ProjectProduct: byDay[at].rows(2, pool), Instances: watched[at]}
		if len(l.others) > 0 {
			slices.SortFunc(d.Instances, func(a, b InstanceCost) int { return CompareKeys(*a.Key, *b.Key) })
		}
		days[at] = d
	}
	return days
}

// daySums returns what each day has cost by project and product.
func (l *Ledger) daySums() map[billclient.Day]Sums {
	byDay := map[billclient.Day]Sums{}
	for k, amount := range l.days {
		if byDay[k.day] == nil {
			byDay[k.day] = Sums{}
		}
		project, product := l.symbols.text(k.project), l.symbols.text(k.product)
		byDay[k.day].Add(Key{KeyLabel(project), KeyLabel(product)}, *amount)
	}
	return byDay
}

// addDays adds the sums of days to others.
func addDays(byDay, others map[billclient.Day]Sums) {
	for at, costs := range others {
		if byDay[at] == nil {
			byDay[at] = Sums{}
		}
		for k, amount := range costs {
			byDay[at].Add(k, amount)
		}
	}
}

// coveredDays returns the first and the last day that lines cover: those that the estimate they were read for is made
// of, none of them yet to come. Where the API does not say, these are the days that have lines, from the month's first
// on.
func (l *Ledger) coveredDays(readFor *Summary, readAt time.Time) (first, last billclient.Day) {
	first = max(readFor.Begin, billclient.DayOf(readFor.Month.Start()))
	last = cmp.Or(readFor.End, l.newestDay)
	return first, min(last, billclient.DayOf(readFor.Month.End()).Add(-1), billclient.DayOf(readAt))
}

// watchedCosts returns what instances cost on the watched days. An instance without a cost is not listed.
func (l *Ledger) watchedCosts() map[billclient.Day][]InstanceCost {
	days, keys := l.options.Watched, chunks[Key]{}
	costs := make([][]InstanceCost, len(days)) // none are not the same as not known
	for i := range days {
		costs[i] = make([]InstanceCost, 0, l.watched[i].count())
	}
	for cells := range l.cellsByInstance(l.sortedCells()) {
		var key *Key
		for i := range days {
			cost := l.watched[i].sumOf(cells)
			if cost.Sign() == 0 {
				continue
			}
			if key == nil {
				key = keys.at(keys.rows)
				*key = l.keyOfGroup(l.groupOfCell(cells[0]))
				key[2] = l.cells.at(int(cells[0])).instance
			}
			costs[i] = append(costs[i], InstanceCost{key, cost})
		}
	}
	byDay := map[billclient.Day][]InstanceCost{}
	for i, at := range days {
		byDay[at] = costs[i]
	}
	return byDay
}
