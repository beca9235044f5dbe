package ledger

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// part is what the lines of one product come to. Of its instances it has as many as could be shown; the others are
// folded. Immutable.
type part struct {
	product      string    // as a label has it
	readAt       time.Time // when the read of the lines began
	count        int
	newest       time.Time // end of the newest line; zero if none tells
	name         newestText
	projectNames map[string]*newestText // by project
	groups       []groupCost
	instances    []partInstance               // the dearest, in the order of their keys
	folded       map[string]billclient.Amount // the cost of the others, by project
	tally        Tally
}

// groupCost is what the lines of some dimensions, of whatever instance, have cost.
type groupCost struct {
	Dimensions
	Cell
}

// partInstance is what an instance of a part has cost, with its attributes.
type partInstance struct {
	*traits
	instance string // as a label has it
	name     string
	cost     billclient.Amount
}

// traits are what many instances share: their project, as a label has it, and all attributes but their name. Immutable.
type traits struct{ project, subtype, mode, region, zone, tags string }

// facts returns the values of instanceFacts and of n configured tags.
func (i partInstance) facts(n int) []string {
	facts := make([]string, len(instanceFacts), len(instanceFacts)+n)
	copy(facts, []string{i.name, i.subtype, i.mode, i.region, i.zone})
	dimensions := Dimensions{tags: i.tags}
	for tag := range n {
		facts = append(facts, dimensions.Tag(tag))
	}
	return facts
}

// cost returns what all lines of the part have cost.
func (p *part) cost() (sum billclient.Amount) {
	for i := range p.groups {
		sum = sum.Add(p.groups[i].Cost)
	}
	return sum
}

// reach says which instances parts have.
type reach int

const (
	noInstances   reach = iota
	dearestOfAll        // those that are shown
	dearestOfEach       // those of each product that could be shown, whatever is read of the other products
)

// mostPartInstances is of how many instances parts are kept at most: they are in memory for as long as the month is
// shown.
const mostPartInstances = 50_000

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

// leastCost returns the least absolute cost of an instance that can be shown among all others.
func (l *Ledger) leastCost() billclient.Amount {
	options := l.options.Instances
	n, cost := l.instancesOf(l.sortedCells())
	if n <= options.MaxSeries || options.MaxSeries == 0 {
		return options.MinCost
	}
	least := cost(int(rank(n, cost)[options.MaxSeries-1])).Abs()
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
	ranks := l.rankGroups()
	cells := make([]uint32, l.cells.rows)
	for i := range cells {
		cells[i] = uint32(i)
	}
	slices.SortFunc(cells, func(a, b uint32) int {
		x, y := l.cells.at(int(a)), l.cells.at(int(b))
		return cmp.Or(cmp.Compare(ranks[x.group], ranks[y.group]), strings.Compare(x.instance, y.instance))
	})
	l.sorted = cells
	return cells
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

// count returns how many of the values are true.
func count(values []bool) (n int) {
	for _, is := range values {
		if is {
			n++
		}
	}
	return n
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

// runs yields the longest parts of a list in which each element belongs to the one before.
func runs(list []uint32, belong func(a, b uint32) bool) iter.Seq[[]uint32] {
	return func(yield func([]uint32) bool) {
		for from, i := 0, 1; i <= len(list); i++ {
			if i < len(list) && belong(list[i-1], list[i]) {
				continue
			}
			if !yield(list[from:i:i]) {
				return
			}
			from = i
		}
	}
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
