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

// ProductGroups returns what is known of product groups: their codes by the answers that have them beside an id or a
// name, and their product codes by the postpaid instances that both services have. A group all of whose postpaid
// instances have one product code is that product.
func (s *Snapshot) ProductGroups() ProductGroups {
	g := ProductGroups{map[string]string{}, map[string]string{}, map[string]string{}}
	for id, group := range s.Groups {
		g.byID[id] = group.Code
		g.addName(group.Name, group.Code)
	}
	for _, m := range s.Months {
		if u := m.Union(ByGroup); u != nil {
			for code, name := range u.Names {
				g.addName(name, code)
			}
		}
	}
	for _, m := range s.Months {
		for _, lines := range []*ModeLines{m.DayLines, m.MonthLines} {
			if lines != nil {
				g.learn(lines)
			}
		}
	}
	return g
}

// BoughtIn returns what was bought in a closed month, nil if it is not known. No lines at all of a month that has cost
// something prepaid say nothing.
func (s *Snapshot) BoughtIn(of billclient.Month) *PrepaidMonth {
	m := s.Prepaid[of]
	prepaid, _ := s.Months[of].Union(ByPayMode).Part(billclient.Prepaid)
	if m != nil && m.Count == 0 && prepaid.Sign() != 0 {
		return nil
	}
	return m
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

// SameCustomer reports whether it is certain that two snapshots are of one customer: their lines or their bills name
// the same one, or they have a bill in common.
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

// KnowsInstances reports whether it is known what instances have cost on those of some days that are of a month.
func (s *Snapshot) KnowsInstances(of billclient.Month, days []billclient.Day) bool {
	return !slices.ContainsFunc(days, func(at billclient.Day) bool {
		return at.Month() == of && s.Days[at].Instances == nil
	})
}
