package collector

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
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
	byMonth, err := askForWholeBills(ctx, f, from, to)
	if byMonth == nil {
		return err
	}
	withdrawn, lacking := map[billclient.Month]bool{}, err
	if err == nil {
		withdrawn, lacking = askForLacking(ctx, f, byMonth, from, to)
	}
	keepFirst := keeperOfFirstBills(f, now)
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot {
		s = keepFirst(s.DropBefore(min(from, to.Add(-monthsOfDays)))) // a bill can have become the basis since it was read
		for m := from; m <= to; m++ {
			next := s.Months[m]
			// A month that lacks keeps its own last good bill. No sum is made of several months: none looks cheap.
			if len(byMonth[m]) > 0 {
				next.Bill.Summary = ledger.SummarizeBills(byMonth[m], now)
			} else if withdrawn[m] {
				next.Bill = ledger.Book{}
			}
			s = s.Put(m, next)
		}
		return keepFirst(s)
	})
	return lacking
}

// keeperOfFirstBills returns a change that keeps what the bills of closed months came to at first. Before estimates
// were asked for, nothing tells a part of a bill from a whole one: then nothing is kept yet.
func keeperOfFirstBills(f *fetch, now time.Time) func(*ledger.Snapshot) *ledger.Snapshot {
	if !f.sources["month_consume"].WasTried() {
		return func(s *ledger.Snapshot) *ledger.Snapshot { return s }
	}
	rules := f.options.basisRules()
	return func(s *ledger.Snapshot) *ledger.Snapshot { return s.WithFirstBills(now, rules) }
}

// askForWholeBills asks for the bills of a range of months. An answer that lacks parts which the last one had, while
// its sum still has the money, is asked for once more, and then taken. With an error there can be the bills of some
// months.
func askForWholeBills(
	ctx context.Context, f *fetch, from, to billclient.Month,
) (map[billclient.Month][]billclient.MonthBill, error) {
	for isSecond := false; ; isSecond = true {
		bills, err := askForBills(ctx, f, from, to)
		if err != nil && len(bills) == 0 {
			return nil, err
		}
		byMonth := map[billclient.Month][]billclient.MonthBill{}
		for _, bill := range bills {
			byMonth[bill.Month] = append(byMonth[bill.Month], bill)
		}
		isCut := false
		for m, bills := range byMonth {
			lost := ledger.SummarizeBills(bills, now()).LostParts(f.snapshot.Months[m].Bill.Summary)
			isCut = isCut || lost != nil
			if isSecond && lost != nil {
				warnOfLostParts(f, billclient.GetMonthBill, m, lost)
			}
		}
		if !isCut || isSecond {
			return byMonth, err
		}
	}
}

// askForWhole asks for something of one month. An answer of which lost returns parts that it lacks, though the last one
// had them and its sum still has the money, is asked for once more, and then taken.
func askForWhole[T any](
	f *fetch, action string, m billclient.Month, ask func() (T, error), lost func(T) []string,
) (answer T, err error) {
	answer, err = ask()
	if err != nil || lost(answer) == nil {
		return answer, err
	}
	answer, err = ask()
	if parts := lost(answer); err == nil && parts != nil {
		warnOfLostParts(f, action, m, parts)
	}
	return answer, err
}

// warnOfLostParts says which parts an answer lacks though its sum still has their money.
func warnOfLostParts(f *fetch, action string, m billclient.Month, lost []string) {
	level.Warn(f.logger).Log("msg", "parts are missing though the sum has their money, which is of __none__ now",
		"action", action, "month", m, "parts", strings.Join(lost, ","))
}

// measureBills returns how many months have a bill, and the end of the newest of them that has ended by now.
func measureBills(s *ledger.Snapshot, now time.Time) (items int, data time.Time) {
	for at, m := range s.Months {
		if !m.Bill.IsEmpty() {
			items++
			data = laterOf(data, endIfOver(at, now))
		}
	}
	return items, data
}

