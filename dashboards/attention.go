package main

// attentionPanel lists the alerts that fire. Prometheus has them as ALERTS if it evaluates the rules. Its
// recordings tell that it does; without them the table says so.
func attentionPanel(t language) panel {
	what, above := t("What", "事项"), t("CNY above usual", "高于平日（元）")
	p := formatTable(newPanel("table", t("What needs attention", "需要关注"),
		t("The alerts that fire, and by how much the dearest of the three newest days is above a usual one, in CNY: of "+
			"the product, the project, or the product in the project that the alert is about. Needs the alert rules "+
			"of the exporter in this Prometheus.",
			"正在触发的告警，以及最近三天中最贵的一天比平日高出多少元（告警所指的产品线、项目或项目内的产品线）。"+
				"需要在这个 Prometheus 中加载 exporter 的告警规则。"),
		unitYuan, 9, 6, tableTarget(attentionQuery())), above,
		column{"alertname", what, unitText}, column{"Value", above, unitYuan},
		column{"subject", t("Of", "对象"), unitText}, ownerColumn(t), accountColumn(t))
	return p.replaceTexts(what, alertNames(t)...).replaceTexts(above, [2]string{"0", "–"})
}

// alertNames returns pairs of an alert and what it says.
func alertNames(t language) [][2]string {
	return [][2]string{
		{calm, t("Nothing: no alert fires", "没有告警")},
		{unloaded, t("Unknown: the alert rules are not loaded", "未知：没有加载告警规则")},
		{"KsyunBillCostSpike", t("Cost spike", "费用突增")},
		{"KsyunBillCostRise", t("Cost rise", "费用上涨")},
		{"KsyunBillNewInstances", t("New instances", "新增实例")},
		{"KsyunBillCostVanished", t("Cost vanished", "费用消失")},
		{"KsyunBillNewProduct", t("New product", "新产品线")},
		{"KsyunBillNewProject", t("New project", "新项目")},
		{"KsyunBillNewRegion", t("New region", "新地域")},
		{"KsyunBillDiscountLost", t("Discount lost", "折扣丢失")},
		{"KsyunBillForecastOverBudget", t("Forecast over budget", "预计超预算")},
		{"KsyunBillBudgetExceeded", t("Budget exceeded", "已超预算")},
		{"KsyunBillBalanceLow", t("Balance low", "余额不足")},
		{"KsyunBillPrepaidEnds", t("Prepaid ends", "包年包月即将到期")},
		{"KsyunBillMonthRestated", t("Closed bill changed", "已出账单有变")},
		{"KsyunBillUnreconciled", t("Lines differ from the sum", "明细与汇总不一致")},
		{"KsyunBillPostpaidDisagrees", t("Two sums disagree", "两个接口的合计不一致")},
		{"KsyunBillPayModesNotCovered", t("Pay modes not by product", "付费方式未细分到产品线")},
		{"KsyunBillPayModesIncomplete", t("Pay mode missing", "缺少付费方式")},
		{"KsyunBillFirstRoundUnfinished", t("First round unfinished", "首轮读取未完成")},
		{"KsyunBillStateNotWritten", t("State not written", "状态写入失败")},
		{"KsyunBillLakeNotWritten", t("Lake not written", "数据湖写入失败")},
		{"KsyunBillDataStale", t("Data is old", "数据过旧")},
		{"KsyunBillSourceFailing", t("Source fails", "数据源失败")},
		{"KsyunBillCallLimitNear", t("Calls nearly used up", "调用次数将用完")},
		{"KsyunBillReloadFailed", t("Reload failed", "重新加载失败")},
		{"KsyunBillAbsent", t("No exporter", "没有 exporter")},
		{"KsyunBillThresholdsMissing", t("Thresholds missing", "缺少阈值")},
	}
}

// What stands in the column of alerts if there is none: they are calm, or the rules are not loaded.
const (
	calm     = "__calm__"
	unloaded = "__unloaded__"
)

// rulesLoaded is a recording that always has a value where the rules of the alerts are loaded.
const rulesLoaded = "ksyun_bill:threshold"

// subjectKey identifies what an alert is about.
const subjectKey = "account, scope, product_code, project_id"

// firingQuery returns the alerts that fire. Some are of no account.
func firingQuery(alerts string) string {
	return "max by (alertname, " + subjectKey + ", product_name, project_name, owner) (ALERTS{" +
		`alertname=~"` + alerts + `", alertstate="firing", account=~"$account|"})`
}

func attentionQuery() string {
	firing := firingQuery("KsyunBill.+")
	amounts := combine(combine(firing, "* on ("+subjectKey+") group_left ()", parenthesize(aboveUsualQuery())),
		"or", "0 * "+firing)
	joined := "label_join(\n" + indent(amounts) + "\n" + `, "subject", ", ", "project_name", "product_name")`
	subjects := `label_replace(` + joined + `, "subject", "$1", "subject", "(?:, )?(.*?)(?:, )?")`
	loaded := setLabel("0 * group("+rulesLoaded+")", "alertname", calm)
	return combine(combine(subjects, "or on ()", loaded), "or on ()", setLabel("vector(0)", "alertname", unloaded))
}

