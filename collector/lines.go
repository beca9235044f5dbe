package collector

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"ksyun_bill_exporter/billclient"
)

// linesToRead returns the months whose lines of a book are due: of the running month and of the one before it those
// that have a summary, and whose lines were never read, or not since the summary changed, or too long ago.
func (a *account) linesToRead(of basis, now time.Time) []billclient.Month {
	var due []billclient.Month
	running := billclient.MonthOf(now)
	for _, m := range []billclient.Month{running, running.Add(-1)} {
		known := a.snapshot.Months[m]
		isShown := known.Basis == of && (m == running || a.options.Months.Past > 0)
		if (isShown || of == estimated && a.daysWanted(known)) && a.linesDue(*known.book(of), now) {
			due = append(due, m)
		}
	}
	return due
}

// daysWanted tells whether lines of consumption are wanted for their days. Those of an estimate that the API has
// dropped, as it may once the bill is there, can only be fewer than those that are known.
func (a *account) daysWanted(of month) bool {
	dropped := of.Bill.final() && !of.Estimate.empty() && a.monthConsume.up &&
		of.Estimate.Summary.ReadAt.Before(a.monthConsume.lastAttempt)
	return !dropped && (a.options.Days > 0 || a.options.Months.Past > 0) // last month to the same day is of days, too
}

func (a *account) linesDue(b book, now time.Time) bool {
	if b.empty() || b.Lines == nil {
		return !b.empty()
	}
	age := now.Sub(b.Lines.ReadAt)
	tooOld := age < 0 || age >= a.options.Refresh.DetailsMaxAge // before 0 if the clock was set back since
	return tooOld || b.linesChanged() && age >= a.options.Refresh.DetailsInterval
}

// readMonths reads the lines of the given months. What one of them yields stays, whatever becomes of the others. A read
// can last over the end of a month: the one before the last is not wanted any more, and not to be had.
func (a *account) readMonths(
	ctx context.Context, months []billclient.Month, read func(context.Context, billclient.Month) error,
) error {
	var failures []error
	for _, m := range months {
		wanted := func() bool { return m >= billclient.MonthOf(wall()).Add(-1) }
		if !wanted() {
			continue
		}
		if err := read(ctx, m); err != nil && wanted() {
			failures = append(failures, fmt.Errorf("%v: %w", m, err))
		}
	}
	return join(failures)
}

// readDetailBill reads the lines of a month's bill.
func (a *account) readDetailBill(ctx context.Context, m billclient.Month) error {
	now, known := wall(), a.snapshot.Months[m]
	query := billclient.DetailQuery{From: m, To: m, Tags: len(a.options.Instances.Tags) > 0}
	l, err := a.readLines(ctx, billclient.GetPostpayDetailBill, nil, func() iter.Seq2[billclient.Line, error] {
		return a.client.GetPostpayDetailBill(ctx, query)
	})
	if err != nil {
		return err
	}
	if err := known.Bill.short(l, billclient.GetPostpayDetailBill); err != nil {
		return err
	}
	known.Bill.Lines = l.close(known.Bill.Summary, now)
	a.replace(a.snapshot.with(m, known))
	return nil
}

// readDetailConsume reads the lines of a month's consumption. Where the month's bill is shown, only its days are.
func (a *account) readDetailConsume(ctx context.Context, m billclient.Month) error {
	now, known := wall(), a.snapshot.Months[m]
	query := billclient.ConsumeQuery{Month: m, Tags: len(a.options.Instances.Tags) > 0}
	watched := a.snapshot.watched(a.options, now)
	l, err := a.readLines(ctx, billclient.GetPostpayDetailConsume, watched, func() iter.Seq2[billclient.Line, error] {
		return a.client.GetPostpayDetailConsume(ctx, query)
	})
	if err != nil {
		return err
	}
	if known.Bill.final() && known.Estimate.dropped(l) {
		known.Estimate.Lines = known.Estimate.again(l, now)
		a.replace(a.snapshot.with(m, known))
		return nil
	}
	if err := known.Estimate.short(l, billclient.GetPostpayDetailConsume); err != nil {
		return err
	}
	days := l.closeDays(known.Estimate.Summary, now)
	if known.Basis == estimated {
		known.Estimate.Lines = l.close(known.Estimate.Summary, now)
	} else {
		known.Estimate.Lines = l.counts(known.Estimate.Summary, now)
	}
	a.replace(a.snapshot.with(m, known).withDays(m, days))
	return nil
}

// short is the failure of lines that cannot be all behind the book's summary: none of a sum, or fewer than before while
// the sum has not fallen with them. Fewer that add up to it are all that there are.
func (b book) short(l *ledger, action string) error {
	because := func(cause string, args ...any) error {
		return &billclient.Error{Action: action, Reason: billclient.Incomplete, Err: fmt.Errorf(cause, args...)}
	}
	switch {
	case l.lines == 0 && b.Summary.Sum.Sign() != 0:
		return because("the answer has no lines, though the summary comes to %v CNY", b.Summary.Sum)
	case b.fewer(l) && b.Summary.Sum.Cmp(b.Lines.ReadFor.Sum) >= 0:
		return because("the answer has %d lines, fewer than the %d before, and they do not come to %v CNY", l.lines,
			b.Lines.Lines, b.Summary.Sum)
	default:
		return nil
	}
}

// fewer tells whether the book had more lines than those that were read, which do not add up to its summary.
func (b book) fewer(l *ledger) bool {
	return b.Lines != nil && l.lines < b.Lines.Lines && !b.Summary.agrees(l.cost())
}

// agrees tells whether lines of this cost are all that the summary is of, which may be rounded, to a fen per product.
func (s *summary) agrees(cost billclient.Amount) bool {
	return math.Abs(s.Sum.Sub(cost).Float64()) <= 0.01*float64(len(s.Product))
}

// dropped tells whether lines are missing in a way that is no failure beside a bill: what a month was estimated by need
// not be any more, and its days are no cheaper for it.
func (b book) dropped(l *ledger) bool {
	return l.lines == 0 && (b.Summary.Sum.Sign() != 0 || b.Lines != nil && b.Lines.Lines > 0) || b.fewer(l)
}

// again returns the sums as they were, as what came of another read.
func (b book) again(l *ledger, readAt time.Time) *lineSums {
	if b.Lines == nil {
		return l.counts(b.Summary, readAt)
	}
	next := *b.Lines
	next.ReadFor, next.ReadAt = b.Summary, readAt
	return &next
}

// readLines reads a stream of lines to its end, each attempt into a ledger of its own.
func (a *account) readLines(
	ctx context.Context, action string, watched []billclient.Day, stream func() iter.Seq2[billclient.Line, error],
) (l *ledger, err error) {
	err = a.client.Retry(ctx, action, func() error {
		l = newLedger(a.options.Instances, watched)
		for line, err := range stream() {
			if err == nil {
				err = a.expect(action, line.CustomerID)
			}
			if err != nil {
				return err
			}
			l.add(&line)
		}
		return nil
	})
	return l, err
}
