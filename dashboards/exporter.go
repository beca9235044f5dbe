package main

import "slices"

// exporterDashboard is the dashboard for those who run the exporter. Unlike costDashboard, it shows each replica by
// itself.
func exporterDashboard(t language) dashboard {
	variables := []variable{
		newChoice("job", "Job", labelValuesKind, "label_values(ksyun_bill_exporter_build_info, job)"),
		newChoice("instance", "Instance", labelValuesKind,
			`label_values(ksyun_bill_exporter_build_info{job=~"$job"}, instance)`),
		newChoice("account", t("Account", "账号"), labelValuesKind,
			`label_values(ksyun_bill_account_info{`+replicaSelector+`}, account)`),
	}
	d := newDashboard(t("ksyun-bill-exporter", "ksyun-bill-exporter-zh"),
		t("Ksyun bill exporter", "金山云账单 exporter"),
		t("How the exporter fares: sources, calls, durations, lines, page, memory.",
			"exporter 的运行状况：数据源、调用、耗时、明细行数、抓取内容、内存。"),
		variables, slices.Concat(healthRow(t), sourceRow(t), callRow(t), pageRow(t), processRow(t)))
	d.Time["from"] = "now-24h"
	return d
}

// Selectors of what the reader has chosen: replicas, and accounts in them.
const (
	replicaSelector  = `job=~"$job", instance=~"$instance"`
	exporterSelector = replicaSelector + `, ` + accountSelector
)

// increasePerHour counts over an hour, because most accounts are refreshed once an hour.
func increasePerHour(by, family, selector string) string {
	return sumBy(by, "increase("+family+"{"+selector+"}[1h])")
}

func healthRow(t language) []panel {
	small := func(title, description, unit string, targets ...target) panel {
		return formatStat(newPanel("stat", title, description, unit, 4, 4, targets...))
	}
	return []panel{
		newRow(t("Health", "健康状况")),
		small(t("Replicas up", "在线副本"), t("Scrapes that succeed.", "抓取成功的副本数。"), "none",
			instantTarget("sum(up{"+replicaSelector+"})", "")),
		failingSourcesPanel(t), oldestSuccessPanel(t), dataAgePanel(t), callsLeftPanel(t),
		small(t("From disk", "来自磁盘"), t("Sources that show what was kept before a restart.", "仍在使用重启前所存数据的数据源数。"),
			"none", instantTarget("sum(ksyun_bill_source_from_disk{"+exporterSelector+"})", "")),
		small(t("Configuration reload", "重新加载配置"),
			t("Whether the last reload of the configuration succeeded.", "最近一次重新加载配置是否成功。"), "none",
			instantTarget("min(ksyun_bill_exporter_config_last_reload_successful{"+replicaSelector+"})", "")).
			setDefault("mappings", []object{{"type": "value", "options": object{
				"0": object{"text": t("failed", "失败"), "color": "red"},
				"1": object{"text": t("good", "成功"), "color": "green"},
			}}}),
		differencesPanel(t), versionsPanel(t),
	}
}

func failingSourcesPanel(t language) panel {
	return formatStat(newPanel("stat", t("Failing sources", "失败的数据源"),
		t("Sources whose last refresh failed; the last good numbers stay.", "最近一次刷新失败的数据源；仍显示上次成功的数据。"), "none", 4, 4,
		instantTarget("count(ksyun_bill_source_up{"+exporterSelector+"} == 0) or vector(0)", ""))).colorFrom(1, 3)
}

func oldestSuccessPanel(t language) panel {
	return formatStat(newPanel("stat", t("Oldest success", "最久未成功"),
		t("How long ago the source that waits longest succeeded.", "距上次成功最久的数据源，已过去多久。"), unitSeconds, 4, 4,
		instantTarget("time() - min(ksyun_bill_source_last_success_timestamp_seconds{"+exporterSelector+"})", ""))).
		colorFrom(3*secondsPerHour, secondsPerDay)
}

func dataAgePanel(t language) panel {
	return formatStat(newPanel("stat", t("Age of the numbers", "数据时效"),
		t("How long ago the newest day ended, of the account that lags most. Metering is a day behind by nature.",
			"最落后的账号，最新一天结束至今多久。计量本身就晚一天。"), unitSeconds, 4, 4,
		instantTarget("time() - min(ksyun_bill_period_data_timestamp_seconds{"+exporterSelector+"})", ""))).
		colorFrom(2*secondsPerDay, 3*secondsPerDay)
}

const (
	secondsPerHour = 3600
	secondsPerDay  = 24 * secondsPerHour
)

