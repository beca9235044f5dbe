package collector

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// readMonthConsumes asks for the estimates of the running month and of the one before; the API has them of no other.
func readMonthConsumes(ctx context.Context, f *fetch) error {
	running := billclient.MonthOf(now())
	return eachMonth([]billclient.Month{running, running.Add(-1)}, func(m billclient.Month) error {
		return readMonthConsume(ctx, f, m, m == running)
	})
}

// measureEstimates returns how many of the last two months have an estimate, and the instant up to which the newest of
// them counts.
func measureEstimates(s *ledger.Snapshot, now time.Time) (items int, data time.Time) {
	for at, m := range s.Months {
		if !m.Estimate.IsEmpty() && at >= billclient.MonthOf(now)-1 {
			items++
			data = laterOf(data, m.Estimate.Summary.DataEnd())
		}
	}
	return items, data
}

func readMonthConsume(ctx context.Context, f *fetch, m billclient.Month, running bool) error {
	now := now()
	estimates, err := askForWhole(f, billclient.GetMonthConsume, m,
		func() ([]billclient.MonthConsume, error) { return f.client.GetMonthConsume(ctx, m) },
		func(estimates []billclient.MonthConsume) []string {
			if len(estimates) == 0 {
				return nil
			}
			return ledger.SummarizeEstimates(estimates, now).LostParts(f.snapshot.Months[m].Estimate.Summary)
		})
	if err == nil {
		return learnEstimate(f, m, running, estimates, now)
	}
	isUnknown := billclient.IsUnknownAction(err)
	if isUnknown && f.seesBills() {
		return newNotOffered(f, err)
	}
	if !running && !isUnknown && billclient.ReasonOf(err) == billclient.Invalid {
		return nil // the API no longer has an estimate of last month, or the customer was none yet
	}
	return err
}

// learnEstimate learns what the API says of the estimate of a month. One that says less than the last one is not
// believed for a day; beside its bill it may say what it will, and need not be there.
func learnEstimate(
	f *fetch, m billclient.Month, running bool, estimates []billclient.MonthConsume, readAt time.Time,
) error {
	known := f.snapshot.Months[m]
	next := ledger.Book{}
	if len(estimates) > 0 {
		next.Summary = ledger.SummarizeEstimates(estimates, readAt)
	}
	less := lessThan(next, known.Estimate, m)
	isBilled := !running && known.Bill.IsFinal(readAt)
	switch {
	case isBilled && next.IsEmpty():
		return nil
	case less == nil || isBilled:
		f.trust("month_consume", m)
	case f.protects("month_consume", m, less.Error()):
		return less
	}
	f.learnMonth(m, func(known ledger.Month) ledger.Month {
		if known.Estimate.Summary = next.Summary; next.IsEmpty() {
			known.Estimate = next
		}
		return known
	})
	return nil
}

// lessThan returns the failure of an estimate that says less than the last one of the month, nil if it does not.
func lessThan(next, last ledger.Book, m billclient.Month) error {
	switch {
	case last.IsEmpty():
		return nil
	case next.IsEmpty():
		return missing(billclient.GetMonthConsume, "estimate", m)
	case next.Summary.End != 0 && next.Summary.End < last.Summary.End:
		return incomplete(billclient.GetMonthConsume, "the estimate goes to %v, the last answer went to %v",
			next.Summary.End, last.Summary.End)
	case next.Summary.Sum.Cmp(last.Summary.Sum) < 0:
		return incomplete(billclient.GetMonthConsume, "the estimate is %v CNY, the last answer said %v",
			next.Summary.Sum, last.Summary.Sum)
	default:
		return nil
	}
}

// notOffered is the failure of an action that the API does not know, though it knows others. The cause's own text asks
// whether the endpoint is the right one, which it is.
type notOffered struct {
	cause   *billclient.Error
	instead string
}

func newNotOffered(f *fetch, err error) error {
	cause := asBillError(err)
	hasEstimates := ledger.HasEstimates(f.snapshot, now(), f.options.Refresh.MaxStaleness)
	if hasEstimates || f.options.Months.forcedBasis() == ledger.Estimated {
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
