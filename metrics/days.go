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
	by        ledger.Split // how the other pay modes are split; empty: they are not known this way
	toDate    bool
}

// accountDays is the view of the account as a whole.
var accountDays = dayView{
	name: "account", key: func(_, _ string) ledger.Key { return ledger.Key{} },
	by: ledger.ByGroup, toDate: true,
}

var dayViews = []dayView{
	accountDays,
	{
		name: "product", per: " per product", labels: []string{"product_code"},
		key: func(_, product string) ledger.Key { return ledger.Key{product} },
		by:  ledger.ByGroup, toDate: true,
	},
	{
		name: "project", per: " per project", labels: []string{"project_id"},
		key: func(project, _ string) ledger.Key { return ledger.Key{project} },
		by:  ledger.ByProject, toDate: true,
	},
	{
		name: "project_product", per: " per product in a project", labels: []string{"project_id", "product_code"},
		key: func(project, product string) ledger.Key { return ledger.Key{project, product} },
	},
}

// addDay adds a day's postpaid costs by the view's keys.
func (v dayView) addDay(d ledger.Day, add func(ledger.Key, billclient.Amount)) {
	if len(v.labels) == 0 {
		add(ledger.Key{}, billclient.Amount{}) // a day without lines has cost nothing
	}
	for _, r := range d.ProjectProduct {
		add(v.key(r.Labels[0], r.Labels[1]), r.Amount)
	}
}

const (
	metered = ", after discount and before vouchers, from daily metering: an estimate, without what is billed by" +
		" the month. "
	postpaidOnly = "Postpaid only; cached between refreshes."
	fromUnion    = "Other pay modes from the days of bill-union; cached between refreshes."
	fromLines    = "Other pay modes from the lines of bill-union; cached between refreshes."
)

// coverage says for HELP which pay modes a family has.
func coverage(o Options, by ledger.Split) string {
	if by != "" && o.AllModes {
		return fromUnion
	}
	return postpaidOnly
}

// dayFamilies returns the families of days.
func dayFamilies(o Options) []Family {
	var families []Family
	for _, v := range dayViews {
		families = append(families, Family{
			Name:    "ksyun_bill_day_" + v.name + "_cost_cny",
			Labels:  slices.Concat([]string{"pay_mode"}, v.labels, []string{"days_ago"}),
			Help:    "Cost in CNY of a day" + v.per + "; days_ago 0 is the newest day metered, never today" + metered + coverage(o, v.by),
			samples: v.emitDays,
		})
	}
	for _, v := range dayViews {
		if v.toDate {
			families = append(families, Family{
				Name:   "ksyun_bill_past_month_to_date_" + v.name + "_cost_cny",
				Labels: slices.Concat([]string{"pay_mode"}, v.labels, []string{"months_ago"}),
				Help: "Cost in CNY of last month up to the same day number as the newest day of the running month" +
					v.per + metered + coverage(o, v.by),
				samples: v.emitToDate,
			})
		}
	}
	return append(append(families, dayFacts...), weekChangeFamily(o))
}

// emitDays emits every shown day, postpaid and by the other pay modes.
func (v dayView) emitDays(a Account, emit emit) {
	postpaid, others := newDayTable(a), newDayTable(a)
	for ago, d := range a.shownDays() {
		v.addDay(d, postpaid.begin(ago))
	}
	postpaid.emit([]string{billclient.Postpaid}, len(v.labels), emit)
	for ago := range a.options.Days {
		if a.newest == 0 || !a.coversModes(a.newest.Add(-ago), v.by) {
			continue
		}
		add := others.begin(ago)
		a.addModesOfDay(a.newest.Add(-ago), v.by, func(k ledger.Key, amount billclient.Amount) { add(v.cutKey(k), amount) })
	}
	others.emit(nil, 1+len(v.labels), emit)
}

// dayTable has what days have cost by key.
type dayTable struct {
	most  int   // days
	days  []int // by how long ago they are, in order
	costs map[ledger.Key][]billclient.Amount
}

// newDayTable returns a table that has room for all days that are shown.
func newDayTable(a Account) *dayTable {
	return &dayTable{most: a.options.Days, costs: map[ledger.Key][]billclient.Amount{}}
}

// begin begins a day, which is longer ago than those before, and returns what adds costs to it.
func (t *dayTable) begin(ago int) (add func(ledger.Key, billclient.Amount)) {
	at := len(t.days)
	t.days = append(t.days, ago)
	return func(k ledger.Key, amount billclient.Amount) {
		costs, ok := t.costs[k]
		if !ok {
			costs = make([]billclient.Amount, t.most)
			t.costs[k] = costs
		}
		costs[at] = costs[at].Add(amount)
	}
}

