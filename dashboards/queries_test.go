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
	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// TestPrometheus runs the queries of the dashboards in a real Prometheus.
func TestPrometheus(t *testing.T) {
	exporter, rare := startExporter(t, startAPI(t)), serveRare(t)
	alone := startPrometheus(t, exporter, rare)
	t.Run("queries", func(t *testing.T) { testQueries(t, alone) })
	t.Run("two replicas", func(t *testing.T) {
		two := startPrometheus(t, exporter, exporter, rare)
		testReplicas(t, alone, two)
		testReplicaCount(t, two)
	})
	t.Run("replicas that disagree", func(t *testing.T) {
		testDisagreement(t, alone, startPrometheus(t, exporter, serveOldNames(t, exporter), rare))
	})
}

// testQueries checks that a real Prometheus that scrapes the exporter answers every query of every panel and variable,
// and that the answers have the labels of every column, axis and legend.
func testQueries(t *testing.T, p peers.Prometheus) {
	p.Await(t, "increase(ksyun_bill_api_requests_total[1m]) > 0", 1) // durations exist only after a call
	for name, d := range readDashboards(t) {
		one, all := map[string]string{}, map[string]string{}
		for _, v := range d.Templating.List[1:] {
			if v.Type == "custom" {
				one[v.Name], all[v.Name] = v.Options[1]["value"].(string), v.Current["value"].(string)
				continue
			}
			options := variableOptions(t, p, v, all)
			one[v.Name] = options[0]
			if all[v.Name] = v.AllValue; !v.IncludeAll {
				all[v.Name] = one[v.Name]
			} else if v.AllValue == "" { // then Grafana lists all options
				all[v.Name] = "(" + strings.Join(options, "|") + ")"
			}
		}
		for place, target := range dashboardTargets(d) {
			answer := runTarget(t, p, target, all)
			if !slices.ContainsFunc(answer, func(s peers.Series) bool { return !math.IsNaN(s.Value()) }) {
				t.Errorf("%s: %s has no answer:\n%s", name, place.name, target.Expr)
			}
			if want := topPattern.FindStringSubmatch(target.Expr); want != nil && want[1] != strconv.Itoa(len(answer)) {
				t.Errorf("%s: %s: %d rows, want %s", name, place.name, len(answer), want[1])
			}
			checkLabels(t, name+": "+place.name, place.panel, target, answer)
			runTarget(t, p, target, one) // it may be empty, but not an error
		}
		for _, query := range annotationQueries(d) {
			p.Query(t, replaceVariables(query, all)) // likewise
		}
	}
}

// serveRare serves what the demo does not have: alerts, as Prometheus itself has them, what is new and what has
// vanished, and a bill that has changed. It returns the address.
func serveRare(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, rarePage)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

const rarePage = `
ALERTS{alertname="KsyunBillCostSpike",alertstate="firing",account="shop",scope="project_product",product_code="EIP",` +
	`project_id="103801",product_name="EIP",project_name="trade",owner="trade-team"} 1
ksyun_bill_past_month_restated_cny{account="shop",months_ago="1",product_code="KEC"} -120.5
ksyun_bill_product_info{account="shop",product_code="NEW",product_name="Just come"} 1
ksyun_bill_product_cost_cny{account="shop",pay_mode="postpaid",product_code="NEW"} 10
`

// topPattern finds queries for the largest series. The demo has at least as many series as they ask for.
var topPattern = regexp.MustCompile(`topk\((\d+),`)

// dashboardTargets returns the queries of a dashboard, each with its place in it.
func dashboardTargets(d dashboard) iter.Seq2[place, target] {
	return func(yield func(place, target) bool) {
		for _, p := range allPanels(d.Panels) {
			for _, target := range p.Targets {
				if !yield(place{p.Title + ", query " + target.RefID, p}, target) {
					return
				}
			}
		}
	}
}

// place is where a query stands in its dashboard.
type place struct {
	name  string
	panel panel
}

// allValues chooses everything in each variable.
var allValues = map[string]string{"account": ".*", "product": ".*", "project": ".*", "tag": "部门", "by": "product"}

