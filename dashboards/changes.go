package main

// changeRow returns the panels of what costs more or less than before.
func changeRow(t language) []panel {
	return []panel{
		newRow(t("What changed", "费用变化")),
		productChangesPanel(t), newAndVanishedPanel(t), instanceChangesPanel(t),
	}
}

// notable leaves out the changes that are tiny beside the greatest: less than a hundredth of it.
func notable(change string) string {
	size := "abs(" + change + ")"
	return parenthesize(combine(combine(change, "and", size), "> on () group_left ()", "0.01 * max("+size+")"))
}

func productChangesPanel(t language) panel {
	value, share := t("Change", "变化"), t("Change, %", "变化率")
	day := func(ago string) string {
		return sumBy("account, product_code, project_id", maxBy("account, pay_mode, product_code, project_id",
			"ksyun_bill_day_project_product_cost_cny", usageSelector+`, days_ago="`+ago+`"`))
	}
	change := notable(parenthesize(combine(day("1"), "-", day("8"))))
	named := func(expr string) target { return tableTarget(joinProjectFacts(nameProduct(expr))) }
	p := formatTable(newPanel("table", t("Products in projects that changed most in a week", "项目内产品线费用变化排行（一周内）"),
		t("The day before the newest minus the same day a week before, the largest first. What is tiny beside the "+
			"greatest change is left out.",
			"最新一天的前一天，减去一周前的同一天，按绝对值排序；与最大变化相比微不足道的不列出。"), unitYuan, 12, 11,
		named(change), named("abs"+change), named(parenthesize(combine(change, "/", parenthesize(day("8")+" > 0"))))),
		value, productNameColumn(t), column{"Value #A", value, unitYuan}, column{"Value #C", share, unitShare},
		projectColumn(t), ownerColumn(t), accountColumn(t), codeColumn(t), hiddenProject(t))
	return linkUsage(t, p.sortRows("Value #B").colorChange(value, share), productNameColumn(t).title)
}

func instanceChangesPanel(t language) panel {
	value := t("Change", "变化")
	change := notable(maxBy(instanceKey, "ksyun_bill_instance_week_change_cny", usageSelector))
	p := formatTable(newPanel("table", t("Instances that changed most in a week", "实例费用变化排行（一周内）"),
		t("The day before the newest minus the same day a week before, the largest first; of the 50 largest changes of "+
			"an account. What is tiny beside the greatest change is left out.",
			"最新一天的前一天，减去一周前的同一天，按绝对值排序；取自每个账号变化最大的 50 个实例，与最大变化相比微不足道的不列出。"),
		unitYuan, gridWidth, 11,
		tableTarget(joinInstanceFacts(change)), tableTarget(joinInstanceFacts("abs"+change))),
		value, instanceColumns(t, column{"Value #A", value, unitYuan})...)
	return linkUsage(t, p.sortRows("Value #B").colorChange(value), t("Instance", "实例"))
}

// newAndVanishedPanel lists what costs something for the first time, and what no longer does.
func newAndVanishedPanel(t language) panel {
	name, kind, value := t("Name", "名称"), t("Since last month", "与上月相比"), t("CNY", "金额")
	scope := t("Kind", "类别")
	p := formatTable(newPanel("table", t("New and vanished", "新增与消失"),
		t("Products and projects that cost something this month and nothing in any month before, with this month so far; "+
			"and those that cost something last month to the same day and nothing this month, with that as a negative "+
			"amount.",
			"本月有费用、此前各月都没有的产品线和项目（金额为本月至今），以及上月同期有费用、本月没有的（金额为上月同期，以负数表示）。"),
		unitYuan, 12, 11, tableTarget(newAndVanishedQuery())), value,
		column{"name", name, unitText}, column{"Value", value, unitYuan}, column{"kind", kind, unitText},
		column{"scope", scope, unitText}, accountColumn(t))
	return p.colorChange(value).replaceTexts(value, [2]string{"0", "–"}).
		replaceTexts(kind, [2]string{"new", t("new", "新增")}, [2]string{"vanished", t("vanished", "消失")}).
		replaceTexts(scope, [2]string{"product", t("product", "产品线")}, [2]string{"project", t("project", "项目")}).
		replaceTexts(name, [2]string{nothing, t("Nothing is new or has vanished", "没有新增或消失")})
}

func newAndVanishedQuery() string {
	products := func(expr, kind string) string {
		named := addDisplayLabel(joinProductName(parenthesize(expr)), "name", "product_code", "product_name")
		return setLabel(setLabel(named, "scope", "product"), "kind", kind)
	}
	projects := func(expr, kind string) string {
		named := addDisplayLabel(joinProjectFacts(parenthesize(expr)), "name", "project_id", "project_name")
		return setLabel(setLabel(named, "scope", "project"), "kind", kind)
	}
	all := products(newProductsQuery(), "new") + "\nor\n" +
		products(vanishedQuery(productKey, "product", productSelector), "vanished") + "\nor\n" +
		projects(newQuery(projectKey, "project", projectSelector), "new") + "\nor\n" +
		projects(vanishedQuery(projectKey, "project", projectSelector), "vanished")
	return orNothing(all, "name")
}
