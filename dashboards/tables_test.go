package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tableColumn is a column of a table as it is read from the JSON.
type tableColumn struct {
	field, title, unit string
	width              float64 // at least; 0 if it is hidden
}

// tableColumns returns the columns of a table in their order. A table without a fixed set of columns has none.
func tableColumns(t *testing.T, p panel) []tableColumn {
	t.Helper()
	var columns []tableColumn
	for _, s := range p.Transformations {
		if s["id"] != "organize" {
			continue
		}
		options := s["options"].(map[string]any)
		order, names := options["indexByName"].(map[string]any), options["renameByName"].(map[string]any)
		for field := range order {
			columns = append(columns, readColumn(p, field, names[field].(string)))
		}
		slices.SortFunc(columns, func(a, b tableColumn) int {
			return int(order[a.field].(float64) - order[b.field].(float64))
		})
	}
	return columns
}

func readColumn(p panel, field, title string) tableColumn {
	custom := p.FieldConfig.Defaults["custom"].(map[string]any)
	c := tableColumn{field: field, title: title, width: custom["minWidth"].(float64)}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			switch {
			case o.Matcher["options"] != title:
			case property["id"] == "unit":
				c.unit = property["value"].(string)
			case property["id"] == "custom.width":
				c.width = property["value"].(float64)
			case property["id"] == "custom.hideFrom":
				return tableColumn{field: field, title: title, unit: unitText}
			}
		}
	}
	return c
}

// panelWidth is the room for the columns of a panel in pixels, in a window of some width: the menu and the margins take
// 32 of it, the gaps between panels 8 each, the borders of the panel 18.
func panelWidth(window float64, p panel) float64 {
	cell := (window - 32 - 8*(gridWidth-1)) / gridWidth
	return float64(p.GridPos.W)*(cell+8) - 8 - 18
}

// The columns of every table fit its panel in a window that is 1,280 pixels wide, and in one of 1,600 names can be
// read.
func TestColumnsFit(t *testing.T) {
	const readable = 100 // a name or an id is cut too much below this
	for name, d := range readDashboards(t) {
		for _, p := range allPanels(d.Panels) {
			least, wide := 0.0, 0.0
			for _, c := range tableColumns(t, p) {
				least, wide = least+c.width, wide+c.width
				if c.unit == unitText && c.width > 0 {
					wide += readable - c.width
				}
			}
			if room := panelWidth(1280, p); least > room {
				t.Errorf("%s: %s: the columns need %.0f of %.0f pixels", name, p.Title, least, room)
			}
			if room := panelWidth(1600, p); wide > room {
				t.Errorf("%s: %s: to be read the columns need %.0f of %.0f pixels", name, p.Title, wide, room)
			}
		}
	}
}

// In every table of cost the name comes first, then the numbers, each with a width of its own, then what else is known,
// and ids and codes last.
func TestAmountsFirst(t *testing.T) {
	rank := func(i int, c tableColumn) int {
		isID := c.field == "product_code" || strings.HasSuffix(c.field, "_id")
		return map[bool]int{i == 0: 0, i > 0: 1, i > 0 && c.unit == unitText: 2, i > 0 && isID: 3}[true]
	}
	for _, file := range []string{"ksyun-cost.json", "ksyun-cost.zh-CN.json"} {
		tables := 0
		for _, p := range allPanels(readDashboard(t, file).Panels) {
			columns, last := tableColumns(t, p), 0
			for i, c := range columns {
				if r := rank(i, c); r < last || i < 2 && (i == 0) != (c.unit == unitText) {
					t.Errorf("%s: %s: the column %s is the %dth", file, p.Title, c.title, i+1)
				} else if last = r; r == 1 && c.width < 80 {
					t.Errorf("%s: %s: the column %s is %v wide", file, p.Title, c.title, c.width)
				}
			}
			tables += min(len(columns), 1)
		}
		if tables < 10 {
			t.Errorf("%s: %d tables", file, tables)
		}
	}
}

// Every step and every override of a table is of a column that it has, and so is every column that a link reads.
func TestColumnsExist(t *testing.T) {
	for name, d := range readDashboards(t) {
		for _, p := range allPanels(d.Panels) {
			columns := tableColumns(t, p)
			if p.Type != "table" || len(columns) == 0 {
				continue
			}
			fields, titles := map[string]bool{}, map[string]bool{}
			for _, c := range columns {
				if fields[c.field] = true; titles[c.title] {
					t.Errorf("%s: %s has two columns %s", name, p.Title, c.title)
				}
				titles[c.title] = true
			}
			checkSteps(t, name, p, fields, titles)
			for _, o := range p.FieldConfig.Overrides {
				if title, _ := o.Matcher["options"].(string); !titles[title] {
					t.Errorf("%s: %s: an override of %s, which is no column", name, p.Title, title)
				}
			}
		}
	}
}

