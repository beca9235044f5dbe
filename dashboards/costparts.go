package main

// partRow divides the month up.
func partRow(t say) []panel {
	return []panel{
		row(t("Where it goes", "费用构成")), products(t), projects(t), regions(t), modes(t), tags(t), unallocated(t),
	}
}

// Titles of columns that several tables have.
func accountColumn(t say) column { return column{"account", t("Account", "账号"), verbatim} }

func productColumn(t say) column { return column{"product_name", t("Product", "产品线"), verbatim} }
func projectColumn(t say) column { return column{"project_name", t("Project", "项目"), verbatim} }
func ownerColumn(t say) column   { return column{"owner", t("Owner", "负责人"), verbatim} }

func products(t say) panel {
	sameDay := once(product+", pay_mode", "ksyun_bill_past_month_to_date_product_cost_cny", ofProduct)
	saved := over(atList(), "-", fromLines())
	p := newPanel("table", t("Products", "产品线"),
		t("Postpaid, of all projects. What a discount saves is list price minus cost, both from the lines.",
			"后付费，含所有项目。折扣节省 = 原价 − 成交价，均来自明细。"), yuan, 12, 10,
		rows(withProduct(sum(product, once(product+", pay_mode", "ksyun_bill_product_cost_cny", ofProduct)))),
		rows(withProduct(sum(product, sameDay))), rows(withProduct(group(saved))))
	return table(p, t("This month", "本月"), accountColumn(t), productColumn(t),
		column{"product_code", t("Code", "代码"), verbatim},
		column{"Value #A", t("This month", "本月"), yuan}, column{"Value #B", t("Last month to the day", "上月同期"), yuan},
		column{"Value #C", t("Saved", "折扣节省"), yuan})
}

func projects(t say) panel {
	sameDay := once(project+", pay_mode", "ksyun_bill_past_month_to_date_project_cost_cny", ofProject)
	facts := func(expr string) string {
		return fact(expr, project, "ksyun_bill_project_info", "project_name, owner, cost_center")
	}
	p := newPanel("table", t("Projects and their owners", "项目与负责人"),
		t("Postpaid, of all products. Owners and cost centers are those of the exporter's configuration.",
			"后付费，含所有产品线。负责人和成本中心来自 exporter 的配置。"), yuan, 12, 10,
		rows(facts(sum(project, once(project+", pay_mode", "ksyun_bill_project_cost_cny", ofProject)))),
		rows(facts(sum(project, sameDay))))
	return table(p, t("This month", "本月"), accountColumn(t), projectColumn(t), column{"project_id", "ID", verbatim},
		ownerColumn(t), column{"cost_center", t("Cost center", "成本中心"), verbatim},
		column{"Value #A", t("This month", "本月"), yuan}, column{"Value #B", t("Last month to the day", "上月同期"), yuan})
}

func regions(t say) panel {
	return pie(t("Regions", "地域"), t("Postpaid, this month so far.", "后付费，本月至今。"),
		now(sum("region_name", once("account, pay_mode, region_name", "ksyun_bill_region_cost_cny", ofAccount)),
			"{{region_name}}"))
}

func modes(t say) panel {
	family := "ksyun_bill_billing_mode_cost_cny"
	return pie(t("Billing modes", "计费方式"), t("Postpaid, this month so far.", "后付费，本月至今。"),
		now(sum("billing_mode", once("account, pay_mode, billing_mode", family, ofAccount)), "{{billing_mode}}"))
}

func tags(t say) panel {
	by := "account, pay_mode, product_code, tag_key, tag_value"
	p := bars(newPanel("bargauge", t("Tag $tag", "资源标签 $tag"),
		t("By value of the chosen tag; __none__ is untagged, __other__ what is folded. Needs instances.tags in the "+
			"exporter's configuration.", "按所选资源标签的值；没有的计入 __none__，其他值计入 __other__。需要在 exporter 配置 instances.tags。"),
		yuan, 8, 9,
		now("sort_desc("+sum("tag_value", once(by, "ksyun_bill_tag_cost_cny", ofProduct+`, tag_key="$tag"`))+")",
			"{{tag_value}}")))
	return p.with("noValue", t("no tag configured", "未配置资源标签"))
}

