package main

import "slices"

// partRow returns the panels that divide the month into its parts.
func partRow(t language) []panel {
	return []panel{
		newRow(t("Where it goes", "费用构成")),
		productsPanel(t), projectsPanel(t),
	}
}

// ownerRow returns the panels that say who pays, and the other ways to divide the month.
func ownerRow(t language) []panel {
	return []panel{
		newRow(t("Owners, cost centers, regions, tags", "负责人、成本中心、地域、资源标签")),
		ownersPanel(t), costCentersPanel(t), regionsPanel(t), billingModesPanel(t), tagPanel(t), unallocatedPanel(t),
	}
}

// The next four functions return columns that several tables have.

func accountColumn(t language) column { return column{"account", t("Account", "账号"), unitText} }

func productColumn(t language) column {
	return column{"product_name", t("Product", "产品线"), unitText}
}

// productNameColumn and projectNameColumn are names of rows: what has none in the bill is named by its code or id.

func productNameColumn(t language) column {
	return column{"product", t("Product", "产品线"), unitText}
}

func projectNameColumn(t language) column { return column{"project", t("Project", "项目"), unitText} }

func projectColumn(t language) column {
	return column{"project_name", t("Project", "项目"), unitText}
}

func ownerColumn(t language) column { return column{"owner", t("Owner", "负责人"), unitText} }

func codeColumn(t language) column { return column{"product_code", t("Code", "代码"), unitText} }

func productsPanel(t language) panel {
	thisMonth := sumBy(productKey, maxBy(productKey+", pay_mode", "ksyun_bill_product_cost_cny", productSelector))
	saved := combine(listCostQuery(), "-", lineCostQuery())
	change, share := t("Change", "变化"), t("Change, %", "变化率")
	p := newPanel("table", t("Products", "产品线"),
		t("In all pay modes, of all projects. The change is of this month's days against last month to the same day. "+
			"What a discount saves is list price minus cost of the postpaid lines.",
			"含各种付费方式和所有项目。变化为本月各日与上月同期之差。折扣节省 = 后付费明细的原价 − 成交价。"), unitYuan, 12, 10,
		tableTarget(nameProduct(thisMonth)),
		tableTarget(nameProduct(sameDayChange(productKey, "product", productSelector))),
		tableTarget(nameProduct(sameDayShare(productKey, "product", productSelector))),
		tableTarget(nameProduct(parenthesize(saved))))
	p = formatTable(p, t("This month", "本月"), productNameColumn(t),
		column{"Value #A", t("This month", "本月"), unitYuan}, column{"Value #B", change, unitYuan},
		column{"Value #C", share, unitShare}, column{"Value #D", t("Saved", "折扣节省"), unitYuan},
		accountColumn(t), codeColumn(t))
	return p.colorChange(change, share).hideColumns(codeColumn(t).title).
		linkRow(t, productNameColumn(t).title, accountLink, productLink)
}

func projectsPanel(t language) panel {
	thisMonth := sumBy(projectKey, maxBy(projectKey+", pay_mode", "ksyun_bill_project_cost_cny", projectSelector))
	change, share := t("Change", "变化"), t("Change, %", "变化率")
	join := func(expr string) string {
		return nameProject(joinFacts(expr, projectKey, "ksyun_bill_project_info", "project_name, owner, cost_center"))
	}
	p := newPanel("table", t("Projects and their owners", "项目与负责人"),
		t("In all pay modes, of all products. The change is of this month's days against last month to the same day. "+
			"Owners and cost centers are those of the exporter's configuration.",
			"含各种付费方式和所有产品线。变化为本月各日与上月同期之差。负责人和成本中心来自 exporter 的配置。"), unitYuan, 12, 10,
		tableTarget(join(thisMonth)),
		tableTarget(join(sameDayChange(projectKey, "project", projectSelector))),
		tableTarget(join(sameDayShare(projectKey, "project", projectSelector))))
	p = formatTable(p, t("This month", "本月"), projectNameColumn(t),
		column{"Value #A", t("This month", "本月"), unitYuan}, column{"Value #B", change, unitYuan},
		column{"Value #C", share, unitShare}, ownerColumn(t),
		column{"cost_center", t("Cost center", "成本中心"), unitText}, accountColumn(t), hiddenProject(t))
	return p.colorChange(change, share).hideColumns(hiddenProject(t).title).
		linkRow(t, projectNameColumn(t).title, accountLink, projectLink)
}

func ownersPanel(t language) panel {
	return responsiblePanel(t, t("Owners", "负责人"), "owner", ownerColumn(t).title)
}

func costCentersPanel(t language) panel {
	return responsiblePanel(t, t("Cost centers", "成本中心"), "cost_center", t("Cost center", "成本中心"))
}

