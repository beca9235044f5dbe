package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Snapshot is all that is known of an account's money. Immutable: its methods return changed copies.
type Snapshot struct {
	Months map[billclient.Month]Month
	Days   map[billclient.Day]Day // by daily metering
	Groups map[string]Group       // of bill-union, by id
	Purse  *Purse                 // nil until it is read
	Terms  *Terms                 // nil until they are read

	Prepaid  map[billclient.Month]*PrepaidMonth // closed months whose terms may still count
	Projects map[string]string                  // ids by name in months that were dropped: terms are longer
}

// Group is a product group of bill-union.
type Group struct{ Code, Name string }

// WithGroups returns a copy of the snapshot with other product groups.
func (s *Snapshot) WithGroups(groups []billclient.ProductGroup) *Snapshot {
	next := *s
	next.Groups = map[string]Group{}
	for _, g := range groups {
		next.Groups[g.ID] = Group{g.Code, g.Name}
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
		for name, id := range m.ProjectIDs() {
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

// IsEmpty reports whether the snapshot has neither bill nor estimate.
func (s *Snapshot) IsEmpty() bool {
	for range s.newestFirst {
		return false
	}
	return true
}

// HasNumbers reports whether the snapshot has anything to show.
func (s *Snapshot) HasNumbers() bool {
	for _, m := range s.Months {
		hasModes := len(m.Unions) > 0 || len(m.ModeDays) > 0 || !m.DayLines.IsEmpty() || !m.MonthLines.IsEmpty()
		if !m.Bill.IsEmpty() || !m.Estimate.IsEmpty() || hasModes {
			return true
		}
	}
	return len(s.Days) > 0 || s.Purse != nil || s.Terms != nil
}

// newestFirst yields the books that are known, those of the newest month first.
func (s *Snapshot) newestFirst(yield func(Book) bool) {
	newestFirst := func(a, b billclient.Month) int { return cmp.Compare(b, a) }
	for _, at := range slices.SortedFunc(maps.Keys(s.Months), newestFirst) {
		for _, b := range []Book{s.Months[at].Bill, s.Months[at].Estimate} {
			if !b.IsEmpty() && !yield(b) {
				return
			}
		}
	}
}

// ReadTimes yields when the numbers were read, some of the times more than once.
func (s *Snapshot) ReadTimes(yield func(time.Time) bool) {
	if s.Purse != nil && !yield(s.Purse.ReadAt) || s.Terms != nil && !yield(s.Terms.ReadAt) {
		return
	}
	for _, m := range s.Months {
		for _, u := range m.Unions {
			if u != nil && !yield(u.ReadAt) {
				return
			}
		}
		for _, d := range m.ModeDays {
			if d != nil && !yield(d.ReadAt) {
				return
			}
		}
		for _, l := range []*ModeLines{m.DayLines, m.MonthLines} {
			if l != nil && !yield(l.ReadAt) {
				return
			}
		}
		for _, b := range []Book{m.Bill, m.Estimate} {
			if !b.IsEmpty() && !yield(b.Summary.ReadAt) || b.Lines != nil && !yield(b.Lines.ReadAt) {
				return
			}
		}
	}
	for _, d := range s.Days {
		if !yield(d.ReadAt) {
			return
		}
	}
}

// CustomerID returns the customer whose numbers these are, empty if nothing tells. Lines say it; the id of a bill
// suggests it.
func (s *Snapshot) CustomerID() billclient.CustomerID {
	return cmp.Or(s.LineCustomer(), s.SuggestedCustomer())
}

// TellsCustomer reports whether anything tells whose numbers these are, be it only the id of a bill.
func (s *Snapshot) TellsCustomer() bool { return s.CustomerID() != "" || len(s.BillIDs()) > 0 }

// LineCustomer returns the customer that lines name, empty if there are none.
func (s *Snapshot) LineCustomer() billclient.CustomerID {
	for b := range s.newestFirst {
		if b.Lines != nil && b.Lines.CustomerID != "" {
			return b.Lines.CustomerID
		}
	}
	return ""
}

// SuggestedCustomer returns the customer that the ids of bills suggest, empty if none does.
func (s *Snapshot) SuggestedCustomer() billclient.CustomerID {
	for b := range s.newestFirst {
		if b.Summary.CustomerID != "" {
			return b.Summary.CustomerID
		}
	}
	return ""
}

// NewestDay returns the newest day that is over and covered. It returns 0 if there is none, or if that day was read
// before staleBefore.
func (s *Snapshot) NewestDay(now, staleBefore time.Time) billclient.Day {
	newest, today := billclient.Day(0), billclient.DayOf(now)
	for at := range s.Days {
		if at < today {
			newest = max(newest, at)
		}
	}
	if s.Days[newest].ReadAt.Before(staleBefore) {
		return 0
	}
	return newest
}

// WatchedDays returns the days whose instances are to be compared, now and until the lines are read again: the day
// before the newest one and the same day of the week before, and the two days after each.
func (s *Snapshot) WatchedDays(now time.Time) []billclient.Day {
	newest := billclient.Day(0)
	for _, m := range s.Months {
		if !m.Estimate.IsEmpty() {
			newest = max(newest, m.Estimate.Summary.End)
		}
	}
	if yesterday := billclient.DayOf(now).Add(-1); newest == 0 || newest > yesterday {
		newest = yesterday
	}
	var days []billclient.Day
	for n := range watchedDays / 2 {
		days = append(days, newest.Add(n-1), newest.Add(n-1-Week))
	}
	return days
}

// Valid reports whether a snapshot from a file is consistent with this build and its views. A file with a good checksum
// can come from another build, and a page that cannot be rendered would end every start.
func (s *Snapshot) Valid(views []View) bool {
	for _, m := range s.Months {
		if !m.valid(views) {
			return false
		}
	}
	for _, d := range s.Days {
		if !d.valid() {
			return false
		}
	}
	return s.Purse.valid() && !slices.Contains(slices.Collect(maps.Values(s.Prepaid)), nil)
}

// Matches reports whether the instances are described as the options say.
func (s *Snapshot) Matches(o Instances, views []View) bool {
	for _, m := range s.Months {
		isOther := !m.DayLines.matches(o, views) || !m.MonthLines.matches(o, views)
		if isOther || !m.Bill.matches(o, views) || !m.Estimate.matches(o, views) {
			return false
		}
	}
	return true
}

// SameCustomer reports whether it is certain that two snapshots are of one customer: their lines or their bills name the
// same one, or they have a bill in common.
func (s *Snapshot) SameCustomer(t *Snapshot) bool {
	if a, b := s.LineCustomer(), t.LineCustomer(); a != "" && b != "" {
		return a == b
	}
	if a, b := s.SuggestedCustomer(), t.SuggestedCustomer(); a != "" && b != "" {
		return a == b
	}
	ids := s.BillIDs()
	for id := range t.BillIDs() {
		if ids[id] {
			return true
		}
	}
	return false
}

// BillIDs returns the ids of all bills that are known.
func (s *Snapshot) BillIDs() map[string]bool {
	ids := map[string]bool{}
	for b := range s.newestFirst {
		for id := range strings.SplitSeq(b.Summary.BillID, ",") {
			if id != "" {
				ids[id] = true
			}
		}
	}
	return ids
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
