package web

// chinese has the Chinese text for every English one.
var chinese = map[string]string{
	"Ksyun bill": "金山云账单",
	"Cost of Kingsoft Cloud, as of %s Beijing time": "金山云费用，截至北京时间 %s",
	"Account":     "账号",
	"customer %s": "客户 %s",
	"This month":  "本月",
	"Metrics":     "指标",
	"Healthy":     "存活",
	"Ready":       "就绪",
	"Profiles":    "性能剖析",

	"The running month has no number yet, or none that is new enough.": "本月尚无数据，或数据已过期。",
	"all sources work":               "所有数据源正常",
	"not asked yet":                  "尚未查询",
	"%d of %d sources failing":       "%d/%d 个数据源失败",
	"not shown":                      "未展示",
	"Its numbers are not shown: %s.": "该账号的数据未展示：%s。",
	"Correct the key or customer_id, or remove one of the two accounts.": "请更正密钥或 customer_id，或从配置中删去重复的账号。",

	"%s so far":                         "%s 至今",
	"postpaid":                          "后付费",
	"prepaid":                           "预付费",
	"realtime":                          "实时付费",
	"estimate":                          "预估",
	"bill":                              "账单",
	"Counts %s.":                        "数据%s。",
	"to the end of %s":                  "截至 %s（含）",
	"to %s":                             "截至 %s",
	"Other pay modes are not known.":    "其他付费方式未知。",
	"Last month to the same day":        "上月同期",
	"The running month, to %s: %s.":     "本月截至 %s：%s。",
	"Postpaid, both by daily metering.": "后付费，均按每日计量。",
	"Last month, %s":                    "上月 %s",
	"not to be compared":                "不可比",
	"as much":                           "持平",
	"%s less":                           "减少 %s",
	"%s more":                           "增加 %s",
	"Not to be compared yet: some of the days are not known.": "暂不可比：部分日期尚无数据。",
	"Covered by details": "明细覆盖",
	"%s of the month is known line by line, by instance, region and tag.":         "本月有 %s 可细分到实例、地域和标签。",
	"%s of the postpaid part is known line by line, by instance, region and tag.": "后付费中有 %s 可细分到实例、地域和标签。",
	"The lines are not read yet.": "明细尚未读取。",

	"Days":                       "每日费用",
	"Cost per day from %s to %s": "%s 至 %s 的每日费用",
	"Highest: %s on %s.":         "最高：%[2]s，%[1]s。",
	"Postpaid, by daily metering; the newest day may still grow. Pale: the month before.": "" +
		"后付费，按每日计量；最近一天可能仍会增加。浅色为上月。",
	"Amounts of all days":          "每日金额",
	"Day":                          "日期",
	"Cost in CNY":                  "费用（元）",
	"Products":                     "产品",
	"Postpaid, the running month.": "本月后付费。",
	"%d more products":             "其余 %d 个产品",

	"Sources":              "数据源",
	"works":                "正常",
	"fails":                "失败",
	"from disk":            "来自磁盘",
	"Last good answer: %s": "上次成功：%s",
	"Failed attempts in a row: %d. Next: %s Beijing time.": "已连续失败 %d 次，下次重试：北京时间 %s。",
	"What to do: %s": "处理办法：%s",

	"Monthly bills":       "月账单",
	"Estimates of months": "月度预估",
	"All pay modes":       "全部付费方式",
	"Product groups":      "产品组",
	"Projects":            "项目",
	"Lines of estimates":  "预估明细",
	"Lines of bills":      "账单明细",

	"The API refuses the key.": "API 拒绝了该密钥。",
	"Grant the permission or correct the key that the message names. A new key file is noticed within a minute.": "" +
		"请按错误信息授予权限或更正密钥。新的密钥文件会在一分钟内生效。",
	"The API finds the request invalid.": "API 认为请求无效。",
	"Check api.endpoint and api.region, then run the command check.": "" +
		"请检查 api.endpoint 和 api.region，然后运行 check 命令。",
	"The API is asked too often.": "对 API 的请求过于频繁。",
	"It is asked again by itself. If it stays so, raise refresh.interval or lower api.requests_per_second.": "" +
		"会自动重试。若持续出现，请调大 refresh.interval 或调小 api.requests_per_second。",
	"The API has a fault of its own.": "API 自身出现故障。",
	"It is asked again by itself. If it stays so, send the request id to the vendor's support.": "" +
		"会自动重试。若持续出现，请将 request id 提交给金山云售后。",
	"The API cannot be reached.": "无法连接 API。",
	"Check DNS, proxy and firewall between this machine and the address in the message.": "" +
		"请检查本机到错误信息中地址之间的 DNS、代理和防火墙。",
	"The API takes too long to answer.": "API 响应超时。",
	"It is asked again by itself. If it stays so, raise api.timeout or api.max_duration.": "" +
		"会自动重试。若持续出现，请调大 api.timeout 或 api.max_duration。",
	"The answer cannot be read.": "无法解析 API 的响应。",
	"The last good numbers stay. If it stays so, a proxy may answer instead of the API; else report the message.": "" +
		"保留上次成功的数据。若持续出现，可能是代理代替 API 作答；否则请反馈该错误信息。",
	"The answer is not complete.":                                  "API 的响应不完整。",
	"The last good numbers stay, and it is asked again by itself.": "保留上次成功的数据，并会自动重试。",
	"The calls of this day are used up.":                           "今日的调用次数已用完。",
	"It goes on after midnight in Beijing. Raise api.daily_calls, or refresh.interval.": "" +
		"北京时间零点后继续。可调大 api.daily_calls 或 refresh.interval。",

	"never":       "从未",
	"just now":    "刚刚",
	"%d min ago":  "%d 分钟前",
	"%d h ago":    "%d 小时前",
	"%d days ago": "%d 天前",
}
