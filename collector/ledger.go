package collector

import (
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Sentinels in key labels. A real value that looks like one gets one more leading underscore (see KeyLabel).
const (
	none  = "__none__"  // a line names no instance, region, tag, product, project
	other = "__other__" // what was folded
)

// KeyLabel returns the label value of a code or an id: never empty, and never mistaken for a sentinel, whatever
// somebody names a resource. Values that already look like an escaped sentinel are escaped too, so that no two of them
// become one.
func KeyLabel(value string) string {
	if value == "" {
		return none
	}
	rest := strings.TrimLeft(value, "_")
	if (rest == "none__" || rest == "other__") && len(value)-len(rest) >= 2 {
		return "_" + value
	}
	return value
}

// dimensions are what a line is added up by: as the API names them, before they become labels.
type dimensions struct {
	product, project, instance, region, mode string
	tags                                     string // values of the configured tags, joined by tagSeparator
}

// tagSeparator cannot be part of a tag's value: it is no valid UTF-8.
const tagSeparator = "\xff"

// tag returns the value of the i-th configured tag, empty where the lines have none.
func (d dimensions) tag(i int) string {
	if d.tags == "" {
		return ""
	}
	return strings.Split(d.tags, tagSeparator)[i]
}

// cellKey is dimensions in a third of the memory: a large bill has hundreds of thousands of them. It is the finest key
// that any cost family needs; lines that agree in it are never told apart again.
type cellKey struct {
	instance                             string
	product, project, region, mode, tags symbol
}

// cell is the sum of the lines of one key, and the attributes of the latest of them.
type cell struct {
	cost, list billclient.Amount

	watched *[watchedDays]billclient.Amount // cost of the watched days, nil before the first line of one

	no                                      []byte // DetailBillNo of the line that the attributes are from
	end                                     symbol // its DetailBillEndTime
	name                                    string
	subtype, zone, productName, projectName symbol
}

// watchedDays is how many days are watched at most (see snapshot.watched).
const watchedDays = 6

// dayKey is what the lines of a day are added up by.
type dayKey struct {
	day              billclient.Day
	project, product symbol
}

// ledger adds up the lines of one month. It keeps no line: its size follows the number of instances, not of lines.
// It is not safe for concurrent use.
type ledger struct {
	options Instances
	watched []billclient.Day // whose instances are to be told apart
	cells   map[cellKey]*cell
	days    map[dayKey]*billclient.Amount
	symbols symbols
	tags    []byte // scratch

	lines      int
	customerID string
	newestText string
	newest     time.Time // latest DetailBillEndTime that is a time
	newestDay  billclient.Day
}

func newLedger(options Instances, watched []billclient.Day) *ledger {
	return &ledger{
		options: options, watched: watched, symbols: newSymbols(),
		cells: map[cellKey]*cell{}, days: map[dayKey]*billclient.Amount{},
	}
}

// add adds one line. One lookup of a cell per line: every family is derived from the cells when the ledger is closed.
func (l *ledger) add(line *billclient.Line) {
	key := cellKey{
		instance: line.InstanceID,
		product:  l.symbols.of(line.ProductCode),
		project:  l.symbols.of(line.ProjectID),
		region:   l.symbols.of(line.RegionName),
		mode:     l.symbols.of(line.BillingMode),
	}
	if len(l.options.Tags) > 0 {
		key.tags = l.symbols.of(l.tagValues(line))
	}
	c, ok := l.cells[key]
	if !ok {
		c = &cell{}
		key.instance = strings.Clone(key.instance) // a line's texts are not to be kept
		l.cells[key] = c
	}
	c.cost = c.cost.Add(line.Cost)
	c.list = c.list.Add(line.ListCost)
	if line.StatDate != 0 {
		l.addDay(c, dayKey{line.StatDate, key.project, key.product}, line.Cost)
	}
	l.describe(c, line)
	l.count(line)
}

// addDay adds the cost of a line of one day.
func (l *ledger) addDay(c *cell, k dayKey, cost billclient.Amount) {
	l.newestDay = max(l.newestDay, k.day)
	sum, ok := l.days[k]
	if !ok {
		sum = new(billclient.Amount)
		l.days[k] = sum
	}
	*sum = sum.Add(cost)
	for i, watched := range l.watched {
		if watched == k.day {
			if c.watched == nil {
				c.watched = new([watchedDays]billclient.Amount)
			}
			c.watched[i] = c.watched[i].Add(cost)
		}
	}
}

// describe takes over the attributes of the line if it is the latest of its cell.
func (l *ledger) describe(c *cell, line *billclient.Line) {
	end := l.symbols.text(c.end)
	if line.EndTime < end || line.EndTime == end && line.DetailBillNo < string(c.no) {
		return
	}
	c.end = l.replace(c.end, line.EndTime)
	c.no = append(c.no[:0], line.DetailBillNo...)
	if c.name != line.InstanceName {
		c.name = strings.Clone(line.InstanceName)
	}
	c.subtype = l.replace(c.subtype, line.ProductSubTypeName)
	c.zone = l.replace(c.zone, line.ZoneName)
	c.productName = l.replace(c.productName, line.ProductName)
	c.projectName = l.replace(c.projectName, line.ProjectName)
}

// replace spares a lookup where the text stays, as it does for all but the first line of an instance.
func (l *ledger) replace(old symbol, text string) symbol {
	if l.symbols.text(old) == text {
		return old
	}
	return l.symbols.of(text)
}

// count takes down what a line says of the bill as a whole.
func (l *ledger) count(line *billclient.Line) {
	l.lines++
	if l.customerID == "" {
		l.customerID = strings.Clone(line.CustomerID)
	}
	if line.EndTime > l.newestText {
		if end, err := time.ParseInLocation(time.DateTime, line.EndTime, billclient.Beijing); err == nil {
			l.newestText, l.newest = strings.Clone(line.EndTime), end
		}
	}
}

// tagValues joins the line's values of the configured tags. A key that a line has twice counts with its last value.
func (l *ledger) tagValues(line *billclient.Line) string {
	l.tags = l.tags[:0]
	for i, tag := range l.options.Tags {
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

// symbols gives each text a symbol of its own.
type symbols struct {
	known map[string]symbol
	texts []string
}

func newSymbols() symbols { return symbols{known: map[string]symbol{"": 0}, texts: []string{""}} }

func (s *symbols) of(text string) symbol {
	if known, ok := s.known[text]; ok {
		return known
	}
	text = strings.Clone(text)
	next := symbol(len(s.texts))
	s.texts = append(s.texts, text)
	s.known[text] = next
	return next
}

func (s *symbols) text(of symbol) string { return s.texts[of] }
