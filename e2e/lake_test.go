//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"
	"ksyun_bill_exporter/lake"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// buildStore builds the store with the API of S3, which is a module of its own, and returns its file.
var buildStore = sync.OnceValues(func() (file string, err error) {
	return build("s3server", "-C", filepath.Join(root, "e2e", "s3server"), "-trimpath")
})

// buildPlain builds the program without the race detector, with which a lake takes half a minute, and returns its file.
// Its flags are those of make image, so that it is compiled once.
var buildPlain = sync.OnceValues(func() (file string, err error) {
	if err := dependOnSources(); err != nil {
		return "", err
	}
	return build("plain", "-C", root, "-trimpath")
})

func build(name string, flags ...string) (file string, err error) {
	file = filepath.Join(temporary, name)
	flags = slices.Concat([]string{"build"}, flags, []string{"-o", file, "."})
	build := exec.CommandContext(context.Background(), "go", flags...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return file, nil
}

func plainProgram(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	file, err := buildPlain()
	if err != nil {
		t.Fatal(err)
	}
	return commandOf(t, file, args...)
}

func startStore(t *testing.T) peers.Store {
	t.Helper()
	file, err := buildStore()
	if err != nil {
		t.Fatal(err)
	}
	return peers.StartStore(t, file)
}

// lakes are the bills of the demo in a folder and in a bucket. DuckDB reads the one and ClickHouse the other, each with
// the tables of docs/lake.md.
type lakes struct {
	page    manual
	folder  string // in which the lake is named lake
	store   peers.Store
	newest  int             // how many months ago the last one was that both companies have
	daemon  *peers.Exporter // which has the bills of the demo, and keeps a lake named kept
	metrics string          // of the daemon
	engines map[string]*peers.Engine
}

// firstMonth is how many months ago the first bill of the lakes is: all three years of the demo would only take longer.
const firstMonth = 13

// Engines that read what export --lake has written find the bills of the demo, and docs/lake.md is right about them.
func TestLake(t *testing.T) {
	l := &lakes{
		page:   manual{"docs/lake.md", read(t, filepath.Join(root, "docs", "lake.md"))},
		folder: t.TempDir(), store: startStore(t), newest: 1, engines: map[string]*peers.Engine{},
	}
	if time.Now().In(billclient.Beijing).Day() < 4 {
		l.newest = 2 // some bills are made on the 3rd
	}
	l.export(t)
	l.makeTables(t)
	t.Run("metrics", l.compareWithMetrics)
	t.Run("manifests", l.compareWithManifests)
	t.Run("daemon", l.compareWithDaemon)
	t.Run("questions", l.askQuestions)
	t.Run("command", l.runCommand)
	t.Run("Trino", l.compareColumns)
}

// The exporter keeps a lake in a bucket, which survives it. If the bucket refuses, the numbers are shown all the same,
// and what is in the lake stays.
func TestServeKeepsLakeInABucket(t *testing.T) {
	store := startStore(t)
	for _, variable := range store.Env {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	_, config := peers.Simulate(t, peers.SampleLine)
	write(t, config, read(t, config)+"lake: {path: '"+store.Lake()+"'}\n")
	month := billclient.MonthOf(time.Now())
	inLake := func() string {
		t.Helper()
		l, err := lake.New(store.Lake())
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.Read(t.Context(), lake.Partition{Customer: "73400575", Month: month})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		file, err := parquet.OpenFile(r, r.Size)
		if err != nil {
			t.Fatal(err)
		}
		about, _ := file.Lookup("ksyun_bill_exporter.manifest")
		return about
	}
	e := launch(t, "--config.file="+config)
	e.Log.Await(t, regexp.MustCompile(`msg="in the lake" account=main month=`+month.String()))
	if code := e.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	before := inLake()
	if !strings.Contains(before, `"pay_modes":[{"pay_mode":"postpaid","lines":1,"cost_cny":"55`) {
		t.Errorf("in the lake: %s", before)
	}

	t.Setenv("AWS_SECRET_ACCESS_KEY", "another one")
	e = launch(t, "--config.file="+config)
	e.Log.Await(t, regexp.MustCompile(`msg="lines not put into the lake.*HTTP 403, request id `))
	e.AwaitLines("main")
	page := e.Await("/metrics", "\nksyun_bill_account_cost_cny{account=\"main\",pay_mode=\"postpaid\"} 55\n")
	if !regexp.MustCompile(`\nksyun_bill_exporter_lake_write_failures_total [1-9]`).MatchString(page) {
		t.Error("no failure is counted")
	}
	if code := e.Stop(); code != 0 {
		t.Errorf("exit code %d with a bucket that refuses", code)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", peers.StoreSecret)
	if after := inLake(); after != before {
		t.Errorf("in the lake: %s, before: %s", after, before)
	}
}

// monthsAgo returns a month as the file names have it.
func monthsAgo(n int) string { return billclient.MonthOf(time.Now()).Add(-n).String() }

// export writes both lakes, and meanwhile lets a daemon read the same bills.
func (l *lakes) export(t *testing.T) {
	l.daemon = launchAs(t, plainProgram, "--config.file="+l.configure(t))
	var exports sync.WaitGroup
	for _, place := range []string{filepath.Join(l.folder, "lake"), l.store.Lake()} {
		export := plainProgram(t, "--demo", "export", "--account=all", "--lake="+place,
			"--from="+monthsAgo(firstMonth), "--to="+monthsAgo(l.newest))
		export.Env = append(os.Environ(), l.store.Env...)
		exports.Go(func() {
			if out, err := export.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", export, err, out)
			}
		})
	}
	exports.Wait()
	l.metrics = l.awaitMonths(t, l.daemon.URL)
	write(t, filepath.Join(l.folder, "metrics.txt"), l.metrics)
}

// configure serves the bills of the demo, and returns a file with the demo's configuration for them and a lake.
func (l *lakes) configure(t *testing.T) string {
	t.Helper()
	accounts := billsim.Demo(time.Now)
	api := httptest.NewServer(billsim.New(accounts, billsim.WithKeptPages()))
	t.Cleanup(api.Close)
	text := "lake: {path: kept}\naccounts:\n"
	for i, a := range accounts {
		text += fmt.Sprintf("  - {name: %s, access_key_id: %s, secret_access_key: %s}\n",
			demoAccounts[i], a.AccessKeyID, a.SecretAccessKey)
	}
	endpoints := "api:\n"
	for _, key := range []string{"endpoint", "union_endpoint", "pay_endpoint", "trade_endpoint"} {
		endpoints += "  " + key + ": " + api.URL + "\n"
	}
	text += strings.Replace(read(t, filepath.Join(root, "demo.yaml")), "api:\n", endpoints, 1)
	config := filepath.Join(l.folder, "config.yaml")
	write(t, config, text)
	return config
}

// closed matches the series of closed months.
var closed = regexp.MustCompile(
	`(?m)^ksyun_bill_(past_month_(?:account|product|project)_cost|account_paid)_cny` +
		`\{account="(\w+)",(?:pay_mode="(\w+)",)?.*months_ago="(\d)"`)

// awaitMonths returns the metrics as soon as they have three closed months of both companies, of each pay mode in each
// family, and how they were paid.
func (l *lakes) awaitMonths(t *testing.T, url string) string {
	t.Helper()
	want := (3*3 + 1) * len(demoAccounts) * (4 - l.newest)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		page := peers.Get(t, url+"/metrics")
		have := map[string]bool{}
		for _, s := range closed.FindAllStringSubmatch(page, -1) {
			if months, _ := strconv.Atoi(s[4]); months >= l.newest {
				have[strings.Join(s[1:], " ")] = true
			}
		}
		if len(have) == want {
			return page
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d: %q", len(have), want, slices.Sorted(maps.Keys(have)))
		}
	}
}

// makeTables starts the engines, and has them do what the page says.
func (l *lakes) makeTables(t *testing.T) {
	duckdb := peers.StartEngine(t, root, "duckdb", l.folder)
	for _, sql := range l.page.section("DuckDB") {
		duckdb.Ask(sql)
	}
	duckdb.Ask("copy paid to 'paid.parquet'")
	clickhouse := peers.StartEngine(t, root, "clickhouse", l.folder)
	places := strings.NewReplacer("https://ks3-cn-beijing.ksyuncs.com/BUCKET", "http://"+l.store.Address+"/bills",
		"'AK...'", "'"+peers.StoreKey+"'", "'...'", "'"+peers.StoreSecret+"'")
	for _, sql := range l.page.section("ClickHouse") {
		clickhouse.Ask(places.Replace(sql))
	}
	clickhouse.Ask("create view paid as select * from file('paid.parquet', 'Parquet')")
	l.engines["DuckDB"], l.engines["ClickHouse"] = duckdb, clickhouse
}

// section returns the statements below a heading.
func (d manual) section(heading string) []string {
	_, text, _ := strings.Cut(d.text, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var statements []string
	for _, block := range (manual{d.name, text}).blocks("sql") {
		for statement := range strings.SplitSeq(block, ";\n") {
			if strings.TrimSpace(statement) != "" {
				statements = append(statements, statement)
			}
		}
	}
	return statements
}

// sample matches a sample of a closed month's cost.
var sample = regexp.MustCompile(`(?m)^ksyun_bill_past_month_(account|product|project)_cost_cny\{account="(\w+)",` +
	`pay_mode="(\w+)",(?:(?:product_code|project_id)="([^"]*)",)?months_ago="(\d)"\} (\S+)$`)

// compareWithMetrics compares the sums of closed months with what the metrics say of them, to the last digit.
func (l *lakes) compareWithMetrics(t *testing.T) {
	want := map[string]string{}
	for _, s := range sample.FindAllStringSubmatch(l.metrics, -1) {
		if months, _ := strconv.Atoi(s[5]); months >= l.newest && s[6] != "0" {
			want[strings.Join([]string{s[1], s[2], s[3], s[4], monthsAgo(months)}, " ")] = s[6]
		}
	}
	if len(want) < 100 {
		t.Fatalf("the metrics have %d sums", len(want))
	}
	for name, engine := range l.engines {
		got := map[string]string{}
		for kind, column := range map[string]string{
			"account": "''", "product": "x_ProductCode", "project": "coalesce(SubAccountId, '__none__')",
		} {
			for _, row := range engine.Ask("select BillingAccountName, x_PayMode, " + column + ", billing_period," +
				" sum(BilledCost) from bills where billing_period >= '" + monthsAgo(3) + "' group by 1, 2, 3, 4") {
				row[2] = l.shownCode(row[0], row[2])
				got[kind+" "+strings.Join(row[:4], " ")] = row[4]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-metrics +lake):\n%s", name, diff)
		}
	}
}

// shownCode returns the code under which metrics show a product group.
func (l *lakes) shownCode(account, code string) string {
	info := regexp.MustCompile(`ksyun_bill_product_group_info\{account="` + account + `",product_group="` + code +
		`",.*product_code="(\w+)"`)
	if m := info.FindStringSubmatch(l.metrics); m != nil {
		return m[1]
	}
	return code
}

// compareWithManifests checks that no line is there twice, and that each month has the sums of its manifest.
func (l *lakes) compareWithManifests(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(l.folder, "lake", "*", "*", lake.ManifestName))
	if err != nil || len(files) != (firstMonth+1-l.newest)*len(demoAccounts) {
		t.Fatalf("%d manifests, %v", len(files), err)
	}
	want := map[string]string{}
	for _, file := range files {
		var m lake.Manifest
		if err := json.Unmarshal([]byte(read(t, file)), &m); err != nil {
			t.Fatal(err)
		}
		for _, part := range m.Parts {
			for _, s := range part.PayModes {
				want[fmt.Sprint(m.Customer, " ", m.Month, " ", s.PayMode)] = fmt.Sprintf("%d lines, %[1]d ids, %s, %s",
					s.Lines, peers.Plain(s.Cost.String()), peers.Plain(s.ListCost.String()))
			}
		}
	}
	for name, engine := range l.engines {
		got := map[string]string{}
		for _, row := range engine.Ask("select billing_account_id, billing_period, x_PayMode, count(*)," +
			" count(distinct x_DetailBillNo), sum(BilledCost), sum(ListCost) from bills group by 1, 2, 3") {
			got[strings.Join(row[:3], " ")] = fmt.Sprintf("%s lines, %s ids, %s, %s", row[3], row[4], row[5], row[6])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-manifests +lake):\n%s", name, diff)
		}
	}
}

