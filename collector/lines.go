package collector

import (
	"context"
	"fmt"
	"iter"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// lineSource is the source of the lines of a basis.
func lineSource(
	name, title string, of ledger.Basis, read func(context.Context, *fetch, billclient.Month) error,
) source {
	months := func(f *fetch, now time.Time) []billclient.Month { return dueLines(f, of, now) }
	return source{
		name: name, title: title, unit: "lines", loop: lineLoop,
		isDue: func(f *fetch, now time.Time) bool { return len(months(f, now)) > 0 },
		read: func(ctx context.Context, f *fetch) error {
			return readMonths(ctx, f, months(f, now()), read)
		},
		measure: func(s *ledger.Snapshot, now time.Time) (items int, data time.Time) {
			for at, m := range s.Months {
				if lines := m.Book(of).Lines; lines != nil && at >= billclient.MonthOf(now)-1 {
					items += lines.Count
					data = laterOf(data, lines.Newest)
				}
			}
			return items, data
		},
	}
}

// dueLines returns the months whose lines of a book are due: of the running month and of the one before it those that
// have a summary, and whose lines were never read, or not since the summary changed, or too long ago.
func dueLines(f *fetch, of ledger.Basis, now time.Time) (due []billclient.Month) {
	running := billclient.MonthOf(now)
	for _, m := range []billclient.Month{running, running.Add(-1)} {
		known := f.snapshot.Months[m]
		isShown := f.basis(m, now) == of && (m == running || f.options.Months.Past > 0)
		areWanted := isShown || of == ledger.Estimated && areDaysWanted(f, known, now)
		if areWanted && areLinesDue(f, of, m, isShown, now) {
			due = append(due, m)
		}
	}
	return due
}

// areDaysWanted reports whether lines of consumption are wanted for their days. The API may drop an estimate once the
// bill is there; then its lines can only be fewer than those that are known.
func areDaysWanted(f *fetch, m ledger.Month, now time.Time) bool {
	estimates := f.sources["month_consume"]
	dropped := m.Bill.IsFinal(now) && !m.Estimate.IsEmpty() && estimates.Up &&
		m.Estimate.Summary.ReadAt.Before(estimates.LastAttempt)
	return !dropped && f.options.wantsDays()
}

// areLinesDue reports whether the lines of a month's book are to be read: at once if they never were, or were only
// counted and are to be shown, then as seldom as the configuration wants.
func areLinesDue(f *fetch, of ledger.Basis, m billclient.Month, isShown bool, now time.Time) bool {
	known := f.snapshot.Months[m]
	b := *known.Book(of)
	if b.IsEmpty() || b.Lines == nil || isShown && !b.Lines.Summed {
		return !b.IsEmpty()
	}
	if products, ok := productsToRead(f, of, m, isShown, now); ok {
		return len(products) > 0
	}
	// An age below 0 is that of lines that were read before the clock was set back.
	isLongAgo := now.Sub(b.Lines.ReadAt) >= f.options.Refresh.DetailsInterval
	return f.isOld(b.Lines.ReadAt, now) || b.LinesChanged() && isLongAgo
}

// readMonths reads the lines of the given months. What one of them yields stays, whatever becomes of the others. A read
// can last over the end of a month: the month before the last one is no longer wanted, nor available.
func readMonths(ctx context.Context, f *fetch, months []billclient.Month,
	read func(context.Context, *fetch, billclient.Month) error,
) error {
	var failures []error
	for _, m := range months {
		isWanted := func() bool { return m >= billclient.MonthOf(now()).Add(-1) }
		if !isWanted() {
			continue
		}
		if err := read(ctx, f, m); err != nil && isWanted() {
			failures = append(failures, fmt.Errorf("%v: %w", m, err))
		}
	}
	return joinFailures(failures)
}

// readDetailBill reads the lines of a month's bill.
func readDetailBill(ctx context.Context, f *fetch, m billclient.Month) error {
	now, bill := now(), f.snapshot.Months[m].Bill
	kept := f.keep(LineRead{Month: m, Basis: ledger.Billed, BillID: bill.Summary.BillID})
	defer kept.discard()
	query := billclient.DetailQuery{From: m, To: m, Tags: len(f.options.Instances.Tags) > 0, Sets: kept != nil}
	l, err := readBook(ctx, f, bookRead{
		action: billclient.GetPostpayDetailBill, month: m, of: ledger.Billed, kept: kept,
		stream: func(product string) iter.Seq2[billclient.Line, error] {
			query := query
			query.ProductCode = product
			return f.client.GetPostpayDetailBill(ctx, query)
		},
	})
	if err == nil {
		err = checkLines(f, m, bill, l, billclient.GetPostpayDetailBill)
	}
	if err != nil {
		return err
	}
	lines := l.Close(bill.Summary, now)
	f.learnMonth(m, func(known ledger.Month) ledger.Month {
		if !known.Bill.IsEmpty() {
			known.Bill.Lines = lines
		}
		return known
	})
	if f.basis(m, now) == ledger.Billed {
		f.keepBill(kept, m, bill.Summary, lines)
	}
	return nil
}

// readDetailConsume reads the lines of a month's consumption. Where the month's bill is shown, only its days are. Lines
// of days that the estimate does not cover yet wait until it does.
func readDetailConsume(ctx context.Context, f *fetch, m billclient.Month) error {
	now, known := now(), f.snapshot.Months[m]
	kept := f.keep(LineRead{Month: m, Basis: ledger.Estimated})
	defer kept.discard()
	query := billclient.ConsumeQuery{Month: m, Tags: len(f.options.Instances.Tags) > 0, Sets: kept != nil}
	counted := ledger.Options{Watched: watchedDays(f, now), Until: known.Estimate.Summary.End}
	l, err := readBook(ctx, f, bookRead{
		action: billclient.GetPostpayDetailConsume, month: m, of: ledger.Estimated, options: counted, kept: kept,
		stream: func(product string) iter.Seq2[billclient.Line, error] {
			query := query
			query.ProductCode = product
			return f.client.GetPostpayDetailConsume(ctx, query)
		},
	})
	if err != nil {
		return err
	}
	if known.Bill.IsFinal(now) && known.Estimate.DropsLines(l) {
		learnConsumption(f, m, known.Estimate.LinesReadAgain(l, now), nil)
		return nil
	}
	if err := checkLines(f, m, known.Estimate, l, billclient.GetPostpayDetailConsume); err != nil {
		return err
	}
	days := l.CloseDays(known.Estimate.Summary, now)
	if f.basis(m, now) == ledger.Estimated {
		learnConsumption(f, m, l.Close(known.Estimate.Summary, now), days)
		f.keepLines(kept, m)
	} else {
		learnConsumption(f, m, l.CloseUnsummed(known.Estimate.Summary, now), days)
	}
	return nil
}

// watchedDays returns the days whose instances are compared.
func watchedDays(f *fetch, now time.Time) []billclient.Day {
	if !f.options.Instances.Enabled || f.options.Days == 0 {
		return nil
	}
	return f.snapshot.WatchedDays(now)
}

// learnConsumption learns the lines of a month's consumption, and its days if there are any.
func learnConsumption(f *fetch, m billclient.Month, lines *ledger.LineSums, days map[billclient.Day]ledger.Day) {
	f.learnMonth(m, func(known ledger.Month) ledger.Month {
		if !known.Estimate.IsEmpty() {
			known.Estimate.Lines = lines
		}
		return known
	})
	if days != nil {
		f.learn(func(s *ledger.Snapshot) *ledger.Snapshot { return s.WithDays(m, days) })
	}
}

// checkLines fails if lines cannot be all that is behind a book's summary, for a day: then they are taken.
func checkLines(f *fetch, m billclient.Month, b ledger.Book, l *ledger.Ledger, action string) error {
	var err error
	switch {
	case b.HasNoLines(l):
		err = incomplete(action, "the answer has no lines, though the summary comes to %v CNY", b.Summary.Sum)
	case b.MissesLines(l):
		err = incomplete(action, "the answer has %d lines, fewer than the %d before, and they do not come to %v CNY",
			l.Count(), b.Lines.Count, b.Summary.Sum)
	default:
		f.trust(action, m)
		return nil
	}
	if f.protects(action, m, err.Error()) {
		return err
	}
	return nil
}

// readLines reads the lines of a product, or all, to their end, each attempt into a new ledger.
func readLines(ctx context.Context, f *fetch, r bookRead, product string) (l *ledger.Ledger, err error) {
	options := r.ledgerOptions(f)
	err = f.client.Retry(ctx, r.action, func() error {
		l = ledger.New(options)
		r.kept.restart()
		add := func(line *billclient.Line) {
			if options.Counts(line) {
				l.Add(line)
				r.kept.addLine(line)
			}
		}
		customer := func(line *billclient.Line) string { return line.CustomerID }
		return addLines(f, r.action, r.linesOf(product), customer, add)
	})
	return l, err
}

// addLines adds the lines of a stream, unless one is of another customer than the configuration expects. The functions
// must not keep a line.
func addLines[T any](
	f *fetch, action string, stream iter.Seq2[T, error], customer func(*T) string, add func(*T),
) error {
	var line T // a variable of the loop would be an allocation for each line
	for next, err := range stream {
		if line = next; err == nil {
			err = f.expectCustomer(action, "a line", customer(&line))
		}
		if err != nil {
			return err
		}
		add(&line)
	}
	return nil
}
