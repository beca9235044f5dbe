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
		variables, slices.Concat(monthRow(t), dayRow(t), partRow(t), instanceRow(t), savingRow(t), pastRow(t)))
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
		thisMonthPanel(t), coveragePanel(t), accountsPanel(t), dataEndPanel(t), sameDayPanel(t), forecastPanel(t),
		accountBudgetPanel(t),
	}
}

func thisMonthPanel(t language) panel {
	paid := maxBy("account, pay_mode", "ksyun_bill_account_cost_cny", accountSelector)
	return formatStat(newPanel("stat", t("This month so far", "本月至今"),
		t("The whole bill of the running month, and its pay modes.", "本月全部费用，以及各付费方式的费用。"), unitYuan, 8, 4,
		instantTarget(sumAll(paid), t("All", "合计")), instantTarget(sumBy("pay_mode", paid), "{{pay_mode}}"))).
		renameFields(payModeNames(t)...)
}

func coveragePanel(t language) panel {
	const family = "ksyun_bill_account_cost_cny"
	return formatStat(newPanel("stat", t("Covered by details", "有明细的比例"),
		t("Share of postpaid cost: products, projects, regions, tags, instances and days are known of it only.",
			"后付费所占比例：只有后付费有产品线、项目、地域、资源标签、实例和每日的明细。"), unitShare, 3, 4,
		instantTarget(combine(sumAll(maxBy("account, pay_mode", family, accountSelector+`, pay_mode="postpaid"`)), "/",
			sumAll(maxBy("account, pay_mode", family, accountSelector))), "")))
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
		t("From daily metering, postpaid: last month up to the same day number, this month's days, and how they "+
			"differ. Absent on the 1st.", "按日计量的后付费：上月截至同一天的费用、本月各日的费用，以及两者相差的比例。每月 1 日没有数据。"), unitYuan, 7, 4,
		instantTarget(sumAll(last), t("Last month", "上月同期")), instantTarget(sumAll(this), t("This month", "本月")),
		instantTarget(change, t("Change", "变化")))).overrideField(t("Change", "变化"), unitProperties(unitShare)...)
}

func forecastPanel(t language) panel {
	return formatStat(newPanel("stat", t("Forecast", "本月预测"),
		t("The month so far, and for every day left the median of days_ago 3 to 9. Fees on the 1st and refunds do not "+
			"multiply.", "本月至今，加上剩余天数乘以 days_ago 3 至 9 的日费用中位数；月初的包月费用和退款不会被放大。"), unitYuan, 8, 4,
		instantTarget(sumAll(forecastQuery()), "")))
}

func accountBudgetPanel(t language) panel {
	limit := maxBy("account", "ksyun_bill_account_budget_cny", accountSelector)
	used := func(what string) string {
		return combine(sumAll(combine(parenthesize(what), "and", limit)), "/", sumAll(limit))
	}
	p := formatStat(newPanel("stat", t("Budget of the accounts", "账号预算"),
		t("How much of the accounts' budgets is used, and will be by the forecast.", "账号预算已使用的比例，以及按预测月底将使用的比例。"),
		unitShare, 16, 4, instantTarget(sumAll(limit), t("Budget", "预算")),
		instantTarget(used(monthToDateQuery()), t("Used", "已用")),
		instantTarget(used(forecastQuery()), t("Forecast", "预测"))))
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
		return combine(sumBy(by, maxBy(by+", pay_mode", "ksyun_bill_"+scope+"_cost_cny", selector)), "/",
			maxBy(by, "ksyun_bill_"+scope+"_budget_cny", selector))
	}
	p := formatBars(newPanel("bargauge", t("Budgets used", "预算使用"),
		t("This month so far, as a share of each budget: of an account in all pay modes, of products and projects "+
			"postpaid.", "本月至今占各项预算的比例：账号预算含全部付费方式，产品线和项目预算只含后付费。"), unitShare, gridWidth, 6,
		instantTarget(used("account", "account", accountSelector), "{{account}}"),
		instantTarget(joinProductName(used(productKey, "product", productSelector)), "{{account}} {{product_name}}"),
		instantTarget(joinProjectFacts(used(projectKey, "project", projectSelector)), "{{account}} {{project_name}}")))
	return p.setDefault("noValue", t("no budget", "未设置预算")).setDefault("max", 1).colorFrom(0.8, 1)
}
