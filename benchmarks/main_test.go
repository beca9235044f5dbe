package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test run as a child of itself, as main does with the benchmark.
func TestMain(m *testing.M) {
	done, err := runAsChild(context.Background(), os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !done {
		os.Exit(m.Run())
	}
}

// TestRun checks that everything is measured, in processes of its own, and shown.
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

// checkRows checks that each row has a number, and a verdict if it has a limit. Rows that need nginx or more lines than
// there are may have none.
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

// checkPicture checks that the picture is XML and that each of the six curves has its point.
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

func TestRunBadFlags(t *testing.T) {
	const atLeast = "-lines is at least 1000, -runs at least 1"
	for flag, want := range map[[2]string]string{
		{"-lines", "999"}: atLeast,
		{"-runs", "0"}:    atLeast,
		{"-parts", "day,night"}: `invalid value "day,night" for flag -parts: "night" is none of ` +
			"reading, scrapes, fleet, program, page, day",
	} {
		if err := run(t.Context(), flag[:], io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v: %v, want %s", flag, err, want)
		}
	}
}
