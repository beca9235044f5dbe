package collector

import (
	"context"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// unionAction is an action of bill-union that splits a month.
type unionAction func(*billclient.Client, context.Context, billclient.Month) (billclient.UnionSummary, error)

// unionSource is the source of one split of bill-union. The running month is asked for, and the closed ones that may
// have changed.
func unionSource(name, title string, by ledger.Split, ask unionAction) source {
	return source{
		name: name, title: title, unit: "months", loop: unionLoop, service: unionService,
		read: func(ctx context.Context, f *fetch) error {
			return eachMonth(unionMonths(f, by), func(m billclient.Month) error {
				return readUnion(ctx, f, m, by, ask)
			})
		},
		measure: func(s *ledger.Snapshot, now time.Time) (items int, data time.Time) {
			for at, m := range s.Months {
				if u := m.Union(by); u != nil && len(u.Parts) > 0 {
					items++
					data = laterOf(data, endIfOver(at, now))
				}
			}
			return items, data
		},
	}
}

// unionMonths returns the months to ask for, the running one first.
func unionMonths(f *fetch, by ledger.Split) (months []billclient.Month) {
	now := now()
	running := billclient.MonthOf(now)
	for m := running; m >= running.Add(-f.options.Months.Past) && m >= billclient.FirstMonth; m-- {
		if m == running || !isUnionCurrent(f, m, by, now) {
			months = append(months, m)
		}
	}
	return months
}

// isUnionCurrent reports whether nothing new is to be expected of a closed month: it was read since the month ended,
// and its bill has not changed since. Last month is asked for once in a while all the same, for not all pay modes are
// in that bill.
func isUnionCurrent(f *fetch, m billclient.Month, by ledger.Split, now time.Time) bool {
	known := f.snapshot.Months[m]
	u := known.Union(by)
	switch {
	case u == nil || u.ReadAt.Before(m.End()):
		return false
	case known.Bill.Summary != nil && known.Bill.Summary.Sum.Cmp(u.ReadFor) != 0:
		return false
	default:
		age := now.Sub(u.ReadAt) // before 0 if the clock was set back since
		return m < billclient.MonthOf(now)-1 || 0 <= age && age < f.options.Refresh.DetailsMaxAge
	}
}

func readUnion(ctx context.Context, f *fetch, m billclient.Month, by ledger.Split, ask unionAction) error {
	now := now()
	known := f.snapshot.Months[m]
	before := known.Union(by)
	answer, err := askForWhole(f, "bill-union by "+string(by), m,
		func() (billclient.UnionSummary, error) { return ask(f.client, ctx, m) },
		func(answer billclient.UnionSummary) []string {
			return ledger.SummarizeUnion(answer, now).LostParts(before)
		})
	if err != nil {
		return err
	}
	isMissing := !answer.Billed() && before != nil && len(before.Parts) > 0
	if !isMissing {
		f.trust(string(by), m)
	} else if f.protects(string(by), m, "the summary of bill-union") {
		return missing("bill-union", "summary", m)
	}
	next := ledger.SummarizeUnion(answer, now)
	if known.Bill.Summary != nil {
		next.ReadFor = known.Bill.Summary.Sum
	}
	f.learnMonth(m, func(known ledger.Month) ledger.Month { return known.WithUnion(by, next) })
	return nil
}
