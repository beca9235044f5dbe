package main

import "slices"

// What Grafana reads, as far as it is used here: the classic dashboard JSON, which Grafana 12 imports and provisions
// (https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/).

// schemaVersion is that of Grafana 12.0; a later one migrates the JSON as it loads it.
const schemaVersion = 41

// object is a part of the JSON that only Grafana looks into; encoding/json sorts its keys.
type object map[string]any

type dashboard struct {
	ID            *int     `json:"id"` // null: the importing Grafana gives one
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
	ID              int       `json:"id"`
	Type            string    `json:"type"`
	Title           string    `json:"title"`
	Description     string    `json:"description,omitempty"`
	GridPos         gridPos   `json:"gridPos"`
	Datasource      *source   `json:"datasource,omitempty"`
	Targets         []target  `json:"targets,omitempty"`
	Transformations []object  `json:"transformations,omitempty"`
	FieldConfig     *fields   `json:"fieldConfig,omitempty"`
	Options         object    `json:"options,omitempty"`
	Collapsed       *bool     `json:"collapsed,omitempty"`
	Panels          *[]object `json:"panels,omitempty"` // of a collapsed row; an open one has none
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

type fields struct {
	Defaults  object     `json:"defaults"`
	Overrides []override `json:"overrides"`
}

type override struct {
	Matcher    object   `json:"matcher"`
	Properties []object `json:"properties"`
}

// chosen is the data source that the reader picks; no panel names another.
var chosen = source{Type: "prometheus", UID: "${datasource}"}

// Units, as Grafana names them. There is none for CNY alone, but any currency can be spelled out.
const (
	yuan    = "currency:financial:¥"
	share   = "percentunit"
	seconds = "s"
	octets  = "bytes"
	number  = "short"
	date    = "time:YYYY-MM-DD"
	// verbatim is for labels: without it Grafana would show a project id as an amount.
	verbatim = "string"
)

// decimals are those of units that have a usual number of them.
var decimals = map[string]int{yuan: 2, share: 1}

// newDashboard lays the panels out from left to right, and from top to bottom, in their order.
func newDashboard(uid, title, description string, variables []variable, panels []panel) dashboard {
	d := dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"ksyun", "cost"},
		SchemaVersion: schemaVersion, Timezone: "Asia/Shanghai", WeekStart: "monday",
		Time: object{"from": "now-30d", "to": "now"}, Refresh: "5m", Editable: true, GraphTooltip: 1,
		Annotations: object{"list": []object{}},
		// From one dashboard to the others, with the data source.
		Links: []object{{
			"type": "dashboards", "tags": []string{"ksyun"}, "title": "ksyun", "asDropdown": true,
			"includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link", "tooltip": "",
			"url": "",
		}},
	}
	d.Templating.List = append([]variable{dataSource()}, variables...)
	x, y, height := 0, 0, 0
	for i, p := range panels {
		if x+p.GridPos.W > gridWidth {
			x, y, height = 0, y+height, 0
		}
		p.ID, p.GridPos.X, p.GridPos.Y = i+1, x, y
		x, height = x+p.GridPos.W, max(height, p.GridPos.H)
		d.Panels = append(d.Panels, p)
	}
	return d
}

func dataSource() variable {
	return variable{
		Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus", Refresh: 1,
		Current: unset(), Options: []object{},
	}
}

// unset lets Grafana choose the first value.
func unset() object { return object{"text": "", "value": ""} }

// Kinds of query that Grafana's Prometheus data source knows for variables.
const (
	labelValues = 1
	queryResult = 3
)

