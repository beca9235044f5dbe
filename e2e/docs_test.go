//go:build e2e

package e2e

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
	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// manual is a page of the documentation, in English if there are two.
type manual struct {
	name string
	text string
}

// readManuals returns all pages except docs/backfill.md, whose commands need years of bills. TestBackfillPeers runs
// those.
func readManuals(t *testing.T) []manual {
	t.Helper()
	var pages []manual
	for _, pattern := range []string{
		"README.md", "*.md", "docs/*.md", "dashboards/*.md", "deploy/*/README.md", "examples/*/README.md",
	} {
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

var (
	fenced = regexp.MustCompile("(?ms)^( *)```(.*?)\n(.*?)^ *```$")
	inline = regexp.MustCompile("`((?:amtool|curl|docker|go|helm|kubectl|make|prom\\w+) [^`]+|" +
		"(?:\\./)?ksyun_bill_exporter [^`]*--[^`]+)`")
	other = regexp.MustCompile(
		`(?m)^(?:\$ )?(?:\./)?(?:amtool|curl|docker|go|helm|kubectl|ksyun_\w+|make|prom\w+|sudo) [^{]*$`)
)

// blocks returns the texts between the fences of a language, without indentation.
func (d manual) blocks(language string) []string {
	var found []string
	for _, block := range fenced.FindAllStringSubmatch(d.text, -1) {
		if indent, text := block[1], block[3]; block[2] == language {
			found = append(found, strings.ReplaceAll("\n"+text, "\n"+indent, "\n")[1:])
		}
	}
	return found
}

// commands returns the commands of a page, also those within a sentence.
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

// strayCommands returns commands that are shown in another way, so that no test would find them.
func (d manual) strayCommands() []string {
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

// notRun are commands that this test cannot run, or need not run, with the reason. For make, make -n is run instead.
var notRun = map[string]string{
	"go run . --demo --web.listen-address=:9979": "another test has another port",
	"make test": "this test would run itself",
	"duckdb ":   "TestLake asks the engine itself",
	"ksyun_bill_exporter --config.file=config.yaml export --account=all --from=2026-01": "TestLake has another bucket",
	"ksyun_bill_exporter --config.file=config.yaml --state.standby":                     "TestStandby does it; the examples have no state_dir",
	"go test -race":         "so it would",
	"go test -short":        "so it would",
	"go install ":           "the repository has no address yet",
	"tar ":                  "no release is made here",
	"make lint":             "to build the linter takes minutes",
	"make bench":            "it takes a quarter of an hour",
	"make soak":             "it takes a minute, or hours",
	"make pictures":         "TestPictures does it",
	"make image":            "TestImage does it",
	"make release":          "TestRelease does it, for one platform",
	"make demo":             "it is go run . --demo",
	"docker ":               "there is no daemon",
	"kubectl ":              "there is no cluster",
	"sudo ":                 "TestSystemd does it, in another root directory",
	"go run ./bench":        "it is make bench",
	"go run ./alerts/study": "it takes a quarter of an hour",
	"promtool test":         "alerts.TestPromtool does it",
	"helm ":                 "there is none; the chart's own tests render it",
	"go test -C":            "it writes what those tests compare",
	"make chart":            "it is those tests",
}

// Commands that run until they are stopped.
const (
	runDemo       = "go run . --demo"
	runPrometheus = "prometheus --config.file=examples/prometheus/prometheus.yml --storage.tsdb.path=.build/prometheus"
	runWithKey    = "KSYUN_ACCESS_KEY=AKLT... KSYUN_SECRET_KEY=... ./ksyun_bill_exporter"
	runConfigured = "./ksyun_bill_exporter --config.file=config.yaml"
)

// The commands of the documentation run, in a copy of this tree, from the first page to the last, and its queries have
// answers.
func TestDocumentation(t *testing.T) {
	t.Chdir(root)
	pages := readManuals(t)
	tree := copyTree(t, pages)
	t.Run("commands", func(t *testing.T) { tree.runAll(t, pages) })
	t.Run("links", func(t *testing.T) { tree.openLinks(t, pages) })
	t.Run("queries", func(t *testing.T) {
		testQueries(t, pages, peers.Prometheus{URL: tree.url(runPrometheus)}, tree.url(runDemo))
	})
	t.Run("recipes", func(t *testing.T) { testRecipes(t, pages, tree.url(runConfigured)) })
}

// treeCopy is a copy of the tree in another folder, where servers have other addresses.
type treeCopy struct {
	t         *testing.T // servers end with it
	dir       string
	places    *strings.Replacer // puts the addresses and folders of the copy into a text
	addresses map[string]string // by command
}

func (c *treeCopy) url(server string) string { return "http://" + c.addresses[server] }

// copyTree copies the tree, and makes a config.yaml from what README.md shows, with the bills of the demo.
func copyTree(t *testing.T, pages []manual) *treeCopy {
	t.Helper()
	tree := &treeCopy{t: t, dir: t.TempDir(), addresses: map[string]string{}}
	for _, server := range []string{runDemo, runPrometheus, runWithKey, runConfigured} {
		tree.addresses[server] = peers.FreeAddress(t)
	}
	tree.places = strings.NewReplacer(
		"localhost:9978", tree.addresses[runDemo], "localhost:9090", tree.addresses[runPrometheus],
		"scrape_interval: 15s", "scrape_interval: 1s", "/etc/ksyun", tree.dir, "=FILE", "=config.yaml",
		"config alertmanager", "config examples/alertmanager/alertmanager",
		"2026-10", billclient.MonthOf(time.Now()).Add(-1).String(), // the demo has bills of three years
	)
	peers.Run(t, "sh", "-c", "git -c safe.directory='*' ls-files --cached --others --exclude-standard |"+
		"tar --create --ignore-failed-read --files-from=- 2>/dev/null | tar --extract --directory="+tree.dir)
	sample := filepath.Join(tree.dir, "billsim", "testdata", "GetPostpayDetailBillCSV.csv") // as people download it
	peers.Run(t, "sh", "-c", "cd "+tree.dir+" && cp "+sample+" console.csv && gzip -c console.csv > bills.csv.gz")
	const scrape = "examples/prometheus/prometheus.yml"
	write(t, filepath.Join(tree.dir, scrape), tree.places.Replace(read(t, scrape)))
	api := httptest.NewServer(billsim.New(billsim.Demo(time.Now)))
	t.Cleanup(api.Close)
	tree.configure(t, pages[0].blocks("yaml")[0], api.URL)
	return tree
}

func (c *treeCopy) configure(t *testing.T, config, api string) {
	t.Helper()
	for i, name := range []string{"main", "games"} {
		account := billsim.Demo(time.Now)[i]
		write(t, filepath.Join(c.dir, name+".id"), account.AccessKeyID)
		write(t, filepath.Join(c.dir, name+".secret"), account.SecretAccessKey)
	}
	write(t, filepath.Join(c.dir, "config.yaml"), c.places.Replace(config)+
		"api: {endpoint: '"+api+"', union_endpoint: '"+api+"', requests_per_second: 100, daily_calls: 0}\nrefresh: {interval: 10s}\n")
}

func (c *treeCopy) runAll(t *testing.T, pages []manual) {
	done, unused := map[string]bool{}, maps.Clone(notRun)
	for _, page := range pages {
		if strays := page.strayCommands(); strays != nil {
			t.Errorf("%s: commands that are not in blocks sh: %q", page.name, strays)
		}
		for _, command := range page.commands() {
			begin, ok := findNotRun(command)
			delete(unused, begin)
			switch {
			case done[command]:
			case ok:
				c.runDry(t, command)
			case c.addresses[command] != "":
				c.start(t, command)
			default:
				c.run(t, page.name, command)
			}
			done[command] = true
		}
	}
	for command := range unused {
		t.Errorf("no page has %s", command)
	}
	for server := range c.addresses {
		if !done[server] {
			t.Fatalf("no page has %s", server)
		}
	}
}

// findNotRun returns the entry of notRun with which a command begins.
func findNotRun(command string) (string, bool) {
	for begin := range notRun {
		if strings.HasPrefix(command, begin) {
			return begin, true
		}
	}
	return "", false
}

func (c *treeCopy) runDry(t *testing.T, command string) {
	t.Helper()
	if target, isMake := strings.CutPrefix(command, "make "); isMake {
		c.run(t, "Makefile", "make -n "+target)
	}
}

func (c *treeCopy) run(t *testing.T, page, command string) {
	t.Helper()
	if out, err := c.shell(t, command).CombinedOutput(); err != nil {
		t.Errorf("%s: %s: %v\n%s", page, command, err, out)
	}
}

func (c *treeCopy) start(t *testing.T, command string) {
	t.Helper()
	if strings.HasPrefix(command, "go run ") { // compiling may take longer than Await waits
		c.run(t, "go.mod", "go build -o /dev/null .")
	}
	peers.Start(c.t, c.shell(c.t, command+" --web.listen-address="+c.addresses[command]))
	peers.Await(t, c.url(command)+"/-/healthy", "")
}

// shell returns a command that cannot reach another machine.
func (c *treeCopy) shell(t *testing.T, command string) *exec.Cmd {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", c.places.Replace(command))
	shell.Dir = c.dir
	shell.Env = append(os.Environ(), "PATH="+c.dir+":"+os.Getenv("PATH"), "GOFLAGS=-trimpath",
		"HTTPS_PROXY=http://"+peers.FreeAddress(t))
	return shell
}

// startedLink matches links to what the quick start starts.
var startedLink = regexp.MustCompile(`http://localhost:(?:9978|9090)[^\s'")>\]` + "`" + `]*`)

func (c *treeCopy) openLinks(t *testing.T, pages []manual) {
	t.Helper()
	followed := map[string]bool{}
	for _, page := range pages {
		for _, link := range startedLink.FindAllString(page.text, -1) {
			if !followed[link] {
				peers.Get(t, c.places.Replace(link))
			}
			followed[link] = true
		}
	}
	if len(followed) < 4 {
		t.Errorf("only %v are linked", followed)
	}
}

// testQueries asks the queries of the pages. The Prometheus is that of README.md, which scrapes the demo.
func testQueries(t *testing.T, pages []manual, prometheus peers.Prometheus, demo string) {
	prometheus.Await(t, `ksyun_bill_source_items{source="detail_bill"}`, len(demoAccounts))
	prometheus.Await(t, `count_over_time(up[1m]) > 2`, 1)
	for _, page := range pages {
		if page.name != "docs/alerts.md" && page.name != "docs/recipes.md" {
			page.askQueries(t, prometheus)
		}
	}
	// Prometheus asks for OpenMetrics and gzip: what it stored is the whole answer.
	samples := strings.Count(peers.Get(t, demo+"/metrics"), "} ") / 2
	if len(prometheus.Query(t, fmt.Sprintf("scrape_samples_scraped > %d", samples))) != 1 {
		t.Errorf("Prometheus read fewer than %d samples", samples)
	}
	// Until a product group is known by its product, its days can be in a page and under another code in the next one.
	prometheus.Await(t, `ksyun_bill_product_group_info{product_group="KRDS_GROUP", product_code="KRDS"}`, len(demoAccounts))
	testDays(t, prometheus, pages[0].blocks("promql")[0])
}

// askQueries asks all queries of a page and fails if one has no answer. Queries in blocks without a language have an
// answer on some days only, and need not have one.
func (d manual) askQueries(t *testing.T, prometheus peers.Prometheus) {
	t.Helper()
	for _, query := range d.blocks("promql") {
		answer := askQuery(t, prometheus, query)
		// Rules need a moment.
		for deadline := time.Now().Add(20 * time.Second); isEmpty(answer); time.Sleep(time.Second) {
			if answer = askQuery(t, prometheus, query); time.Now().After(deadline) {
				t.Errorf("%s: no answer to\n%s", d.name, query)
				break
			}
		}
	}
	for _, query := range d.blocks("") {
		askQuery(t, prometheus, query)
	}
}

func isEmpty(answer []peers.Series) bool {
	return !slices.ContainsFunc(answer, func(s peers.Series) bool { return !math.IsNaN(s.Value()) })
}

// askQuery asks about now or, if the query is about a range, about the days that the exporter shows.
func askQuery(t *testing.T, prometheus peers.Prometheus, query string) []peers.Series {
	t.Helper()
	if strings.Contains(query, "@ end()") {
		return prometheus.QueryRange(t, query, time.Now().Add(-32*day), time.Now(), time.Hour)
	}
	return prometheus.Query(t, query)
}

// testDays checks that a graph shows each day once, from its midnight to the next one.
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
	if diff := cmp.Diff(want, got, approximately); diff != "" {
		t.Errorf("days by hours (-want +got):\n%s", diff)
	}
}

// approximately ignores that sums of floats depend on their order.
var approximately = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })

