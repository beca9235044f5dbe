package main

// budgetScope is a kind of budgets: by has the labels that identify one, id the one that differs within an account.
type budgetScope struct{ name, by, selector, id, family, label string }

var budgetScopes = []budgetScope{
	{name: "account", by: "account", selector: accountSelector},
	{"product", productKey, productSelector, "product_code", "ksyun_bill_product_info", "product_name"},
	{"project", projectKey, projectSelector, "project_id", "ksyun_bill_project_info", "project_name"},
}

func budgetRow(t language) []panel { return []panel{newRow(t("Budgets", "预算")), budgetsPanel(t)} }

func budgetsPanel(t language) panel {
	name, scope, limit := t("Budget of", "预算对象"), t("Kind", "类别"), t("Budget", "预算")
	share, left, end := t("Of budget", "预测占比"), t("Remaining", "剩余"), t("Runs out", "用完日期")
	row := func(part func(s budgetScope) string) target { return tableTarget(budgetRows(part)) }
	limits := tableTarget(orNothing(budgetRows(budgetLimit), "name"))
	p := newPanel("table", t("Every budget", "各项预算"),
		t("Each budget in the pay modes that it names, or in all: the month so far, the forecast for its end, and the "+
			"day on which it is used up at the pace of usual days. Colored by the forecast. An account with a star lacks "+
			"a pay mode that counts.",
			"每项预算只含其指定的付费方式，未指定则含全部：本月至今、月底预测，以及按平日速度用完的日期。颜色按预测占比。"+
				"带星号的账号缺少计入预算的付费方式。"),
		unitYuan, gridWidth, 7, limits, row(budgetUsed), row(budgetForecast), row(budgetShare),
		row(budgetLeft), row(budgetEnd))
	p = formatTable(p, share, column{"name", name, unitText}, column{"Value #A", limit, unitYuan},
		column{"Value #B", t("Used", "已用"), unitYuan}, column{"Value #C", t("Forecast", "预测"), unitYuan},
		column{"Value #D", share, unitShare}, column{"Value #E", left, unitYuan}, column{"Value #F", end, unitDate},
		column{"scope", scope, unitText}, accountColumn(t))
	p = p.colorCells(share, 0.9, 1).setDefault("noValue", "–").replaceTexts(limit, [2]string{"0", "–"}).
		replaceTexts(end, [2]string{"0", t("used up", "已用完")}, [2]string{"-1", t("not this month", "本月够用")}).
		replaceTexts(scope, [2]string{"account", t("account", "账号")}, [2]string{"product", t("product", "产品线")},
			[2]string{"project", t("project", "项目")}).
		replaceTexts(name, [2]string{nothing, t("No budget is configured", "未设置预算")})
	return p.linkRow(t, name, accountLink)
}

// budgetRows returns one number of every budget, with the labels account, scope, id and name.
func budgetRows(part func(s budgetScope) string) string {
	rows, names := "", ""
	for i, s := range budgetScopes {
		if i > 0 {
			rows, names = rows+"\nor\n", names+"\nor\n"
		}
		rows += s.identify(part(s))
		names += s.nameRows()
	}
	return combine(parenthesize(rows), "* on (account, scope, id) group_left (name)", parenthesize(names))
}

// identify gives each series the labels scope and id.
func (s budgetScope) identify(expr string) string {
	expr = setLabel(expr, "scope", s.name)
	if s.id != "" {
		expr = sumBy("account, scope, id", "label_replace(\n"+indent(expr)+"\n"+`, "id", "$1", "`+s.id+`", "(.*)")`)
	}
	return expr
}

// nameRows returns a row with the name of each budget: that of its product or project, or of its account, with a star
// if that lacks a pay mode.
func (s budgetScope) nameRows() string {
	limit := "0 * " + budgetLimit(s) + " + 1"
	if s.id == "" {
		incomplete := parenthesize(parenthesize(budgetPayModesQuery()) + " == 0")
		return markIncomplete(parenthesize(setLabel("label_replace(\n"+indent(limit)+"\n"+
			`, "name", "$1", "account", "(.*)")`, "scope", s.name)), "name", "account", incomplete)
	}
	known := joinFacts(parenthesize(limit), s.by, s.family, s.label)
	all := parenthesize(combine(known, "or on ("+s.by+")", limit))
	named := setLabel(addDisplayLabel(all, "name", s.id, s.label), "scope", s.name)
	return "group by (account, scope, id, name) (\n" + indent("label_replace(\n"+indent(named)+"\n"+
		`, "id", "$1", "`+s.id+`", "(.*)")`) + "\n)"
}

func budgetLimit(s budgetScope) string {
	return maxBy(s.by, "ksyun_bill_"+s.name+"_budget_cny", s.selector)
}

// budgetUsed returns the month so far. What does not stand in a bill that has numbers has cost nothing.
func budgetUsed(s budgetScope) string {
	cost := maxBy(s.by+", pay_mode", "ksyun_bill_"+s.name+"_cost_cny", s.selector)
	none := combine("0 * "+budgetLimit(s), "and on (account)",
		maxBy("account", "ksyun_bill_account_cost_cny", accountSelector))
	known := combine(sumBy(s.by, countedCost(cost, s.by, s.name)), "and", budgetLimit(s))
	return parenthesize(combine(known, "or", none))
}

func budgetUsual(s budgetScope) string {
	day := maxBy(s.by+", pay_mode, days_ago", "ksyun_bill_day_"+s.name+"_cost_cny",
		s.selector+`, pay_mode!="prepaid", days_ago=~"[3-9]"`)
	return "quantile by (" + s.by + ") (0.5,\n" + indent(sumBy(s.by+", days_ago", countedCost(day, s.by, s.name))) + "\n)"
}

// budgetForecast returns the month so far plus a usual day for every day left, as forecastQuery does.
func budgetForecast(s budgetScope) string {
	rest := combine(budgetUsual(s), "* on (account) group_left ()", daysLeftQuery())
	forecast := combine(combine(budgetUsed(s), "+", parenthesize(rest)), "or", budgetUsed(s))
	if s.id == "" {
		forecast = addGap(forecast, countsForAccount)
	}
	return parenthesize(forecast)
}

func budgetShare(s budgetScope) string { return combine(budgetForecast(s), "/", budgetLimit(s)) }

func budgetLeft(s budgetScope) string { return combine(budgetLimit(s), "-", budgetUsed(s)) }

// budgetEnd returns when the budget is used up, in milliseconds: 0 if it is, -1 if it lasts for the month.
func budgetEnd(s budgetScope) string {
	end := maxBy("account", "ksyun_bill_period_end_timestamp_seconds", accountSelector)
	data := maxBy("account", "ksyun_bill_period_data_timestamp_seconds", accountSelector)
	days := combine(parenthesize(parenthesize(budgetLeft(s))+" > 0"), "/", parenthesize(budgetUsual(s)+" > 0"))
	when := combine("86400 * "+parenthesize(days), "+ on (account) group_left ()", data)
	inMonth := combine(parenthesize(when), "< on (account) group_left ()", end)
	usedUp := "0 * " + parenthesize(parenthesize(budgetLeft(s))+" <= 0") + " + 0"
	known := combine("1000 * "+parenthesize(inMonth), "or", usedUp)
	return parenthesize(combine(known, "or", "0 * "+budgetUsed(s)+" - 1"))
}
