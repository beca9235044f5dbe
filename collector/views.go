package collector

import "ksyun_bill_exporter/billclient"

// view is one way to look at a month's money: a row of the table below is a family of the running month and, where past
// says so, its twin of the closed months.
type view struct {
	name    string   // in ksyun_bill_<name>_cost_cny and ksyun_bill_past_month_<name>_cost_cny
	per     string   // of what each series is the cost, for HELP
	number  string   // what is in the number and where it is from, for HELP
	labels  []string // after account and pay_mode
	past    reach
	amount  func(*cell) billclient.Amount
	keys    func(d dimensions, tags []Tag, add func(key)) // keys that lines of these dimensions count for
	fold    func(key) key                                 // into what rows beyond max_series are folded, where they are
	summary func(*summary) []row                          // the first choice, where the bill's summary has such rows
}

// reach says for which closed months a view has a family.
type reach int

const (
	runningOnly reach = iota
	lastMonth         // months_ago="1"
	allMonths         // months_ago="1" to months.past
)

// accountView is the one view that has other pay modes too.
const accountView = "account"

// instanceView is the one view whose rows are described one by one.
const instanceView = "instance"

func cost(c *cell) billclient.Amount { return c.cost }
func list(c *cell) billclient.Amount { return c.list }

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
		name: accountView, number: summed, past: allMonths,
		summary: func(s *summary) []row { return []row{{Amount: s.Sum}} },
	},
	{
		name: "product", per: " per product", number: either, past: allMonths,
		labels: []string{"product_code"}, amount: cost,
		keys:    func(d dimensions, _ []Tag, add func(key)) { add(key{d.product}) },
		summary: func(s *summary) []row { return s.Product },
	},
	{
		name: "project", per: " per project", number: either, past: allMonths,
		labels: []string{"project_id"}, amount: cost,
		keys:    func(d dimensions, _ []Tag, add func(key)) { add(key{d.project}) },
		summary: func(s *summary) []row { return s.Project },
	},
	{
		name: "project_product", per: " per product in a project", number: either, past: allMonths,
		labels: []string{"project_id", "product_code"}, amount: cost,
		keys:    func(d dimensions, _ []Tag, add func(key)) { add(key{d.project, d.product}) },
		summary: func(s *summary) []row { return s.ProjectProduct },
	},
	{
		name: "region", per: " per region", number: lined,
		labels: []string{"region_name"}, amount: cost,
		keys: func(d dimensions, _ []Tag, add func(key)) { add(key{d.region}) },
	},
	{
		name: "billing_mode", per: " per billing mode", number: lined,
		labels: []string{"billing_mode"}, amount: cost,
		keys: func(d dimensions, _ []Tag, add func(key)) { add(key{d.mode}) },
	},
	{
		name: "tag", per: " per value of a configured tag",
		number: lined + "; sum within one tag_key only",
		labels: []string{"product_code", "tag_key", "tag_value"}, amount: cost,
		keys: tagKeys,
		fold: func(k key) key { return key{k[0], k[1], other} },
	},
	{
		name: instanceView, per: " per instance",
		number: lined + "; __other__ holds those beyond instances.max_series and below instances.min_cost",
		labels: []string{"product_code", "project_id", "instance_id"}, amount: cost, past: lastMonth,
		keys: func(d dimensions, _ []Tag, add func(key)) { add(key{d.product, d.project, d.instance}) },
		fold: func(k key) key { return key{k[0], k[1], other} },
	},
	{
		name: "product_list", per: " per product", number: listed,
		labels: []string{"product_code"}, amount: list, past: lastMonth,
		keys: func(d dimensions, _ []Tag, add func(key)) { add(key{d.product}) },
	},
	{
		name: "project_list", per: " per project", number: listed,
		labels: []string{"project_id"}, amount: list, past: lastMonth,
		keys: func(d dimensions, _ []Tag, add func(key)) { add(key{d.project}) },
	},
}

func tagKeys(d dimensions, tags []Tag, add func(key)) {
	for i, tag := range tags {
		add(key{d.product, tag.Key, d.tag(i)})
	}
}
