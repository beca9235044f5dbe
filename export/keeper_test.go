package export

import (
	"bufio"
	"bytes"
	stdcmp "cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/ledger"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// keeperTest is a keeper of a lake in a folder, which nobody runs: its months are put into the lake when the test says.
type keeperTest struct {
	*testing.T
	*Keeper
	dir    string
	logged strings.Builder
}

func newKeeperTest(t *testing.T, dir string) *keeperTest {
	k := &keeperTest{T: t, dir: dir}
	k.Keeper = NewKeeper(prometheus.NewRegistry(), "test/1", log.NewLogfmtLogger(&k.logged))
	conf := config.Default()
	conf.Lake.Path = dir
	if k.Use(conf) == nil {
		t.Fatal("there is a lake, and no keeper")
	}
	return k
}

var whole = collector.Expected{Postpaid: true, Others: true}

func (k *keeperTest) day(text string) billclient.Day {
	day, err := billclient.ParseDay(text)
	if err != nil {
		k.Fatal(err)
	}
	return day
}

// readPostpaid reads postpaid lines of November, each of a day with its cost, such as "05 1.50".
func (k *keeperTest) readPostpaid(basis ledger.Basis, lines ...string) collector.LineBatch {
	b := k.Begin(collector.LineRead{
		Account: "main", Customer: "73400575", Month: month(k.T, "2026-11"), Basis: basis, ReadAt: noon, BillID: "KSYZD1",
	})
	b.Restart()
	for _, line := range lines {
		day, cost, _ := strings.Cut(line, " ")
		b.Add(&billclient.Line{
			Month: month(k.T, "2026-11"), StatDate: k.day("2026-11-" + day), Cost: amount(k.T, cost),
			DetailBillNo: "4711", ProductCode: "KEC", InstanceID: "i-1",
		})
	}
	return b
}

// readOthers is readPostpaid for real-time lines of days, from the first of them on.
func (k *keeperTest) readOthers(from, to string, lines ...string) collector.LineBatch {
	b := k.Begin(collector.LineRead{
		Account: "main", Customer: "73400575", Month: month(k.T, "2026-11"), ReadAt: noon.Add(time.Hour),
		From: k.day("2026-11-" + from), To: k.day("2026-11-" + to),
	})
	b.Restart()
	for _, line := range lines {
		day, cost, _ := strings.Cut(line, " ")
		b.AddUnion(&billclient.UnionLine{
			PayMode: billclient.Realtime, Month: month(k.T, "2026-11"), Day: k.day("2026-11-" + day),
			Cost: amount(k.T, cost),
		})
	}
	b.AddUnion(&billclient.UnionLine{PayMode: billclient.Postpaid, Day: k.day("2026-11-" + to), Cost: amount(k.T, "9")})
	return b
}

// rows returns what is in the lake of November: the day, pay mode, basis and cost of each line.
func (k *keeperTest) rows() (rows []string) {
	k.Helper()
	k.publish(k.Context())
	text, err := os.ReadFile(filepath.Join(k.dir, "billing_account_id=73400575/billing_period=2026-11/part-0.parquet"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		k.Fatal(err)
	}
	cells, _ := readParquet(k.T, string(text))
	at := map[string]int{}
	for i, name := range cells[0] {
		at[name] = i
	}
	for _, row := range cells[1:] {
		rows = append(rows, fmt.Sprintf("%s %s %s %s", strings.TrimPrefix(row[at["x_BillDay"]], "2026-11-"),
			row[at["x_PayMode"]], row[at["x_Basis"]], strings.TrimRight(row[at["BilledCost"]], "0")))
	}
	return rows
}

func (k *keeperTest) wants(what string, rows ...string) {
	k.Helper()
	if diff := cmp.Diff(rows, k.rows()); diff != "" {
		k.Errorf("%s (-want +lake):\n%s%s", what, diff, k.logged.String())
	}
}

// A month appears with all lines that it has, later days take the place of what was known of them, and what is read
// again takes the place of what was read before.
func TestKeeper(t *testing.T) {
	k := newKeeperTest(t, filepath.Join(t.TempDir(), "new", "lake"))
	k.readPostpaid(ledger.Estimated, "01 1.5", "02 2.5").Keep(whole)
	k.wants("a month without its other lines")
	k.readPostpaid(ledger.Estimated, "01 1.5").Discard()
	k.readOthers("01", "02", "01 10.5", "02 20.5").Keep(whole)
	first := []string{
		"01 postpaid estimate 1.5", "02 postpaid estimate 2.5", "01 realtime bill 10.5", "02 realtime bill 20.5",
	}
	k.wants("a whole month", first...)

	k.readOthers("02", "03", "02 21.5", "03 30.5").Keep(whole)
	k.readOthers("03", "04", "03 31.5").Keep(whole)
	if got := k.DaysThrough(t.Context(), "73400575", month(t, "2026-11")); got != k.day("2026-11-04") {
		t.Errorf("days through %v before they are in the lake", got)
	}
	k.wants("later days", "01 postpaid estimate 1.5", "02 postpaid estimate 2.5", "01 realtime bill 10.5",
		"02 realtime bill 21.5", "03 realtime bill 31.5")

	k = newKeeperTest(t, k.dir) // after a restart
	if got := k.DaysThrough(t.Context(), "73400575", month(t, "2026-11")); got != k.day("2026-11-04") {
		t.Errorf("days through %v after a restart", got)
	}
	k.readPostpaid(ledger.Billed, "01 1.25").Keep(whole)
	k.wants("a bill in place of an estimate", "01 postpaid bill 1.25", "01 realtime bill 10.5", "02 realtime bill 21.5",
		"03 realtime bill 31.5")
	k.readOthers("01", "01").Keep(whole)
	k.wants("no other lines", "01 postpaid bill 1.25")
	k.readPostpaid(ledger.Billed).Keep(collector.Expected{Postpaid: true})
	k.wants("no line at all")
	if left, err := filepath.Glob(filepath.Join(k.dir, ".*")); len(left) > 0 || err != nil {
		t.Errorf("%q is left, %v", left, err)
	}
	compareFile(t, "manifest_kept.json", k.manifest())
}

// manifest returns the manifest of November, without what is not the same each time.
func (k *keeperTest) manifest() string {
	text, err := os.ReadFile(filepath.Join(k.dir, "billing_account_id=73400575/billing_period=2026-11/_manifest.json"))
	if err != nil {
		k.Fatal(err)
	}
	clean := sha256Text.ReplaceAllString(string(text), "HASH")
	clean = bytesText.ReplaceAllString(clean, `"bytes": N`)
	return writtenText.ReplaceAllString(clean, `"written_at": "NOW"`)
}

// use has the keeper use the lake in another folder; none if dir is empty.
func (k *keeperTest) use(dir string) {
	conf := config.Default()
	conf.Lake.Path = dir
	k.Use(conf)
	k.dir = stdcmp.Or(dir, k.dir)
}

// A lake that the configuration changes, or takes away, while lines are read gets none of them: neither the new lake,
// which may lack the days before, nor the old one.
func TestLakeChangesDuringARead(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	k := newKeeperTest(t, first)
	postpaid, others := k.readPostpaid(ledger.Estimated, "01 1.5"), k.readOthers("02", "03", "02 21.5")
	k.use(second)
	postpaid.Keep(whole)
	others.Keep(whole)
	k.readPostpaid(ledger.Estimated, "01 2.5").Keep(whole)
	if got := k.DaysThrough(t.Context(), "73400575", month(t, "2026-11")); got != 0 {
		t.Errorf("the other lines are known through %v in a lake that has none", got)
	}
	k.readOthers("01", "03", "03 30.5").Keep(whole)
	k.wants("the lines that were read for it", "01 postpaid estimate 2.5", "03 realtime bill 30.5")

	postpaid = k.readPostpaid(ledger.Billed, "01 3.5")
	k.use("")
	postpaid.Keep(whole)
	k.readPostpaid(ledger.Billed, "01 4.5").Keep(whole) // accounts notice a little later
	k.wants("no lake", "01 postpaid estimate 2.5", "03 realtime bill 30.5")
	for _, dir := range []string{first, second} {
		if left, err := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 || err != nil {
			t.Errorf("%q is left, %v", left, err)
		}
	}
	if got := testutil.ToFloat64(k.failures); got != 0 {
		t.Errorf("%v failures were counted", got)
	}
}

// Days of which those before are no longer in the lake are given up, so that the next read begins with the first day.
// They are not added to lines of the month as a whole either, which have these days already.
func TestLakeLosesDays(t *testing.T) {
	k := newKeeperTest(t, t.TempDir())
	k.readPostpaid(ledger.Estimated, "01 1.5").Keep(whole)
	k.readOthers("01", "02", "01 10.5", "02 20.5").Keep(whole)
	k.rows()
	later := k.readOthers("02", "03", "02 21.5", "03 30.5")
	if err := os.RemoveAll(filepath.Join(k.dir, "billing_account_id=73400575")); err != nil {
		t.Fatal(err)
	}
	later.Keep(whole)
	k.readPostpaid(ledger.Estimated, "01 1.5").Keep(whole)
	k.wants("days without those before")
	if got := k.DaysThrough(t.Context(), "73400575", month(t, "2026-11")); got != 0 {
		t.Errorf("days through %v", got)
	}
	k.readOthers("01", "03", "01 10.5", "03 30.5").Keep(whole)
	k.wants("all days", "01 postpaid estimate 1.5", "01 realtime bill 10.5", "03 realtime bill 30.5")

	k.readOthers("05", "05", "05 50.5").Keep(whole)
	k.wants("the 4th is missing", "01 postpaid estimate 1.5", "01 realtime bill 10.5", "03 realtime bill 30.5")
	b := k.Begin(collector.LineRead{
		Account: "main", Customer: "73400575", Month: month(t, "2026-11"), ReadAt: noon.Add(time.Hour),
	})
	b.Restart()
	b.AddUnion(&billclient.UnionLine{PayMode: billclient.Realtime, Month: month(t, "2026-11"), Cost: amount(t, "41")})
	b.Keep(whole)
	k.wants("the month as a whole", "01 postpaid estimate 1.5", " realtime bill 41.")
	k.readOthers("03", "04", "03 30.5").Keep(whole)
	k.wants("days beside it", "01 postpaid estimate 1.5", " realtime bill 41.")
	if got := testutil.ToFloat64(k.failures); got != 3 {
		t.Errorf("%v failures were counted: %s", got, k.logged.String())
	}
}

// An estimate does not take the place of a bill of a month that is over, unless the bill is not whole yet.
func TestBillOutranksEstimate(t *testing.T) {
	k := newKeeperTest(t, t.TempDir())
	postpaid := collector.Expected{Postpaid: true}
	december := time.Date(2026, time.December, 1, 0, 0, 0, 0, billclient.Beijing)
	for _, c := range []struct {
		what, cost string
		basis      ledger.Basis
		at         time.Time
		want       string
	}{
		{"the bill of a month that runs", "99", ledger.Billed, december.Add(-1), "01 postpaid bill 99."},
		{"an estimate instead", "98", ledger.Estimated, december.Add(-1), "01 postpaid estimate 98."},
		{"the bill of a month that is over", "99", ledger.Billed, december, "01 postpaid bill 99."},
		{"the same estimate", "100", ledger.Estimated, december.Add(1), "01 postpaid bill 99."},
		{"another bill", "90", ledger.Billed, december.Add(2), "01 postpaid bill 90."},
		{"an estimate of more", "100", ledger.Estimated, december.Add(3), "01 postpaid estimate 100."},
	} {
		b := k.readPostpaid(c.basis)
		b.(*batch).read.ReadAt = c.at
		b.Restart()
		b.Add(&billclient.Line{
			Month: month(t, "2026-11"), StatDate: k.day("2026-11-01"), Cost: amount(t, c.cost), DetailBillNo: "4711",
		})
		b.Keep(postpaid)
		k.wants(c.what, c.want)
	}
	k.wants("nothing new", "01 postpaid estimate 100.")
	if left, err := filepath.Glob(filepath.Join(k.dir, ".*")); len(left) > 0 || err != nil {
		t.Errorf("%q is left, %v", left, err)
	}
}

// A customer without other lines than postpaid ones is known by these.
func TestCustomerOfNoOtherLines(t *testing.T) {
	k := newKeeperTest(t, t.TempDir())
	b := k.Begin(collector.LineRead{
		Account: "main", Month: month(t, "2026-11"), From: k.day("2026-11-01"), To: k.day("2026-11-02"),
	})
	b.Restart()
	b.AddUnion(&billclient.UnionLine{PayMode: billclient.Postpaid, CustomerID: "73400575"})
	b.Keep(whole)
	k.readPostpaid(ledger.Estimated, "01 1.5").Keep(whole)
	k.wants("a month without other lines", "01 postpaid estimate 1.5")
}

// A lake that does not say what it has holds nobody up.
func TestLakeDoesNotAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
	k := newKeeperTest(t, "s3://bills?endpoint="+server.URL)
	k.patience = time.Millisecond
	if got := k.DaysThrough(t.Context(), "73400575", month(t, "2026-11")); got != 0 {
		t.Errorf("days through %v", got)
	}
}

// The pages on metrics have the keeper's.
func TestMetricOfTheLake(t *testing.T) {
	registry := prometheus.NewRegistry()
	NewKeeper(registry, "test/1", log.NewNopLogger())
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%v, %v", families, err)
	}
	for _, file := range []string{"../docs/metrics.md", "../docs/metrics.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		row, entry := "\n| `"+families[0].GetName()+"` | ", "\n* `"+families[0].GetName()+" 0`\\\n"
		if !strings.Contains(string(text), row) || !strings.Contains(string(text), entry) {
			t.Errorf("%s lacks %q or %q", file, row, entry)
		}
	}
}

