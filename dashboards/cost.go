package main

import "slices"

// costDashboard is the dashboard for those who pay.
func costDashboard(t language) dashboard {
	variables := []variable{
		newChoice("account", t("Account", "账号"), labelValuesKind, "label_values(ksyun_bill_account_info, account)"),
		newNamedChoice("product", t("Product", "产品线"),
			maxBy("product_code, product_name", "ksyun_bill_product_info", accountSelector),
			"product_code", "product_name"),
		newNamedChoice("project", t("Project", "项目"),
			maxBy("project_id, project_name", "ksyun_bill_project_info", accountSelector),
			"project_id", "project_name"),
		tagVariable(t),
	}
	return newDashboard(t("ksyun-cost", "ksyun-cost-zh"), t("Ksyun cost", "金山云费用"),
		t("What Kingsoft Cloud costs, in CNY, after discount and before vouchers.", "金山云费用，单位元，折扣后、代金券抵扣前。"),
		variables, slices.Concat(monthRow(t), purseRow(t), dayRow(t), partRow(t), instanceRow(t), amortizedRow(t),
			savingRow(t), pastRow(t)))
}

// tagVariable returns the variable of the tag key. Only one key can be chosen, because the cost of a line counts for
// each of its tags: a sum over several keys would count it more than once.
func tagVariable(t language) variable {
	v := newChoice("tag", t("Tag", "资源标签"), labelValuesKind,
		`label_values(ksyun_bill_tag_cost_cny{`+accountSelector+`}, tag_key)`)
	v.Multi, v.IncludeAll, v.AllValue, v.Current = false, false, "", unsetChoice()
	return v
}

// payModeNames returns pairs of a pay mode and its name.
func payModeNames(t language) [][2]string {
	return [][2]string{
		{"postpaid", t("Postpaid", "后付费")},
		{"prepaid", t("Prepaid", "预付费（包年包月）")},
		{"realtime", t("Real-time", "实时结算")},
	}
}

// monthRow returns the panels that answer the first questions of every reader.
func monthRow(t language) []panel {
	return []panel{
		newRow(t("This month", "本月")),
		thisMonthPanel(t), payModesPanel(t), coveragePanel(t), accountsPanel(t), dataEndPanel(t),
		sameDayPanel(t), forecastPanel(t), accountBudgetPanel(t),
	}
}

func thisMonthPanel(t language) panel {
	paid := maxBy("account, pay_mode", "ksyun_bill_account_cost_cny", accountSelector)
	return nameSum(formatStat(newPanel("stat", t("This month so far", "本月至今"),
		t("The whole bill of the running month, and its pay modes. While an account lacks a pay mode, the sum is of "+
			"what is known, and called incomplete.",
			"本月全部费用，以及各付费方式的费用。某个账号缺少付费方式时，合计只含已知的费用，并标为不完整。"), unitYuan, 9, 4,
		instantTarget(labelSum(sumAll(paid), payModesQuery()), sumLegend),
		instantTarget(sumBy("pay_mode", paid), "{{pay_mode}}"))), t("All", "合计"), t("Incomplete", "合计不完整")).
		renameFields(payModeNames(t)...)
}

// sumLegend names what labelSum returns, for nameSum.
const sumLegend = "complete {{complete}}"

// nameSum gives what labelSum returns one of two names: one if it is whole, and one, in orange, if it lacks a pay mode.
func nameSum(p panel, whole, incomplete string) panel {
	orange := newProperty("color", object{"mode": "fixed", "fixedColor": "orange"})
	return p.renameFields([2]string{"complete 1", whole}).
		overrideField("complete 0", newProperty("displayName", incomplete), orange)
}

// payModesPanel names the accounts for which the sums of the month lack a pay mode.
func payModesPanel(t language) panel {
	p := formatStat(newPanel("stat", t("Pay modes", "付费方式"),
		t("The accounts of which the month so far lacks a pay mode: it is missing or too old, or there are no numbers "+
			"at all. Sums, forecasts and shares of budgets lack it too.",
			"本月缺少付费方式的账号：某种付费方式没有数据或数据过旧，或者账号完全没有数据。合计、预测和预算使用比例也因此不完整。"),
		"none", 6, 4, instantTarget(incompleteQuery(), "{{account}}")))
	p.Options["textMode"] = "value_and_name"
	return p.nameValues(t("incomplete", "不完整"), t("complete", "完整")).
		renameFields([2]string{"__all__", t("All accounts", "全部账号")})
}

