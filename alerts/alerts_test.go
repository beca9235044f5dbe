//go:build e2e

package alerts_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// ruleFile is the part of a rule file that the tests read.
type ruleFile struct{ Groups []ruleGroup }

type ruleGroup struct {
	Name     string
	Interval string `yaml:",omitempty"`
	Rules    []rule
}

type rule struct {
	Record, Alert, Expr string            `yaml:",omitempty"`
	For                 string            `yaml:",omitempty"`
	Labels, Annotations map[string]string `yaml:",omitempty"`
}

// readGroups returns the groups of a file.
func readGroups(t *testing.T, name string) []ruleGroup {
	t.Helper()
	var file ruleFile
	if err := yaml.Unmarshal(readFile(t, name), &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return file.Groups
}

// readRules returns the rules of all files that a user loads, by the names of the files.
func readRules(t *testing.T) map[string][]rule {
	t.Helper()
	files := map[string][]rule{}
	for _, name := range listFiles(t, "*.rules.yml") {
		for _, group := range readGroups(t, name) {
			files[name] = append(files[name], group.Rules...)
		}
	}
	return files
}

// readAlerts returns the rules that are alerts.
func readAlerts(t *testing.T) []rule {
	t.Helper()
	var found []rule
	for _, rules := range readRules(t) {
		for _, r := range rules {
			if r.Alert != "" {
				found = append(found, r)
			}
		}
	}
	return found
}

// Prometheus and VictoriaMetrics accept the rules, and Prometheus passes the tests of the rules.
func TestPromtool(t *testing.T) {
	runCommand(t, "promtool", append([]string{"check", "rules"}, listFiles(t, "*.rules.yml")...)...)
	runCommand(t, "vmalert", "-dryRun", "-rule=*.rules.yml")
	for _, name := range listFiles(t, "tests/*_test.yml") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runCommand(t, "promtool", "test", "rules", name)
		})
	}
}

// No group is evaluated less often than every two minutes. vmalert rounds the time of an evaluation down to the group's
// interval, and what was recorded is found for five minutes: beyond half of them, series are lost for part of the time.
func TestIntervals(t *testing.T) {
	for _, name := range listFiles(t, "*.rules.yml") {
		for _, group := range readGroups(t, name) {
			if group.Interval == "" {
				continue
			}
			interval, err := time.ParseDuration(group.Interval)
			if err != nil || interval > 2*time.Minute {
				t.Errorf("%s: %s: interval %s: %v", name, group.Name, group.Interval, err)
			}
		}
	}
}

