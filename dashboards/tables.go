package main

import (
	"slices"
	"strings"
)

// Widths of columns in pixels: an amount of eight digits, and a share, fit.
const (
	amountWidth = 120
	shareWidth  = 85
)

// columnProperties returns the properties of a column with this unit. Numbers have a width of their own, so that they
// are seen in full; names share the rest.
func columnProperties(unit string) []object {
	properties := unitProperties(unit)
	switch unit {
	case unitYuan, unitDate:
		properties = append(properties, newProperty("custom.width", amountWidth))
	case unitShare:
		properties = append(properties, newProperty("custom.width", shareWidth))
	}
	return properties
}

// addProperties gives a column of a table further properties.
func (p panel) addProperties(column string, properties ...object) panel {
	for i, o := range p.FieldConfig.Overrides {
		if o.Matcher["options"] == column {
			p.FieldConfig.Overrides[i].Properties = append(o.Properties, properties...)
		}
	}
	return p
}

// hideColumns hides columns that only links use, which have to read what is in the column, not words for it. Grafana
// 12.2 has another name for hiding than the versions before.
func (p panel) hideColumns(columns ...string) panel {
	for _, c := range columns {
		p = p.addProperties(c, newProperty("custom.hidden", true), newProperty("mappings", []object{}),
			newProperty("custom.hideFrom", object{"viz": true, "legend": false, "tooltip": false}))
	}
	return p
}

// colorChange colors the values of a column: red what grew, green what fell.
func (p panel) colorChange(columns ...string) panel {
	for _, c := range columns {
		p = p.addProperties(c, newProperty("custom.cellOptions", object{"type": "color-text"}),
			newProperty("color", object{"mode": "thresholds"}),
			newProperty("thresholds", newThresholds(object{"color": "green", "value": nil},
				object{"color": "text", "value": 0}, object{"color": "red", "value": 1e-9})))
	}
	return p
}

// colorCells colors the cells of a column: orange from the first threshold on, and red from the second.
func (p panel) colorCells(column string, orange, red float64) panel {
	return p.addProperties(column,
		newProperty("custom.cellOptions", object{"type": "color-background", "mode": "basic"}),
		newProperty("color", object{"mode": "thresholds"}),
		newProperty("thresholds", newThresholds(object{"color": "green", "value": nil},
			object{"color": "orange", "value": orange}, object{"color": "red", "value": red})))
}

// linkRow makes a column lead to the same dashboard with what its row is of: each label, which is a column of the
// table, sets the variable that has the same place in variables. The other variables stay.
func (p panel) linkRow(t language, column string, pairs ...[2]string) panel {
	kept := []string{"account", "product", "project", "tag", "by"}
	url := "/d/" + costUID(t) + "?${__url_time_range}&${datasource:queryparam}"
	for _, pair := range pairs {
		url += "&var-" + pair[0] + "=${__data.fields." + pair[1] + ":percentencode}"
		kept = slices.DeleteFunc(kept, func(name string) bool { return name == pair[0] })
	}
	for _, name := range kept {
		url += "&${" + name + ":queryparam}"
	}
	return p.addProperties(column, newProperty("links", []object{{
		"title": t("Only this", "只看这一项"), "url": url, "targetBlank": false,
	}}))
}

// Pairs of a variable and the column that sets it.
var (
	accountLink = [2]string{"account", "account"}
	productLink = [2]string{"product", "product_code"}
	projectLink = [2]string{"project", "project_id"}
)

// sortRows makes a table keep the order of a query that is no column of it: that of the largest absolute values, say.
func (p panel) sortRows(query string) panel {
	delete(p.Options, "sortBy")
	sort := newStep("sortBy", object{"sort": []object{{"field": query, "desc": true}}})
	p.Transformations = slices.Insert(p.Transformations, 1, sort)
	return p
}

// nothing stands in a column of names where there is nothing to list, so that a table never looks broken.
const nothing = "__nothing__"

// orNothing adds a row with that name to an answer that is empty.
func orNothing(expr, label string) string {
	return combine(expr, "or on ()", setLabel("vector(0)", label, nothing))
}

// setLabel gives all series of an expression a label.
func setLabel(expr, label, value string) string {
	if strings.Contains(expr, "\n") {
		expr = "\n" + indent(expr) + "\n"
	}
	return "label_replace(" + expr + `, "` + label + `", "` + value + `", "", "")`
}

// nameEmpty names the series of an expression for which a label is empty.
func nameEmpty(expr, label string) string {
	return "label_replace(\n" + indent(expr) + "\n" + `, "` + label + `", "__none__", "` + label + `", "")`
}
