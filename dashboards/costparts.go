package main

// partRow returns the panels that divide the month into its parts.
func partRow(t language) []panel {
	return []panel{
		newRow(t("Where it goes", "费用构成")),
		productsPanel(t), projectsPanel(t), regionsPanel(t), billingModesPanel(t), tagPanel(t), unallocatedPanel(t),
	}
}

// The next four functions return columns that several tables have.

func accountColumn(t language) column { return column{"account", t("Account", "账号"), unitText} }

func productColumn(t language) column {
	return column{"product_name", t("Product", "产品线"), unitText}
}

func projectColumn(t language) column {
	return column{"project_name", t("Project", "项目"), unitText}
}

func ownerColumn(t language) column { return column{"owner", t("Owner", "负责人"), unitText} }

func productsPanel(t language) panel {
	thisMonth := sumBy(productKey, maxBy(productKey+", pay_mode", "ksyun_bill_product_cost_cny", productSelector))
	sameDay := sumBy(productKey,
		maxBy(productKey+", pay_mode", "ksyun_bill_past_month_to_date_product_cost_cny", productSelector))
	saved := combine(listCostQuery(), "-", lineCostQuery())
	p := newPanel("table", t("Products", "产品线"),
		t("In all pay modes, of all projects. What a discount saves is list price minus cost of the postpaid lines.",
			"含各种付费方式和所有项目。折扣节省 = 后付费明细的原价 − 成交价。"), unitYuan, 12, 10,
		tableTarget(joinProductName(thisMonth)), tableTarget(joinProductName(sameDay)),
		tableTarget(joinProductName(parenthesize(saved))))
	return formatTable(p, t("This month", "本月"), accountColumn(t), productColumn(t),
		column{"product_code", t("Code", "代码"), unitText},
		column{"Value #A", t("This month", "本月"), unitYuan},
		column{"Value #B", t("Last month to the day", "上月同期"), unitYuan},
		column{"Value #C", t("Saved", "折扣节省"), unitYuan})
}

func projectsPanel(t language) panel {
	thisMonth := sumBy(projectKey, maxBy(projectKey+", pay_mode", "ksyun_bill_project_cost_cny", projectSelector))
	sameDay := sumBy(projectKey,
		maxBy(projectKey+", pay_mode", "ksyun_bill_past_month_to_date_project_cost_cny", projectSelector))
	join := func(expr string) string {
		return joinFacts(expr, projectKey, "ksyun_bill_project_info", "project_name, owner, cost_center")
	}
	p := newPanel("table", t("Projects and their owners", "项目与负责人"),
		t("In all pay modes, of all products. Owners and cost centers are those of the exporter's configuration.",
			"含各种付费方式和所有产品线。负责人和成本中心来自 exporter 的配置。"), unitYuan, 12, 10,
		tableTarget(join(thisMonth)), tableTarget(join(sameDay)))
	return formatTable(p, t("This month", "本月"), accountColumn(t), projectColumn(t),
		column{"project_id", "ID", unitText},
		ownerColumn(t), column{"cost_center", t("Cost center", "成本中心"), unitText},
		column{"Value #A", t("This month", "本月"), unitYuan},
		column{"Value #B", t("Last month to the day", "上月同期"), unitYuan})
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
	cost := maxBy(by, "ksyun_bill_tag_cost_cny", productSelector+`, tag_key="$tag"`)
	p := formatBars(newPanel("bargauge", t("Tag $tag", "资源标签 $tag"),
		t("By value of the chosen tag; __none__ is untagged, __other__ what is folded. Needs instances.tags in the "+
			"exporter's configuration.", "按所选资源标签的值；没有的计入 __none__，其他值计入 __other__。需要在 exporter 配置 instances.tags。"),
		unitYuan, 8, 9,
		instantTarget("sort_desc("+sumBy("tag_value", cost)+")", "{{tag_value}}")))
	return p.setDefault("noValue", t("no tag configured", "未配置资源标签"))
}

// unallocatedPanel shows the share of the cost that nobody is responsible for. The share is 0 if there is no such cost,
// and absent if there is no cost at all.
func unallocatedPanel(t language) panel {
	part := func(by, family, selector, nobody string) string {
		unallocated := parenthesize(combine(sumAll(maxBy(by, family, selector+", "+nobody)), "or", "vector(0)"))
		return combine(unallocated, "/", sumAll(maxBy(by, family, selector)))
	}
	projectShare := part(projectKey+", pay_mode", "ksyun_bill_project_cost_cny",
		accountSelector, `project_id=~"0|__none__"`)
	tagShare := part("account, pay_mode, product_code, tag_key, tag_value", "ksyun_bill_tag_cost_cny",
		accountSelector+`, tag_key="$tag"`, `tag_value="__none__"`)
	return newGraph(t("Unallocated share", "未归属比例"),
		t("Cost in the default project, and without the chosen tag, as a share of the cost of the month.",
			"默认项目的费用、没有所选资源标签的费用，占本月费用的比例。"), unitShare, gridWidth,
		rangeTarget(projectShare, t("default project", "默认项目")),
		rangeTarget(tagShare, t("without tag $tag", "没有资源标签 $tag"))).setDefault("min", 0)
}

