package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The dashboards have what Grafana 12 needs to import and to provision them, and depend on no other installation.
func TestSchema(t *testing.T) {
	uids := map[string]bool{}
	for name, d := range readDashboards(t) {
		if d.SchemaVersion != 41 || d.Timezone != "Asia/Shanghai" || d.ID != nil || d.Title == "" {
			t.Errorf("%s: schema %d, time zone %s, id %v, title %q", name, d.SchemaVersion, d.Timezone, d.ID, d.Title)
		}
		if !uidPattern.MatchString(d.UID) || uids[d.UID] {
			t.Errorf("%s: uid %q is malformed or used twice", name, d.UID)
		}
		uids[d.UID] = true
		checkVariables(t, name, d)
		checkLayout(t, name, d.Panels)
		for _, p := range allPanels(d.Panels) {
			checkPanel(t, name, p)
		}
	}
}

// wantSource is the data source of every query: the one that the variable names.
var wantSource = source{Type: "prometheus", UID: "${datasource}"}

var (
	uidPattern      = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`)
	variablePattern = regexp.MustCompile(`\$\{?([a-z_]\w*)`)
)

// checkVariables checks that the first variable is the only data source, and that queries use only defined variables.
func checkVariables(t *testing.T, name string, d dashboard) {
	t.Helper()
	defined := []string{"__rate_interval"}
	for i, v := range d.Templating.List {
		defined = append(defined, v.Name)
		if (i == 0) != (v.Type == "datasource") {
			t.Errorf("%s: variable %d is a %s", name, i, v.Type)
		}
		if v.Type == "custom" {
			checkCustom(t, name, v)
		} else if i > 0 && (v.Type != "query" || v.Datasource == nil || *v.Datasource != wantSource) {
			t.Errorf("%s: variable %s: type %s, data source %v", name, v.Name, v.Type, v.Datasource)
		}
		if v.Label == "" || v.Current == nil || v.Options == nil {
			t.Errorf("%s: variable %s lacks a label, current or options", name, v.Name)
		}
	}
	for _, query := range dashboardQueries(d) {
		for _, used := range variablePattern.FindAllStringSubmatch(query, -1) {
			if !slices.Contains(defined, used[1]) {
				t.Errorf("%s: no variable %s: %s", name, used[1], query)
			}
		}
	}
}

// checkCustom checks that a variable without a query offers what it is made of, and chooses one of that.
func checkCustom(t *testing.T, name string, v variable) {
	t.Helper()
	var pairs []string
	chosen := false
	for _, o := range v.Options {
		pairs = append(pairs, o["text"].(string)+" : "+o["value"].(string))
		chosen = chosen || o["selected"] == true && o["value"] == v.Current["value"] && o["text"] == v.Current["text"]
	}
	if v.Query != strings.Join(pairs, ", ") || !chosen || v.Datasource != nil {
		t.Errorf("%s: variable %s: query %q, options %v, current %v", name, v.Name, v.Query, v.Options, v.Current)
	}
}

// checkLayout checks that all ids differ, and that each panel is inside the grid and covers no other one. The panels of
// a folded row begin below it.
func checkLayout(t *testing.T, name string, panels []panel) {
	t.Helper()
	ids := map[int]bool{}
	for _, p := range allPanels(panels) {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: %s: id %d", name, p.Title, p.ID)
		}
		ids[p.ID] = true
	}
	checkPlaces(t, name, panels)
	for _, p := range panels {
		if p.Panels == nil || len(*p.Panels) == 0 {
			continue
		}
		if checkPlaces(t, name, *p.Panels); (*p.Panels)[0].GridPos.Y != p.GridPos.Y+1 {
			t.Errorf("%s: %s is at %v, its first panel at %v", name, p.Title, p.GridPos, (*p.Panels)[0].GridPos)
		}
	}
}

func checkPlaces(t *testing.T, name string, panels []panel) {
	t.Helper()
	taken := map[gridPos]string{}
	for _, p := range panels {
		if g := p.GridPos; g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > gridWidth {
			t.Errorf("%s: %s is at %v", name, p.Title, g)
		}
		for cell := range gridCells(p.GridPos) {
			if taken[cell] != "" {
				t.Fatalf("%s: %s is above %s", name, p.Title, taken[cell])
			}
			taken[cell] = p.Title
		}
	}
}

func gridCells(g gridPos) map[gridPos]bool {
	all := map[gridPos]bool{}
	for x := range g.W {
		for y := range g.H {
			all[gridPos{X: g.X + x, Y: g.Y + y}] = true
		}
	}
	return all
}

// Panels and transformations of the core: they need no plugin.
var (
	corePanels = []string{"row", "stat", "table", "barchart", "bargauge", "gauge", "piechart", "timeseries"}
	coreSteps  = []string{
		"groupingToMatrix", "convertFieldType", "sortBy", "merge", "filterFieldsByName", "organize",
	}
)

func checkPanel(t *testing.T, name string, p panel) {
	t.Helper()
	if !slices.Contains(corePanels, p.Type) || p.Title == "" {
		t.Errorf("%s: %q is a %s", name, p.Title, p.Type)
	}
	for _, s := range p.Transformations {
		if id, _ := s["id"].(string); !slices.Contains(coreSteps, id) || s["options"] == nil {
			t.Errorf("%s: %s: transformation %v", name, p.Title, s)
		}
	}
	if p.Type == "row" {
		if p.Collapsed == nil || p.Panels == nil || *p.Collapsed != (len(*p.Panels) > 0) || len(p.Targets) > 0 {
			t.Errorf("%s: row %s is not one", name, p.Title)
		}
		return
	}
	if p.Datasource == nil || *p.Datasource != wantSource {
		t.Errorf("%s: %s: data source %v", name, p.Title, p.Datasource)
	}
	if len(p.Targets) == 0 || p.Options == nil || p.FieldConfig == nil {
		t.Fatalf("%s: %s lacks query, options or fields", name, p.Title)
	}
	for i, target := range p.Targets {
		if target.Datasource != wantSource || target.RefID != string(rune('A'+i)) || target.Instant == target.Range {
			t.Errorf("%s: %s: query %s: %v", name, p.Title, target.RefID, target)
		}
	}
	checkUnit(t, name, p)
	checkDefaults(t, name, p)
}

// checkDefaults checks that a panel overrides unwanted defaults of Grafana, which colors single numbers red from 80 on,
// and shows a label that looks like a number as one.
func checkDefaults(t *testing.T, name string, p panel) {
	t.Helper()
	if slices.Contains([]string{"stat", "bargauge", "gauge"}, p.Type) && p.FieldConfig.Defaults["color"] == nil {
		t.Errorf("%s: %s has no color", name, p.Title)
	}
	if p.Type != "table" {
		return
	}
	if c, _ := p.FieldConfig.Defaults["custom"].(map[string]any); c["minWidth"] != 60.0 || c["filterable"] != false {
		t.Errorf("%s: %s: columns are %v", name, p.Title, c)
	}
	for _, f := range p.FieldConfig.Overrides {
		if len(f.Properties) == 0 || f.Properties[0]["id"] != "unit" || f.Properties[0]["value"] == "" {
			t.Errorf("%s: %s: the column %s has no unit", name, p.Title, f.Matcher["options"])
		}
	}
	if len(p.FieldConfig.Overrides) == 0 {
		t.Errorf("%s: %s: labels have no unit", name, p.Title)
	}
}

// checkUnit checks that a panel shows amounts as amounts, as shares of amounts, or as the days that one of them lasts
// at the pace of another.
func checkUnit(t *testing.T, name string, p panel) {
	t.Helper()
	unit, _ := p.FieldConfig.Defaults["unit"].(string)
	if unit == "" || strings.HasPrefix(unit, "currency") && unit != "currency:financial:¥" {
		t.Errorf("%s: %s: unit %q", name, p.Title, unit)
	}
	for _, target := range p.Targets {
		areDays := strings.HasPrefix(unit, "suffix: ") && strings.Contains(target.Expr, "\n/\n")
		if strings.Contains(target.Expr, "_cny") && unit != "currency:financial:¥" && unit != "percentunit" && !areDays {
			t.Errorf("%s: %s shows CNY as %s", name, p.Title, unit)
		}
	}
}
