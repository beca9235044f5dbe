package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bench measures every way of doing something at several numbers of lines.
type bench struct {
	lines    int           // the largest number
	runs     int           // of every way
	repeat   int           // lines that one measurement reads at least; with fewer it would be too short
	budget   time.Duration // of a server's CPU time, for one measurement of its scrapes
	progress io.Writer
	fleet    fleet         // of accounts
	day      day           // of refreshes
	rest     time.Duration // after which the program is taken to rest
	parts    []string      // that are measured, of allParts

	program string // the exporter's; empty until it is built

	results results
	notes   []string // what was left out and why
}

// results has the measurements by name of the way and number of lines, one for each round.
type results map[string]map[int][]measurement

func (r results) add(way string, lines int, m measurement) {
	if r[way] == nil {
		r[way] = map[int][]measurement{}
	}
	r[way][lines] = append(r[way][lines], m)
}

// way is a way to do something.
type way struct {
	name    string
	measure func(context.Context) (measurement, error)
}

func newWay(name string, j job) way { return way{name, j.runInChild} }

// omission is an error that says why a way cannot be measured here.
type omission string

func (l omission) Error() string { return string(l) }

// sizes returns the numbers of lines: 1k, 10k and so on.
func (b *bench) sizes() []int {
	var sizes []int
	for lines := 1000; lines <= b.lines; lines *= 10 {
		sizes = append(sizes, lines)
	}
	return sizes
}

// programSizes returns the numbers of lines of which the whole program is measured: large ones. With few lines, most
// of its work does not depend on them.
func (b *bench) programSizes() []int {
	sizes := b.sizes()
	large := slices.DeleteFunc(slices.Clone(sizes), func(lines int) bool { return lines < largeBill })
	if len(large) == 0 {
		return sizes[len(sizes)-1:]
	}
	return large
}

// accounts returns the number of accounts.
func (b *bench) accounts() []int { return []int{b.fleet.Accounts} }

// usualBill returns a bill with five lines for each instance.
func usualBill(lines int) bill { return bill{lines, lines / 5} }

// tenfoldBill returns a bill with fifty lines for each instance.
func tenfoldBill(lines int) bill { return bill{lines, lines / 50} }

// tenthBill returns a bill with the instances of tenfoldBill and five lines for each.
func tenthBill(lines int) bill { return bill{lines / 10, lines / 50} }

// allParts are the parts of a run, of which some can be chosen.
var allParts = []string{"reading", "scrapes", "fleet", "program", "page", "day"}

