package metrics

import (
	"maps"
	"slices"
	"strconv"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

const allModes = "all pay modes, after discount, from the summaries of bill-union; cached between refreshes."

// unionViews are the splits that have a family of the running month and one of the closed months.
var unionViews = []struct {
	name, per, label string
	by               ledger.Split
}{
	{"product", "product group, a code that is none of the product codes", "product_group", ledger.ByGroup},
	{"project", "project", "project_id", ledger.ByProject},
}

// unionFamilies returns the families of all pay modes.
func unionFamilies() []Family {
	families := []Family{}
	for _, v := range unionViews {
		families = append(families, Family{
			Name: "ksyun_bill_all_modes_" + v.name + "_cost_cny", Labels: []string{v.label},
			Help:    "Cost in CNY of the running month to date per " + v.per + ", " + allModes,
			samples: func(a Account, emit emit) { emitUnion(a.union(0, v.by), emit) },
		}, Family{
			Name: "ksyun_bill_past_month_all_modes_" + v.name + "_cost_cny", Labels: []string{v.label, "months_ago"},
			Help: "Cost in CNY of a closed month per " + v.per + ", " + allModes,
			samples: func(a Account, emit emit) {
				for n := range a.options.PastMonths {
					emitUnion(a.union(n+1, v.by), emit, strconv.Itoa(n+1))
				}
			},
		})
	}
	return append(families, unionFacts...)
}

// emitUnion emits the parts of a month; a nil union has none.
func emitUnion(u *ledger.Union, emit emit, after ...string) {
	if u == nil {
		return
	}
	for _, r := range u.Parts {
		emit(r.Amount.Float64(), append([]string{r.Labels[0]}, after...)...)
	}
}

var unionFacts = []Family{
	{
		Name: "ksyun_bill_account_paid_cny", Labels: []string{"months_ago", "means"},
		Help: "By what the cost of a month is paid in CNY: cash, voucher, reward (a gift of the vendor)," +
			" cloud_ticket; " + allModes,
		samples: func(a Account, emit emit) {
			for n := range a.options.PastMonths + 1 {
				if u := a.union(n, ledger.ByGroup); u != nil {
					for _, r := range u.Paid {
						emit(r.Amount.Float64(), strconv.Itoa(n), r.Labels[0])
					}
				}
			}
		},
	},
	{
		Name:   "ksyun_bill_product_group_info",
		Labels: []string{"product_group", "product_group_name", "product_code"},
		Help: "Name of each product group of bill-union, and the product code under which its prepaid and real-time" +
			" cost is shown. Always 1.",
		samples: func(a Account, emit emit) {
			names := map[string]string{}
			for n := range a.options.PastMonths + 1 {
				if u := a.union(n, ledger.ByGroup); u != nil {
					addMissing(names, u.Names)
				}
			}
			for _, group := range slices.Sorted(maps.Keys(names)) {
				emit(1, group, names[group], ledger.KeyLabel(a.productCode(group)))
			}
		},
	},
	{
		Name: "ksyun_bill_account_pay_modes_complete", Labels: []string{"months_ago"},
		Help: "1 if the account's cost of a month has all configured pay modes, 0 while one of them is missing or too" +
			" old.",
		samples: func(a Account, emit emit) {
			for n := range a.options.PastMonths + 1 {
				_, hasPostpaid := a.shownMonth(n)
				_, hasOthers := a.otherModes(n)
				if !hasPostpaid && !a.hasModes(n) {
					continue
				}
				complete := 0.
				if (hasPostpaid || a.hasNothingPostpaid(n)) && (hasOthers || !a.AllModes) {
					complete = 1
				}
				emit(complete, strconv.Itoa(n))
			}
		},
	},
	{
		Name: "ksyun_bill_pay_mode_unreconciled_cost_cny", Labels: []string{"months_ago"},
		Help: "What bill-union calls postpaid minus the sum of GetMonthBill or, while there is no bill, the same days of" +
			" the estimate, in CNY: 0 where they agree.",
		samples: func(a Account, emit emit) {
			for n := range a.options.PastMonths + 1 {
				if difference, ok := unreconciledMode(a, n); ok {
					emit(difference.Float64(), strconv.Itoa(n))
				}
			}
		},
	},
}

// unreconciledMode returns what bill-union calls postpaid of a month minus what the month's bill has. While there is
// none, it is of the days that are metered, but for the newest one, which is often half metered.
func unreconciledMode(a Account, n int) (difference billclient.Amount, ok bool) {
	m := a.month.Add(-n)
	known := a.Snapshot.Months[m]
	cost, ok := a.union(n, ledger.ByPayMode).Part(billclient.Postpaid)
	if bill := known.Bill; ok && !bill.IsEmpty() && a.isCurrent(m, bill.Summary.ReadAt) {
		return cost.Sub(bill.Summary.Sum), true
	}
	from, to := billclient.DayOf(m.Start()), min(billclient.DayOf(m.End()), a.newest).Add(-1)
	days, ok := a.coveredDays(from, to)
	d := a.modeDays(n, ledger.ByGroup)
	if !ok || from > to || !known.Bill.IsEmpty() || !d.Covers(to) {
		return billclient.Amount{}, false
	}
	return d.Postpaid(to).Sub(sumDays(days)), true
}
