package collector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// snapshot is all that is known of an account's money. It is never changed, only replaced.
type snapshot struct {
	Months    map[billclient.Month]month
	Days      map[billclient.Day]day // by daily metering
	Estimated bool                   // an estimate of any month was ever seen: the API has them for this account
}

// basis says what a month's numbers are made of.
type basis string

const (
	undecided basis = ""
	billed    basis = "bill"     // GetMonthBill, GetPostpayDetailBill
	estimated basis = "estimate" // getMonthConsume, getPostpayDetailConsume
)

// month is what is known of one month.
type month struct {
	Bill, Estimate book

	PayModes, Groups, Projects *union // as bill-union parts the month; nil until it is read

	// Basis says which book is shown. The first that the month has decides it.
	Basis basis
	// Asked tells whether the API has said if there is an estimate, be it by denying it.
	Asked bool
}

// book is a summary and the lines behind it.
type book struct {
	Summary *summary  // nil: there is none
	Lines   *lineSums // nil until they are read
}

func (b book) empty() bool { return b.Summary == nil }

// final tells whether the book's summary was there after its month had ended: one that was seen only before may have
// grown since.
func (b book) final() bool { return b.Summary != nil && b.Summary.final() }

// shown returns the book whose numbers are shown, an empty one while there is none.
func (m month) shown() book { return *m.book(m.Basis) }

// book returns the book of a basis.
func (m *month) book(of basis) *book {
	switch of {
	case billed:
		return &m.Bill
	case estimated:
		return &m.Estimate
	default:
		return &book{}
	}
}

// settled decides what the month's numbers are based on, as it stands now: the first that there are, and only the bill
// of a closed month takes an estimate's place. A running month waits for what the API says of an estimate. forced is
// the basis that the configuration wants of a running month, undecided if it leaves the choice.
func (m month) settled(running bool, forced basis) month {
	switch {
	case !running && m.Bill.final():
		m.Basis = billed
	case running && forced != undecided:
		m.Basis = forced
	case !m.shown().empty():
	case !m.Estimate.empty():
		if m.Basis == billed { // as the configuration wanted: its lines were counted, not added up
			m.Estimate.Lines = m.Estimate.Lines.unread()
		}
		m.Basis = estimated
	case !m.Bill.empty() && (m.Asked || !running):
		m.Basis = billed
	}
	return m
}

// rows returns the book's rows of a view: those of the summary where they are as much as its products, else those of
// the lines. Without lines, a part is better than nothing: the account's sum stands beside it.
func (b book) rows(v view) []row {
	var rows []row
	if v.summary != nil {
		rows = v.summary(b.Summary)
	}
	if len(rows) > 0 && total(rows).Cmp(total(b.Summary.Product)) == 0 || b.Lines == nil ||
		len(b.Lines.Rows[v.name]) == 0 {
		return rows
	}
	return b.Lines.Rows[v.name]
}

// linesChanged tells whether the summary has changed since the lines were read.
func (b book) linesChanged() bool {
	then, now := b.Lines.ReadFor, b.Summary
	return then.Sum.Cmp(now.Sum) != 0 || then.End != now.End || !slices.EqualFunc(then.Product, now.Product, sameRow)
}

func sameRow(a, b row) bool { return slices.Equal(a.Labels, b.Labels) && a.Amount.Cmp(b.Amount) == 0 }

// with returns a copy of the snapshot that has m in place of what it knew of a month.
func (s *snapshot) with(of billclient.Month, m month) *snapshot {
	next := *s
	next.Months = maps.Clone(s.Months)
	if next.Months == nil {
		next.Months = map[billclient.Month]month{}
	}
	if m != (month{}) {
		next.Months[of] = m
	}
	return &next
}

// since returns a copy of the snapshot without the months before one.
func (s *snapshot) since(from billclient.Month) *snapshot {
	next := *s
	next.Months = maps.Clone(s.Months)
	maps.DeleteFunc(next.Months, func(m billclient.Month, _ month) bool { return m < from })
	return &next
}