func coveragePanel(t language) panel {
	covered := maxBy("account, pay_mode, product_code", "ksyun_bill_product_cost_cny",
		accountSelector+`, product_code!="__none__"`)
	share := combine(sumAll(covered), "/",
		sumAll(maxBy("account, pay_mode", "ksyun_bill_account_cost_cny", accountSelector)))
	p := formatStat(newPanel("stat", t("Covered by details", "有明细的比例"),
		t("Share of the whole bill that is known by product. What has been spent since the days of all pay modes were "+
			"read, at most a day, is not.", "全部费用中，按产品线可知的比例。各付费方式按日的费用读取之后（至多一天）新增的费用不在其中。"),
		unitShare, 3, 4,
		instantTarget(labelSum(share, payModesQuery()), sumLegend)))
	p.Options["textMode"] = "value_and_name"
	return nameSum(p, t("of all", "占合计"), t("of an incomplete sum", "占不完整的合计"))
}

// accountsPanel shows, for example, "2" above "of 2 accounts". count_values makes the number of all accounts a label,
// so that it can be part of the name.
func accountsPanel(t language) panel {
	all := `count_values("all", count(` + maxBy("account", "ksyun_bill_account_info", accountSelector) + `))`
	counted := maxBy("account", "ksyun_bill_period_data_timestamp_seconds", accountSelector)
	known := "(count(" + counted + ") or vector(0))"
	p := formatStat(newPanel("stat", t("Accounts with numbers", "有数据的账号"),
		t("How many of the configured accounts have numbers of this month.", "已配置的账号中，有多少个有本月数据。"), "none", 3, 4,
		instantTarget(combine(known, "* on () group_right ()", all), t("of {{all}} accounts", "共 {{all}} 个账号"))))
	p.Options["textMode"] = "value_and_name"
	return p
}

func dataEndPanel(t language) panel {
	end := maxBy("account", "ksyun_bill_period_data_timestamp_seconds", accountSelector)
	return formatStat(newPanel("stat", t("Data to", "数据截至"),
		t("The last day that the numbers of every account include; it can be half metered.",
			"所有账号的数据都已包含的最后一天；这一天可能还没有计量完。"), unitDate, 3, 4,
		instantTarget(combine("1000 * min("+end+")", "-", "1"), "")))
}

func sameDayPanel(t language) panel {
	this, last := monthDaysQuery(), lastMonthToDateQuery()
	change := combine(sumAll(combine(this, "-", last)), "/", sumAll(combine(last, "and", this)))
	return formatStat(newPanel("stat", t("Last month to the same day", "上月同期"),
		t("From the days, in all pay modes: last month up to the same day number, this month's days, and how they "+
			"differ. What is prepaid is of the day of its purchase. Absent on the 1st.",
			"由各天得出，含各种付费方式：上月截至同一天的费用、本月各日的费用，以及两者相差的比例。预付费计入付款当天。每月 1 日没有数据。"), unitYuan, 7, 4,
		instantTarget(sumAll(last), t("Last month", "上月同期")), instantTarget(sumAll(this), t("This month", "本月")),
		instantTarget(change, t("Change", "变化")))).overrideField(t("Change", "变化"), unitProperties(unitShare)...)
}

func forecastPanel(t language) panel {
	p := formatStat(newPanel("stat", t("Forecast", "本月预测"),
		t("The month so far, and for every day left the median of days_ago 3 to 9. Fees on the 1st and refunds do not "+
			"multiply.", "本月至今，加上剩余天数乘以 days_ago 3 至 9 的日费用中位数；月初的包月费用和退款不会被放大。"), unitYuan, 6, 4,
		instantTarget(labelSum(sumAll(forecastQuery(allPayModes)), payModesQuery()), sumLegend)))
	p.Options["textMode"] = "value_and_name"
	return nameSum(p, t("All", "合计"), t("Incomplete", "合计不完整"))
}

