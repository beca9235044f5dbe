package metrics

import (
	"iter"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// Account is what a page says of one account: its numbers as they are at one instant. Immutable.
type Account struct {
	Name       string
	CustomerID string // as the configuration says, else as the numbers tell
	Sources    []Source
	Snapshot   *ledger.Snapshot
	Refused    *Refusal // why the numbers are not shown; nil if they are
	AllModes   bool     // bill-union is configured
	Unmatched  []ConfigKey

	options     Options
	now         time.Time
	month       billclient.Month // the running one
	staleBefore time.Time        // numbers of a month that ran are too old if they were read before
	newest      billclient.Day   // newest day that is shown; 0: there are no days
	groups      ledger.ProductGroups
	amortized   *amortized // nil while it is not known
	memo        *memo
}

// AsOf returns the account as it is at the instant now. A refused account has no numbers, and no source of them.
func (a Account) AsOf(now time.Time, o Options) Account {
	a.options, a.now, a.month, a.staleBefore = o, now, billclient.MonthOf(now), now.Add(-o.MaxStaleness)
	if a.Refused != nil {
		a.Snapshot = &ledger.Snapshot{}
	}
	if a.CustomerID == "" {
		a.CustomerID = string(a.Snapshot.CustomerID())
	}
	a.groups, a.memo = a.Snapshot.ProductGroups(), &memo{}
	a.newest = a.Snapshot.NewestDay(now, a.staleBefore)
	if a.newest == 0 && a.hasNothingPostpaid(0) {
		a.newest = a.newestModeDay()
	}
	a.amortized = amortize(a)
	return a
}

// ValidUntil returns when the next of the numbers becomes too old, or an instant before which none does.
func (a Account) ValidUntil(now time.Time) time.Time {
	until := now.Add(a.options.MaxStaleness)
	for read := range a.Snapshot.ReadTimes {
		if end := read.Add(a.options.MaxStaleness); !read.Before(a.staleBefore) && end.Before(until) {
			until = end
		}
	}
	return nextTermChange(a, until).Add(1) // numbers are shown up to and including the greatest age
}

// answeredSources returns the sources whose numbers are shown.
func (a Account) answeredSources() []Source {
	if a.Refused != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.Sources), func(s Source) bool { return s.LastSuccess.IsZero() })
}

// shownMonth is the book of a month that is shown.
type shownMonth struct {
	ledger.Book
	Month billclient.Month
	Basis ledger.Basis
}

// shownMonth returns the numbers of the month n months ago, 0 being the running one; ok is false where there are none
// to show. Bills of closed months stay, and estimates of all their days; anything else is shown as long as it is not
// too old.
func (a Account) shownMonth(n int) (m shownMonth, ok bool) {
	at := a.month.Add(-n)
	m = shownMonth{Month: at, Basis: a.basis(at)}
	known := a.Snapshot.Months[at]
	m.Book = *known.Book(m.Basis)
	if m.IsEmpty() || !a.isSummaryCurrent(m) {
		return shownMonth{}, false
	}
	if m.Lines != nil && !a.areLinesCurrent(m) {
		m.Lines = nil
	}
	return m, true
}

// basis returns the basis of a month. The running one has none before the API was asked for estimates: an account that
// has them would be shown its bill for a moment.
func (a Account) basis(m billclient.Month) ledger.Basis {
	wasAsked := func(s Source) bool { return s.Name == "month_consume" && s.WasTried() }
	if m == a.month && a.options.Running == ledger.Undecided && !slices.ContainsFunc(a.Sources, wasAsked) {
		return ledger.Undecided
	}
	return ledger.BasisOf(a.Snapshot, m, a.now, ledger.BasisRules{
		Running: a.options.Running, MaxStaleness: a.options.MaxStaleness, BillSettles: a.options.BillSettles,
	})
}

func (a Account) isSummaryCurrent(m shownMonth) bool {
	return m.Basis == ledger.Billed && a.isCurrent(m.Month, m.Summary.ReadAt) ||
		a.isWholeEstimate(m.Summary) || !m.Summary.ReadAt.Before(a.staleBefore)
}

// areLinesCurrent reports whether lines are shown. Those that were counted only have no sums to show.
func (a Account) areLinesCurrent(m shownMonth) bool {
	return m.Lines.Summed && (m.Basis == ledger.Billed && a.isCurrent(m.Month, m.Lines.ReadAt) ||
		a.isWholeEstimate(m.Lines.ReadFor) || !m.Lines.ReadAt.Before(a.staleBefore))
}

