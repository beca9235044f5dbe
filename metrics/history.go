package metrics

import (
	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// OtherModes returns what a closed month cost in other pay modes than postpaid, in the rows of the family
// ksyun_bill_past_month_<name>_cost_cny: pay mode, then the labels of the view of that name. Each pay mode comes to
// what the account has of it. It panics if there is no such view. It is safe for concurrent use.
func OtherModes(a Account, name string, m billclient.Month) []ledger.Row {
	return viewNamed(name).otherModes(a, int(a.month-m))
}

// AmortizedMonths returns what closed months from one to another cost prepaid, spread over its terms by the day, by
// product and project: of all that was bought in closed months that are known, also after the month. Over all months of
// its term that is what was paid, to the last digit. It is safe for concurrent use.
func AmortizedMonths(a Account, from, to billclient.Month) map[billclient.Month]ledger.Sums {
	first, last := billclient.DayOf(from.Start()), billclient.DayOf(to.End()).Add(-1)
	s := newAmortized(last.Add(1), first, last)
	addBought(a, s, 1, int(a.month-billclient.FirstMonth))
	s.addUp()
	months := map[billclient.Month]ledger.Sums{}
	for m := from; m <= to; m++ {
		months[m] = ledger.Sums{}
	}
	for day := first; day <= last; day++ {
		for k, cost := range s.day(day) {
			months[day.Month()].Add(k, cost)
		}
	}
	return months
}
