//go:build e2e

package main

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/peers"

	"github.com/google/go-cmp/cmp"
)

// manual is a page of the documentation, in English where there are two.
type manual struct {
	name string
	text string
}

// documents are all pages but docs/backfill.md, whose commands need years of bills: TestBackfillPeers runs them.
func documents(t *testing.T) []manual {
	t.Helper()
	var pages []manual
	for _, pattern := range []string{"README.md", "*.md", "docs/*.md", "dashboards/*.md", "examples/*/README.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v %v", pattern, names, err)
		}
		for _, name := range names {
			skip := strings.HasSuffix(name, ".zh-CN.md") || name == "docs/backfill.md" || name == "CHANGELOG.md"
			page := manual{name, read(t, name)}
			if !skip && !slices.Contains(pages, page) {
				pages = append(pages, page)
			}
		}
	}
	return pages
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fenced = regexp.MustCompile("(?ms)^( *)```(.*?)\n(.*?)^ *```$")
	inline = regexp.MustCompile("`((?:amtool|curl|docker|go|kubectl|make|prom\\w+) [^`]+|" +
		"(?:\\./)?ksyun_bill_exporter [^`]*--[^`]+)`")
	other = regexp.MustCompile(`(?m)^(?:\$ )?(?:\./)?(?:amtool|curl|docker|go|kubectl|ksyun_\w+|make|prom\w+) [^{]*$`)
)

// blocks returns what stands between the fences of a language, without indentation.
func (d manual) blocks(language string) []string {
	var found []string
	for _, block := range fenced.FindAllStringSubmatch(d.text, -1) {
		if indent, text := block[1], block[3]; block[2] == language {
			found = append(found, strings.ReplaceAll("\n"+text, "\n"+indent, "\n")[1:])
		}
	}
	return found
}

// commands returns each command of a page once, also those in the midst of a sentence.
func (d manual) commands() []string {
	var found []string
	for _, block := range d.blocks("sh") {
		for command := range strings.Lines(strings.ReplaceAll(block, "\\\n", "\\\r")) {
			command, _, _ = strings.Cut(command, " #")
			found = append(found, strings.TrimSpace(strings.ReplaceAll(command, "\\\r", "\\\n")))
		}
	}
	for _, span := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(d.text, ""), -1) {
		found = append(found, span[1])
	}
	return found
}

// strays are commands that are shown in another way, where no test would find them.
func (d manual) strays() []string {
	var found []string
	for _, block := range fenced.FindAllStringSubmatch(d.text, -1) {
		if block[2] != "sh" {
			found = append(found, other.FindAllString(strings.ReplaceAll(block[3], block[1], ""), -1)...)
		}
	}
	for line := range strings.Lines(fenced.ReplaceAllString(d.text, "")) {
		if code, indented := strings.CutPrefix(line, "    "); indented {
			found = append(found, other.FindAllString(strings.TrimSpace(code), -1)...)
		}
	}
	return found
}

// notRun are commands that this test cannot run, or need not, with the reason. Of make, what it would do is asked.
var notRun = map[string]string{
	"make test":      "this test would run itself",
	"go test -race":  "so it would",
	"make lint":      "to build the linter takes minutes",
	"make bench":     "it takes a quarter of an hour",
	"make soak":      "it takes a minute, or hours",
	"make pictures":  "TestPictures does it",
	"make image":     "TestImage does it",
	"make demo":      "it is go run . --demo",
	"docker ":        "there is no daemon",
	"kubectl ":       "there is no cluster",
	"go run ./bench": "it is make bench",
	"promtool test":  "alerts.TestPromtool does it",
}

// Commands that go on until they are stopped.
const (
	runDemo       = "go run . --demo"
	runPrometheus = "prometheus --config.file=examples/prometheus/prometheus.yml --storage.tsdb.path=.build/prometheus"
	runWithKey    = "KSYUN_ACCESS_KEY=AKLT... KSYUN_SECRET_KEY=... ./ksyun_bill_exporter"
	runConfigured = "./ksyun_bill_exporter --config.file=config.yaml"
)

// The documentation does what it says: its commands run, in a copy of this tree, from the first page to the last, and
// its queries have answers.
func TestDocumentation(t *testing.T) {
	pages := documents(t)
	place := settle(t, pages)
	t.Run("commands", func(t *testing.T) { place.runAll(t, pages) })
	t.Run("links", func(t *testing.T) { place.follow(t, pages) })
	t.Run("queries", func(t *testing.T) {
		testQueries(t, pages, peers.Prometheus{URL: place.url(runPrometheus)}, place.url(runDemo))
	})
	t.Run("recipes", func(t *testing.T) { testRecipes(t, pages, place.url(runConfigured)) })
}