// testReplicas checks that a cost counts once if two replicas or two jobs expose it.
func testReplicas(t *testing.T, alone, two peers.Prometheus) {
	for place, target := range dashboardTargets(readDashboard(t, "ksyun-cost.json")) {
		want, got := runTarget(t, alone, target, allValues), runTarget(t, two, target, allValues)
		if diff := cmp.Diff(want, got, approximately); diff != "" {
			t.Errorf("%s (-one +two replicas):\n%s", place.name, diff)
		}
	}
}

// testDisagreement checks that sums stay the same if replicas disagree about names, as during an update.
func testDisagreement(t *testing.T, alone, disagreeing peers.Prometheus) {
	for place, target := range dashboardTargets(readDashboard(t, "ksyun-cost.json")) {
		want := sumValues(runTarget(t, alone, target, allValues))
		got := sumValues(runTarget(t, disagreeing, target, allValues))
		if diff := cmp.Diff(want, got, approximately); diff != "" {
			t.Errorf("%s (-one +two replicas):\n%s", place.name, diff)
		}
	}
}

// approximately ignores rounding errors: the sum of floats depends on their order.
var approximately = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })

func sumValues(samples []peers.Series) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s.Value()
	}
	return sum
}

// serveOldNames serves what the exporter shows now, with other names, owners and instance types, and returns its
// address.
func serveOldNames(t *testing.T, exporter string) string {
	t.Helper()
	renamed := regexp.MustCompile(`((?:product|project|instance)_name|owner|product_subtype)="`)
	page := renamed.ReplaceAllString(peers.Get(t, "http://"+exporter+"/metrics"), `${1}="old `)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// checkLabels checks that the answer has the labels that the panel uses.
func checkLabels(t *testing.T, place string, p panel, target target, answer []peers.Series) {
	t.Helper()
	want := legendPattern.FindAllStringSubmatch(target.LegendFormat, -1)
	for _, s := range p.Transformations {
		options, _ := json.Marshal(s["options"])
		want = append(want, stepPattern.FindAllStringSubmatch(string(options), -1)...)
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
	legendPattern = regexp.MustCompile(`\{\{(\w+)\}\}`)
	stepPattern   = regexp.MustCompile(`"(?:row|column)Field":"([a-z]\w*)"`) // Time is Grafana's own
)

// checkColumns checks that each column is a label of some series of the answer, or the value of a query.
func checkColumns(t *testing.T, place string, p panel, names []any, answer []peers.Series) {
	t.Helper()
	for _, name := range names {
		name := name.(string)
		if strings.HasPrefix(name, "Value") {
			if !slices.Contains(valueColumns(p), name) {
				t.Errorf("%s: no query gives the column %s", place, name)
			}
		} else if !slices.ContainsFunc(answer, func(s peers.Series) bool { return s.Labels[name] != "" }) {
			t.Errorf("%s: no label gives the column %s", place, name)
		}
	}
}

// valueColumns returns the names that Grafana gives to the columns of values: with the query if there are several.
func valueColumns(p panel) []string {
	if len(p.Targets) == 1 {
		return []string{"Value"}
	}
	var names []string
	for _, target := range p.Targets {
		names = append(names, "Value #"+target.RefID)
	}
	return names
}

// variableOptions returns the values that Grafana would offer for a variable.
func variableOptions(t *testing.T, p peers.Prometheus, v variable, values map[string]string) []string {
	t.Helper()
	var found []string
	if call := labelValuesPattern.FindStringSubmatch(v.Definition); call != nil {
		for _, s := range p.Query(t, "group by ("+call[2]+") ("+replaceVariables(call[1], values)+")") {
			found = append(found, s.Labels[call[2]])
		}
	} else if call := queryResultPattern.FindStringSubmatch(v.Definition); call != nil {
		for _, s := range p.Query(t, replaceVariables(call[1], values)) {
			found = append(found, parseOption(t, v, s))
		}
	}
	if len(found) == 0 || slices.Contains(found, "") {
		t.Fatalf("variable %s: %s gives %q", v.Name, v.Definition, found)
	}
	return found
}

var (
	labelValuesPattern = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	queryResultPattern = regexp.MustCompile(`^query_result\((.+)\)$`)
)

// parseOption returns the value of a variable's option as Grafana takes it from query_result with a regular expression:
// it matches the series as text, and the groups called value and text are the option's value and text.
func parseOption(t *testing.T, v variable, s peers.Series) string {
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

// runTarget returns the newest answer to a query, with values for the variables.
func runTarget(t *testing.T, p peers.Prometheus, target target, values map[string]string) []peers.Series {
	t.Helper()
	if target.Range {
		// One step at the end of the current second: an earlier step could still have a series with an older name.
		at := time.Now().Add(time.Second)
		return p.QueryRange(t, replaceVariables(target.Expr, values), at, at, time.Second)
	}
	return p.Query(t, replaceVariables(target.Expr, values))
}

func replaceVariables(expr string, values map[string]string) string {
	expr = strings.ReplaceAll(expr, "$__rate_interval", "30s")
	for name, value := range values {
		expr = strings.ReplaceAll(expr, "$"+name, value)
	}
	return expr
}

// startPrometheus returns a Prometheus that scrapes each target as a job of its own. It has scraped each target twice,
// which rate() needs. The interval leaves a busy machine time for a scrape.
func startPrometheus(t *testing.T, targets ...string) peers.Prometheus {
	t.Helper()
	p := peers.StartPrometheus(t, t.TempDir(), peers.Scrape(3*time.Second, targets...))
	p.Await(t, "sum_over_time(up[1m]) >= 2", len(targets))
	return p
}

// startAPI serves the demo's bills as of the middle of this month, so that the tests have the same data on every day.
// It returns the URL.
func startAPI(t *testing.T) string {
	t.Helper()
	beijing := time.Now().In(time.FixedZone("UTC+8", 8*60*60))
	middle := time.Date(beijing.Year(), beijing.Month(), 15, 12, 0, 0, 0, beijing.Location())
	server := httptest.NewServer(billsim.New(billsim.Demo(func() time.Time { return middle })))
	t.Cleanup(server.Close)
	return server.URL
}

// startExporter returns the address of the program after it has read everything from the API. The program goes on with
// its refreshes, so that the number of calls grows.
func startExporter(t *testing.T, api string) string {
	t.Helper()
	dir, address := t.TempDir(), peers.FreeAddress(t)
	config := strings.ReplaceAll(exporterConfig, "API", api)
	if err := os.WriteFile(dir+"/config.yaml", []byte(config), 0o600); err != nil {
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
			`ksyun_bill_account_balance_cny{account="` + account + `"`,
			`ksyun_bill_prepaid_expiry_timestamp_seconds{account="` + account + `"`,
		} {
			peers.Await(t, "http://"+address+"/metrics", want)
		}
	}
	return address
}

// exporterConfig makes the exporter show everything that it can: tags, owners, budgets of all kinds, folded instances.
const exporterConfig = `
accounts:
  - {name: shop, access_key_id: DEMOSHOPACCESSKEY, secret_access_key: demo-shop-secret-key}
  - {name: game, access_key_id: DEMOGAMEACCESSKEY, secret_access_key: demo-game-secret-key}
api: {endpoint: 'API', union_endpoint: 'API', pay_endpoint: 'API', trade_endpoint: 'API', requests_per_second: 20}
refresh: {interval: 2s}
instances: {max_series: 100, tags: [{key: 部门, label: department}]}
projects:
  - {account: shop, id: "0", owner: operations}
  - {account: shop, id: "103801", owner: trade-team, cost_center: "4711"}
  - {account: shop, id: "103802", owner: search-team}
  - {account: shop, id: "103805", owner: logistics-team}
  - {account: shop, id: "103809", owner: data-team}
  - {account: shop, id: "103817", owner: platform-team}
budgets:
  - {account: shop, monthly: "600000"}
  - {account: shop, product: KEC, monthly: "120000", pay_modes: [postpaid]}
  - {account: game, project: "210034", monthly: "80000"}
`
