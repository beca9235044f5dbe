package main

import "slices"

// exporter is the dashboard of who keeps the exporter running. Unlike cost, it shows replicas beside each other.
func exporter(t say) dashboard {
	variables := []variable{
		choice("job", "Job", labelValues, "label_values(ksyun_bill_exporter_build_info, job)"),
		choice("instance", "Instance", labelValues,
			`label_values(ksyun_bill_exporter_build_info{job=~"$job"}, instance)`),
		choice("account", t("Account", "账号"), labelValues,
			`label_values(ksyun_bill_account_info{`+ofReplica+`}, account)`),
	}
	d := newDashboard(t("ksyun-bill-exporter", "ksyun-bill-exporter-zh"),
		t("Ksyun bill exporter", "金山云账单 exporter"),
		t("How the exporter fares: sources, calls, durations, lines, page, memory.",
			"exporter 的运行状况：数据源、调用、耗时、明细行数、抓取内容、内存。"),
		variables, slices.Concat(healthRow(t), sourceRow(t), callRow(t), pageRow(t), processRow(t)))
	d.Time["from"] = "now-24h"
	return d
}

// What the reader chose: replicas, and accounts in them.
const (
	ofReplica  = `job=~"$job", instance=~"$instance"`
	ofReplicas = ofReplica + `, ` + ofAccount
)

// perHour counts an hour: most accounts are asked once in it.
func perHour(by, family, selector string) string {
	return sum(by, "increase("+family+"{"+selector+"}[1h])")
}

func healthRow(t say) []panel {
	small := func(title, description, unit string, targets ...target) panel {
		return stat(newPanel("stat", title, description, unit, 4, 4, targets...))
	}
	return []panel{
		row(t("Health", "健康状况")),
		small(t("Replicas up", "在线副本"), t("Scrapes that succeed.", "抓取成功的副本数。"), "none",
			now("sum(up{"+ofReplica+"})", "")),
		failing(t), oldest(t), dataAge(t), callsLeft(t),
		small(t("From disk", "来自磁盘"), t("Sources that show what was kept before a restart.", "仍在使用重启前所存数据的数据源数。"),
			"none", now("sum(ksyun_bill_source_from_disk{"+ofReplicas+"})", "")),
		small(t("Configuration reload", "重新加载配置"),
			t("Whether the last reload of the configuration succeeded.", "最近一次重新加载配置是否成功。"), "none",
			now("min(ksyun_bill_exporter_config_last_reload_successful{"+ofReplica+"})", "")).
			with("mappings", []object{{"type": "value", "options": object{
				"0": object{"text": t("failed", "失败"), "color": "red"},
				"1": object{"text": t("good", "成功"), "color": "green"},
			}}}),
		differences(t), builds(t),
	}
}

func failing(t say) panel {
	return stat(newPanel("stat", t("Failing sources", "失败的数据源"),
		t("Sources whose last refresh failed; the last good numbers stay.", "最近一次刷新失败的数据源；仍显示上次成功的数据。"), "none", 4, 4,
		now("count(ksyun_bill_source_up{"+ofReplicas+"} == 0) or vector(0)", ""))).warn(1, 3)
}

func oldest(t say) panel {
	return stat(newPanel("stat", t("Oldest success", "最久未成功"),
		t("How long ago the source that waits longest succeeded.", "距上次成功最久的数据源，已过去多久。"), seconds, 4, 4,
		now("time() - min(ksyun_bill_source_last_success_timestamp_seconds{"+ofReplicas+"})", ""))).warn(3*hour, day)
}

func dataAge(t say) panel {
	return stat(newPanel("stat", t("Age of the numbers", "数据时效"),
		t("How long ago the newest day ended, of the account that lags most. Metering is a day behind by nature.",
			"最落后的账号，最新一天结束至今多久。计量本身就晚一天。"), seconds, 4, 4,
		now("time() - min(ksyun_bill_period_data_timestamp_seconds{"+ofReplicas+"})", ""))).warn(2*day, 3*day)
}

const (
	hour = 3600
	day  = 24 * hour
)