// shown matches what the daemon shows of the running month and of the last one.
var shown = regexp.MustCompile(`(?m)^ksyun_bill_(?:past_month_)?account_cost_cny\{account="(\w+)",pay_mode="(\w+)"` +
	`(?:,months_ago="(1))?"?\} (\S+)$`)

// compareWithDaemon compares the lake that the daemon keeps with what it shows. It writes a month after it shows it.
func (l *lakes) compareWithDaemon(t *testing.T) {
	diff := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		want, got := map[string]string{}, map[string]string{}
		for _, s := range shown.FindAllStringSubmatch(peers.Get(t, l.daemon.URL+"/metrics"), -1) {
			months, _ := strconv.Atoi(s[3])
			want[strings.Join([]string{s[1], s[2], monthsAgo(months)}, " ")] = s[4]
		}
		rows, err := l.engines["DuckDB"].Try("select BillingAccountName, x_PayMode, billing_period, sum(BilledCost)" +
			" from 'kept/*/*/*.parquet' where abs(BilledCost) > 0 group by all")
		for _, row := range rows {
			got[strings.Join(row[:3], " ")] = row[3]
		}
		if l.newest > 1 { // until the 3rd, not all of it is in a bill
			maps.DeleteFunc(want, func(key, _ string) bool { return got[key] == "" })
		}
		if diff = cmp.Diff(want, got); diff == "" && err == nil && len(got) > 2 {
			return
		}
	}
	t.Errorf("(-metrics +lake):\n%s", diff)
}