// unallocated counts what nobody answers for. No such cost is 0; no cost at all is no answer.
func unallocated(t say) panel {
	part := func(by, family, selector, nobody string) string {
		lost := group(over(total(once(by, family, selector+", "+nobody)), "or", "vector(0)"))
		return over(lost, "/", total(once(by, family, selector)))
	}
	projectShare := part(project+", pay_mode", "ksyun_bill_project_cost_cny", ofAccount, `project_id=~"0|__none__"`)
	tagShare := part("account, pay_mode, product_code, tag_key, tag_value", "ksyun_bill_tag_cost_cny",
		ofAccount+`, tag_key="$tag"`, `tag_value="__none__"`)
	return lines(t("Unallocated share", "未归属比例"),
		t("Cost in the default project, and without the chosen tag, as a share of the postpaid cost of the month.",
			"默认项目的费用、没有所选资源标签的费用，占本月后付费的比例。"), share, gridWidth,
		history(projectShare, t("default project", "默认项目")),
		history(tagShare, t("without tag $tag", "没有资源标签 $tag"))).with("min", 0)
}

func instanceRow(t say) []panel {
	return []panel{row(t("Instances", "实例")), dearest(t), apart(t), movers(t), productMovers(t)}
}

// instanceColumns are those of a table of instances.
func instanceColumns(t say, value string) []column {
	return []column{
		accountColumn(t), productColumn(t),
		{"instance_name", t("Instance", "实例"), verbatim},
		{"instance_id", "ID", verbatim},
		projectColumn(t), ownerColumn(t),
		{"region_name", t("Region", "地域"), verbatim},
		{"product_subtype", t("Type", "类型"), verbatim},
		{"Value", value, yuan},
	}
}

func monthOfInstances(selector string) string {
	return sum(instance, once(instance+", pay_mode", "ksyun_bill_instance_cost_cny", ofBoth+", "+selector))
}

func dearest(t say) panel {
	value := t("This month", "本月")
	return table(newPanel("table", t("The 20 dearest instances", "费用最高的 20 个实例"),
		t("Postpaid, this month so far. What belongs to no instance, or is folded, stands apart.",
			"后付费，本月至今。不属于任何实例的费用和计入 __other__ 的实例另列。"), yuan, 19, 12,
		rows(withInstance(top("20", monthOfInstances(`instance_id!~"__(none|other)__"`))))),
		value, instanceColumns(t, value)...)
}

func apart(t say) panel {
	return stat(newPanel("stat", t("Apart", "另列"),
		t("__other__ adds up the instances beyond instances.max_series, __none__ the lines that name no instance.",
			"__other__ 为超出 instances.max_series 的实例之和，__none__ 为没有实例的明细之和。"), yuan, 5, 12,
		now(sum("instance_id", monthOfInstances(`instance_id=~"__(none|other)__"`)), "{{instance_id}}"))).call(
		[2]string{"__other__", t("Other instances", "其他实例")}, [2]string{"__none__", t("No instance", "无实例")})
}

func movers(t say) panel {
	value := t("Change", "变化")
	change := once(instance, "ksyun_bill_instance_week_change_cny", ofBoth)
	return table(newPanel("table", t("Instances that changed most in a week", "实例费用变化排行（一周内）"),
		t("The day before the newest minus the same day a week before; of the 50 largest changes of an account.",
			"最新一天的前一天，减去一周前的同一天；取自每个账号变化最大的 50 个实例。"), yuan, 14, 11,
		rows(withInstance(group(over(change, "and", top("20", "abs("+change+")")))))),
		value, instanceColumns(t, value)...)
}

