//go:build e2e

package alerts_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// ruleFile is what the tests need of a rule file.
type ruleFile struct{ Groups []group }

type group struct {
	Name  string
	Rules []rule
}

type rule struct {
	Record, Alert, Expr string            `yaml:",omitempty"`
	Labels, Annotations map[string]string `yaml:",omitempty"`
}

// ruleFiles are the files that a user loads, with thresholds.rules.yml among them.
func ruleFiles(t *testing.T) map[string][]rule {
	t.Helper()
	files := map[string][]rule{}
	for _, name := range glob(t, "*.rules.yml") {
		var file ruleFile
		if err := yaml.Unmarshal(read(t, name), &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, group := range file.Groups {
			files[name] = append(files[name], group.Rules...)
		}
	}
	return files
}

func alerts(t *testing.T) []rule {
	t.Helper()
	var found []rule
	for _, rules := range ruleFiles(t) {
		for _, r := range rules {
			if r.Alert != "" {
				found = append(found, r)
			}
		}
	}
	return found
}

// Prometheus and VictoriaMetrics take the rules, and Prometheus does with them what the tests expect.
func TestPromtool(t *testing.T) {
	run(t, "promtool", append([]string{"check", "rules"}, glob(t, "*.rules.yml")...)...)
	run(t, "vmalert", "-dryRun", "-rule=*.rules.yml")
	for _, name := range glob(t, "tests/*_test.yml") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, "promtool", "test", "rules", name)
		})
	}
}

// Every alert is seen firing, with its text, by a test.
func TestEveryAlertFires(t *testing.T) {
	fires := map[string]bool{}
	for _, name := range glob(t, "tests/*_test.yml") {
		var file struct {
			Tests []struct {
				Alerts []struct {
					Name     string `yaml:"alertname"`
					Expected []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		if err := yaml.Unmarshal(read(t, name), &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, test := range file.Tests {
			for _, alert := range test.Alerts {
				fires[alert.Name] = fires[alert.Name] || len(alert.Expected) > 0
			}
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] {
			t.Errorf("no test sees %s fire", a.Alert)
		}
	}
}

// Rules, tests and runbooks know no family that the README does not have.
func TestMetrics(t *testing.T) {
	var known []string
	for _, row := range metricRow.FindAllSubmatch(read(t, "../README.md"), -1) {
		known = append(known, string(row[1]))
	}
	for _, name := range slices.Concat(glob(t, "*.rules.yml"), glob(t, "tests/*.yml"), glob(t, "../docs/alerts*.md")) {
		used := metricUse.FindAllString(string(read(t, name)), -1)
		for _, metric := range slices.Compact(slices.Sorted(slices.Values(used))) {
			if metric != "ksyun_bill_exporter" && !slices.Contains(known, metric) { // the program's own name, in texts
				t.Errorf("%s uses the unknown metric %s", name, metric)
			}
		}
	}
}

var (
	metricRow = regexp.MustCompile("(?m)^\\| `(ksyun_bill_\\w+)` \\|")
	metricUse = regexp.MustCompile(`\bksyun_bill_\w*[a-z]\b`)
)

// Thresholds stand in their file, and nowhere else.
func TestThresholds(t *testing.T) {
	var defined, used []string
	for name, rules := range ruleFiles(t) {
		for _, r := range rules {
			if name == "thresholds.rules.yml" && r.Record == "ksyun_bill:threshold" {
				defined = append(defined, r.Labels["name"])
				continue
			}
			for _, found := range thresholdUse.FindAllStringSubmatch(r.Expr, -1) {
				used = append(used, found[1])
			}
			for _, number := range numbers(r.Expr) {
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
	thresholdUse = regexp.MustCompile(`ksyun_bill:threshold\{name="(\w+)"\}`)
	notNumbers   = regexp.MustCompile(`"[^"]*"|\[\w+\]|offset \w+`)
	number       = regexp.MustCompile(`\b\d+(\.\d+)?\b`)
)

// numbers are those of an expression that no unit, median or neutral element explains.
func numbers(expr string) []string {
	return slices.DeleteFunc(number.FindAllString(notNumbers.ReplaceAllString(expr, ""), -1), func(n string) bool {
		return slices.Contains([]string{"0", "1", "0.5", "86400"}, n)
	})
}

// Who is woken reads what, how much and what to do, in both languages, and finds a section of the runbook.
func TestTexts(t *testing.T) {
	want := []string{"description", "description_zh", "runbook_url", "summary", "summary_zh"}
	for _, a := range alerts(t) {
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
		if want := runbooks + strings.ToLower(a.Alert); a.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is not %s", a.Alert, want)
		}
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// runbooks is an address in the repository, wherever that is.
const runbooks = `{{ range query "ksyun_bill:runbooks" }}{{ or .Labels.url "" }}{{ end -}} docs/alerts.md#`

// The queries of the runbooks are queries.
func TestRunbookQueries(t *testing.T) {
	for _, name := range glob(t, "../docs/alerts*.md") {
		var file ruleFile
		file.Groups = make([]group, 1)
		file.Groups[0].Name = "runbook"
		for _, query := range promqlBlock.FindAllSubmatch(read(t, name), -1) {
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
		run(t, "promtool", "check", "rules", path)
	}
}

var promqlBlock = regexp.MustCompile("(?s)```promql\n(.*?)```")

// Both runbooks have a section for each alert and no other, in one order.
func TestRunbook(t *testing.T) {
	sections := func(name string) []string {
		var names []string
		for _, found := range section.FindAllSubmatch(read(t, name), -1) {
			names = append(names, string(found[1]))
		}
		return names
	}
	english := sections("../docs/alerts.md")
	if diff := cmp.Diff(english, sections("../docs/alerts.zh-CN.md")); diff != "" {
		t.Errorf("sections (-English +Chinese):\n%s", diff)
	}
	var names []string
	for _, a := range alerts(t) {
		names = append(names, a.Alert)
	}
	slices.Sort(names)
	if diff := cmp.Diff(slices.Compact(names), slices.Sorted(slices.Values(english))); diff != "" {
		t.Errorf("sections (-alerts +docs/alerts.md):\n%s", diff)
	}
}

var section = regexp.MustCompile(`(?m)^#+ (KsyunBill\w+)$`)

// The example of Alertmanager is valid, and sends each alert where its README says.
func TestAlertmanager(t *testing.T) {
	const config = "../examples/alertmanager/alertmanager.yml"
	run(t, "amtool", "check-config", config)
	for labels, want := range map[string]string{
		"severity=page owner=ads-team":      "oncall,ads-team",
		"severity=page":                     "oncall",
		"severity=warning owner=games-team": "games-team",
		"severity=warning":                  "finops",
		"severity=ticket":                   "finops",
	} {
		args := append([]string{"config", "routes", "test", "--config.file=" + config}, strings.Fields(labels)...)
		if got := strings.TrimSpace(run(t, "amtool", args...)); got != want {
			t.Errorf("%s goes to %s, want %s", labels, got, want)
		}
	}
	for _, language := range []string{"zh", "en"} {
		run(t, "amtool", "template", "render", "--template.glob=../examples/alertmanager/ksyun_bill.tmpl",
			`--template.text={{ template "ksyun_bill.`+language+`" . }}`)
	}
}

// run fails the test with all that a command says, unless it succeeds; it returns what it prints.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Errorf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &complaints)
	}
	return string(out)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("glob %s: %v %v", pattern, names, err)
	}
	return names
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