// isWholeEstimate reports whether all days of a closed month are metered: such an estimate does not grow stale.
func (a Account) isWholeEstimate(s *ledger.Summary) bool { return s.Month < a.month && s.IsWhole() }

// isCurrent reports whether what was read of a month is shown: always if the month had ended by then, else while it is
// not too old.
func (a Account) isCurrent(m billclient.Month, read time.Time) bool {
	return !read.Before(m.End()) || !read.Before(a.staleBefore)
}

// shownMonths yields the months that are shown, by how long ago they are.
func (a Account) shownMonths(from, to int) iter.Seq2[int, shownMonth] {
	return func(yield func(int, shownMonth) bool) {
		for n := from; n <= to; n++ {
			if m, ok := a.shownMonth(n); ok && !yield(n, m) {
				return
			}
		}
	}
}

// union returns what bill-union says of the month n months ago, nil if there is nothing, or nothing new enough.
func (a Account) union(n int, by ledger.Split) *ledger.Union {
	at := a.month.Add(-n)
	u := a.Snapshot.Months[at].Union(by)
	if u == nil || !a.isCurrent(at, u.ReadAt) {
		return nil
	}
	return u
}

// hasNothingPostpaid reports whether the API has said recently that the account has neither bill nor estimate of the
// month n months ago, and the month's bill cannot be yet to come: there is none of any month, or none since the newest
// month whose bill had the time to come.
func (a Account) hasNothingPostpaid(n int) bool {
	settled := 1
	for a.now.Before(a.month.Add(-settled).End().Add(a.options.BillSettles)) {
		settled++
	}
	months := []int{n}
	for ago := 0; n <= settled && ago <= settled; ago++ {
		months = append(months, ago)
	}
	hasBooks := func(ago int) bool {
		m := a.Snapshot.Months[a.month.Add(-ago)]
		return !m.Bill.IsEmpty() || !m.Estimate.IsEmpty()
	}
	isOver := settled <= a.options.PastMonths && !slices.ContainsFunc(months, hasBooks)
	return (isOver || a.Snapshot.IsEmpty()) && a.saysAllPostpaid()
}

// hasPostpaid reports whether the postpaid part of the month n months ago is known. The other pay modes alone would
// look like a cheap month.
func (a Account) hasPostpaid(n int) bool {
	_, ok := a.shownMonth(n)
	return ok || a.hasNothingPostpaid(n)
}

// saysAllPostpaid reports whether the API has said recently what bills and estimates the account has.
func (a Account) saysAllPostpaid() bool {
	hasNone := func(s Source) bool {
		switch s.Name {
		case "month_bill":
			return !s.LastSuccess.Before(a.staleBefore)
		case "month_consume": // a refusal means that there are none, too
			return !s.LastSuccess.Before(a.staleBefore) || s.Reason == billclient.Auth || s.Reason == billclient.Invalid
		default:
			return true
		}
	}
	return len(a.Sources) > 0 && !slices.ContainsFunc(a.Sources, func(s Source) bool { return !hasNone(s) })
}

// names returns the names of all keys of cost families. The newest month wins, and within a month its lines. Days can
// reach back beyond the months that are shown: their keys have names, too.
func (a Account) names(ofLines func(*ledger.LineSums) map[string]string,
	ofSummary func(*ledger.Summary) map[string]string, ofDay func(ledger.Row) string,
) map[string]string {
	names := map[string]string{}
	for _, m := range a.shownMonths(0, a.options.PastMonths) {
		if m.Lines != nil {
			addMissing(names, ofLines(m.Lines))
		}
		addMissing(names, ofSummary(m.Summary))
	}
	keys := map[string]string{}
	for _, d := range a.namedDays() {
		for _, r := range d.ProjectProduct {
			keys[ofDay(r)] = ""
		}
	}
	for n := range 3 { // 35 days reach back into two more months
		if lines := a.Snapshot.Months[a.month.Add(-n)].Estimate.Lines; lines != nil {
			addMissingOf(names, keys, ofLines(lines))
		}
	}
	addMissing(names, keys)
	return names
}

// namedDays returns the days whose keys stand in families: those shown, and those of last month to the same day.
func (a Account) namedDays() []ledger.Day {
	days, _ := a.lastMonthToDate()
	for _, d := range a.shownDays() {
		days = append(days, d)
	}
	return days
}

