package main

import "slices"

// exporterDashboard is the dashboard for those who run the exporter. Unlike costDashboard, it shows each replica by
// itself.
func exporterDashboard(t language) dashboard {
	variables := []variable{
		newListedChoice("job", t("Job", "采集任务"), "label_values(ksyun_bill_exporter_build_info, job)"),
		newListedChoice("instance", replicaTitle(t), `label_values(ksyun_bill_exporter_build_info{job=~"$job"}, instance)`),
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

// newListedChoice returns a choice of which all means every value that is offered, and nothing else: the metrics of
// processes and scrapes are those of all that Prometheus scrapes.
func newListedChoice(name, label, query string) variable {
	v := newChoice(name, label, labelValuesKind, query)
	v.AllValue = ""
	return v
}

func replicaTitle(t language) string { return t("Instance", "副本") }

// hours and seconds return the units of durations in the dashboard's language.
func hours(t language) string { return t(unitHours, unitHoursZh) }

func seconds(t language) string { return t(unitSeconds, "suffix:秒") }

// hoursSince returns how many hours ago an instant is.
func hoursSince(instant string) string {
	return parenthesize("time() - "+instant) + " / 3600"
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
	return []panel{
		newRow(t("Health", "健康状况")),
		replicasPanel(t), failingSourcesPanel(t), oldestSuccessPanel(t), dataAgePanel(t), callsLeftPanel(t),
		fromDiskPanel(t), reloadPanel(t), differencesPanel(t), versionsPanel(t),
	}
}

func fromDiskPanel(t language) panel {
	return formatStat(newPanel("stat", t("From disk", "来自磁盘"),
		t("Sources that show what was kept before a restart.", "仍在使用重启前所存数据的数据源数。"), "none", 4, 4,
		instantTarget("sum(ksyun_bill_source_from_disk{"+exporterSelector+"})", "")))
}

func reloadPanel(t language) panel {
	p := formatStat(newPanel("stat", t("Configuration reload", "重新加载配置"),
		t("Whether the last reload of the configuration succeeded.", "最近一次重新加载配置是否成功。"), "none", 4, 6,
		instantTarget("min(ksyun_bill_exporter_config_last_reload_successful{"+replicaSelector+"})", "")))
	return p.setDefault("mappings", []object{{"type": "value", "options": object{
		"0": object{"text": t("failed", "失败"), "color": "red"},
		"1": object{"text": t("good", "成功"), "color": "green"},
	}}})
}

func failingSourcesPanel(t language) panel {
	return formatStat(newPanel("stat", t("Failing sources", "失败的数据源"),
		t("Sources whose last refresh failed; the last good numbers stay.", "最近一次刷新失败的数据源；仍显示上次成功的数据。"), "none", 4, 4,
		instantTarget("count(ksyun_bill_source_up{"+exporterSelector+"} == 0) or vector(0)", ""))).colorFrom(1, 3)
}

// replicasPanel counts replicas, not targets: two jobs can scrape the same one.
func replicasPanel(t language) panel {
	info := "ksyun_bill_exporter_build_info{" + replicaSelector + "}"
	count := func(which string) string { return "count(group by (instance) (" + which + ")) or vector(0)" }
	gone := "up{" + replicaSelector + "} == 0 and on (instance) max_over_time(" + info + "[1d]) unless on (instance) " + info
	down := t("down", "离线")
	return formatStat(newPanel("stat", t("Replicas up", "在线副本"),
		t("Those that answer, and those that Prometheus still scrapes, but that have not answered since some time within a "+
			"day. One that several jobs scrape counts once.",
			"能抓取到的副本数，以及 Prometheus 仍在抓取、一天内曾有响应但现在没有响应的副本数。多个任务抓取同一副本只计一次。"), "none", 4, 4,
		instantTarget(count(info), t("up", "在线")), instantTarget(count(gone), down))).
		overrideField(down, thresholdProperties(1, 1)...)
}

// Sources by how often they are asked: summaries at every refresh, lines and days once they change, and at least once a
// day. The others are asked once a month or when there is something to ask for, so that their age says nothing.
const (
	frequentSources = "month_bill|month_consume|pay_mode_summary|product_summary|project_summary|cash_wallet"
	dailySources    = "detail_bill|detail_consume|product_consume|project_consume|instance_consume|prepaid_instances"
)

func oldestSuccessPanel(t language) panel {
	oldest := func(sources string) string {
		selector := exporterSelector + `, source=~"` + sources + `"`
		return hoursSince("min(ksyun_bill_source_last_success_timestamp_seconds{" + selector + "})")
	}
	frequent, daily := t("summaries", "汇总"), t("lines, days", "明细、每日")
	return formatStat(newPanel("stat", t("Oldest success", "最久未成功"),
		t("How long ago the source that waits longest succeeded. Summaries are asked for every hour (orange from 3 h on, "+
			"red from a day on), lines and days at least once a day (orange from 30 h on, red from 3 days on).",
			"距上次成功最久的数据源，已过去多久。汇总每小时读取（3 小时起为橙色，1 天起为红色），明细和每日数据至少每天读取一次"+
				"（30 小时起为橙色，3 天起为红色）。"), hours(t), 4, 4,
		instantTarget(oldest(frequentSources), frequent), instantTarget(oldest(dailySources), daily))).
		overrideField(frequent, thresholdProperties(3, 24)...).overrideField(daily, thresholdProperties(30, 72)...)
}

// thresholdProperties color a field orange from the first threshold on, and red from the second.
func thresholdProperties(orange, red float64) []object {
	steps := []object{{"color": "green", "value": nil}}
	if orange < red {
		steps = append(steps, object{"color": "orange", "value": orange})
	}
	return []object{newProperty("color", object{"mode": "thresholds"}),
		newProperty("thresholds", newThresholds(append(steps, object{"color": "red", "value": red})...))}
}

func dataAgePanel(t language) panel {
	return formatStat(newPanel("stat", t("Age of the numbers", "数据时效"),
		t("How long ago the newest day ended, of the account that lags most. Metering is a day behind by nature.",
			"最落后的账号，最新一天结束至今多久。计量本身就晚一天。"), hours(t), 4, 4,
		instantTarget(hoursSince("min(ksyun_bill_period_data_timestamp_seconds{"+exporterSelector+"})"), ""))).
		colorFrom(48, 72)
}

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
			"something is wrong.", "汇总与明细之间、两个 API 的后付费合计之间的最大差额：不为 0 即有问题。"), unitYuan, 8, 6,
		instantTarget(largest("ksyun_bill_unreconciled_cost_cny"), t("Lines", "明细")),
		instantTarget(largest("ksyun_bill_pay_mode_unreconciled_cost_cny"), t("Pay modes", "付费方式"))))
}

