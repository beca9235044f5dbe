package collector

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// Names of the sources of lines.
const (
	dayLines   = "instance_consume"
	monthLines = "instance_summary"
)

// dayLineSource is the source of the instances of all pay modes on the days of the running month. Only the newest days
// are asked for again.
var dayLineSource = source{
	name: dayLines, title: "Instances of all pay modes, by day", unit: "lines", loop: instanceLoop,
	service: unionService,
	isDue:   func(f *fetch, now time.Time) bool { return len(dueDayLines(f, now)) > 0 },
	read: func(ctx context.Context, f *fetch) error {
		return eachMonth(dueDayLines(f, now()), func(m billclient.Month) error { return readDayLines(ctx, f, m) })
	},
	measure: func(s *ledger.Snapshot, _ time.Time) (items int, data time.Time) {
		for at, m := range s.Months {
			if l := m.DayLines; l != nil {
				items += l.Count
				data = laterOf(data, earlierOf(billclient.DayOf(l.ReadAt).Start(), at.End()))
			}
		}
		return items, data
	},
}

// dueDayLines returns the months whose days are to be asked for: the running one once a day, when all costs of the day
// before have come, and when they are too old, and the last one until that holds for its last day. Where the lines of
// the last month as a whole are not there yet, its days are wanted even if nobody has asked for them while it ran.
func dueDayLines(f *fetch, now time.Time) (months []billclient.Month) {
	running := billclient.MonthOf(now)
	known := f.snapshot.Months[running]
	if l := known.DayLines; l == nil || isDayLineDue(l, now) || f.isOld(l.ReadAt, now) ||
		!l.KnowsCodes() && ledger.BilledProducts(known) != nil || correctedDay(f, known) != 0 {
		months = append(months, running)
	}
	last := running - 1
	known = f.snapshot.Months[last]
	settled := last.End().Add(settling)
	switch l := known.DayLines; {
	case now.Before(settled) || last < billclient.FirstMonth || !wantsLastMonth(f):
	case l != nil && l.ReadAt.Before(settled):
		months = append(months, last)
	case l == nil && known.MonthLines != nil && known.MonthLines.IsEmpty() && hasOtherModes(known):
		months = append(months, last)
	}
	return months
}

// wantsLastMonth reports whether the lines of the last month are shown, or what was bought in it is spread.
func wantsLastMonth(f *fetch) bool { return f.options.Months.Past > 0 || f.options.Prepaid.Months > 0 }

// isDayLineDue reports whether all costs of another day have come since lines were read.
func isDayLineDue(l *ledger.ModeLines, now time.Time) bool {
	complete := billclient.DayOf(now.Add(-settling)).Start().Add(settling)
	return l.ReadAt.Before(complete)
}

// hasOtherModes reports whether the summary of a month's pay modes has others than postpaid.
func hasOtherModes(m ledger.Month) bool {
	u := m.Union(ledger.ByPayMode)
	if u == nil {
		return false
	}
	for _, r := range u.Parts {
		if r.Labels[0] != billclient.Postpaid && r.Labels[0] != ledger.None {
			return true
		}
	}
	return false
}

// askedAgain is how many of the newest days are asked for again, for costs can be corrected.
const askedAgain = 3

// dayLinesFrom returns the first day of a month to ask for. Days that were asked for once their costs had come, and
// again for two days, are known unless they were corrected since.
func dayLinesFrom(f *fetch, m billclient.Month, to billclient.Day) billclient.Day {
	known := f.snapshot.Months[m]
	first := billclient.DayOf(m.Start())
	if known.DayLines == nil {
		return first
	}
	from := max(first, min(to.Add(1-askedAgain), known.DayLines.Through.Add(-1)))
	if corrected := correctedDay(f, known); corrected != 0 {
		from = min(from, corrected)
	}
	if from < known.DayLines.FirstApart() { // by a clock that was ahead
		return first
	}
	return from
}

// correctedDay returns the first of the days told apart of which the days of product groups, read since, have another
// cost; 0 if there is none. Lines that made the source incomplete are held against days that were read before, too, and
// are wanted from the first day on where the days that are not told apart cost something else.
func correctedDay(f *fetch, known ledger.Month) billclient.Day {
	days, lines := known.ModeDays[ledger.ByGroup], known.DayLines
	isUnconfirmed := f.isUnconfirmed(dayLines)
	if days == nil || !days.ReadAt.After(lines.ReadAt) && !isUnconfirmed {
		return 0
	}
	first := billclient.DayOf(lines.Through.Month().Start())
	if isUnconfirmed && lines.MissesDays(days, first, lines.FirstApart()-1, settling) != nil {
		return first
	}
	for _, day := range slices.Sorted(maps.Keys(lines.Days)) {
		if lines.MissesDays(days, day, day, settling) != nil {
			return day
		}
	}
	return 0
}