// emit emits the days with the first n parts of their keys, and the given label values before. What has a cost on any
// day has cost 0 on the others.
func (t *dayTable) emit(before []string, n int, emit emit) {
	keys := slices.SortedFunc(maps.Keys(t.costs), ledger.CompareKeys)
	labels := []string{}
	for at, ago := range t.days {
		for _, k := range keys {
			labels = append(append(append(labels[:0], before...), k[:n]...), strconv.Itoa(ago))
			emit(t.costs[k][at].Float64(), labels...)
		}
	}
}

// keysOf returns the keys that have a cost on any of some days.
func keysOf(days map[int]ledger.Sums) []ledger.Key {
	all := map[ledger.Key]bool{}
	for _, sums := range days {
		for k := range sums {
			all[k] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), ledger.CompareKeys)
}

// otherModes returns what the days that are shown cost in other pay modes than postpaid, by how long ago they are and
// by pay mode and label value.
func (v dayView) otherModes(a Account) map[int]ledger.Sums {
	days := map[int]ledger.Sums{}
	for ago := range a.options.Days {
		if sums, ok := a.modesOfDay(a.newest.Add(-ago), v.by); ok && a.newest != 0 {
			days[ago] = v.cut(sums)
		}
	}
	return days
}

// cut adds up sums by pay mode and label value to those by the labels of the view.
func (v dayView) cut(sums ledger.Sums) ledger.Sums {
	if len(v.labels) > 0 {
		return sums
	}
	byMode := ledger.Sums{}
	for k, amount := range sums {
		byMode.Add(v.cutKey(k), amount)
	}
	return byMode
}

// cutKey returns of a pay mode and a label value what the view has.
func (v dayView) cutKey(k ledger.Key) ledger.Key {
	if len(v.labels) > 0 {
		return k
	}
	return ledger.Key{k[0]}
}

// emitToDate emits last month up to the day number of the newest day. The other pay modes alone would look like a cheap
// month.
func (v dayView) emitToDate(a Account, emit emit) {
	days, hasPostpaid := a.lastMonthToDate()
	if hasPostpaid {
		all := ledger.Sums{}
		for _, d := range days {
			v.addDay(d, all.Add)
		}
		emitRows(all.Rows(len(v.labels)), emit, "1")
	}
	if hasPostpaid || a.hasNothingPostpaid(1) {
		for _, r := range v.otherModesToDate(a).Rows(1 + len(v.labels)) {
			emit(r.Amount.Float64(), slices.Concat(r.Labels, []string{"1"})...)
		}
	}
}

// otherModesToDate returns what last month cost up to the day number of the newest day in other pay modes than
// postpaid, nothing where a day of it is not known.
func (v dayView) otherModesToDate(a Account) ledger.Sums {
	from, to, ok := a.sameDaysOfLastMonth()
	if !ok {
		return nil
	}
	sums, _ := v.otherModesBetween(a, from, to)
	return sums
}

// otherModesBetween returns what the days from one to another cost in other pay modes than postpaid; ok is false where
// that is not known of one of them.
func (v dayView) otherModesBetween(a Account, from, to billclient.Day) (all ledger.Sums, ok bool) {
	all = ledger.Sums{}
	for at := from; at <= to; at++ {
		sums, ok := a.modesOfDay(at, v.by)
		if !ok {
			return nil, false
		}
		for k, amount := range v.cut(sums) {
			all.Add(k, amount)
		}
	}
	return all, true
}

var dayFacts = []Family{
	{
		Name: "ksyun_bill_day_start_timestamp_seconds", Labels: []string{"days_ago"},
		Help: "Start of a day that is shown, in Beijing, as Unix time.",
		samples: func(a Account, emit emit) {
			for ago := range a.options.Days {
				if at := a.newest.Add(-ago); a.showsDay(at) {
					emit(unixSeconds(at.Start()), strconv.Itoa(ago))
				}
			}
		},
	},
}

// weekChangeFamily is the family of differences of instances.
func weekChangeFamily(o Options) Family {
	covered := postpaidOnly
	if o.AllModes {
		covered = fromLines
	}
	return Family{
		Name:   "ksyun_bill_instance_week_change_cny",
		Labels: []string{"pay_mode", "product_code", "project_id", "instance_id"},
		Help: "How much more in CNY an instance has cost on the day days_ago=1 than a week before, of the 50 largest" +
			" changes either way" + metered + covered,
		samples: func(a Account, emit emit) {
			for _, r := range weekChanges(a) {
				emit(r.cost.Float64(), append([]string{r.mode}, r.key[:]...)...)
			}
		},
	}
}
