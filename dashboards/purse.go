package main

// purseRow returns the panels of what is left to spend, and of what ends.
func purseRow(t language) []panel {
	return []panel{
		newRow(t("Balance and ends", "余额与到期")),
		balancePanel(t), balanceDaysPanel(t), endingCountPanel(t), endsPanel(t),
	}
}

func balancePanel(t language) panel {
	p := formatStat(newPanel("stat", t("Balance", "账户余额"),
		t("Cash that is left to spend; gifts and frozen amounts do not count. When it is used up, machines are stopped.",
			"可用现金，不含赠送余额和冻结金额。用尽后会停机。"),
		unitYuan, 7, 4, instantTarget(balanceQuery(), "{{account}}")))
	p.Options["textMode"] = "value_and_name"
	return p.setDefault("noValue", unknownPurse(t))
}

// unknownPurse is what stands for numbers of a service that is not asked, or has not answered.
func unknownPurse(t language) string { return t("not known", "未知") }

func balanceDaysPanel(t language) panel {
	p := formatStat(newPanel("stat", t("Days left", "余额可用天数"),
		t("How long the balance lasts at the pace of the last seven whole days, in all pay modes that are known: as the "+
			"alert has it. A large purchase among these days makes it too short.",
			"按最近七个完整日的速度（含所有已知的付费方式）余额还可用几天，与告警一致。其中若有大额购买，结果会偏短。"),
		t("suffix: days", "suffix: 天"), 7, 4, instantTarget(balanceDaysQuery(), "{{account}}")))
	p.Options["textMode"] = "value_and_name"
	p = p.setDefault("decimals", 1).setDefault("noValue", unknownPurse(t)).setDefault("color", object{"mode": "thresholds"})
	return p.setDefault("thresholds", newThresholds(object{"color": "red", "value": nil},
		object{"color": "orange", "value": 3}, object{"color": "green", "value": 7}))
}

func endingCountPanel(t language) panel {
	counts := maxBy("account, product_code, renewal, within", "ksyun_bill_prepaid_expiring_instances", accountSelector)
	p := formatStat(newPanel("stat", t("Prepaid instances that end", "到期的包年包月实例"),
		t("How many end within 7 and within 30 days, which includes the 7. What is not renewed ends unless somebody "+
			"renews it.", "7 天内和 30 天内（含前者）到期的实例数。不自动续费的，无人续费就会到期。"),
		"none", 10, 4, instantTarget(sumBy("renewal, within", counts), "{{renewal}} {{within}}")))
	return p.setDefault("noValue", t("none", "没有")).renameFields(
		[2]string{"manual 7d", t("Not renewed, 7 days", "7 天内，不自动续费")},
		[2]string{"manual 30d", t("Not renewed, 30 days", "30 天内，不自动续费")},
		[2]string{"auto 7d", t("Renewed, 7 days", "7 天内，自动续费")},
		[2]string{"auto 30d", t("Renewed, 30 days", "30 天内，自动续费")})
}

func endsPanel(t language) panel {
	value, renewal, name := t("End", "到期"), t("Renewal", "续费"), t("Instance", "实例")
	p := formatTable(newPanel("table", t("Instances that end soon", "即将到期的实例"),
		t("Of each account the 200 that end first, within prepaid.expiry_within. The list follows the choice of accounts "+
			"and projects. Names are those of the lines of this and the last month.",
			"每个账号最早到期的 200 个，限 prepaid.expiry_within 之内；随所选账号和项目变化。名称来自本月和上月的明细。"),
		unitDate, gridWidth, 9, tableTarget(endsQuery())), value,
		column{"instance_name", name, unitText}, column{"Value", value, unitDate},
		column{"renewal", renewal, unitText}, productColumn(t), projectColumn(t), ownerColumn(t), accountColumn(t),
		column{"instance_id", "ID", unitText})
	p.Options["sortBy"] = []object{{"displayName": value, "desc": false}}
	return p.replaceTexts(renewal, [2]string{"manual", t("not renewed", "不自动续费")},
		[2]string{"auto", t("renewed", "自动续费")}).replaceTexts(name, [2]string{"__none__", "–"})
}

func balanceQuery() string {
	return maxBy("account", "ksyun_bill_account_balance_cny", accountSelector+`, kind="available"`)
}

// balanceDaysQuery returns what ksyun_bill:balance_days of the alerts does, for a Prometheus without their rules: how
// many days the balance lasts. Fewer than four days do not tell the pace.
func balanceDaysQuery() string {
	day := maxBy("account, pay_mode, days_ago", "ksyun_bill_day_account_cost_cny",
		accountSelector+`, days_ago=~"[1-7]"`)
	pace := "avg by (account) (\n" + indent(sumBy("account, days_ago", day)) + "\n)"
	known := "count by (account) (\n" + indent(sumBy("account, days_ago", day)) + "\n) >= 4"
	return combine(combine("clamp_min("+balanceQuery()+", 0)", "/", parenthesize(pace+" > 0")), "and", known)
}

// endsQuery returns the ends of instances in milliseconds, with what is known of their products and projects. If
// replicas disagree about a name, topk takes one of them.
func endsQuery() string {
	ends := "1000 * max by (" + instanceKey + ", instance_name, renewal) (topk by (" + instanceKey +
		") (1, ksyun_bill_prepaid_expiry_timestamp_seconds{" + projectSelector + "}))"
	named := joinWhereKnown(ends, productKey, "ksyun_bill_product_info", "product_name")
	return joinWhereKnown(named, projectKey, "ksyun_bill_project_info", "project_name, owner")
}

// joinWhereKnown is joinFacts, but an instance without a row in the info family stays.
func joinWhereKnown(instances, by, family, labels string) string {
	return parenthesize(combine(joinFacts(instances, by, family, labels), "or on ("+instanceKey+")", instances))
}
