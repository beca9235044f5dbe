package main

import (
	"fmt"
	"slices"
	"strings"
)

// palette has the colors of names that are known beforehand. No two are alike: they are at least 30 apart in CIELAB.
// They stand out from a dark and from a light panel.
var palette = []string{
	"#2d78e1", "#f0c300", "#f0005a", "#00e1c3", "#785a2d", "#3ca500", "#d23cc3", "#ffb4d2", "#e15a00", "#87d2ff",
	"#c3d287", "#00695a", "#874b87", "#ffa578", "#006996", "#a53c3c", "#3c690f", "#d296ff", "#784bd2", "#b47800",
	"#e15a96", "#b4d21e", "#00d278", "#96961e",
}

// What has no name of its own is gray.
const (
	grayNone  = "#7a7a7a"
	grayOther = "#c7c7c7"
)

// knownNames has the names of series that are known beforehand, by kind. A name has the color of its place in every
// panel, whatever is filtered. They are regular expressions; those of products match their codes and the names that
// bills have for them, of which the API chooses the language. Projects, owners and accounts are the demo's: whoever
// adds their own here and generates the dashboards anew has no two that look alike.
var knownNames = map[string][]string{
	"product": productNames,
	"month":   monthNames,
	"share":   {"project", "tag"}, // of what is not allocated
	"account": {"shop", "game"},
	"project": {
		"默认项目|default", "交易平台", "搜索推荐", "物流系统", "数据仓库", "大促活动", "测试环境", "星海远征", "龙渊传说", "登录与支付", "运营平台",
		"海外发行",
	},
	"owner": {
		"trade-team", "search-team", "logistics-team", "data-team", "platform-team", "xinghai-studio",
		"longyuan-studio", "overseas-team",
	},
	"pay_mode":     {"postpaid", "prepaid", "realtime"},
	"billing_mode": {"按日配置付费.*", "按量付费.*", "按流量付费.*", "按月峰值付费.*", "包年包月.*", "按小时配置.*", "按带宽.*"},
	"region_name":  {"亦庄.*", "顺义.*", "上海二区.*", "上海三区.*", "广州.*", "香港.*", "北京.*"},
	"source":       sourceNames,
	"reason": {
		"ok", "auth", "invalid", "throttled", "server", "network", "timeout", "decode", "incomplete", "call_limit",
	},
	"action": {
		"GetMonthBill", "[gG]etMonthConsume", "[gG]etPostpayDetailConsume", "GetPostpayDetailBill",
		"DescribeBillSummaryByPayMode", "DescribeBillSummaryByProduct", "DescribeBillSummaryByProject",
		"ListProductGroups", "QueryProductConsume", "QueryProjectConsume", "QueryInstanceConsume",
		"DescribeInstanceSummaryBills", "QueryCashWalletAction", "QueryInstances", "DescribeCostBill",
	},
}

var productNames = []string{
	"KEC|VM_GROUP|云主机.*|云服务器.*", "EIP|EIP_GROUP|弹性IP.*", "EBS|EBS_GROUP|云硬盘.*", "KRDS|KRDS_GROUP|关系型数据库.*",
	"Redis|REDIS_GROUP|云数据库Redis.*", "KS3|KS3_GROUP|对象存储.*", "KSS|KSS存储", "CDN_LIVE|云直播.*", "KIS|云数据中心.*",
	"NAT|NAT_GROUP|网络地址转换.*", "SLB|SLB_GROUP|负载均衡.*", "CDN|CDN_GROUP|内容分发.*", "KCE|KCE_GROUP|容器.*",
	"EPC|EPC_GROUP|云物理主机.*", "KBaaS|区块链.*", "PenetrationTest_GROUP|渗透测试.*", "KingLab", "KingAI", "CLOUD_GAMING",
}

// monthNames are those of the months of any year; one that lacks a pay mode has a star.
var monthNames = []string{
	".*-01.*", ".*-02.*", ".*-03.*", ".*-04.*", ".*-05.*", ".*-06.*", ".*-07.*", ".*-08.*", ".*-09.*", ".*-10.*",
	".*-11.*", ".*-12.*",
}

var sourceNames = []string{
	"month_bill", "month_consume", "detail_bill", "detail_consume", "pay_mode_summary", "product_summary",
	"project_summary", "product_groups", "product_consume", "project_consume", "instance_consume", "instance_summary",
	"cash_wallet", "prepaid_instances", "cost_bill",
}

// namingLabels has the kinds of names of those labels that are not called like the only kind that they have.
var namingLabels = map[string][]string{
	"product_name": {"product"},
	"part":         {"product", "project", "owner", "account", "share"},
}

// colorNames makes a panel of series color them by their names, not by their places. Names that are not known
// beforehand have a color that Grafana derives from the name.
func (p panel) colorNames() panel {
	if p.Type != "timeseries" && p.Type != "piechart" && p.Type != "barchart" {
		return p
	}
	if p.FieldConfig.Defaults["color"] == nil {
		p = p.setDefault("color", object{"mode": "palette-classic-by-name"})
	}
	var colors []override
	for _, label := range p.seriesLabels() {
		kinds := namingLabels[label]
		if kinds == nil {
			kinds = []string{label}
		}
		for _, kind := range kinds {
			colors = append(colors, kindColors(kind)...)
		}
	}
	// They come first: Grafana would match names that other overrides have changed.
	p.FieldConfig.Overrides = slices.Concat(colors, p.FieldConfig.Overrides)
	return p
}

// kindColors returns the overrides that color the names of a kind.
func kindColors(kind string) []override {
	var colors []override
	for i, names := range knownNames[kind] {
		colors = append(colors, override{
			Matcher:    object{"id": "byRegexp", "options": wholeName(names)},
			Properties: []object{newProperty("color", fixedColor(palette[i]))},
		})
	}
	return colors
}

// seriesLabels returns the labels whose values are the names of a panel's series: of a legend, or of a matrix.
func (p panel) seriesLabels() []string {
	var labels []string
	for _, target := range p.Targets {
		name, isLabel := strings.CutPrefix(target.LegendFormat, "{{")
		if name, isWhole := strings.CutSuffix(name, "}}"); isLabel && isWhole && !strings.Contains(name, "{") {
			labels = append(labels, name)
		}
	}
	for _, step := range p.Transformations {
		if step["id"] == "groupingToMatrix" {
			labels = append(labels, step["options"].(object)["columnField"].(string))
		}
	}
	return labels
}

// wholeName returns a regular expression of JavaScript that matches a name as a whole. It is in ASCII, because bills
// have Chinese names also where people read English.
func wholeName(names string) string {
	var text strings.Builder
	for _, r := range "/^(?:" + names + ")$/" {
		if r < 0x80 {
			text.WriteRune(r)
		} else {
			fmt.Fprintf(&text, `\u%04x`, r)
		}
	}
	return text.String()
}

func fixedColor(color string) object { return object{"mode": "fixed", "fixedColor": color} }
