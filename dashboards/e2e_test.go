//go:build e2e

package main

import (
	"encoding/json"
	"io"
	"iter"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/peers"

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
func testQueries(t *testing.T, p peers.Prometheus) {
	p.Await(t, "increase(ksyun_bill_api_requests_total[1m]) > 0", 1) // nothing has a duration before it is called
	for name, d := range stored(t) {
		one, all := map[string]string{}, map[string]string{}
		for _, v := range d.Templating.List[1:] {
			one[v.Name] = options(t, p, v, all)[0]
			if all[v.Name] = v.AllValue; !v.IncludeAll {
				all[v.Name] = one[v.Name]
			}
		}
		for place, target := range targets(d) {
			answer := ask(t, p, target, all)
			if !slices.ContainsFunc(answer, func(s peers.Series) bool { return !math.IsNaN(s.Value()) }) {
				t.Errorf("%s: %s has no answer:\n%s", name, place.name, target.Expr)
			}
			if want := tops.FindStringSubmatch(target.Expr); want != nil && want[1] != strconv.Itoa(len(answer)) {
				t.Errorf("%s: %s: %d rows, want %s", name, place.name, len(answer), want[1])
			}
			checkLabels(t, name+": "+place.name, place.panel, target, answer)
			ask(t, p, target, one) // may be nothing, but not an error
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
func testReplicas(t *testing.T, alone, two peers.Prometheus) {
	for place, target := range targets(decode(t, "ksyun-cost.json")) {
		want, got := ask(t, alone, target, everything), ask(t, two, target, everything)
		if diff := cmp.Diff(want, got, roughly); diff != "" {
			t.Errorf("%s (-one +two replicas):\n%s", place.name, diff)
		}
	}
}

// Where replicas disagree about names, as during an update, sums stay.
func testTorn(t *testing.T, alone, torn peers.Prometheus) {
	for place, target := range targets(decode(t, "ksyun-cost.json")) {
		want, got := sumOf(ask(t, alone, target, everything)), sumOf(ask(t, torn, target, everything))
		if diff := cmp.Diff(want, got, roughly); diff != "" {
			t.Errorf("%s (-one +two replicas):\n%s", place.name, diff)
		}
	}
}

// roughly bears that float sums depend on their order.
var roughly = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })

func sumOf(samples []peers.Series) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s.Value()
	}
	return sum
}

// older serves what the exporter shows now, with other names, owners and instance types.
func older(t *testing.T, exporter string) string {
	t.Helper()
	renamed := regexp.MustCompile(`((?:product|project|instance)_name|owner|product_subtype)="`)
	page := renamed.ReplaceAllString(peers.Get(t, "http://"+exporter+"/metrics"), `${1}="old `)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// checkLabels: what a panel takes from the labels of an answer is there.
func checkLabels(t *testing.T, place string, p panel, target target, answer []peers.Series) {
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
		if !slices.ContainsFunc(answer, func(s peers.Series) bool { return s.Labels[label[1]] != "" }) {
			t.Errorf("%s has no label %s", place, label[1])
		}
	}
}

var (
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
	stepLabel   = regexp.MustCompile(`"(?:row|column)Field":"(\w+)"`)
)

