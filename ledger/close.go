package ledger

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Close derives every view from the lines, which were read for a summary at an instant. The ledger must not be used any
// more.
func (l *Ledger) Close(readFor *Summary, readAt time.Time) *LineSums {
	of := dearestOfAll
	// While a month runs, all its lines are read again.
	isOver := readFor.Month != 0 && !readAt.Before(readFor.Month.End())
	if isOver && l.keepsParts() {
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
	s := l.closeWhole(readFor, readAt, noInstances)
	if s.Count <= l.options.FewLines {
		s.parts = nil
	}
	return s
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
	keys := kept.keys()
	if len(keys) == 0 {
		return
	}
	rows := make([]Row, len(keys))
	s.Instances = make([]Instance, len(keys))
	for n, k := range keys {
		i := &s.Instances[n]
		i.Key = k
		if of, ok := described[k]; ok {
			i.Facts = of.facts(len(options.Tags))
		} else {
			i.Facts = make([]string, len(options.Facts()))
		}
		rows[n] = Row{Labels: i.Key[:], Amount: kept[k]}
	}
	s.Rows[v.Name] = rows
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
	days, cells := l.options.Watched, l.sortedCells()
	var keys []Key                             // the newest ones: all in one slice would need one large piece of memory
	costs := make([][]InstanceCost, len(days)) // none are not the same as not known
	for i := range days {
		costs[i] = make([]InstanceCost, 0, l.watched[i].count())
	}
	for of := range l.cellsByInstance(cells) {
		var key *Key
		for i := range days {
			cost := l.watched[i].sumOf(of)
			if cost.Sign() == 0 {
				continue
			}
			if key == nil {
				if len(keys) == cap(keys) {
					keys = make([]Key, 0, min(chunkSize, len(cells)))
				}
				keys = append(keys, l.keyOfGroup(l.groupOfCell(of[0])))
				key = &keys[len(keys)-1]
				key[2] = l.cells.at(int(of[0])).instance
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

// keepsParts reports whether what is known of each product of a closed month is kept, so that some of them can be read
// again without the others.
func (l *Ledger) keepsParts() bool {
	return l.Count() > l.options.FewLines && l.partInstances() <= mostPartInstances
}

// partInstances returns how many instances the parts of each product have at most, with their dearest instances.
func (l *Ledger) partInstances() (n int) {
	for cells := range l.cellsByProduct(l.sortedCells()) {
		n += min(len(cells), l.options.Instances.MaxSeries)
	}
	return n
}

// parts returns a part of each product, in the order of their codes.
func (l *Ledger) parts(readAt time.Time, of reach) (parts []*part) {
	options := l.options.Instances
	if of == dearestOfAll {
		options.MinCost = l.leastCost()
	}
	shared := map[traits]*traits{}
	groups := l.groupsByProduct()
	for cells := range l.cellsByProduct(l.sortedCells()) {
		product := l.groupOfCell(cells[0]).product
		p := l.newPart(product)
		p.readAt = readAt
		p.groups = groups[product]
		if options.Enabled && of != noInstances {
			l.addInstances(p, cells, options, shared)
		}
		parts = append(parts, p)
	}
	return parts
}

// leastCost returns an absolute cost below which no instance can be shown among all others.
func (l *Ledger) leastCost() billclient.Amount {
	options := l.options.Instances
	n, cost := l.instancesOf(l.sortedCells())
	if n <= options.MaxSeries || options.MaxSeries == 0 {
		return options.MinCost
	}
	sizes := make([]float64, n) // a float is enough to tell all but the closest
	for i := range sizes {
		sizes[i] = cost(i).Abs().Float64()
	}
	slices.Sort(sizes)
	var closest []billclient.Amount
	for i := range n {
		if c := cost(i).Abs(); c.Float64() == sizes[n-options.MaxSeries] {
			closest = append(closest, c)
		}
	}
	least := slices.MinFunc(closest, billclient.Amount.Cmp)
	if least.Cmp(options.MinCost) < 0 {
		return options.MinCost
	}
	return least
}

func (l *Ledger) newPart(product symbol) *part {
	lines := l.products[product]
	p := &part{
		product: KeyLabel(l.symbols.text(product)), count: lines.count, newest: lines.newest,
		name: lines.name, projectNames: map[string]*newestText{}, folded: map[string]billclient.Amount{},
	}
	for project, name := range lines.projectNames {
		p.projectNames[KeyLabel(l.symbols.text(project))] = name
	}
	return p
}

func (l *Ledger) groupsByProduct() map[symbol][]groupCost {
	byProduct := map[symbol][]groupCost{}
	for i := range l.groups {
		g := &l.groups[i]
		byProduct[g.product] = append(byProduct[g.product], groupCost{l.dimensions(g), g.Cell})
	}
	return byProduct
}

func (l *Ledger) dimensions(g *group) Dimensions {
	return Dimensions{
		Product: l.symbols.text(g.product), Project: l.symbols.text(g.project), Region: l.symbols.text(g.region),
		Mode: l.symbols.text(g.mode), tags: l.symbols.text(g.tags),
	}
}

// cellsByProduct yields the cells of each product, given sorted ones.
func (l *Ledger) cellsByProduct(cells []uint32) iter.Seq[[]uint32] {
	return runs(cells, func(a, b uint32) bool { return l.groupOfCell(a).product == l.groupOfCell(b).product })
}

func (l *Ledger) groupOfCell(cell uint32) *group { return &l.groups[l.cells.at(int(cell)).group] }

// sortedCells returns all cells in the order of the keys of their instances. They are sorted once.
func (l *Ledger) sortedCells() []uint32 {
	if len(l.sorted) == l.cells.rows {
		return l.sorted
	}
	l.places = nil // no line is added any more, and the memory is wanted for what comes now
	keys := l.sortKeys()
	slices.SortFunc(keys, func(a, b sortKey) int {
		if a.rank != b.rank || a.prefix != b.prefix {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.prefix, b.prefix))
		}
		return strings.Compare(l.cells.at(int(a.cell)).instance, l.cells.at(int(b.cell)).instance)
	})
	l.sorted = make([]uint32, len(keys))
	for i, k := range keys {
		l.sorted[i] = k.cell
	}
	return l.sorted
}

// sortKey is what decides about the order of most cells: reading the cells for each comparison would be slow.
type sortKey struct {
	prefix     uint64 // the first bytes of the instance
	rank, cell uint32
}

func (l *Ledger) sortKeys() []sortKey {
	ranks := l.rankGroups()
	keys := make([]sortKey, l.cells.rows)
	for i := range keys {
		c := l.cells.at(i)
		var prefix [8]byte
		copy(prefix[:], c.instance)
		keys[i] = sortKey{binary.BigEndian.Uint64(prefix[:]), uint32(ranks[c.group]), uint32(i)}
	}
	return keys
}

// rankGroups returns the rank of the product and the project of each group, by their labels.
func (l *Ledger) rankGroups() []int {
	keys := make([]Key, len(l.groups))
	for i := range l.groups {
		keys[i] = l.keyOfGroup(&l.groups[i])
	}
	sorted := slices.Compact(slices.SortedFunc(slices.Values(keys), CompareKeys))
	ranks := make([]int, len(keys))
	for i, k := range keys {
		ranks[i], _ = slices.BinarySearchFunc(sorted, k, CompareKeys)
	}
	return ranks
}

// keyOfGroup returns the key that the instances of a group have, without their ids.
func (l *Ledger) keyOfGroup(g *group) Key {
	return Key{KeyLabel(l.symbols.text(g.product)), KeyLabel(l.symbols.text(g.project))}
}

// addInstances adds the instances of a product's cells to its part.
func (l *Ledger) addInstances(p *part, cells []uint32, options Instances, shared map[traits]*traits) {
	n, cost := l.instancesOf(cells)
	kept := options.largest(n, cost)
	p.instances = make([]partInstance, 0, count(kept))
	i := 0
	for of := range l.cellsByInstance(cells) {
		p.tally.count(l.cells.at(int(of[0])).instance != None, kept[i])
		if kept[i] {
			p.instances = append(p.instances, l.newPartInstance(of, shared))
		} else {
			project := KeyLabel(l.symbols.text(l.groupOfCell(of[0]).project))
			p.folded[project] = p.folded[project].Add(l.costs.sumOf(of))
		}
		i++
	}
}

// instancesOf returns how many instances sorted cells are of, and a function that returns the cost of the i-th of them.
func (l *Ledger) instancesOf(cells []uint32) (n int, cost func(i int) billclient.Amount) {
	bounds := make([]uint32, 1, len(cells)+1)
	for of := range l.cellsByInstance(cells) {
		bounds = append(bounds, bounds[len(bounds)-1]+uint32(len(of)))
	}
	return len(bounds) - 1, func(i int) billclient.Amount { return l.costs.sumOf(cells[bounds[i]:bounds[i+1]]) }
}

// cellsByInstance yields the cells of each instance, given sorted ones.
func (l *Ledger) cellsByInstance(cells []uint32) iter.Seq[[]uint32] {
	return runs(cells, func(a, b uint32) bool {
		x, y := l.groupOfCell(a), l.groupOfCell(b)
		return x.product == y.product && x.project == y.project &&
			l.cells.at(int(a)).instance == l.cells.at(int(b)).instance
	})
}

// newPartInstance returns an instance of a part with the attributes of the latest line of its cells.
func (l *Ledger) newPartInstance(cells []uint32, shared map[traits]*traits) partInstance {
	latest := l.cells.at(int(cells[0]))
	for _, cell := range cells[1:] {
		if c := l.cells.at(int(cell)); l.isNewer(c, latest) {
			latest = c
		}
	}
	t := l.traitsOf(latest)
	if shared[t] == nil {
		shared[t] = &t
	}
	return partInstance{
		traits: shared[t], instance: strings.Clone(latest.instance), name: string(l.names.text(latest.name)),
		cost: l.costs.sumOf(cells),
	}
}

func (l *Ledger) traitsOf(c *instanceCell) traits {
	g := &l.groups[c.group]
	return traits{
		project: KeyLabel(l.symbols.text(g.project)),
		subtype: l.symbols.text(c.subtype), mode: l.symbols.text(g.mode), region: l.symbols.text(g.region),
		zone: l.symbols.text(c.zone), tags: l.symbols.text(g.tags),
	}
}

// isNewer reports whether the latest line of a is newer than that of b. Lines of the same time are told apart by what
// they say, so that no attribute depends on the order of the lines.
func (l *Ledger) isNewer(a, b *instanceCell) bool {
	s, t := l.traitsOf(a), l.traitsOf(b)
	return cmp.Or(
		strings.Compare(l.symbols.text(a.end), l.symbols.text(b.end)),
		strings.Compare(string(l.names.text(a.name)), string(l.names.text(b.name))),
		strings.Compare(s.subtype, t.subtype), strings.Compare(s.mode, t.mode), strings.Compare(s.region, t.region),
		strings.Compare(s.zone, t.zone), strings.Compare(s.tags, t.tags),
	) > 0
}

// ComesTo reports whether the lines come to what a product costs in a summary.
func (l *Ledger) ComesTo(product string, s *Summary) bool {
	return IsRounding(s.costOf(KeyLabel(product)).Sub(l.Cost()), l.Count()+1)
}

// KeepProducts adds what is known of the lines of other products than the given ones, which are read again, and of the
// days that lines were read of. The known lines have to be some that ProductsToRead was asked about.
func (l *Ledger) KeepProducts(known *LineSums, days map[billclient.Day]Day, except []string) {
	isKept := func(product string) bool { return !slices.Contains(except, product) }
	var kept others
	for _, p := range known.parts {
		if isKept(p.product) {
			kept.parts = append(kept.parts, p)
		}
	}
	kept.days, kept.watched = map[billclient.Day]Sums{}, map[billclient.Day][]InstanceCost{}
	for at, d := range days {
		if at.Month() == known.ReadFor.Month {
			kept.days[at] = d.costsOf(isKept)
			kept.watched[at] = d.instancesOf(isKept)
			l.newestDay = max(l.newestDay, at)
		}
	}
	l.customerID = known.CustomerID
	l.others = append(l.others, kept)
}

// Include adds what the lines of another ledger come to, which were read at an instant. The other ledger must not be
// used any more.
func (l *Ledger) Include(other *Ledger, readAt time.Time) {
	l.others = append(l.others, others{other.parts(readAt, dearestOfEach), other.daySums(), other.watchedCosts()})
	l.newestDay = max(l.newestDay, other.newestDay)
	if other.customerID != "" {
		l.customerID = other.customerID
	}
}

// allParts returns the parts of the ledger with those of others.
func (l *Ledger) allParts(readAt time.Time, of reach) []*part {
	parts := l.parts(readAt, of)
	for _, o := range l.others {
		parts = append(parts, o.parts...)
	}
	slices.SortFunc(parts, func(a, b *part) int { return strings.Compare(a.product, b.product) })
	return parts
}