func (b *bench) run(ctx context.Context) (err error) {
	b.results = results{}
	dir, err := os.MkdirTemp("", "ksyun-benchmark-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if b.program, err = buildProgram(ctx, dir); err != nil {
		return err
	}
	for _, part := range b.parts {
		if part == "fleet" {
			if err := b.runFleet(ctx); err != nil {
				return fmt.Errorf("%d accounts: %w", b.fleet.Accounts, err)
			}
			continue
		}
		if err := b.runPart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// runPart measures a part at its numbers of lines.
func (b *bench) runPart(ctx context.Context, part string) error {
	run := map[string]func(context.Context, int) error{
		"reading": b.runReading, "scrapes": b.runScrapes, "program": b.runProgram, "page": b.runWholePage,
		"day": b.runDay,
	}[part]
	sizes := b.programSizes()
	if part == "reading" || part == "scrapes" {
		sizes = b.sizes()
	}
	for _, lines := range sizes {
		if err := run(ctx, lines); err != nil {
			return fmt.Errorf("%d lines: %w", lines, err)
		}
	}
	return nil
}

// runReading measures the ways that read bills.
func (b *bench) runReading(ctx context.Context, lines int) (err error) {
	apis, err := serveAll(ctx, map[string]job{
		"usual":   {Do: "api", Bill: usualBill(lines), Replay: true},
		"tenth":   {Do: "api", Bill: tenthBill(lines)},
		"tenfold": {Do: "api", Bill: tenfoldBill(lines)},
	})
	defer func() { err = errors.Join(err, apis.stop()) }()
	if err != nil {
		return err
	}
	if err := b.takeTurns(ctx, lines, b.readingWays(lines, apis)); err != nil {
		return err
	}
	return b.takeTurns(ctx, lines, memoryWays(lines, apis))
}

// takeTurns measures all ways once in each round, so that other work of the machine affects all of them alike.
func (b *bench) takeTurns(ctx context.Context, lines int, ways []way) error {
	for round := range b.runs {
		for _, w := range ways {
			if err := b.takeTurn(ctx, lines, fmt.Sprintf("round %d of %d", round+1, b.runs), w); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeTurn measures a way once, unless it is left out.
func (b *bench) takeTurn(ctx context.Context, lines int, turn string, w way) error {
	fmt.Fprintf(b.progress, "%d lines, %s: %s\n", lines, turn, w.name)
	m, err := w.measure(ctx)
	if reason, ok := errors.AsType[omission](err); ok {
		b.addNote(fmt.Sprintf("%d lines, %s: left out, %s", lines, w.name, reason))
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	b.results.add(w.name, lines, m)
	return nil
}

func (b *bench) addNote(text string) {
	if !slices.Contains(b.notes, text) {
		b.notes = append(b.notes, text)
	}
}

// defaultShown is how many instances the exporter shows by default.
const defaultShown = 2000

// repetitions returns how often work with this number of lines is done for one measurement.
func (b *bench) repetitions(lines int) int { return max(1, b.repeat/lines) }

// readingWays returns the ways from the API's bytes to sums.
func (b *bench) readingWays(lines int, apis serverSet) []way {
	j := job{API: apis["usual"].url, Bill: usualBill(lines), Shown: defaultShown, Times: b.repetitions(lines)}
	var ways []way
	for _, do := range []string{"count", "loop", "stream", "refresh", "sdk", "usual"} {
		j.Do = do
		w := newWay(do, j)
		if do == "sdk" || do == "usual" {
			w = w.requireMemory(lines)
		}
		ways = append(ways, w)
	}
	return ways
}

// wholeBody is the memory in bytes that a way needs for a line if it reads the whole answer and unmarshals it, with
// more than half of it in reserve.
const wholeBody = 10_000

// requireMemory returns a way that is left out if the machine has too little memory for it.
func (w way) requireMemory(lines int) way {
	return way{w.name, func(ctx context.Context) (measurement, error) {
		available, err := availableMemory()
		if err != nil {
			return measurement{}, err
		}
		if need := int64(lines) * wholeBody; need > available {
			reason := fmt.Sprintf("it may need %d MB, and %d MB are available", need/1e6, available/1e6)
			return measurement{}, omission(reason)
		}
		return w.measure(ctx)
	}}
}

// memoryWays returns the ways of which only the memory is of interest.
func memoryWays(lines int, apis serverSet) []way {
	all := job{Do: "refresh", API: apis["usual"].url, Bill: usualBill(lines), Shown: lines, Times: 1}
	kept, tenth, tenfold := all, all, all
	kept.Do = "kept"
	tenth.API, tenth.Bill = apis["tenth"].url, tenthBill(lines)
	tenfold.API, tenfold.Bill = apis["tenfold"].url, tenfoldBill(lines)
	ways := []way{newWay("refresh all", all), newWay("kept", kept)}
	if tenth.Bill.Instances >= 100 { // with fewer, the memory is mostly that of the runtime
		ways = append(ways, newWay("tenth", tenth), newWay("tenfold", tenfold))
	}
	return ways
}

// seriesCount returns the number of series of a page.
func seriesCount(lines int) int { return lines / 5 }

// renderingWays returns the ways from sums to a page.
func (b *bench) renderingWays(lines int) []way {
	j := job{Series: seriesCount(lines), Times: b.repetitions(lines)}
	page, gzip := j, j
	page.Do, gzip.Do = "render", "compress"
	return []way{newWay("render", page), newWay("compress", gzip)}
}

// runScrapes measures the ways that begin with sums: pages, scrapes of servers with the same answer, and one server
// with many scrapers.
func (b *bench) runScrapes(ctx context.Context, lines int) (err error) {
	if err := b.takeTurns(ctx, lines, b.renderingWays(lines)); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ksyun-benchmark-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	servers, err := b.startServers(ctx, lines, dir)
	defer func() { err = errors.Join(err, servers.stop()) }()
	if err != nil {
		return err
	}
	if err := b.takeTurns(ctx, lines, b.scrapeWays(servers)); err != nil {
		return err
	}
	return b.takeTurns(ctx, lines, crowdWays(lines))
}

// startServers starts all servers that are available. If it fails, it returns those that are running.
func (b *bench) startServers(ctx context.Context, lines int, dir string) (serverSet, error) {
	series, small := seriesCount(lines), usualBill(1000)
	api, err := job{Do: "api", Bill: small}.serve(ctx)
	if err != nil {
		return nil, err
	}
	own := job{Do: "page", Series: series, Own: true, API: api.url, Bill: small, Shown: defaultShown}
	live := own
	live.Live = true
	f, err := serveAll(ctx, map[string]job{
		"page":   {Do: "page", Series: series},
		"own":    own,
		"live":   live,
		"files":  {Do: "files", Dir: dir},
		"consts": {Do: "consts", Series: series},
	})
	f["api"] = api
	if err != nil {
		return f, err
	}
	if err := saveAnswers(ctx, f["page"], dir); err != nil {
		return f, err
	}
	nginx, err := startNginx(ctx, dir)
	if reason, ok := errors.AsType[omission](err); ok {
		b.addNote(fmt.Sprintf("%d lines, nginx: left out, %s", lines, reason))
		return f, nil
	}
	if err == nil {
		f["nginx"] = nginx
	}
	return f, err
}

// saveAnswers writes the answers of a server in both codings into files, for other servers.
func saveAnswers(ctx context.Context, from *server, dir string) error {
	s := newScraper()
	defer s.CloseIdleConnections()
	for coding, name := range map[string]string{gzipCoding: gzipFile, plainCoding: plainFile} {
		err := s.get(ctx, from, metricsPath, coding, func(body io.Reader) error {
			text, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name), text, 0o600)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// scrapeWays returns the ways from a page to an answer.
func (b *bench) scrapeWays(f serverSet) []way {
	var ways []way
	for _, coding := range []string{gzipCoding, plainCoding} {
		for _, name := range []string{"page", "nginx", "files", "own", "live", "consts"} {
			if s, ok := f[name]; ok {
				ways = append(ways, way{name + " " + coding, func(ctx context.Context) (measurement, error) {
					return measureScrapes(ctx, s, coding, b.budget)
				}})
			}
		}
	}
	return ways
}

// crowdWays returns the ways with one scraper and with many at once.
func crowdWays(lines int) []way {
	page := job{Do: "page", Series: seriesCount(lines)}
	return []way{
		{"1 scraper", func(ctx context.Context) (measurement, error) { return measureCrowd(ctx, page, 1) }},
		{"50 scrapers", func(ctx context.Context) (measurement, error) { return measureCrowd(ctx, page, 50) }},
	}
}