func versionsPanel(t language) panel {
	return formatTable(newPanel("table", t("Versions", "版本"), t("What each replica runs.", "各副本运行的版本。"), "none", 12, 6,
		tableTarget("ksyun_bill_exporter_build_info{"+replicaSelector+"}")), replicaTitle(t),
		column{"instance", replicaTitle(t), unitText}, column{"version", t("Version", "版本"), unitText},
		column{"revision", t("Revision", "修订"), unitText}, column{"goversion", "Go", unitText})
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
	age := func(family string) target { return tableTarget(hoursSince(query(family + "_timestamp_seconds"))) }
	up, disk, succeeded := t("Up", "正常"), t("From disk", "来自磁盘"), t("Succeeded", "距上次成功")
	p := newPanel("table", t("Sources", "数据源"),
		t("What each source last did, and how old what it gave is.", "各数据源最近的情况，以及数据有多旧。"), unitNumber, gridWidth, 10,
		value("up"), age("last_attempt"), age("last_success"), age("data"), value("last_refresh_duration_seconds"),
		value("items"), value("from_disk"))
	p = formatTable(p, succeeded, column{"source", t("Source", "数据源"), unitText}, accountColumn(t),
		column{"Value #A", up, "none"}, column{"Value #B", t("Tried", "距上次尝试"), hours(t)},
		column{"Value #C", succeeded, hours(t)}, column{"Value #D", t("Age of data", "数据时效"), hours(t)},
		column{"Value #E", t("Took", "耗时"), seconds(t)}, column{"Value #F", t("Items", "条数"), unitNumber},
		column{"Value #G", disk, "none"}, column{"instance", replicaTitle(t), unitText})
	yes, no := [2]string{"1", t("yes", "是")}, [2]string{"0", t("no", "否")}
	return p.replaceTexts(up, yes, no).replaceTexts(disk, yes, no)
}

func refreshesPanel(t language) panel {
	return newGraph(t("Refreshes per hour", "每小时刷新次数"), t("By source.", "按数据源。"), unitNumber, 8,
		rangeTarget(increasePerHour("source", "ksyun_bill_source_refreshes_total", exporterSelector), "{{source}}"))
}

