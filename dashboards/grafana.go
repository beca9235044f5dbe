package main

import (
	"slices"
	"strings"
)

// The types below are the part of Grafana's classic dashboard JSON that is used here. Grafana 12 imports and provisions
// it. Source:
// https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/.

// schemaVersion is the version of Grafana 12.0. A later Grafana migrates the JSON when it loads it.
const schemaVersion = 41

// object is a part of the JSON that only Grafana reads. encoding/json sorts its keys.
type object map[string]any

type dashboard struct {
	ID            *int     `json:"id"` // null: Grafana assigns one at the import
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Tags          []string `json:"tags"`
	SchemaVersion int      `json:"schemaVersion"`
	Timezone      string   `json:"timezone"`
	WeekStart     string   `json:"weekStart"`
	Time          object   `json:"time"`
	Refresh       string   `json:"refresh"`
	Editable      bool     `json:"editable"`
	GraphTooltip  int      `json:"graphTooltip"`
	Annotations   object   `json:"annotations"`
	Links         []object `json:"links"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type variable struct {
	Name       string   `json:"name"`
	Label      string   `json:"label"`
	Type       string   `json:"type"`
	Datasource *source  `json:"datasource,omitempty"`
	Definition string   `json:"definition,omitempty"`
	Query      any      `json:"query"`
	Regex      string   `json:"regex"`
	Refresh    int      `json:"refresh"`
	Sort       int      `json:"sort"`
	Multi      bool     `json:"multi"`
	IncludeAll bool     `json:"includeAll"`
	AllValue   string   `json:"allValue,omitempty"`
	Current    object   `json:"current"`
	Options    []object `json:"options"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID              int          `json:"id"`
	Type            string       `json:"type"`
	Title           string       `json:"title"`
	Description     string       `json:"description,omitempty"`
	GridPos         gridPos      `json:"gridPos"`
	Datasource      *source      `json:"datasource,omitempty"`
	Targets         []target     `json:"targets,omitempty"`
	Transformations []object     `json:"transformations,omitempty"`
	FieldConfig     *fieldConfig `json:"fieldConfig,omitempty"`
	Options         object       `json:"options,omitempty"`
	Collapsed       *bool        `json:"collapsed,omitempty"`
	Panels          *[]panel     `json:"panels,omitempty"` // the panels of a collapsed row; an open row has none

	// TimeFrom makes a panel show a time of its own, such as the last "36d", whatever the reader chooses.
	TimeFrom         string `json:"timeFrom,omitempty"`
	HideTimeOverride bool   `json:"hideTimeOverride,omitempty"`
}

// gridPos places a panel on a grid that is 24 wide.
type gridPos struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

const gridWidth = 24

type target struct {
	RefID        string `json:"refId"`
	Datasource   source `json:"datasource"`
	EditorMode   string `json:"editorMode"`
	Expr         string `json:"expr"`
	Format       string `json:"format"`
	Instant      bool   `json:"instant"`
	Range        bool   `json:"range"`
	LegendFormat string `json:"legendFormat,omitempty"`
}

type fieldConfig struct {
	Defaults  object     `json:"defaults"`
	Overrides []override `json:"overrides"`
}

type override struct {
	Matcher    object   `json:"matcher"`
	Properties []object `json:"properties"`
}

// chosenSource is the data source that the reader chooses. Every query uses it.
var chosenSource = source{Type: "prometheus", UID: "${datasource}"}

// Units have the names that Grafana knows. It has none for CNY, but takes any currency symbol.
const (
	unitYuan    = "currency:financial:¥"
	unitShare   = "percentunit"
	unitSeconds = "s"
	unitHours   = "suffix:h" // Grafana's own unit of hours says "18 hour", in English only
	unitHoursZh = "suffix:小时"
	unitBytes   = "bytes"
	unitNumber  = "short"
	unitDate    = "time:YYYY-MM-DD"
	// unitText is for labels: without it Grafana would show a project id as an amount.
	unitText = "string"
)

// unitDecimals has the number of decimals of units that are shown with a fixed number.
var unitDecimals = map[string]int{unitYuan: 2, unitShare: 1, "none": 0, unitHours: 1, unitHoursZh: 1}

