package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ksyun_bill_exporter/exposition"
)

// TestMain makes the test's program a child of itself, as main does with the benchmark's.
func TestMain(m *testing.M) {
	done, err := child(context.Background(), os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !done {
		os.Exit(m.Run())
	}
}

// TestRun: everything is measured, all processes included, and shown.
func TestRun(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // under the race detector, each process would sleep for a second at its end
	dir := t.TempDir()
	page, picture := filepath.Join(dir, "run.md"), filepath.Join(dir, "run.svg")
	var stdout bytes.Buffer
	args := []string{"-lines", "1000", "-runs", "1", "-quick", "-md", page, "-svg", picture}
	if err := run(t.Context(), args, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	checkRows(t, stdout.String())
	tables := stdout.String()[strings.Index(stdout.String(), "| From the API's bytes"):]
	text := read(t, page)
	for _, want := range []string{tables[:strings.Index(tables, "| Figure")], "(run.svg)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	checkPicture(t, read(t, picture))
}

// checkRows: each row has a number, and a verdict if it has a limit. Two kinds may lack one: what needs nginx, and what
// needs more lines.
func checkRows(t *testing.T, text string) {
	t.Helper()
	got := map[string]string{}
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			got[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	_, noNginx := findNginx()
	for _, s := range sections {
		for _, r := range s.rows {
			titles := []string{r.titleWithUnit()}
			if r.limit != (limit{}) {
				titles = append(titles, fmt.Sprintf("%d. %s", r.limit.figure, r.titleWithUnit()))
			}
			without := strings.Contains(r.title, "nginx") && noNginx != nil || strings.HasPrefix(r.title, "ten times")
			for _, title := range titles {
				if got[title] == "" || (got[title] == "-") != without {
					t.Errorf("%s: %q", title, got[title])
				}
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkPicture: it is XML, and each of the six curves has its point.
func checkPicture(t *testing.T, text string) {
	t.Helper()
	var picture struct {
		Panels []struct {
			Curves []struct {
				Class string     `xml:"class,attr"`
				Dots  []struct{} `xml:"circle"`
			} `xml:"g"`
		} `xml:"g"`
	}
	if err := xml.Unmarshal([]byte(text), &picture); err != nil {
		t.Fatal(err)
	}
	dots := map[string]int{}
	for _, p := range picture.Panels {
		for _, c := range p.Curves {
			dots[c.Class] += len(c.Dots)
		}
	}
	if diff := cmp.Diff(map[string]int{"usual": 2, "ours": 2, "least": 2}, dots); diff != "" {
		t.Errorf("points of the curves (-want +got):\n%s", diff)
	}
}

// TestRefresh: a refresh is over when its page shows the lines, and fails as the collector does.
func TestRefresh(t *testing.T) {
	j := job{Bill: bill{1000, 200}, Shown: 1000}
	handler, err := apiServer(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(handler)
	defer api.Close()
	j.API = api.URL
	err = runCollector(t.Context(), j, prometheus.NewRegistry(), func(page *exposition.Page) {
		if got := bytes.Count(textOf(page), []byte("\nksyun_bill_past_month_instance_cost_cny{")); got != 200 {
			t.Errorf("%d instances on the page, want 200", got)
		}
	})
	if err != nil {
		t.Error(err)
	}
	broken := httptest.NewServer(http.NotFoundHandler())
	defer broken.Close()
	j.API = broken.URL
	err = runCollector(t.Context(), j, prometheus.NewRegistry(), func(*exposition.Page) { t.Error("a page without an API") })
	if err == nil || !strings.HasPrefix(err.Error(), "collector: ") || !strings.Contains(err.Error(), "HTTP 404") {
		t.Errorf("error %v, want what the collector says about HTTP 404", err)
	}
}

func TestRunBadFlags(t *testing.T) {
	const want = "-lines is at least 1000, -runs at least 1"
	for _, args := range [][]string{{"-lines", "999"}, {"-runs", "0"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

// TestVerdict: the worst median of the sizes that count is judged.
func TestVerdict(t *testing.T) {
	all := results{}
	for lines, seconds := range map[int][]int{1000: {90}, 100_000: {1, 99, 2}, 1_000_000: {4, 3}} {
		for _, s := range seconds {
			all.add("refresh", lines, measured{CPU: time.Duration(s) * time.Second})
		}
	}
	for _, tt := range []struct {
		way   string
		limit limit
		want  []string
	}{
		{"refresh", atMost(1, 3.5, large), []string{"1. row, s", "3.50", "at most 3.5", "holds"}},
		{"refresh", atMost(2, 3.4, large), []string{"2. row, s", "3.50", "at most 3.4", "does not hold"}},
		{"refresh", atLeast(3, 2, large), []string{"3. row, s", "2.00", "at least 2", "holds"}},
		{"refresh", atLeast(4, 2.1, large), []string{"4. row, s", "2.00", "at least 2.1", "does not hold"}},
		{"refresh", atLeast(5, 2.1, largest), []string{"5. row, s", "3.50", "at least 2.1", "holds"}},
		{"nothing", atMost(6, 1, large), []string{"6. row, s", "-", "at most 1", "not measured"}},
	} {
		r := row{title: "row", unit: "s", of: each(tt.way, cpu), limit: tt.limit}
		if diff := cmp.Diff(tt.want, r.verdict(all, []int{1000, 100_000, 1_000_000})); diff != "" {
			t.Errorf("verdict (-want +got):\n%s", diff)
		}
	}
}

// TestTakeTurns: the ways alternate; one that is left out is noted once, one that fails ends the run.
func TestTakeTurns(t *testing.T) {
	var turns []string
	turn := func(name string) way {
		return way{name, func(context.Context) (measured, error) {
			turns = append(turns, name)
			return measured{}, nil
		}}
	}
	b := bench{runs: 2, progress: io.Discard, results: results{}}
	ways := []way{turn("a"), turn("greedy").ifMemoryLasts(1 << 40), turn("b")}
	if err := b.takeTurns(t.Context(), 1000, ways); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "a", "b"}, turns); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
	if want := "1000 lines, greedy: left out, it may need"; len(b.notes) != 1 || !strings.HasPrefix(b.notes[0], want) {
		t.Errorf("notes %q, want one: %s...", b.notes, want)
	}
	broken := way{"c", func(context.Context) (measured, error) { return measured{}, errors.New("broken") }}
	if err := b.takeTurns(t.Context(), 1000, []way{broken}); err == nil || err.Error() != "c: broken" {
		t.Errorf("error %v, want c: broken", err)
	}
}
