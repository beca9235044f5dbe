package main

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seriesNames has names that series have in the demo, by the label that names them. Those that can be in a panel
// together are in one list: of these, none may look like another one.
var seriesNames = map[string][][]string{
	"product": {productsOfDemo},
	"part": {
		productsOfDemo, {"project", "tag"}, {"shop", "game"},
		{"默认项目", "交易平台", "搜索推荐", "物流系统", "数据仓库", "大促活动", "测试环境", "星海远征", "龙渊传说", "登录与支付", "运营平台", "海外发行"},
		{
			"trade-team", "search-team", "logistics-team", "data-team", "platform-team", "xinghai-studio",
			"longyuan-studio", "overseas-team", "__none__",
		},
	},
	"account":      {{"shop", "game"}},
	"pay_mode":     {{"postpaid", "prepaid", "realtime", "__none__"}},
	"region_name":  {{"亦庄(VPC)", "顺义(VPC)", "上海二区(VPC)", "上海三区(VPC)", "广州(VPC)", "香港(VPC)", "__none__"}},
	"billing_mode": {{"按日配置付费", "按量付费(月结)", "按流量付费(月结)", "按月峰值付费", "包年包月", "__none__"}},
	"source":       {sourceNames},
	"reason":       {{"ok", "auth", "throttled", "server", "network", "timeout", "decode", "call_limit", "__none__"}},
	"month":        {{"2026-09", "2026-10", "2026-11 *", "2026-12"}},
	"action":       {{"GetMonthBill", "getMonthConsume", "getPostpayDetailConsume", "QueryInstances"}},
}

var productsOfDemo = []string{
	"云服务器(KEC)", "弹性IP(EIP)", "云硬盘(EBS)", "关系型数据库", "云数据库Redis", "对象存储", "KSS存储", "云直播(KLS)", "云数据中心(KIS)", "__none__",
	"__other__",
}

