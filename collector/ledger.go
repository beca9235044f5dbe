package collector

import (
	"bytes"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// Sentinels in key labels. A real value that looks like one gets one more leading underscore (see keyLabel).
const (
	none  = "__none__"  // a line names no instance, region, tag, product, project
	other = "__other__" // what was folded
)

// keyLabel returns the label value of a key: never empty, and never mistaken for a sentinel, whatever somebody names a
// resource. Values that already look like an escaped sentinel are escaped too, so that no two of them become one.
func keyLabel(value string) string {
	if value == "" {
		return none
	}
	rest := strings.TrimLeft(value, "_")
	if (rest == "none__" || rest == "other__") && len(value)-len(rest) >= 2 {
		return "_" + value
	}
	return value
}

// cellKey is the finest key that any cost family needs: lines that agree in it are never told apart again. Its values
// are the API's own; they become labels when the ledger is closed.
type cellKey struct {
	product, project, instance, region, mode string
	tags                                     string // values of the configured tags, joined by tagSeparator
}

// tagSeparator cannot be part of a tag's value: it is no valid UTF-8.
const tagSeparator = "\xff"

// cell is the sum of the lines of one key, and the attributes of the latest of them.
type cell struct {
	cellKey
	cost, list billclient.Amount

	latest                   []byte // DetailBillEndTime and DetailBillNo of the line that the attributes are from
	name, subtype, zone      string // of the instance
	productName, projectName string
}

// tagValue returns the value of the i-th configured tag, empty where the lines have none.
func (c *cell) tagValue(i int) string {
	if c.tags == "" {
		return ""
	}
	return strings.Split(c.tags, tagSeparator)[i]
}

// ledger adds up the lines of one month. It keeps no line: its size follows the number of instances, not of lines.
// It is not safe for concurrent use.
type ledger struct {
	options  Instances
	cells    map[cellKey]*cell
	interned map[string]string
	rank     []byte // scratch
	tags     []byte // scratch

	lines      int
	customerID string
	newest     string // latest DetailBillEndTime
}

func newLedger(options Instances) *ledger {
	return &ledger{options: options, cells: map[cellKey]*cell{}, interned: map[string]string{}}
}

// add adds one line. One lookup per line: every family is derived from the cells when the ledger is closed.
func (l *ledger) add(line *billclient.Line) {
	key := cellKey{
		product: line.ProductCode, project: line.ProjectID, instance: line.InstanceID,
		region: line.RegionName, mode: line.BillingMode,
	}
	if len(l.options.Tags) > 0 {
		key.tags = l.tagValues(line)
	}
	c, ok := l.cells[key]
	if !ok {
		c = l.open(key)
	}
	c.cost = c.cost.Add(line.Cost)
	c.list = c.list.Add(line.ListCost)
	l.describe(c, line)
	l.lines++
	if l.customerID == "" {
		l.customerID = strings.Clone(line.CustomerID)
	}
	if line.EndTime > l.newest {
		l.newest = l.intern(line.EndTime)
	}
}

func (l *ledger) open(key cellKey) *cell {
	c := &cell{cellKey: cellKey{
		product: l.intern(key.product), project: l.intern(key.project), instance: l.intern(key.instance),
		region: l.intern(key.region), mode: l.intern(key.mode), tags: l.intern(key.tags),
	}}
	l.cells[c.cellKey] = c
	return c
}

// describe takes over the attributes of the line if it is the latest of its cell.
func (l *ledger) describe(c *cell, line *billclient.Line) {
	l.rank = append(append(append(l.rank[:0], line.EndTime...), 0), line.DetailBillNo...)
	if bytes.Compare(l.rank, c.latest) < 0 {
		return
	}
	c.latest = append(c.latest[:0], l.rank...)
	l.replace(&c.name, line.InstanceName)
	l.replace(&c.subtype, line.ProductSubTypeName)
	l.replace(&c.zone, line.ZoneName)
	l.replace(&c.productName, line.ProductName)
	l.replace(&c.projectName, line.ProjectName)
}

// replace spares the lookup of a text that is there already, as it is for all but the first line of an instance.
func (l *ledger) replace(text *string, with string) {
	if *text != with {
		*text = l.intern(with)
	}
}

// intern returns a copy of s that outlives the line and is shared with all others of the same text.
func (l *ledger) intern(s string) string {
	if s == "" {
		return ""
	}
	if known, ok := l.interned[s]; ok {
		return known
	}
	s = strings.Clone(s)
	l.interned[s] = s
	return s
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