// askQuestions asks the questions of the page. Both engines have the same answer, and it has rows.
func (l *lakes) askQuestions(t *testing.T) {
	questions := l.page.section("Six questions")
	if len(questions) != 6 {
		t.Fatalf("%d questions", len(questions))
	}
	for _, sql := range questions {
		want, got := l.engines["DuckDB"].Ask(sql), l.engines["ClickHouse"].Ask(sql)
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%d rows\n%s\n(-DuckDB +ClickHouse):\n%s", len(want), sql, diff)
		}
	}
	for _, row := range l.engines["DuckDB"].Ask(questions[4]) {
		if difference := row[len(row)-1]; difference != "0" {
			t.Errorf("what is paid differs from the lines: %q", row)
		}
	}
}

var command = regexp.MustCompile(`(?m)^ *duckdb -c "(.*)"$`)

// runCommand asks what two pages have the command line of DuckDB ask.
func (l *lakes) runCommand(t *testing.T) {
	for _, page := range []string{"README.md", "docs/lake.md"} {
		m := command.FindStringSubmatch(read(t, filepath.Join(root, page)))
		if m == nil {
			t.Errorf("%s has no command", page)
		} else if rows := l.engines["DuckDB"].Ask(m[1]); len(rows) < 100 {
			t.Errorf("%s: %q", page, rows)
		}
	}
}