func productMovers(t say) panel {
	value := t("Change", "变化")
	day := func(ago string) string {
		return sum("account, product_code, project_id", once("account, pay_mode, product_code, project_id",
			"ksyun_bill_day_project_product_cost_cny", ofBoth+`, days_ago="`+ago+`"`))
	}
	change := group(over(day("1"), "-", day("8")))
	return table(newPanel("table", t("Products in projects that changed most in a week", "项目内产品线费用变化排行（一周内）"),
		t("The day before the newest minus the same day a week before.", "最新一天的前一天，减去一周前的同一天。"), yuan, 10, 11,
		rows(withProject(withProduct(group(over(change, "and", top("20", "abs"+change))))))),
		value, accountColumn(t), productColumn(t), projectColumn(t), ownerColumn(t), column{"Value", value, yuan})
}

func savingRow(t say) []panel {
	return []panel{row(t("Savings against list price", "折扣节省")), saved(t), savedShare(t)}
}

func saved(t say) panel {
	list, paid := total(atList()), total(fromLines())
	part := over(group(over(list, "-", paid)), "/", list)
	p := stat(newPanel("stat", t("Saved", "已节省"),
		t("List price minus cost, and as a share of the list price; postpaid, from lines.",
			"原价减成交价，及其占原价的比例；后付费，来自明细。"), yuan, 8, 8,
		now(over(list, "-", paid), t("This month", "本月")), now(part, t("This month, share", "本月比例")),
		now(ofLastMonth(over(list, "-", paid)), t("Last month", "上月")),
		now(ofLastMonth(part), t("Last month, share", "上月比例"))))
	return p.field(t("This month, share", "本月比例"), in(share)...).field(t("Last month, share", "上月比例"), in(share)...)
}

func savedShare(t say) panel {
	expr := "round(1 - " + over(fromLines(), "/", atList()) + ", 0.0001)"
	return lines(t("Saved share of list price", "节省占原价的比例"),
		t("Of the month up to each point in time: a discount that ends bends its product's line down.",
			"截至各时间点的本月比例：折扣结束时，该产品线的曲线会下降。"), share, 16,
		history(withProduct(group(expr)), "{{account}} {{product_name}}"))
}

func pastRow(t say) []panel {
	return []panel{row(t("Months side by side", "各月对比")), paidMonths(t), productMonths(t), monthTable(t)}
}

func paidMonths(t say) panel {
	all := months("account, pay_mode",
		"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", ofAccount)
	return stacked(newPanel("barchart", t("Months by pay mode", "各月费用（按付费方式）"),
		t("The whole bill of each month; the newest is the month so far.", "各月全部费用；最新一月为本月至今。"), yuan, 12, 9,
		rows(sum("month, pay_mode", all))), "month", "pay_mode").call(payModes(t)...)
}

func monthsOfProducts() string {
	return withProduct(months(product+", pay_mode",
		"ksyun_bill_product_cost_cny", "ksyun_bill_past_month_product_cost_cny", ofProduct))
}

func productMonths(t say) panel {
	return stacked(newPanel("barchart", t("Months by product", "各月费用（按产品线）"),
		t("Postpaid; the newest is the month so far.", "后付费；最新一月为本月至今。"), yuan, 12, 9,
		rows(sum("month, product", displayProduct(monthsOfProducts())))), "month", "product")
}

func monthTable(t say) panel {
	p := newPanel("table", t("Products, month by month", "产品线逐月费用"),
		t("Postpaid; the newest is the month so far.", "后付费；最新一月为本月至今。"), yuan, gridWidth, 9,
		rows(sum("month, product", displayProduct(monthsOfProducts()))))
	return unsorted(p).transform(matrix("product", "month")...).transform(ascending(corner("product", "month"))).
		field(corner("product", "month"), append(in(verbatim), property("displayName", t("Product", "产品线")))...)
}
