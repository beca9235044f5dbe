package metrics

import (
	"cmp"
	"maps"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// amortized is prepaid cost spread over the terms that it was paid for. Every day of a term costs the same; the last
// one has the rest.
type amortized struct {
	from, through billclient.Day // first and last one of days
	month         billclient.Day // first day of the running month

	days      map[ledger.Key][]billclient.Amount // by product and project, the cost of each day
	instances ledger.Sums                        // of the running month until the last day
	remaining map[string]billclient.Amount       // by product, what is paid and not used by the end of the last day

	productNames, projectNames map[string]string // by label value, of all that is spread
	instanceNames              map[ledger.Key]string
}

// missingPrepaidMonths returns how many months are not known whose purchases can still count: the running one, and as
// many closed ones as are configured.
func missingPrepaidMonths(a Account) (missing int) {
	for n := range a.options.PrepaidMonths + 1 {
		if m := a.month.Add(-n); m >= billclient.FirstMonth && boughtIn(a, n) == nil {
			missing++
		}
	}
	return missing
}

// boughtIn returns what was bought in the month n months ago, nil if it is not known.
func boughtIn(a Account, n int) *ledger.PrepaidMonth {
	at := a.month.Add(-n)
	if lines := modeLines(a, n); lines != nil && !lines.ReadAt.IsZero() {
		return &ledger.PrepaidMonth{ReadAt: lines.ReadAt, Named: lines.Named, Bought: lines.Bought}
	}
	switch {
	case n > 0:
		return a.Snapshot.BoughtIn(at)
	case spreadThrough(a) < billclient.DayOf(at.Start()): // nothing of it counts before its first day is over
		return &ledger.PrepaidMonth{}
	default:
		return nil
	}
}

// spreadThrough returns the last day on which prepaid cost is spread: the newest one that is shown.
func spreadThrough(a Account) billclient.Day {
	yesterday := billclient.DayOf(a.now).Add(-1)
	if a.newest == 0 {
		return yesterday
	}
	return min(yesterday, a.newest)
}

// amortize spreads prepaid cost over the days that are shown, nil while not all months are known.
func amortize(a Account) *amortized {
	if !a.AllModes || a.options.PrepaidMonths == 0 || missingPrepaidMonths(a) > 0 {
		return nil
	}
	month, through := billclient.DayOf(a.month.Start()), spreadThrough(a)
	last := billclient.DayOf(a.month.Add(-1).Start()) // is compared with what the vendor counts
	s := newAmortized(month, min(last, through.Add(1-a.options.Days)), through)
	addBought(a, s, 0, a.options.PrepaidMonths)
	s.addUp()
	return s
}

// addBought adds what was bought in the months from one to another, by how many months ago they are.
func addBought(a Account, s *amortized, from, to int) {
	var labels keyLabels
	for n := from; n <= to; n++ {
		m := boughtIn(a, n)
		if m == nil {
			continue
		}
		// Of earlier months, nothing but purchases is known. The last one can have ids, and those before it have names.
		if n <= a.options.PastMonths+1 || labels.products == nil || labels.named != m.Named {
			labels = newKeyLabels(a, n, m.Named, groupNames(a, n))
		}
		for i := range m.Bought {
			s.add(&m.Bought[i], labels)
		}
	}
}

func newAmortized(month, from, through billclient.Day) *amortized {
	return &amortized{
		month: month, from: from, through: through, days: map[ledger.Key][]billclient.Amount{}, instances: ledger.Sums{},
		remaining: map[string]billclient.Amount{}, productNames: map[string]string{}, projectNames: map[string]string{},
		instanceNames: map[ledger.Key]string{},
	}
}

// addUp turns changes against the day before into costs of days.
func (s *amortized) addUp() {
	for _, changes := range s.days {
		for i := 1; i < len(changes); i++ {
			changes[i] = changes[i].Add(changes[i-1])
		}
	}
}

// groupNames returns the names of the product groups of lines, by their ids.
func groupNames(a Account, n int) map[string]string {
	names := map[string]string{}
	if lines := modeLines(a, n); lines != nil {
		for _, sums := range lines.Sums {
			addMissing(names, sums.ProductNames)
		}
	}
	return names
}

// add adds a purchase: to the days as changes against the day before.
func (s *amortized) add(p *ledger.Purchase, labels keyLabels) {
	if p.Last < s.from {
		return
	}
	product := labels.product(ledger.KeyLabel(p.Group))
	project := labels.project(ledger.KeyLabel(p.Project))
	s.name(p, labels, product, project)
	if rest := p.Cost.Sub(p.Until(s.through)); rest.Sign() != 0 {
		s.remaining[product] = s.remaining[product].Add(rest)
	}
	if cost := p.Until(s.through).Sub(p.Until(s.month.Add(-1))); cost.Sign() != 0 && s.through >= s.month {
		key := ledger.Key{product, project, ledger.KeyLabel(p.Instance)}
		s.instances.Add(key, cost)
		s.instanceNames[key] = cmp.Or(s.instanceNames[key], p.Name)
	}
	k := ledger.Key{product, project}
	if s.days[k] == nil {
		s.days[k] = make([]billclient.Amount, s.through.Sub(s.from)+1)
	}
	last := p.LastShare()
	if first := max(p.First, s.from); first < p.Last {
		s.change(k, first, p.Daily)
		s.change(k, p.Last, last.Sub(p.Daily))
	} else {
		s.change(k, first, last)
	}
	s.change(k, p.Last.Add(1), last.Neg())
}

// name keeps how a purchase's product and project are called, of which nothing else may be shown.
func (s *amortized) name(p *ledger.Purchase, labels keyLabels, product, project string) {
	group, projectName := p.Group, p.Project
	if !labels.named {
		group, projectName = labels.names[p.Group], ""
	}
	if project == ledger.None {
		projectName = ""
	}
	s.productNames[product] = cmp.Or(s.productNames[product], group)
	s.projectNames[project] = cmp.Or(s.projectNames[project], projectName)
}

// change changes what all days from one on cost.
func (s *amortized) change(k ledger.Key, from billclient.Day, by billclient.Amount) {
	if from <= s.through {
		i := from.Sub(s.from)
		s.days[k][i] = s.days[k][i].Add(by)
	}
}

// day returns what a day costs by product and project.
func (s *amortized) day(at billclient.Day) ledger.Sums {
	sums := ledger.Sums{}
	for k, costs := range s.days {
		if i := at.Sub(s.from); i >= 0 && i < len(costs) && costs[i].Sign() != 0 {
			sums.Add(k, costs[i])
		}
	}
	return sums
}

// lastMonth returns what all days of the month before the running one cost.
func (s *amortized) lastMonth() (cost billclient.Amount) {
	first := billclient.DayOf(s.month.Month().Add(-1).Start())
	for _, costs := range s.days {
		for i := first.Sub(s.from); i < s.month.Sub(s.from) && i < len(costs); i++ {
			cost = cost.Add(costs[i])
		}
	}
	return cost
}

// toDate returns what the running month costs until the last day, by product and project.
func (s *amortized) toDate() ledger.Sums {
	sums := ledger.Sums{}
	for k := range s.instances {
		sums.Add(ledger.Key{k[0], k[1]}, s.instances[k])
	}
	return sums
}

// amortizedViews are the views whose families have an amortised twin, and how days are added up for them.
var amortizedViews = []struct {
	name string
	key  func(k ledger.Key) ledger.Key // of a product and a project
}{
	{accountView, func(ledger.Key) ledger.Key { return ledger.Key{} }},
	{productView, func(k ledger.Key) ledger.Key { return ledger.Key{k[0]} }},
	{projectView, func(k ledger.Key) ledger.Key { return ledger.Key{k[1]} }},
}

const spread = ", after discount and before vouchers: prepaid spread over its term by the day, other pay modes as they" +
	" are. Absent while ksyun_bill_prepaid_months_missing is above 0."

// amortizedFamilies returns the families of prepaid cost that is spread over its terms.
func amortizedFamilies(o Options) []Family {
	var families []Family
	for _, v := range amortizedViews {
		view := viewNamed(v.name)
		families = append(families, Family{
			Name: "ksyun_bill_amortized_" + v.name + "_cost_cny", Labels: viewLabels(o, view),
			Help: "Cost in CNY of the running month to date" + view.per + spread,
			samples: func(a Account, emit emit) {
				if a.amortized != nil && a.hasPostpaid(0) {
					view.emitMonth(a, 0, withoutMode(billclient.Prepaid, emit))
					emitAmortized(a.amortized.toDate(), v.key, len(view.Labels), emit)
				}
			},
		})
	}
	families = append(families, amortizedInstances(o))
	for i, v := range amortizedViews {
		days := dayViews[i]
		families = append(families, Family{
			Name:   "ksyun_bill_day_amortized_" + v.name + "_cost_cny",
			Labels: slices.Concat([]string{"pay_mode"}, days.labels, []string{"days_ago"}),
			Help:   "Cost in CNY of a day" + days.per + "; days_ago 0 is the newest day metered, never today" + spread,
			samples: func(a Account, emit emit) {
				if a.amortized != nil {
					days.emitDays(a, withoutMode(billclient.Prepaid, emit))
					emitAmortizedDays(a, v.key, len(days.labels), emit)
				}
			},
		})
	}
	return append(families, prepaidFacts...)
}

// emitAmortized emits sums by product and project under the keys of a view with n labels.
func emitAmortized(sums ledger.Sums, key func(ledger.Key) ledger.Key, n int, emit emit) {
	byKey := ledger.Sums{}
	for k, amount := range sums {
		byKey.Add(key(k), amount)
	}
	for _, r := range byKey.Rows(n) {
		emit(r.Amount.Float64(), append([]string{billclient.Prepaid}, r.Labels...)...)
	}
}

// emitAmortizedDays emits the prepaid cost of the days that are shown.
func emitAmortizedDays(a Account, key func(ledger.Key) ledger.Key, n int, emit emit) {
	days := newDayTable(a)
	for ago := range a.options.Days {
		if at := a.newest.Add(-ago); a.newest != 0 && a.showsDay(at) {
			add := days.begin(ago)
			for k, amount := range a.amortized.day(at) {
				add(key(k), amount)
			}
		}
	}
	days.emit([]string{billclient.Prepaid}, n, emit)
}

// amortizedInstances is the family of instances.
func amortizedInstances(o Options) Family {
	view := viewNamed(instanceView)
	return Family{
		Name: "ksyun_bill_amortized_instance_cost_cny", Labels: viewLabels(o, view),
		Help: "Cost in CNY of the running month to date" + view.per + spread,
		samples: func(a Account, emit emit) {
			if a.amortized != nil && a.options.Instances.Enabled && a.hasPostpaid(0) {
				emitInstances(a, amortizedRows(a), emit)
			}
		},
	}
}

func makeAmortizedRows(a Account) []instanceRow {
	rows, _ := instanceRows(a, 0)
	facts := map[ledger.Key][]string{}
	for n := range min(1, a.options.PastMonths) + 1 {
		known, _ := instanceRows(a, n)
		for _, r := range known {
			if facts[*r.key] == nil {
				facts[*r.key] = r.facts
			}
		}
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r instanceRow) bool { return r.mode == billclient.Prepaid })
	for _, k := range slices.SortedFunc(maps.Keys(a.amortized.instances), ledger.CompareKeys) {
		described := facts[k]
		if described == nil {
			described = make([]string, len(a.options.Instances.Facts()))
			described[slices.Index(ledger.InstanceFacts(), "instance_name")] = a.amortized.instanceNames[k]
		}
		rows = append(rows, instanceRow{billclient.Prepaid, &k, a.amortized.instances[k], described})
	}
	rows, _ = foldInstances(a, rows)
	return rows
}