// checkColumns: a column is a label that some series of the answer has, or the value of a query.
func checkColumns(t *testing.T, place string, p panel, names []any, answer []peers.Series) {
	t.Helper()
	for _, name := range names {
		name := name.(string)
		if strings.HasPrefix(name, "Value") {
			if !slices.Contains(values(p), name) {
				t.Errorf("%s: no query gives the column %s", place, name)
			}
		} else if !slices.ContainsFunc(answer, func(s peers.Series) bool { return s.Labels[name] != "" }) {
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

// options are the values of a variable that Grafana would offer.
func options(t *testing.T, p peers.Prometheus, v variable, values map[string]string) []string {
	t.Helper()
	var found []string
	if call := labelValuesOf.FindStringSubmatch(v.Definition); call != nil {
		for _, s := range p.Query(t, "group by ("+call[2]+") ("+replaced(call[1], values)+")") {
			found = append(found, s.Labels[call[2]])
		}
	} else if call := queryResultOf.FindStringSubmatch(v.Definition); call != nil {
		for _, s := range p.Query(t, replaced(call[1], values)) {
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
func idAndName(t *testing.T, v variable, s peers.Series) string {
	t.Helper()
	text := ""
	for _, label := range slices.Sorted(maps.Keys(s.Labels)) {
		text += label + `="` + s.Labels[label] + `",`
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
	id := s.Labels[v.Name+map[string]string{"product": "_code", "project": "_id"}[v.Name]]
	if name := s.Labels[v.Name+"_name"]; groups["value"] != id || groups["text"] != name {
		t.Errorf("variable %s: %v from %s", v.Name, groups, text)
	}
	return groups["value"]
}

// ask returns the newest answer to a query, with values for the variables.
func ask(t *testing.T, p peers.Prometheus, target target, values map[string]string) []peers.Series {
	t.Helper()
	if target.Range {
		// One step, in the second that is under way: a name that changed before it has a series of its own.
		at := time.Now().Add(time.Second)
		return p.QueryRange(t, replaced(target.Expr, values), at, at, time.Second)
	}
	return p.Query(t, replaced(target.Expr, values))
}

func replaced(expr string, values map[string]string) string {
	expr = strings.ReplaceAll(expr, "$__rate_interval", "30s")
	for name, value := range values {
		expr = strings.ReplaceAll(expr, "$"+name, value)
	}
	return expr
}

// startPrometheus returns one that scrapes all targets, each as a job of its own, and has done so often enough for
// rate(): twice. A scrape may take as long as the interval, which a busy machine needs.
func startPrometheus(t *testing.T, targets ...string) peers.Prometheus {
	t.Helper()
	p := peers.StartPrometheus(t, t.TempDir(), peers.Scrape(3*time.Second, targets...))
	p.Await(t, "sum_over_time(up[1m]) >= 2", len(targets))
	return p
}

// startAPI serves the demo's bills as on the middle of this month, so that the tests see the same on the 1st as on any
// other day.
func startAPI(t *testing.T) string {
	t.Helper()
	beijing := time.Now().In(time.FixedZone("UTC+8", 8*60*60))
	middle := time.Date(beijing.Year(), beijing.Month(), 15, 12, 0, 0, 0, beijing.Location())
	server := httptest.NewServer(billsim.New(billsim.Demo(func() time.Time { return middle })))
	t.Cleanup(server.Close)
	return server.URL
}

// startExporter returns the address of the program once it has all that the API has. It goes on asking, so that there
// are calls to count.
func startExporter(t *testing.T, api string) string {
	t.Helper()
	dir, address := t.TempDir(), peers.FreeAddress(t)
	if err := os.WriteFile(dir+"/config.yaml", []byte(strings.ReplaceAll(config, "API", api)), 0o600); err != nil {
		t.Fatal(err)
	}
	peers.Run(t, "go", "build", "-o", dir+"/exporter", "..")
	peers.Start(t, exec.CommandContext(t.Context(), dir+"/exporter",
		"--config.file="+dir+"/config.yaml", "--web.listen-address="+address))
	for _, account := range []string{"shop", "game"} {
		for _, want := range []string{
			`ksyun_bill_source_items{account="` + account + `",source="detail_bill"}`,
			`ksyun_bill_source_items{account="` + account + `",source="detail_consume"}`,
			`ksyun_bill_source_items{account="` + account + `",source="project_summary"}`,
			`ksyun_bill_unreconciled_cost_cny{account="` + account + `",months_ago="1"`,
			`ksyun_bill_past_month_to_date_account_cost_cny{account="` + account + `"`,
		} {
			peers.Await(t, "http://"+address+"/metrics", want)
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