// choice is a variable of which several values, or all, can be chosen.
func choice(name, label string, kind int, query string) variable {
	return variable{
		Name: name, Label: label, Type: "query", Datasource: &chosen, Definition: query,
		Query:   object{"qryType": kind, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
		Refresh: 2, Sort: 5, Multi: true, IncludeAll: true, AllValue: ".*", // Sort 5: by text, whatever its case
		Current: object{"text": []string{"All"}, "value": []string{"$__all"}}, Options: []object{},
	}
}

// named is a choice whose values are ids and whose texts are names; what has no name shows its id.
func named(name, label, query, id, text string) variable {
	v := choice(name, label, queryResult, "query_result("+query+")")
	v.Regex = `/\b` + id + `="(?<value>[^"]+)|\b` + text + `="(?<text>[^"]+)/g`
	return v
}

// row is a heading.
func row(title string) panel {
	open := false
	return panel{
		Type: "row", Title: title, GridPos: gridPos{W: gridWidth, H: 1}, Collapsed: &open, Panels: &[]object{},
	}
}

// newPanel shows one unit, unless a field overrides it.
func newPanel(kind, title, description, unit string, width, height int, targets ...target) panel {
	for i := range targets {
		targets[i].RefID = string(rune('A' + i))
	}
	p := panel{
		Type: kind, Title: title, Description: description, GridPos: gridPos{W: width, H: height},
		Datasource: &chosen, Targets: targets,
		FieldConfig: &fields{Defaults: object{"unit": unit}, Overrides: []override{}},
	}
	if n, ok := decimals[unit]; ok {
		p = p.with("decimals", n)
	}
	return p
}

func query(expr, format, legend string) target {
	return target{
		Datasource: chosen, EditorMode: "code", Expr: expr, Format: format, LegendFormat: legend,
		Instant: true,
	}
}

// now asks for one value of each series, the newest.
func now(expr, legend string) target { return query(expr, "time_series", legend) }

// rows asks for one value of each series, and makes columns of its labels.
func rows(expr string) target { return query(expr, "table", "") }

// history asks for the values over the time that the reader picks.
func history(expr, legend string) target {
	t := query(expr, "time_series", legend)
	t.Instant, t.Range = false, true
	return t
}

// field changes how the field of this name looks.
func (p panel) field(name string, properties ...object) panel {
	matcher := object{"id": "byName", "options": name}
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{matcher, properties})
	return p
}

// call gives fields the names that people read.
func (p panel) call(names ...[2]string) panel {
	for _, name := range names {
		p = p.field(name[0], property("displayName", name[1]))
	}
	return p
}

func (p panel) with(key string, value any) panel {
	p.FieldConfig.Defaults[key] = value
	return p
}

func (p panel) transform(steps ...object) panel {
	p.Transformations = slices.Concat(p.Transformations, steps)
	return p
}

func property(id string, value any) object { return object{"id": id, "value": value} }

// in shows a field in a unit of its own.
func in(unit string) []object {
	properties := []object{property("unit", unit)}
	if n, ok := decimals[unit]; ok {
		properties = append(properties, property("decimals", n))
	}
	return properties
}

// plain is the color of what is neither good nor bad. Without it Grafana colors numbers by thresholds of its own, red
// from 80 on.
var plain = object{"mode": "fixed", "fixedColor": "text"}

func step(id string, options object) object { return object{"id": id, "options": options} }

// The newest value, and no other, is what a panel of single numbers shows.
var newest = object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}

// stat shows numbers, each with its name where there are several.
func stat(p panel) panel {
	p.Options = object{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
		"reduceOptions": newest, "textMode": "auto", "wideLayout": true, "showPercentChange": false,
		"percentChangeColorMode": "standard",
	}
	return p.with("color", plain)
}

// warn colors what reaches the first number orange, the second red.
func (p panel) warn(orange, red float64) panel {
	return p.with("color", object{"mode": "thresholds"}).with("thresholds", object{
		"mode": "absolute",
		"steps": []object{
			{"color": "green", "value": nil}, {"color": "orange", "value": orange}, {"color": "red", "value": red},
		},
	})
}

// lines are a graph over time.
func lines(title, description, unit string, width int, targets ...target) panel {
	p := newPanel("timeseries", title, description, unit, width, 8, targets...)
	p.Options = object{
		"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
		"tooltip": object{"mode": "multi", "sort": "desc"},
	}
	return p.with("custom", object{"drawStyle": "line", "fillOpacity": 10, "lineWidth": 1, "showPoints": "auto"})
}

