package main

import (
	"slices"
	"strings"
)

// finish gives the panels of a dashboard, those of folded rows too, what they have in common. It is in one place, so
// that no panel lacks it: words for what has no name, colors by name, amounts without residue, sizes of texts.
func finish(t language, d dashboard) dashboard {
	d.Tags = []string{"ksyun", t("ksyun-en", "ksyun-zh"), "cost"}
	for i := range d.Links {
		d.Links[i]["tags"] = []string{t("ksyun-en", "ksyun-zh")}
		d.Links[i]["title"] = t("Ksyun dashboards", "金山云仪表盘")
	}
	d.Templating.List[0].Label = t("Data source", "数据源")
	if slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == "product" }) {
		sayFilters(t, d.Panels)
	}
	finishPanels(t, d.Panels)
	return d
}

func finishPanels(t language, panels []panel) {
	for i, p := range panels {
		if p.Type == "row" {
			finishPanels(t, *p.Panels)
		} else {
			panels[i] = p.nameNothing(t).nameSentinels(t).colorNames().roundAmounts().hideCents().sizeTexts()
		}
	}
}

// nameNothing names the absence of data in the dashboard's language. Grafana has the language of its own.
func (p panel) nameNothing(t language) panel {
	if p.FieldConfig.Defaults["noValue"] == nil {
		p = p.setDefault("noValue", t("no data", "没有数据"))
	}
	if p.Type != "table" {
		return p
	}
	if p.hasStep("groupingToMatrix") { // its columns are known only from the answer
		unit, _ := p.FieldConfig.Defaults["unit"].(string)
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{
			Matcher: object{"id": "byType", "options": "number"}, Properties: unitProperties(unit),
		})
	}
	for i := range p.FieldConfig.Overrides {
		o := &p.FieldConfig.Overrides[i]
		if o.property("noValue") == nil {
			o.Properties = append(o.Properties, newProperty("noValue", "–"))
		}
	}
	return p
}

func (p panel) hasStep(id string) bool {
	return slices.ContainsFunc(p.Transformations, func(step object) bool { return step["id"] == id })
}

// property returns the value of a property, or nil.
func (o override) property(id string) any {
	for _, property := range o.Properties {
		if property["id"] == id {
			return property["value"]
		}
	}
	return nil
}

// sentinelWords returns the words for the labels of what has no name or no series of its own, with their colors.
func sentinelWords(t language) [][3]string {
	return [][3]string{{"__none__", t("none", "无"), grayNone}, {"__other__", t("others", "其他"), grayOther}}
}

// nameSentinels gives sentinels words, in cells and as names of series, unless the panel has words of its own.
func (p panel) nameSentinels(t language) panel {
	texts := object{}
	for i, word := range sentinelWords(t) {
		texts[word[0]] = object{"index": i, "text": word[1]}
		if p.Type == "table" {
			continue
		}
		properties := []object{newProperty("displayName", word[1])}
		if p.isNamed(word[0]) {
			properties = nil
		}
		if p.Type != "stat" {
			properties = append(properties, newProperty("color", fixedColor(word[2])))
		}
		if properties != nil {
			p = p.overrideField(word[0], properties...)
		}
	}
	mappings, _ := p.FieldConfig.Defaults["mappings"].([]object)
	return p.setDefault("mappings", append(mappings, object{"type": "value", "options": texts}))
}

// isNamed reports whether the panel gives the field a name of its own.
func (p panel) isNamed(field string) bool {
	return slices.ContainsFunc(p.FieldConfig.Overrides, func(o override) bool {
		return o.Matcher["options"] == field && o.property("displayName") != nil
	})
}

// roundAmounts rounds amounts to a fen, because sums of floats leave a residue, which shows as 0.01 or -0.00.
func (p panel) roundAmounts() panel {
	for i, target := range p.Targets {
		if p.unitOf(i) == unitYuan {
			p.Targets[i].Expr = roundToFen(target.Expr)
		}
	}
	return p
}

func roundToFen(expr string) string {
	if sorted, ok := strings.CutPrefix(expr, "sort_desc("); ok {
		return "sort_desc(" + roundToFen(strings.TrimSuffix(sorted, ")")) + ")"
	}
	if strings.HasPrefix(expr, "round(") {
		return expr
	}
	return "round(\n" + indent(expr) + ",\n  0.01\n)"
}

// unitOf returns the unit of what a query returns: that of the field with its name, or else that of the panel.
func (p panel) unitOf(query int) any {
	name := p.Targets[query].LegendFormat
	if p.Type == "table" {
		name = p.columnTitle("Value #" + p.Targets[query].RefID)
	}
	for _, o := range p.FieldConfig.Overrides {
		if unit := o.property("unit"); unit != nil && name != "" && o.Matcher["options"] == name {
			return unit
		}
	}
	return p.FieldConfig.Defaults["unit"]
}