// newDashboard returns a dashboard with the panels in their order, from left to right and from top to bottom.
func newDashboard(uid, title, description string, variables []variable, panels []panel) dashboard {
	d := dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"ksyun", "cost"},
		SchemaVersion: schemaVersion, Timezone: "Asia/Shanghai", WeekStart: "monday",
		Time: object{"from": "now-30d", "to": "now"}, Refresh: "5m", Editable: true, GraphTooltip: 1,
		Annotations: object{"list": []object{}},
		// The links lead to the other dashboards and keep the data source.
		Links: []object{{
			"type": "dashboards", "tags": []string{"ksyun"}, "title": "ksyun", "asDropdown": true,
			"includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link", "tooltip": "",
			"url": "",
		}},
	}
	d.Templating.List = append([]variable{newDataSource()}, variables...)
	d.Panels = new(layout).placeAll(panels)
	return d
}

func newDataSource() variable {
	return variable{
		Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus", Refresh: 1,
		Current: unsetChoice(), Options: []object{},
	}
}

// unsetChoice makes Grafana choose the first value.
func unsetChoice() object { return object{"text": "", "value": ""} }

// Kinds of queries for variables, as Grafana's Prometheus data source numbers them.
const (
	labelValuesKind = 1
	queryResultKind = 3
)

// newChoice returns a variable of which the reader can choose several values, or all.
func newChoice(name, label string, kind int, query string) variable {
	return variable{
		Name: name, Label: label, Type: "query", Datasource: &chosenSource, Definition: query,
		Query:   object{"qryType": kind, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
		Refresh: 2, Sort: 5, Multi: true, IncludeAll: true, AllValue: ".*", // Sort 5: by text, ignoring case
		Current: object{"text": []string{"All"}, "value": []string{"$__all"}}, Options: []object{},
	}
}

// newNamedChoice returns a choice of ids that the reader sees by their names, or by the id where the name is empty.
func newNamedChoice(name, label, query, id, text string) variable {
	v := newChoice(name, label, queryResultKind, "query_result("+query+")")
	v.Regex = `/\b` + id + `="(?<value>[^"]+)|\b` + text + `="(?<text>[^"]+)/g`
	return v
}

// newRow returns a row, which is a heading over the panels that follow.
func newRow(title string) panel {
	open := false
	return panel{
		Type: "row", Title: title, GridPos: gridPos{W: gridWidth, H: 1}, Collapsed: &open, Panels: &[]panel{},
	}
}

// newPanel returns a panel whose fields have one unit, unless a field overrides it.
func newPanel(kind, title, description, unit string, width, height int, targets ...target) panel {
	for i := range targets {
		targets[i].RefID = string(rune('A' + i))
	}
	p := panel{
		Type: kind, Title: title, Description: description, GridPos: gridPos{W: width, H: height},
		Datasource: &chosenSource, Targets: targets,
		FieldConfig: &fieldConfig{Defaults: object{"unit": unit}, Overrides: []override{}},
	}
	if n, ok := unitDecimals[unit]; ok {
		p = p.setDefault("decimals", n)
	}
	return p
}

func newTarget(expr, format, legend string) target {
	return target{
		Datasource: chosenSource, EditorMode: "code", Expr: expr, Format: format, LegendFormat: legend,
		Instant: true,
	}
}

// instantTarget asks for the newest value of each series.
func instantTarget(expr, legend string) target { return newTarget(expr, "time_series", legend) }

// tableTarget asks for the newest value of each series. The series are rows, their labels columns.
func tableTarget(expr string) target { return newTarget(expr, "table", "") }

// rangeTarget asks for the values over the time that the reader chooses.
func rangeTarget(expr, legend string) target {
	t := newTarget(expr, "time_series", legend)
	t.Instant, t.Range = false, true
	return t
}

// overrideField gives the field of this name properties of its own.
func (p panel) overrideField(name string, properties ...object) panel {
	matcher := object{"id": "byName", "options": name}
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{matcher, properties})
	return p
}

