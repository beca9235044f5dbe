package collector

import (
	"errors"
	"fmt"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// fetch is one attempt at a source: how it asks, and what it learns. Nothing of it is shown before the attempt is over.
type fetch struct {
	Account
	options  Options
	client   *billclient.Client
	logger   log.Logger
	sources  map[string]metrics.Progress // how asking went until now
	oneByOne *oneByOne
	marks    *marks

	snapshot *ledger.Snapshot // what was known before, with what the attempt has learned
	learned  []func(*ledger.Snapshot) *ledger.Snapshot
}

// learn adds to what is known. change must not depend on anything but its argument: what others learn meanwhile stays.
func (f *fetch) learn(change func(*ledger.Snapshot) *ledger.Snapshot) {
	f.snapshot = change(f.snapshot)
	f.learned = append(f.learned, change)
}

// learnMonth adds to what is known of one month.
func (f *fetch) learnMonth(m billclient.Month, change func(ledger.Month) ledger.Month) {
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot { return s.Put(m, change(s.Months[m])) })
}

// basis returns the basis of a month, by what is known.
func (f *fetch) basis(m billclient.Month, now time.Time) ledger.Basis {
	return ledger.BasisOf(f.snapshot, m, now, f.options.basisRules())
}

// protection is how long good numbers are kept against answers that say less. Then the API's word is taken.
const protection = 24 * time.Hour

// protects reports whether what is known is still kept against an answer that says less of a month, which began when
// the first such answer came. The log says when it ends.
func (f *fetch) protects(source string, m billclient.Month, lost string) bool {
	mark := markOf(source, m)
	if f.marks.age(mark, now()) < protection {
		return true
	}
	f.marks.clear(mark)
	level.Warn(f.logger).Log("msg", "the API has said less for a day, its word is taken", "source", source, "month", m,
		"lost", lost)
	return false
}

// trust ends the protection of a month: an answer says as much as earlier ones.
func (f *fetch) trust(source string, m billclient.Month) { f.marks.clear(markOf(source, m)) }

// isOld reports whether what was read once in a while is to be read again. It was not yet read if the clock was set
// back since.
func (f *fetch) isOld(readAt, now time.Time) bool {
	age := now.Sub(readAt)
	return age < 0 || age >= f.options.Refresh.DetailsMaxAge
}

// isUnconfirmed reports whether the last answer of a source was incomplete: it is asked again a few times, and what it
// says twice is taken.
func (f *fetch) isUnconfirmed(source string) bool {
	const mostReads = 3
	s := f.sources[source]
	return s.IsFailing() && s.Failed <= mostReads && s.Reason == billclient.Incomplete
}

// isSettled reports whether what was read of a month at an instant is final.
func (f *fetch) isSettled(m billclient.Month, readAt time.Time) bool {
	return !readAt.Before(m.End().Add(f.options.Months.BillSettles))
}

// seesBills reports whether the last attempt at bills yielded any, though perhaps not all.
func (f *fetch) seesBills() bool {
	bills := f.sources["month_bill"]
	for _, m := range f.snapshot.Months {
		if !m.Bill.IsEmpty() && !m.Bill.Summary.ReadAt.Before(bills.LastAttempt) {
			return true
		}
	}
	return bills.Up
}

// expectCustomer fails if a part of an answer is of another customer than the configuration expects.
func (f *fetch) expectCustomer(action, part, customer string) error {
	if !billclient.ParseCustomerID(customer).DiffersFrom(billclient.ParseCustomerID(f.CustomerID)) {
		return nil
	}
	return &billclient.Error{
		Action: action, Reason: billclient.Auth, Err: &foreignPart{part, customer, f.CustomerID},
	}
}

// foreignPart is a part of an answer that is of another customer than the configuration expects.
type foreignPart struct{ part, customer, expected string }

func (f *foreignPart) Error() string {
	return fmt.Sprintf("%s is of customer %.60s, customer_id expects %s", f.part, f.customer, f.expected)
}

// isDenied reports whether the API refuses an action as such, not only this once.
func isDenied(err error) bool {
	return err != nil && (billclient.ReasonOf(err) == billclient.Auth || billclient.IsUnknownAction(err))
}

// incomplete returns the failure of an answer that lacks something.
func incomplete(action, format string, args ...any) error {
	return &billclient.Error{Action: action, Reason: billclient.Incomplete, Err: fmt.Errorf(format, args...)}
}

// missing returns the failure of an answer without what earlier answers had.
func missing(action, what string, m billclient.Month) error {
	return incomplete(action, "the answer lacks the %s of %v, which earlier answers had", what, m)
}

// joinFailures makes one error of several, on one line; nil of none.
func joinFailures(failures []error) error {
	var all error
	for _, err := range failures {
		if all == nil {
			all = err
			continue
		}
		all = fmt.Errorf("%w; %w", all, err)
	}
	return all
}

// eachMonth calls read for each month and joins the failures. What one month yields stays, whatever becomes of the
// others, but after a denial none is asked: the others would be denied as well.
func eachMonth(months []billclient.Month, read func(billclient.Month) error) error {
	var failures []error
	for _, m := range months {
		err := read(m)
		if err != nil {
			failures = append(failures, fmt.Errorf("%v: %w", m, err))
		}
		if isDenied(err) {
			break
		}
	}
	return joinFailures(failures)
}

// asBillError returns the API's error in err, which has one.
func asBillError(err error) *billclient.Error {
	e, _ := errors.AsType[*billclient.Error](err)
	return e
}

// endIfOver returns the end of a month if it has ended by now, else the zero time.
func endIfOver(m billclient.Month, now time.Time) time.Time {
	if end := m.End(); !end.After(now) {
		return end
	}
	return time.Time{}
}
