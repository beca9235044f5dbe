package main

import "strings"

// Selectors of what the reader has chosen.
const (
	accountSelector = `account=~"$account"`
	productSelector = accountSelector + `, product_code=~"$product"`
	projectSelector = accountSelector + `, project_id=~"$project"`
	usageSelector   = productSelector + `, project_id=~"$project"`
)

// maxBy returns each series of a family once, however many replicas and jobs expose it, with the largest of their
// values. by has the labels that identify the series, without those of the scrape. Every cost query begins with it.
func maxBy(by, family, selector string) string {
	return "max by (" + by + ") (" + family + "{" + selector + "})"
}

func sumBy(by, expr string) string { return "sum by (" + by + ") (\n" + indent(expr) + "\n)" }

func sumAll(expr string) string { return "sum(\n" + indent(expr) + "\n)" }

func topK(n, expr string) string { return "topk(" + n + ",\n" + indent(expr) + "\n)" }

func parenthesize(expr string) string { return "(\n" + indent(expr) + "\n)" }

// combine puts a binary operator between two expressions, on a line of its own.
func combine(left, operator, right string) string { return left + "\n" + operator + "\n" + right }

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// joinFacts adds labels of an info family to an expression. The labels in by identify a row of both. If replicas have
// different names for it, topk takes one of them.
func joinFacts(expr, by, family, labels string) string {
	return joinRow(expr, by, labels, factsQuery(by, family, labels))
}

func joinRow(expr, by, labels, row string) string {
	return combine(expr, "* on ("+by+") group_left ("+labels+")", row)
}

func factsQuery(by, family, labels string) string {
	return "group by (" + by + ", " + labels + ") (topk by (" + by + ") (1, " + family + "{" + accountSelector + "}))"
}

// Labels that identify a product, a project and an instance.
const (
	productKey  = "account, product_code"
	projectKey  = "account, project_id"
	instanceKey = "account, product_code, project_id, instance_id"
)

func joinProductName(expr string) string {
	return joinFacts(expr, productKey, "ksyun_bill_product_info", "product_name")
}

func joinProjectFacts(expr string) string {
	return joinFacts(expr, projectKey, "ksyun_bill_project_info", "project_name, owner")
}

// joinInstanceFacts keeps an instance that has no facts: one that is folded into __other__ can be among those that
// changed most.
func joinInstanceFacts(expr string) string {
	known := joinFacts(expr, instanceKey, "ksyun_bill_instance_info", "instance_name, product_subtype, region_name")
	return joinProjectFacts(joinProductName(parenthesize(combine(known, "or on ("+instanceKey+")", expr))))
}

// addDisplayLabel adds a label with the name, or with the id where the name is empty.
func addDisplayLabel(expr, label, id, name string) string {
	replace := func(expr, from, pattern string) string {
		return `label_replace(` + expr + `, "` + label + `", "$1", "` + from + `", "` + pattern + `")`
	}
	return replace(replace("\n"+indent(expr)+"\n", id, "(.*)"), name, "(.+)")
}

func addProductLabel(expr string) string {
	return addDisplayLabel(expr, "product", "product_code", "product_name")
}

// nameProduct adds the label product: the name, or the code of a product without one.
func nameProduct(expr string) string { return addProductLabel(joinProductName(expr)) }

// nameProject adds the label project to an expression with the names of projects.
func nameProject(expr string) string {
	return addDisplayLabel(expr, "project", "project_id", "project_name")
}

// monthToDateQuery returns the month so far per account: of the whole bill, or of the part of it that counts.
func monthToDateQuery(part func(cost string) string) string {
	return sumBy("account", part(maxBy("account, pay_mode", "ksyun_bill_account_cost_cny", accountSelector)))
}

// allPayModes is the whole bill.
func allPayModes(cost string) string { return cost }

// countsForAccount is the part of the bill that counts against the budgets of accounts.
func countsForAccount(cost string) string { return countedCost(cost, "account", "account") }

// countedCost returns those series of a cost by pay mode that count against a budget: those of the pay modes that it
// names, or all if it names none. by has the labels that identify the budget.
func countedCost(cost, by, scope string) string {
	named := budgetModes(scope, "")
	return combine(combine(cost, "and on ("+by+", pay_mode)", named), "or", combine(cost, "unless on ("+by+")", named))
}

// budgetModes returns the pay modes that budgets name; a selector of pay modes begins with a comma.
func budgetModes(scope, payModes string) string {
	return "ksyun_bill_" + scope + "_budget_pay_mode_info{" + accountSelector + payModes + "}"
}

// payModesQuery returns, per account, 1 if the month so far has all its pay modes, else 0. An account without numbers
// lacks all of them.
func payModesQuery() string {
	known := maxBy("account", "ksyun_bill_account_pay_modes_complete", accountSelector+`, months_ago="0"`)
	return combine(known, "or", "0 * "+maxBy("account", "ksyun_bill_account_info", accountSelector))
}