// somewhere is the tree at another place, where servers have other addresses.
type somewhere struct {
	t         *testing.T // servers end with it
	dir       string
	here      *strings.Replacer
	addresses map[string]string // by command
}

func (p *somewhere) url(server string) string { return "http://" + p.addresses[server] }

// settle copies the tree, and makes config.yaml of what README.md shows, with the bills of the demo.
func settle(t *testing.T, pages []manual) *somewhere {
	t.Helper()
	place := &somewhere{t: t, dir: t.TempDir(), addresses: map[string]string{}}
	for _, server := range []string{runDemo, runPrometheus, runWithKey, runConfigured} {
		place.addresses[server] = peers.FreeAddress(t)
	}
	place.here = strings.NewReplacer(
		"localhost:9978", place.addresses[runDemo], "localhost:9090", place.addresses[runPrometheus],
		"scrape_interval: 15s", "scrape_interval: 1s", "/etc/ksyun", place.dir, "=FILE", "=config.yaml",
		"config alertmanager", "config examples/alertmanager/alertmanager",
		"2026-10", billclient.MonthOf(time.Now()).Add(-1).String(), // the demo has bills of thirteen months
	)
	peers.Run(t, "sh", "-c", "git -c safe.directory='*' ls-files --cached --others --exclude-standard |"+
		"tar --create --ignore-failed-read --files-from=- 2>/dev/null | tar --extract --directory="+place.dir)
	const scrape = "examples/prometheus/prometheus.yml"
	write(t, filepath.Join(place.dir, scrape), place.here.Replace(read(t, scrape)))
	api := httptest.NewServer(billsim.New(billsim.Demo(time.Now)))
	t.Cleanup(api.Close)
	place.configure(t, pages[0].blocks("yaml")[0], api.URL)
	return place
}

func (p *somewhere) configure(t *testing.T, config, api string) {
	t.Helper()
	for i, name := range []string{"main", "games"} {
		account := billsim.Demo(time.Now)[i]
		write(t, filepath.Join(p.dir, name+".id"), account.AccessKeyID)
		write(t, filepath.Join(p.dir, name+".secret"), account.SecretAccessKey)
	}
	write(t, filepath.Join(p.dir, "config.yaml"), p.here.Replace(config)+
		"api: {endpoint: '"+api+"', union_endpoint: '"+api+"', requests_per_second: 100}\nrefresh: {interval: 10s}\n")
}

func (p *somewhere) runAll(t *testing.T, pages []manual) {
	done, unused := map[string]bool{}, maps.Clone(notRun)
	for _, page := range pages {
		if strays := page.strays(); strays != nil {
			t.Errorf("%s: commands that are not in blocks sh: %q", page.name, strays)
		}
		for _, command := range page.commands() {
			begin, known := match(command)
			delete(unused, begin)
			switch {
			case done[command]:
			case known:
				p.runNot(t, command)
			case p.addresses[command] != "":
				p.start(t, command)
			default:
				p.run(t, page.name, command)
			}
			done[command] = true
		}
	}
	for command := range unused {
		t.Errorf("no page has %s", command)
	}
	for server := range p.addresses {
		if !done[server] {
			t.Fatalf("no page has %s", server)
		}
	}
}

// match finds the entry of notRun that a command begins with.
func match(command string) (string, bool) {
	for begin := range notRun {
		if strings.HasPrefix(command, begin) {
			return begin, true
		}
	}
	return "", false
}

func (p *somewhere) runNot(t *testing.T, command string) {
	t.Helper()
	if target, isMake := strings.CutPrefix(command, "make "); isMake {
		p.run(t, "Makefile", "make -n "+target)
	}
}

func (p *somewhere) run(t *testing.T, page, command string) {
	t.Helper()
	if out, err := p.shell(t, command).CombinedOutput(); err != nil {
		t.Errorf("%s: %s: %v\n%s", page, command, err, out)
	}
}

func (p *somewhere) start(t *testing.T, command string) {
	t.Helper()
	if strings.HasPrefix(command, "go run ") { // to compile may take longer than to start
		p.run(t, "go.mod", "go build -o /dev/null .")
	}
	peers.Start(p.t, p.shell(p.t, command+" --web.listen-address="+p.addresses[command]))
	peers.Await(t, p.url(command)+"/-/healthy", "")
}

