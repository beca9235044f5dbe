package collector

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log/level"
)

// readMonthBills asks for the bills of the running month and the past ones.
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
	byMonth, customer, err := sortBills(billclient.GetMonthBill, bills)
	if err != nil {
		return err
	}
	next := a.known(customer).since(min(from, to.Add(-1)))
	for m := from; m <= to; m++ {
		known := next.Months[m]
		switch {
		case len(byMonth[m]) > 0:
			known.Bill.Summary = summarize(byMonth[m], now)
		case known.Bill.final() || m == to && !known.Bill.empty():
			// Far more likely a short answer than a bill taken back, and it must not look like a cheap month. What a
			// month had come to while it ran may be gone until its bill is there.
			return lacks(billclient.GetMonthBill, "bill", m)
		}
		next = next.with(m, known.settled(m == to, a.options.Months.forced()))
	}
	a.take(next)
	return nil
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
	action string, bills []billclient.MonthBill,
) (byMonth map[billclient.Month][]billclient.MonthBill, customer string, err error) {
	byMonth = map[billclient.Month][]billclient.MonthBill{}
	for _, bill := range bills {
		if bill.BillType != "" && bill.BillType != "postpay" { // any other would be shown as postpaid
			return nil, "", &billclient.Error{
				Action: action, Reason: billclient.Decode,
				Err: fmt.Errorf("bill of %v: BillType %q, want postpay", bill.Month, bill.BillType),
			}
		}
		byMonth[bill.Month] = append(byMonth[bill.Month], bill)
		customer = cmp.Or(customer, customerOf(bill.BillID))
	}
	return byMonth, customer, nil
}

// monthBills asks for a range of months in one call. How many months a call may span is not documented: where the API
// finds the range invalid, each month is asked alone, for a day.
func (a *account) monthBills(ctx context.Context, from, to billclient.Month) ([]billclient.MonthBill, error) {
	if now := wall(); now.After(a.oneByOne) {
		bills, err := a.client.GetMonthBill(ctx, from, to)
		if err == nil || billclient.ReasonOf(err) != billclient.Invalid || from == to {
			return bills, err
		}
		level.Warn(a.logger).Log("msg", "the API refuses a range of months, they are asked one by one", "err", err)
	}
	var bills []billclient.MonthBill
	for m := from; m <= to; m++ {
		bill, err := a.client.GetMonthBill(ctx, m, m)
		// Neither is documented what the API says to the running month: invalid, even alone, means no bill yet.
		if err != nil && (m < to || billclient.ReasonOf(err) != billclient.Invalid) {
			return nil, err
		}
		bills = append(bills, bill...)
	}
	if wall().After(a.oneByOne) {
		a.oneByOne = wall().Add(24 * time.Hour)
	}
	return bills, nil
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
		var customer string
		if _, customer, err = sortBills(billclient.GetMonthConsume, bills(estimates)); err == nil {
			return a.takeEstimate(m, running, a.known(customer), estimates, now)
		}
	}
	// A key that not even bills are shown to is wrong, and an account that had estimates still has them: only beside
	// bills, and without any estimate so far, a refusal tells that this account has none.
	if denied(err) && a.monthBill.up && !a.snapshot.Estimated {
		known := a.snapshot.Months[m]
		known.Asked = true
		a.replace(a.snapshot.with(m, known.settled(running, a.options.Months.forced())))
	}
	return err
}

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
	case !known.Estimate.empty():
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