func instanceRow(t language) []panel {
	return []panel{
		newRow(t("Instances", "实例")),
		topInstancesPanel(t), foldedCostPanel(t), instanceChangesPanel(t), productChangesPanel(t),
	}
}

// instanceColumns returns the columns of a table of instances; value is the title of the last one.
func instanceColumns(t language, value string) []column {
	return []column{
		accountColumn(t), productColumn(t),
		{"instance_name", t("Instance", "实例"), unitText},
		{"instance_id", "ID", unitText},
		projectColumn(t), ownerColumn(t),
		{"region_name", t("Region", "地域"), unitText},
		{"product_subtype", t("Type", "类型"), unitText},
		{"Value", value, unitYuan},
	}
}

func instanceCostQuery(selector string) string {
	return sumBy(instanceKey,
		maxBy(instanceKey+", pay_mode", "ksyun_bill_instance_cost_cny", usageSelector+", "+selector))
}

func topInstancesPanel(t language) panel {
	value := t("This month", "本月")
	return formatTable(newPanel("table", t("The 20 dearest instances", "费用最高的 20 个实例"),
		t("In all pay modes, this month so far. What belongs to no instance, or is folded, stands apart.",
			"含各种付费方式，本月至今。不属于任何实例的费用和计入 __other__ 的实例另列。"), unitYuan, 19, 12,
		tableTarget(joinInstanceFacts(topK("20", instanceCostQuery(`instance_id!~"__(none|other)__"`))))),
		value, instanceColumns(t, value)...)
}

func foldedCostPanel(t language) panel {
	return formatStat(newPanel("stat", t("Apart", "另列"),
		t("__other__ adds up the instances beyond instances.max_series, __none__ the lines that name no instance.",
			"__other__ 为超出 instances.max_series 的实例之和，__none__ 为没有实例的明细之和。"), unitYuan, 5, 12,
		instantTarget(sumBy("instance_id", instanceCostQuery(`instance_id=~"__(none|other)__"`)), "{{instance_id}}"))).
		renameFields([2]string{"__other__", t("Other instances", "其他实例")},
			[2]string{"__none__", t("No instance", "无实例")})
}

func instanceChangesPanel(t language) panel {
	value := t("Change", "变化")
	change := maxBy(instanceKey, "ksyun_bill_instance_week_change_cny", usageSelector)
	return formatTable(newPanel("table", t("Instances that changed most in a week", "实例费用变化排行（一周内）"),
		t("The day before the newest minus the same day a week before; of the 50 largest changes of an account.",
			"最新一天的前一天，减去一周前的同一天；取自每个账号变化最大的 50 个实例。"), unitYuan, 14, 11,
		tableTarget(joinInstanceFacts(parenthesize(combine(change, "and", topK("20", "abs("+change+")")))))),
		value, instanceColumns(t, value)...)
}

func productChangesPanel(t language) panel {
	value := t("Change", "变化")
	day := func(ago string) string {
		return sumBy("account, product_code, project_id", maxBy("account, pay_mode, product_code, project_id",
			"ksyun_bill_day_project_product_cost_cny", usageSelector+`, days_ago="`+ago+`"`))
	}
	change := parenthesize(combine(day("1"), "-", day("8")))
	return formatTable(newPanel("table", t("Products in projects that changed most in a week", "项目内产品线费用变化排行（一周内）"),
		t("The day before the newest minus the same day a week before.", "最新一天的前一天，减去一周前的同一天。"), unitYuan, 10, 11,
		tableTarget(joinProjectFacts(joinProductName(parenthesize(combine(change, "and", topK("20", "abs"+change))))))),
		value, accountColumn(t), productColumn(t), projectColumn(t), ownerColumn(t), column{"Value", value, unitYuan})
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
	expr := "round(1 - " + combine(lineCostQuery(), "/", listCostQuery()) + ", 0.0001)"
	return newGraph(t("Saved share of list price", "节省占原价的比例"),
		t("Of the month up to each point in time: a discount that ends bends its product's line down.",
			"截至各时间点的本月比例：折扣结束时，该产品线的曲线会下降。"), unitShare, 16,
		rangeTarget(joinProductName(parenthesize(expr)), "{{account}} {{product_name}}"))
}

func pastRow(t language) []panel {
	return []panel{
		newRow(t("Months side by side", "各月对比")),
		payModeMonthsPanel(t), productMonthsPanel(t), monthTablePanel(t),
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

func monthTablePanel(t language) panel {
	p := newPanel("table", t("Products, month by month", "产品线逐月费用"),
		t("In all pay modes; the newest is the month so far.", "含各种付费方式；最新一月为本月至今。"), unitYuan, gridWidth, 9,
		tableTarget(sumBy("month, product", addProductLabel(productMonthsQuery()))))
	name := matrixCorner("product", "month")
	return formatPlainTable(p).addSteps(matrixSteps("product", "month")...).addSteps(sortStep(name)).
		overrideField(name, append(unitProperties(unitText), newProperty("displayName", t("Product", "产品线")))...)
}
