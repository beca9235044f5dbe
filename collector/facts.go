package collector

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// infos returns the families that describe the keys of the cost families, one sample per key.
func (o Options) infos() []family {
	return []family{
		{
			name: "ksyun_bill_account_info", labels: []string{"customer_id"},
			help:    "Every configured account; the customer id is empty until the API has told it. Always 1.",
			samples: func(s shown, emit emit) { emit(1, s.customerID) },
		},
		{
			name: "ksyun_bill_product_info", labels: []string{"product_code", "product_name"},
			help: "Name of each product, from the newest line that has it, else from the bill's summary. Always 1.",
			samples: func(s shown, emit emit) {
				names := s.names((*lineSums).products, (*summary).products)
				for _, code := range slices.Sorted(maps.Keys(names)) {
					emit(1, code, names[code])
				}
			},
		},
		{
			name: "ksyun_bill_project_info", labels: []string{"project_id", "project_name", "owner", "cost_center"},
			help:    "Name of each project; owner and cost center as configured. Always 1.",
			samples: o.projectInfo,
		},
		{
			name:    "ksyun_bill_instance_info",
			labels:  append([]string{"product_code", "project_id", "instance_id"}, o.Instances.facts()...),
			help:    "Attributes of each instance of the running and the last month, from its newest line. Always 1.",
			samples: o.instanceInfo,
		},
		{
			name: "ksyun_bill_month_info", labels: []string{"months_ago", "month", "basis", "bill_id"},
			help: "The months that are shown, by how many months ago they are, and what their numbers are based on:" +
				" bill, or estimate (daily metering). Always 1.",
			samples: func(s shown, emit emit) {
				for n, m := range s.months(0, o.Months.Past) {
					emit(1, strconv.Itoa(n), m.Month.String(), string(m.Basis), m.Summary.BillID)
				}
			},
		},
	}
}

func (l *lineSums) products() map[string]string { return l.ProductNames }
func (l *lineSums) projects() map[string]string { return l.ProjectNames }
func (s *summary) products() map[string]string  { return s.ProductNames }
func (s *summary) projects() map[string]string  { return s.ProjectNames }

// names returns the names of all shown keys. The newest month wins, and in a month its lines.
func (s shown) names(ofLines func(*lineSums) map[string]string, ofBill func(*summary) map[string]string,
) map[string]string {
	names := map[string]string{}
	for _, m := range s.months(0, s.options.Months.Past) {
		if m.Lines != nil {
			addMissing(names, ofLines(m.Lines))
		}
		addMissing(names, ofBill(m.Summary))
	}
	return names
}

func addMissing(names, more map[string]string) {
	for key, name := range more {
		if _, ok := names[key]; !ok {
			names[key] = name
		}
	}
}

