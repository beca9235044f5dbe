package backfill

import (
	"slices"

	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log/level"
)

// omissions say what the file lacks where a subject was refused.
var omissions = []struct {
	of  subject
	msg string
}{
	{sums, "bill-union has nothing of months: the file has their postpaid bill only"},
	{groupList, "bill-union does not list product groups: they stand under their ids"},
	{productDays, "bill-union does not have months by product: their prepaid and realtime cost is of __none__"},
	{projectDays, "bill-union does not have months by project: their prepaid and realtime cost is of __none__"},
	{instances, "bill-union does not have instances of months: project_product has their cost as __none__"},
	{productCodes, "the bill has no lines: product groups stand under their own codes, unless products says otherwise"},
}

// warnOmitted logs what the file lacks because bill-union has refused it, or has nothing though there is a bill.
func warnOmitted(j *job, a account) {
	for _, o := range omissions {
		var months []billclient.Month
		why := ""
		for m := billclient.FirstMonth; m <= j.to; m++ {
			if reason := omitted(j, a, m, o.of); reason != "" {
				months, why = append(months, m), reason
			}
		}
		about := []any{"msg", o.msg, "account", a.Name}
		if len(months) > 0 && o.of != groupList {
			about = append(about, "months", len(months), "first", months[0], "last", months[len(months)-1])
		}
		if len(months) > 0 {
			level.Warn(j.logger).Log(append(about, "err", why)...)
		}
	}
	warnNotAmortized(j, a)
}

// warnNotAmortized logs which months have no amortised cost because what was bought before is not known.
func warnNotAmortized(j *job, a account) {
	var months []billclient.Month
	for _, m := range j.shownMonths(a) {
		if spreads(j) && !isAmortized(j, a, m) {
			months = append(months, m)
		}
	}
	if len(months) > 0 {
		level.Warn(j.logger).Log("msg", "not all purchases are known whose terms may count: the file has no amortised cost"+
			" of months", "account", a.Name, "months", len(months), "first", months[0], "last", months[len(months)-1])
	}
}

// omitted returns why a subject of a month is not in the file; empty if it is, or if it is not asked for.
func omitted(j *job, a account, m billclient.Month, of subject) string {
	known := j.journal.answer(a.owner, m, of)
	switch isListed := of == groupList; {
	case known == nil || m < j.from && !isListed:
		return ""
	case of == sums && known.Refused == "" && len(known.Sums.Parts) == 0 && hasCost(j, a, m):
		return "no sum of any pay mode, though there is a bill"
	default:
		return known.Refused
	}
}

// hasCost reports whether a month has a bill that comes to something.
func hasCost(j *job, a account, m billclient.Month) bool {
	return slices.ContainsFunc(j.journal.bills[monthKey{a.owner, m}], func(b billclient.MonthBill) bool {
		return b.Sum.Sign() != 0
	})
}