func callsLeftPanel(t language) panel {
	left := "ksyun_bill_api_calls_remaining{" + exporterSelector + "}"
	limit := "ksyun_bill_api_calls_limit{" + exporterSelector + "}"
	p := formatStat(newPanel("stat", t("Calls left today", "今日剩余调用"),
		t("Of api.daily_calls, of the account with the fewest left.", "占 api.daily_calls 的比例，取剩余最少的账号。"),
		unitShare, 4, 4, instantTarget("min("+left+" / "+limit+")", "")))
	return p.setDefault("noValue", t("no limit", "无限制"))
}

func differencesPanel(t language) panel {
	largest := func(family string) string {
		return "max(abs(" + family + "{" + exporterSelector + "}))"
	}
	return formatStat(newPanel("stat", t("Unexplained amounts", "汇总与明细的差额"),
		t("The largest difference between a summary and its lines, and between the two APIs' postpaid sums: 0, or "+
			"something is wrong.", "汇总与明细之间、两个 API 的后付费合计之间的最大差额：不为 0 即有问题。"), unitYuan, 8, 4,
		instantTarget(largest("ksyun_bill_unreconciled_cost_cny"), t("Lines", "明细")),
		instantTarget(largest("ksyun_bill_pay_mode_unreconciled_cost_cny"), t("Pay modes", "付费方式"))))
}

func versionsPanel(t language) panel {
	return formatTable(newPanel("table", t("Versions", "版本"), "", "none", 12, 4,
		tableTarget("ksyun_bill_exporter_build_info{"+replicaSelector+"}")), "Instance",
		column{"instance", "Instance", unitText}, column{"version", t("Version", "版本"), unitText},
		column{"revision", "Revision", unitText}, column{"goversion", "Go", unitText})
}

func sourceRow(t language) []panel {
	return []panel{newRow(t("Sources", "数据源")), sourcesPanel(t), refreshesPanel(t), failuresPanel(t), durationsPanel(t)}
}

// sourcesPanel returns a table with a row for each source of each account and replica.
func sourcesPanel(t language) panel {
	query := func(family string) string {
		return maxBy("instance, account, source", "ksyun_bill_source_"+family, exporterSelector)
	}
	value := func(family string) target { return tableTarget(query(family)) }
	age := func(family string) target { return tableTarget("time() - " + query(family+"_timestamp_seconds")) }
	p := newPanel("table", t("Sources", "数据源"),
		t("What each source last did, and how old what it gave is.", "各数据源最近的情况，以及数据有多旧。"), "none", gridWidth, 10,
		value("up"), age("last_attempt"), age("last_success"), age("data"), value("last_refresh_duration_seconds"),
		value("items"), value("from_disk"))
	return formatTable(p, t("Succeeded", "距上次成功"), column{"instance", "Instance", unitText}, accountColumn(t),
		column{"source", t("Source", "数据源"), unitText}, column{"Value #A", t("Up", "正常"), "bool_yes_no"},
		column{"Value #B", t("Tried", "距上次尝试"), unitSeconds},
		column{"Value #C", t("Succeeded", "距上次成功"), unitSeconds},
		column{"Value #D", t("Age of data", "数据时效"), unitSeconds}, column{"Value #E", t("Took", "耗时"), unitSeconds},
		column{"Value #F", t("Items", "条数"), unitNumber}, column{"Value #G", t("From disk", "来自磁盘"), "bool_yes_no"})
}

func refreshesPanel(t language) panel {
	return newGraph(t("Refreshes per hour", "每小时刷新次数"), t("By source.", "按数据源。"), unitNumber, 8,
		rangeTarget(increasePerHour("source", "ksyun_bill_source_refreshes_total", exporterSelector), "{{source}}"))
}

func failuresPanel(t language) panel {
	return newGraph(t("Failed refreshes per hour", "每小时失败次数"),
		t("By reason; the table above tells which source it is.", "按原因；是哪个数据源见上表。"), unitNumber, 8,
		rangeTarget(increasePerHour("reason", "ksyun_bill_source_refresh_failures_total", exporterSelector),
			"{{reason}}"))
}

func durationsPanel(t language) panel {
	return newGraph(t("Duration of a refresh", "刷新耗时"),
		t("The last refresh of each source, of the slowest account.", "各数据源最近一次刷新的耗时，取最慢的账号。"),
		unitSeconds, 8,
		rangeTarget(maxBy("source", "ksyun_bill_source_last_refresh_duration_seconds", exporterSelector), "{{source}}"))
}

func callRow(t language) []panel {
	return []panel{
		newRow(t("Calls of the API", "API 调用")), callsPanel(t), answersPanel(t), latencyPanel(t), receivedPanel(t),
	}
}

func callsPanel(t language) panel {
	return newGraph(t("Calls per hour", "每小时调用次数"), t("By action, retries included.", "按接口，含重试。"), unitNumber, 12,
		rangeTarget(increasePerHour("action", "ksyun_bill_api_requests_total", exporterSelector), "{{action}}"))
}

