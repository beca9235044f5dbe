package metrics

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"ksyun_bill_exporter/ledger"
)

// infoFamilies returns the families that describe the keys of the cost families, one sample per key.
func infoFamilies(o Options) []Family {
	return []Family{
		{
			Name: "ksyun_bill_account_info", Labels: []string{"customer_id"},
			Help:    "Every configured account; the customer id is empty until the API has told it. Always 1.",
			samples: func(a Account, emit emit) { emit(1, a.CustomerID) },
		},
		{
			Name: "ksyun_bill_product_info", Labels: []string{"product_code", "product_name"},
			Help: "Name of each product, from the newest line that has it, else from the bill's summary. Always 1.",
			samples: func(a Account, emit emit) {
				names := a.allProductNames()
				for _, code := range slices.Sorted(maps.Keys(names)) {
					emit(1, code, names[code])
				}
			},
		},
		{
			Name: "ksyun_bill_project_info", Labels: []string{"project_id", "project_name", "owner", "cost_center"},
			Help:    "Name of each project; owner and cost center as configured. Always 1.",
			samples: emitProjectInfo,
		},
		{
			Name:    "ksyun_bill_instance_info",
			Labels:  append([]string{"product_code", "project_id", "instance_id"}, o.Instances.Facts()...),
			Help:    "Attributes of each instance of the running and the last month, from its newest line. Always 1.",
			samples: emitInstanceInfo,
		},
		{
			Name: "ksyun_bill_month_info", Labels: []string{"months_ago", "month", "basis", "bill_id"},
			Help: "The months that are shown, by how many months ago they are, and what their numbers are based on:" +
				" bill, or estimate (daily metering). Always 1.",
			samples: func(a Account, emit emit) {
				for n, m := range a.shownMonths(0, o.PastMonths) {
					emit(1, strconv.Itoa(n), m.Month.String(), string(m.Basis), m.Summary.BillID)
				}
			},
		},
	}
}

func emitProjectInfo(a Account, emit emit) {
	names := a.allProjectNames()
	for _, id := range slices.Sorted(maps.Keys(names)) {
		project := a.options.project(a.Name, id)
		emit(1, id, names[id], project.Owner, project.CostCenter)
	}
}

// emitInstanceInfo describes an instance that two months or pay modes show as the running month does, and in it the
// first pay mode. Of one that was bought earlier, only the name is known.
func emitInstanceInfo(a Account, emit emit) {
	described := map[ledger.Key]bool{}
	labels := []string{}
	describe := func(rows []instanceRow) {
		for _, r := range rows {
			if !described[*r.key] {
				described[*r.key] = true
				labels = append(append(labels[:0], r.key[:]...), r.facts...)
				emit(1, labels...)
			}
		}
	}
	for n := range min(1, a.options.PastMonths) + 1 {
		if n == 1 && !a.options.Instances.LastMonth {
			continue
		}
		rows, _ := instanceRows(a, n)
		describe(rows)
	}
	if a.amortized != nil && a.options.Instances.Enabled {
		describe(amortizedRows(a))
	}
}

// periodFamilies say what stretch of time the running families cover.
var periodFamilies = []Family{
	{
		Name: "ksyun_bill_period_start_timestamp_seconds",
		Help: "Start of the running month, in Beijing, as Unix time. Absent while the running month has no numbers.",
		samples: func(a Account, emit emit) {
			if m, ok := a.shownMonth(0); ok {
				emit(unixSeconds(m.Month.Start()))
			}
		},
	},
	{
		Name: "ksyun_bill_period_end_timestamp_seconds",
		Help: "End of the running month, in Beijing, as Unix time. Absent while the running month has no numbers.",
		samples: func(a Account, emit emit) {
			if m, ok := a.shownMonth(0); ok {
				emit(unixSeconds(m.Month.End()))
			}
		},
	},
	{
		Name: "ksyun_bill_period_data_timestamp_seconds",
		Help: "Instant up to which the running families count, as Unix time: the end of the newest day of an" +
			" estimate, or of the newest line of a bill.",
		samples: func(a Account, emit emit) {
			if end := a.dataEnd(); !end.IsZero() {
				emit(unixSeconds(end))
			}
		},
	},
}

// budgetFamilies returns the families of what is configured to be spent, with the labels of the families of what is
// spent, and then those of the pay modes that count against it.
func budgetFamilies(o Options) []Family {
	keys := map[string][]string{"product": {"product_code"}, "project": {"project_id"}}
	var amounts, payModes []Family
	for _, scope := range []string{"account", "product", "project"} {
		amounts = append(amounts, Family{
			Name: "ksyun_bill_" + scope + "_budget_cny", Labels: keys[scope],
			Help: "What the " + scope + " is meant to cost a month in CNY, as configured.",
			samples: eachBudget(o, scope, func(b Budget, labels []string, emit emit) {
				emit(b.Monthly.Float64(), labels...)
			}),
		})
		payModes = append(payModes, Family{
			Name: "ksyun_bill_" + scope + "_budget_pay_mode_info", Labels: append(slices.Clone(keys[scope]), "pay_mode"),
			Help: "The pay modes that count against ksyun_bill_" + scope + "_budget_cny, where its configuration names" +
				" them with pay_modes; all count where it does not. Always 1.",
			samples: eachBudget(o, scope, func(b Budget, labels []string, emit emit) {
				for _, mode := range b.PayModes {
					emit(1, append(slices.Clone(labels), mode)...)
				}
			}),
		})
	}
	return append(amounts, payModes...)
}

// eachBudget returns samples of the account's budgets of a scope; labels are the values of that scope's labels.
func eachBudget(o Options, scope string, sample func(b Budget, labels []string, emit emit)) func(Account, emit) {
	return func(a Account, emit emit) {
		for _, b := range o.Budgets {
			if name, labels := b.scope(); b.Account == a.Name && name == scope {
				sample(b, labels, emit)
			}
		}
	}
}

func unixSeconds(t time.Time) float64 { return float64(t.Unix()) }