func (o Options) projectInfo(s shown, emit emit) {
	names := s.names((*lineSums).projects, (*summary).projects)
	for n := range o.Months.Past + 1 {
		if u := s.union(n, byProject); u != nil {
			addMissing(names, u.Names)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		project := o.project(s.Name, id)
		emit(1, id, names[id], project.Owner, project.CostCenter)
	}
}

// project returns what is configured of a project, nothing where it is not.
func (o Options) project(account, id string) Project {
	for _, p := range o.Projects {
		if p.Account == account && p.ID == id {
			return p
		}
	}
	return Project{}
}

// instanceInfo describes an instance that two months show as the running one does.
func (o Options) instanceInfo(s shown, emit emit) {
	described := map[key]bool{}
	labels := []string{}
	for n, m := range s.months(0, min(1, o.Months.Past)) {
		if m.Lines == nil || n == 1 && !o.Instances.LastMonth {
			continue
		}
		for _, i := range m.Lines.Instances {
			if described[i.Key] {
				continue
			}
			described[i.Key] = true
			labels = append(append(labels[:0], i.Key[:]...), i.Facts...)
			emit(1, labels...)
		}
	}
}

// periods say what stretch of time the running families cover.
var periods = []family{
	{
		name: "ksyun_bill_period_start_timestamp_seconds",
		help: "Start of the running month, in Beijing, as Unix time. Absent while the running month has no numbers.",
		samples: func(s shown, emit emit) {
			if m, ok := s.month(0); ok {
				emit(unix(m.Month.Start()))
			}
		},
	},
	{
		name: "ksyun_bill_period_end_timestamp_seconds",
		help: "End of the running month, in Beijing, as Unix time. Absent while the running month has no numbers.",
		samples: func(s shown, emit emit) {
			if m, ok := s.month(0); ok {
				emit(unix(m.Month.End()))
			}
		},
	},
	{
		name: "ksyun_bill_period_data_timestamp_seconds",
		help: "Instant up to which the running families count, as Unix time: the end of the newest day of an" +
			" estimate, or of the newest line of a bill.",
		samples: func(s shown, emit emit) {
			if end := s.dataEnd(); !end.IsZero() {
				emit(unix(end))
			}
		},
	},
}

// dataEnd returns the instant up to which the running month's numbers count, the zero time if nothing tells.
func (s shown) dataEnd() time.Time {
	m, ok := s.month(0)
	switch {
	case !ok:
		return time.Time{}
	case m.Basis == estimated && s.newest.Month() == s.now:
		return s.newest.End()
	case m.Lines != nil:
		return m.Lines.Newest
	default:
		return time.Time{}
	}
}

// budgets returns the families of what is configured to be spent, with the labels of the families of what is spent.
func (o Options) budgets() []family {
	of := func(what string, labels ...string) family {
		return family{
			name: "ksyun_bill_" + what + "_budget_cny", labels: labels,
			help: "What the " + what + " is meant to cost a month in CNY, as configured.",
			samples: func(s shown, emit emit) {
				for _, b := range o.Budgets {
					if got, labels := b.of(); b.Account == s.Name && got == what {
						emit(b.Monthly.Float64(), labels...)
					}
				}
			},
		}
	}
	return []family{of("account"), of("product", "product_code"), of("project", "project_id")}
}

// of returns what the budget is of, and the values of that family's labels.
func (b Budget) of() (what string, labels []string) {
	switch {
	case b.Product != "":
		return "product", []string{b.Product}
	case b.Project != "":
		return "project", []string{b.Project}
	default:
		return "account", nil
	}
}

// pastEstimate is what last month was estimated to cost, beside what it was billed.
var pastEstimate = []family{{
	name: "ksyun_bill_past_month_estimate_cny", labels: []string{"months_ago"},
	help: "Cost in CNY of last month as daily metering has it, to hold against its bill, which has what is billed by" +
		" the month too. Postpaid only; cached between refreshes.",
	samples: func(s shown, emit emit) {
		last := s.now.Add(-1)
		e := s.snapshot.Months[last].Estimate
		if s.options.Months.Past > 0 && !e.empty() && s.stays(last, e.Summary.ReadAt) {
			emit(e.Summary.Sum.Float64(), "1")
		}
	},
}}

// trust says how far the numbers can be believed.
var trust = []family{
	{
		name: "ksyun_bill_unreconciled_cost_cny", labels: []string{"months_ago", "product_code"},
		help: "The bill's summary minus its lines, per product, in CNY: 0 where they agree; what its sum has beyond" +
			" its products is of __none__. For the running and the last month, each with the summary that stood when" +
			" its lines were read.",
		samples: func(s shown, emit emit) {
			for n, m := range s.months(0, min(1, s.options.Months.Past)) {
				if m.Lines != nil {
					unreconciled(m.Lines, strconv.Itoa(n), emit)
				}
			}
		},
	},
	{
		name: "ksyun_bill_instances", labels: []string{"product_code"},
		help: "Instances per product in the newest month whose lines are shown, folded ones included.",
		samples: func(s shown, emit emit) {
			for code, t := range s.tallies() {
				emit(float64(t.All), code)
			}
		},
	},
	{
		name: "ksyun_bill_folded_instances", labels: []string{"product_code"},
		help: "How many of ksyun_bill_instances have no series of their own but are part of __other__.",
		samples: func(s shown, emit emit) {
			for code, t := range s.tallies() {
				emit(float64(t.Folded), code)
			}
		},
	},
	{
		name: "ksyun_bill_source_data_timestamp_seconds", labels: []string{"source"},
		help: "Instant up to which the last good answer of a source counts, as Unix time: the end of the newest" +
			" closed month with a bill, or of the newest line.",
		samples: func(s shown, emit emit) {
			for _, source := range s.sources {
				if !source.data.IsZero() {
					emit(unix(source.data), source.name)
				}
			}
		},
	},
	{
		name: "ksyun_bill_source_items", labels: []string{"source"},
		help: "Items that the shown numbers of a source are made of: bill lines, or months where the source is a" +
			" summary.",
		samples: func(s shown, emit emit) {
			for _, source := range s.sources {
				emit(float64(source.lines), source.name)
			}
		},
	},
	{
		name: "ksyun_bill_source_from_disk", labels: []string{"source"},
		help: "1 while the numbers of a source were kept from before a restart, 0 once they were asked for.",
		samples: func(s shown, emit emit) {
			for _, source := range s.sources {
				fromDisk := 0.
				if source.fromDisk {
					fromDisk = 1
				}
				emit(fromDisk, source.name)
			}
		},
	},
}

// unreconciled emits, for every product of the summary or the lines, what the one has more than the other; what the
// bill's sum has more than its products is of none.
func unreconciled(lines *lineSums, monthsAgo string, emit emit) {
	difference := sums{}
	if beyond := lines.ReadFor.Sum.Sub(total(lines.ReadFor.Product)); beyond.Sign() != 0 {
		difference.add(key{none}, beyond)
	}
	for _, r := range lines.ReadFor.Product {
		difference.add(key{r.Labels[0]}, r.Amount)
	}
	for _, r := range lines.Rows["product"] {
		difference.add(key{r.Labels[0]}, r.Amount.Neg())
	}
	for _, r := range difference.rows(1) {
		emit(r.Amount.Float64(), monthsAgo, r.Labels[0])
	}
}

// tallies yields the instance counts of the newest month whose lines are shown, by product.
func (s shown) tallies() func(yield func(string, tally) bool) {
	return func(yield func(string, tally) bool) {
		for _, m := range s.months(0, min(1, s.options.Months.Past)) {
			if m.Lines == nil {
				continue
			}
			for _, code := range slices.Sorted(maps.Keys(m.Lines.Tallies)) {
				if !yield(code, m.Lines.Tallies[code]) {
					return
				}
			}
			return
		}
	}
}

func unix(t time.Time) float64 { return float64(t.Unix()) }