// responsiblePanel adds up the projects by a label of theirs.
func responsiblePanel(t language, title, label, name string) panel {
	by := func(projects string) string {
		return sumBy(label, nameEmpty(joinFacts(projects, projectKey, "ksyun_bill_project_info", label), label))
	}
	month := by(sumBy(projectKey, maxBy(projectKey+", pay_mode", "ksyun_bill_project_cost_cny", projectSelector)))
	last := by(sumBy(projectKey, maxBy(projectKey+", pay_mode", "ksyun_bill_past_month_project_cost_cny",
		projectSelector+`, months_ago="1"`)))
	change, share := t("Change to the day", "同期变化"), t("Share", "占比")
	p := newPanel("table", title,
		t("The projects of each, in all pay modes: this month so far, its share, how its days differ from last month to "+
			"the same day, and the whole of last month.",
			"各自名下的项目，含各种付费方式：本月至今及占比、本月各日与上月同期之差、上月全月。"), unitYuan, 12, 9,
		tableTarget(month), tableTarget(combine(month, "/ on () group_left ()", sumAll(month))),
		tableTarget(by(sameDayChange(projectKey, "project", projectSelector))), tableTarget(last))
	p = formatTable(p, t("This month", "本月"), column{label, name, unitText},
		column{"Value #A", t("This month", "本月"), unitYuan}, column{"Value #B", share, unitShare},
		column{"Value #C", change, unitYuan}, column{"Value #D", t("Last month", "上月"), unitYuan})
	return p.colorChange(change).replaceTexts(name, [2]string{"__none__", t("not named", "未登记")})
}

func regionsPanel(t language) panel {
	return newPie(t("Regions", "地域"), t("In all pay modes, this month so far.", "含各种付费方式，本月至今。"),
		instantTarget(sumBy("region_name",
			maxBy("account, pay_mode, region_name", "ksyun_bill_region_cost_cny", accountSelector)), "{{region_name}}"))
}

func billingModesPanel(t language) panel {
	return newPie(t("Billing modes", "计费方式"), t("In all pay modes, this month so far.", "含各种付费方式，本月至今。"),
		instantTarget(sumBy("billing_mode",
			maxBy("account, pay_mode, billing_mode", "ksyun_bill_billing_mode_cost_cny", accountSelector)),
			"{{billing_mode}}"))
}

func tagPanel(t language) panel {
	by := "account, pay_mode, product_code, tag_key, tag_value"
	cost := sumBy("tag_value", maxBy(by, "ksyun_bill_tag_cost_cny", productSelector+`, tag_key="$tag"`))
	value := t("Value", "取值")
	p := newPanel("table", t("Cost by tag", "按资源标签"),
		t("By value of the tag that is chosen above. Needs instances.tags in the exporter's configuration.",
			"按上方所选资源标签的值。需要在 exporter 配置 instances.tags。"), unitYuan, 8, 9,
		tableTarget(orNothing(cost, "tag_value")),
		tableTarget(combine(cost, "/ on () group_left ()", sumAll(cost))))
	p = formatTable(p, t("This month", "本月"), column{"tag_value", value, unitText},
		column{"Value #A", t("This month", "本月"), unitYuan}, column{"Value #B", t("Share", "占比"), unitShare})
	return p.replaceTexts(t("This month", "本月"), [2]string{"0", "–"}).
		replaceTexts(value, [2]string{"__none__", t("untagged", "无标签")},
			[2]string{"__other__", t("others", "其他")}, [2]string{nothing, t("No tag is configured", "未配置资源标签")})
}

// unallocatedPanel shows the share of the cost that nobody is responsible for. Only projects have closed months. A
// share is 0 if there is no such cost, and absent if there is no cost at all.
func unallocatedPanel(t language) panel {
	p := formatStackedBars(newPanel("barchart", t("Unallocated share", "未归属比例"),
		t("Cost in the default project as a share of each month's cost, and of this month's what lacks the chosen tag.",
			"默认项目的费用占各月费用的比例，以及本月没有所选资源标签的费用的比例。"), unitShare, gridWidth, 7,
		tableTarget(unallocatedQuery())), "month", "part")
	return sideBySide(p).renameFields([2]string{"project", t("default project", "默认项目")},
		[2]string{"tag", t("without the tag", "没有资源标签")})
}

// sideBySide makes bars stand beside each other: shares do not add up.
func sideBySide(p panel) panel {
	p.Options["stacking"], p.Options["showValue"] = "none", "auto"
	p.Options["legend"] = object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}}
	return p.setDefault("decimals", 1)
}