var trinoColumn = regexp.MustCompile(`(?m)^  (\w+) (decimal\(38, 10\)|varchar|map\(varchar, varchar\))[,)]`)

// compareColumns checks that the table for Trino has columns of the lake, with their types.
func (l *lakes) compareColumns(t *testing.T) {
	types := map[string]string{}
	for _, row := range l.engines["DuckDB"].Ask("describe select * from bills") {
		types[row[0]] = strings.ToLower(strings.ReplaceAll(row[1], ",", ", "))
		types[row[0]] = strings.ReplaceAll(types[row[0]], ",  ", ", ")
	}
	types["billing_account_id"] = "varchar" // DuckDB takes what looks like a number for one
	want, got := map[string]string{}, map[string]string{}
	for _, c := range trinoColumn.FindAllStringSubmatch(l.page.section("Trino")[0], -1) {
		want[c[1]], got[c[1]] = types[c[1]], c[2]
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 15 {
		t.Errorf("%d columns (-lake +page):\n%s", len(got), diff)
	}
}

// Who reads a lake while a month is written again sees one version of it or the other, never half of one or both.
func TestLakeWhileItIsWritten(t *testing.T) {
	const versions = 12
	dir, store := t.TempDir(), startStore(t)
	config := filepath.Join(dir, "config.yaml")
	version := serveVersions(t, config)
	readers := lakeReaders(t, dir, store)
	done, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	for n := range versions {
		version.Store(int64(n + 1))
		for _, r := range readers {
			export := plainProgram(t,
				"--config.file="+config, "export", "--month="+peers.RunningMonth(), "--lake="+r.place)
			export.Env = append(os.Environ(), store.Env...)
			if out, err := export.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", export, err, out)
			}
			if n == 0 {
				reading.Go(func() { r.readUntil(done, t) })
			}
		}
	}
	stop()
	reading.Wait()
	for _, r := range readers {
		if len(r.seen) < 3 || r.read(t) != versions {
			t.Errorf("%s: saw versions %v", r.from, r.seen)
		}
	}
}

