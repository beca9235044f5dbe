package backfill

import (
	"cmp"
	"maps"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// accountView is the view of the account as a whole.
const accountView = "account"

// history is what closed months of an account have cost. Immutable.
type history struct {
	account string
	months  []billclient.Month // those that have a sample
	bills   map[billclient.Month][]billclient.MonthBill
	others  *metrics.Account // the other pay modes than postpaid; nil: they were not asked for

	// amortized is what months cost prepaid by product and project, spread over terms; months are missing where not all
	// purchases are known.
	amortized map[billclient.Month]ledger.Sums
}

// histories returns what is known of all accounts.
func histories(j *job) []history {
	var all []history
	for _, a := range j.accounts {
		h := history{
			account: a.Name, months: j.shownMonths(a), bills: j.journal.billsByMonth(a.owner, j.from, j.to),
		}
		if a.hasModes {
			h.others = new(otherModes(j, a))
		}
		if a.hasModes && spreads(j) {
			h.amortized = metrics.AmortizedMonths(*h.others, j.from, j.to)
			maps.DeleteFunc(h.amortized, func(m billclient.Month, _ ledger.Sums) bool { return !isAmortized(j, a, m) })
		}
		all = append(all, h)
	}
	return all
}

// otherModes returns what bill-union has said of an account.
func otherModes(j *job, a account) metrics.Account {
	s := (&ledger.Snapshot{}).WithGroups(nil)
	if list := j.journal.answer(a.owner, billclient.FirstMonth, groupList); list != nil {
		s = s.WithGroups(list.Groups)
	}
	for _, m := range j.shownMonths(a) {
		s = s.WithMonth(m, knownMonth(j, a, m))
	}
	for m := firstBought(j, j.from); m < j.from; m++ {
		if bought := j.journal.answer(a.owner, m, instances); bought != nil && spreads(j) {
			s = s.WithMonth(m, ledger.Month{MonthLines: bought.Lines})
		}
	}
	past := int(billclient.MonthOf(j.journal.now) - j.from)
	return metrics.Account{Name: a.Name, Snapshot: s, AllModes: true}.AsOf(j.journal.now, metrics.Options{
		PastMonths: past, Products: j.products, AllModes: true, AllLines: true,
	})
}

// knownMonth returns what is known of a month. What was refused is there without any part, so that sums are of none of
// them.
func knownMonth(j *job, a account, m billclient.Month) (known ledger.Month) {
	if bills := j.journal.bills[monthKey{a.owner, m}]; len(bills) > 0 {
		known.Bill.Summary = ledger.SummarizeBills(bills, j.journal.now)
	}
	total := j.journal.answer(a.owner, m, sums)
	if total == nil || total.Sums == nil {
		return known
	}
	known = known.WithUnion(ledger.ByPayMode, total.Sums)
	if !total.hasOtherModes() {
		return known
	}
	read := j.journal.now
	noDays, noLines := &ledger.ModeDays{ReadAt: read}, &ledger.ModeLines{ReadAt: read, Named: true}
	known.MonthLines = cmp.Or(j.journal.answer(a.owner, m, instances).Lines, noLines)
	known = known.WithModeDays(ledger.ByGroup, cmp.Or(j.journal.answer(a.owner, m, productDays).Days, noDays))
	return known.WithModeDays(ledger.ByProject, cmp.Or(j.journal.answer(a.owner, m, projectDays).Days, noDays))
}

// sums returns what a month has cost by pay mode and the labels of the family.
func (f family) sums(h history, m billclient.Month) ledger.Sums {
	all := ledger.Sums{}
	if f.needsModes && h.others == nil || f.spread != nil && h.amortized[m] == nil {
		return all
	}
	for _, b := range h.bills[m] {
		for _, r := range f.postpaid(summarize(b)) {
			all.Add(keyOf(append([]string{billclient.Postpaid}, r.Labels...)), r.Amount)
		}
	}
	if h.others != nil {
		for _, r := range metrics.OtherModes(*h.others, f.view, m) {
			all.Add(keyOf(r.Labels), r.Amount)
		}
	}
	if f.spread != nil {
		maps.DeleteFunc(all, func(k ledger.Key, _ billclient.Amount) bool { return k[0] == billclient.Prepaid })
		for k, amount := range h.amortized[m] {
			all.Add(f.spread(k), amount)
		}
	}
	return all
}

// keyOf returns label values as a key.
func keyOf(labels []string) (k ledger.Key) {
	copy(k[:], labels)
	return k
}

// summarize returns a bill whose parts come to its sum: what it has beyond them is of __none__. When it was read does
// not matter.
func summarize(b billclient.MonthBill) *ledger.Summary {
	return ledger.SummarizeBills([]billclient.MonthBill{b}, time.Time{})
}