func answersPanel(t language) panel {
	retries := combine(increasePerHour("", "ksyun_bill_api_retries_total", exporterSelector), "or", "vector(0)")
	return newGraph(t("Answers per hour", "每小时响应"),
		t("By HTTP status and reason (ok is a good answer), and retries.", "按 HTTP 状态码和原因（ok 为成功），以及重试次数。"),
		unitNumber, 12,
		rangeTarget(increasePerHour("code, reason", "ksyun_bill_api_requests_total", exporterSelector),
			"{{code}} {{reason}}"),
		rangeTarget(retries, t("retries", "重试")))
}

func latencyPanel(t language) panel {
	buckets := increasePerHour("le, action", "ksyun_bill_api_request_duration_seconds_bucket", replicaSelector)
	return newGraph(t("Duration of a call, 95%", "调用耗时（95 分位）"), t("By action.", "按接口。"), unitSeconds, 12,
		rangeTarget("histogram_quantile(0.95,\n"+indent(buckets)+"\n)", "{{action}}"))
}

func receivedPanel(t language) panel {
	return newGraph(t("Received per hour", "每小时接收字节"), t("By action, as sent.", "按接口，按传输的字节。"), unitBytes, 12,
		rangeTarget(increasePerHour("action", "ksyun_bill_api_response_bytes_total", exporterSelector), "{{action}}"))
}

func pageRow(t language) []panel {
	return []panel{
		newRow(t("Items, series and the page", "条数、序列和抓取内容")),
		itemsPanel(t), instanceCountsPanel(t), pagePanel(t), scrapesPanel(t),
	}
}

func itemsPanel(t language) panel {
	return newGraph(t("Items", "条数"),
		t("What the numbers of a source are made of: bill lines, or months where the source is a summary.",
			"各数据源的数据由多少条得出：明细数据源按行数，汇总数据源按月份数。"), unitNumber, 12,
		rangeTarget(maxBy("account, source", "ksyun_bill_source_items", exporterSelector), "{{account}} {{source}}"))
}

func instanceCountsPanel(t language) panel {
	count := func(family string) string {
		return sumBy("account", maxBy(productKey, family, exporterSelector))
	}
	return newGraph(t("Instances", "实例数"),
		t("All of this month, and those without a series of their own (folded into __other__).",
			"本月全部实例，以及没有单独序列（计入 __other__）的实例。"), unitNumber, 12,
		rangeTarget(count("ksyun_bill_instances"), "{{account}}"),
		rangeTarget(count("ksyun_bill_folded_instances"), t("{{account}} folded", "{{account}} 计入 __other__")))
}

func pagePanel(t language) panel {
	p := newGraph(t("The page", "抓取内容"), t("What a scrape hands out: series, and compressed bytes.",
		"抓取返回的内容：序列数，以及压缩后的字节数。"), unitNumber, 12,
		rangeTarget("ksyun_bill_exporter_page_series{"+replicaSelector+"}",
			t("{{instance}} series", "{{instance}} 序列数")),
		rangeTarget("ksyun_bill_exporter_page_bytes{"+replicaSelector+"}", t("{{instance}} bytes", "{{instance}} 字节")))
	bytesAxis := override{
		Matcher:    object{"id": "byFrameRefID", "options": "B"},
		Properties: []object{newProperty("unit", unitBytes), newProperty("custom.axisPlacement", "right")},
	}
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, bytesAxis)
	return p
}

func scrapesPanel(t language) panel {
	return newGraph(t("Duration of a scrape", "抓取耗时"), t("As Prometheus sees it.", "Prometheus 所见。"), unitSeconds, 12,
		rangeTarget("scrape_duration_seconds{"+replicaSelector+"}", "{{instance}}"))
}

func processRow(t language) []panel {
	return []panel{
		newRow(t("Process", "进程")),
		newGraph(t("Memory", "内存"), t("Resident, and the heap in use.", "常驻内存与堆内存。"), unitBytes, 8,
			rangeTarget("process_resident_memory_bytes{"+replicaSelector+"}", "{{instance}}"),
			rangeTarget("go_memstats_heap_inuse_bytes{"+replicaSelector+"}", t("{{instance}} heap", "{{instance}} 堆"))),
		newGraph("CPU", t("Cores in use.", "使用的核数。"), unitNumber, 8,
			rangeTarget("rate(process_cpu_seconds_total{"+replicaSelector+"}[$__rate_interval])", "{{instance}}")),
		newGraph(t("Goroutines, state", "协程数与状态写入失败"),
			t("Goroutines, and failed writes of the state directory per hour.",
				"协程数，以及每小时写入状态目录失败的次数。"), unitNumber, 8,
			rangeTarget("go_goroutines{"+replicaSelector+"}", "{{instance}}"),
			rangeTarget("increase(ksyun_bill_exporter_state_write_failures_total{"+replicaSelector+"}[1h])",
				t("{{instance}} failed writes", "{{instance}} 写入失败"))),
	}
}
