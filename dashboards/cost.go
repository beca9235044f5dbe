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
		tagVariable(t), partVariable(t),
	}
	d := newDashboard(costUID(t), t("Ksyun cost", "金山云费用"),
		t("What Kingsoft Cloud costs, in CNY, after discount and before vouchers.", "金山云费用，单位元，折扣后、代金券抵扣前。"),
		variables, slices.Concat(monthRow(t), budgetRow(t), dayRow(t), partRow(t), fold(changeRow(t)), fold(ownerRow(t)),
			fold(instanceRow(t)), fold(purseRow(t)), fold(amortizedRow(t)), fold(savingRow(t)), fold(pastRow(t))))
	d.Annotations = costAnnotations(t)
	return d
}

func costUID(t language) string { return t("ksyun-cost", "ksyun-cost-zh") }

// tagVariable returns the variable of the tag key. Only one key can be chosen, because the cost of a line counts for
// each of its tags: a sum over several keys would count it more than once.
func tagVariable(t language) variable {
	v := newChoice("tag", t("Tag", "资源标签"), labelValuesKind,
		`label_values(ksyun_bill_tag_cost_cny{`+accountSelector+`}, tag_key)`)
	v.Multi, v.IncludeAll, v.AllValue, v.Current = false, false, "", unsetChoice()
	return v
}

// partVariable returns the variable of what the days are divided into. Its values are labels of daysQuery.
func partVariable(t language) variable {
	v := variable{
		Name: "by", Label: t("Days by", "每日按"), Type: "custom",
		Current: object{"text": t("Product", "产品线"), "value": "product"}, Options: []object{},
	}
	query := ""
	for i, part := range [][2]string{
		{"product", t("Product", "产品线")}, {"project", t("Project", "项目")}, {"account", t("Account", "账号")},
		{"owner", t("Owner", "负责人")},
	} {
		v.Options = append(v.Options, object{"text": part[1], "value": part[0], "selected": i == 0})
		if query != "" {
			query += ", "
		}
		query += part[1] + " : " + part[0]
	}
	v.Query = query
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
		thisMonthPanel(t), forecastPanel(t), budgetGaugePanel(t), newestDaysPanel(t), attentionPanel(t),
		byPayModePanel(t), sameDayPanel(t), accountBudgetPanel(t),
		payModesPanel(t), coveragePanel(t), accountsPanel(t), dataEndPanel(t),
	}
}

func thisMonthPanel(t language) panel {
	p := formatStat(newPanel("stat", t("This month so far", "本月至今"),
		t("The whole bill of the running month, in all pay modes. While an account lacks a pay mode, the sum is of "+
			"what is known, and called incomplete.",
			"本月全部费用，含各种付费方式。某个账号缺少付费方式时，合计只含已知的费用，并标为不完整。"), unitYuan, 4, 6,
		instantTarget(labelSum(sumAll(payModeCosts()), payModesQuery()), sumLegend)))
	p.Options["textMode"] = "value_and_name"
	return nameSum(p, t("All", "合计"), t("Incomplete", "合计不完整"))
}

func payModeCosts() string {
	return maxBy("account, pay_mode", "ksyun_bill_account_cost_cny", accountSelector)
}

func byPayModePanel(t language) panel {
	p := formatStat(newPanel("stat", t("This month by pay mode", "本月各付费方式"),
		t("The month so far by pay mode.", "本月至今，按付费方式。"), unitYuan, 8, 3,
		instantTarget(sumBy("pay_mode", payModeCosts()), "{{pay_mode}}")))
	return p.renameFields(payModeNames(t)...)
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
		"none", 8, 3, instantTarget(incompleteQuery(), "{{account}}")))
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
		unitShare, 6, 3,
		instantTarget(labelSum(share, payModesQuery()), sumLegend)))
	p.Options["textMode"] = "value_and_name"
	return nameSum(p, t("of all", "占合计"), t("of an incomplete sum", "占不完整的合计"))
}

// accountsPanel shows how many accounts have numbers beside how many there are.
func accountsPanel(t language) panel {
	all := "count(" + maxBy("account", "ksyun_bill_account_info", accountSelector) + ")"
	counted := maxBy("account", "ksyun_bill_period_data_timestamp_seconds", accountSelector)
	known := "count(" + counted + ") or vector(0)"
	return formatStat(newPanel("stat", t("Accounts with numbers", "有数据的账号"),
		t("How many of the configured accounts have numbers of this month.", "已配置的账号中，有多少个有本月数据。"), "none", 5, 3,
		instantTarget(known, t("with numbers", "有数据")), instantTarget(all, t("configured", "已配置"))))
}