// askForLacking asks for each month alone that an answer lacks though earlier ones had it, or that was never seen, once
// a day, and adds it to the answer: whether the API leaves months out where there are too many is not documented. It
// fails where a month that earlier answers had is lacking still, but returns it as withdrawn after a day.
func askForLacking(ctx context.Context, f *fetch, answer map[billclient.Month][]billclient.MonthBill,
	from, to billclient.Month,
) (withdrawn map[billclient.Month]bool, err error) {
	var failures []error
	withdrawn = map[billclient.Month]bool{}
	alone := from == to || f.oneByOne.active(now())
	for m := from; m <= to; m++ {
		isPromised := f.snapshot.Months[m].HasPromisedBill(m == to, now())
		if len(answer[m]) > 0 {
			f.trust("month_bill", m)
			continue
		}
		if !alone && (isPromised || isDueAlone(f, m, to)) {
			bills, err := billsOfMonth(ctx, f, m)
			if err != nil && isPromised { // the others can wait for the retry, too
				return withdrawn, joinFailures(append(failures, fmt.Errorf("%v: %w", m, err)))
			}
			answer[m] = bills
		}
		if isPromised && len(answer[m]) == 0 {
			sum := f.snapshot.Months[m].Bill.Summary.Sum
			if f.protects("month_bill", m, fmt.Sprintf("a bill of %v CNY", sum)) {
				failures = append(failures, missing(billclient.GetMonthBill, "bill", m))
			} else {
				withdrawn[m] = true
			}
		}
	}
	return withdrawn, joinFailures(failures)
}

// isDueAlone reports whether a month is to be asked for alone of which no bill was ever seen, or only what it had come
// to while it ran: not before there are first numbers, which have to come soon. The running month of an account that
// has estimates needs no bill.
func isDueAlone(f *fetch, m, running billclient.Month) bool {
	isWanted := m < running || f.basis(m, now()) != ledger.Estimated
	return isWanted && !f.snapshot.Months[m].Bill.IsFinal(now()) && !f.sources["month_bill"].LastSuccess.IsZero() &&
		f.marks.takeDue(markOf("alone", m), 24*time.Hour, now())
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
// calls the range invalid, but not its months, each is asked alone, for a day. A range with the bills of two customers
// is an error, with the bills of the months that are the account's alone, as far as that is known.
func askForBills(ctx context.Context, f *fetch, from, to billclient.Month) ([]billclient.MonthBill, error) {
	if from == to || f.oneByOne.active(now()) {
		return billsOneByOne(ctx, f, from, to)
	}
	bills, rangeErr := f.client.GetMonthBill(ctx, from, to)
	switch {
	case billclient.IsTwoCustomers(rangeErr):
		bills, err := billsOneByOne(ctx, f, from, to)
		if err != nil {
			return nil, rangeErr
		}
		if taken := billsOfAccount(f, bills); len(taken) < len(bills) {
			return taken, rangeErr
		}
		return bills, nil
	case rangeErr == nil || billclient.ReasonOf(rangeErr) != billclient.Invalid:
		return bills, rangeErr
	}
	bills, err := billsOneByOne(ctx, f, from, to)
	if err == nil {
		level.Warn(f.logger).Log("msg", "the API refuses a range of months, they are asked one by one", "err", rangeErr)
		f.oneByOne.set(now().Add(24 * time.Hour))
	}
	return bills, err
}

// billsOneByOne asks for each month alone. A month that the API refuses has no bill: it is not billed yet, older than
// what the API keeps, or from before the customer was one. If it refuses all, something else is wrong.
func billsOneByOne(ctx context.Context, f *fetch, from, to billclient.Month) ([]billclient.MonthBill, error) {
	var bills []billclient.MonthBill
	var refusals []error
	for m := from; m <= to; m++ {
		ofMonth, err := f.client.GetMonthBill(ctx, m, m)
		switch {
		case err != nil && billclient.ReasonOf(err) != billclient.Invalid:
			return nil, err
		case err != nil:
			refusals = append(refusals, err)
		}
		bills = append(bills, ofMonth...)
	}
	isRefused := len(refusals) == int(to-from)+1
	if isRefused && (from != to || billclient.IsUnknownAction(refusals[0])) {
		return nil, refusals[0]
	}
	return bills, nil
}

// billsOfAccount returns those of the bills that are of the account's customer, where several months have the bills of
// two: the customer that lines name, else the configured one. If bills of neither are there, lines prove that the form
// of the ids, which is not documented, tells no customer.
func billsOfAccount(f *fetch, bills []billclient.MonthBill) []billclient.MonthBill {
	ofLines := f.snapshot.LineCustomer()
	customer := cmp.Or(ofLines, billclient.ParseCustomerID(f.CustomerID))
	isOf := func(b billclient.MonthBill) bool { return billclient.CustomerOfBill(b.BillID) == customer }
	if ofLines != "" && !slices.ContainsFunc(bills, isOf) {
		return bills
	}
	return slices.DeleteFunc(bills, func(b billclient.MonthBill) bool { return !isOf(b) })
}

// billsOfMonth asks for the bills of one month, which has none if the API refuses it.
func billsOfMonth(ctx context.Context, f *fetch, m billclient.Month) ([]billclient.MonthBill, error) {
	bills, err := f.client.GetMonthBill(ctx, m, m)
	if err != nil && billclient.ReasonOf(err) == billclient.Invalid {
		return nil, nil
	}
	return bills, err
}
