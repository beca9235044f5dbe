package collector

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"ksyun_bill_exporter/billclient"
)

// day is what one day has cost, by daily metering. Immutable.
type day struct {
	ReadAt         time.Time
	ProjectProduct []row // project id and product code
	// Instances has the cost of each instance on the few days that are compared with others, in the order of their
	// keys; nil on other days.
	Instances []instanceCost
}

// instanceCost is what an instance has cost. Days share the keys.
type instanceCost struct {
	Key  *key
	Cost billclient.Amount
}

// week is how many days lie between those that are compared.
const week = 7

// watched returns the days whose instances are to be compared, as they stand now and until the lines are read again:
// the day before the newest one and the same day of the week before, and the two days after each.
func (s *snapshot) watched(o Options, now time.Time) []billclient.Day {
	if !o.Instances.Enabled || o.Days == 0 {
		return nil
	}
	newest := billclient.Day(0)
	for _, m := range s.Months {
		if !m.Estimate.empty() {
			newest = max(newest, m.Estimate.Summary.End)
		}
	}
	if yesterday := billclient.DayOf(now).Add(-1); newest == 0 || newest > yesterday {
		newest = yesterday
	}
	var days []billclient.Day
	for n := range 3 {
		days = append(days, newest.Add(n-1), newest.Add(n-1-week))
	}
	return days
}

// covered returns the days that lines cover: those that the estimate they were read for is made of, none of them yet to
// come. Where the API does not say, it is the days that have lines, from the month's first on.
func (l *ledger) covered(readFor *summary, readAt time.Time) (first, last billclient.Day) {
	first = max(readFor.Begin, billclient.DayOf(readFor.Month.Start()))
	last = cmp.Or(readFor.End, l.newestDay)
	return first, min(last, billclient.DayOf(readFor.Month.End()).Add(-1), billclient.DayOf(readAt))
}

// closeDays derives the days from the cells.
func (l *ledger) closeDays(readFor *summary, readAt time.Time) map[billclient.Day]day {
	byDay := map[billclient.Day]sums{}
	for k, amount := range l.days {
		if byDay[k.day] == nil {
			byDay[k.day] = sums{}
		}
		project, product := l.symbols.text(k.project), l.symbols.text(k.product)
		byDay[k.day].add(key{KeyLabel(project), KeyLabel(product)}, *amount)
	}
	days := map[billclient.Day]day{}
	first, last := l.covered(readFor, readAt)
	for d := first; d <= last; d++ {
		days[d] = day{ReadAt: readAt, ProjectProduct: byDay[d].rows(2)}
	}
	l.closeWatched(days)
	return days
}

// closeWatched adds to the watched days what their instances cost.
func (l *ledger) closeWatched(days map[billclient.Day]day) {
	keys := map[key]*key{}
	for i, at := range l.watched {
		d, ok := days[at]
		if !ok {
			continue
		}
		costs := sums{}
		for e := range l.entries {
			if e.watched != nil {
				costs.add(labelled(key{e.product, e.project, e.instance}, len(key{})), e.watched[i])
			}
		}
		d.Instances = make([]instanceCost, 0, len(costs))
		for _, k := range slices.SortedFunc(maps.Keys(costs), compareKeys) {
			if keys[k] == nil {
				keys[k] = &k
			}
			d.Instances = append(d.Instances, instanceCost{keys[k], costs[k]})
		}
		days[at] = d
	}
}

// monthsBack is how many months' days are kept beside those of the month that is read: the longest way back, 31 days
// from the 1st of March, ends in January.
const monthsBack = 2

// withDays returns a copy of the snapshot with these days of a month in place of those that it had.
func (s *snapshot) withDays(of billclient.Month, days map[billclient.Day]day) *snapshot {
	next := *s
	next.Days = maps.Clone(days)
	for at, d := range s.Days {
		if m := at.Month(); m != of && m >= of.Add(-monthsBack) {
			next.Days[at] = d
		}
	}
	return &next
}

// newestDay returns the newest day that is over and covered, 0 if there is none, or if it was read before fresh: no
// number is shown that is too old.
func (s *snapshot) newestDay(now, fresh time.Time) billclient.Day {
	newest, today := billclient.Day(0), billclient.DayOf(now)
	for at := range s.Days {
		if at < today {
			newest = max(newest, at)
		}
	}
	if s.Days[newest].ReadAt.Before(fresh) {
		return 0
	}
	return newest
}

// dayView is one way to look at a day's money: a family of days, and one of last month to the same day.
type dayView struct {
	name, per string
	labels    []string
	key       func(project, product string) key
	toDate    bool
}

var dayViews = []dayView{
	{
		name: "account", key: func(_, _ string) key { return key{} }, toDate: true,
	},
	{
		name: "product", per: " per product", labels: []string{"product_code"},
		key: func(_, product string) key { return key{product} }, toDate: true,
	},
	{
		name: "project", per: " per project", labels: []string{"project_id"},
		key: func(project, _ string) key { return key{project} }, toDate: true,
	},
	{
		name: "project_product", per: " per product in a project", labels: []string{"project_id", "product_code"},
		key: func(project, product string) key { return key{project, product} },
	},
}