func dataEndPanel(t language) panel {
	end := maxBy("account", "ksyun_bill_period_data_timestamp_seconds", accountSelector)
	return formatStat(newPanel("stat", t("Data to", "数据截至"),
		t("The last day that the numbers of every account include; it can be half metered.",
			"所有账号的数据都已包含的最后一天；这一天可能还没有计量完。"), unitDate, 5, 3,
		instantTarget(combine("1000 * min("+end+")", "-", "1"), "")))
}

func sameDayPanel(t language) panel {
	this, last := monthDaysQuery(), lastMonthToDateQuery()
	change := combine(sumAll(combine(this, "-", last)), "/", sumAll(combine(last, "and", this)))
	return formatStat(newPanel("stat", t("Last month to the same day", "上月同期"),
		t("From the days, in all pay modes: last month up to the same day number, this month's days, and how they "+
			"differ. What is prepaid is of the day of its purchase. Absent on the 1st.",
			"由各天得出，含各种付费方式：上月截至同一天的费用、本月各日的费用，以及两者相差的比例。预付费计入付款当天。每月 1 日没有数据。"), unitYuan, 9, 3,
		instantTarget(sumAll(last), t("Last month", "上月同期")), instantTarget(sumAll(this), t("This month", "本月")),
		instantTarget(change, t("Change", "变化")))).overrideField(t("Change", "变化"), unitProperties(unitShare)...)
}

func forecastPanel(t language) panel {
	p := formatStat(newPanel("stat", t("Forecast", "本月预测"),
		t("The month so far, and for every day left the median of days_ago 3 to 9. Fees on the 1st and refunds do not "+
			"multiply.", "本月至今，加上剩余天数乘以 days_ago 3 至 9 的日费用中位数；月初的包月费用和退款不会被放大。"), unitYuan, 4, 6,
		instantTarget(labelSum(sumAll(forecastQuery(allPayModes)), payModesQuery()), sumLegend)))
	p.Options["textMode"] = "value_and_name"
	return nameSum(p, t("All", "合计"), t("Incomplete", "合计不完整"))
}

// budgetShareQuery returns a sum of accounts as a share of their budgets.
func budgetShareQuery(sum string) string {
	limit := maxBy("account", "ksyun_bill_account_budget_cny", accountSelector)
	payModes := combine(parenthesize(budgetPayModesQuery()), "and", limit)
	return labelSum(combine(sumAll(combine(parenthesize(sum), "and", limit)), "/", sumAll(limit)), payModes)
}

// notGreen colors a share of the budgets that lacks a pay mode: it can only be too low.
func notGreen(name string) []object {
	return []object{newProperty("displayName", name), newProperty("thresholds",
		newThresholds(object{"color": "orange", "value": nil}, object{"color": "red", "value": 1}))}
}

func budgetGaugePanel(t language) panel {
	p := formatGauge(newPanel("gauge", t("Budget forecast", "预测占预算"),
		t("How much of the accounts' budgets will be used by the forecast, in the pay modes that count. While an account "+
			"lacks one that counts against its budget, it is called incomplete, and is not green.",
			"按预测，月底将使用账号预算的比例，只含计入预算的付费方式。某个账号缺少计入其预算的付费方式时，标为不完整，且不显示为绿色。"),
		unitShare, 3, 6, instantTarget(budgetShareQuery(forecastQuery(countsForAccount)), sumLegend)))
	return p.setDefault("noValue", t("no budget", "未设置预算")).colorFrom(0.9, 1).
		renameFields([2]string{"complete 1", t("Forecast", "预测")}).
		overrideField("complete 0", notGreen(t("Forecast, incomplete", "预测（不完整）"))...)
}

func accountBudgetPanel(t language) panel {
	limit := maxBy("account", "ksyun_bill_account_budget_cny", accountSelector)
	p := formatStat(newPanel("stat", t("Budget of the accounts", "账号预算"),
		t("The accounts' budgets, and how much of them is used, in the pay modes that count.",
			"账号预算之和，以及已使用的比例，只含计入预算的付费方式。"),
		unitShare, 7, 3, instantTarget(sumAll(limit), t("Budget", "预算")),
		instantTarget(budgetShareQuery(monthToDateQuery(countsForAccount)), sumLegend)))
	return p.setDefault("noValue", t("no budget", "未设置预算")).colorFrom(0.9, 1).
		renameFields([2]string{"complete 1", t("Used", "已用")}).
		overrideField("complete 0", notGreen(t("Used, incomplete", "已用（不完整）"))...).
		overrideField(t("Budget", "预算"), append(unitProperties(unitYuan), newProperty("color", plainColor))...)
}

