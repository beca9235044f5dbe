// Package ledger adds up bill lines, and holds what is known of an account's months and days. Its values never change
// once they are made; it has no clock, makes no call and knows nothing of Prometheus.
package ledger

import (
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Dimensions are what a line is added up by: as the API names them, before they become labels.
type Dimensions struct {
	Product, Project, Instance, Region, Mode string

	tags string // values of the configured tags, joined by tagSeparator
}

// tagSeparator cannot be part of a tag's value: it is no valid UTF-8.
const tagSeparator = "\xff"

// Tag returns the value of the i-th configured tag, empty where the lines have none.
func (d Dimensions) Tag(i int) string {
	if d.tags == "" {
		return ""
	}
	return strings.Split(d.tags, tagSeparator)[i]
}

// Cell is what the lines of one key have cost.
type Cell struct {
	Cost, List billclient.Amount // after and before discount
}

// group is what lines have cost that differ in nothing but their instance. A bill has few groups, in which there can be
// hundreds of thousands of instances. Every cost family but that of instances is derived from them.
type group struct {
	groupKey
	Cell
	*productLines
	projectName *newestText
}

// groupKey is Dimensions without the instance.
type groupKey struct{ product, project, region, mode, tags symbol }

// productLines is what the lines of one product say as a whole.
type productLines struct {
	count        int
	name         newestText
	projectNames map[symbol]*newestText // by project
	newestText   string
	newest       time.Time // latest DetailBillEndTime that is a time, and not yet to come
}

// newestText is a text of the newest line that has one. Of two lines of the same time, the greater text counts, so that
// it does not depend on the order of the lines.
type newestText struct{ end, text string }

// update takes the text of a line that ends at an instant, unless that is older.
func (n *newestText) update(end, text string) {
	if end < n.end || end == n.end && text <= n.text {
		return
	}
	if n.end != end { // a line's texts are not to be kept
		n.end = strings.Clone(end)
	}
	if n.text != text {
		n.text = keepText(text)
	}
}

// instanceCell has the attributes of the latest line of an instance in a group. What the lines have cost is in the
// columns of the ledger. A large bill has hundreds of thousands of cells.
type instanceCell struct {
	instance           string // as a label has it
	group              uint32
	end, subtype, zone symbol
	name               textSpan
}

// cellKey is the finest key that any cost family needs: lines that agree in it are never told apart again.
type cellKey struct {
	instance string
	group    uint32
}

// dayKey is what the lines of a day are added up by.
type dayKey struct {
	day              billclient.Day
	project, product symbol
}

// Options say how a ledger adds up.
type Options struct {
	Views     []View
	Instances Instances
	Watched   []billclient.Day // days whose instances are told apart, at most six
	Until     billclient.Day   // last day that counts: lines of later days are passed over; 0: all count
	ReadAt    time.Time        // when the lines are read: none that ends later says how new they are
	FewLines  int              // of so many lines or fewer, nothing is kept of single products: all are read again
}

// Counts reports whether a line counts.
func (o *Options) Counts(line *billclient.Line) bool { return o.Until == 0 || line.StatDate <= o.Until }

// Ledger adds up the lines of one month. It keeps no line: its size follows the number of instances, not of lines.
// It is not safe for concurrent use.
type Ledger struct {
	options  Options
	cells    chunks[instanceCell]
	costs    column              // of the cells
	watched  [watchedDays]column // likewise, of each watched day
	places   map[cellKey]uint32  // of cells
	groups   []group
	groupOf  map[groupKey]uint32
	products map[symbol]*productLines
	days     map[dayKey]*billclient.Amount

	symbols   symbols
	instances textPool
	names     texts  // of instances
	tags      []byte // scratch
	last      int    // the cell of the last line
	end       symbol // of the line that was described last: those of a day have the same

	customerID billclient.CustomerID
	newestDay  billclient.Day
	others     []others
	sorted     []uint32 // the cells, once they were sorted
}

// New returns an empty ledger.
func New(o Options) *Ledger {
	return &Ledger{
		options: o, symbols: newSymbols(), places: map[cellKey]uint32{}, groupOf: map[groupKey]uint32{},
		products: map[symbol]*productLines{}, days: map[dayKey]*billclient.Amount{},
	}
}

// Count returns how many lines were added.
func (l *Ledger) Count() (n int) {
	for _, p := range l.products {
		n += p.count
	}
	for _, o := range l.others {
		for _, p := range o.parts {
			n += p.count
		}
	}
	return n
}

// Cost returns the sum of all lines.
func (l *Ledger) Cost() (sum billclient.Amount) {
	for i := range l.groups {
		sum = sum.Add(l.groups[i].Cost)
	}
	for _, o := range l.others {
		for _, p := range o.parts {
			sum = sum.Add(p.cost())
		}
	}
	return sum
}

// Add adds one line.
func (l *Ledger) Add(line *billclient.Line) {
	if !l.options.Counts(line) {
		return
	}
	tags := ""
	if len(l.options.Instances.Tags) > 0 {
		tags = l.tagValues(line)
	}
	cell, g := l.addCost(line, tags)
	if line.StatDate != 0 {
		l.addDay(cell, dayKey{line.StatDate, g.project, g.product}, line.Cost)
	}
	l.countLine(g.productLines, line)
}

// addCost adds the cost of a line, with these values of tags, to its group and to its cell, which it returns.
func (l *Ledger) addCost(line *billclient.Line, tags string) (cell int, g *group) {
	cell, ok := l.guessCell(line, tags)
	if !ok {
		cell = l.cellAt(line.InstanceID, l.groupAt(line, tags))
	}
	l.last = cell
	g = l.groupOfCell(uint32(cell))
	g.Cost, g.List = g.Cost.Add(line.Cost), g.List.Add(line.ListCost)
	g.name.update(line.EndTime, line.ProductName)
	g.projectName.update(line.EndTime, line.ProjectName)
	l.costs.add(cell, line.Cost)
	l.describe(l.cells.at(cell), line)
	return cell, g
}

// guessCell returns the cell of a line if that is the last line's or the one after: lines of an instance follow each
// other, or those of all instances do, day by day in one order. That saves the lookups.
func (l *Ledger) guessCell(line *billclient.Line, tags string) (cell int, ok bool) {
	instance := KeyLabel(line.InstanceID)
	for cell = l.last; cell <= l.last+1 && cell < l.cells.rows; cell++ {
		c := l.cells.at(cell)
		if c.instance == instance && l.isOfGroup(line, tags, &l.groups[c.group].groupKey) {
			return cell, true
		}
	}
	return 0, false
}

func (l *Ledger) isOfGroup(line *billclient.Line, tags string, g *groupKey) bool {
	s := &l.symbols
	return s.text(g.product) == line.ProductCode && s.text(g.project) == line.ProjectID &&
		s.text(g.region) == line.RegionName && s.text(g.mode) == line.BillingMode && s.text(g.tags) == tags
}

// groupAt returns the place of a line's group.
func (l *Ledger) groupAt(line *billclient.Line, tags string) uint32 {
	key := groupKey{
		product: l.symbols.symbolOf(line.ProductCode),
		project: l.symbols.symbolOf(line.ProjectID),
		region:  l.symbols.symbolOf(line.RegionName),
		mode:    l.symbols.symbolOf(line.BillingMode),
		tags:    l.symbols.symbolOf(tags),
	}
	at, ok := l.groupOf[key]
	if !ok {
		at = uint32(len(l.groups))
		l.groupOf[key] = at
		l.groups = append(l.groups, l.newGroup(key))
	}
	return at
}

func (l *Ledger) newGroup(key groupKey) group {
	p := l.products[key.product]
	if p == nil {
		p = &productLines{projectNames: map[symbol]*newestText{}}
		l.products[key.product] = p
	}
	if p.projectNames[key.project] == nil {
		p.projectNames[key.project] = &newestText{}
	}
	return group{groupKey: key, productLines: p, projectName: p.projectNames[key.project]}
}

// cellAt returns the place of the cell of an instance in a group.
func (l *Ledger) cellAt(instance string, group uint32) int {
	key := cellKey{instance, group}
	at, ok := l.places[key]
	if !ok {
		key.instance = l.instances.keep(instance) // a line's texts are not to be kept
		at = uint32(l.cells.rows)
		*l.cells.at(int(at)) = instanceCell{instance: KeyLabel(key.instance), group: group}
		l.places[key] = at
	}
	return int(at)
}

// addInstance adds what an instance has cost.
func (l *Ledger) addInstance(i *ModeInstance) {
	line := billclient.Line{
		InstanceID: i.Instance, ProductCode: i.Group, ProjectID: i.Project, RegionName: i.Region,
		BillingMode:  i.BillingMode,
		InstanceName: i.Name, ProductSubTypeName: i.Subtype, ZoneName: i.Zone, EndTime: i.End,
		ProductName: i.GroupName, ProjectName: i.ProjectName, Cost: i.Cost,
	}
	l.addCost(&line, strings.Join(i.Tags, tagSeparator))
}

// addDay adds the cost of a line of one day.
func (l *Ledger) addDay(cell int, k dayKey, cost billclient.Amount) {
	l.newestDay = max(l.newestDay, k.day)
	sum, ok := l.days[k]
	if !ok {
		sum = new(billclient.Amount)
		l.days[k] = sum
	}
	*sum = sum.Add(cost)
	for i, watched := range l.options.Watched {
		if watched == k.day {
			l.watched[i].add(cell, cost)
		}
	}
}

// describe takes the attributes of the line if it is the latest of its cell. Of two lines that end at the same time,
// the one with the greater attributes counts: which one that is must not depend on the order of the lines.
func (l *Ledger) describe(c *instanceCell, line *billclient.Line) {
	if !l.isLatest(c, line) {
		return
	}
	if l.symbols.text(l.end) != line.EndTime {
		l.end = l.symbols.symbolOf(line.EndTime)
	}
	c.end = l.end
	c.name = l.names.replace(c.name, line.InstanceName)
	c.subtype = l.replaceSymbol(c.subtype, line.ProductSubTypeName)
	c.zone = l.replaceSymbol(c.zone, line.ZoneName)
}

func (l *Ledger) isLatest(c *instanceCell, line *billclient.Line) bool {
	name, subtype, zone := l.names.text(c.name), l.symbols.text(c.subtype), l.symbols.text(c.zone)
	switch end := l.symbols.text(c.end); {
	case line.EndTime != end:
		return line.EndTime > end
	case line.InstanceName != string(name):
		return line.InstanceName > string(name)
	case line.ProductSubTypeName != subtype:
		return line.ProductSubTypeName > subtype
	default:
		return line.ZoneName > zone
	}
}

// replaceSymbol returns the symbol of a text. It saves the lookup where the text has not changed, as is the case for
// all but the first line of an instance.
func (l *Ledger) replaceSymbol(old symbol, text string) symbol {
	if l.symbols.text(old) == text {
		return old
	}
	return l.symbols.symbolOf(text)
}

// countLine records what a line says of its product, and of the month as a whole.
func (l *Ledger) countLine(p *productLines, line *billclient.Line) {
	p.count++
	if l.customerID == "" {
		l.customerID = billclient.ParseCustomerID(strings.Clone(line.CustomerID))
	}
	if line.EndTime > p.newestText {
		end, err := time.ParseInLocation(time.DateTime, line.EndTime, billclient.Beijing)
		if err == nil && !end.After(l.options.ReadAt) { // a monthly fee ends with its month
			p.newestText, p.newest = strings.Clone(line.EndTime), end
		}
	}
}

// tagValues joins the line's values of the configured tags. If a line has a key twice, its last value counts.
func (l *Ledger) tagValues(line *billclient.Line) string {
	l.tags = l.tags[:0]
	for i, tag := range l.options.Instances.Tags {
		if i > 0 {
			l.tags = append(l.tags, tagSeparator...)
		}
		for _, pair := range slices.Backward(line.Tags) {
			if pair.Key == tag.Key {
				l.tags = append(l.tags, pair.Value...)
				break
			}
		}
	}
	return string(l.tags)
}
