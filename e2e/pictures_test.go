//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"
)

var pictures = flag.String("pictures", "", "folder for the pictures of the documentation; none are written without it")

// TestPictures draws what the pictures of the documentation show: the page for people, and graphs of Prometheus of the
// demo and of its history. With -pictures, it takes the pictures anew.
func TestPictures(t *testing.T) {
	t.Chdir(root)
	r := launchAs(t, plainProgram, "--demo") // TestStatusPage looks at the same page with the race detector
	awaitDemo(r)
	b := peers.OpenBrowser(t)
	drawPage(t, b, r)
	drawGraphs(t, b, startPrometheusWithHistory(t, strings.TrimPrefix(r.URL, "http://")))
}

func drawPage(t *testing.T, b *peers.Browser, r *peers.Exporter) {
	t.Helper()
	days := strings.Count(peers.Get(t, r.URL+"/metrics"),
		`ksyun_bill_day_account_cost_cny{account="shop",pay_mode="postpaid"`)
	for name, s := range map[string]screen{
		"status.png":             {width: 1000, language: "en", scheme: "light"},
		"status.zh-CN.png":       {width: 1000, language: "zh-CN", scheme: "light"},
		"status-phone.png":       {width: 390, language: "en", scheme: "dark"},
		"status-phone.zh-CN.png": {width: 390, language: "zh-CN", scheme: "dark"},
	} {
		s.emulate(b)
		r.Await("/?lang=en&account=shop", "all sources work") // not while they are being read
		b.Open(r.URL)
		var bars int
		if b.Evaluate(`document.querySelectorAll("#account-0 .days g").length`, &bars); bars != days {
			t.Errorf("%s: %d bars for %d days", name, bars, days)
		}
		from, to := s.pictureBounds()
		takePicture(t, b, name, from, to)
	}
}

// drawGraphs opens the graphs that the pages link to.
func drawGraphs(t *testing.T, b *peers.Browser, prometheus peers.Prometheus) {
	t.Helper()
	screen{width: 1000, language: "en", scheme: "light"}.emulate(b)
	for name, page := range map[string]string{
		"days.png": "README.md", "spike.png": "docs/metrics.md", "months.png": "docs/backfill.md",
	} {
		graph := graphLink(t, page, name)
		b.Open(prometheus.URL + strings.TrimPrefix(graph, "http://localhost:9090"))
		awaitAreas(t, b, name, len(seriesOf(t, prometheus, graph)))
		takePicture(t, b, name, "textarea", ".tab-content")
	}
}

// screen is on what a page is shown.
type screen struct {
	width            int
	language, scheme string
}

func (s screen) isPhone() bool { return s.width < 600 }

// pictureBounds returns the first and the last element that a picture shows of the page for people. A picture has to
// fit beside text.
func (s screen) pictureBounds() (from, to string) {
	if s.isPhone() {
		return "#account-0", "#account-0 .more"
	}
	return "header", "#account-0 .products"
}

func (s screen) emulate(b *peers.Browser) {
	b.Call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": s.width, "height": 900, "deviceScaleFactor": 1, "mobile": s.isPhone()})
	b.Call("Emulation.setScrollbarsHidden", map[string]any{"hidden": true})
	b.Call("Emulation.setUserAgentOverride", map[string]any{"userAgent": "test", "acceptLanguage": s.language})
	b.Call("Emulation.setEmulatedMedia",
		map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": s.scheme}}})
}

// graphLink returns the address that a page has for the graph of a picture, as [name]: address. It fails if the page
// does not show the query of the graph.
func graphLink(t *testing.T, page, picture string) string {
	t.Helper()
	m := manual{page, read(t, page)}
	name := strings.TrimSuffix(picture, ".png")
	link := regexp.MustCompile(`(?m)^\[` + name + `\]: (\S+)$`).FindStringSubmatch(m.text)
	if link == nil {
		t.Fatalf("%s has no link %s", page, name)
	}
	query := queryOf(t, link[1])
	if !slices.ContainsFunc(m.blocks("promql"), func(q string) bool { return withoutComments(q) == query }) {
		t.Errorf("%s does not show the query of its link %s:\n%s", page, name, query)
	}
	return link[1]
}

func queryOf(t *testing.T, link string) string {
	t.Helper()
	address, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return address.Query().Get("g0.expr")
}

func seriesOf(t *testing.T, prometheus peers.Prometheus, link string) []peers.Series {
	t.Helper()
	return prometheus.QueryRange(t, queryOf(t, link), time.Now().Add(-400*day), time.Now(), day)
}

// awaitAreas waits until an area is drawn for each series, and hides all but the query and the graph.
func awaitAreas(t *testing.T, b *peers.Browser, name string, series int) {
	t.Helper()
	if series < 2 {
		t.Fatalf("%s: %d series", name, series)
	}
	var areas []string
	for deadline := time.Now().Add(time.Minute); len(areas) < series; time.Sleep(50 * time.Millisecond) {
		b.Evaluate(`[...document.querySelectorAll(".rickshaw_graph path")].map(p => p.getAttribute("d"))`, &areas)
		areas = slices.DeleteFunc(areas, func(d string) bool { return strings.Count(d, "L") < 100 })
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d areas for %d series", name, len(areas), series)
		}
	}
	var height int
	b.Evaluate(hideAllButGraph, &height)
}