// shell returns a command that finds no way to another machine.
func (p *somewhere) shell(t *testing.T, command string) *exec.Cmd {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", p.here.Replace(command))
	shell.Dir = p.dir
	shell.Env = append(os.Environ(), "PATH="+p.dir+":"+os.Getenv("PATH"), "GOFLAGS=-trimpath",
		"HTTPS_PROXY=http://"+peers.FreeAddress(t))
	return shell
}

// started is what pages link to once the quick start has been followed.
var started = regexp.MustCompile(`http://localhost:(?:9978|9090)[^\s'")>\]` + "`" + `]*`)

func (p *somewhere) follow(t *testing.T, pages []manual) {
	t.Helper()
	followed := map[string]bool{}
	for _, page := range pages {
		for _, link := range started.FindAllString(page.text, -1) {
			if !followed[link] {
				peers.Get(t, p.here.Replace(link))
			}
			followed[link] = true
		}
	}
	if len(followed) < 4 {
		t.Errorf("only %v are linked", followed)
	}
}

// testQueries asks the Prometheus of README.md, which scrapes the demo, what the pages ask.
func testQueries(t *testing.T, pages []manual, prometheus peers.Prometheus, demo string) {
	prometheus.Await(t, `ksyun_bill_source_items{source="detail_bill"}`, len(demoNames))
	prometheus.Await(t, `count_over_time(up[1m]) > 2`, 1)
	for _, page := range pages {
		if page.name != "docs/alerts.md" && page.name != "docs/recipes.md" {
			page.ask(t, prometheus)
		}
	}
	// Prometheus asks for OpenMetrics and gzip: what it stored is the whole answer.
	samples := strings.Count(peers.Get(t, demo+"/metrics"), "} ") / 2
	if len(prometheus.Query(t, fmt.Sprintf("scrape_samples_scraped > %d", samples))) != 1 {
		t.Errorf("Prometheus read fewer than %d samples", samples)
	}
	testDays(t, prometheus, pages[0].blocks("promql")[0])
}

// ask wants an answer to each query. Those in blocks without a language have one on some days only; they are right at
// least.
func (d manual) ask(t *testing.T, prometheus peers.Prometheus) (answers [][]peers.Series) {
	t.Helper()
	for _, query := range d.blocks("promql") {
		answer := answerTo(t, prometheus, query)
		// Rules take a moment.
		for deadline := time.Now().Add(20 * time.Second); empty(answer); time.Sleep(time.Second) {
			if answer = answerTo(t, prometheus, query); time.Now().After(deadline) {
				t.Errorf("%s: no answer to\n%s", d.name, query)
				break
			}
		}
		answers = append(answers, answer)
	}
	for _, query := range d.blocks("") {
		answerTo(t, prometheus, query)
	}
	return answers
}

func empty(answer []peers.Series) bool {
	return !slices.ContainsFunc(answer, func(s peers.Series) bool { return !math.IsNaN(s.Value()) })
}

// answerTo asks about now or, for what walks along the axis of time, about the days that the exporter shows.
func answerTo(t *testing.T, prometheus peers.Prometheus, query string) []peers.Series {
	t.Helper()
	if strings.Contains(query, "@ end()") {
		return prometheus.QueryRange(t, query, time.Now().Add(-32*day), time.Now(), time.Hour)
	}
	return prometheus.Query(t, query)
}

// testDays: on the axis of time each day stands from its midnight to the next one, once.
func testDays(t *testing.T, prometheus peers.Prometheus, query string) {
	t.Helper()
	const start = "ksyun_bill_day_start_timestamp_seconds"
	first := time.Unix(int64(prometheus.Query(t, "min("+start+")")[0].Value()), 0)
	days := int(prometheus.Query(t, "count(count by (days_ago) ("+start+"))")[0].Value())
	want := map[string][]float64{}
	for n := range days {
		cost := fmt.Sprintf(`sum by (product_code) (ksyun_bill_day_product_cost_cny{days_ago="%d"})`, days-1-n)
		for _, s := range prometheus.Query(t, cost) {
			code := s.Labels["product_code"]
			want[code] = append(want[code], slices.Repeat(s.Values, 24)...)
		}
	}
	got := map[string][]float64{}
	for _, s := range prometheus.QueryRange(t, query, first, time.Now(), time.Hour) {
		got[s.Labels["product_code"]] = s.Values
	}
	if diff := cmp.Diff(want, got, roughly); diff != "" {
		t.Errorf("days by hours (-want +got):\n%s", diff)
	}
}

// roughly bears that float sums depend on their order.
var roughly = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })

