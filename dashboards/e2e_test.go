//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPrometheus(t *testing.T) {
	exporter := startExporter(t, startAPI(t))
	alone := startPrometheus(t, exporter)
	t.Run("queries", func(t *testing.T) { testQueries(t, alone) })
	t.Run("two replicas", func(t *testing.T) { testReplicas(t, alone, startPrometheus(t, exporter, exporter)) })
	t.Run("replicas that disagree", func(t *testing.T) {
		testTorn(t, alone, startPrometheus(t, exporter, older(t, exporter)))
	})
}

// A real Prometheus that scrapes the exporter answers every query of every panel and variable, and every column, axis
// and legend finds its label.
func testQueries(t *testing.T, p prometheus) {
	p.waitFor(t, "increase(ksyun_bill_api_requests_total[1m]) > 0", 1) // nothing has a duration before it is called
	for name, d := range stored(t) {
		one, all := map[string]string{}, map[string]string{}
		for _, v := range d.Templating.List[1:] {
			one[v.Name] = p.options(t, v, all)[0]
			if all[v.Name] = v.AllValue; !v.IncludeAll {
				all[v.Name] = one[v.Name]
			}
		}
		for place, target := range targets(d) {
			answer := p.ask(t, target, all)
			if !slices.ContainsFunc(answer, func(s sample) bool { return !math.IsNaN(s.value) }) {
				t.Errorf("%s: %s has no answer:\n%s", name, place.name, target.Expr)
			}
			if want := tops.FindStringSubmatch(target.Expr); want != nil && want[1] != strconv.Itoa(len(answer)) {
				t.Errorf("%s: %s: %d rows, want %s", name, place.name, len(answer), want[1])
			}
			checkLabels(t, name+": "+place.name, place.panel, target, answer)
			p.ask(t, target, one) // may be nothing, but not an error
		}
	}
}

// tops are queries of which the demo has enough.
var tops = regexp.MustCompile(`topk\((\d+),`)

// targets are the queries of a dashboard, each with its place in it.
func targets(d dashboard) iter.Seq2[place, target] {
	return func(yield func(place, target) bool) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				if !yield(place{p.Title + ", query " + target.RefID, p}, target) {
					return
				}
			}
		}
	}
}

type place struct {
	name  string
	panel panel
}

var everything = map[string]string{"account": ".*", "product": ".*", "project": ".*", "tag": "部门"}

// Two replicas, or two jobs, cost once.
func testReplicas(t *testing.T, alone, two prometheus) {
	for place, target := range targets(decode(t, "ksyun-cost.json")) {
		want, got := alone.ask(t, target, everything), two.ask(t, target, everything)
		if diff := cmp.Diff(want, got, roughly, unexported); diff != "" {
			t.Errorf("%s (-one +two replicas):\n%s", place.name, diff)
		}
	}
}

// Where replicas disagree about names, as during an update, sums stay.
func testTorn(t *testing.T, alone, torn prometheus) {
	for place, target := range targets(decode(t, "ksyun-cost.json")) {
		want, got := sumOf(alone.ask(t, target, everything)), sumOf(torn.ask(t, target, everything))
		if diff := cmp.Diff(want, got, roughly); diff != "" {
			t.Errorf("%s (-one +two replicas):\n%s", place.name, diff)
		}
	}
}

// roughly bears that float sums depend on their order.
var roughly = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })

var unexported = cmp.AllowUnexported(sample{})

func sumOf(samples []sample) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s.value
	}
	return sum
}