// testRecipes asks the queries about the exporter with the configuration of README.md, together with metrics of a
// business and of its machines. Two replicas of the exporter must not double the costs.
func testRecipes(t *testing.T, pages []manual, exporter string) {
	target := strings.TrimPrefix(exporter, "http://")
	business := serveBusiness(t, exporter)
	alone := peers.StartPrometheus(t, t.TempDir(), withRules(t, peers.Scrape(time.Second, target, business)))
	two := peers.StartPrometheus(t, t.TempDir(), peers.Scrape(time.Second, target, target, business))
	for _, p := range []peers.Prometheus{alone, two} {
		p.Await(t, `count_over_time(orders_total[1m]) > 2`, 1)
		for _, source := range []string{"detail_bill", "cost_bill", "instance_summary"} { // the last ones of their loops
			p.Await(t, fmt.Sprintf(`count_over_time(ksyun_bill_source_items{source=%q}[1m]) > 2`, source), 2)
		}
	}
	for _, page := range pages {
		switch page.name {
		case "docs/alerts.md":
			page.askQueries(t, alone)
		case "docs/recipes.md":
			page.compareAnswers(t, alone, two)
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

// compareAnswers asks all queries of a page of both, except for those that depend on when a counter was scraped.
func (d manual) compareAnswers(t *testing.T, alone, two peers.Prometheus) {
	t.Helper()
	d.askQueries(t, alone)
	for _, query := range d.blocks("promql") {
		if strings.Contains(query, "orders_total") {
			continue
		}
		// What the exporter reads between the two scrapes is in the first answer a moment later.
		diff := cmp.Diff(askQuery(t, alone, query), askQuery(t, two, query), approximately)
		for deadline := time.Now().Add(time.Minute); diff != "" && time.Now().Before(deadline); time.Sleep(time.Second) {
			diff = cmp.Diff(askQuery(t, alone, query), askQuery(t, two, query), approximately)
		}
		if diff != "" {
			t.Errorf("%s\n(-one +two replicas):\n%s", query, diff)
		}
	}
}

var machine = regexp.MustCompile(`(?m)^ksyun_bill_instance_info{.*product_code="KEC".*instance_id="([0-9a-f-]+)"`)

// serveBusiness returns the address of a page with orders, and with the load of ten machines that the exporter shows,
// as the vendor's exporter and node_exporter have it. Its numbers only change with the clock.
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

// Both languages of a page have the same blocks, except for comments.
func TestLanguagesAgree(t *testing.T) {
	t.Chdir(root)
	files, err := filepath.Glob("*.zh-CN.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"docs", "dashboards", "deploy/*"} {
		more, _ := filepath.Glob(folder + "/*.zh-CN.md")
		files = append(files, more...)
	}
	if len(files) < 6 {
		t.Errorf("only %q are in Chinese", files)
	}
	for _, file := range files {
		english := strings.Replace(file, ".zh-CN", "", 1)
		for _, language := range []string{"sh", "promql", "sql", "yaml", "ini", ""} {
			want, got := blocksWithoutComments(t, english, language), blocksWithoutComments(t, file, language)
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

// links match addresses of what the quick start starts.
var links = regexp.MustCompile(`(?m)^\[\w+\]: http://localhost.*$`)

var trailing = regexp.MustCompile(`(?m) +#.*$`)

func blocksWithoutComments(t *testing.T, file, language string) []string {
	t.Helper()
	var found []string
	for _, block := range (manual{file, read(t, file)}).blocks(language) {
		found = append(found, trailing.ReplaceAllString(withoutComments(block), ""))
	}
	return found
}