// columnTitle returns what people read above a column.
func (p panel) columnTitle(field string) string {
	if len(p.Targets) == 1 {
		field = "Value"
	}
	for _, step := range p.Transformations {
		if names, ok := step["options"].(object)["renameByName"].(object); ok && names[field] != nil {
			return names[field].(string)
		}
	}
	return field
}

// wholeYuan is the least amount that is shown without cents.
const wholeYuan = 10000

// hideCents shows no cents of large amounts. Fen matter for small ones, so Grafana chooses by the value.
func (p panel) hideCents() panel {
	if !p.showsAmounts() {
		return p
	}
	switch p.Type {
	case "timeseries", "barchart":
		return p.setDefault("decimals", 0)
	case "stat", "gauge", "bargauge", "piechart":
		for _, limit := range []object{{"op": "gte", "value": wholeYuan}, {"op": "lte", "value": -wholeYuan}} {
			limit["reducer"] = "lastNotNull"
			p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{
				Matcher:    object{"id": "byValue", "options": limit},
				Properties: []object{newProperty("decimals", 0)},
			})
		}
	}
	return p
}

func (p panel) showsAmounts() bool {
	for i := range p.Targets {
		if p.unitOf(i) == unitYuan {
			return true
		}
	}
	return false
}

// Sizes of the texts of single numbers, in pixels. By itself Grafana makes them as large as fits: one number of a row
// is huge, and another one tiny.
const (
	titleSize      = 14
	smallValueSize = 20
	largeValueSize = 32
)

// sizeTexts fixes the sizes of texts in a panel of single numbers, and shows the name of each number that has one.
func (p panel) sizeTexts() panel {
	if p.Type != "stat" && p.Type != "gauge" {
		return p
	}
	size, values := largeValueSize, p.valueCount()
	if p.Type == "gauge" || values > 1 || p.GridPos.W < 4 || p.GridPos.H < 4 {
		size = smallValueSize
	}
	p.Options["text"] = object{"titleSize": titleSize, "valueSize": size}
	if p.Targets[0].LegendFormat != "" && p.Options["textMode"] == "auto" {
		p.Options["textMode"] = "value_and_name"
	}
	isColumn := 2*p.GridPos.W < 5*values // one number below the other
	if isColumn {
		p.Options["orientation"] = "horizontal"
	}
	// In a row, a name is above its number: beside it, it could be that of the next one.
	p.Options["wideLayout"] = isColumn
	return p
}

// valueCount returns how many numbers a panel is likely to show.
func (p panel) valueCount() int {
	values := len(p.Targets)
	for _, target := range p.Targets {
		if strings.HasPrefix(target.LegendFormat, "{{") {
			values++ // as many as the label has values: at least two
		}
	}
	return values
}

// sayFilters says in the titles of panels with costs what they do not follow: the choice of products or of projects.
// The panels are rows and what follows each, or is folded in it. Where it does not fit into a title, the row says it.
func sayFilters(t language, panels []panel) {
	row := &panel{}
	for i := range panels {
		p := &panels[i]
		if p.Type == "row" {
			row = p
			sayRowFilters(t, row, *p.Panels)
		} else {
			sayRowFilters(t, row, panels[i:i+1])
		}
	}
}

func sayRowFilters(t language, row *panel, panels []panel) {
	for i := range panels {
		p, said := &panels[i], panels[i].unfollowed(t)
		if said == "" {
			continue
		}
		if !p.fitsTitle(p.Title + said) {
			p = row
		}
		if !strings.HasSuffix(p.Title, said) {
			p.Title += said
		}
	}
}

// Widths in pixels at a screen of 1,600: a column of the grid, what a title shares its line with, a character.
const (
	columnWidth   = 65
	titleMargin   = 60
	latinWidth    = 7.5
	fullWidth     = 14.0
	leastFullRune = 0x2e80 // Chinese characters and their punctuation are from here on
)

// fitsTitle reports whether a title fits above the panel.
func (p panel) fitsTitle(title string) bool {
	return textWidth(title) <= float64(p.GridPos.W*columnWidth-titleMargin)
}

// textWidth returns how wide a text of 14 pixels is, about.
func textWidth(text string) float64 {
	width := 0.0
	for _, r := range text {
		if r >= leastFullRune {
			width += fullWidth
		} else {
			width += latinWidth
		}
	}
	return width
}

// unfollowed returns what to say of the variables that a panel with costs does not follow.
func (p panel) unfollowed(t language) string {
	product, project, cost := false, false, false
	for i, target := range p.Targets {
		if unit := p.unitOf(i); unit != unitYuan && unit != unitShare {
			continue // the days that the balance lasts follow from costs, and are none
		}
		product = product || strings.Contains(target.Expr, "$product")
		project = project || strings.Contains(target.Expr, "$project")
		cost = cost || strings.Contains(target.Expr, "_cost_cny{") || strings.Contains(target.Expr, "_remaining_cny{")
	}
	switch {
	case !cost || product && project:
		return ""
	case product:
		return t(" (all projects)", "（全部项目）")
	}
	return t(" (all products)", "（全部产品线）")
}
