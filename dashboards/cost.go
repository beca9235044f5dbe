package main

import "slices"

// cost is the dashboard of who pays.
func cost(t say) dashboard {
	variables := []variable{
		choice("account", t("Account", "账号"), labelValues, "label_values(ksyun_bill_account_info, account)"),
		named("product", t("Product", "产品线"), once("product_code, product_name", "ksyun_bill_product_info", ofAccount),
			"product_code", "product_name"),
		named("project", t("Project", "项目"), once("project_id, project_name", "ksyun_bill_project_info", ofAccount),
			"project_id", "project_name"),
		tagKey(t),
	}
	return newDashboard(t("ksyun-cost", "ksyun-cost-zh"), t("Ksyun cost", "金山云费用"),
		t("What Kingsoft Cloud costs, in CNY, after discount and before vouchers.", "金山云费用，单位元，折扣后、代金券抵扣前。"),
		variables, slices.Concat(monthRow(t), dayRow(t), partRow(t), instanceRow(t), savingRow(t), pastRow(t)))
}

// tagKey is one: a line is in the sum of each of its tags, so that sums over several would count it more than once.
func tagKey(t say) variable {
	v := choice("tag", t("Tag", "资源标签"), labelValues,
		`label_values(ksyun_bill_tag_cost_cny{`+ofAccount+`}, tag_key)`)
	v.Multi, v.IncludeAll, v.AllValue, v.Current = false, false, "", unset()
	return v
}

// payModes are the names of the pay modes.
func payModes(t say) [][2]string {
	return [][2]string{
		{"postpaid", t("Postpaid", "后付费")},
		{"prepaid", t("Prepaid", "预付费（包年包月）")},
		{"realtime", t("Real-time", "实时结算")},
	}
}

// monthRow answers what everybody asks first.
func monthRow(t say) []panel {
	return []panel{
		row(t("This month", "本月")),
		thisMonth(t), covered(t), accounts(t), dataTo(t), likeForLike(t), forecasts(t), budget(t),
	}
}

func thisMonth(t say) panel {
	paid := once("account, pay_mode", "ksyun_bill_account_cost_cny", ofAccount)
	return stat(newPanel("stat", t("This month so far", "本月至今"),
		t("The whole bill of the running month, and its pay modes.", "本月全部费用，以及各付费方式的费用。"), yuan, 8, 4,
		now(total(paid), t("All", "合计")), now(sum("pay_mode", paid), "{{pay_mode}}"))).call(payModes(t)...)
}

func covered(t say) panel {
	family := "ksyun_bill_account_cost_cny"
	return stat(newPanel("stat", t("Covered by details", "有明细的比例"),
		t("Share of postpaid cost: products, projects, regions, tags, instances and days are known of it only.",
			"后付费所占比例：只有后付费有产品线、项目、地域、资源标签、实例和每日的明细。"), share, 3, 4,
		now(over(total(once("account, pay_mode", family, ofAccount+`, pay_mode="postpaid"`)), "/",
			total(once("account, pay_mode", family, ofAccount))), "")))
}

// accounts says "2" above "of 2 accounts": count_values carries a number into the name of another.
func accounts(t say) panel {
	all := `count_values("all", count(` + once("account", "ksyun_bill_account_info", ofAccount) + `))`
	known := "(count(" + once("account", "ksyun_bill_period_data_timestamp_seconds", ofAccount) + ") or vector(0))"
	p := stat(newPanel("stat", t("Accounts with numbers", "有数据的账号"),
		t("How many of the configured accounts have numbers of this month.", "已配置的账号中，有多少个有本月数据。"), "none", 3, 4,
		now(over(known, "* on () group_right ()", all), t("of {{all}} accounts", "共 {{all}} 个账号"))))
	p.Options["textMode"] = "value_and_name"
	return p
}

func dataTo(t say) panel {
	through := once("account", "ksyun_bill_period_data_timestamp_seconds", ofAccount)
	return stat(newPanel("stat", t("Data to", "数据截至"),
		t("The last day that the numbers of every account include; it can be half metered.",
			"所有账号的数据都已包含的最后一天；这一天可能还没有计量完。"), date, 3, 4,
		now(over("1000 * min("+through+")", "-", "1"), "")))
}

