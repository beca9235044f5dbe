package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func decode(t *testing.T, name string) dashboard {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// stored are the dashboards as a user gets them.
func stored(t *testing.T) map[string]dashboard {
	t.Helper()
	names, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]dashboard{}
	for _, name := range names {
		all[name] = decode(t, name)
	}
	if len(all) != 4 {
		t.Errorf("dashboards: %v", names)
	}
	return all
}

func TestGenerated(t *testing.T) {
	for name, d := range files() {
		want, err := encode(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what go generate writes", name)
		}
	}
}

// Both languages ask the same and look the same; each has its own texts.
func TestLanguages(t *testing.T) {
	for _, name := range []string{"ksyun-cost", "ksyun-bill-exporter"} {
		english, chinese := decode(t, name+".json"), decode(t, name+".zh-CN.json")
		if diff := cmp.Diff(queries(english), queries(chinese)); diff != "" {
			t.Errorf("%s: queries (-English +Chinese):\n%s", name, diff)
		}
		if len(english.Panels) != len(chinese.Panels) {
			t.Fatalf("%s: %d panels in English, %d in Chinese", name, len(english.Panels), len(chinese.Panels))
		}
		for i, p := range english.Panels {
			other := chinese.Panels[i]
			if p.GridPos != other.GridPos || p.Type != other.Type {
				t.Errorf("%s: %s is a %s at %v, %s a %s at %v", name, p.Title, p.Type, p.GridPos, other.Title,
					other.Type, other.GridPos)
			}
			if p.Description != "" && p.Description == other.Description {
				t.Errorf("%s: %s is not translated", name, p.Title)
			}
		}
		if text, err := encode(english); err != nil || strings.ContainsFunc(string(text), isHan) {
			t.Errorf("%s: Chinese in the English one, or %v", name, err)
		}
	}
}

// isHan is true of Chinese characters and their punctuation.
func isHan(r rune) bool { return unicode.Is(unicode.Han, r) || r >= '、' && r <= '】' }

