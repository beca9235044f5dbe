package metrics

import (
	"maps"
	"slices"
	"strconv"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// dayView is one way to look at a day's money: a family of days, and one of last month to the same day.
type dayView struct {
	name, per string
	labels    []string
	key       func(project, product string) ledger.Key
	toDate    bool
}

var dayViews = []dayView{
	{
		name: "account", key: func(_, _ string) ledger.Key { return ledger.Key{} }, toDate: true,
	},
	{
		name: "product", per: " per product", labels: []string{"product_code"},
		key: func(_, product string) ledger.Key { return ledger.Key{product} }, toDate: true,
	},
	{
		name: "project", per: " per project", labels: []string{"project_id"},
		key: func(project, _ string) ledger.Key { return ledger.Key{project} }, toDate: true,
	},
	{
		name: "project_product", per: " per product in a project", labels: []string{"project_id", "product_code"},
		key: func(project, product string) ledger.Key { return ledger.Key{project, product} },
	},
}

// addDay adds up a day's costs by the view's keys.
func (v dayView) addDay(sums ledger.Sums, d ledger.Day) {
	if len(v.labels) == 0 {
		sums.Add(ledger.Key{}, billclient.Amount{}) // a day without lines has cost nothing
	}
	for _, r := range d.ProjectProduct {
		sums.Add(v.key(r.Labels[0], r.Labels[1]), r.Amount)
	}
}

const metered = ", after discount and before vouchers, from daily metering: an estimate, without what is billed by" +
	" the month. Postpaid only; cached between refreshes."

// dayFamilies returns the families of days.
func dayFamilies() []Family {
	var families []Family
	for _, v := range dayViews {
		families = append(families, Family{
			Name:    "ksyun_bill_day_" + v.name + "_cost_cny",
			Labels:  slices.Concat([]string{"pay_mode"}, v.labels, []string{"days_ago"}),
			Help:    "Cost in CNY of a day" + v.per + "; days_ago 0 is the newest day metered, never today" + metered,
			samples: v.emitDays,
		})
	}
	for _, v := range dayViews {
		if v.toDate {
			families = append(families, Family{
				Name:   "ksyun_bill_past_month_to_date_" + v.name + "_cost_cny",
				Labels: slices.Concat([]string{"pay_mode"}, v.labels, []string{"months_ago"}),
				Help: "Cost in CNY of last month up to the same day number as the newest day of the running month" +
					v.per + metered,
				samples: v.emitToDate,
			})
		}
	}
	return append(families, dayFacts...)
}

// emitDays emits every shown day. What has a line on any of them has cost 0 on the others.
func (v dayView) emitDays(a Account, emit emit) {
	days, all := map[int]ledger.Sums{}, ledger.Sums{}
	for ago, d := range a.shownDays() {
		days[ago] = ledger.Sums{}
		v.addDay(days[ago], d)
		v.addDay(all, d)
	}
	keys := slices.SortedFunc(maps.Keys(all), ledger.CompareKeys)
	for _, ago := range slices.Sorted(maps.Keys(days)) {
		daysAgo := []string{strconv.Itoa(ago)}
		for _, k := range keys {
			emit(days[ago][k].Float64(), slices.Concat([]string{billclient.Postpaid}, k[:len(v.labels)], daysAgo)...)
		}
	}
}

// emitToDate emits last month up to the day number of the newest day.
func (v dayView) emitToDate(a Account, emit emit) {
	days, ok := a.lastMonthToDate()
	if !ok {
		return
	}
	all := ledger.Sums{}
	for _, d := range days {
		v.addDay(all, d)
	}
	emitRows(all.Rows(len(v.labels)), emit, "1")
}

var dayFacts = []Family{
	{
		Name: "ksyun_bill_day_start_timestamp_seconds", Labels: []string{"days_ago"},
		Help: "Start of a day that is shown, in Beijing, as Unix time.",
		samples: func(a Account, emit emit) {
			for ago := range a.shownDays() {
				emit(unixSeconds(a.newest.Add(-ago).Start()), strconv.Itoa(ago))
			}
		},
	},
	{
		Name:   "ksyun_bill_instance_week_change_cny",
		Labels: []string{"pay_mode", "product_code", "project_id", "instance_id"},
		Help: "How much more in CNY an instance has cost on the day days_ago=1 than a week before, of the 50 largest" +
			" changes either way" + metered,
		samples: func(a Account, emit emit) { emitRows(a.weekChanges(), emit) },
	},
}