func likeForLike(t say) panel {
	this, last := daysOfMonth(), toSameDay()
	change := over(total(over(this, "-", last)), "/", total(over(last, "and", this)))
	return stat(newPanel("stat", t("Last month to the same day", "上月同期"),
		t("From daily metering, postpaid: last month up to the same day number, this month's days, and how they "+
			"differ. Absent on the 1st.", "按日计量的后付费：上月截至同一天的费用、本月各日的费用，以及两者相差的比例。每月 1 日没有数据。"), yuan, 7, 4,
		now(total(last), t("Last month", "上月同期")), now(total(this), t("This month", "本月")),
		now(change, t("Change", "变化")))).field(t("Change", "变化"), in(share)...)
}

func forecasts(t say) panel {
	return stat(newPanel("stat", t("Forecast", "本月预测"),
		t("The month so far, and for every day left the median of days_ago 3 to 9. Fees on the 1st and refunds do not "+
			"multiply.", "本月至今，加上剩余天数乘以 days_ago 3 至 9 的日费用中位数；月初的包月费用和退款不会被放大。"), yuan, 8, 4,
		now(total(forecast()), "")))
}

func budget(t say) panel {
	limit := once("account", "ksyun_bill_account_budget_cny", ofAccount)
	used := func(what string) string {
		return over(total(over(group(what), "and", limit)), "/", total(limit))
	}
	p := stat(newPanel("stat", t("Budget of the accounts", "账号预算"),
		t("How much of the accounts' budgets is used, and will be by the forecast.", "账号预算已使用的比例，以及按预测月底将使用的比例。"),
		share, 16, 4, now(total(limit), t("Budget", "预算")), now(used(monthSoFar()), t("Used", "已用")),
		now(used(forecast()), t("Forecast", "预测"))))
	return p.with("noValue", t("no budget", "未设置预算")).warn(0.8, 1).
		field(t("Budget", "预算"), append(in(yuan), property("color", plain))...)
}

func dayRow(t say) []panel {
	return []panel{row(t("Days", "每日")), days(t), budgets(t)}
}

func days(t say) panel {
	known := sum(product+", days_ago", once("account, pay_mode, product_code, project_id, days_ago",
		"ksyun_bill_day_project_product_cost_cny", ofBoth))
	axis := corner("day", "product")
	return stacked(newPanel("barchart", t("Cost per day by product", "每日费用（按产品线）"),
		t("All days are of one scrape: each has a label, days_ago, and ksyun_bill_day_start_timestamp_seconds dates "+
			"it. count_values turns that date into a label, a matrix makes a row of each day, and the row's name a "+
			"time. The newest day can be half metered.",
			"所有日期都来自同一次抓取：每天以 days_ago 标签区分，由 ksyun_bill_day_start_timestamp_seconds 给出日期。"+
				"count_values 把日期变成标签，再转成矩阵，每天一行，行名转成时间。最新一天可能还没有计量完。"),
		yuan, gridWidth, 11, rows(sum("day, product", displayProduct(withProduct(dated(known)))))), "day", "product",
		asTime(axis)...).field(axis, property("unit", "time:MM-DD"))
}

func budgets(t say) panel {
	used := func(by, scope, selector string) string {
		return over(sum(by, once(by+", pay_mode", "ksyun_bill_"+scope+"_cost_cny", selector)), "/",
			once(by, "ksyun_bill_"+scope+"_budget_cny", selector))
	}
	p := bars(newPanel("bargauge", t("Budgets used", "预算使用"),
		t("This month so far, as a share of each budget: of an account in all pay modes, of products and projects "+
			"postpaid.", "本月至今占各项预算的比例：账号预算含全部付费方式，产品线和项目预算只含后付费。"), share, gridWidth, 6,
		now(used("account", "account", ofAccount), "{{account}}"),
		now(withProduct(used(product, "product", ofProduct)), "{{account}} {{product_name}}"),
		now(withProject(used(project, "project", ofProject)), "{{account}} {{project_name}}")))
	return p.with("noValue", t("no budget", "未设置预算")).with("max", 1).warn(0.8, 1)
}
