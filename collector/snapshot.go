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
	months map[billclient.Month]month
}

// month is what is known of one month.
type month struct {
	*summary
	lines *lineSums // nil until they are read
}

// rows returns the month's rows of a view: those of the bill's summary where they are as much as its products, else
// those of the lines. Without lines, a part is better than nothing: the account's sum stands beside it.
func (m month) rows(v view) []row {
	var rows []row
	if v.summary != nil {
		rows = v.summary(m.summary)
	}
	if len(rows) > 0 && total(rows).Cmp(total(m.product)) == 0 || m.lines == nil || len(m.lines.rows[v.name]) == 0 {
		return rows
	}
	return m.lines.rows[v.name]
}

// linesChanged tells whether the bill has changed since the month's lines were read.
func (m month) linesChanged() bool {
	then := m.lines.readFor
	return then.sum.Cmp(m.sum) != 0 || !slices.EqualFunc(then.product, m.product, sameRow)
}

func sameRow(a, b row) bool { return slices.Equal(a.labels, b.labels) && a.amount.Cmp(b.amount) == 0 }

// withLines returns a copy of the snapshot in which the month has these lines.
func (s *snapshot) withLines(m billclient.Month, lines *lineSums) *snapshot {
	next := &snapshot{months: maps.Clone(s.months)}
	next.months[m] = month{summary: s.months[m].summary, lines: lines}
	return next
}

// newestFirst returns the months that have a bill, the newest first.
func (s *snapshot) newestFirst() []billclient.Month {
	return slices.SortedFunc(maps.Keys(s.months), func(a, b billclient.Month) int { return cmp.Compare(b, a) })
}

// customerID returns the customer whose numbers these are, empty if nothing tells. Lines say it; a bill's id suggests
// it.
func (s *snapshot) customerID() string {
	for _, m := range s.newestFirst() {
		if lines := s.months[m].lines; lines != nil && lines.customerID != "" {
			return bare(lines.customerID)
		}
	}
	return s.suggestedCustomer()
}

// suggestedCustomer returns the customer that the bills' ids suggest, empty if none does.
func (s *snapshot) suggestedCustomer() string {
	for _, m := range s.newestFirst() {
		if suggested := s.months[m].customerID; suggested != "" {
			return suggested
		}
	}
	return ""
}

// lines returns how many lines the months from one on have, and the end of the newest, the zero time if none tells.
func (s *snapshot) lines(from billclient.Month) (n int, newest time.Time) {
	for at, m := range s.months {
		if m.lines == nil || at < from {
			continue
		}
		n += m.lines.lines
		if m.lines.newest.After(newest) {
			newest = m.lines.newest
		}
	}
	return n, newest
}

// newestClosed returns the end of the newest month with a bill that has ended by now, the zero time if there is none.
func (s *snapshot) newestClosed(now time.Time) time.Time {
	for _, m := range s.newestFirst() {
		if !m.End().After(now) {
			return m.End()
		}
	}
	return time.Time{}
}