// testRecipes asks of the exporter with the configuration of README.md, beside what a business and its machines
// measure. Two replicas cost once.
func testRecipes(t *testing.T, pages []manual, exporter string) {
	target := strings.TrimPrefix(exporter, "http://")
	business := serveBusiness(t, exporter)
	alone := peers.StartPrometheus(t, t.TempDir(), withRules(t, peers.Scrape(time.Second, target, business)))
	two := peers.StartPrometheus(t, t.TempDir(), peers.Scrape(time.Second, target, target, business))
	for _, p := range []peers.Prometheus{alone, two} {
		p.Await(t, `count_over_time(orders_total[1m]) > 2`, 1)
		p.Await(t, `count_over_time(ksyun_bill_source_items{source="detail_bill"}[1m]) > 2`, 2)
	}
	for _, page := range pages {
		switch page.name {
		case "docs/alerts.md":
			page.ask(t, alone)
		case "docs/recipes.md":
			compare(t, page.blocks("promql"), page.ask(t, alone), page.ask(t, two))
		}
	}
}

func withRules(t *testing.T, config string) string {
	t.Helper()
	folder, err := filepath.Abs("alerts")
	if err != nil {
		t.Fatal(err)
	}
	config = strings.Replace(config, "global: {", "global: {evaluation_interval: 1s, ", 1)
	return config + "rule_files: ['" + folder + "/*.rules.yml']\n"
}

// compare holds answers against each other, but for those that depend on when a counter was scraped.
func compare(t *testing.T, queries []string, one, two [][]peers.Series) {
	t.Helper()
	for i, query := range queries {
		if diff := cmp.Diff(one[i], two[i], roughly); diff != "" && !strings.Contains(query, "orders_total") {
			t.Errorf("%s\n(-one +two replicas):\n%s", query, diff)
		}
	}
}

var machine = regexp.MustCompile(`(?m)^ksyun_bill_instance_info{.*product_code="KEC".*instance_id="([0-9a-f-]+)"`)

// serveBusiness returns the address of a page with orders, and with the load of ten of the exporter's machines, as the
// vendor's exporter and node_exporter tell it. Nothing on it moves but with the clock.
func serveBusiness(t *testing.T, exporter string) string {
	t.Helper()
	ids := machine.FindAllStringSubmatch(peers.Await(t, exporter+"/metrics", `ksyun_bill_instance_info{`), 10)
	began := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		seconds := time.Since(began).Seconds()
		fmt.Fprintf(w, "orders_total{project_id=\"103801\"} %f\n", 50*seconds)
		for i, id := range ids {
			fmt.Fprintf(w, "system_cpu_util_avg{namespace=\"KEC\",instanceid=%q} %d\n", id[1], i)
			fmt.Fprintf(w, "node_cpu_seconds_total{mode=\"idle\",instance_id=%q} %f\n", id[1], seconds*float64(10-i))
			fmt.Fprintf(w, "node_cpu_seconds_total{mode=\"user\",instance_id=%q} %f\n", id[1], seconds*float64(i))
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

var comment = regexp.MustCompile(`(?m)^#.*\n`)

func withoutComments(block string) string {
	return strings.TrimSpace(comment.ReplaceAllString(block, ""))
}

// Both languages have the same blocks, but for their comments.
func TestLanguagesAgree(t *testing.T) {
	files, err := filepath.Glob("*.zh-CN.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"docs", "dashboards"} {
		more, _ := filepath.Glob(folder + "/*.zh-CN.md")
		files = append(files, more...)
	}
	if len(files) < 6 {
		t.Errorf("only %q are in Chinese", files)
	}
	for _, file := range files {
		english := strings.Replace(file, ".zh-CN", "", 1)
		for _, language := range []string{"sh", "promql", "yaml", ""} {
			want, got := uncommented(t, english, language), uncommented(t, file, language)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q blocks (-%s +%s):\n%s", language, english, file, diff)
			}
		}
		want, got := links.FindAllString(read(t, english), -1), links.FindAllString(read(t, file), -1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("links (-%s +%s):\n%s", english, file, diff)
		}
	}
}

// links are to what the quick start starts.
var links = regexp.MustCompile(`(?m)^\[\w+\]: http://localhost.*$`)

var trailing = regexp.MustCompile(`(?m) +#.*$`)

func uncommented(t *testing.T, file, language string) []string {
	t.Helper()
	var found []string
	for _, block := range (manual{file, read(t, file)}).blocks(language) {
		found = append(found, trailing.ReplaceAllString(withoutComments(block), ""))
	}
	return found
}
