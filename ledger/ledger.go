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

// Cell is the sum of the lines of one key, and the attributes of the latest of them.
type Cell struct {
	Cost, List billclient.Amount // after and before discount

	watched *[watchedDays]billclient.Amount // cost of the watched days, nil before the first line of one

	no                                      []byte // DetailBillNo of the line that the attributes are from
	end                                     symbol // its DetailBillEndTime
	name                                    string
	subtype, zone, productName, projectName symbol
}

// cellKey is Dimensions in a third of the memory: a large bill has hundreds of thousands of them. It is the finest key
// that any cost family needs; lines that agree in it are never told apart again.
type cellKey struct {
	instance                             string
	product, project, region, mode, tags symbol
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
}

// Counts reports whether a line counts.
func (o *Options) Counts(line *billclient.Line) bool { return o.Until == 0 || line.StatDate <= o.Until }

// Ledger adds up the lines of one month. It keeps no line: its size follows the number of instances, not of lines.
// It is not safe for concurrent use.
type Ledger struct {
	options Options
	cells   map[cellKey]*Cell
	days    map[dayKey]*billclient.Amount
	symbols symbols
	tags    []byte // scratch

	count      int
	customerID billclient.CustomerID
	newestText string
	newest     time.Time // latest DetailBillEndTime that is a time, and not yet to come
	newestDay  billclient.Day
}

// New returns an empty ledger.
func New(o Options) *Ledger {
	return &Ledger{
		options: o, symbols: newSymbols(), cells: map[cellKey]*Cell{}, days: map[dayKey]*billclient.Amount{},
	}
}

// Count returns how many lines were added.
func (l *Ledger) Count() int { return l.count }

// Cost returns the sum of all lines.
func (l *Ledger) Cost() (sum billclient.Amount) {
	for _, c := range l.cells {
		sum = sum.Add(c.Cost)
	}
	return sum
}

// Add adds one line. It looks up one cell: every family is derived from the cells when the ledger is closed.
func (l *Ledger) Add(line *billclient.Line) {
	if !l.options.Counts(line) {
		return
	}
	tags := ""
	if len(l.options.Instances.Tags) > 0 {
		tags = l.tagValues(line)
	}
	key := l.keyOf(line, tags)
	c := l.addToCell(key, line)
	if line.StatDate != 0 {
		l.addDay(c, dayKey{line.StatDate, key.project, key.product}, line.Cost)
	}
	l.countLine(line)
}

// keyOf returns what a line with these values of tags is added up by.
func (l *Ledger) keyOf(line *billclient.Line, tags string) cellKey {
	return cellKey{
		instance: line.InstanceID,
		product:  l.symbols.symbolOf(line.ProductCode),
		project:  l.symbols.symbolOf(line.ProjectID),
		region:   l.symbols.symbolOf(line.RegionName),
		mode:     l.symbols.symbolOf(line.BillingMode),
		tags:     l.symbols.symbolOf(tags),
	}
}

// addToCell adds a line to the cell of its key.
func (l *Ledger) addToCell(key cellKey, line *billclient.Line) *Cell {
	c, ok := l.cells[key]
	if !ok {
		c = &Cell{}
		key.instance = strings.Clone(key.instance) // a line's texts are not to be kept
		l.cells[key] = c
	}
	c.Cost = c.Cost.Add(line.Cost)
	c.List = c.List.Add(line.ListCost)
	l.describe(c, line)
	return c
}

// addInstance adds what an instance has cost.
func (l *Ledger) addInstance(i *ModeInstance) {
	line := billclient.Line{
		InstanceID: i.Instance, ProductCode: i.Group, ProjectID: i.Project, RegionName: i.Region, BillingMode: i.BillingMode,
		InstanceName: i.Name, ProductSubTypeName: i.Subtype, ZoneName: i.Zone, EndTime: i.End,
		ProductName: i.GroupName, ProjectName: i.ProjectName, Cost: i.Cost,
	}
	l.addToCell(l.keyOf(&line, strings.Join(i.Tags, tagSeparator)), &line)
}

// addDay adds the cost of a line of one day.
func (l *Ledger) addDay(c *Cell, k dayKey, cost billclient.Amount) {
	l.newestDay = max(l.newestDay, k.day)
	sum, ok := l.days[k]
	if !ok {
		sum = new(billclient.Amount)
		l.days[k] = sum
	}
	*sum = sum.Add(cost)
	for i, watched := range l.options.Watched {
		if watched == k.day {
			if c.watched == nil {
				c.watched = new([watchedDays]billclient.Amount)
			}
			c.watched[i] = c.watched[i].Add(cost)
		}
	}
}

// describe takes the attributes of the line if it is the latest of its cell.
func (l *Ledger) describe(c *Cell, line *billclient.Line) {
	end := l.symbols.text(c.end)
	if line.EndTime < end || line.EndTime == end && line.DetailBillNo < string(c.no) {
		return
	}
	c.end = l.replaceSymbol(c.end, line.EndTime)
	c.no = append(c.no[:0], line.DetailBillNo...)
	if c.name != line.InstanceName {
		c.name = strings.Clone(line.InstanceName)
	}
	c.subtype = l.replaceSymbol(c.subtype, line.ProductSubTypeName)
	c.zone = l.replaceSymbol(c.zone, line.ZoneName)
	c.productName = l.replaceSymbol(c.productName, line.ProductName)
	c.projectName = l.replaceSymbol(c.projectName, line.ProjectName)
}

// replaceSymbol returns the symbol of a text. It saves the lookup where the text has not changed, as is the case for
// all but the first line of an instance.
func (l *Ledger) replaceSymbol(old symbol, text string) symbol {
	if l.symbols.text(old) == text {
		return old
	}
	return l.symbols.symbolOf(text)
}

// countLine records what a line says of the month as a whole.
func (l *Ledger) countLine(line *billclient.Line) {
	l.count++
	if l.customerID == "" {
		l.customerID = billclient.ParseCustomerID(strings.Clone(line.CustomerID))
	}
	if line.EndTime > l.newestText {
		end, err := time.ParseInLocation(time.DateTime, line.EndTime, billclient.Beijing)
		if err == nil && !end.After(l.options.ReadAt) { // a monthly fee ends with its month
			l.newestText, l.newest = strings.Clone(line.EndTime), end
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

// symbol stands for a text that many lines share. The zero symbol is the empty text.
type symbol uint32

// symbols gives each text a symbol.
type symbols struct {
	byText map[string]symbol
	texts  []string
}

func newSymbols() symbols { return symbols{byText: map[string]symbol{"": 0}, texts: []string{""}} }

func (s *symbols) symbolOf(text string) symbol {
	if symbol, ok := s.byText[text]; ok {
		return symbol
	}
	text = strings.Clone(text)
	next := symbol(len(s.texts))
	s.texts = append(s.texts, text)
	s.byText[text] = next
	return next
}

func (s *symbols) text(of symbol) string { return s.texts[of] }
