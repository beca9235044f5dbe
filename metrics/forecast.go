package metrics

import (
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// BudgetStatus is what an account is meant to cost in the running month, beside what it is expected to.
type BudgetStatus struct {
	Monthly  billclient.Amount
	Used     billclient.Amount  // of the month so far, in the pay modes that count; 0 while nothing is known
	Forecast *billclient.Amount // likewise, at the end of the month; nil if it is not known
}

// forecast returns what the running month is expected to cost in the pay modes that count: the month so far, a usual
// day for every day left, and what the bill of last month had beyond its estimate while this month is an estimate. A
// line through the month so far would multiply its fees. It is what the dashboards call a forecast. It returns nil
// where the month or a usual day is not known.
func (s AccountStatus) forecast(a Account, counts func(payMode string) bool) *billclient.Amount {
	usual, ok := usualDay(s.Days, counts)
	if !ok || s.Running == nil || s.Running.Until.IsZero() {
		return nil
	}
	left := s.Running.Month.End().Sub(s.Running.Until)
	sum := s.Running.costIn(counts).Add(usual.Times(int(left / time.Second)).Share(int(day / time.Second)))
	if s.Running.Estimated && counts(billclient.Postpaid) {
		sum = sum.Add(estimateGap(a))
	}
	return &sum
}

const day = 24 * time.Hour

// Days are usual ones from usualFrom days before the newest one on. Those before them may be half metered, or a spike.
const usualFrom, usualDays = 3, 7

// usualDay returns the median of some days, without what is prepaid: a purchase is no usual day.
func usualDay(days []DayCost, counts func(payMode string) bool) (usual billclient.Amount, ok bool) {
	to := max(0, len(days)-usualFrom)
	var costs []billclient.Amount
	for _, d := range days[max(0, to-usualDays):to] {
		costs = append(costs, sumParts(d.Modes, func(mode string) bool { return mode != billclient.Prepaid && counts(mode) }))
	}
	if len(costs) == 0 {
		return usual, false
	}
	slices.SortFunc(costs, billclient.Amount.Cmp)
	return costs[(len(costs)-1)/2].Add(costs[len(costs)/2]).Share(2), true
}

// estimateGap returns what the bill of last month has beyond its estimate: 0 if it has less, or one of them is not
// known.
func estimateGap(a Account) (gap billclient.Amount) {
	m, ok := a.shownMonth(1)
	estimate := lastEstimate(a)
	if !ok || a.options.PastMonths == 0 || estimate == nil {
		return gap
	}
	if more := m.Summary.Sum.Sub(*estimate); more.Sign() > 0 {
		return more
	}
	return gap
}

// lastEstimate returns what last month is estimated to cost, nil if that is not shown.
func lastEstimate(a Account) *billclient.Amount {
	last := a.month.Add(-1)
	e := a.Snapshot.Months[last].Estimate
	if a.options.PastMonths == 0 || e.IsEmpty() || !a.isWholeEstimate(e.Summary) && !a.isCurrent(last, e.Summary.ReadAt) {
		return nil
	}
	return &e.Summary.Sum
}

// costIn returns what the month costs in the pay modes that count.
func (m MonthStatus) costIn(counts func(payMode string) bool) billclient.Amount {
	return sumParts(m.Modes, counts)
}

// sumParts returns what those parts come to whose key counts.
func sumParts(parts []Part, counts func(key string) bool) (sum billclient.Amount) {
	for _, p := range parts {
		if counts(p.Key) {
			sum = sum.Add(p.Cost)
		}
	}
	return sum
}

// budget returns the budget of the account as a whole, nil if it has none.
func (s AccountStatus) budget(a Account) *BudgetStatus {
	i := slices.IndexFunc(a.options.Budgets, func(b Budget) bool {
		return b.Account == a.Name && b.Product == "" && b.Project == ""
	})
	if i < 0 {
		return nil
	}
	b := a.options.Budgets[i]
	counts := func(mode string) bool { return len(b.PayModes) == 0 || slices.Contains(b.PayModes, mode) }
	status := &BudgetStatus{Monthly: b.Monthly, Forecast: s.forecast(a, counts)}
	if s.Running != nil {
		status.Used = s.Running.costIn(counts)
	}
	return status
}

// unionSplits are the sources that sum up the running month by all pay modes, and how each splits it.
var unionSplits = map[string]ledger.Split{
	"pay_mode_summary": ledger.ByPayMode, "product_summary": ledger.ByGroup, "project_summary": ledger.ByProject,
}

// dataOf returns up to when the last good answer of a source counts. What bill-union has of the running month is as old
// as its answer, whatever closed month it has beside that.
func dataOf(a Account, s Source) time.Time {
	if by, ok := unionSplits[s.Name]; ok {
		if u := a.union(0, by); u != nil {
			return u.ReadAt
		}
	}
	return s.Data
}

// otherModesAt returns when the API told what the month n months ago cost in other pay modes than postpaid, the zero
// time if it has not.
func otherModesAt(a Account, n int) time.Time {
	if u := a.union(n, ledger.ByPayMode); u != nil {
		return u.ReadAt
	}
	for _, by := range []ledger.Split{ledger.ByGroup, ledger.ByProject} {
		if d := a.modeDays(n, by); d != nil {
			return d.ReadAt
		}
	}
	return time.Time{}
}