// add adds up a day's costs by the view's keys.
func (v dayView) add(to sums, d day) {
	if len(v.labels) == 0 {
		to.add(key{}, billclient.Amount{}) // a day without lines has cost nothing
	}
	for _, r := range d.ProjectProduct {
		to.add(v.key(r.Labels[0], r.Labels[1]), r.Amount)
	}
}

const metered = ", after discount and before vouchers, from daily metering: an estimate, without what is billed by" +
	" the month. Postpaid only; cached between refreshes."

// dayFamilies returns the families of days.
func dayFamilies() []family {
	var families []family
	for _, v := range dayViews {
		families = append(families, family{
			name:    "ksyun_bill_day_" + v.name + "_cost_cny",
			labels:  slices.Concat([]string{"pay_mode"}, v.labels, []string{"days_ago"}),
			help:    "Cost in CNY of a day" + v.per + "; days_ago 0 is the newest day metered, never today" + metered,
			samples: v.emitDays,
		})
	}
	for _, v := range dayViews {
		if v.toDate {
			families = append(families, family{
				name:   "ksyun_bill_past_month_to_date_" + v.name + "_cost_cny",
				labels: slices.Concat([]string{"pay_mode"}, v.labels, []string{"months_ago"}),
				help: "Cost in CNY of last month up to the same day number as the newest day of the running month" +
					v.per + metered,
				samples: v.emitToDate,
			})
		}
	}
	return append(families, dayFacts...)
}

// emitDays emits every shown day. What has a line on any of them has cost 0 on the others.
func (v dayView) emitDays(s shown, emit emit) {
	days, all := map[int]sums{}, sums{}
	for ago, d := range s.days() {
		days[ago] = sums{}
		v.add(days[ago], d)
		v.add(all, d)
	}
	keys := slices.SortedFunc(maps.Keys(all), compareKeys)
	for _, ago := range slices.Sorted(maps.Keys(days)) {
		daysAgo := []string{strconv.Itoa(ago)}
		for _, k := range keys {
			emit(days[ago][k].Float64(), slices.Concat([]string{postpaid}, k[:len(v.labels)], daysAgo)...)
		}
	}
}

// emitToDate emits last month up to the day number of the newest day.
func (v dayView) emitToDate(s shown, emit emit) {
	days, ok := s.lastMonthToDate()
	if !ok {
		return
	}
	all := sums{}
	for _, d := range days {
		v.add(all, d)
	}
	emitRows(all.rows(len(v.labels)), emit, "1")
}

// lastMonthToDate returns the days of last month up to the day number of the newest day that is shown, at most its
// last; false unless that day is in the running month, and every one of them is covered.
func (s shown) lastMonthToDate() ([]day, bool) {
	if s.newest.Month() != s.now || s.options.Months.Past == 0 {
		return nil, false
	}
	first, from := billclient.DayOf(s.now.Start()), billclient.DayOf(s.now.Add(-1).Start())
	return s.covered(from, min(from.Add(s.newest.Sub(first)), first.Add(-1)))
}

// covered returns the days from one to another, false if one of them is not covered.
func (s shown) covered(from, to billclient.Day) ([]day, bool) {
	var days []day
	for at := from; at <= to; at++ {
		d, ok := s.snapshot.Days[at]
		if !ok {
			return nil, false
		}
		days = append(days, d)
	}
	return days, true
}

// days yields the days that are shown, by how many days before the newest they are.
func (s shown) days() iter.Seq2[int, day] {
	return func(yield func(int, day) bool) {
		for ago := range s.options.Days {
			if d, ok := s.snapshot.Days[s.newest.Add(-ago)]; ok && s.newest != 0 && !yield(ago, d) {
				return
			}
		}
	}
}

var dayFacts = []family{
	{
		name: "ksyun_bill_day_start_timestamp_seconds", labels: []string{"days_ago"},
		help: "Start of a day that is shown, in Beijing, as Unix time.",
		samples: func(s shown, emit emit) {
			for ago := range s.days() {
				emit(unix(s.newest.Add(-ago).Start()), strconv.Itoa(ago))
			}
		},
	},
	{
		name:   "ksyun_bill_instance_week_change_cny",
		labels: []string{"pay_mode", "product_code", "project_id", "instance_id"},
		help: "How much more in CNY an instance has cost on the day days_ago=1 than a week before, of the 50 largest" +
			" changes either way" + metered,
		samples: func(s shown, emit emit) {
			for _, r := range s.weekChanges() {
				emit(r.Amount.Float64(), append([]string{postpaid}, r.Labels...)...)
			}
		},
	},
}

// weekChanges returns the largest differences of instances between the day before the newest and a week before.
func (s shown) weekChanges() []row {
	const most = 50
	day, before := s.snapshot.Days[s.newest.Add(-1)], s.snapshot.Days[s.newest.Add(-1-week)]
	if s.newest == 0 || day.Instances == nil || before.Instances == nil {
		return nil
	}
	change := sums{}
	for _, i := range day.Instances {
		change.add(*i.Key, i.Cost)
	}
	for _, i := range before.Instances {
		change.add(*i.Key, i.Cost.Neg())
	}
	maps.DeleteFunc(change, func(_ key, amount billclient.Amount) bool { return amount.Sign() == 0 })
	var rows []row
	for _, e := range change.dearestFirst() {
		if len(rows) == most {
			break
		}
		rows = append(rows, row{Labels: e.key[:], Amount: change[e.key]})
	}
	return rows
}