func callsLeft(t say) panel {
	p := stat(newPanel("stat", t("Calls left today", "今日剩余调用"),
		t("Of api.daily_calls, of the account with the fewest left.", "占 api.daily_calls 的比例，取剩余最少的账号。"), share, 4, 4,
		now("min(ksyun_bill_api_calls_remaining{"+ofReplicas+"} / ksyun_bill_api_calls_limit{"+ofReplicas+"})", "")))
	return p.with("noValue", t("no limit", "无限制"))
}

func differences(t say) panel {
	largest := func(family string) string {
		return "max(abs(" + family + "{" + ofReplicas + "}))"
	}
	return stat(newPanel("stat", t("Unexplained amounts", "汇总与明细的差额"),
		t("The largest difference between a summary and its lines, and between the two APIs' postpaid sums: 0, or "+
			"something is wrong.", "汇总与明细之间、两个 API 的后付费合计之间的最大差额：不为 0 即有问题。"), yuan, 8, 4,
		now(largest("ksyun_bill_unreconciled_cost_cny"), t("Lines", "明细")),
		now(largest("ksyun_bill_pay_mode_unreconciled_cost_cny"), t("Pay modes", "付费方式"))))
}

func builds(t say) panel {
	return table(newPanel("table", t("Versions", "版本"), "", "none", 12, 4,
		rows("ksyun_bill_exporter_build_info{"+ofReplica+"}")), "Instance",
		column{"instance", "Instance", verbatim}, column{"version", t("Version", "版本"), verbatim},
		column{"revision", "Revision", verbatim}, column{"goversion", "Go", verbatim})
}

func sourceRow(t say) []panel {
	return []panel{row(t("Sources", "数据源")), sources(t), refreshes(t), failures(t), durations(t)}
}

// sources has a row for each source of each account and replica.
func sources(t say) panel {
	each := func(family string) string {
		return once("instance, account, source", "ksyun_bill_source_"+family, ofReplicas)
	}
	of := func(family string) target { return rows(each(family)) }
	ago := func(family string) target { return rows("time() - " + each(family+"_timestamp_seconds")) }
	p := newPanel("table", t("Sources", "数据源"),
		t("What each source last did, and how old what it gave is.", "各数据源最近的情况，以及数据有多旧。"), "none", gridWidth, 10,
		of("up"), ago("last_attempt"), ago("last_success"), ago("data"), of("last_refresh_duration_seconds"),
		of("items"), of("from_disk"))
	return table(p, t("Succeeded", "距上次成功"), column{"instance", "Instance", verbatim}, accountColumn(t),
		column{"source", t("Source", "数据源"), verbatim}, column{"Value #A", t("Up", "正常"), "bool_yes_no"},
		column{"Value #B", t("Tried", "距上次尝试"), seconds}, column{"Value #C", t("Succeeded", "距上次成功"), seconds},
		column{"Value #D", t("Age of data", "数据时效"), seconds}, column{"Value #E", t("Took", "耗时"), seconds},
		column{"Value #F", t("Items", "条数"), number}, column{"Value #G", t("From disk", "来自磁盘"), "bool_yes_no"})
}

func refreshes(t say) panel {
	return lines(t("Refreshes per hour", "每小时刷新次数"), t("By source.", "按数据源。"), number, 8,
		history(perHour("source", "ksyun_bill_source_refreshes_total", ofReplicas), "{{source}}"))
}

func failures(t say) panel {
	return lines(t("Failed refreshes per hour", "每小时失败次数"),
		t("By reason; the table above tells which source it is.", "按原因；是哪个数据源见上表。"), number, 8,
		history(perHour("reason", "ksyun_bill_source_refresh_failures_total", ofReplicas), "{{reason}}"))
}

func durations(t say) panel {
	return lines(t("Duration of a refresh", "刷新耗时"),
		t("The last refresh of each source, of the slowest account.", "各数据源最近一次刷新的耗时，取最慢的账号。"), seconds, 8,
		history(once("source", "ksyun_bill_source_last_refresh_duration_seconds", ofReplicas), "{{source}}"))
}

func callRow(t say) []panel {
	return []panel{row(t("Calls of the API", "API 调用")), calls(t), answers(t), latency(t), received(t)}
}

func calls(t say) panel {
	return lines(t("Calls per hour", "每小时调用次数"), t("By action, retries included.", "按接口，含重试。"), number, 12,
		history(perHour("action", "ksyun_bill_api_requests_total", ofReplicas), "{{action}}"))
}