// older serves what the exporter shows now, with other names, owners and instance types.
func older(t *testing.T, exporter string) string {
	t.Helper()
	page, err := fetch(t.Context(), "http://"+exporter+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	renamed := regexp.MustCompile(`((?:product|project|instance)_name|owner|product_subtype)="`)
	page = renamed.ReplaceAllString(page, `${1}="old `)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// checkLabels: what a panel takes from the labels of an answer is there.
func checkLabels(t *testing.T, place string, p panel, target target, answer []sample) {
	t.Helper()
	want := legendLabel.FindAllStringSubmatch(target.LegendFormat, -1)
	for _, s := range p.Transformations {
		options, _ := json.Marshal(s["options"])
		want = append(want, stepLabel.FindAllStringSubmatch(string(options), -1)...)
		if include, ok := s["options"].(map[string]any)["include"].(map[string]any); ok {
			checkColumns(t, place, p, include["names"].([]any), answer)
		}
	}
	for _, label := range want {
		if !slices.ContainsFunc(answer, func(s sample) bool { return s.label(label[1]) != "" }) {
			t.Errorf("%s has no label %s", place, label[1])
		}
	}
}

var (
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
	stepLabel   = regexp.MustCompile(`"(?:row|column)Field":"(\w+)"`)
)

// checkColumns: a column is a label that some series of the answer has, or the value of a query.
func checkColumns(t *testing.T, place string, p panel, names []any, answer []sample) {
	t.Helper()
	for _, name := range names {
		name := name.(string)
		if strings.HasPrefix(name, "Value") {
			if !slices.Contains(values(p), name) {
				t.Errorf("%s: no query gives the column %s", place, name)
			}
		} else if !slices.ContainsFunc(answer, func(s sample) bool { return s.label(name) != "" }) {
			t.Errorf("%s: no label gives the column %s", place, name)
		}
	}
}

// values are how Grafana calls the columns of numbers: after their queries where there are several.
func values(p panel) []string {
	if len(p.Targets) == 1 {
		return []string{"Value"}
	}
	var names []string
	for _, target := range p.Targets {
		names = append(names, "Value #"+target.RefID)
	}
	return names
}

// sample is a series of an answer with its newest value.
type sample struct {
	labels string // as Prometheus writes them: sorted by name
	value  float64
}

func (s sample) label(name string) string {
	var labels map[string]string
	_ = json.Unmarshal([]byte(s.labels), &labels)
	return labels[name]
}

// prometheus is a real one.
type prometheus struct{ url string }

// options are the values of a variable that Grafana would offer.
func (p prometheus) options(t *testing.T, v variable, values map[string]string) []string {
	t.Helper()
	var found []string
	if call := labelValuesOf.FindStringSubmatch(v.Definition); call != nil {
		for _, s := range p.query(t, "group by ("+call[2]+") ("+replaced(call[1], values)+")", "") {
			found = append(found, s.label(call[2]))
		}
	} else if call := queryResultOf.FindStringSubmatch(v.Definition); call != nil {
		for _, s := range p.query(t, replaced(call[1], values), "") {
			found = append(found, idAndName(t, v, s))
		}
	}
	if len(found) == 0 || slices.Contains(found, "") {
		t.Fatalf("variable %s: %s gives %q", v.Name, v.Definition, found)
	}
	return found
}

var (
	labelValuesOf = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	queryResultOf = regexp.MustCompile(`^query_result\((.+)\)$`)
)

// idAndName does as Grafana does with query_result and a regular expression: all matches of the series as text, of
// which the group value becomes the value, and the group text the text.
func idAndName(t *testing.T, v variable, s sample) string {
	t.Helper()
	var labels map[string]string
	if err := json.Unmarshal([]byte(s.labels), &labels); err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		text += label + `="` + labels[label] + `",`
	}
	groups := map[string]string{}
	pattern := regexp.MustCompile(strings.TrimSuffix(strings.TrimPrefix(v.Regex, "/"), "/g"))
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		for i, name := range pattern.SubexpNames() {
			if match[i] != "" {
				groups[name] = match[i]
			}
		}
	}
	id := labels[v.Name+map[string]string{"product": "_code", "project": "_id"}[v.Name]]
	if name := labels[v.Name+"_name"]; groups["value"] != id || groups["text"] != name {
		t.Errorf("variable %s: %v from %s", v.Name, groups, text)
	}
	return groups["value"]
}

// ask returns the newest answer to a query, with values for the variables.
func (p prometheus) ask(t *testing.T, target target, values map[string]string) []sample {
	t.Helper()
	if target.Range {
		// One step, in the second that is under way: a name that changed before it has a series of its own.
		at := time.Now().Unix() + 1
		return p.query(t, replaced(target.Expr, values), fmt.Sprintf("_range?start=%d&end=%d&step=1", at, at))
	}
	return p.query(t, replaced(target.Expr, values), "")
}