// budgetPayModesQuery returns the same of the pay modes that count against the account's budget. One of postpaid alone
// lacks nothing.
func budgetPayModesQuery() string {
	postpaid := maxBy("account", "ksyun_bill_account_cost_cny", accountSelector+`, pay_mode="postpaid"`)
	alone := combine(combine(postpaid, "and on (account)", budgetModes("account", "")), "unless on (account)",
		budgetModes("account", `, pay_mode!="postpaid"`))
	return combine("group by (account) (\n"+indent(alone)+"\n)", "or", payModesQuery())
}

// incompleteQuery returns 0 for each account of which the month so far lacks a pay mode. If there is none, it returns 1
// for __all__, so that the answer is not empty.
func incompleteQuery() string {
	all := `label_replace(min(` + "\n" + indent(payModesQuery()) + "\n" + `), "account", "__all__", "", "")`
	return combine(parenthesize(payModesQuery())+" == 0", "or on ()", all)
}

// labelSum adds the label complete to a number of several accounts: 1 if each of them has all its pay modes, else 0. So
// a sum that lacks a pay mode never has the name of a whole one. count_values makes the smallest value a label.
func labelSum(sum, payModes string) string {
	return combine(sum, "* on () group_left (complete)",
		`count_values("complete", min(`+"\n"+indent(payModes)+"\n))")
}

// markIncomplete adds a star to a label of those series of an expression that lack a pay mode. on has the labels that
// identify them in the query incomplete.
func markIncomplete(expr, label, on, incomplete string) string {
	marked := `label_replace(` + "\n" + indent(combine(expr, "and on ("+on+")", incomplete)) + "\n" +
		`, "` + label + `", "$1 *", "` + label + `", "(.+)")`
	return combine(marked, "or", combine(expr, "unless on ("+on+")", incomplete))
}

// usualDayQuery returns the median of seven days per account. It leaves out the newest three days, because those may be
// half metered, or a spike, and what is prepaid, because a purchase is no usual day.
func usualDayQuery(part func(cost string) string) string {
	day := maxBy("account, pay_mode, days_ago", "ksyun_bill_day_account_cost_cny",
		accountSelector+`, pay_mode!="prepaid", days_ago=~"[3-9]"`)
	return "quantile by (account) (0.5,\n" + indent(sumBy("account, days_ago", part(day))) + "\n)"
}

// forecastQuery returns the month so far plus a usual day for every day left, per account. A linear forecast would
// multiply the fees of the month. An account without a usual day is forecast to cost nothing more. What last month's
// bill had beyond its estimate is expected again, as the alerts have it.
func forecastQuery(part func(cost string) string) string {
	days := combine(usualDayQuery(part), "*", daysLeftQuery())
	return addGap(combine(combine(monthToDateQuery(part), "+", days), "or", monthToDateQuery(part)), part)
}

// addGap adds to forecasts of accounts what last month's bill had beyond its estimate, while this month is an estimate.
func addGap(forecast string, part func(cost string) string) string {
	bill := maxBy("account, pay_mode", "ksyun_bill_past_month_account_cost_cny",
		accountSelector+`, months_ago="1", pay_mode="postpaid"`)
	estimate := maxBy("account", "ksyun_bill_past_month_estimate_cny", accountSelector+`, months_ago="1"`)
	estimated := "ksyun_bill_month_info{" + accountSelector + `, months_ago="0", basis="estimate"}`
	more := combine(parenthesize(combine(bill, "- on (account) group_left ()", estimate))+" > 0", "and on (account)", estimated)
	forecast = parenthesize(forecast)
	return combine(combine(forecast, "+ on (account)", sumBy("account", part(more))), "or", forecast)
}

// daysLeftQuery returns how many days of the month have no numbers yet, per account.
func daysLeftQuery() string {
	return parenthesize(combine(
		maxBy("account", "ksyun_bill_period_end_timestamp_seconds", accountSelector), "-",
		maxBy("account", "ksyun_bill_period_data_timestamp_seconds", accountSelector))) + " / 86400"
}

// monthDaysQuery returns the sum of this month's days, per account. Unlike the month so far, it can be compared with
// last month to the same day, because both are from daily metering.
func monthDaysQuery() string { return monthDaysBy("account", "account", accountSelector) }

// monthDaysBy returns the same of products or projects, by the labels that identify them.
func monthDaysBy(by, scope, selector string) string {
	days := maxBy(by+", pay_mode, days_ago", "ksyun_bill_day_"+scope+"_cost_cny", selector)
	starts := combine(
		maxBy("account, days_ago", "ksyun_bill_day_start_timestamp_seconds", accountSelector),
		">= on (account) group_left ()",
		maxBy("account", "ksyun_bill_period_start_timestamp_seconds", accountSelector))
	return sumBy(by, combine(days, "and on (account, days_ago)", parenthesize(starts)))
}