// A month that lacks lines for long is said once, and given up when nobody reads its lines any more.
func TestMonthThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		k := newKeeperTest(t, t.TempDir())
		k.readPostpaid(ledger.Billed, "01 1.5").Keep(whole)
		const warning = "level=warn msg=\"a month is not in the lake: of postpaid lines and those of the other pay modes," +
			" some could not be read yet\" account=main month=2026-11\n"
		const day = 24 * time.Hour
		for _, step := range []struct {
			after  time.Duration
			log    string
			months int
		}{{0, "", 1}, {time.Hour, "", 1}, {time.Second, warning, 1}, {day, warning, 1}, {40 * day, warning, 0}} {
			time.Sleep(step.after)
			k.publish(t.Context())
			if diff := cmp.Diff(step.log, k.logged.String()); diff != "" || len(k.months) != step.months {
				t.Errorf("%v: %d months wait (-want +got):\n%s", time.Now(), len(k.months), diff)
			}
		}
		if left, err := filepath.Glob(filepath.Join(k.dir, ".*")); len(left) > 0 || err != nil {
			t.Errorf("%q is left, %v", left, err)
		}
	})
}

// A store that fails says nothing about the file that is there: it is not taken for one of another program, which would
// be replaced.
func TestFileThatCannotBeRead(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AK")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
	for name, answer := range map[string]func(w http.ResponseWriter){
		"denied":  func(w http.ResponseWriter) { http.Error(w, "<Error><Code>AccessDenied</Code></Error>", 403) },
		"foreign": func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", 1000)) },
	} {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
			w.Header().Set("ETag", `"1"`)
			if r.Method == http.MethodHead {
				w.Header().Set("Content-Length", "1000")
				return
			}
			answer(w)
		}))
		l, err := lake.New("s3://bills?region=x&endpoint=" + store.URL)
		if err != nil {
			t.Fatal(err)
		}
		at := lake.Partition{Customer: "73400575", Month: month(t, "2026-11")}
		_, done, err := openCurrent(t.Context(), l, at, Focus13)
		if isForeign := errors.Is(err, errForeign); err == nil || isForeign != (name == "foreign") {
			t.Errorf("%s: %v", name, err)
		}
		_ = done()
		store.Close()
	}
}

