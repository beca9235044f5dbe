package collector

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"

	"github.com/go-kit/log/level"
)

// readMonthBills asks for the bills of the running month and the past ones. What the answer has of some months is
// learned, whatever it lacks of others.
func readMonthBills(ctx context.Context, f *fetch) error {
	now := now()
	to := billclient.MonthOf(now)
	from := max(to.Add(-f.options.Months.Past), billclient.FirstMonth)
	if to < from {
		return &billclient.Error{
			Action: billclient.GetMonthBill, Reason: billclient.Invalid,
			Err: fmt.Errorf("the clock of this machine says %v, but there are no bills before %v", to, from),
		}
	}
	bills, err := askForBills(ctx, f, from, to)
	if err != nil {
		return err
	}
	byMonth := map[billclient.Month][]billclient.MonthBill{}
	for _, bill := range bills {
		byMonth[bill.Month] = append(byMonth[bill.Month], bill)
	}
	lacking := askForLacking(ctx, f, byMonth, from, to)
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot {
		s = s.Since(min(from, to.Add(-1)))
		for m := from; m <= to; m++ {
			next := s.Months[m]
			// A month that lacks keeps its own last good bill. No sum is made of several months: none looks cheap.
			if len(byMonth[m]) > 0 {
				next.Bill.Summary = ledger.SummarizeBills(byMonth[m], now)
			}
			s = s.With(m, next)
		}
		return s
	})
	return lacking
}

// measureBills returns how many months have a bill, and the end of the newest of them that has ended by now.
func measureBills(s *ledger.Snapshot, now time.Time) (items int, data time.Time) {
	for at, m := range s.Months {
		if !m.Bill.Empty() {
			items++
			data = laterOf(data, endIfOver(at, now))
		}
	}
	return items, data
}

// askForLacking asks for each month alone that an answer lacks though earlier ones had it, and adds it to the answer:
// whether the API leaves months out where there are too many is not documented. It fails where a month is lacking still.
func askForLacking(ctx context.Context, f *fetch, answer map[billclient.Month][]billclient.MonthBill,
	from, to billclient.Month,
) error {
	var failures []error
	alone := from == to || f.oneByOne.active(now())
	for m := from; m <= to; m++ {
		if len(answer[m]) > 0 || !f.snapshot.Months[m].HasPromisedBill(m == to, now()) {
			continue
		}
		if !alone {
			bills, err := billsOfMonth(ctx, f, m, m == to)
			if err != nil { // the others can wait for the retry, too
				return joinFailures(append(failures, fmt.Errorf("%v: %w", m, err)))
			}
			answer[m] = bills
		}
		if len(answer[m]) == 0 {
			failures = append(failures, missing(billclient.GetMonthBill, "bill", m))
		}
	}
	return joinFailures(failures)
}

// customerOf returns the customer that the ids of bills name, as far as they do.
func customerOf(bills []billclient.MonthBill) (customer billclient.CustomerID) {
	for _, bill := range bills {
		customer = cmp.Or(customer, billclient.CustomerOfBill(bill.BillID))
	}
	return customer
}

// oneByOne says until when an account's months are asked one by one. It is safe for concurrent use.
type oneByOne struct{ until atomic.Pointer[time.Time] }

func (o *oneByOne) active(now time.Time) bool { return now.Before(o.time()) }

func (o *oneByOne) time() time.Time {
	if until := o.until.Load(); until != nil {
		return *until
	}
	return time.Time{}
}

func (o *oneByOne) set(until time.Time) { o.until.Store(&until) }

// askForBills asks for a range of months in one call. How many months a call may span is not documented: where the API
// calls the range invalid, but not its months, each is asked alone, for a day.
func askForBills(ctx context.Context, f *fetch, from, to billclient.Month) ([]billclient.MonthBill, error) {
	if from == to || f.oneByOne.active(now()) {
		return billsOneByOne(ctx, f, from, to)
	}
	bills, rangeErr := f.client.GetMonthBill(ctx, from, to)
	if rangeErr == nil || billclient.ReasonOf(rangeErr) != billclient.Invalid {
		return bills, rangeErr
	}
	bills, err := billsOneByOne(ctx, f, from, to)
	if err == nil {
		level.Warn(f.logger).Log("msg", "the API refuses a range of months, they are asked one by one", "err", rangeErr)
		f.oneByOne.set(now().Add(24 * time.Hour))
	}
	return bills, err
}

func billsOneByOne(ctx context.Context, f *fetch, from, to billclient.Month) ([]billclient.MonthBill, error) {
	var bills []billclient.MonthBill
	for m := from; m <= to; m++ {
		bill, err := billsOfMonth(ctx, f, m, m == to)
		if err != nil {
			return nil, err
		}
		bills = append(bills, bill...)
	}
	return bills, nil
}

// billsOfMonth asks for the bills of one month. What the API says to the running one is not documented: invalid, even
// alone, means no bill yet.
func billsOfMonth(ctx context.Context, f *fetch, m billclient.Month, running bool) ([]billclient.MonthBill, error) {
	bills, err := f.client.GetMonthBill(ctx, m, m)
	if running && err != nil && billclient.ReasonOf(err) == billclient.Invalid {
		return nil, nil
	}
	return bills, err
}
