package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log/level"
)

// readMonthBills asks for the bills of the running month and the past ones. What the answer has of some months is taken
// over, whatever it lacks of others.
func (a *account) readMonthBills(ctx context.Context) error {
	now := wall()
	to := billclient.MonthOf(now)
	from := max(to.Add(-a.options.Months.Past), billclient.FirstMonth)
	if to < from {
		return &billclient.Error{
			Action: billclient.GetMonthBill, Reason: billclient.Invalid,
			Err: fmt.Errorf("the clock of this machine says %v, but there are no bills before %v", to, from),
		}
	}
	bills, err := a.monthBills(ctx, from, to)
	if err != nil {
		return err
	}
	byMonth, customer := sortBills(bills)
	if m, promised := a.snapshot.promised(from, to); len(bills) == 0 && promised && a.rotated() {
		return lacks(billclient.GetMonthBill, "bill", m)
	}
	next := a.known(customer).since(min(from, to.Add(-1)))
	lacking := a.askForLacking(ctx, next, byMonth, from, to)
	for m := from; m <= to; m++ {
		known := next.Months[m]
		// No sum is made of several months, and one that is lacking keeps its own last good bill: none looks cheap.
		if len(byMonth[m]) > 0 {
			known.Bill.Summary = summarize(byMonth[m], now)
		}
		next = next.with(m, known.settled(m == to, a.options.Months.forced()))
	}
	a.take(next)
	return lacking
}

// askForLacking asks for each month alone that an answer lacks though earlier ones had it, and adds it to the answer:
// whether one leaves months out where there are too many is not documented. It fails where a month is lacking still.
func (a *account) askForLacking(
	ctx context.Context, known *snapshot, answer map[billclient.Month][]billclient.MonthBill, from, to billclient.Month,
) error {
	var failures []error
	alone := from == to || wall().Before(a.oneByOne)
	for m := from; m <= to; m++ {
		if len(answer[m]) > 0 || !known.Months[m].promised(m == to) {
			continue
		}
		if !alone {
			bills, err := a.billsOf(ctx, m, m == to)
			if err != nil { // the others can wait for the retry, too
				return join(append(failures, fmt.Errorf("%v: %w", m, err)))
			}
			answer[m] = bills
		}
		if len(answer[m]) == 0 {
			failures = append(failures, lacks(billclient.GetMonthBill, "bill", m))
		}
	}
	return join(failures)
}

// promised tells whether an answer without the month's bill is more likely a short one than a bill taken back. What a
// month had come to while it ran may be gone until its bill is there.
func (m month) promised(running bool) bool { return m.Bill.final() || running && !m.Bill.empty() }

// promised returns the newest of the months whose bill is promised, false if there is none.
func (s *snapshot) promised(from, running billclient.Month) (billclient.Month, bool) {
	for m := running; m >= from; m-- {
		if s.Months[m].promised(m == running) {
			return m, true
		}
	}
	return 0, false
}

// lacks is the failure of an answer without what earlier ones had.
func lacks(action, what string, m billclient.Month) error {
	return &billclient.Error{
		Action: action, Reason: billclient.Incomplete,
		Err: fmt.Errorf("the answer lacks the %s of %v, which earlier answers had", what, m),
	}
}

// sortBills sorts bills by month, and finds out whose they are, as far as their ids tell.
func sortBills(
	bills []billclient.MonthBill,
) (byMonth map[billclient.Month][]billclient.MonthBill, customer string) {
	byMonth = map[billclient.Month][]billclient.MonthBill{}
	for _, bill := range bills {
		byMonth[bill.Month] = append(byMonth[bill.Month], bill)
		customer = cmp.Or(customer, CustomerOf(bill.BillID))
	}
	return byMonth, customer
}

// monthBills asks for a range of months in one call. How many months a call may span is not documented: where the API
// finds the range invalid, but not its months, each is asked alone, for a day.
func (a *account) monthBills(ctx context.Context, from, to billclient.Month) ([]billclient.MonthBill, error) {
	if from == to || wall().Before(a.oneByOne) {
		return a.billsOneByOne(ctx, from, to)
	}
	bills, refused := a.client.GetMonthBill(ctx, from, to)
	if refused == nil || billclient.ReasonOf(refused) != billclient.Invalid {
		return bills, refused
	}
	bills, err := a.billsOneByOne(ctx, from, to)
	if err == nil {
		level.Warn(a.logger).Log("msg", "the API refuses a range of months, they are asked one by one", "err", refused)
		a.oneByOne = wall().Add(24 * time.Hour)
	}
	return bills, err
}