// queries are those of all panels and variables.
func queries(d dashboard) []string {
	var all []string
	for _, v := range d.Templating.List {
		all = append(all, v.Name+": "+v.Definition+" "+v.Regex)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// What Grafana 12 needs of a dashboard that it imports or is provisioned with, and what makes it portable.
func TestSchema(t *testing.T) {
	uids := map[string]bool{}
	for name, d := range stored(t) {
		if d.SchemaVersion != 41 || d.Timezone != "Asia/Shanghai" || d.ID != nil || d.Title == "" {
			t.Errorf("%s: schema %d, time zone %s, id %v, title %q", name, d.SchemaVersion, d.Timezone, d.ID, d.Title)
		}
		if !uid.MatchString(d.UID) || uids[d.UID] {
			t.Errorf("%s: uid %q is malformed or used twice", name, d.UID)
		}
		uids[d.UID] = true
		checkVariables(t, name, d)
		checkLayout(t, name, d.Panels)
		for _, p := range d.Panels {
			checkPanel(t, name, p)
		}
	}
}

// picked is the data source that every query asks: the variable's.
var picked = source{Type: "prometheus", UID: "${datasource}"}

var (
	uid       = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`)
	reference = regexp.MustCompile(`\$\{?([a-z_]\w*)`)
)

// checkVariables: one data source, chosen first, and nothing used that is not defined.
func checkVariables(t *testing.T, name string, d dashboard) {
	t.Helper()
	defined := []string{"__rate_interval"}
	for i, v := range d.Templating.List {
		defined = append(defined, v.Name)
		if (i == 0) != (v.Type == "datasource") {
			t.Errorf("%s: variable %d is a %s", name, i, v.Type)
		}
		if i > 0 && (v.Type != "query" || v.Datasource == nil || *v.Datasource != picked) {
			t.Errorf("%s: variable %s: type %s, data source %v", name, v.Name, v.Type, v.Datasource)
		}
		if v.Label == "" || v.Current == nil || v.Options == nil {
			t.Errorf("%s: variable %s lacks a label, current or options", name, v.Name)
		}
	}
	for _, query := range queries(d) {
		for _, used := range reference.FindAllStringSubmatch(query, -1) {
			if !slices.Contains(defined, used[1]) {
				t.Errorf("%s: no variable %s: %s", name, used[1], query)
			}
		}
	}
}

// checkLayout: ids differ, and no panel is beside the grid or above another.
func checkLayout(t *testing.T, name string, panels []panel) {
	t.Helper()
	ids, taken := map[int]bool{}, map[gridPos]string{}
	for _, p := range panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: %s: id %d", name, p.Title, p.ID)
		}
		ids[p.ID] = true
		if g := p.GridPos; g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > gridWidth {
			t.Errorf("%s: %s is at %v", name, p.Title, g)
		}
		for cell := range cells(p.GridPos) {
			if taken[cell] != "" {
				t.Fatalf("%s: %s is above %s", name, p.Title, taken[cell])
			}
			taken[cell] = p.Title
		}
	}
}

func cells(g gridPos) map[gridPos]bool {
	all := map[gridPos]bool{}
	for x := range g.W {
		for y := range g.H {
			all[gridPos{X: g.X + x, Y: g.Y + y}] = true
		}
	}
	return all
}

// Core panels and transformations: no plugin has to be installed.
var (
	corePanels = []string{"row", "stat", "table", "barchart", "bargauge", "piechart", "timeseries"}
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
		if p.Collapsed == nil || p.Panels == nil || len(p.Targets) > 0 {
			t.Errorf("%s: row %s is not one", name, p.Title)
		}
		return
	}
	if p.Datasource == nil || *p.Datasource != picked {
		t.Errorf("%s: %s: data source %v", name, p.Title, p.Datasource)
	}
	if len(p.Targets) == 0 || p.Options == nil || p.FieldConfig == nil {
		t.Fatalf("%s: %s lacks query, options or fields", name, p.Title)
	}
	for i, target := range p.Targets {
		if target.Datasource != picked || target.RefID != string(rune('A'+i)) || target.Instant == target.Range {
			t.Errorf("%s: %s: query %s: %v", name, p.Title, target.RefID, target)
		}
	}
	checkUnit(t, name, p)
	checkDefaults(t, name, p)
}

// checkDefaults: what Grafana would do unasked is not what is meant. It colors single numbers red from 80 on, and shows
// a label that looks like a number as one.
func checkDefaults(t *testing.T, name string, p panel) {
	t.Helper()
	if (p.Type == "stat" || p.Type == "bargauge") && p.FieldConfig.Defaults["color"] == nil {
		t.Errorf("%s: %s has no color", name, p.Title)
	}
	if p.Type != "table" {
		return
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

// checkUnit: an amount is shown as one, or as a share of one.
func checkUnit(t *testing.T, name string, p panel) {
	t.Helper()
	unit, _ := p.FieldConfig.Defaults["unit"].(string)
	if unit == "" || strings.HasPrefix(unit, "currency") && unit != "currency:financial:¥" {
		t.Errorf("%s: %s: unit %q", name, p.Title, unit)
	}
	for _, target := range p.Targets {
		if strings.Contains(target.Expr, "_cny") && unit != "currency:financial:¥" && unit != "percentunit" {
			t.Errorf("%s: %s shows CNY as %s", name, p.Title, unit)
		}
	}
}

// The dashboards know no family that the README does not have.
func TestMetrics(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, row := range metricRow.FindAllSubmatch(readme, -1) {
		known = append(known, string(row[1]))
	}
	for name, d := range stored(t) {
		used := map[string]bool{}
		for _, query := range queries(d) {
			for _, family := range metricUse.FindAllString(query, -1) {
				used[strings.TrimSuffix(family, "_bucket")] = true
			}
		}
		if len(used) < 10 {
			t.Errorf("%s uses %d families", name, len(used))
		}
		for family := range maps.Keys(used) {
			if !slices.Contains(known, family) {
				t.Errorf("%s uses the unknown metric %s", name, family)
			}
		}
	}
}

var (
	metricRow = regexp.MustCompile("(?m)^\\| `(ksyun_bill_\\w+)` \\|")
	metricUse = regexp.MustCompile(`\bksyun_bill_\w+`)
)