func answers(t say) panel {
	retries := over(perHour("", "ksyun_bill_api_retries_total", ofReplicas), "or", "vector(0)")
	return lines(t("Answers per hour", "每小时响应"),
		t("By HTTP status and reason (ok is a good answer), and retries.", "按 HTTP 状态码和原因（ok 为成功），以及重试次数。"),
		number, 12,
		history(perHour("code, reason", "ksyun_bill_api_requests_total", ofReplicas), "{{code}} {{reason}}"),
		history(retries, t("retries", "重试")))
}

func latency(t say) panel {
	buckets := perHour("le, action", "ksyun_bill_api_request_duration_seconds_bucket", ofReplica)
	return lines(t("Duration of a call, 95%", "调用耗时（95 分位）"), t("By action.", "按接口。"), seconds, 12,
		history("histogram_quantile(0.95,\n"+indent(buckets)+"\n)", "{{action}}"))
}

func received(t say) panel {
	return lines(t("Received per hour", "每小时接收字节"), t("By action, as sent.", "按接口，按传输的字节。"), octets, 12,
		history(perHour("action", "ksyun_bill_api_response_bytes_total", ofReplicas), "{{action}}"))
}

func pageRow(t say) []panel {
	return []panel{
		row(t("Items, series and the page", "条数、序列和抓取内容")), itemCounts(t), instances(t), series(t), scrapes(t),
	}
}

func itemCounts(t say) panel {
	return lines(t("Items", "条数"), t("What the numbers of a source are made of: bill lines, or months where the source is "+
		"a summary.", "各数据源的数据由多少条得出：明细数据源按行数，汇总数据源按月份数。"), number, 12,
		history(once("account, source", "ksyun_bill_source_items", ofReplicas), "{{account}} {{source}}"))
}

func instances(t say) panel {
	count := func(family string) string { return sum("account", once(product, family, ofReplicas)) }
	return lines(t("Instances", "实例数"),
		t("All of this month, and those without a series of their own (folded into __other__).",
			"本月全部实例，以及没有单独序列（计入 __other__）的实例。"), number, 12,
		history(count("ksyun_bill_instances"), "{{account}}"),
		history(count("ksyun_bill_folded_instances"), t("{{account}} folded", "{{account}} 计入 __other__")))
}

func series(t say) panel {
	p := lines(t("The page", "抓取内容"), t("What a scrape hands out: series, and compressed bytes.",
		"抓取返回的内容：序列数，以及压缩后的字节数。"), number, 12,
		history("ksyun_bill_exporter_page_series{"+ofReplica+"}", t("{{instance}} series", "{{instance}} 序列数")),
		history("ksyun_bill_exporter_page_bytes{"+ofReplica+"}", t("{{instance}} bytes", "{{instance}} 字节")))
	size := override{
		Matcher:    object{"id": "byFrameRefID", "options": "B"},
		Properties: []object{property("unit", octets), property("custom.axisPlacement", "right")},
	}
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, size)
	return p
}

func scrapes(t say) panel {
	return lines(t("Duration of a scrape", "抓取耗时"), t("As Prometheus sees it.", "Prometheus 所见。"), seconds, 12,
		history("scrape_duration_seconds{"+ofReplica+"}", "{{instance}}"))
}

func processRow(t say) []panel {
	return []panel{
		row(t("Process", "进程")),
		lines(t("Memory", "内存"), t("Resident, and the heap in use.", "常驻内存与堆内存。"), octets, 8,
			history("process_resident_memory_bytes{"+ofReplica+"}", "{{instance}}"),
			history("go_memstats_heap_inuse_bytes{"+ofReplica+"}", t("{{instance}} heap", "{{instance}} 堆"))),
		lines("CPU", t("Cores in use.", "使用的核数。"), number, 8,
			history("rate(process_cpu_seconds_total{"+ofReplica+"}[$__rate_interval])", "{{instance}}")),
		lines(t("Goroutines, state", "协程数与状态写入失败"), t("Goroutines, and failed writes of the state directory per hour.",
			"协程数，以及每小时写入状态目录失败的次数。"), number, 8, history("go_goroutines{"+ofReplica+"}", "{{instance}}"),
			history("increase(ksyun_bill_exporter_state_write_failures_total{"+ofReplica+"}[1h])",
				t("{{instance}} failed writes", "{{instance}} 写入失败"))),
	}
}