// aboveUsualQuery returns by how much the dearest of the three newest days is above a usual one, of all that alerts are
// about.
func aboveUsualQuery() string {
	above := func(by, scope string) string {
		day := func(ago string) string {
			return sumBy(by+", days_ago", maxBy(by+", pay_mode, days_ago", "ksyun_bill_day_"+scope+"_cost_cny",
				accountSelector+`, pay_mode!="prepaid", days_ago=~"`+ago+`"`))
		}
		dearest := "max by (" + by + ") (\n" + indent(day("[0-2]")) + "\n)"
		usual := "quantile by (" + by + ") (0.5,\n" + indent(day("[3-9]")) + "\n)"
		return setLabel(combine(dearest, "-", usual), "scope", scope)
	}
	return combine(combine(above(productKey, "product"), "or", above(projectKey, "project")), "or",
		above("account, product_code, project_id", "project_product"))
}

// newestDaysPanel compares the two newest days with a usual one: the newest alone can be half metered.
func newestDaysPanel(t language) panel {
	days := sumBy("days_ago", maxBy("account, pay_mode, days_ago", "ksyun_bill_day_account_cost_cny",
		accountSelector+`, pay_mode!="prepaid", days_ago=~"[01]"`))
	usual := sumAll(usualDayQuery(allPayModes))
	above := t("Above usual", "高于平日")
	p := formatStat(newPanel("stat", t("Newest days, usual day", "最近两天与平日"),
		t("What the two newest days cost, without what is prepaid; the newest can be half metered. A usual day is the "+
			"median of days_ago 3 to 9. The dearer of the two is compared with it.",
			"最近两天的费用，不含预付费；最新一天可能还没有计量完。平日为 days_ago 3 至 9 的中位数，取两天中较贵的一天与之比较。"),
		unitYuan, 4, 6, instantTarget(days, "{{days_ago}}"), instantTarget(usual, t("Usual day", "平日")),
		instantTarget(combine("max(\n"+indent(days)+"\n)", "/", usual)+" - 1", above)))
	p = p.renameFields([2]string{"0", t("Newest day", "最新一天")}, [2]string{"1", t("Day before", "前一天")})
	return p.overrideField(above, append(unitProperties(unitShare),
		newProperty("color", object{"mode": "thresholds"}), newProperty("thresholds", newThresholds(
			object{"color": "green", "value": nil}, object{"color": "orange", "value": 0.3},
			object{"color": "red", "value": 0.6})))...)
}

// costAnnotations returns the marks on the days. Each query gives the time of its mark in milliseconds.
func costAnnotations(t language) object {
	mark := func(name, color, expr, text string) object {
		return object{
			"name": name, "datasource": chosenSource, "enable": true, "hide": false, "iconColor": color, "expr": expr,
			"step": "10m", "titleFormat": name, "textFormat": text, "tagKeys": "", "useValueForTime": true,
		}
	}
	return object{"list": []object{
		mark(t("Cost spikes", "费用突增"), "red", spikeTimesQuery(), "{{account}} {{project_name}} {{product_name}}"),
		mark(t("New products", "新产品线"), "blue", newProductTimesQuery(), "{{account}} {{product_name}}"),
		mark(t("Bills that became final", "账单已出"), "green", finalTimesQuery(), "{{account}} {{month}}"),
	}}
}

// spikeTimesQuery returns the day of each spike: the account's dearest of the three newest days.
func spikeTimesQuery() string {
	days := sumBy("account, days_ago", maxBy("account, pay_mode, days_ago", "ksyun_bill_day_account_cost_cny",
		accountSelector+`, pay_mode!="prepaid", days_ago=~"[0-2]"`))
	dearest := combine(dayStartQuery(), "and on (account, days_ago)", "topk by (account) (1,\n"+indent(days)+"\n)")
	return combine(firingQuery("KsyunBillCostSpike"), "* on (account) group_left ()",
		"max by (account) (\n"+indent(dearest)+"\n)")
}

// newProductTimesQuery returns the first day of each product that cost something this month, and nothing before.
func newProductTimesQuery() string {
	days := sumBy(productKey+", days_ago",
		maxBy(productKey+", pay_mode, days_ago", "ksyun_bill_day_product_cost_cny", productSelector)) + " > 0"
	first := "min by (" + productKey + ") (\n" + indent(combine("0 * "+parenthesize(days),
		"+ on (account, days_ago) group_left ()", dayStartQuery())) + "\n)"
	return joinProductName(parenthesize(combine(first, "and on ("+productKey+")", parenthesize(newProductsQuery()))))
}

func dayStartQuery() string {
	return "1000 * " + maxBy("account, days_ago", "ksyun_bill_day_start_timestamp_seconds", accountSelector)
}

// finalTimesQuery returns when a closed month's bill took the place of its estimate.
func finalTimesQuery() string {
	bills := func(offset string) string {
		return "group by (account, month) (ksyun_bill_month_info{" + accountSelector +
			`, months_ago!="0", basis="bill"}` + offset + ")"
	}
	known := "group by (account) (ksyun_bill_month_info{" + accountSelector + "} offset 1h)"
	return combine(combine("1000 * time() * "+bills(""), "unless", bills(" offset 1h")), "and on (account)", known)
}