// Every alert fires in a test, which compares its text.
func TestEveryAlertFires(t *testing.T) {
	fires := map[string]bool{}
	for _, name := range listFiles(t, "tests/*_test.yml") {
		var file struct {
			Tests []struct {
				Alerts []struct {
					Name     string `yaml:"alertname"`
					Expected []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		if err := yaml.Unmarshal(readFile(t, name), &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, test := range file.Tests {
			for _, alert := range test.Alerts {
				fires[alert.Name] = fires[alert.Name] || len(alert.Expected) > 0
			}
		}
	}
	for _, a := range readAlerts(t) {
		if !fires[a.Alert] {
			t.Errorf("no test sees %s fire", a.Alert)
		}
	}
}

// Rules, their tests and runbooks use only metrics that docs/metrics.md lists.
func TestMetrics(t *testing.T) {
	var known []string
	for _, row := range familyRow.FindAllSubmatch(readFile(t, "../docs/metrics.md"), -1) {
		known = append(known, string(row[1]))
	}
	files := slices.Concat(
		listFiles(t, "*.rules.yml"), listFiles(t, "tests/*.yml"), listFiles(t, "../docs/alerts*.md"))
	for _, name := range files {
		used := familyPattern.FindAllString(string(readFile(t, name)), -1)
		for _, metric := range slices.Compact(slices.Sorted(slices.Values(used))) {
			if metric != program && !slices.Contains(known, metric) {
				t.Errorf("%s uses the unknown metric %s", name, metric)
			}
		}
	}
}

// program is the exporter's own name, which is in texts but is not a metric.
const program = "ksyun_bill_exporter"

var (
	familyRow     = regexp.MustCompile("(?m)^\\| `(ksyun_bill_\\w+)` \\|")
	familyPattern = regexp.MustCompile(`\bksyun_bill_\w*[a-z]\b`)
)

// All thresholds are in thresholds.rules.yml, and every one is used.
func TestThresholds(t *testing.T) {
	var defined, used []string
	for name, rules := range readRules(t) {
		for _, r := range rules {
			if name == "thresholds.rules.yml" && r.Record == "ksyun_bill:threshold" {
				defined = append(defined, r.Labels["name"])
				continue
			}
			for _, found := range thresholdPattern.FindAllStringSubmatch(r.Expr, -1) {
				used = append(used, found[1])
			}
			for _, number := range findNumbers(r.Expr) {
				t.Errorf("%s: %s%s: the number %s belongs in thresholds.rules.yml", name, r.Record, r.Alert, number)
			}
		}
	}
	slices.Sort(defined)
	if diff := cmp.Diff(defined, slices.Compact(slices.Sorted(slices.Values(used)))); diff != "" {
		t.Errorf("thresholds (-defined +used):\n%s", diff)
	}
}

var (
	thresholdPattern = regexp.MustCompile(`ksyun_bill:threshold\{name="(\w+)"\}`)
	quotedOrDuration = regexp.MustCompile(`"[^"]*"|\[\w+\]|offset \w+`)
	numberPattern    = regexp.MustCompile(`\b\d+(\.\d+)?\b`)
)

// findNumbers returns the numbers of an expression, without 0 and 1, quantiles, the seconds of a day and of the time
// zone, what month and day are one number with, and the days of an offset of three.
func findNumbers(expr string) []string {
	found := numberPattern.FindAllString(quotedOrDuration.ReplaceAllString(expr, ""), -1)
	return slices.DeleteFunc(found, func(n string) bool {
		return slices.Contains([]string{"0", "1", "0.5", "0.75", "0.9", "86400", "28800", "100", "3"}, n)
	})
}

// Every alert has all texts, in both languages, a severity, and the address of its section in the runbook.
func TestTexts(t *testing.T) {
	want := []string{"description", "description_zh", "runbook_url", "summary", "summary_zh"}
	for _, a := range readAlerts(t) {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(a.Annotations))); diff != "" {
			t.Errorf("%s: annotations (-want +got):\n%s", a.Alert, diff)
		}
		if !slices.Contains([]string{"page", "warning", "ticket"}, a.Labels["severity"]) {
			t.Errorf("%s: severity %q", a.Alert, a.Labels["severity"])
		}
		for key, text := range a.Annotations {
			if chinese, han := strings.HasSuffix(key, "_zh"), strings.ContainsFunc(text, isHan); chinese != han {
				t.Errorf("%s: %s is in the wrong language", a.Alert, key)
			}
		}
		if want := fmt.Sprintf(runbookURL, strings.ToLower(a.Alert)); a.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is not %s", a.Alert, want)
		}
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// runbookURL is how a rule writes the address of docs/alerts.md. It is empty until somebody says where the repository
// is.
const runbookURL = `{{ range query "ksyun_bill:runbooks{url!=''}" }}{{ .Labels.url }}docs/alerts.md#%s{{ end }}`

// The queries of the runbooks are valid.
func TestRunbookQueries(t *testing.T) {
	for _, name := range listFiles(t, "../docs/alerts*.md") {
		var file ruleFile
		file.Groups = make([]ruleGroup, 1)
		file.Groups[0].Name = "runbook"
		for _, query := range promqlPattern.FindAllSubmatch(readFile(t, name), -1) {
			file.Groups[0].Rules = append(file.Groups[0].Rules, rule{Alert: "Query", Expr: string(query[1])})
		}
		if len(file.Groups[0].Rules) == 0 {
			t.Errorf("%s has no query", name)
		}
		text, err := yaml.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "queries.yml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		runCommand(t, "promtool", "check", "rules", path)
	}
}

var promqlPattern = regexp.MustCompile("(?s)```promql\n(.*?)```")

// Both runbooks have one section for each alert, in the same order, and no other section.
func TestRunbook(t *testing.T) {
	sections := func(name string) []string {
		var names []string
		for _, found := range sectionPattern.FindAllSubmatch(readFile(t, name), -1) {
			names = append(names, string(found[1]))
		}
		return names
	}
	english := sections("../docs/alerts.md")
	if diff := cmp.Diff(english, sections("../docs/alerts.zh-CN.md")); diff != "" {
		t.Errorf("sections (-English +Chinese):\n%s", diff)
	}
	var names []string
	for _, a := range readAlerts(t) {
		names = append(names, a.Alert)
	}
	slices.Sort(names)
	if diff := cmp.Diff(slices.Compact(names), slices.Sorted(slices.Values(english))); diff != "" {
		t.Errorf("sections (-alerts +docs/alerts.md):\n%s", diff)
	}
}

var sectionPattern = regexp.MustCompile(`(?m)^#+ (KsyunBill\w+)$`)

// The example for Alertmanager is valid, and sends each alert to the receiver that its README names.
func TestAlertmanager(t *testing.T) {
	const config = "../examples/alertmanager/alertmanager.yml"
	runCommand(t, "amtool", "check-config", config)
	for labels, want := range map[string]string{
		"severity=page owner=ads-team":      "oncall,ads-team",
		"severity=page":                     "oncall",
		"severity=warning owner=games-team": "games-team",
		"severity=warning":                  "finops",
		"severity=ticket":                   "finops",
	} {
		args := append([]string{"config", "routes", "test", "--config.file=" + config}, strings.Fields(labels)...)
		if got := strings.TrimSpace(runCommand(t, "amtool", args...)); got != want {
			t.Errorf("%s goes to %s, want %s", labels, got, want)
		}
	}
	for _, language := range []string{"zh", "en"} {
		runCommand(t, "amtool", "template", "render", "--template.glob=../examples/alertmanager/ksyun_bill.tmpl",
			`--template.text={{ template "ksyun_bill.`+language+`" . }}`)
	}
}

// runCommand returns the output of a command. If the command fails, it fails the test with all the output.
func runCommand(t *testing.T, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Errorf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

func listFiles(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("glob %s: %v %v", pattern, names, err)
	}
	return names
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