func (a *account) billsOneByOne(ctx context.Context, from, to billclient.Month) ([]billclient.MonthBill, error) {
	var bills []billclient.MonthBill
	for m := from; m <= to; m++ {
		bill, err := a.billsOf(ctx, m, m == to)
		if err != nil {
			return nil, err
		}
		bills = append(bills, bill...)
	}
	return bills, nil
}

// billsOf asks for the bills of one month. What the API says to the running one is not documented: invalid, even alone,
// means no bill yet.
func (a *account) billsOf(ctx context.Context, m billclient.Month, running bool) ([]billclient.MonthBill, error) {
	bills, err := a.client.GetMonthBill(ctx, m, m)
	if running && err != nil && billclient.ReasonOf(err) == billclient.Invalid {
		return nil, nil
	}
	return bills, err
}

// readMonthConsumes asks for the estimates of the running month and of the one before; the API has them of no other.
// What one of them yields stays, whatever becomes of the other.
func (a *account) readMonthConsumes(ctx context.Context) error {
	running := billclient.MonthOf(wall())
	var failures []error
	for _, m := range []billclient.Month{running, running.Add(-1)} {
		err := a.readMonthConsume(ctx, m, m == running)
		if err != nil {
			failures = append(failures, fmt.Errorf("%v: %w", m, err))
		}
		if denied(err) { // so it will be the other month
			break
		}
	}
	return join(failures)
}

func (a *account) readMonthConsume(ctx context.Context, m billclient.Month, running bool) error {
	now := wall()
	estimates, err := a.client.GetMonthConsume(ctx, m)
	if err == nil {
		_, customer := sortBills(bills(estimates))
		return a.takeEstimate(m, running, a.known(customer), estimates, now)
	}
	// A key that not even bills are shown to is wrong, and an account that had estimates still has them: only beside
	// bills, and without any estimate so far, a refusal tells that this account has none.
	if denied(err) && a.seesBills() && !a.snapshot.Estimated {
		known := a.snapshot.Months[m]
		known.Asked = true
		a.replace(a.snapshot.with(m, known.settled(running, a.options.Months.forced())))
	}
	if billclient.IsUnknownAction(err) && a.seesBills() {
		return a.notOffered(err)
	}
	return err
}

// seesBills tells whether the last attempt at bills yielded any, be they not all.
func (a *account) seesBills() bool {
	for _, m := range a.snapshot.Months {
		if !m.Bill.empty() && !m.Bill.Summary.ReadAt.Before(a.monthBill.lastAttempt) {
			return true
		}
	}
	return a.monthBill.up
}

// notOffered is the failure of an action that the API does not know, though it knows others. The cause's own text asks
// whether the endpoint is the right one, which it is.
type notOffered struct {
	cause   *billclient.Error
	instead string
}

func (a *account) notOffered(err error) error {
	cause, _ := errors.AsType[*billclient.Error](err) // as every unknown action is
	if a.snapshot.Estimated || a.options.Months.forced() == estimated {
		return &notOffered{cause: cause}
	}
	return &notOffered{cause, "; the running month is its bill then"}
}

// Error returns "action: code (HTTP 404, request id ...): ...".
func (n *notOffered) Error() string {
	return fmt.Sprintf("%s: %s (HTTP %d, request id %s): the API does not offer this action to the account, or in its"+
		" region%s", n.cause.Action, cmp.Or(n.cause.Code, "unknown"), n.cause.HTTPStatus,
		cmp.Or(n.cause.RequestID, "none"), n.instead)
}

func (n *notOffered) Unwrap() error { return n.cause }

// denied tells whether the API refuses an action as such, not only this once.
func denied(err error) bool {
	return err != nil && (billclient.ReasonOf(err) == billclient.Auth || billclient.IsUnknownAction(err))
}

// takeEstimate takes over what the API says of the estimate of a month.
func (a *account) takeEstimate(
	m billclient.Month, running bool, base *snapshot, estimates []billclient.MonthConsume, readAt time.Time,
) error {
	known := base.Months[m]
	switch {
	case len(estimates) > 0:
		known.Estimate.Summary = estimate(estimates, readAt)
	case a.rotated(), !known.Estimate.empty() && (running || !known.Bill.final()): // beside its bill it need not be
		return lacks(billclient.GetMonthConsume, "estimate", m)
	}
	known.Asked = true
	next := base.with(m, known.settled(running, a.options.Months.forced()))
	next.Estimated = base.Estimated || len(estimates) > 0
	a.take(next)
	return nil
}

// join makes one failure of several, on one line.
func join(failures []error) error {
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
