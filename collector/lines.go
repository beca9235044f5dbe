package collector

import (
	"context"
	"fmt"
	"iter"
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

// readMonths reads the lines of the given months. What one of them yields stays, whatever becomes of the others.
func (a *account) readMonths(
	ctx context.Context, months []billclient.Month, read func(context.Context, billclient.Month) error,
) error {
	var failures []error
	for _, m := range months {
		if err := read(ctx, m); err != nil {
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
	if known.Bill.vanished(l) {
		return lacks(billclient.GetPostpayDetailBill, "lines", m)
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
	switch before := known.Estimate.Lines; {
	case known.Bill.final() && before != nil && l.lines < before.Lines:
		// Beside its bill, what a month was estimated by need not be any more; its days are no cheaper for it.
		known.Estimate.Lines = before.again(known.Estimate.Summary, now)
		a.replace(a.snapshot.with(m, known))
		return nil
	case known.Estimate.vanished(l):
		return lacks(billclient.GetPostpayDetailConsume, "lines", m)
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

// vanished tells whether not a line is left of a book that had some, and still says that it comes to something.
func (b book) vanished(l *ledger) bool {
	return l.lines == 0 && b.Lines != nil && b.Lines.Lines > 0 && b.Summary.Sum.Sign() != 0
}

// again returns the sums as they were, as what came of another read.
func (s *lineSums) again(readFor *summary, readAt time.Time) *lineSums {
	next := *s
	next.ReadFor, next.ReadAt = readFor, readAt
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