// renameFields gives fields the names that people read. Each pair has the field and its name.
func (p panel) renameFields(names ...[2]string) panel {
	for _, name := range names {
		p = p.overrideField(name[0], newProperty("displayName", name[1]))
	}
	return p
}

// replaceTexts makes a column of a table show other texts for some of its values. Each pair has the value and its text.
func (p panel) replaceTexts(column string, texts ...[2]string) panel {
	options := object{}
	for i, text := range texts {
		options[text[0]] = object{"index": i, "text": text[1]}
	}
	for i, o := range p.FieldConfig.Overrides {
		if o.Matcher["options"] == column {
			p.FieldConfig.Overrides[i].Properties = append(o.Properties,
				newProperty("mappings", []object{{"type": "value", "options": options}}))
		}
	}
	return p
}

func (p panel) setDefault(key string, value any) panel {
	p.FieldConfig.Defaults[key] = value
	return p
}

func (p panel) addSteps(steps ...object) panel {
	p.Transformations = slices.Concat(p.Transformations, steps)
	return p
}

func newProperty(id string, value any) object { return object{"id": id, "value": value} }

// unitProperties returns the properties of a field that has a unit of its own.
func unitProperties(unit string) []object {
	properties := []object{newProperty("unit", unit)}
	if n, ok := unitDecimals[unit]; ok {
		properties = append(properties, newProperty("decimals", n))
	}
	return properties
}

// plainColor is the color of numbers that are neither good nor bad. Without it Grafana colors numbers by default
// thresholds, red from 80 on.
var plainColor = object{"mode": "fixed", "fixedColor": "text"}

func newStep(id string, options object) object { return object{"id": id, "options": options} }

// newestValue makes a panel of single numbers show the newest value.
var newestValue = object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}

// formatStat makes a panel show numbers, each with its name if there are several.
func formatStat(p panel) panel {
	p.Options = object{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
		"reduceOptions": newestValue, "textMode": "auto", "wideLayout": true, "showPercentChange": false,
		"percentChangeColorMode": "standard",
	}
	return p.setDefault("color", plainColor)
}

// colorFrom colors values orange from the first threshold on, and red from the second.
func (p panel) colorFrom(orange, red float64) panel {
	return p.setDefault("color", object{"mode": "thresholds"}).setDefault("thresholds", newThresholds(
		object{"color": "green", "value": nil}, object{"color": "orange", "value": orange},
		object{"color": "red", "value": red}))
}

func newThresholds(steps ...object) object { return object{"mode": "absolute", "steps": steps} }

// nameValues makes a panel show a text instead of 0, in orange, and another one instead of 1, in green.
func (p panel) nameValues(zero, one string) panel {
	return p.setDefault("mappings", []object{{"type": "value", "options": object{
		"0": object{"index": 0, "text": zero, "color": "orange"},
		"1": object{"index": 1, "text": one, "color": "green"},
	}}})
}

// newGraph returns a graph over time.
func newGraph(title, description, unit string, width int, targets ...target) panel {
	p := newPanel("timeseries", title, description, unit, width, 8, targets...)
	p.Options = object{
		"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
		"tooltip": object{"mode": "multi", "sort": "desc"},
	}
	return p.setDefault("custom", object{"drawStyle": "line", "fillOpacity": 10, "lineWidth": 1, "showPoints": "auto"})
}

// newPie returns a pie chart of the parts of a whole. A matrix makes a field of each part: only a field with a name can
// have a color by its name.
func newPie(title, description string, parts target) panel {
	label := strings.Trim(parts.LegendFormat, "{}")
	p := newPanel("piechart", title, description, unitYuan, 8, 9, tableTarget(parts.Expr))
	p = p.addSteps(matrixSteps("Time", label)...)
	p.Options = object{
		"displayLabels": []string{"percent"}, "pieType": "donut", "reduceOptions": newestValue, "sort": "desc",
		"orientation": "auto",
		"legend": object{
			"displayMode": "table", "placement": "right", "showLegend": true, "calcs": []string{},
			"values": []string{"value", "percent"},
		},
		"tooltip": object{"mode": "single", "sort": "none"},
	}
	return p
}