func checkSteps(t *testing.T, name string, p panel, fields, titles map[string]bool) {
	t.Helper()
	for _, s := range p.Transformations {
		options := s["options"].(map[string]any)
		var used []string
		if include, ok := options["include"].(map[string]any); ok {
			for _, field := range include["names"].([]any) {
				used = append(used, field.(string))
			}
			slices.Sort(used)
		}
		if names, ok := options["renameByName"].(map[string]any); ok {
			used = slices.Sorted(maps.Keys(names))
		}
		sort, _ := options["sort"].([]any)
		for _, by := range sort {
			ref, _ := strings.CutPrefix(by.(map[string]any)["field"].(string), "Value #")
			if !slices.ContainsFunc(p.Targets, func(target target) bool { return target.RefID == ref }) {
				t.Errorf("%s: %s is sorted by the query %s, which it lacks", name, p.Title, ref)
			}
		}
		if want := slices.Sorted(maps.Keys(fields)); used != nil && !slices.Equal(used, want) {
			t.Errorf("%s: %s: %s is of %q, the columns are %q", name, p.Title, s["id"], used, want)
		}
	}
	sort, _ := p.Options["sortBy"].([]any)
	for _, by := range sort {
		if title := by.(map[string]any)["displayName"].(string); !titles[title] {
			t.Errorf("%s: %s is sorted by %s, which is no column", name, p.Title, title)
		}
	}
}

// A link leads to its own dashboard, keeps every variable once, and reads columns that its table has.
func TestLinks(t *testing.T) {
	links := 0
	for name, d := range readDashboards(t) {
		for _, p := range allPanels(d.Panels) {
			for _, url := range panelLinks(p) {
				links++
				checkLink(t, name+": "+p.Title, d, tableColumns(t, p), url)
			}
		}
	}
	if links < 12 {
		t.Errorf("%d links", links)
	}
}

func panelLinks(p panel) []string {
	var urls []string
	if p.FieldConfig == nil {
		return nil
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property["id"] == "links" {
				urls = append(urls, property["value"].([]any)[0].(map[string]any)["url"].(string))
			}
		}
	}
	return urls
}

func checkLink(t *testing.T, place string, d dashboard, columns []tableColumn, url string) {
	t.Helper()
	if !strings.HasPrefix(url, "/d/"+d.UID+"?") {
		t.Errorf("%s: a link to %s", place, url)
	}
	var set, want []string
	for _, match := range linkPattern.FindAllStringSubmatch(url, -1) {
		set = append(set, match[1]+match[3])
		isField := func(c tableColumn) bool { return c.field == match[2] }
		if match[2] != "" && !slices.ContainsFunc(columns, isField) {
			t.Errorf("%s: no column %s: %s", place, match[2], url)
		}
	}
	for _, v := range d.Templating.List {
		want = append(want, v.Name)
	}
	slices.Sort(set)
	slices.Sort(want)
	if !slices.Equal(set, want) {
		t.Errorf("%s: a link sets %q, the variables are %q", place, set, want)
	}
}

var linkPattern = regexp.MustCompile(`&(?:var-(\w+)=\$\{__data\.fields\.(\w+):percentencode\}|\$\{(\w+):queryparam\})`)

// Every alert has words in the table of what needs attention, and the rules record what tells it that they are loaded.
func TestAlertNames(t *testing.T) {
	files, err := filepath.Glob("../alerts/*.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules, loaded := map[string]bool{}, false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, alert := range alertPattern.FindAllSubmatch(text, -1) {
			rules[string(alert[1])] = true
		}
		loaded = loaded || strings.Contains(string(text), "- record: "+rulesLoaded+"\n")
	}
	if !loaded {
		t.Errorf("no rule records %s", rulesLoaded)
	}
	named := map[string]bool{calm: true, unloaded: true}
	for _, pair := range alertNames(selectEnglish) {
		named[pair[0]] = true
	}
	for alert := range rules {
		if !named[alert] {
			t.Errorf("the alert %s has no words", alert)
		}
	}
	if len(rules) < 15 {
		t.Errorf("alerts: %v", rules)
	}
}

var alertPattern = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)

// The dashboard of cost opens with little: what is below the products is folded.
func TestFolded(t *testing.T) {
	height, folded := 0, 0
	for _, p := range readDashboard(t, "ksyun-cost.json").Panels {
		height = max(height, p.GridPos.Y+p.GridPos.H)
		if p.Collapsed != nil && *p.Collapsed {
			folded++
		}
	}
	// A cell is 30 pixels high, and 8 are between two.
	if height*38 > 2000 || folded < 5 {
		t.Errorf("the page is %d pixels high, %d rows are folded", height*38, folded)
	}
}