// A lake that is not there is said once, before there are lines, and counted each time.
func TestLakeIsNotThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	k := newKeeperTest(t, filepath.Join(file, "lake"))
	k.publish(t.Context())
	k.publish(t.Context())
	want := fmt.Sprintf("level=error msg=\"lines not put into the lake, it has what it had before\""+
		" err=\"lake: mkdir %s: not a directory\"\n", file)
	if diff := cmp.Diff(want, k.logged.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := testutil.ToFloat64(k.failures); got != 2 {
		t.Errorf("%v failures were counted", got)
	}
}

// What cannot be put into the lake is counted and said, and what is there stays.
func TestKeeperFails(t *testing.T) {
	k := newKeeperTest(t, t.TempDir())
	k.readPostpaid(ledger.Billed, "01 1.5").Keep(collector.Expected{Postpaid: true})
	k.wants("a month without other pay modes", "01 postpaid bill 1.5")
	k.readPostpaid(ledger.Billed, "01 0").Refuse(errors.New("the lines come to less"))
	k.readPostpaid(ledger.Billed, "01 0.00000000001").Keep(whole)
	partition := filepath.Join(k.dir, "billing_account_id=73400575/billing_period=2026-11")
	if err := os.Rename(partition, partition+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(partition, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k.readPostpaid(ledger.Billed, "01 2.5").Keep(collector.Expected{Postpaid: true})
	k.publish(t.Context())
	if err := errors.Join(os.Remove(partition), os.Rename(partition+"-away", partition)); err != nil {
		t.Fatal(err)
	}
	logged := strings.ReplaceAll(k.logged.String(), k.dir, "DIR")
	compareFile(t, "keeper_fails.txt", logged)
	if got := testutil.ToFloat64(k.failures); got != 3 {
		t.Errorf("%v failures were counted", got)
	}
	k.wants("once it can be written again", "01 postpaid bill 2.5")
}

// Parts of which rows are left out may have several row groups each. Joining them ends with the program.
func TestJoinOfLargeParts(t *testing.T) {
	day := billclient.DayOf(noon)
	var part bytes.Buffer
	w := bufio.NewWriter(&part)
	whole := newParquetFile(w, lakeColumns(Focus13))
	err := whole.begin(true)
	line := row{
		payMode: billclient.Postpaid, charge: charge{from: focusTime(noon), to: focusTime(noon)},
		Line: billclient.Line{StatDate: day, Month: day.Month()},
	}
	for range 5 {
		err = stdcmp.Or(err, whole.write(&line))
	}
	if err = stdcmp.Or(err, whole.end(), whole.close(), w.Flush()); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(part.Bytes()), int64(part.Len()))
	if err != nil {
		t.Fatal(err)
	}
	s := source{groups: file.RowGroups(), before: day.Add(1)}
	var out bytes.Buffer
	target := bufio.NewWriter(&out)
	joined := newJoinedFile(target, Focus13)
	joined.limit = 2
	if err := stdcmp.Or(joined.add(t.Context(), []source{s, s}), joined.close(), target.Flush()); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, s := range []source{s, {groups: s.groups}} {
		err := newJoinedFile(bufio.NewWriter(io.Discard), Focus13).add(stopped, []source{s})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("at the end of the program: %v", err)
		}
	}
	if cells, groups := readParquet(t, out.String()); len(cells) != 11 || joined.parts[0].RowGroups != len(groups) {
		t.Errorf("%d rows in row groups %v, %d in the manifest", len(cells)-1, groups, joined.parts[0].RowGroups)
	}
}