var prepaidFacts = []Family{
	{
		Name: "ksyun_bill_amortized_unreconciled_cost_cny", Labels: []string{"months_ago"},
		Help: "What DescribeCostBill counts as last month's part of all that is prepaid, minus the same by its terms, in CNY." +
			" The API rounds to the fen. Absent where it does not know the action.",
		samples: func(a Account, emit emit) {
			last := a.month.Add(-1)
			b := a.Snapshot.Months[last].CostBill
			if a.amortized != nil && b != nil && !b.Absent && a.isCurrent(last, b.ReadAt) {
				emit(b.Cost.Sub(a.amortized.lastMonth()).Float64(), "1")
			}
		},
	},
	{
		Name: "ksyun_bill_prepaid_remaining_cny", Labels: []string{"product_code"},
		Help: "What is paid for terms and not yet used by the end of the newest day, in CNY. Absent while" +
			" ksyun_bill_prepaid_months_missing is above 0.",
		samples: func(a Account, emit emit) {
			if a.amortized != nil {
				for _, code := range slices.Sorted(maps.Keys(a.amortized.remaining)) {
					emit(a.amortized.remaining[code].Float64(), code)
				}
			}
		},
	},
	{
		Name: "ksyun_bill_prepaid_months_missing",
		Help: "How many of the running month and the prepaid.months before it are not read yet: while any is, prepaid cost" +
			" cannot be spread over its terms.",
		samples: func(a Account, emit emit) {
			if a.AllModes && a.options.PrepaidMonths > 0 && a.Refused == nil {
				emit(float64(missingPrepaidMonths(a)))
			}
		},
	},
}

// withoutMode returns an emit that passes over the samples of a pay mode, which is their first label.
func withoutMode(mode string, to emit) emit {
	return func(value float64, labels ...string) {
		if labels[0] != mode {
			to(value, labels...)
		}
	}
}