// readDayLines reads the newest days of a month, and all of them the first time. Where they come to something else than
// the days of product groups have, days that did not are kept for a day; others are read again, and taken when two
// reads in a row agree. Where those are too old to tell, days that had more lines are kept for a day.
func readDayLines(ctx context.Context, f *fetch, m billclient.Month) error {
	now, month := now(), f.snapshot.Months[m]
	known := month.DayLines
	to := min(billclient.DayOf(m.End()).Add(-1), billclient.DayOf(now))
	from := dayLinesFrom(f, m, to)
	kept := f.keepDays(ctx, m, &from, to)
	defer kept.discard()
	l, err := readModeLines(ctx, f, m, billclient.QueryInstanceConsume, false, now, kept,
		func() iter.Seq2[billclient.UnionLine, error] {
			return f.client.QueryInstanceConsume(ctx, from, to, wantedSets(f, kept))
		})
	if err != nil {
		return err
	}
	next, days := l.CloseDays(known, from, to), month.ModeDays[ledger.ByGroup]
	if days != nil && now.Sub(days.ReadAt) > f.options.Refresh.Interval {
		days = nil // costs may have been corrected since
	}
	missed := next.MissesDays(days, from, to, settling)
	isWorse := !known.IsEmpty() && (days == nil && next.LostLines(known, from, to, settling) ||
		missed != nil && known.MissesDays(days, from, min(to, known.Through), settling) == nil)
	if !isWorse {
		f.trust(billclient.QueryInstanceConsume, m)
	} else if f.protects(billclient.QueryInstanceConsume, m, "the lines of instances") {
		return incomplete(billclient.QueryInstanceConsume,
			"the lines from %v to %v are less than earlier answers had", from, to)
	}
	learnModeLines(f, m, func(known ledger.Month) ledger.Month {
		known.DayLines = next
		return known
	})
	f.keepUnionLines(kept, m, next)
	settled := billclient.DayOf(now.Add(-settling)).Add(-1) // what today costs grows from read to read
	if missed != nil && !next.SameCostsUntil(known, settled) {
		return incomplete(billclient.QueryInstanceConsume,
			"the lines from %v to %v do not come to what QueryProductConsume has of %s", from, to, strings.Join(missed, ", "))
	}
	return nil
}

// learnModeLines learns lines of a month, in place of those of months that are no longer shown.
func learnModeLines(f *fetch, m billclient.Month, change func(ledger.Month) ledger.Month) {
	last := billclient.MonthOf(now()) - 1
	f.learnMonth(m, change)
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot { return s.DropModeLinesBefore(last) })
}

// readModeLines reads a stream of lines of all pay modes to its end, each attempt into a new ledger.
func readModeLines(ctx context.Context, f *fetch, m billclient.Month, action string, named bool, readAt time.Time,
	kept *keeping, stream func() iter.Seq2[billclient.UnionLine, error],
) (l *ledger.ModeLedger, err error) {
	options := ledger.Options{Views: metrics.LedgerViews(), Instances: f.options.Instances, ReadAt: readAt}
	products := ledger.BilledProducts(f.snapshot.Months[m])
	err = f.client.Retry(ctx, action, func() error {
		l = ledger.NewModeLedger(options, products, named)
		kept.restart()
		add := func(line *billclient.UnionLine) {
			l.Add(line)
			kept.addUnionLine(line)
		}
		return addLines(f, action, stream(), func(line *billclient.UnionLine) string { return line.CustomerID }, add)
	})
	return l, err
}

// wantedSets returns which sets of lines are read.
func wantedSets(f *fetch, kept *keeping) billclient.UnionSets {
	return billclient.UnionSets{Tags: len(f.options.Instances.Tags) > 0, All: kept != nil}
}

// monthLineSource is the source of the instances of all pay modes in closed months: in the last one for its costs, and
// in those before for what was bought for a term that may not have ended.
var monthLineSource = source{
	name: monthLines, title: "Instances of all pay modes, by month", unit: "lines", loop: instanceLoop,
	service: unionService,
	isDue:   func(f *fetch, now time.Time) bool { return len(dueMonthLines(f, now)) > 0 },
	read: func(ctx context.Context, f *fetch) error {
		lines := 0
		return eachMonth(dueMonthLines(f, now()), func(m billclient.Month) error {
			if lines > mostLinesAtOnce {
				return nil
			}
			n, err := readMonthLines(ctx, f, m)
			lines += n
			return err
		})
	},
	measure: func(s *ledger.Snapshot, _ time.Time) (items int, data time.Time) {
		for at, m := range s.Months {
			if m.MonthLines != nil {
				items += m.MonthLines.Count
				data = laterOf(data, at.End())
			}
		}
		return items, data
	},
}

// The closed months before the last one are read a few at a time, and fewer if they have many lines, so that neither
// the calls of a day are used up nor other accounts have to wait.
const (
	mostMonthsAtOnce = 12
	mostLinesAtOnce  = 10_000
)