// formatGauge makes a panel show a share, up to a little over the whole, as a gauge.
func formatGauge(p panel) panel {
	p.Options = object{
		"orientation": "auto", "reduceOptions": newestValue, "showThresholdLabels": false, "showThresholdMarkers": true,
		"sizing": "auto", "minVizWidth": 75, "minVizHeight": 75,
	}
	return p.setDefault("min", 0).setDefault("max", 1.2).setDefault("color", object{"mode": "thresholds"})
}

// formatStackedBars makes a panel show a bar for each value of the label x, in parts for each value of the label part.
// The steps in axis convert the values of x.
func formatStackedBars(p panel, x, part string, axis ...object) panel {
	p.Options = object{
		"xField": matrixCorner(x, part), "stacking": "normal", "orientation": "vertical", "showValue": "never",
		"groupWidth": 0.8, "barWidth": 0.95, "fullHighlight": false, "xTickLabelRotation": 0, "xTickLabelSpacing": 50,
		"xTickLabelMaxLength": 100,
		"legend":              totalLegend(),
		"tooltip":             object{"mode": "multi", "sort": "desc"},
	}
	p = p.setDefault("custom", object{"fillOpacity": 80, "lineWidth": 0}).setDefault("decimals", 0)
	return p.addSteps(matrixSteps(x, part)...).addSteps(axis...).addSteps(sortStep(matrixCorner(x, part)))
}

// totalLegend returns a legend with the sum of each series.
func totalLegend() object {
	return object{
		"displayMode": "table", "placement": "right", "showLegend": true, "calcs": []string{"sum"},
		"sortBy": "Total", "sortDesc": true,
	}
}

// matrixSteps makes a row of each value of one label, and a column of each value of another. Grafana orders the columns
// as it finds their values, so the values are sorted first.
func matrixSteps(row, column string) []object {
	return []object{sortStep(column), matrixStep(row, column)}
}

func matrixStep(row, column string) object {
	return newStep("groupingToMatrix", object{
		"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null",
	})
}

// matrixCorner returns the name that Grafana gives to the first column of a matrix.
func matrixCorner(row, column string) string { return row + `\` + column }

func sortStep(field string) object {
	return newStep("sortBy", object{"sort": []object{{"field": field, "desc": false}}})
}

// timeSteps converts a label with milliseconds, which is text, into a time.
func timeSteps(field string) []object {
	convert := func(to string) object {
		return newStep("convertFieldType", object{
			"conversions": []object{{"targetField": field, "destinationType": to}},
		})
	}
	return []object{convert("number"), convert("time")}
}

// column is a column of a table: its name is a label, or "Value #A" for the value of a query; its title is what people
// read above it.
type column struct{ name, title, unit string }

// formatPlainTable makes a panel show a table in the order of its rows.
func formatPlainTable(p panel) panel {
	p.Options = object{"frameIndex": 0, "cellHeight": "sm", "showHeader": true}
	// By itself a column is at least 150 px wide in Grafana 12.4, which pushes the last ones out of the panel.
	return p.setDefault("custom", object{
		"align": "auto", "filterable": false, "inspect": false, "minWidth": 60,
		"cellOptions": object{"type": "auto"},
	})
}

// formatTable makes a panel show a table of these columns, sorted by one of them. Rows of several queries that have the
// same labels become one row.
func formatTable(p panel, sortBy string, columns ...column) panel {
	indices, names, include := object{}, object{}, []string{}
	for i, c := range columns {
		indices[c.name], names[c.name], include = i, c.title, append(include, c.name)
		p = p.overrideField(c.title, columnProperties(c.unit)...)
	}
	p = formatPlainTable(p)
	p.Options["sortBy"] = []object{{"displayName": sortBy, "desc": true}}
	if len(p.Targets) > 1 {
		p = p.addSteps(newStep("merge", object{}))
	}
	return p.addSteps(
		newStep("filterFieldsByName", object{"include": object{"names": include}}),
		newStep("organize", object{"indexByName": indices, "renameByName": names, "excludeByName": object{}}),
	)
}
