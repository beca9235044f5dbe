//go:build e2e

package alerts_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"gopkg.in/yaml.v3"
)

// message is an alert as Alertmanager gives it to a template or a bridge.
type message struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
}

// readMessages returns all alerts that fire in the tests of promtool, which compare their texts: the longest first.
func readMessages(t *testing.T) []message {
	t.Helper()
	var found []message
	for _, name := range listFiles(t, "tests/*_test.yml") {
		var file ruleTest
		if err := yaml.Unmarshal(readFile(t, name), &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range file.Tests {
			for _, a := range c.Alerts {
				for _, e := range a.Expected {
					found = append(found, message{"firing", e.Labels, e.Annotations, time.Unix(1795104000, 0)})
				}
			}
		}
	}
	size := func(m message) int { return len(m.Annotations["summary_zh"] + m.Annotations["description_zh"]) }
	slices.SortStableFunc(found, func(a, b message) int { return size(b) - size(a) })
	return found
}

// Messages are no longer than 企业微信 takes: 2048 bytes by an application, which gets a group of pages, and 4096 by a
// robot, which gets alerts one by one.
// Source: https://developer.work.weixin.qq.com/document/path/90236 and 91770.
func TestMessages(t *testing.T) {
	messages := readMessages(t)
	for _, m := range messages {
		if text := renderBridge(t, m); len(text) > 4096 || !strings.Contains(text, "金山云费用告警") {
			t.Errorf("%d bytes or no keyword:\n%s", len(text), text)
		}
	}
	pages := slices.DeleteFunc(messages, func(m message) bool { return m.Labels["severity"] != "page" })
	longest := pages[0]
	longest.Annotations["runbook_url"] = "https://git.example.com/platform/finops/ksyun_bill_exporter/-/blob/main/" +
		"docs/alerts.md#ksyunbillcostspike"
	over := longest
	over.Status = "resolved"
	group := append(slices.Repeat([]message{longest}, 20), slices.Repeat([]message{over}, 20)...)
	for language, want := range map[string]string{
		"zh": "金山云费用告警：20 条，已恢复 20 条\n",
		"en": "Kingsoft Cloud cost: 20 firing, 20 resolved\n",
	} {
		text := renderGroup(t, language, group)
		if len(text) > 2048 || !strings.HasPrefix(text, want) {
			t.Errorf("%d bytes, want %q first:\n%s", len(text), want, text)
		}
	}
	longest.Annotations["runbook_url"] = ""
	if text := renderGroup(t, "zh", []message{longest}); strings.Contains(text, "手册") {
		t.Errorf("a runbook without an address:\n%s", text)
	}
}

// renderGroup renders the template of Alertmanager.
func renderGroup(t *testing.T, language string, group []message) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"status": "firing", "alerts": group})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return runCommand(t, "amtool", "template", "render", "--template.glob=../examples/alertmanager/ksyun_bill.tmpl",
		"--template.data="+file, `--template.text={{ template "ksyun_bill.`+language+`" . }}`)
}

// renderBridge renders the template of PrometheusAlert, whose functions are these.
func renderBridge(t *testing.T, m message) string {
	t.Helper()
	const path = "../examples/alertmanager/prometheusalert.tmpl"
	functions := template.FuncMap{
		"GetCSTtime":   func(string) string { return "2026-11-20 08:00:00" },
		"reReplaceAll": func(_, _, text string) string { return text },
	}
	bridge, err := template.New(filepath.Base(path)).Funcs(functions).ParseFiles(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"alerts": []message{m}})
	if err != nil {
		t.Fatal(err)
	}
	var data map[string]any
	if err := json.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := bridge.Execute(&out, data); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
