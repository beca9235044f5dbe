package collector

import (
	"context"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// dayAction is an action of bill-union that has what days cost, by pay mode and one thing more.
type dayAction func(*billclient.Client, context.Context, billclient.Day, billclient.Day) ([]billclient.DayConsume, error)

// modeDaySource is the source of the days of all pay modes, split one way.
func modeDaySource(name, title, action string, by ledger.Split, ask dayAction) source {
	return source{
		name: name, title: title, unit: "months", loop: unionLoop, service: unionService,
		isDue: func(f *fetch, now time.Time) bool { return len(dueModeDays(f, by, now)) > 0 },
		read: func(ctx context.Context, f *fetch) error {
			return eachMonth(dueModeDays(f, by, now()), func(m billclient.Month) error {
				return readModeDays(ctx, f, m, action, by, ask)
			})
		},
		measure: func(s *ledger.Snapshot, now time.Time) (items int, data time.Time) {
			for at, m := range s.Months {
				if d := m.ModeDays[by]; d != nil {
					items++
					data = laterOf(data, earlierOf(billclient.DayOf(d.ReadAt).Start(), at.End()))
				}
			}
			return items, data
		},
	}
}

// settling is how long after the end of a day costs can still come to it: real-time bills are an hour or two late
// (https://endocs.ksyun.com/documents/37331).
const settling = 3 * time.Hour

// dueModeDays returns the months whose days are to be asked for, the running one first.
func dueModeDays(f *fetch, by ledger.Split, now time.Time) (months []billclient.Month) {
	running := billclient.MonthOf(now)
	back := f.options.Months.Past
	if f.options.Days > 0 {
		oldest := billclient.DayOf(now).Add(-f.options.Days) // where yesterday is the newest
		back = max(back, 1, int(running-oldest.Month()))
	}
	for m := running; m >= running.Add(-back) && m >= billclient.FirstMonth; m-- {
		known := f.snapshot.Months[m]
		d := known.ModeDays[by]
		switch {
		case d == nil, f.isOld(d.ReadAt, now) && m >= running-1:
		case m == running && !areModeDaysCurrent(f, d, now):
		case m < running && d.ReadAt.Before(m.End().Add(settling)) && now.After(m.End().Add(settling)):
		case m < running && hasNewerModes(known, d):
		default:
			continue
		}
		months = append(months, m)
	}
	return months
}

// areModeDaysCurrent reports whether the days of the running month reach as far as the days that are metered, and were
// read after all costs of the newest one had come.
func areModeDaysCurrent(f *fetch, d *ledger.ModeDays, now time.Time) bool {
	newest := f.snapshot.NewestDay(now, time.Time{})
	if e := f.snapshot.Months[billclient.MonthOf(now)].Estimate; !e.IsEmpty() { // it is there before its lines are read
		newest = max(newest, min(e.Summary.End, billclient.DayOf(now).Add(-1)))
	}
	if newest == 0 {
		newest = billclient.DayOf(now.Add(-settling)).Add(-1)
	}
	isSettled := d.ReadAt.After(newest.End().Add(settling)) || now.Before(newest.End().Add(settling))
	return newest.Month() < billclient.MonthOf(now) || d.Covers(newest) && isSettled
}

// hasNewerModes reports whether the summary of a month's pay modes is newer than its days and has other costs.
func hasNewerModes(known ledger.Month, d *ledger.ModeDays) bool {
	u := known.Union(ledger.ByPayMode)
	return u != nil && u.ReadAt.After(d.ReadAt) && len(d.MissesModes(u)) > 0
}

// readModeDays reads the days of a month. Where those of a closed month do not come to the summary of its pay modes,
// days that did are kept for a day; others are read again, and taken when two reads in a row agree.
func readModeDays(
	ctx context.Context, f *fetch, m billclient.Month, action string, by ledger.Split, ask dayAction,
) error {
	now := now()
	from, to := billclient.DayOf(m.Start()), min(billclient.DayOf(m.End()).Add(-1), billclient.DayOf(now))
	answer, err := ask(f.client, ctx, from, to)
	if err != nil {
		return err
	}
	known := f.snapshot.Months[m]
	before, next := known.ModeDays[by], ledger.SummarizeDays(answer, now)
	missed := missedModes(known, m, next, now)
	isWorse := before != nil && (len(next.Days) == 0 && len(before.Days) > 0 ||
		missed != nil && missedModes(known, m, before, now) == nil)
	if !isWorse {
		f.trust(action, m)
	} else if f.protects(action, m, "the days of all pay modes") {
		return incomplete(action, "the days of %v are less than earlier answers had", m)
	}
	f.learnMonth(m, func(known ledger.Month) ledger.Month { return known.WithModeDays(by, next) })
	if missed != nil && !before.SameCosts(next) {
		return incomplete(action, "the days of %v do not come to what DescribeBillSummaryByPayMode has of %s",
			m, strings.Join(missed, ", "))
	}
	return nil
}

// missedModes returns the pay modes of which the days of a closed month come to something else than the month's summary
// has, none if there is no summary.
func missedModes(known ledger.Month, m billclient.Month, d *ledger.ModeDays, now time.Time) []string {
	u := known.Union(ledger.ByPayMode)
	if u == nil || now.Before(m.End()) || u.ReadAt.Before(m.End()) || d.ReadAt.Before(m.End()) {
		return nil
	}
	return d.MissesModes(u)
}

// groupSource is the source of the product groups of bill-union, asked for once in a while: they name the ids of days.
var groupSource = source{
	name: "product_groups", title: "Names of product groups", unit: "groups", loop: unionLoop,
	service: unionService,
	isDue:   func(f *fetch, now time.Time) bool { return f.isOld(f.sources["product_groups"].LastSuccess, now) },
	read:    readGroups,
	measure: func(s *ledger.Snapshot, _ time.Time) (items int, data time.Time) { return len(s.Groups), data },
}

func readGroups(ctx context.Context, f *fetch) error {
	groups, err := f.client.ListProductGroups(ctx)
	if err != nil {
		return err
	}
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot { return s.WithGroups(groups) })
	return nil
}