func accountBudgetPanel(t language) panel {
	limit := maxBy("account", "ksyun_bill_account_budget_cny", accountSelector)
	payModes := combine(parenthesize(budgetPayModesQuery()), "and", limit)
	used := func(what string) string {
		return labelSum(combine(sumAll(combine(parenthesize(what), "and", limit)), "/", sumAll(limit)), payModes)
	}
	p := formatStat(newPanel("stat", t("Budget of the accounts", "账号预算"),
		t("How much of the accounts' budgets is used, and will be by the forecast, in the pay modes that count. While an "+
			"account lacks one that counts against its budget, both are called incomplete, and are not green.",
			"账号预算已使用的比例，以及按预测月底将使用的比例，只含计入预算的付费方式。某个账号缺少计入其预算的付费方式时，"+
				"两者标为不完整，且不显示为绿色。"),
		unitShare, 11, 4, instantTarget(sumAll(limit), t("Budget", "预算")),
		instantTarget(used(monthToDateQuery(countsForAccount)), "used, "+sumLegend),
		instantTarget(used(forecastQuery(countsForAccount)), "forecast, "+sumLegend)))
	notGreen := newProperty("thresholds",
		newThresholds(object{"color": "orange", "value": nil}, object{"color": "red", "value": 1}))
	p = p.renameFields([2]string{"used, complete 1", t("Used", "已用")},
		[2]string{"forecast, complete 1", t("Forecast", "预测")}).
		overrideField("used, complete 0", newProperty("displayName", t("Used, incomplete", "已用（不完整）")), notGreen).
		overrideField("forecast, complete 0",
			newProperty("displayName", t("Forecast, incomplete", "预测（不完整）")), notGreen)
	return p.setDefault("noValue", t("no budget", "未设置预算")).colorFrom(0.8, 1).
		overrideField(t("Budget", "预算"), append(unitProperties(unitYuan), newProperty("color", plainColor))...)
}

func dayRow(t language) []panel {
	return []panel{newRow(t("Days", "每日")), daysPanel(t), budgetsPanel(t)}
}

func daysPanel(t language) panel {
	known := sumBy(productKey+", days_ago", maxBy("account, pay_mode, product_code, project_id, days_ago",
		"ksyun_bill_day_project_product_cost_cny", usageSelector))
	axis := matrixCorner("day", "product")
	return formatStackedBars(newPanel("barchart", t("Cost per day by product", "每日费用（按产品线）"),
		t("All days are of one scrape: each has a label, days_ago, and ksyun_bill_day_start_timestamp_seconds dates "+
			"it. count_values turns that date into a label, a matrix makes a row of each day, and the row's name a "+
			"time. The newest day can be half metered.",
			"所有日期都来自同一次抓取：每天以 days_ago 标签区分，由 ksyun_bill_day_start_timestamp_seconds 给出日期。"+
				"count_values 把日期变成标签，再转成矩阵，每天一行，行名转成时间。最新一天可能还没有计量完。"),
		unitYuan, gridWidth, 11,
		tableTarget(sumBy("day, product", addProductLabel(joinProductName(addDayLabel(known)))))),
		"day", "product", timeSteps(axis)...).overrideField(axis, newProperty("unit", "time:MM-DD"))
}

func budgetsPanel(t language) panel {
	used := func(by, scope, selector string) string {
		cost := maxBy(by+", pay_mode", "ksyun_bill_"+scope+"_cost_cny", selector)
		return combine(sumBy(by, countedCost(cost, by, scope)), "/",
			maxBy(by, "ksyun_bill_"+scope+"_budget_cny", selector))
	}
	accounts := markIncomplete(used("account", "account", accountSelector), "account", "account",
		parenthesize(parenthesize(budgetPayModesQuery())+" == 0"))
	p := formatBars(newPanel("bargauge", t("Budgets used", "预算使用"),
		t("This month so far, as a share of each budget, in the pay modes that it names, or in all. An account with a "+
			"star lacks a pay mode that counts.",
			"本月至今占各项预算的比例：只含预算指定的付费方式，未指定则含全部。带星号的账号缺少计入预算的付费方式。"), unitShare, gridWidth, 6,
		instantTarget(accounts, "{{account}}"),
		instantTarget(joinProductName(used(productKey, "product", productSelector)), "{{account}} {{product_name}}"),
		instantTarget(joinProjectFacts(used(projectKey, "project", projectSelector)), "{{account}} {{project_name}}")))
	return p.setDefault("noValue", t("no budget", "未设置预算")).setDefault("max", 1).colorFrom(0.8, 1)
}
