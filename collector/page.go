package collector

import (
	"iter"
	"slices"
	"strconv"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/exposition"
)

// postpaid is the pay mode of everything that the bill API knows.
const postpaid = "postpaid"

// shown is what a page says of one account: its numbers as they stand at one instant.
type shown struct {
	*account
	customerID string
	sources    []source // those that have answered
	snapshot   *snapshot
	now        billclient.Month
	refused    bool
	fresh      time.Time      // numbers of a month that ran are too old if they were read before
	newest     billclient.Day // that is shown; 0: there are no days
}

// show looks at the account at the instant now. A refused account has no numbers.
func (a *account) show(now time.Time, refused bool) shown {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := shown{
		account: a, customerID: a.CustomerID, snapshot: a.visible.snapshot,
		now: billclient.MonthOf(now), refused: refused,
	}
	for _, source := range a.visible.sources {
		if !source.lastSuccess.IsZero() {
			s.sources = append(s.sources, source)
		}
	}
	if refused {
		s.snapshot, s.sources = &snapshot{}, nil
	}
	if s.customerID == "" {
		s.customerID = s.snapshot.customerID()
	}
	s.fresh = now.Add(-a.options.Refresh.MaxStaleness)
	s.newest = s.snapshot.newestDay(now, s.fresh)
	return s
}

// until returns when the next of the numbers becomes too old, or an instant before which none does.
func (s shown) until(now time.Time) time.Time {
	until := now.Add(s.options.Refresh.MaxStaleness)
	for read := range s.snapshot.reads {
		if !read.Before(s.fresh) {
			until = earlier(until, read.Add(s.options.Refresh.MaxStaleness))
		}
	}
	return until.Add(1) // as old as they may be they are shown
}

// shownMonth is the book of a month that is shown.
type shownMonth struct {
	book
	Month billclient.Month
	Basis basis
}

// month returns the numbers of the month n months ago, 0 being the running one; false where there are none to show.
// Bills of closed months stay; anything else is shown as long as it is not too old.
func (s shown) month(n int) (shownMonth, bool) {
	at := s.now.Add(-n)
	m := shownMonth{book: s.snapshot.Months[at].shown(), Month: at, Basis: s.snapshot.Months[at].Basis}
	stays := func(read time.Time) bool {
		return m.Basis == billed && s.stays(at, read) || !read.Before(s.fresh)
	}
	if m.empty() || !stays(m.Summary.ReadAt) {
		return shownMonth{}, false
	}
	if m.Lines != nil && !stays(m.Lines.ReadAt) {
		m.Lines = nil
	}
	return m, true
}

// stays tells whether what was read of a month is shown: for good if the month had ended by then, else while it is
// fresh.
func (s shown) stays(of billclient.Month, read time.Time) bool {
	return !read.Before(of.End()) || !read.Before(s.fresh)
}

// months yields the months that are shown, by how long ago they are.
func (s shown) months(from, to int) iter.Seq2[int, shownMonth] {
	return func(yield func(int, shownMonth) bool) {
		for n := from; n <= to; n++ {
			if m, ok := s.month(n); ok && !yield(n, m) {
				return
			}
		}
	}
}

// emit hands one sample of a family to a page.
type emit func(value float64, labels ...string)

// family is a family of a page: every account is asked for its samples in turn.
type family struct {
	name, help string
	labels     []string // after account
	samples    func(s shown, emit emit)
}

// families returns all families of a page in their order.
func (o Options) families() []family {
	var families []family
	for _, v := range views {
		families = append(families, o.running(v))
	}
	for _, v := range views {
		if v.past != runningOnly {
			families = append(families, o.past(v))
		}
	}
	return slices.Concat(families, pastEstimate, dayFamilies(), unionFamilies(), o.infos(), periods, o.budgets(), trust)
}

// labels returns the labels of a view's family.
func (o Options) labels(v view) []string {
	labels := append([]string{"pay_mode"}, v.labels...)
	if v.name == instanceView {
		labels = append(labels, o.Instances.Promote...)
	}
	return labels
}

func (v view) help() string {
	if v.name == accountView {
		return v.per + ", " + v.number + "; cached between refreshes."
	}
	return v.per + ", " + v.number + ". Postpaid only; cached between refreshes."
}

func (o Options) running(v view) family {
	return family{
		name: "ksyun_bill_" + v.name + "_cost_cny", labels: o.labels(v),
		help: "Cost in CNY of the running month to date" + v.help(),
		samples: func(s shown, emit emit) {
			if m, ok := s.month(0); ok {
				emitRows(m.rows(v), emit)
			}
			if v.name == accountView {
				s.emitOtherModes(0, emit)
			}
		},
	}
}

func (o Options) past(v view) family {
	to := o.Months.Past
	if v.past == lastMonth {
		to = min(to, 1)
	}
	if v.name == instanceView && !o.Instances.LastMonth {
		to = 0
	}
	return family{
		name: "ksyun_bill_past_month_" + v.name + "_cost_cny", labels: append(o.labels(v), "months_ago"),
		help: "Cost in CNY of a closed month" + v.help(),
		samples: func(s shown, emit emit) {
			for n := 1; n <= to; n++ {
				if m, ok := s.month(n); ok {
					emitRows(m.rows(v), emit, strconv.Itoa(n))
				}
				if v.name == accountView {
					s.emitOtherModes(n, emit, strconv.Itoa(n))
				}
			}
		},
	}
}

func emitRows(rows []row, emit emit, after ...string) {
	labels := []string{}
	for _, r := range rows {
		labels = append(append(append(labels[:0], postpaid), r.Labels...), after...)
		emit(r.Amount.Float64(), labels...)
	}
}

// page renders what is shown of all accounts.
func (o Options) page(all []shown) (*exposition.Page, error) {
	return exposition.Render(func(yield func(exposition.Family) bool) {
		for _, f := range o.families() {
			if !yield(f.exposition(all)) {
				return
			}
		}
	})
}

func (f family) exposition(all []shown) exposition.Family {
	return exposition.Family{
		Name: f.name, Help: f.help, Labels: append([]string{"account"}, f.labels...),
		Samples: func(yield func([]string, float64) bool) {
			values, more := []string{}, true
			for _, s := range all {
				f.samples(s, func(value float64, labels ...string) {
					values = append(append(values[:0], s.Name), labels...)
					more = more && yield(values, value)
				})
			}
		},
	}
}