// pie shows parts of a whole.
func pie(title, description string, parts target) panel {
	p := newPanel("piechart", title, description, yuan, 8, 9, parts)
	p.Options = object{
		"displayLabels": []string{"percent"}, "pieType": "donut", "reduceOptions": newest, "sort": "desc",
		"orientation": "auto",
		"legend": object{
			"displayMode": "table", "placement": "right", "showLegend": true, "calcs": []string{},
			"values": []string{"value", "percent"},
		},
		"tooltip": object{"mode": "single", "sort": "none"},
	}
	return p
}

// bars are a gauge for each value.
func bars(p panel) panel {
	p.Options = object{
		"displayMode": "gradient", "orientation": "horizontal", "reduceOptions": newest, "showUnfilled": true,
		"valueMode": "color", "namePlacement": "auto", "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16,
		"maxVizHeight": 300,
		"legend":       object{"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []string{}},
	}
	return p.with("min", 0).with("color", object{"mode": "fixed", "fixedColor": "blue"})
}

// stacked turns rows of three columns into bars: one for each value of the label x, made of the values of the label of.
// The steps axis turn what stands in x into something else.
func stacked(p panel, x, of string, axis ...object) panel {
	p.Options = object{
		"xField": corner(x, of), "stacking": "normal", "orientation": "vertical", "showValue": "never",
		"groupWidth": 0.8, "barWidth": 0.95, "fullHighlight": false, "xTickLabelRotation": 0, "xTickLabelSpacing": 50,
		"xTickLabelMaxLength": 100,
		"legend": object{
			"displayMode": "table", "placement": "right", "showLegend": true, "calcs": []string{"sum"},
			"sortBy": "Total", "sortDesc": true,
		},
		"tooltip": object{"mode": "multi", "sort": "desc"},
	}
	p = p.with("custom", object{"fillOpacity": 80, "lineWidth": 0}).with("decimals", 0)
	return p.transform(matrix(x, of)...).transform(axis...).transform(ascending(corner(x, of)))
}

// matrix makes a row of each value of one label, a column of each value of another. Columns come in the order in which
// they are met, hence the sorting before.
func matrix(row, column string) []object {
	return []object{ascending(column), step("groupingToMatrix", object{
		"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null",
	})}
}

// corner is how Grafana calls the first column of a matrix.
func corner(row, column string) string { return row + `\` + column }

func ascending(field string) object {
	return step("sortBy", object{"sort": []object{{"field": field, "desc": false}}})
}

// asTime turns milliseconds that stand in a label, and so are text, into a time.
func asTime(field string) []object {
	convert := func(to string) object {
		return step("convertFieldType", object{
			"conversions": []object{{"targetField": field, "destinationType": to}},
		})
	}
	return []object{convert("number"), convert("time")}
}

// column is a label or, as "Value #A", the answer of a query, and what people read above it.
type column struct{ name, title, unit string }

// unsorted is a table in the order of its rows.
func unsorted(p panel) panel {
	p.Options = object{"frameIndex": 0, "cellHeight": "sm", "showHeader": true}
	return p.with("custom", object{
		"align": "auto", "filterable": true, "inspect": false, "cellOptions": object{"type": "auto"},
	})
}

// table shows the columns in their order, and no other; rows of several queries with the same labels become one.
func table(p panel, sortBy string, columns ...column) panel {
	indices, names, include := object{}, object{}, []string{}
	for i, c := range columns {
		indices[c.name], names[c.name], include = i, c.title, append(include, c.name)
		p = p.field(c.title, in(c.unit)...)
	}
	p = unsorted(p)
	p.Options["sortBy"] = []object{{"displayName": sortBy, "desc": true}}
	if len(p.Targets) > 1 {
		p = p.transform(step("merge", object{}))
	}
	return p.transform(
		step("filterFieldsByName", object{"include": object{"names": include}}),
		step("organize", object{"indexByName": indices, "renameByName": names, "excludeByName": object{}}),
	)
}
