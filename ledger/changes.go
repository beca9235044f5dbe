package ledger

import (
	"cmp"
	"maps"
	"time"

	"ksyun_bill_exporter/billclient"
)

// WithGroups returns a copy of the snapshot with other product groups.
func (s *Snapshot) WithGroups(groups []billclient.ProductGroup) *Snapshot {
	next := *s
	next.Groups = map[string]Group{}
	for _, g := range groups {
		next.Groups[keepText(g.ID)] = Group{keepText(g.Code), keepText(g.Name)}
	}
	return &next
}

// WithMonth returns a copy of the snapshot that has m in place of what it knew of a month.
func (s *Snapshot) WithMonth(of billclient.Month, m Month) *Snapshot {
	next := *s
	next.Months = maps.Clone(s.Months)
	if next.Months == nil {
		next.Months = map[billclient.Month]Month{}
	}
	if !m.isZero() {
		next.Months[of] = m
	}
	return &next
}

// Put returns a copy of the snapshot that has m in place of what it knew of a month, also if m is nothing.
func (s *Snapshot) Put(of billclient.Month, m Month) *Snapshot {
	next := s.WithMonth(of, m)
	if m.isZero() {
		delete(next.Months, of)
	}
	return next
}

// DropBefore returns a copy of the snapshot without the months before one. What their projects were called stays known.
func (s *Snapshot) DropBefore(from billclient.Month) *Snapshot {
	next := *s
	next.Months, next.Projects = maps.Clone(s.Months), maps.Clone(s.Projects)
	for at, m := range s.Months {
		if at >= from {
			continue
		}
		delete(next.Months, at)
		if next.Projects == nil {
			next.Projects = map[string]string{}
		}
		for name, id := range ProjectIDs(m) {
			AddID(next.Projects, name, id)
		}
	}
	return &next
}

// DropModeLinesBefore returns a copy of the snapshot without the lines of bill-union of the months before one.
func (s *Snapshot) DropModeLinesBefore(from billclient.Month) *Snapshot {
	next := *s
	next.Months = maps.Clone(s.Months)
	for at, m := range next.Months {
		if at < from {
			m.DayLines, m.MonthLines = nil, nil
			next.Months[at] = m
		}
	}
	return &next
}

// monthsBack is how many months' days are kept beside those of the month that is read: the longest way back, 35 days
// from the 1st of March, ends in January.
const monthsBack = 2

// WithDays returns a copy of the snapshot with these days of a month in place of those that it had.
func (s *Snapshot) WithDays(of billclient.Month, days map[billclient.Day]Day) *Snapshot {
	next := *s
	next.Days = maps.Clone(days)
	for at, d := range s.Days {
		if m := at.Month(); m != of && m >= of.Add(-monthsBack) {
			next.Days[at] = d
		}
	}
	return &next
}

// WithoutLines returns a copy of the snapshot without what depends on how lines are added up.
func (s *Snapshot) WithoutLines() *Snapshot {
	next := *s
	next.Months, next.Days = maps.Clone(s.Months), maps.Clone(s.Days)
	for at, m := range next.Months {
		m.Bill.Lines, m.Estimate.Lines = m.Bill.Lines.withoutRows(), m.Estimate.Lines.withoutRows()
		m.DayLines, m.MonthLines = m.DayLines.withoutSums(), m.MonthLines.withoutSums()
		next.Months[at] = m
	}
	for at, d := range next.Days {
		d.Instances = nil
		next.Days[at] = d
	}
	return &next
}

// WithoutUnions returns a copy of the snapshot without what bill-union says.
func (s *Snapshot) WithoutUnions() *Snapshot {
	next := *s
	next.Months, next.Groups, next.Prepaid = maps.Clone(s.Months), nil, nil
	for at, m := range next.Months {
		next.Months[at] = m.withoutUnions()
	}
	return &next
}

// Merge returns a snapshot with all that a newer one has, and else what s has.
func (s *Snapshot) Merge(newer *Snapshot) *Snapshot {
	next := *s
	for at, m := range newer.Months {
		merged := *next.WithMonth(at, next.Months[at].merge(m))
		next = merged
	}
	next.Days = maps.Clone(s.Days)
	if next.Days == nil {
		next.Days = map[billclient.Day]Day{}
	}
	maps.Copy(next.Days, newer.Days)
	if newer.Groups != nil {
		next.Groups = newer.Groups
	}
	next.Purse, next.Terms = cmp.Or(newer.Purse, s.Purse), cmp.Or(newer.Terms, s.Terms)
	next.Prepaid, next.Projects = map[billclient.Month]*PrepaidMonth{}, map[string]string{}
	maps.Copy(next.Prepaid, s.Prepaid)
	maps.Copy(next.Prepaid, newer.Prepaid)
	maps.Copy(next.Projects, s.Projects)
	maps.Copy(next.Projects, newer.Projects)
	return &next
}

// WithPrepaid returns a copy of the snapshot with what was bought in another month. Months before the given first one
// are dropped, and terms that ended before a day.
func (s *Snapshot) WithPrepaid(
	of billclient.Month, m *PrepaidMonth, first billclient.Month, ended billclient.Day,
) *Snapshot {
	next := *s
	next.Prepaid = maps.Clone(s.Prepaid)
	if next.Prepaid == nil {
		next.Prepaid = map[billclient.Month]*PrepaidMonth{}
	}
	next.Prepaid[of] = m
	for at, known := range next.Prepaid {
		if at < first {
			delete(next.Prepaid, at)
		} else {
			next.Prepaid[at] = known.without(ended)
		}
	}
	return &next
}

// WithPurse returns a copy of the snapshot with another purse; nil: with none.
func (s *Snapshot) WithPurse(p *Purse) *Snapshot {
	next := *s
	next.Purse = p
	return &next
}

// WithTerms returns a copy of the snapshot with other terms; nil: with none.
func (s *Snapshot) WithTerms(t *Terms) *Snapshot {
	next := *s
	next.Terms = t
	return &next
}

// WithFirstBills returns a copy of the snapshot in which every closed month whose basis is the bill at the instant now
// keeps what that bill came to at first, and which products have changed since. A bill that its estimate stands in for
// is not taken over: what it says until then may be a part.
func (s *Snapshot) WithFirstBills(now time.Time, rules BasisRules) *Snapshot {
	next := s
	for at, m := range s.Months {
		if !m.Bill.IsFinal(now) || BasisOf(s, at, now, rules) != Billed {
			continue
		}
		first := FirstBill{ReadAt: m.Bill.Summary.ReadAt, Sum: m.Bill.Summary.Sum, Product: m.Bill.Summary.Product}
		if m.FirstBill != nil {
			first = *m.FirstBill
			first.Changed = nil
		}
		for _, r := range Restated(m) {
			first.Changed = append(first.Changed, r.Labels[0])
		}
		m.FirstBill = &first
		next = next.WithMonth(at, m)
	}
	return next
}