// versionLines is how many lines a month has before its first version, which has one more.
const versionLines = 2000

// serveVersions serves a bill of which each version has one line more, and writes a configuration for it. Each of its
// lines costs as much as the number of the version.
func serveVersions(t *testing.T, config string) (version *atomic.Int64) {
	t.Helper()
	version = &atomic.Int64{}
	month := peers.RunningMonth()
	api := httptest.NewServer(billsim.New([]billsim.Account{{
		AccessKeyID: "AKLT", SecretAccessKey: "s3cret", CustomerID: "73400575",
		Bills: func(m string) (billsim.Bill, bool) {
			line, n := peers.SampleLine, version.Load()
			line.Cost = billsim.Amount(n) * billsim.Yuan
			lines := slices.Repeat([]billsim.Line{line}, versionLines+int(n))
			return billsim.Bill{Lines: slices.Values(lines)}, m == month
		},
	}}))
	t.Cleanup(api.Close)
	write(t, config, "accounts: [{name: main, access_key_id: AKLT, secret_access_key: s3cret}]\n"+
		"api: {endpoint: '"+api.URL+"', union_endpoint: '', max_retries: 0}\n")
	return version
}

// linkCommand matches the command of docs/lake.md that links the files of a lake elsewhere.
var linkCommand = regexp.MustCompile(`mkdir now && cp .*`)

// lakeReader asks an engine for a month, again and again.
type lakeReader struct {
	place   string
	engine  *peers.Engine
	from    string
	prepare func()
	mayFail string      // in an error after which the question is asked again
	seen    map[int]int // version -> how often
}

// lakeReaders returns a reader of a folder and one of a bucket, which do as docs/lake.md says.
func lakeReaders(t *testing.T, dir string, store peers.Store) []*lakeReader {
	t.Helper()
	links := linkCommand.FindString(read(t, filepath.Join(root, "docs", "lake.md")))
	bucket := fmt.Sprintf("s3('http://%s/bills/lake/*/*/*.parquet', '%s', '%s', 'Parquet')",
		store.Address, peers.StoreKey, peers.StoreSecret)
	return []*lakeReader{{
		place: filepath.Join(dir, "lake"), engine: peers.StartEngine(t, root, "duckdb", dir),
		from:    "'now/lake/*/*/*.parquet'",
		prepare: func() { peers.Run(t, "sh", "-c", "cd "+dir+" && rm -rf now && "+links) }, seen: map[int]int{},
	}, {
		place: store.Lake(), engine: peers.StartEngine(t, root, "clickhouse", dir), from: bucket,
		prepare: func() {}, mayFail: "was replaced during read", seen: map[int]int{},
	}}
}

func (r *lakeReader) readUntil(done context.Context, t *testing.T) {
	for done.Err() == nil {
		if version := r.read(t); version > 0 {
			r.seen[version]++
		}
	}
}

// read returns which version the engine sees, 0 if the file was replaced while it read it.
func (r *lakeReader) read(t *testing.T) int {
	r.prepare()
	rows, err := r.engine.Try("select count(*), sum(BilledCost), min(BilledCost), max(BilledCost) from " + r.from)
	if err != nil {
		if r.mayFail == "" || !strings.Contains(err.Error(), r.mayFail) {
			t.Errorf("%s: %v", r.from, err)
		}
		return 0
	}
	version, _ := strconv.Atoi(rows[0][2])
	lines := versionLines + version
	want := []string{strconv.Itoa(lines), strconv.Itoa(lines * version), strconv.Itoa(version), strconv.Itoa(version)}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Errorf("%s: half a month, or two versions (-want +got):\n%s", r.from, diff)
	}
	return version
}