const hideAllButGraph = `(() => {
	const style = document.createElement("style");
	style.textContent = ` + "`" + `
		.query_form > .form-inline, .eval_stats, [name=remove], #add_graph { display: none !important }
		.rickshaw_legend { background: none !important; color: inherit !important }
		textarea { transition: none !important }
	` + "`" + `;
	document.head.append(style);
	const query = document.querySelector("textarea");
	query.blur();
	query.style.height = query.scrollHeight + 4 + "px";
	return query.scrollHeight;
})()`

// startPrometheusWithHistory returns a Prometheus that scrapes the demo and has the costs of its closed months.
func startPrometheusWithHistory(t *testing.T, target string) peers.Prometheus {
	t.Helper()
	dir := t.TempDir()
	api := httptest.NewServer(billsim.New(billsim.Demo(time.Now)))
	t.Cleanup(api.Close)
	config := "accounts:\n"
	for i, account := range billsim.Demo(time.Now) {
		config += "- {name: " + demoAccounts[i] + ", access_key_id: " + account.AccessKeyID +
			", secret_access_key: " + account.SecretAccessKey + "}\n"
	}
	write(t, dir+"/config.yaml", config+"api: {endpoint: '"+api.URL+"', requests_per_second: 100}\n")
	first := billclient.MonthOf(time.Now()).Add(-13).String()
	file := dir + "/history.om"
	plain, err := buildPlain()
	if err != nil {
		t.Fatal(err)
	}
	peers.Run(t, plain, "--config.file="+dir+"/config.yaml", "backfill", "--from="+first, "--output="+file)
	peers.Run(t, "promtool", "tsdb", "create-blocks-from", "openmetrics", file, dir+"/data")
	p := peers.StartPrometheus(t, dir, peers.Scrape(time.Second, target), "--storage.tsdb.retention.time=100y")
	p.Await(t, "count_over_time(up[1m]) > 2", 1) // a range ends at a whole second, and a scrape has to be before that
	return p
}

// takePicture writes what the browser shows from one element to another below it, with a margin, if -pictures is set.
func takePicture(t *testing.T, b *peers.Browser, name, from, to string) {
	t.Helper()
	if *pictures == "" {
		return
	}
	var clip map[string]float64
	b.Evaluate(`(() => {
		const first = document.querySelector("`+from+`").getBoundingClientRect();
		const last = document.querySelector("`+to+`").getBoundingClientRect();
		const x = Math.min(first.x, last.x) - 12, y = first.y + scrollY - 12;
		const right = Math.max(first.right, last.right) + 12, bottom = last.bottom + scrollY + 12;
		return {x, y, width: right - x, height: bottom - y, scale: 1};
	})()`, &clip)
	var picture struct{ Data string }
	text := b.Call("Page.captureScreenshot", map[string]any{"clip": clip, "captureBeyondViewport": true})
	if err := json.Unmarshal(text, &picture); err != nil {
		t.Fatal(err)
	}
	image, err := base64.StdEncoding.DecodeString(picture.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(*pictures, name), image, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var fileLink = regexp.MustCompile(`(!?)\[([^\[\]]*)\]\(([^)#:]+)(?:#[^)]*)?\)`)

// The files that the pages link to exist. Every picture has a text, and is shown by a page.
func TestLinks(t *testing.T) {
	t.Chdir(root)
	shown := map[string]bool{}
	for _, pattern := range []string{"*.md", "docs/*.md", "dashboards/*.md", "deploy/*/*.md", "examples/*/*.md"} {
		names, _ := filepath.Glob(pattern)
		for _, page := range names {
			for _, link := range fileLink.FindAllStringSubmatch(read(t, page), -1) {
				file := filepath.Join(filepath.Dir(page), link[3])
				if _, err := os.Stat(file); err != nil || link[2] == "" {
					t.Errorf("%s: %s: %v", page, link[0], err)
				}
				shown[file] = shown[file] || link[1] == "!"
			}
		}
	}
	files, _ := filepath.Glob("docs/pictures/*")
	for _, file := range files {
		if !shown[file] {
			t.Errorf("no page shows %s", file)
		}
	}
	if len(files) == 0 {
		t.Error("there are no pictures")
	}
}