func unallocatedQuery() string {
	share := func(months func(selector string) string, nobody, part string) string {
		all := sumBy("month", months(""))
		unallocated := parenthesize(combine(sumBy("month", months(nobody)), "or", "0 * "+all))
		return setLabel(combine(unallocated, "/", all), "part", part)
	}
	projects := func(selector string) string {
		return monthsQuery(projectKey+", pay_mode", "ksyun_bill_project_cost_cny",
			"ksyun_bill_past_month_project_cost_cny", accountSelector+selector)
	}
	tags := func(selector string) string {
		running := maxBy("account, pay_mode, product_code, tag_key, tag_value", "ksyun_bill_tag_cost_cny",
			accountSelector+`, tag_key="$tag"`+selector)
		return joinRow(setLabel(running, "months_ago", "0"), monthKey, "month", monthNameQuery())
	}
	return combine(share(projects, `, project_id=~"0|__none__"`, "project"), "or",
		share(tags, `, tag_value="__none__"`, "tag"))
}

func instanceRow(t language) []panel {
	return []panel{newRow(t("Instances", "实例")), topInstancesPanel(t), foldedCostPanel(t)}
}

// instanceColumns returns the columns of a table of instances: the name, the values, and what else is known.
func instanceColumns(t language, values ...column) []column {
	return slices.Concat([]column{{"instance_name", t("Instance", "实例"), unitText}}, values, []column{
		productColumn(t), projectColumn(t), ownerColumn(t),
		{"region_name", t("Region", "地域"), unitText},
		{"product_subtype", t("Type", "类型"), unitText},
		accountColumn(t),
		{"instance_id", "ID", unitText}, codeColumn(t), hiddenProject(t),
	})
}

func hiddenProject(t language) column {
	return column{"project_id", t("Project ID", "项目 ID"), unitText}
}

// linkUsage makes a column lead to the row's product in its project, whose codes are not shown.
func linkUsage(t language, p panel, column string) panel {
	return p.hideColumns(codeColumn(t).title, hiddenProject(t).title).
		linkRow(t, column, accountLink, productLink, projectLink)
}

func instanceCostQuery(selector string) string {
	return sumBy(instanceKey,
		maxBy(instanceKey+", pay_mode", "ksyun_bill_instance_cost_cny", usageSelector+", "+selector))
}

func topInstancesPanel(t language) panel {
	value := column{"Value", t("This month", "本月"), unitYuan}
	p := newPanel("table", t("The 20 dearest instances", "费用最高的 20 个实例"),
		t("In all pay modes, this month so far. What belongs to no instance, or is folded, stands apart.",
			"含各种付费方式，本月至今。不属于任何实例的费用和合并计算的实例另列。"), unitYuan, 19, 12,
		tableTarget(joinInstanceFacts(topK("20", instanceCostQuery(`instance_id!~"__(none|other)__"`)))))
	return linkUsage(t, formatTable(p, value.title, instanceColumns(t, value)...), t("Instance", "实例"))
}

func foldedCostPanel(t language) panel {
	return formatStat(newPanel("stat", t("Apart", "另列"),
		t("Other instances are those beyond instances.max_series; no instance is what lines cost that name none.",
			"其他实例为超出 instances.max_series 的实例之和；无实例为没有实例的明细之和。"), unitYuan, 5, 12,
		instantTarget(sumBy("instance_id", instanceCostQuery(`instance_id=~"__(none|other)__"`)), "{{instance_id}}"))).
		renameFields([2]string{"__other__", t("Other instances", "其他实例")},
			[2]string{"__none__", t("No instance", "无实例")}).setDefault("noValue", t("nothing", "没有"))
}

func savingRow(t language) []panel {
	return []panel{newRow(t("Savings against list price", "折扣节省")), savingPanel(t), savingSharePanel(t)}
}

func savingPanel(t language) panel {
	list, paid := sumAll(listCostQuery()), sumAll(lineCostQuery())
	part := combine(parenthesize(combine(list, "-", paid)), "/", list)
	p := formatStat(newPanel("stat", t("Saved", "已节省"),
		t("List price minus cost, and as a share of the list price; postpaid, from lines.",
			"原价减成交价，及其占原价的比例；后付费，来自明细。"), unitYuan, 8, 8,
		instantTarget(combine(list, "-", paid), t("This month", "本月")),
		instantTarget(part, t("This month, share", "本月比例")),
		instantTarget(shiftToLastMonth(combine(list, "-", paid)), t("Last month", "上月")),
		instantTarget(shiftToLastMonth(part), t("Last month, share", "上月比例"))))
	return p.overrideField(t("This month, share", "本月比例"), unitProperties(unitShare)...).
		overrideField(t("Last month, share", "上月比例"), unitProperties(unitShare)...)
}

