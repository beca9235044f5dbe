package metrics

import (
	"slices"
	"strconv"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// view is one way to look at a month's money. A row of the table below is a family of the running month and, where past
// says so, its twin of the closed months.
type view struct {
	ledger.View        // Name is that in ksyun_bill_<name>_cost_cny and ksyun_bill_past_month_<name>_cost_cny
	per         string // what each series is the cost of, for HELP
	number      string // what is in the number and where it is from, for HELP
	past        reach
	by          ledger.Split // how the days of the other pay modes are split; empty: they are not known this way
	hasLines    bool         // the lines of the other pay modes are, too
}

// reach says for which closed months a view has a family.
type reach int

const (
	runningOnly reach = iota
	lastMonth         // months_ago="1"
	allMonths         // months_ago="1" to months.past
)

// Names of the views that are used one by one.
const (
	accountView = "account"
	productView = "product"
	projectView = "project"
)

func costOf(c *ledger.Cell) billclient.Amount     { return c.Cost }
func listCostOf(c *ledger.Cell) billclient.Amount { return c.List }

const (
	summed = "after discount and before vouchers, postpaid from the summary of the bill or of its estimate, other pay" +
		" modes from bill-union"
	either = "after discount and before vouchers, from the summary of the bill or of its estimate, or from the lines" +
		" where that has none"
	lined  = "after discount and before vouchers, from the lines of the bill or of its estimate"
	listed = "at list price before discount, from the lines of the bill or of its estimate"
)

var views = []view{
	{
		View: ledger.View{
			Name:    accountView,
			Summary: func(s *ledger.Summary) []ledger.Row { return []ledger.Row{{Amount: s.Sum}} },
		},
		number: summed, past: allMonths,
	},
	{
		View: ledger.View{
			Name: productView, Labels: []string{"product_code"}, Amount: costOf, Keys: productKey,
			Summary: func(s *ledger.Summary) []ledger.Row { return s.Product },
		},
		per: " per product", number: either, past: allMonths, by: ledger.ByGroup,
	},
	{
		View: ledger.View{
			Name: projectView, Labels: []string{"project_id"}, Amount: costOf, Keys: projectKey,
			Summary: func(s *ledger.Summary) []ledger.Row { return s.Project },
		},
		per: " per project", number: either, past: allMonths, by: ledger.ByProject,
	},
	{
		View: ledger.View{
			Name: "project_product", Labels: []string{"project_id", "product_code"}, Amount: costOf,
			Keys: func(d ledger.Dimensions, _ []ledger.Tag, add func(ledger.Key)) {
				add(ledger.Key{d.Project, d.Product})
			},
			Summary: func(s *ledger.Summary) []ledger.Row { return s.ProjectProduct },
		},
		per: " per product in a project", number: either, past: allMonths, hasLines: true,
	},
	{
		View: ledger.View{
			Name: "region", Labels: []string{"region_name"}, Amount: costOf,
			Keys: func(d ledger.Dimensions, _ []ledger.Tag, add func(ledger.Key)) { add(ledger.Key{d.Region}) },
		},
		per: " per region", number: lined, hasLines: true,
	},
	{
		View: ledger.View{
			Name: "billing_mode", Labels: []string{"billing_mode"}, Amount: costOf,
			Keys: func(d ledger.Dimensions, _ []ledger.Tag, add func(ledger.Key)) { add(ledger.Key{d.Mode}) },
		},
		per: " per billing mode", number: lined, hasLines: true,
	},
	{
		View: ledger.View{
			Name: "tag", Labels: []string{"product_code", "tag_key", "tag_value"}, Amount: costOf,
			Keys: tagKeys, Fold: foldThird,
		},
		per: " per value of a configured tag", number: lined + "; sum within one tag_key only", hasLines: true,
	},
	{
		View: ledger.View{
			Name: instanceView, Labels: []string{"product_code", "project_id", "instance_id"}, Amount: costOf,
			Keys: func(d ledger.Dimensions, _ []ledger.Tag, add func(ledger.Key)) {
				add(ledger.Key{d.Product, d.Project, d.Instance})
			},
			Fold: foldThird, Described: true,
		},
		per:    " per instance",
		number: lined + "; __other__ holds those beyond instances.max_series and below instances.min_cost",
		past:   lastMonth, hasLines: true,
	},
	{
		View: ledger.View{
			Name: "product_list", Labels: []string{"product_code"}, Amount: listCostOf, Keys: productKey, Listed: true,
		},
		per: " per product", number: listed, past: lastMonth,
	},
	{
		View: ledger.View{
			Name: "project_list", Labels: []string{"project_id"}, Amount: listCostOf, Keys: projectKey, Listed: true,
		},
		per: " per project", number: listed, past: lastMonth,
	},
}

func productKey(d ledger.Dimensions, _ []ledger.Tag, add func(ledger.Key)) {
	add(ledger.Key{d.Product})
}

func projectKey(d ledger.Dimensions, _ []ledger.Tag, add func(ledger.Key)) {
	add(ledger.Key{d.Project})
}

func tagKeys(d ledger.Dimensions, tags []ledger.Tag, add func(ledger.Key)) {
	for i, tag := range tags {
		add(ledger.Key{d.Product, tag.Key, d.Tag(i)})
	}
}

func foldThird(k ledger.Key) ledger.Key { return ledger.Key{k[0], k[1], ledger.Other} }

// LedgerViews returns how lines are to be added up for the families.
func LedgerViews() []ledger.View {
	all := make([]ledger.View, len(views))
	for i, v := range views {
		all[i] = v.View
	}
	return all
}

// viewNamed returns the view of a name, which there is.
func viewNamed(name string) view {
	i := slices.IndexFunc(views, func(v view) bool { return v.Name == name })
	return views[i]
}

// viewLabels returns the labels of a view's family.
func viewLabels(o Options, v view) []string {
	labels := append([]string{"pay_mode"}, v.Labels...)
	if v.Described {
		labels = append(labels, o.Instances.Promote...)
	}
	return labels
}

func (v view) help(o Options) string {
	if v.Name == accountView {
		return v.per + ", " + v.number + "; cached between refreshes."
	}
	if v.hasLines && o.AllModes {
		return v.per + ", " + v.number + ". " + fromLines
	}
	return v.per + ", " + v.number + ". " + coverage(o, v.by)
}

func runningFamily(o Options, v view) Family {
	return Family{
		Name: "ksyun_bill_" + v.Name + "_cost_cny", Labels: viewLabels(o, v),
		Help:    "Cost in CNY of the running month to date" + v.help(o),
		samples: func(a Account, emit emit) { v.emitMonth(a, 0, emit) },
	}
}

func pastFamily(o Options, v view) Family {
	to := o.PastMonths
	if v.past == lastMonth {
		to = min(to, 1)
	}
	if v.Described && !o.Instances.LastMonth {
		to = 0
	}
	return Family{
		Name: "ksyun_bill_past_month_" + v.Name + "_cost_cny", Labels: append(viewLabels(o, v), "months_ago"),
		Help: "Cost in CNY of a closed month" + v.help(o),
		samples: func(a Account, emit emit) {
			for n := 1; n <= to; n++ {
				v.emitMonth(a, n, emit, strconv.Itoa(n))
			}
		},
	}
}

// emitMonth emits the rows of the month n months ago, and beside them the other pay modes, where the view has them.
// Without the postpaid part those would look like a cheap month, unless the account has none at all.
func (v view) emitMonth(a Account, n int, emit emit, after ...string) {
	if v.Described {
		rows, _ := instanceRows(a, n)
		emitInstances(a, rows, emit, after...)
		return
	}
	m, ok := a.shownMonth(n)
	if ok {
		emitRows(m.Rows(v.View), emit, after...)
	}
	if a.hasPostpaid(n) {
		for _, r := range v.otherModes(a, n) {
			emit(r.Amount.Float64(), slices.Concat(r.Labels, after)...)
		}
	}
}

// otherModes returns what a month cost in other pay modes than postpaid, by pay mode and the labels of the view.
func (v view) otherModes(a Account, n int) []ledger.Row {
	switch {
	case v.Name == accountView:
		rows, _ := a.otherModes(n)
		return rows
	case v.by != "":
		return a.modeRows(n, v.by)
	case v.hasLines:
		return v.linesOfModes(a, n)
	default:
		return nil
	}
}
