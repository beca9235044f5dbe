package ledger

import (
	"maps"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// ModeLedger adds up the lines that bill-union has of a month. Postpaid ones only say which product a group is: their
// costs are those of the bill. It is not safe for concurrent use.
type ModeLedger struct {
	options  Options
	products map[string]string // product code by postpaid instance, as the bill has them; nil: it is not known yet
	named    bool

	texts  map[string]string // a line's texts are not to be kept, and most of them come again
	index  map[ModeKey]int
	lines  ModeLines
	tagger Ledger // joins values of tags
}

// NewModeLedger returns an empty ledger. products has the product code of each postpaid instance that the bill shows of
// the month, nil if that is not known yet. Where named is set, the lines have names of products and projects, else ids.
func NewModeLedger(o Options, products map[string]string, named bool) *ModeLedger {
	l := &ModeLedger{
		options: o, products: products, named: named, texts: map[string]string{}, index: map[ModeKey]int{},
		lines:  ModeLines{Named: named, ReadAt: o.ReadAt, Days: map[billclient.Day][]DayCost{}},
		tagger: Ledger{options: o},
	}
	if products != nil {
		l.lines.Codes = map[string][]string{}
	}
	return l
}

// Count returns how many lines of other pay modes than postpaid were added.
func (l *ModeLedger) Count() int { return l.lines.Count }

// Add adds one line. One without a pay mode costs nothing.
func (l *ModeLedger) Add(line *billclient.UnionLine) {
	group := l.groupOf(line)
	switch {
	case line.PayMode == billclient.Postpaid:
		l.learnCode(group, line.InstanceID)
		return
	case line.Cost.Sign() == 0 && line.PayMode == "":
		return
	}
	l.lines.Count++
	i := l.instanceOf(line, group)
	l.lines.Days[line.Day] = append(l.lines.Days[line.Day], DayCost{i, line.Cost})
	if line.PayMode == billclient.Prepaid {
		k := l.lines.Instances[i].ModeKey
		l.lines.Bought = append(l.lines.Bought, newPurchase(line, k, l.keep(line.InstanceName)))
	}
}

// groupOf returns how a line names its product group.
func (l *ModeLedger) groupOf(line *billclient.UnionLine) string {
	if l.named {
		return line.ProductGroupName
	}
	return line.ProductGroupID
}

// learnCode adds the product code that the bill has of an instance to those of the instance's group.
func (l *ModeLedger) learnCode(group, instance string) {
	code := l.products[instance]
	if codes := l.lines.Codes[group]; code != "" && group != "" && !slices.Contains(codes, code) {
		l.lines.Codes[l.keep(group)] = append(codes, code)
	}
}

// instanceOf returns the index of a line's instance, with the attributes of the line if they are newer.
func (l *ModeLedger) instanceOf(line *billclient.UnionLine, group string) int {
	key := ModeKey{
		PayMode: line.PayMode, Group: group, Project: line.ProjectID, Instance: line.InstanceID, Region: line.RegionName,
		BillingMode: line.BillingMode,
	}
	if l.named {
		key.Project = line.ProjectName
	}
	if len(l.options.Instances.Tags) > 0 {
		key.tags = l.tagger.tagValues(&billclient.Line{Tags: line.Tags})
	}
	i, ok := l.index[key]
	if !ok {
		i = l.addInstance(ModeInstance{ModeKey: ModeKey{
			l.keep(key.PayMode), l.keep(group), l.keep(key.Project), l.keep(key.Instance), l.keep(key.Region),
			l.keep(key.BillingMode), l.keep(key.tags),
		}})
	}
	l.describe(&l.lines.Instances[i], line)
	return i
}

// addInstance adds an instance that is new, and returns its index.
func (l *ModeLedger) addInstance(i ModeInstance) int {
	if len(l.options.Instances.Tags) > 0 && i.Tags == nil {
		i.Tags = strings.Split(i.tags, tagSeparator)
	}
	l.index[i.ModeKey] = len(l.lines.Instances)
	l.lines.Instances = append(l.lines.Instances, i)
	return len(l.lines.Instances) - 1
}

// describe takes the attributes of the line if it is the latest of its instance. Lines of the same time are told apart
// by their names, so that no attribute depends on the order of the lines.
func (l *ModeLedger) describe(i *ModeInstance, line *billclient.UnionLine) {
	if line.EndTime < i.End || line.EndTime == i.End && line.InstanceName < i.Name {
		return
	}
	i.GroupName, i.ProjectName, i.Name = l.keep(line.ProductGroupName), l.keep(line.ProjectName), l.keep(line.InstanceName)
	i.Subtype, i.Zone, i.End = l.keep(line.ProductTypeName), l.keep(line.ZoneName), l.keep(line.EndTime)
}

// keep returns a copy of a text that does not hold on to the answer.
func (l *ModeLedger) keep(text string) string {
	if kept, ok := l.texts[text]; ok {
		return kept
	}
	kept := string(append([]byte(nil), text...))
	l.texts[kept] = kept
	return kept
}

// CloseMonth returns what the lines of a month as a whole come to. The ledger must not be used any more.
func (l *ModeLedger) CloseMonth() *ModeLines {
	m := l.lines
	m.Sums, m.Instances, m.Days = l.sum(l.total()), nil, nil
	return &m
}

// CloseDays returns what the lines of the days from and to and all between come to, with what is known of the days
// before; known can be nil. If from is before the first day that known tells apart, it has to be the first of the
// month: nothing of what known costs can be taken over then. The ledger must not be used any more.
func (l *ModeLedger) CloseDays(known *ModeLines, from, to billclient.Day) *ModeLines {
	switch {
	case known == nil:
	case from < known.FirstApart():
		l.takeOverCodes(known.Codes)
	default:
		l.takeOver(known, from)
	}
	for day := from; day <= to; day++ {
		if _, ok := l.lines.Days[day]; !ok {
			l.lines.Days[day] = []DayCost{} // it has cost nothing
		}
	}
	l.settle(to.Add(1 - daysApart))
	m := l.lines
	m.Through, m.Sums = to, l.sum(l.total())
	return &m
}

// takeOver adds what is known of the days before one.
func (l *ModeLedger) takeOver(known *ModeLines, before billclient.Day) {
	index := l.takeOverInstances(known.Instances)
	for day, costs := range known.Days {
		if day >= before {
			continue
		}
		l.lines.Days[day] = make([]DayCost, len(costs))
		for n, c := range costs {
			l.lines.Days[day][n] = DayCost{index[c.Instance], c.Cost}
		}
		l.lines.Count += len(costs)
	}
	l.lines.Settled = known.Settled
	l.lines.Count += known.Settled
	l.lines.Bought = append(l.lines.Bought, boughtBefore(known.Bought, before)...)
	l.takeOverCodes(known.Codes)
}

// takeOverInstances adds known instances with what they have cost on days that are not told apart, and returns the
// index of each.
func (l *ModeLedger) takeOverInstances(known []ModeInstance) []int {
	index := make([]int, len(known))
	for n, i := range known {
		i.tags = strings.Join(i.Tags, tagSeparator)
		at, ok := l.index[i.ModeKey]
		if !ok {
			at = l.addInstance(i)
		} else {
			l.lines.Instances[at].Cost = i.Cost
		}
		index[n] = at
	}
	return index
}

// takeOverCodes adds known product codes of groups.
func (l *ModeLedger) takeOverCodes(known map[string][]string) {
	if l.lines.Codes == nil {
		l.lines.Codes = known
		return
	}
	for group, codes := range known {
		for _, code := range codes {
			if !slices.Contains(l.lines.Codes[group], code) {
				l.lines.Codes[group] = append(l.lines.Codes[group], code)
			}
		}
	}
}

// settle adds the days before one to the costs of their instances.
func (l *ModeLedger) settle(before billclient.Day) {
	for day, costs := range l.lines.Days {
		if day >= before {
			continue
		}
		for _, c := range costs {
			i := &l.lines.Instances[c.Instance]
			i.Cost = i.Cost.Add(c.Cost)
		}
		l.lines.Settled += len(costs)
		delete(l.lines.Days, day)
	}
}

// total returns the instances with what they cost on all days.
func (l *ModeLedger) total() []ModeInstance {
	all := slices.Clone(l.lines.Instances)
	for _, costs := range l.lines.Days {
		for _, c := range costs {
			all[c.Instance].Cost = all[c.Instance].Cost.Add(c.Cost)
		}
	}
	return all
}

// sum adds up instances by the views, each pay mode on its own.
func (l *ModeLedger) sum(instances []ModeInstance) map[string]*LineSums {
	byMode := map[string]*Ledger{}
	for n := range instances {
		i := &instances[n]
		if i.Cost.Sign() == 0 { // it has no line any more, or lines that cost nothing
			continue
		}
		if byMode[i.PayMode] == nil {
			byMode[i.PayMode] = New(l.options)
		}
		byMode[i.PayMode].addInstance(i)
	}
	sums := map[string]*LineSums{}
	for _, mode := range slices.Sorted(maps.Keys(byMode)) {
		sums[mode] = byMode[mode].Close(&Summary{Sum: byMode[mode].Cost()}, l.options.ReadAt)
	}
	return sums
}
