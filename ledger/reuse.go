package ledger

import (
	"maps"
	"slices"
)

// Reusing returns a copy of the snapshot that has the lists of a known one wherever it has equal ones: what was read
// again has seldom changed, and need neither be held twice nor be written to disk again.
func (s *Snapshot) Reusing(known *Snapshot) *Snapshot {
	next := *s
	next.Months, next.Days = maps.Clone(s.Months), maps.Clone(s.Days)
	for at, m := range next.Months {
		next.Months[at] = m.reusing(known.Months[at])
	}
	keys, equal := known.longestDay(), equalKeys{}
	for at, d := range next.Days {
		next.Days[at] = d.reusing(known.Days[at], keys, &equal)
	}
	next.Terms = s.Terms.reusing(known.Terms)
	return &next
}

// longestDay returns the day of most instances, as far as days have them.
func (s *Snapshot) longestDay() (longest []InstanceCost) {
	for _, d := range s.Days {
		if len(d.Instances) > len(longest) {
			longest = d.Instances
		}
	}
	return longest
}

func (m Month) reusing(known Month) Month {
	m.Bill.Lines = m.Bill.Lines.reusing(known.Bill.Lines)
	m.Estimate.Lines = m.Estimate.Lines.reusing(known.Estimate.Lines)
	m.DayLines = m.DayLines.reusing(known.DayLines)
	m.MonthLines = m.MonthLines.reusing(known.MonthLines)
	return m
}

func (s *LineSums) reusing(known *LineSums) *LineSums {
	if s == nil || known == nil || s == known {
		return s
	}
	next := *s
	next.Rows = maps.Clone(s.Rows)
	for view, rows := range next.Rows {
		next.Rows[view] = reused(rows, known.Rows[view], equalRows)
	}
	next.Instances = reused(s.Instances, known.Instances, func(a, b Instance) bool {
		return a.Key == b.Key && slices.Equal(a.Facts, b.Facts)
	})
	return next.shareKeys()
}

// shareKeys returns the lines with the keys of their instances as the labels of rows that are equal to them.
func (s *LineSums) shareKeys() *LineSums {
	if s == nil {
		return nil
	}
	next := *s
	next.Rows = maps.Clone(s.Rows)
	for view, rows := range next.Rows {
		isOfInstance := func(r Row, i Instance) bool { return slices.Equal(r.Labels, i.Key[:]) }
		if len(rows) == 0 || !slices.EqualFunc(rows, s.Instances, isOfInstance) ||
			&rows[0].Labels[0] == &s.Instances[0].Key[0] {
			continue
		}
		shared := slices.Clone(rows)
		for i := range shared {
			shared[i].Labels = s.Instances[i].Key[:]
		}
		next.Rows[view] = shared
	}
	return &next
}

func (m *ModeLines) reusing(known *ModeLines) *ModeLines {
	if m == nil || known == nil || m == known {
		return m
	}
	next := *m
	next.Sums = maps.Clone(m.Sums)
	for mode, lines := range next.Sums {
		next.Sums[mode] = lines.reusing(known.Sums[mode])
	}
	return &next
}

func (t *Terms) reusing(known *Terms) *Terms {
	if t == nil || known == nil || t == known {
		return t
	}
	return &Terms{ReadAt: t.ReadAt, All: reused(t.All, known.All, func(a, b Term) bool { return a == b })}
}

// reusing returns the day with the lists of a known one where they are equal, and else with the keys of an earlier list
// of instances, which may be of another day.
func (d Day) reusing(known Day, keys []InstanceCost, equal *equalKeys) Day {
	d.ProjectProduct = reused(d.ProjectProduct, known.ProjectProduct, equalRows)
	switch {
	case isSameList(d.Instances, known.Instances):
	case len(d.Instances) > 0 && equal.areEqual(d.Instances, known.Instances):
		d.Instances = known.Instances
	default:
		d.Instances = withKeysOf(d.Instances, keys)
	}
	return d
}

// equalKeys has the instances of two days whose keys are equal, one after the other: other days of the two reads have
// the same keys in memory, which need not be looked at again.
type equalKeys struct{ a, b []InstanceCost }

func (e *equalKeys) areEqual(a, b []InstanceCost) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		k, l := a[i].Key, b[i].Key
		areKnown := i < len(e.a) && e.a[i].Key == k && e.b[i].Key == l
		if a[i].Cost.Cmp(b[i].Cost) != 0 || !areKnown && k != l && *k != *l {
			return false
		}
	}
	e.a, e.b = a, b
	return true
}

// withKeysOf returns instances with the keys of others in place of equal ones. Both are in the order of their keys.
func withKeysOf(instances, others []InstanceCost) []InstanceCost {
	if len(instances) == 0 || len(others) == 0 || isSameList(instances, others) {
		return instances
	}
	shared := slices.Clone(instances)
	for n := range shared {
		i := &shared[n]
		for len(others) > 0 && CompareKeys(*others[0].Key, *i.Key) < 0 {
			others = others[1:]
		}
		if len(others) > 0 && *others[0].Key == *i.Key {
			i.Key = others[0].Key
		}
	}
	return shared
}

// reused returns the known list if the other one is equal.
func reused[E any](list, known []E, areEqual func(a, b E) bool) []E {
	if len(list) == 0 || isSameList(list, known) || !slices.EqualFunc(list, known, areEqual) {
		return list
	}
	return known
}

// isSameList reports whether two lists are one in memory.
func isSameList[E any](a, b []E) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

// ShareKeys returns a copy of the snapshot whose days share the keys of instances, and the rows of a bill and an estimate
// those of theirs, as those do that were read at once.
func (s *Snapshot) ShareKeys() *Snapshot {
	next := *s
	next.Days, next.Months = maps.Clone(s.Days), maps.Clone(s.Months)
	for at, m := range next.Months {
		m.Bill.Lines, m.Estimate.Lines = m.Bill.Lines.shareKeys(), m.Estimate.Lines.shareKeys()
		next.Months[at] = m
	}
	keys := s.longestDay()
	for at, d := range next.Days {
		d.Instances = withKeysOf(d.Instances, keys)
		next.Days[at] = d
	}
	return &next
}