// withoutLines returns a copy of the snapshot without what hangs on how lines are added up.
func (s *snapshot) withoutLines() *snapshot {
	next := *s
	next.Months, next.Days = maps.Clone(s.Months), maps.Clone(s.Days)
	for at, m := range next.Months {
		m.Bill.Lines, m.Estimate.Lines = m.Bill.Lines.unread(), m.Estimate.Lines.unread()
		next.Months[at] = m
	}
	for at, d := range next.Days {
		d.Instances = nil
		next.Days[at] = d
	}
	return &next
}

// unread returns what remains of lines that are to be read anew: how many there were, and of whom. As long ago as that
// is, they are due at once, and not shown.
func (s *lineSums) unread() *lineSums {
	if s == nil {
		return nil
	}
	return &lineSums{ReadFor: s.ReadFor, Lines: s.Lines, CustomerID: s.CustomerID, Newest: s.Newest}
}

// any tells whether anything is known.
func (s *snapshot) any() bool {
	for range s.newestFirst {
		return true
	}
	return false
}

// newestFirst yields the books that are known, those of the newest month first.
func (s *snapshot) newestFirst(yield func(book) bool) {
	newestFirst := func(a, b billclient.Month) int { return cmp.Compare(b, a) }
	for _, at := range slices.SortedFunc(maps.Keys(s.Months), newestFirst) {
		for _, b := range []book{s.Months[at].Bill, s.Months[at].Estimate} {
			if !b.empty() && !yield(b) {
				return
			}
		}
	}
}

// reads yields when the numbers were read, some of them more than once.
func (s *snapshot) reads(yield func(time.Time) bool) {
	for _, m := range s.Months {
		for _, u := range []*union{m.PayModes, m.Groups, m.Projects} {
			if u != nil && !yield(u.ReadAt) {
				return
			}
		}
		for _, b := range []book{m.Bill, m.Estimate} {
			if !b.empty() && !yield(b.Summary.ReadAt) || b.Lines != nil && !yield(b.Lines.ReadAt) {
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

// customerID returns the customer whose numbers these are, empty if nothing tells. Lines say it; the id of a bill
// suggests it.
func (s *snapshot) customerID() string {
	for b := range s.newestFirst {
		if b.Lines != nil && b.Lines.CustomerID != "" {
			return bare(b.Lines.CustomerID)
		}
	}
	return s.suggestedCustomer()
}

// suggestedCustomer returns the customer that the ids of bills suggest, empty if none does.
func (s *snapshot) suggestedCustomer() string {
	for b := range s.newestFirst {
		if b.Summary.CustomerID != "" {
			return b.Summary.CustomerID
		}
	}
	return ""
}

// unions returns how many months are parted in a way, and the end of the newest of them that had ended by now, the zero
// time if none had.
func (s *snapshot) unions(by split, now time.Time) (n int, newest time.Time) {
	for at, m := range s.Months {
		if u := *by.of(&m); u == nil || len(u.Parts) == 0 {
			continue
		}
		n++
		if end := at.End(); !end.After(now) && end.After(newest) {
			newest = end
		}
	}
	return n, newest
}

// lines returns how many lines the months from one on have in the books of a basis, and the end of the newest, the
// zero time if none tells.
func (s *snapshot) lines(of basis, from billclient.Month) (n int, newest time.Time) {
	for at, m := range s.Months {
		lines := m.book(of).Lines
		if lines == nil || at < from {
			continue
		}
		n += lines.Lines
		if lines.Newest.After(newest) {
			newest = lines.Newest
		}
	}
	return n, newest
}

// bills returns how many months have a bill, and the end of the newest of them that had ended by now, the zero time if
// none had.
func (s *snapshot) bills(now time.Time) (n int, newest time.Time) {
	for at, m := range s.Months {
		if m.Bill.empty() {
			continue
		}
		n++
		if end := at.End(); !end.After(now) && end.After(newest) {
			newest = end
		}
	}
	return n, newest
}

// estimates returns how many of the months from one on have an estimate, and the instant up to which the newest of
// them counts, the zero time if it does not say.
func (s *snapshot) estimates(from billclient.Month) (n int, newest time.Time) {
	for at, m := range s.Months {
		if m.Estimate.empty() || at < from {
			continue
		}
		n++
		if end := m.Estimate.Summary.dataEnd(); end.After(newest) {
			newest = end
		}
	}
	return n, newest
}