func dayRow(t language) []panel { return []panel{newRow(t("Days", "每日")), daysPanel(t)} }

// What is drawn beside the parts of a day.
const (
	dayTotal  = "__total__"
	usualDay  = "__usual__"
	newestDay = "__newest__"
)

func daysPanel(t language) panel {
	axis := matrixCorner("day", "part")
	p := newGraph(t("Cost per day by $by", "每日费用（按 $by）"),
		t("Stacked by what \"Days by\" chooses. The dashed line is a usual day, the median of days_ago 3 to 9 without what "+
			"is prepaid; the orange mark is the newest day, which can be half metered. All days are of one scrape, and "+
			"shown whatever the dashboard's time is: count_values turns a day's start into a label, and a matrix makes "+
			"it a time.",
			"按“每日按”所选的内容堆叠。虚线为平日（days_ago 3 至 9 的中位数，不含预付费），橙色标记为最新一天，可能还没有计量完。"+
				"所有日期都来自同一次抓取，与仪表盘的时间范围无关：count_values 把每天的起点变成标签，再转成矩阵和时间。"),
		unitYuan, gridWidth, tableTarget(daysQuery()))
	p.GridPos.H, p.TimeFrom, p.HideTimeOverride = 11, "36d", true
	p.Options["legend"] = totalLegend()
	p = p.setDefault("decimals", 0).setDefault("custom", object{
		"drawStyle": "bars", "fillOpacity": 80, "lineWidth": 0, "barAlignment": 0, "barWidthFactor": 0.8,
		"showPoints": "never", "stacking": object{"mode": "normal", "group": "A"},
	})
	p = p.addSteps(matrixSteps("day", "part")...).addSteps(timeSteps(axis)...).addSteps(sortStep(axis))
	return markDays(t, p.overrideField(axis, newProperty("unit", "time:MM-DD")))
}

// markDays draws what is no part of a day: the total is only in the tooltip, a usual day is a line, and the newest day
// has a mark.
func markDays(t language, p panel) panel {
	apart := func(name, text, style string, more ...object) {
		p = p.overrideField(name, append([]object{
			newProperty("displayName", text), newProperty("custom.drawStyle", style),
			newProperty("custom.stacking", object{"mode": "none", "group": "A"}), newProperty("custom.fillOpacity", 0),
			newProperty("custom.hideFrom", object{"legend": true, "tooltip": false, "viz": false}),
		}, more...)...)
	}
	fixed := func(color string) object { return newProperty("color", object{"mode": "fixed", "fixedColor": color}) }
	apart(dayTotal, t("Total", "合计"), "line", newProperty("custom.lineWidth", 0), fixed("text"))
	apart(usualDay, t("Usual day", "平日"), "line", newProperty("custom.lineWidth", 2), fixed("text"),
		newProperty("custom.lineStyle", object{"fill": "dash", "dash": []int{10, 10}}))
	apart(newestDay, t("Newest day, can be half metered", "最新一天，可能未计量完"), "points",
		newProperty("custom.showPoints", "always"), newProperty("custom.pointSize", 12), fixed("orange"))
	return p
}

// daysQuery returns the cost of each day by what the reader chooses, and what is drawn beside it.
func daysQuery() string {
	of := func(selector string) string {
		return sumBy("account, product_code, project_id, days_ago",
			maxBy("account, pay_mode, product_code, project_id, days_ago", "ksyun_bill_day_project_product_cost_cny",
				usageSelector+selector))
	}
	whole := func(selector string) string {
		return sumBy("day", addDayLabel(sumBy("account, days_ago", of(selector))))
	}
	usual := "quantile by (account) (0.5,\n" +
		indent(sumBy("account, days_ago", of(`, pay_mode!="prepaid", days_ago=~"[3-9]"`))) + "\n)"
	line := combine("0 * "+whole(""), "+ on () group_left ()", sumAll(usual))
	parts := sumBy("day, part", addPartLabel(addDayLabel(of(""))))
	return combine(combine(combine(parts, "or", setLabel(whole(""), "part", dayTotal)), "or",
		setLabel(line, "part", usualDay)), "or", setLabel(whole(`, days_ago="0"`), "part", newestDay))
}

// addPartLabel adds the label part: that of the labels product, project, account and owner which the reader chooses.
func addPartLabel(expr string) string {
	named := nameEmpty(nameProject(joinProjectFacts(nameProduct(expr))), "owner")
	return "label_replace(\n" + indent(named) + "\n" + `, "part", "$1", "$by", "(.*)")`
}
