package ledger

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Month is what is known of one month. Immutable.
type Month struct {
	Bill, Estimate Book
	Unions         map[Split]*Union    // in all pay modes, as far as it was read
	ModeDays       map[Split]*ModeDays // its days, likewise
	DayLines       *ModeLines          // lines of its days in other pay modes than postpaid; nil until they are read
	MonthLines     *ModeLines          // lines of the month as a whole in them, of a closed month; nil until they are read
	CostBill       *CostBill           // nil until it is read
	FirstBill      *FirstBill          // of a closed month; nil until its numbers are taken from the bill
}

// ModeLines returns the lines in other pay modes than postpaid: those of the month as a whole, unless those of its days
// come closer to the summary of its pay modes. It returns nil if there are none.
func (m Month) ModeLines() *ModeLines {
	u := m.Union(ByPayMode)
	switch {
	case m.MonthLines == nil, m.DayLines != nil && m.MonthLines.IsEmpty():
		return m.DayLines
	case m.DayLines == nil || u == nil || len(m.MonthLines.MissesModes(u)) == 0:
		return m.MonthLines
	case m.DayLines.distance(u).Cmp(m.MonthLines.distance(u)) < 0:
		return m.DayLines
	default:
		return m.MonthLines
	}
}

// Union returns the month in all pay modes, split one way; nil until it is read.
func (m Month) Union(by Split) *Union { return m.Unions[by] }

// WithUnion returns a copy of the month with another split.
func (m Month) WithUnion(by Split, u *Union) Month {
	m.Unions = maps.Clone(m.Unions)
	if m.Unions == nil {
		m.Unions = map[Split]*Union{}
	}
	m.Unions[by] = u
	return m
}

// WithModeDays returns a copy of the month with other days of a split.
func (m Month) WithModeDays(by Split, d *ModeDays) Month {
	m.ModeDays = maps.Clone(m.ModeDays)
	if m.ModeDays == nil {
		m.ModeDays = map[Split]*ModeDays{}
	}
	m.ModeDays[by] = d
	return m
}

// withoutUnions returns a copy of the month without what bill-union says.
func (m Month) withoutUnions() Month {
	m.Unions, m.ModeDays, m.DayLines, m.MonthLines, m.CostBill = nil, nil, nil, nil, nil
	return m
}

// Book returns the book of a basis.
func (m *Month) Book(of Basis) *Book {
	switch of {
	case Billed:
		return &m.Bill
	case Estimated:
		return &m.Estimate
	default:
		return &Book{}
	}
}

// HasPromisedBill reports whether an answer without the month's bill is more likely a short answer than a bill that was
// withdrawn. What a month came to while it ran may be gone until its bill is there.
func (m Month) HasPromisedBill(running bool, now time.Time) bool {
	return m.Bill.IsFinal(now) || running && !m.Bill.IsEmpty()
}

// merge returns a month with all that a newer one has, and else what m has.
func (m Month) merge(newer Month) Month {
	next := newer
	next.Bill, next.Estimate = m.Bill.merge(newer.Bill), m.Estimate.merge(newer.Estimate)
	for by, u := range m.Unions {
		if next.Unions[by] == nil {
			next = next.WithUnion(by, u)
		}
	}
	for by, d := range m.ModeDays {
		if next.ModeDays[by] == nil {
			next = next.WithModeDays(by, d)
		}
	}
	next.DayLines, next.MonthLines = cmp.Or(newer.DayLines, m.DayLines), cmp.Or(newer.MonthLines, m.MonthLines)
	next.CostBill, next.FirstBill = cmp.Or(newer.CostBill, m.CostBill), cmp.Or(m.FirstBill, newer.FirstBill)
	return next
}

func (m Month) isZero() bool {
	return m.Bill == Book{} && m.Estimate == Book{} && len(m.Unions) == 0 && len(m.ModeDays) == 0 &&
		m.DayLines == nil && m.MonthLines == nil && m.CostBill == nil && m.FirstBill == nil
}

func (m Month) valid(views []View) bool {
	for _, u := range m.Unions {
		if !u.valid() {
			return false
		}
	}
	for _, d := range m.ModeDays {
		if !d.valid() {
			return false
		}
	}
	return m.FirstBill.valid() && m.Bill.valid(views) && m.Estimate.valid(views) &&
		m.DayLines.valid(views) && m.MonthLines.valid(views)
}