func replaced(expr string, values map[string]string) string {
	expr = strings.ReplaceAll(expr, "$__rate_interval", "30s")
	for name, value := range values {
		expr = strings.ReplaceAll(expr, "$"+name, value)
	}
	return expr
}

func (p prometheus) query(t *testing.T, expr, how string) []sample {
	t.Helper()
	if how == "" {
		how = "?"
	}
	text, err := fetch(t.Context(), p.url+"/api/v1/query"+how+"&query="+url.QueryEscape(expr))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric json.RawMessage
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%s: %v in %s", expr, err, text)
	}
	var samples []sample
	for _, series := range answer.Data.Result {
		last := series.Value
		if len(series.Values) > 0 {
			last = series.Values[len(series.Values)-1]
		}
		value, err := strconv.ParseFloat(fmt.Sprint(last[1]), 64)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		samples = append(samples, sample{string(series.Metric), value})
	}
	slices.SortFunc(samples, func(a, b sample) int { return strings.Compare(a.labels, b.labels) })
	return samples
}

// startPrometheus returns one that scrapes all targets, each as a job of its own, and has done so often enough for
// rate(): twice. A scrape may take as long as the interval, which a busy machine needs.
func startPrometheus(t *testing.T, targets ...string) prometheus {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	config := "global: {scrape_interval: 3s}\nscrape_configs:\n"
	for i, target := range targets {
		config += fmt.Sprintf("- {job_name: ksyun_%d, static_configs: [{targets: ['%s']}]}\n", i, target)
	}
	write(t, filepath.Join(dir, "prometheus.yml"), config)
	start(t, "prometheus", "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/data",
		"--web.listen-address="+address)
	p := prometheus{"http://" + address}
	waitFor(t, p.url+"/-/ready", "")
	p.waitFor(t, "sum_over_time(up[1m]) >= 2", len(targets))
	return p
}

// waitFor returns once a query has so many answers, or more.
func (p prometheus) waitFor(t *testing.T, expr string, answers int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for len(p.query(t, expr, "")) < answers {
		if time.Now().After(deadline) {
			t.Fatalf("fewer than %d answers to %s", answers, expr)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// startExporter returns the address of the program once it has all that the API has. It goes on asking, so that there
// are calls to count.
func startExporter(t *testing.T, api string) string {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	write(t, filepath.Join(dir, "config.yaml"), strings.ReplaceAll(config, "API", api))
	run(t, "go", "build", "-o", dir+"/exporter", "..")
	start(t, dir+"/exporter", "--config.file="+dir+"/config.yaml", "--web.listen-address="+address)
	for _, account := range []string{"shop", "game"} {
		for _, want := range []string{
			`ksyun_bill_source_lines{account="` + account + `",source="detail_bill"}`,
			`ksyun_bill_source_lines{account="` + account + `",source="detail_consume"}`,
			`ksyun_bill_source_lines{account="` + account + `",source="project_summary"}`,
			`ksyun_bill_unreconciled_cost_cny{account="` + account + `",months_ago="1"`,
			`ksyun_bill_past_month_to_date_account_cost_cny{account="` + account + `"`,
		} {
			waitFor(t, "http://"+address+"/metrics", want)
		}
	}
	return address
}

// config shows everything that can be shown: tags, owners, budgets of all kinds, folded instances.
const config = `
accounts:
  - {name: shop, access_key_id: DEMOSHOPACCESSKEY, secret_access_key: demo-shop-secret-key}
  - {name: game, access_key_id: DEMOGAMEACCESSKEY, secret_access_key: demo-game-secret-key}
api: {endpoint: 'API', union_endpoint: 'API', requests_per_second: 20}
refresh: {interval: 2s}
instances: {max_series: 100, tags: [{key: 部门, label: department}]}
projects:
  - {account: shop, id: "103801", owner: trade-team, cost_center: "4711"}
budgets:
  - {account: shop, monthly: "600000"}
  - {account: shop, product: KEC, monthly: "120000"}
  - {account: game, project: "210034", monthly: "80000"}
`
