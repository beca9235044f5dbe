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

func readDashboard(t *testing.T, name string) dashboard {
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

// readDashboards returns the checked-in dashboards by the names of their files.
func readDashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	names, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]dashboard{}
	for _, name := range names {
		all[name] = readDashboard(t, name)
	}
	if len(all) != 4 {
		t.Errorf("dashboards: %v", names)
	}
	return all
}

func TestGenerated(t *testing.T) {
	for name, d := range dashboardFiles() {
		want, err := encodeJSON(d)
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

// Both languages have the same queries and the same layout, and each has its own texts.
func TestLanguages(t *testing.T) {
	for _, name := range []string{"ksyun-cost", "ksyun-bill-exporter"} {
		english, chinese := readDashboard(t, name+".json"), readDashboard(t, name+".zh-CN.json")
		if diff := cmp.Diff(dashboardQueries(english), dashboardQueries(chinese)); diff != "" {
			t.Errorf("%s: queries (-English +Chinese):\n%s", name, diff)
		}
		panels, others := allPanels(english.Panels), allPanels(chinese.Panels)
		if len(panels) != len(others) {
			t.Fatalf("%s: %d panels in English, %d in Chinese", name, len(panels), len(others))
		}
		for i, p := range panels {
			other := others[i]
			if p.GridPos != other.GridPos || p.Type != other.Type {
				t.Errorf("%s: %s is a %s at %v, %s a %s at %v", name, p.Title, p.Type, p.GridPos, other.Title,
					other.Type, other.GridPos)
			}
			if p.Description != "" && p.Description == other.Description {
				t.Errorf("%s: %s is not translated", name, p.Title)
			}
		}
		if text, err := encodeJSON(english); err != nil || strings.ContainsFunc(string(text), isHan) {
			t.Errorf("%s: Chinese in the English one, or %v", name, err)
		}
	}
}

// isHan reports whether r is a Chinese character or Chinese punctuation.
func isHan(r rune) bool { return unicode.Is(unicode.Han, r) || r >= '、' && r <= '】' }

// allPanels returns panels with those of folded rows.
func allPanels(panels []panel) []panel {
	var all []panel
	for _, p := range panels {
		all = append(all, p)
		if p.Panels != nil {
			all = append(all, allPanels(*p.Panels)...)
		}
	}
	return all
}

// annotationQueries returns the queries of the marks in the graphs of a dashboard, by their names.
func annotationQueries(d dashboard) map[string]string {
	all := map[string]string{}
	for _, a := range d.Annotations["list"].([]any) {
		mark := a.(map[string]any)
		all[mark["name"].(string)] = mark["expr"].(string)
	}
	return all
}

// dashboardQueries returns the queries of all panels, variables and annotations.
func dashboardQueries(d dashboard) []string {
	var all []string
	for _, v := range d.Templating.List {
		all = append(all, v.Name+": "+v.Definition+" "+v.Regex)
	}
	for _, p := range allPanels(d.Panels) {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return append(all, slices.Sorted(maps.Values(annotationQueries(d)))...)
}

// The dashboards use only metrics that docs/metrics.md lists.
func TestMetrics(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, row := range familyRow.FindAllSubmatch(page, -1) {
		known = append(known, string(row[1]))
	}
	for name, d := range readDashboards(t) {
		used := map[string]bool{}
		for _, query := range dashboardQueries(d) {
			for _, family := range familyPattern.FindAllString(query, -1) {
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
	familyRow     = regexp.MustCompile("(?m)^\\| `(ksyun_bill_\\w+)` \\|")
	familyPattern = regexp.MustCompile(`\bksyun_bill_\w+`)
)