// Book is a summary and the lines behind it.
type Book struct {
	Summary *Summary  // nil: there is none
	Lines   *LineSums // nil until they are read
}

// IsEmpty reports whether the book has no summary.
func (b Book) IsEmpty() bool { return b.Summary == nil }

// IsFinal reports whether the book's summary was there after its month had ended, at the instant now: one that was seen
// only before may have grown since.
func (b Book) IsFinal(now time.Time) bool { return b.Summary != nil && b.Summary.IsFinal(now) }

// Rows returns the book's rows of a view: those of the summary, or those of the lines where the summary has none, or
// has more of None while the lines were read for the same sum.
func (b Book) Rows(v View) []Row {
	var rows, lines []Row
	if v.Summary != nil {
		rows = v.Summary(b.Summary)
	}
	if b.Lines != nil {
		lines = b.Lines.Rows[v.Name]
	}
	hasMore := func() bool {
		return b.Lines.ReadFor.Sum.Cmp(b.Summary.Sum) == 0 && costOfNone(rows).Cmp(costOfNone(lines)) > 0
	}
	if len(lines) > 0 && (len(rows) == 0 || hasMore()) {
		return lines
	}
	return rows
}

// costOfNone returns how much of the rows is not assigned, by absolute value.
func costOfNone(rows []Row) (sum billclient.Amount) {
	for _, r := range rows {
		if slices.Contains(r.Labels, None) {
			sum = sum.Add(r.Amount.Abs())
		}
	}
	return sum
}

// LinesChanged reports whether the summary has changed since the lines were read.
func (b Book) LinesChanged() bool { return !b.Lines.ReadFor.equalSums(b.Summary) }

// sumHasFallen reports whether the summary has fallen below the one that the lines were read for.
func (b Book) sumHasFallen() bool { return b.Summary.Sum.Cmp(b.Lines.ReadFor.Sum) < 0 }

// HasFewerLines reports whether the book had more lines than those that were read, which do not add up to its summary.
func (b Book) HasFewerLines(l *Ledger) bool {
	return b.Lines != nil && l.Count() < b.Lines.Count && !b.Summary.agrees(l.Cost())
}

// MissesLines reports whether the lines that were read cannot be all behind the book's summary: there are none of a
// sum, or fewer than before while the sum has not fallen with them. Fewer that add up to it are all that there are.
func (b Book) MissesLines(l *Ledger) bool {
	return b.HasNoLines(l) || b.HasFewerLines(l) && !b.sumHasFallen()
}

// HasNoLines reports whether no line was read of a summary that comes to something.
func (b Book) HasNoLines(l *Ledger) bool { return l.Count() == 0 && b.Summary.Sum.Sign() != 0 }

// DropsLines reports whether lines are missing in a way that is no failure beside a bill: what a month was estimated by
// may be gone, and its days are no cheaper for it.
func (b Book) DropsLines(l *Ledger) bool {
	return l.Count() == 0 && (b.HasNoLines(l) || b.Lines != nil && b.Lines.Count > 0) || b.HasFewerLines(l)
}

// LinesReadAgain returns the sums of the lines as they were, as the result of another read.
func (b Book) LinesReadAgain(l *Ledger, readAt time.Time) *LineSums {
	if b.Lines == nil {
		return l.CloseUnsummed(b.Summary, readAt)
	}
	next := *b.Lines
	next.ReadFor, next.ReadAt = b.Summary, readAt
	next.parts = nil // they were read for another summary
	return &next
}

// merge returns a book with the newer summary and the newer lines.
func (b Book) merge(newer Book) Book {
	if newer.IsEmpty() {
		return b
	}
	if newer.Lines == nil {
		newer.Lines = b.Lines
	}
	return newer
}

func (b Book) valid(views []View) bool {
	switch {
	case b.Lines == nil:
		return b.Summary == nil || b.Summary.valid()
	case b.Summary == nil || b.Lines.ReadFor == nil:
		return false
	default:
		return b.Summary.valid() && b.Lines.ReadFor.valid() && b.Lines.valid(views)
	}
}

func (b Book) matches(o Instances, views []View) bool {
	return b.Lines == nil || b.Lines.matches(o, views)
}
