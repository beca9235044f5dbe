package collector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// part is a part of a snapshot that can be large, and then has a file of its own in the state directory: it is written
// only when it has changed.
type part struct {
	place  string       // in the snapshot
	size   int          // how many elements its lists have
	is     any          // comparable; as long as this is the same, the part is
	encode func(record) // writes or reads its lists
	drop   func()       // leaves its lists out
	forget func()       // removes what is nothing without them; nil: lines, which are read again (see WithoutLines)
}

// minPartSize is how many elements a part has at least that has a file of its own.
const minPartSize = 1000

// listIdentity tells lists apart by their places in memory: none is ever changed. It holds on to its list, so that the
// place is not used again.
type listIdentity struct {
	first any
	n     int
}

// partOf returns the part that a list is; put puts one into its place.
func partOf[E any](place string, list []E, fields func(record, *E), put func([]E)) part {
	is := listIdentity{n: lengthOf(list)}
	if len(list) > 0 {
		is.first = &list[0]
	}
	return part{
		place: place, size: len(list), is: is,
		drop: func() {
			list = nil
			put(nil)
		},
		encode: func(r record) {
			encodeList(r, &list, fields)
			put(list)
		},
	}
}

// forgotten returns the part with what removes what is nothing without it.
func (p part) forgotten(forget func()) part {
	p.forget = forget
	return p
}

// partsOf returns the parts that the lists of a map are, in the order of their keys.
func partsOf[K cmp.Ordered, E any](place string, lists map[K][]E, fields func(record, *E)) (parts []part) {
	for _, k := range slices.Sorted(maps.Keys(lists)) {
		put := func(list []E) { lists[k] = list }
		parts = append(parts, partOf(fmt.Sprint(place, " ", k), lists[k], fields, put))
	}
	return parts
}

// together returns the part that others are together, which change together.
func together(place string, is any, parts []part) part {
	all := part{place: place, is: is}
	for _, p := range parts {
		all.size += p.size
	}
	all.encode = func(r record) {
		for _, p := range parts {
			p.encode(r)
		}
	}
	all.drop = func() {
		for _, p := range parts {
			p.drop()
		}
	}
	return all
}

// eachPart calls visit with each part of a snapshot, of whatever size, and returns a copy of the snapshot with what
// visit has made of it.
func eachPart(s *ledger.Snapshot, visit func(part)) *ledger.Snapshot {
	next := *s
	next.Months, next.Days, next.Prepaid = maps.Clone(s.Months), maps.Clone(s.Days), maps.Clone(s.Prepaid)
	for of, m := range next.Months {
		next.Months[of] = eachPartOfMonth(of.String(), m, visit)
	}
	eachPartOfDays(next.Days, visit)
	for of, m := range next.Prepaid {
		if m != nil {
			m := *m
			next.Prepaid[of] = &m
			p := partOf(of.String()+" bought", m.Bought, encodePurchase, func(l []ledger.Purchase) { m.Bought = l })
			visit(p.forgotten(func() { delete(next.Prepaid, of) }))
		}
	}
	if s.Terms != nil {
		t := *s.Terms
		next.Terms = &t
		p := partOf("terms", t.All, encodeTerm, func(l []ledger.Term) { t.All = l })
		visit(p.forgotten(func() { next.Terms = nil }))
	}
	return &next
}

func eachPartOfMonth(place string, m ledger.Month, visit func(part)) ledger.Month {
	m.Bill.Lines = eachPartOfLines(place+" bill", m.Bill.Lines, visit)
	m.Estimate.Lines = eachPartOfLines(place+" estimate", m.Estimate.Lines, visit)
	m.DayLines = eachPartOfModeLines(place+" day lines", m.DayLines, visit)
	m.MonthLines = eachPartOfModeLines(place+" month lines", m.MonthLines, visit)
	m.ModeDays = maps.Clone(m.ModeDays)
	for by, d := range m.ModeDays {
		if d != nil {
			next := *d
			next.Days = maps.Clone(d.Days)
			m.ModeDays[by] = &next
			p := together(fmt.Sprint(place, " days of ", by), d, partsOf("", next.Days, encodeRow))
			visit(p.forgotten(func() { delete(m.ModeDays, by) }))
		}
	}
	return m
}

func eachPartOfLines(place string, s *ledger.LineSums, visit func(part)) *ledger.LineSums {
	if s == nil {
		return nil
	}
	next := *s
	next.Rows = maps.Clone(s.Rows)
	for _, p := range partsOf(place+" rows", next.Rows, encodeRow) {
		visit(p)
	}
	visit(partOf(place+" instances", s.Instances, encodeInstance, func(l []ledger.Instance) { next.Instances = l }))
	return &next
}

func eachPartOfModeLines(place string, m *ledger.ModeLines, visit func(part)) *ledger.ModeLines {
	if m == nil {
		return nil
	}
	next := *m
	next.Days, next.Sums = maps.Clone(m.Days), maps.Clone(m.Sums)
	lists := []part{
		partOf("", m.Instances, encodeModeInstance, func(l []ledger.ModeInstance) { next.Instances = l }),
		partOf("", m.Bought, encodePurchase, func(l []ledger.Purchase) { next.Bought = l }),
	}
	lists = append(lists, partsOf("", next.Days, encodeDayCost)...)
	for _, mode := range slices.Sorted(maps.Keys(next.Sums)) {
		next.Sums[mode] = eachPartOfLines("", next.Sums[mode], func(p part) { lists = append(lists, p) })
	}
	visit(together(place, m, lists))
	return &next
}

// eachPartOfDays visits the instances of each day, and the other rows of the days of each month together.
func eachPartOfDays(days map[billclient.Day]ledger.Day, visit func(part)) {
	type identities [31]any // by day of the month
	rows, all := map[billclient.Month][]part{}, map[billclient.Month]identities{}
	for _, at := range slices.Sorted(maps.Keys(days)) {
		put := func(change func(*ledger.Day)) {
			d := days[at]
			change(&d)
			days[at] = d
		}
		visit(partOf(at.String()+" instances", days[at].Instances, encodeInstanceCost,
			func(l []ledger.InstanceCost) { put(func(d *ledger.Day) { d.Instances = l }) }))
		p := partOf("", days[at].ProjectProduct, encodeRow,
			func(l []ledger.Row) { put(func(d *ledger.Day) { d.ProjectProduct = l }) })
		m := at.Month()
		is := all[m]
		is[at.Sub(billclient.DayOf(m.Start()))] = p.is
		rows[m], all[m] = append(rows[m], p), is
	}
	for m, parts := range rows {
		isOfMonth := func(at billclient.Day, _ ledger.Day) bool { return at.Month() == m }
		visit(together(m.String()+" days", all[m], parts).forgotten(func() { maps.DeleteFunc(days, isOfMonth) }))
	}
}