// A name has the same color in every panel, and no other name beside it looks like it.
func TestColors(t *testing.T) {
	used, colors := map[string]bool{}, map[string]string{}
	for file, d := range readDashboards(t) {
		for _, p := range dataPanels(d) {
			if p.Type != "timeseries" && p.Type != "piechart" && p.Type != "barchart" {
				continue
			}
			if c, _ := p.FieldConfig.Defaults["color"].(map[string]any); c["mode"] != "palette-classic-by-name" {
				t.Errorf("%s: %s: colors are %v", file, p.Title, c)
			}
			for _, label := range decodedLabels(p) {
				used[label] = true
				for _, name := range slices.Concat(seriesNames[label]...) {
					color := seriesColor(p, name)
					if known := colors[name]; color == "" || known != "" && known != color {
						t.Errorf("%s: %s: %s is %q, elsewhere %q", file, p.Title, name, color, known)
					}
					colors[name] = color
				}
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(seriesNames)), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("labels of series (-tested +used):\n%s", diff)
	}
	for _, lists := range seriesNames {
		for _, names := range lists {
			checkApart(t, names, colors)
		}
	}
}

// The colors stand out from a dark and from a light panel, whose lightness in CIELAB is 9 and 100.
func TestPalette(t *testing.T) {
	own := map[string]string{}
	for _, color := range palette {
		own[color] = color
		if l := toLab(color)[0]; l < 35 || l > 85 {
			t.Errorf("%s has the lightness %.0f", color, l)
		}
	}
	checkApart(t, palette, own)
}

// checkApart checks that no two of the names look alike.
func checkApart(t *testing.T, names []string, colors map[string]string) {
	t.Helper()
	for i, name := range names {
		for _, other := range names[:i] {
			if d := distance(colors[name], colors[other]); d < 25 {
				t.Errorf("%s and %s look alike: %s, %s, %.0f apart", name, other, colors[name], colors[other], d)
			}
		}
	}
}

// A product has one color, by whatever name the API calls it.
func TestProductNames(t *testing.T) {
	p := panel{Type: "barchart", FieldConfig: &fieldConfig{Defaults: object{}}}.
		addSteps(matrixSteps("day", "product")...).colorNames()
	for _, names := range [][]string{
		{"KEC", "VM_GROUP", "云主机", "云服务器(KEC)", "云服务器/KEC"}, {"EIP", "EIP_GROUP", "弹性IP/EIP"}, {"KS3", "KS3_GROUP"},
	} {
		for _, name := range names {
			if got, want := seriesColor(p, name), seriesColor(p, names[0]); got != want || got == "" {
				t.Errorf("%s is %q, %s is %q", name, got, names[0], want)
			}
		}
	}
	for _, name := range []string{"KECX", "我的云主机", ""} {
		if got := seriesColor(p, name); got != "" {
			t.Errorf("%q is %s", name, got)
		}
	}
}

// decodedLabels is seriesLabels of a panel that was read from a file. Replicas have names that nobody knows beforehand.
func decodedLabels(p panel) []string {
	var labels []string
	for _, target := range p.Targets {
		if m := regexp.MustCompile(`^\{\{(\w+)\}\}$`).FindStringSubmatch(target.LegendFormat); m != nil {
			labels = append(labels, m[1])
		}
	}
	for _, s := range p.Transformations {
		if column, ok := s["options"].(map[string]any)["columnField"].(string); ok {
			labels = append(labels, column)
		}
	}
	return slices.DeleteFunc(labels, func(l string) bool { return l == "instance" })
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9a-f]{4})`)

// seriesColor returns the color that the overrides of a panel give to a series, as Grafana does: the last one counts.
func seriesColor(p panel, name string) string {
	color := ""
	for _, o := range p.FieldConfig.Overrides {
		pattern, _ := o.Matcher["options"].(string)
		matches := o.Matcher["id"] == "byName" && pattern == name
		if o.Matcher["id"] == "byRegexp" {
			pattern = unicodeEscape.ReplaceAllString(strings.Trim(pattern, "/"), `\x{$1}`)
			matches = regexp.MustCompile(pattern).MatchString(name)
		}
		switch c := o.property("color").(type) {
		case map[string]any:
			if matches {
				color = c["fixedColor"].(string)
			}
		case object:
			if matches {
				color = c["fixedColor"].(string)
			}
		}
	}
	return color
}

// distance returns how far two colors are apart in CIELAB: below 10 they look alike. Source of the conversion:
// IEC 61966-2-1 (sRGB) and CIE 15, white point D65.
func distance(a, b string) float64 {
	x, y := toLab(a), toLab(b)
	return math.Sqrt(math.Pow(x[0]-y[0], 2) + math.Pow(x[1]-y[1], 2) + math.Pow(x[2]-y[2], 2))
}

func toLab(color string) [3]float64 {
	var linear [3]float64
	for i := range linear {
		n, _ := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if c := float64(n) / 255; c <= 0.04045 {
			linear[i] = c / 12.92
		} else {
			linear[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	f := func(r, g, b, white float64) float64 {
		v := (r*linear[0] + g*linear[1] + b*linear[2]) / white
		if v <= 0.008856 {
			return 7.787*v + 16.0/116
		}
		return math.Cbrt(v)
	}
	x, y, z := f(0.4124, 0.3576, 0.1805, 0.95047), f(0.2126, 0.7152, 0.0722, 1), f(0.0193, 0.1192, 0.9505, 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// At 1,600 pixels no title is cut, and the texts of single numbers have a size at which the numbers fit.
func TestTexts(t *testing.T) {
	for file, d := range readDashboards(t) {
		for _, p := range dataPanels(d) {
			if !p.fitsTitle(p.Title) {
				t.Errorf("%s: %q is cut", file, p.Title)
			}
			if p.Type != "stat" && p.Type != "gauge" {
				continue
			}
			text, _ := p.Options["text"].(map[string]any)
			title, _ := text["titleSize"].(float64)
			value, _ := text["valueSize"].(float64)
			if title < 14 || value < 20 {
				t.Errorf("%s: %s: texts are %v", file, p.Title, text)
			}
			named, shown := p.Targets[0].LegendFormat != "", p.Options["textMode"] == "value_and_name"
			if p.Type == "stat" && named != shown {
				t.Errorf("%s: %s: its numbers have names: %t, and show them: %t", file, p.Title, named, shown)
			}
			width := float64(p.GridPos.W * columnWidth)
			if p.Options["orientation"] == "auto" {
				width /= float64(p.valueCount())
			}
			if amount := float64(len("¥1,234,567")-1) * 0.6 * value; amount > width-24 {
				t.Errorf("%s: %s: an amount of %.0f px does not fit in %.0f px", file, p.Title, amount, width)
			}
		}
	}
}

// Amounts are rounded to a fen, and shown with cents only where they matter.
func TestAmounts(t *testing.T) {
	count := 0
	for file, d := range readDashboards(t) {
		for _, p := range allPanels(d.Panels) {
			for _, target := range p.Targets {
				if fieldUnit(p, target) != unitYuan {
					continue
				}
				count++
				if !strings.HasPrefix(target.Expr, "round(\n") || !strings.HasSuffix(target.Expr, ",\n  0.01\n)") {
					t.Errorf("%s: %s: not rounded: %s", file, p.Title, target.Expr)
				}
				small, large, negative := 2, 0, 0
				switch p.Type {
				case "table":
					large, negative = 2, 2
				case "timeseries", "barchart":
					small = 0
				}
				got := []int{decimals(p, target, 9999.99), decimals(p, target, 10000), decimals(p, target, -10000)}
				if diff := cmp.Diff([]int{small, large, negative}, got); diff != "" {
					t.Errorf("%s: %s: decimals (-want +got):\n%s", file, p.Title, diff)
				}
			}
		}
	}
	if count < 80 {
		t.Errorf("%d queries of amounts", count)
	}
}

// fieldUnit returns the unit of what a query returns.
func fieldUnit(p panel, target target) any {
	unit := p.FieldConfig.Defaults["unit"]
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher["options"] == fieldTitle(p, target) && o.property("unit") != nil {
			unit = o.property("unit")
		}
	}
	return unit
}

// fieldTitle returns the name of what a query returns: of the series, or of the column.
func fieldTitle(p panel, target target) string {
	if target.Format != "table" {
		return target.LegendFormat
	}
	field := "Value"
	if len(p.Targets) > 1 {
		field += " #" + target.RefID
	}
	for _, s := range p.Transformations {
		if names, ok := s["options"].(map[string]any)["renameByName"].(map[string]any); ok && names[field] != nil {
			return names[field].(string)
		}
	}
	return field
}

// decimals returns with how many decimals a panel shows a value, as Grafana has it: the last override counts.
func decimals(p panel, target target, value float64) int {
	n := p.FieldConfig.Defaults["decimals"]
	for _, o := range p.FieldConfig.Overrides {
		matches := o.Matcher["id"] == "byName" && o.Matcher["options"] == fieldTitle(p, target)
		if limit, ok := o.Matcher["options"].(map[string]any); ok && limit["reducer"] == "lastNotNull" {
			matches = limit["op"] == "gte" && value >= limit["value"].(float64) ||
				limit["op"] == "lte" && value <= limit["value"].(float64)
		}
		if d := o.property("decimals"); matches && d != nil {
			n = d
		}
	}
	decimals, _ := n.(float64)
	return int(decimals)
}

// What has no name has a word, in every panel, and no text of a dashboard has the labels that stand for it.
func TestSentinels(t *testing.T) {
	for file, d := range readDashboards(t) {
		for place, text := range dashboardTexts(d) {
			if strings.Contains(text, "__") {
				t.Errorf("%s: %s: %s", file, place, text)
			}
		}
		for _, p := range dataPanels(d) {
			for _, sentinel := range []string{"__none__", "__other__"} {
				isRaw := p.Type != "table" && displayName(p, sentinel) == sentinel
				if anyCellText(p, sentinel) == "" || isRaw {
					t.Errorf("%s: %s shows %s", file, p.Title, sentinel)
				}
			}
		}
	}
}

// dataPanels returns the panels that show data: all but rows.
func dataPanels(d dashboard) []panel {
	return slices.DeleteFunc(allPanels(d.Panels), func(p panel) bool { return p.Type == "row" })
}

// anyCellText returns the text that a panel shows instead of a value in any of its cells.
func anyCellText(p panel, value string) string {
	mappings, _ := p.FieldConfig.Defaults["mappings"].([]any)
	for _, m := range mappings {
		if to, ok := m.(map[string]any)["options"].(map[string]any)[value].(map[string]any); ok {
			return to["text"].(string)
		}
	}
	return ""
}

// displayName returns the name that a panel gives to a field.
func displayName(p panel, field string) string {
	for _, o := range p.FieldConfig.Overrides {
		if name, ok := o.property("displayName").(string); ok && o.Matcher["options"] == field {
			return name
		}
	}
	return field
}

// A panel with costs follows the choice of products and of projects, or it, or its row, says that it does not.
func TestFilters(t *testing.T) {
	for _, file := range []string{"ksyun-cost.json", "ksyun-cost.zh-CN.json"} {
		row := panel{}
		for _, p := range allPanels(readDashboard(t, file).Panels) {
			if p.Type == "row" {
				row = p
				continue
			}
			exprs, areCosts := "", false
			for _, target := range p.Targets {
				unit := fieldUnit(p, target)
				exprs += target.Expr
				areCosts = areCosts || strings.Contains(target.Expr, "_cost_cny{") && (unit == unitYuan || unit == unitShare)
			}
			follows := strings.Contains(exprs, "$product") && strings.Contains(exprs, "$project")
			rowSays := sayingPattern.MatchString(row.Title) && !p.fitsTitle(p.Title+"（全部产品线）")
			says := sayingPattern.MatchString(p.Title) || rowSays
			if areCosts && follows == says {
				t.Errorf("%s: %s in %s: follows products and projects: %t", file, p.Title, row.Title, follows)
			}
		}
	}
}

var sayingPattern = regexp.MustCompile(`( \(all (products|projects)\)|（全部(产品线|项目)）)$`)

// Every text of the Chinese dashboards is in Chinese, but for names.
func TestChinese(t *testing.T) {
	names := []string{"ID", "CPU", "Go", "–"}
	for file, d := range readDashboards(t) {
		if !strings.Contains(file, "zh-CN") {
			continue
		}
		for place, text := range dashboardTexts(d) {
			text = legendLabel.ReplaceAllString(text, "")
			if strings.TrimSpace(text) != "" && !strings.ContainsFunc(text, isHan) && !slices.Contains(names, text) {
				t.Errorf("%s: %s: %q", file, place, text)
			}
		}
		for _, link := range d.Links {
			if diff := cmp.Diff([]any{"ksyun-zh"}, link["tags"]); diff != "" {
				t.Errorf("%s: links lead to (-want +got):\n%s", file, diff)
			}
		}
	}
}

var legendLabel = regexp.MustCompile(`\{\{\w+\}\}`)

// The menu of a dashboard has those of its own language only.
func TestMenus(t *testing.T) {
	for file, d := range readDashboards(t) {
		var linked []string
		for other, o := range readDashboards(t) {
			if slices.Contains(o.Tags, d.Links[0]["tags"].([]any)[0].(string)) {
				linked = append(linked, other)
			}
		}
		slices.Sort(linked)
		want := []string{"ksyun-bill-exporter.json", "ksyun-cost.json"}
		if strings.Contains(file, "zh-CN") {
			want = []string{"ksyun-bill-exporter.zh-CN.json", "ksyun-cost.zh-CN.json"}
		}
		if diff := cmp.Diff(want, linked); diff != "" {
			t.Errorf("%s: menu (-want +got):\n%s", file, diff)
		}
	}
}

// dashboardTexts returns what people read in a dashboard beside data, by where it stands.
func dashboardTexts(d dashboard) map[string]string {
	all := map[string]string{"title": d.Title, "description": d.Description}
	for _, link := range d.Links {
		all["link"] = link["title"].(string)
	}
	for _, v := range d.Templating.List {
		all["variable "+v.Name] = v.Label
		for _, o := range v.Options {
			all["variable "+v.Name+": "+o["value"].(string)] = o["text"].(string)
		}
	}
	for i, a := range d.Annotations["list"].([]any) {
		all[fmt.Sprint("annotation ", i)] = a.(map[string]any)["name"].(string)
	}
	for _, p := range allPanels(d.Panels) {
		place := fmt.Sprintf("panel %d, ", p.ID)
		all[place+"title"], all[place+"description"] = p.Title, p.Description
		for _, target := range p.Targets {
			if !isRenamed(p, target.LegendFormat) {
				all[place+"legend "+target.RefID] = target.LegendFormat
			}
		}
		if p.FieldConfig != nil {
			addFieldTexts(all, place, p)
		}
	}
	return all
}

// isRenamed reports whether a panel has names for what a legend gives, such as "complete 0" of "complete {{complete}}".
func isRenamed(p panel, legend string) bool {
	pattern := regexp.MustCompile("^" + legendLabel.ReplaceAllString(legend, ".+") + "$")
	return slices.ContainsFunc(p.FieldConfig.Overrides, func(o override) bool {
		name, _ := o.Matcher["options"].(string)
		return o.property("displayName") != nil && pattern.MatchString(name) && !strings.HasPrefix(name, "__")
	})
}

// addFieldTexts adds the texts of the fields of a panel: their names, words for values and their absence, and units.
func addFieldTexts(all map[string]string, place string, p panel) {
	defaults := override{Matcher: object{"options": "all"}}
	for id, value := range p.FieldConfig.Defaults {
		defaults.Properties = append(defaults.Properties, newProperty(id, value))
	}
	noValue, _ := defaults.property("noValue").(string)
	if all[place+"no value"] = noValue; noValue == "" {
		all[place+"no value"] = "lacks a text"
	}
	for i, o := range append(p.FieldConfig.Overrides, defaults) {
		place := fmt.Sprintf("%sfield %d, ", place, i)
		name, _ := o.property("displayName").(string)
		all[place+"name"] = name
		unit, _ := o.property("unit").(string)
		all[place+"unit"] = unitWord(unit)
		mappings, _ := o.property("mappings").([]any)
		for _, m := range mappings {
			for value, to := range m.(map[string]any)["options"].(map[string]any) {
				all[place+value] = to.(map[string]any)["text"].(string)
			}
		}
	}
	for _, s := range p.Transformations {
		names, _ := s["options"].(map[string]any)["renameByName"].(map[string]any)
		for field, title := range names {
			all[place+"column "+field] = title.(string)
		}
	}
}

// unitWord returns the word that stands after numbers of a unit, or what says that Grafana has English ones.
func unitWord(unit string) string {
	if slices.Contains([]string{"s", "m", "h", "d", "dtdurations", "bool", "bool_yes_no", "bool_on_off"}, unit) {
		return "English " + unit
	}
	if word, ok := strings.CutPrefix(unit, "suffix:"); ok {
		return strings.TrimSpace(word)
	}
	return ""
}