// dueMonthLines returns the months that are to be asked for: the last one once in a while, and some of those before
// whose purchases are not known, the newest first.
func dueMonthLines(f *fetch, now time.Time) (months []billclient.Month) {
	running := billclient.MonthOf(now)
	last := f.snapshot.Months[running-1]
	l := last.MonthLines
	if wantsLastMonth(f) && (l == nil || f.isOld(l.ReadAt, now) ||
		f.isUnconfirmed(monthLines) && missedByLines(last, running-1, l) != nil) {
		months = append(months, running-1)
	}
	for n := 2; n <= f.options.Prepaid.Months && len(months) < mostMonthsAtOnce; n++ {
		m := running.Add(-n)
		known := f.snapshot.BoughtIn(m)
		isKnown := known != nil && (f.isSettled(m, known.ReadAt) || !f.isOld(known.ReadAt, now))
		if m >= billclient.FirstMonth && !isKnown {
			months = append(months, m)
		}
	}
	return slices.DeleteFunc(months, func(m billclient.Month) bool { return m < billclient.FirstMonth })
}

// readMonthLines reads the lines of a closed month, and returns how many they are. Where those of the last month do not
// come to the summary of its pay modes, lines that did are kept for a day; others are read again, and taken when two
// reads in a row agree.
func readMonthLines(ctx context.Context, f *fetch, m billclient.Month) (lines int, err error) {
	now, month := now(), f.snapshot.Months[m]
	isLast := m == billclient.MonthOf(now)-1
	kept := f.keepMonth(ctx, m, isLast)
	defer kept.discard()
	l, err := readModeLines(ctx, f, m, billclient.DescribeInstanceSummaryBills, true, now, kept,
		func() iter.Seq2[billclient.UnionLine, error] {
			return f.client.DescribeInstanceSummaryBills(ctx, m, wantedSets(f, kept))
		})
	if err != nil {
		return 0, err
	}
	next, known := l.CloseMonth(), month.MonthLines
	missed := missedByLines(month, m, next)
	isShort := func() bool {
		return next.IsEmpty() || next.Count < known.Count && summaryAfter(month, m) == nil
	}
	isWorse := !known.IsEmpty() && (isShort() || missed != nil && missedByLines(month, m, known) == nil)
	if !isWorse {
		f.trust(billclient.DescribeInstanceSummaryBills, m)
	} else if f.protects(billclient.DescribeInstanceSummaryBills, m, "the lines of instances") {
		return next.Count, incomplete(billclient.DescribeInstanceSummaryBills,
			"the lines of %v are less than earlier answers had", m)
	}
	bought := next
	if isLast {
		learnModeLines(f, m, func(known ledger.Month) ledger.Month {
			known.MonthLines = next
			return known
		})
		f.keepMonthLines(kept, m, next, missed)
		bought = f.snapshot.Months[m].ModeLines() // what is shown now is spread when the month is no longer the last one
	}
	if f.options.Prepaid.Months > 0 {
		learnPurchases(f, m, bought, now)
	}
	if !isLast && f.snapshot.BoughtIn(m) == nil {
		return 0, incomplete(billclient.DescribeInstanceSummaryBills,
			"there are no lines of %v, which has cost something prepaid", m)
	}
	if isLast && missed != nil && !next.IsEmpty() && !next.SameCosts(known) {
		return next.Count, incomplete(billclient.DescribeInstanceSummaryBills,
			"the lines of %v do not come to what DescribeBillSummaryByPayMode has of %s", m, strings.Join(missed, ", "))
	}
	return next.Count, nil
}

// missedByLines returns the pay modes of which the lines of a closed month come to something else than the month's
// summary has, none if there is no summary.
func missedByLines(known ledger.Month, m billclient.Month, l *ledger.ModeLines) []string {
	u := summaryAfter(known, m)
	if u == nil || l.ReadAt.Before(m.End()) {
		return nil
	}
	return l.MissesModes(u)
}

// summaryAfter returns the summary of a month's pay modes that was read after the month had ended, nil if there is
// none.
func summaryAfter(known ledger.Month, m billclient.Month) *ledger.Union {
	u := known.Union(ledger.ByPayMode)
	if u == nil || u.ReadAt.Before(m.End()) {
		return nil
	}
	return u
}

// learnPurchases learns what was bought in a closed month, as far as its terms may still be shown.
func learnPurchases(f *fetch, m billclient.Month, l *ledger.ModeLines, readAt time.Time) {
	running := billclient.MonthOf(readAt)
	bought := &ledger.PrepaidMonth{ReadAt: readAt, Named: l.Named, Count: l.Count, Bought: l.Bought}
	ended := billclient.DayOf(running.Add(-monthsOfDays).Start())
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot {
		return s.WithPrepaid(m, bought, running.Add(-f.options.Prepaid.Months), ended)
	})
}

// monthsOfDays is how many months before the running one the days that are shown reach back into.
const monthsOfDays = 2
