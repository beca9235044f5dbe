package main

import "strings"

// What the reader chose, as selectors.
const (
	ofAccount = `account=~"$account"`
	ofProduct = ofAccount + `, product_code=~"$product"`
	ofProject = ofAccount + `, project_id=~"$project"`
	ofBoth    = ofProduct + `, project_id=~"$project"`
)

// once counts a number once however many replicas and jobs expose it: max by what identifies it, before anything else.
func once(by, family, selector string) string {
	return "max by (" + by + ") (" + family + "{" + selector + "})"
}

func sum(by, expr string) string { return "sum by (" + by + ") (\n" + indent(expr) + "\n)" }

func total(expr string) string { return "sum(\n" + indent(expr) + "\n)" }

func top(n, expr string) string { return "topk(" + n + ",\n" + indent(expr) + "\n)" }

func group(expr string) string { return "(\n" + indent(expr) + "\n)" }

// over puts a binary operator on a line of its own.
func over(left, operator, right string) string { return left + "\n" + operator + "\n" + right }

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// fact adds labels to an expression that has the labels by. Where replicas disagree about a name, topk takes one row.
func fact(expr, by, family, labels string) string {
	row := "group by (" + by + ", " + labels + ") (topk by (" + by + ") (1, " + family + "{" + ofAccount + "}))"
	return over(expr, "* on ("+by+") group_left ("+labels+")", row)
}

const (
	product  = "account, product_code"
	project  = "account, project_id"
	instance = "account, product_code, project_id, instance_id"
)

func withProduct(expr string) string {
	return fact(expr, product, "ksyun_bill_product_info", "product_name")
}

func withProject(expr string) string {
	return fact(expr, project, "ksyun_bill_project_info", "project_name, owner")
}

// withInstance keeps what has no facts: a folded instance can be among the biggest movers.
func withInstance(expr string) string {
	known := fact(expr, instance, "ksyun_bill_instance_info", "instance_name, product_subtype, region_name")
	return withProject(withProduct(group(over(known, "or on ("+instance+")", expr))))
}

// display puts the name, or the id of what has none, into a label of its own.
func display(expr, label, id, name string) string {
	replace := func(expr, from, pattern string) string {
		return `label_replace(` + expr + `, "` + label + `", "$1", "` + from + `", "` + pattern + `")`
	}
	return replace(replace("\n"+indent(expr)+"\n", id, "(.*)"), name, "(.+)")
}

func displayProduct(expr string) string {
	return display(expr, "product", "product_code", "product_name")
}

// monthSoFar is the whole bill per account, in all pay modes.
func monthSoFar() string {
	return sum("account", once("account, pay_mode", "ksyun_bill_account_cost_cny", ofAccount))
}

// usualDay is the median of seven days, without the newest three: those may be half metered, or a spike.
func usualDay() string {
	day := once("account, pay_mode, days_ago", "ksyun_bill_day_account_cost_cny", ofAccount+`, days_ago=~"[3-9]"`)
	return "quantile by (account) (0.5,\n" + indent(sum("account, days_ago", day)) + "\n)"
}

// forecast adds usual days to the month so far, per account: a line through the month would multiply its fees. Who has
// no usual day yet stays as it is.
func forecast() string {
	left := group(over(
		once("account", "ksyun_bill_period_end_timestamp_seconds", ofAccount), "-",
		once("account", "ksyun_bill_period_data_timestamp_seconds", ofAccount)))
	days := over(usualDay(), "*", left) + " / 86400"
	return over(over(monthSoFar(), "+", days), "or", monthSoFar())
}

// daysOfMonth is what the days of this month have cost, per account. Unlike the month so far it can be held against
// last month to the same day: both are daily metering.
func daysOfMonth() string {
	days := once("account, pay_mode, days_ago", "ksyun_bill_day_account_cost_cny", ofAccount)
	starts := over(
		once("account, days_ago", "ksyun_bill_day_start_timestamp_seconds", ofAccount), ">= on (account) group_left ()",
		once("account", "ksyun_bill_period_start_timestamp_seconds", ofAccount))
	return sum("account", over(days, "and on (account, days_ago)", group(starts)))
}

func toSameDay() string {
	family := "ksyun_bill_past_month_to_date_account_cost_cny"
	return sum("account", once("account, pay_mode", family, ofAccount+`, months_ago="1"`))
}

// dated replaces days_ago by the label day: when the day begins, in milliseconds. A value becomes a label by
// count_values, and so a date an axis.
func dated(expr string) string {
	start := "1000 * " + once("account, days_ago", "ksyun_bill_day_start_timestamp_seconds", ofAccount)
	return over(expr, "* on (account, days_ago) group_left (day)",
		`count_values by (account, days_ago) ("day", `+start+`)`)
}

// months puts the running month beside the past ones, with the label month: 2026-10.
func months(by, running, past, selector string) string {
	both := over(
		`label_replace(`+once(by, running, selector)+`, "months_ago", "0", "", "")`, "or",
		once(by+", months_ago", past, selector))
	return fact(group(both), "account, months_ago", "ksyun_bill_month_info", "month")
}

// fromLines is what the lines of this month add up to, per product. List cost has to be held against this, not against
// a summary, which is often newer than the lines.
func fromLines() string {
	return sum(product, once(instance+", pay_mode", "ksyun_bill_instance_cost_cny", ofProduct))
}

// atList is the same at list price.
func atList() string {
	return sum(product, once(product+", pay_mode", "ksyun_bill_product_list_cost_cny", ofProduct))
}

// ofLastMonth asks for fromLines and atList of the month before.
func ofLastMonth(expr string) string {
	return strings.NewReplacer(
		"ksyun_bill_instance_cost_cny{", `ksyun_bill_past_month_instance_cost_cny{months_ago="1", `,
		"ksyun_bill_product_list_cost_cny{", `ksyun_bill_past_month_product_list_cost_cny{months_ago="1", `,
	).Replace(expr)
}