func lastMonthToDateQuery() string { return lastMonthToDateBy("account", "account", accountSelector) }

func lastMonthToDateBy(by, scope, selector string) string {
	return sumBy(by, maxBy(by+", pay_mode", "ksyun_bill_past_month_to_date_"+scope+"_cost_cny",
		selector+`, months_ago="1"`))
}

// sameDayChange returns by how much this month's days cost more than last month to the same day, by the labels that
// identify products or projects. It is absent where last month is not known.
func sameDayChange(by, scope, selector string) string {
	this, last := monthDaysBy(by, scope, selector), lastMonthToDateBy(by, scope, selector)
	both := combine(combine(combine(this, "-", last), "or", this), "or", "0 - "+last)
	return parenthesize(combine(parenthesize(both), "and on (account)", lastMonthToDateQuery()))
}

// sameDayShare returns the same as a share of last month to the same day.
func sameDayShare(by, scope, selector string) string {
	return parenthesize(combine(sameDayChange(by, scope, selector), "/",
		parenthesize(lastMonthToDateBy(by, scope, selector)+" > 0")))
}

// newProductsQuery returns what those products cost this month that cost nothing in any month before.
func newProductsQuery() string { return newQuery(productKey, "product", productSelector) }

func newQuery(by, scope, selector string) string {
	this := sumBy(by, maxBy(by+", pay_mode", "ksyun_bill_"+scope+"_cost_cny", selector))
	past := maxBy(by, "ksyun_bill_past_month_"+scope+"_cost_cny", selector)
	known := maxBy("account", "ksyun_bill_past_month_account_cost_cny", accountSelector+`, months_ago="1"`)
	return combine(combine(this+" > 0", "unless", past+" > 0"), "and on (account)", known)
}

// vanishedQuery returns what those products or projects cost last month to the same day that cost nothing this month,
// as a negative number.
func vanishedQuery(by, scope, selector string) string {
	last, this := lastMonthToDateBy(by, scope, selector), monthDaysBy(by, scope, selector)
	return "0 - " + parenthesize(combine(combine(last+" > 0", "unless", this+" > 0"), "and on (account)",
		monthDaysQuery()))
}

// addDayLabel adds the label day, which has the start of the day in milliseconds. count_values makes a label of that
// value, and a panel makes an axis of the label.
func addDayLabel(expr string) string {
	start := "1000 * " + maxBy("account, days_ago", "ksyun_bill_day_start_timestamp_seconds", accountSelector)
	return combine(expr, "* on (account, days_ago) group_left (day)",
		`count_values by (account, days_ago) ("day", `+start+`)`)
}

// monthKey identifies a month of an account.
const monthKey = "account, months_ago"

// monthsQuery returns the running month and the past ones, with a label month such as 2026-10.
func monthsQuery(by, running, past, selector string) string {
	return joinRow(runningAndPastQuery(by, running, past, selector), monthKey, "month", monthNameQuery())
}

// payModeMonthsQuery returns the same of all pay modes. A month in which an account lacks a pay mode has a star.
func payModeMonthsQuery() string {
	both := runningAndPastQuery("account, pay_mode",
		"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", accountSelector)
	incomplete := maxBy(monthKey, "ksyun_bill_account_pay_modes_complete", accountSelector) + " == 0"
	row := markIncomplete(monthNameQuery(), "month", "months_ago", parenthesize(incomplete))
	return joinRow(both, monthKey, "month", parenthesize(row))
}

func runningAndPastQuery(by, running, past, selector string) string {
	return parenthesize(combine(
		`label_replace(`+maxBy(by, running, selector)+`, "months_ago", "0", "", "")`, "or",
		maxBy(by+", months_ago", past, selector)))
}

func monthNameQuery() string { return factsQuery(monthKey, "ksyun_bill_month_info", "month") }

// lineCostQuery returns the sum of this month's lines, per product. List cost has to be compared with this sum, because
// a summary is often newer than the lines. Only postpaid lines have list prices.
func lineCostQuery() string {
	return sumBy(productKey, maxBy(instanceKey, "ksyun_bill_instance_cost_cny", productSelector+`, pay_mode="postpaid"`))
}

// listCostQuery returns the same at list price.
func listCostQuery() string {
	return sumBy(productKey, maxBy(productKey, "ksyun_bill_product_list_cost_cny", productSelector+`, pay_mode="postpaid"`))
}

// shiftToLastMonth returns the expression of lineCostQuery or listCostQuery for last month.
func shiftToLastMonth(expr string) string {
	return strings.NewReplacer(
		"ksyun_bill_instance_cost_cny{", `ksyun_bill_past_month_instance_cost_cny{months_ago="1", `,
		"ksyun_bill_product_list_cost_cny{", `ksyun_bill_past_month_product_list_cost_cny{months_ago="1", `,
	).Replace(expr)
}