// addMissingOf adds the names of those keys that more has.
func addMissingOf(names, keys, more map[string]string) {
	for key := range keys {
		if name, ok := more[key]; ok {
			addMissing(names, map[string]string{key: name})
		}
	}
}

func addMissing(names, more map[string]string) {
	for key, name := range more {
		if _, ok := names[key]; !ok {
			names[key] = name
		}
	}
}

func (a Account) productNames() map[string]string {
	return a.names(func(l *ledger.LineSums) map[string]string { return l.ProductNames },
		func(s *ledger.Summary) map[string]string { return s.ProductNames },
		func(r ledger.Row) string { return r.Labels[1] })
}

func (a Account) projectNames() map[string]string {
	return a.names(func(l *ledger.LineSums) map[string]string { return l.ProjectNames },
		func(s *ledger.Summary) map[string]string { return s.ProjectNames },
		func(r ledger.Row) string { return r.Labels[0] })
}

// allProductNames returns the names of all products, those that have other pay modes only too.
func (a Account) allProductNames() map[string]string {
	names := a.productNames()
	addMissing(names, a.modeNames(ledger.ByGroup))
	if a.amortized != nil {
		addMissing(names, a.amortized.productNames)
	}
	return names
}

// allProjectNames returns the names of all projects, those that have other pay modes only too.
func (a Account) allProjectNames() map[string]string {
	names := a.summedProjectNames()
	addMissing(names, a.modeNames(ledger.ByProject))
	if a.amortized != nil {
		addMissing(names, a.amortized.projectNames)
	}
	return names
}

// summedProjectNames returns the names of all projects, but of those that only lines of other pay modes have.
func (a Account) summedProjectNames() map[string]string {
	names := a.projectNames()
	addMissing(names, dayNames(a, ledger.ByProject))
	for n := range a.options.PastMonths + 1 {
		if u := a.union(n, ledger.ByProject); u != nil {
			addMissing(names, u.Names)
		}
	}
	return names
}

// dataEnd returns the instant up to which the running month's numbers count, the zero time if nothing tells.
func (a Account) dataEnd() time.Time {
	m, ok := a.shownMonth(0)
	switch {
	case !ok:
		return time.Time{}
	case !m.Summary.DataEnd().IsZero():
		return m.Summary.DataEnd()
	case m.Lines != nil:
		return m.Lines.Newest
	default:
		return time.Time{}
	}
}

// shownDays yields the days that are shown, by how many days before the newest they are.
func (a Account) shownDays() iter.Seq2[int, ledger.Day] {
	return func(yield func(int, ledger.Day) bool) {
		for ago := range a.options.Days {
			if d, ok := a.Snapshot.Days[a.newest.Add(-ago)]; ok && a.newest != 0 && !yield(ago, d) {
				return
			}
		}
	}
}

// showsDay reports whether anything is shown of a day.
func (a Account) showsDay(day billclient.Day) bool {
	_, hasPostpaid := a.Snapshot.Days[day]
	hasModes := a.coversModes(day, ledger.ByGroup)
	return a.newest != 0 && (hasPostpaid || hasModes)
}

// lastMonthToDate returns the days of last month up to the day number of the newest day that is shown; ok is false
// unless every one of them is covered.
func (a Account) lastMonthToDate() (days []ledger.Day, ok bool) {
	from, to, ok := a.sameDaysOfLastMonth()
	if !ok {
		return nil, false
	}
	return a.coveredDays(from, to)
}

// sameDaysOfLastMonth returns the first and the last day of last month up to the day number of the newest day that is
// shown, at most its last; ok is false unless that day is in the running month.
func (a Account) sameDaysOfLastMonth() (from, to billclient.Day, ok bool) {
	first := billclient.DayOf(a.month.Start())
	from = billclient.DayOf(a.month.Add(-1).Start())
	return from, min(from.Add(a.newest.Sub(first)), first.Add(-1)), a.newest.Month() == a.month && a.options.PastMonths > 0
}

// coveredDays returns the days from one to another; ok is false if one of them is not covered.
func (a Account) coveredDays(from, to billclient.Day) (days []ledger.Day, ok bool) {
	for at := from; at <= to; at++ {
		d, ok := a.Snapshot.Days[at]
		if !ok {
			return nil, false
		}
		days = append(days, d)
	}
	return days, true
}