// failuresPanel shows only reasons that occur: lines at 0 would hide them. Without any, there is one line at 0.
func failuresPanel(t language) panel {
	failed := increasePerHour("reason", "ksyun_bill_source_refresh_failures_total", exporterSelector)
	p := newGraph(t("Failed refreshes per hour", "每小时失败次数"),
		t("By reason; the table above tells which source it is.", "按原因；是哪个数据源见上表。"), unitNumber, 8,
		rangeTarget(combine(failed+" > 0", "or on ()", setReason("0 * "+sumAll(failed))), "{{reason}}"))
	return p.fromZero(5)
}

// setReason gives a series the reason that stands for none.
func setReason(expr string) string {
	return "label_replace(\n" + indent(expr) + "\n" + `, "reason", "__none__", "", "")`
}

// fromZero makes the axis of a graph begin at 0, and end no lower than at a value, so that little looks little.
func (p panel) fromZero(end float64) panel {
	custom := p.FieldConfig.Defaults["custom"].(object)
	custom["axisSoftMin"], custom["axisSoftMax"] = 0, end
	return p
}

func durationsPanel(t language) panel {
	return newGraph(t("Duration of a refresh", "刷新耗时"),
		t("The last refresh of each source, of the slowest account.", "各数据源最近一次刷新的耗时，取最慢的账号。"),
		seconds(t), 8,
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

// latencyPanel works with the histogram as the exporter has it, and as a Prometheus keeps it that turns histograms
// native.
func latencyPanel(t language) panel {
	family := "ksyun_bill_api_request_duration_seconds"
	quantile := func(buckets string) string { return "histogram_quantile(0.95,\n" + indent(buckets) + "\n)" }
	classic := increasePerHour("le, action", family+"_bucket", replicaSelector)
	native := increasePerHour("action", family, replicaSelector)
	return newGraph(t("Duration of a call, 95%", "调用耗时（95 分位）"), t("By action.", "按接口。"), seconds(t), 12,
		rangeTarget(combine(quantile(classic), "or", quantile(native)), "{{action}}"))
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

// itemsPanel has a logarithmic axis: lines are a thousand times as many as months, and would hide them.
func itemsPanel(t language) panel {
	p := newGraph(t("Items", "条数"),
		t("What the numbers of a source are made of: bill lines, or months where the source is a summary. Of all accounts.",
			"各数据源的数据由多少条得出：明细数据源按行数，汇总数据源按月份数。所有账号合计。"), unitNumber, 12,
		rangeTarget(sumBy("source", maxBy("account, source", "ksyun_bill_source_items", exporterSelector)), "{{source}}"))
	p.FieldConfig.Defaults["custom"].(object)["scaleDistribution"] =
		object{"type": "symlog", "log": 10, "linearThreshold": 1}
	p.Options["legend"] = object{
		"displayMode": "table", "placement": "right", "showLegend": true, "calcs": []string{"lastNotNull"},
		"sortBy": "Last *", "sortDesc": true,
	}
	return p
}

func instanceCountsPanel(t language) panel {
	count := func(family string) string {
		return sumBy("account", maxBy(productKey, family, exporterSelector))
	}
	return newGraph(t("Instances", "实例数"),
		t("All of this month, and those without a series of their own, whose cost is added up.",
			"本月全部实例，以及没有单独序列、费用合并计算的实例。"), unitNumber, 12,
		rangeTarget(count("ksyun_bill_instances"), "{{account}}"),
		rangeTarget(count("ksyun_bill_folded_instances"), t("{{account}} added up", "{{account}} 合并")))
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
	return newGraph(t("Duration of a scrape", "抓取耗时"), t("As Prometheus sees it.", "Prometheus 所见。"), seconds(t), 12,
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
		newGraph(t("Goroutines, failed writes", "协程数与写入失败"),
			t("Goroutines, and failed writes of the state directory and of the lake per hour.",
				"协程数，以及每小时写入状态目录和数据湖失败的次数。"), unitNumber, 8,
			rangeTarget("go_goroutines{"+replicaSelector+"}", "{{instance}}"),
			rangeTarget("increase(ksyun_bill_exporter_state_write_failures_total{"+replicaSelector+"}[1h])",
				t("{{instance}} state not written", "{{instance}} 状态写入失败")),
			rangeTarget("increase(ksyun_bill_exporter_lake_write_failures_total{"+replicaSelector+"}[1h])",
				t("{{instance}} lake not written", "{{instance}} 数据湖写入失败"))),
	}
}
