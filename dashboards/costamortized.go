package main

// amortizedRow returns the panels in which prepaid cost is spread over its terms.
func amortizedRow(t language) []panel {
	return []panel{
		newRow(t("Prepaid, spread over its term", "预付费按使用期摊销")),
		amortizedDaysPanel(t), amortizedProductsPanel(t), remainingPanel(t),
	}
}

func amortizedDaysPanel(t language) panel {
	known := sumBy("account, pay_mode, days_ago", maxBy("account, pay_mode, product_code, days_ago",
		"ksyun_bill_day_amortized_product_cost_cny", productSelector))
	axis := matrixCorner("day", "pay_mode")
	p := formatStackedBars(newPanel("barchart", t("Amortised cost per day", "每日摊销费用"),
		t("The days by pay mode; what is prepaid costs the same on each day of its term. Absent until all months are "+
			"read whose terms may not have ended.",
			"各天的费用，按付费方式；预付费在使用期内每天的份额相同。使用期可能未结束的月份读完之前没有数据。"),
		unitYuan, 12, 10, tableTarget(sumBy("day, pay_mode", addDayLabel(known)))),
		"day", "pay_mode", timeSteps(axis)...)
	return p.overrideField(axis, newProperty("unit", "time:MM-DD")).renameFields(payModeNames(t)...)
}

func amortizedProductsPanel(t language) panel {
	cost := sumBy(productKey,
		maxBy(productKey+", pay_mode", "ksyun_bill_amortized_product_cost_cny", productSelector))
	left := maxBy(productKey, "ksyun_bill_prepaid_remaining_cny", productSelector)
	p := newPanel("table", t("Amortised products", "产品线的摊销费用"),
		t("This month so far in all pay modes with prepaid cost spread over its terms, and what is paid and not yet used.",
			"本月至今，含各种付费方式，预付费按使用期分摊；以及已付款、尚未使用的金额。"), unitYuan, 8, 10,
		tableTarget(nameProduct(cost)), tableTarget(nameProduct(left)))
	return formatTable(p, t("This month", "本月"), productNameColumn(t),
		column{"Value #A", t("This month", "本月"), unitYuan},
		column{"Value #B", t("Not yet used", "尚未使用"), unitYuan}, accountColumn(t))
}

func remainingPanel(t language) panel {
	left := maxBy(productKey, "ksyun_bill_prepaid_remaining_cny", productSelector)
	missing := "sum(" + maxBy("account", "ksyun_bill_prepaid_months_missing", accountSelector) + ")"
	p := formatStat(newPanel("stat", t("Prepaid", "预付费"),
		t("What is paid for terms and not yet used; and how many months are still to be read, 0 once all terms are known.",
			"已付款、尚未使用的金额；以及还有几个月没有读取，全部使用期已知时为 0。"), unitYuan, 4, 10,
		instantTarget(sumAll(left), t("Not yet used", "尚未使用")), instantTarget(missing, t("Months missing", "未读取的月份"))))
	return p.overrideField(t("Months missing", "未读取的月份"), unitProperties("none")...)
}