func savingSharePanel(t language) panel {
	p := formatStackedBars(newPanel("barchart", t("Saved share of list price", "节省占原价的比例"),
		t("Of last month and of this month so far, by product: a discount that ended makes the newer bar shorter.",
			"上月和本月至今，按产品线：折扣结束时，较新的一条会变短。"), unitShare, 16, 8,
		tableTarget(savedShareQuery())), "product", "month")
	return sideBySide(p)
}

// savedShareQuery returns the saved share of the list price of each product, last month and this month.
func savedShareQuery() string {
	months := func(cost string) string {
		both := parenthesize(combine(setLabel(cost, "months_ago", "0"), "or",
			setLabel(shiftToLastMonth(cost), "months_ago", "1")))
		return sumBy("product, month",
			nameProduct(joinRow(both, monthKey, "month", monthNameQuery())))
	}
	return "round(1 - " + combine(months(lineCostQuery()), "/", months(listCostQuery())) + ", 0.0001)"
}

func pastRow(t language) []panel {
	return []panel{
		newRow(t("Months side by side", "各月对比")),
		payModeMonthsPanel(t), productMonthsPanel(t), monthTablePanel(t), restatedPanel(t),
	}
}

func payModeMonthsPanel(t language) panel {
	p := formatStackedBars(newPanel("barchart", t("Months by pay mode", "各月费用（按付费方式）"),
		t("The whole bill of each month; the newest is the month so far. A month with a star lacks a pay mode of some "+
			"account: choose one account to see whose.",
			"各月全部费用；最新一月为本月至今。带星号的月份缺少某个账号的付费方式，选择单个账号可以看出是哪一个。"), unitYuan, 12, 9,
		tableTarget(sumBy("month, pay_mode", payModeMonthsQuery()))), "month", "pay_mode")
	return p.renameFields(payModeNames(t)...)
}

func productMonthsQuery() string {
	return joinProductName(monthsQuery(productKey+", pay_mode",
		"ksyun_bill_product_cost_cny", "ksyun_bill_past_month_product_cost_cny", productSelector))
}

func productMonthsPanel(t language) panel {
	return formatStackedBars(newPanel("barchart", t("Months by product", "各月费用（按产品线）"),
		t("In all pay modes; the newest is the month so far.", "含各种付费方式；最新一月为本月至今。"), unitYuan, 12, 9,
		tableTarget(sumBy("month, product", addProductLabel(productMonthsQuery())))), "month", "product")
}

// monthTablePanel has a column for each month, the newest first, and the products in the order of the newest month.
func monthTablePanel(t language) panel {
	months := sumBy("month, product", addProductLabel(productMonthsQuery()))
	total := setLabel(sumBy("month", productMonthsQuery()), "product", dayTotal)
	p := newPanel("table", t("Products, month by month", "产品线逐月费用"),
		t("In all pay modes; the newest is the month so far. Products that cost most in it stand first.",
			"含各种付费方式；最新一月为本月至今，按最新一月的费用排序。"), unitYuan, 16, 11,
		tableTarget(combine(total, "or", months)))
	corner, name := matrixCorner("product", "month"), t("Product", "产品线")
	p = formatPlainTable(p).addSteps(
		newStep("sortBy", object{"sort": []object{{"field": "Value", "desc": true}}}),
		newStep("sortBy", object{"sort": []object{{"field": "month", "desc": true}}}),
		matrixStep("product", "month"))
	p = p.overrideField(corner, append(unitProperties(unitText), newProperty("displayName", name))...)
	return p.replaceTexts(corner, [2]string{dayTotal, t("Total", "合计")})
}

// restatedPanel lists what closed months cost more or less than when their bill was first taken over.
func restatedPanel(t language) panel {
	product, value := productNameColumn(t), t("Restated by", "变动")
	restated := maxBy("account, months_ago, product_code", "ksyun_bill_past_month_restated_cny",
		productSelector) + " != 0"
	named := nameProduct(joinRow(parenthesize(restated), monthKey, "month", monthNameQuery()))
	p := formatTable(newPanel("table", t("Restated months", "账单变动的月份"),
		t("By how much the bill of a closed month has changed since it was first taken over; postpaid.",
			"已结束月份的账单自首次采用以来变动了多少；仅后付费。"), unitYuan, 8, 11,
		tableTarget(orNothing(named, "product"))), t("Month", "月份"),
		product, column{"Value", value, unitYuan}, column{"month", t("Month", "月份"), unitText}, accountColumn(t))
	return p.colorChange(value).replaceTexts(value, [2]string{"0", "–"}).
		replaceTexts(product.title, [2]string{nothing, t("No bill has changed", "账单没有变动")})
}
