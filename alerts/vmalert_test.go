//go:build e2e

package alerts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// ruleTest is a file of tests for promtool.
type ruleTest struct {
	RuleFiles []string `yaml:"rule_files"`
	Order     []string `yaml:"group_eval_order"`
	Tests     []ruleCase
}

type ruleCase struct {
	Name     string
	Interval time.Duration
	Series   []inputSeries `yaml:"input_series"`
	Alerts   []alertCase   `yaml:"alert_rule_test"`
}

type inputSeries struct{ Series, Values string }

type alertCase struct {
	Time     time.Duration `yaml:"eval_time"`
	Name     string        `yaml:"alertname"`
	Expected []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

// What promtool sees fire is what vmalert makes fire: the same series are written to a VictoriaMetrics, vmalert replays
// the rules over their time, and whoever fires when a test of promtool looks has the same labels. The tests share one
// VictoriaMetrics, each with accounts of its own; a test of an alert without an account, or that lasts for days, has
// one for itself.
func TestVmalert(t *testing.T) {
	t.Parallel()
	shared := &replay{}
	var replays []*replay
	for _, name := range listFiles(t, "tests/*_test.yml") {
		var file ruleTest
		if err := yaml.Unmarshal(readFile(t, name), &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range file.Tests {
			if isGlobal(c) || c.end() > 24*time.Hour {
				replays = append(replays, &replay{rules: file.groups(t)})
				replays[len(replays)-1].add(t, c)
				continue
			}
			if rules := file.groups(t); len(rules) > len(shared.rules) {
				shared.rules = rules
			}
			shared.add(t, c)
		}
	}
	for _, r := range append(replays, shared) {
		t.Run(r.cases[0].Name, func(t *testing.T) {
			t.Parallel()
			r.run(t)
		})
	}
}

// isGlobal reports whether a test expects an alert that is of no account and no exporter.
func isGlobal(c ruleCase) bool {
	for _, a := range c.Alerts {
		for _, e := range a.Expected {
			if e.Labels["account"] == "" && e.Labels["job"] == "" {
				return true
			}
		}
	}
	return false
}

// groups returns the rules of the test in the order in which they are evaluated. Annotations are left out: vmalert does
// not answer their queries in a replay.
func (f ruleTest) groups(t *testing.T) []ruleGroup {
	t.Helper()
	var groups []ruleGroup
	for _, name := range f.RuleFiles {
		groups = append(groups, readGroups(t, filepath.Join("tests", name))...)
	}
	for _, g := range groups {
		for i := range g.Rules {
			r := &g.Rules[i]
			r.Annotations = nil
			r.Expr = instantPattern.ReplaceAllStringFunc(r.Expr, func(at string) string {
				seconds, _ := strconv.ParseInt(at[2:], 10, 64)
				return fmt.Sprint("@ ", replayStart.Unix()+seconds)
			})
		}
	}
	slices.SortFunc(groups, func(a, b ruleGroup) int {
		return slices.Index(f.Order, a.Name) - slices.Index(f.Order, b.Name)
	})
	return groups
}

// replayStart is what stands for time 0 of the tests: VictoriaMetrics has nothing before 1970, to which rules look
// back.
var replayStart = time.Unix(0, 0).UTC().AddDate(0, 0, 100)

var instantPattern = regexp.MustCompile(`@ \d+`)

// replay is what one VictoriaMetrics gets and is asked.
type replay struct {
	rules  []ruleGroup
	cases  []ruleCase
	series bytes.Buffer // in the format of VictoriaMetrics' import
}

// own returns the labels of a test with its own account and job.
func (r *replay) own(n int, labels map[string]string) map[string]string {
	own := maps.Clone(labels)
	for _, name := range []string{"account", "job"} {
		if own[name] != "" {
			own[name] = fmt.Sprintf("%d.%s", n, own[name])
		}
	}
	return own
}

func (r *replay) add(t *testing.T, c ruleCase) {
	t.Helper()
	for _, s := range c.Series {
		name, rest, _ := strings.Cut(s.Series, "{")
		labels := map[string]string{"__name__": name}
		for _, found := range labelPattern.FindAllStringSubmatch(rest, -1) {
			labels[found[1]] = found[2]
		}
		line := importLine{Metric: r.own(len(r.cases), labels)}
		for i, value := range expandValues(t, s.Values) {
			if value == nil {
				continue
			}
			if strings.HasSuffix(name, "_timestamp_seconds") {
				*value += float64(replayStart.Unix())
			}
			line.Values = append(line.Values, *value)
			line.Timestamps = append(line.Timestamps, replayStart.Add(time.Duration(i)*c.Interval).UnixMilli())
		}
		if err := json.NewEncoder(&r.series).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	r.cases = append(r.cases, c)
}

// importLine is a series as VictoriaMetrics imports it.
// Source: https://docs.victoriametrics.com/#how-to-import-data-in-json-line-format.
type importLine struct {
	Metric     map[string]string `json:"metric"`
	Values     []float64         `json:"values"`
	Timestamps []int64           `json:"timestamps"`
}

var (
	labelPattern = regexp.MustCompile(`(\w+)="([^"]*)"`)
	valuePattern = regexp.MustCompile(`^(_|stale|-?[\d.]+)(?:([+-][\d.]+))?(?:x(\d+))?$`)
)

// expandValues returns the values that promtool makes of its notation; nil where there is none.
// Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series.
func expandValues(t *testing.T, notation string) []*float64 {
	t.Helper()
	var values []*float64
	for _, word := range strings.Fields(notation) {
		found := valuePattern.FindStringSubmatch(word)
		if found == nil {
			t.Fatalf("%s: not a value", word)
		}
		times, _ := strconv.Atoi(found[3])
		first, err := strconv.ParseFloat(found[1], 64)
		if err != nil { // _ or stale
			values = append(values, make([]*float64, max(times, 1))...)
			continue
		}
		step, _ := strconv.ParseFloat(found[2], 64)
		for n := range times + 1 {
			value := first + step*float64(n)
			values = append(values, &value)
		}
	}
	return values
}

func (r *replay) run(t *testing.T) {
	victoria := peers.StartVictoriaMetrics(t, "-loggerLevel=ERROR", "-search.disableCache",
		"-search.minStalenessInterval=5m") // what vmalert asks for when it does not replay
	if err := request(t.Context(), http.MethodPost, victoria.URL+"/api/v1/import", r.series.String()); err != nil {
		t.Fatal(err)
	}
	peers.Get(t, victoria.URL+"/internal/force_flush")
	for _, g := range r.rules {
		for _, one := range g.Rules {
			r.evaluate(t, victoria, ruleGroup{g.Name, g.Interval, []rule{one}})
		}
	}
	for n, c := range r.cases {
		for _, a := range c.Alerts {
			var want []string
			for _, e := range a.Expected {
				want = append(want, fmt.Sprint(r.own(n, e.Labels)))
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, r.firing(t, victoria, n, a)); diff != "" {
				t.Errorf("%s: %s at %s (-promtool +vmalert):\n%s", c.Name, a.Name, a.Time, diff)
			}
		}
	}
}

// firing returns the labels of who fires when a test looks.
func (r *replay) firing(t *testing.T, victoria peers.Prometheus, n int, a alertCase) []string {
	t.Helper()
	at := replayStart.Add(a.Time)
	var found []string
	query := fmt.Sprintf("ALERTS{alertname=%q,alertstate=\"firing\"}", a.Name)
	for _, s := range victoria.QueryRange(t, query, at, at, time.Minute) {
		labels := s.Labels
		own := labels["account"] + labels["job"]
		if own != "" && !strings.HasPrefix(own, strconv.Itoa(n)+".") {
			continue
		}
		for _, name := range []string{"__name__", "alertname", "alertstate", "alertgroup"} {
			delete(labels, name)
		}
		found = append(found, fmt.Sprint(labels))
	}
	slices.Sort(found)
	return found
}

// end returns after which time a test looks for the last time.
func (c ruleCase) end() time.Duration {
	var end time.Duration
	for _, a := range c.Alerts {
		end = max(end, a.Time)
	}
	return end
}

// end returns when the last test looks.
func (r *replay) end() time.Time {
	var end time.Duration
	for _, c := range r.cases {
		end = max(end, c.end())
	}
	return replayStart.Add(end)
}

// evaluate replays a rule over the time of all tests. Once vmalert has ended, all that it recorded can be seen. It
// sends whole series: VictoriaMetrics refuses, in silence, batches of many long ones.
func (r *replay) evaluate(t *testing.T, victoria peers.Prometheus, group ruleGroup) {
	t.Helper()
	text, err := yaml.Marshal(ruleFile{[]ruleGroup{group}})
	if err != nil {
		t.Fatal(err)
	}
	peers.Run(t, "vmalert", "-rule="+writeFile(t, string(text)), "-httpListenAddr="+peers.FreeAddress(t),
		"-datasource.url="+victoria.URL, "-datasource.queryStep=1m", "-evaluationInterval=1m",
		"-remoteWrite.url="+victoria.URL, "-remoteWrite.flushInterval=10ms", "-remoteWrite.maxBatchSize=20",
		"-replay.rulesDelay=1ms", "-replay.maxDatapointsPerQuery=10000",
		"-replay.timeFrom="+replayStart.Format(time.RFC3339), "-replay.timeTo="+r.end().Format(time.RFC3339))
	peers.Get(t, victoria.URL+"/internal/force_flush")
}

func request(ctx context.Context, method, url, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		err = errors.New(url + ": " + response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

// What vmalert says of the demo is what Prometheus says, to the letter: its templates have the same functions, and
// their queries find what the rules recorded.
func TestVmalertTexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range listFiles(t, "*.rules.yml") {
		rules := waitPattern.ReplaceAll(readFile(t, name), nil)
		if err := os.WriteFile(filepath.Join(dir, name), rules, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scrape := peers.Scrape(time.Second, startDemo(t, dir))
	victoria := peers.StartVictoriaMetrics(t, "-search.latencyOffset=0s", "-promscrape.config="+writeFile(t, scrape))
	alertmanager := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(alertmanager.Close)
	vmalert := peers.FreeAddress(t)
	peers.Start(t, exec.CommandContext(t.Context(), "vmalert", "-rule="+dir+"/*.rules.yml", "-httpListenAddr="+vmalert,
		"-datasource.url="+victoria.URL, "-remoteWrite.url="+victoria.URL, "-remoteWrite.flushInterval=100ms",
		"-evaluationInterval=1s", "-disableAlertgroupLabel", "-notifier.url="+alertmanager.URL))
	prometheus := peers.StartPrometheus(t, dir, strings.Replace(scrape,
		"global: {", "rule_files: ["+dir+"/*.rules.yml]\nglobal: {evaluation_interval: 1s, ", 1))
	prometheus.Await(t, `count_over_time(ALERTS{alertstate="firing"}[1m]) >= 5`, 1)

	var diff string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		peers.Get(t, victoria.URL+"/internal/force_flush") // a new series is found half a minute later otherwise
		want := firingTexts(t, prometheus.URL)
		if diff = cmp.Diff(want, firingTexts(t, "http://"+vmalert)); diff == "" && len(want) > 0 {
			return
		}
	}
	t.Errorf("texts (-Prometheus +vmalert):\n%s", diff)
}

// firingTexts returns the annotations of all alerts that fire, by their labels.
func firingTexts(t *testing.T, url string) map[string]map[string]string {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				State               string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(peers.Get(t, url+"/api/v1/alerts")), &answer); err != nil {
		t.Fatal(err)
	}
	texts := map[string]map[string]string{}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			texts[fmt.Sprint(a.Labels)] = a.Annotations
		}
	}
	return texts
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
