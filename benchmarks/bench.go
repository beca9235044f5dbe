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

// bench measures every way of doing something at growing numbers of lines.
type bench struct {
	lines    int           // at most
	runs     int           // of every way
	repeat   int           // work is repeated until it has read so many lines, to be long enough to be measured
	budget   time.Duration // of a server's CPU time, for one measurement of its scrapes
	progress io.Writer

	results results
	notes   []string // what was left out, and why
}

// results has what the ways measured, by name and number of lines: one measurement a round.
type results map[string]map[int][]measured

func (r results) add(way string, lines int, m measured) {
	if r[way] == nil {
		r[way] = map[int][]measured{}
	}
	r[way][lines] = append(r[way][lines], m)
}

// way is a way to do something.
type way struct {
	name    string
	measure func(context.Context) (measured, error)
}

func newWay(name string, j job) way { return way{name, j.do} }

// leftOut is an error that says why a way is left out.
type leftOut string

func (l leftOut) Error() string { return string(l) }

// sizes returns the numbers of lines: 1k, 10k and so on.
func (b *bench) sizes() []int {
	var sizes []int
	for lines := 1000; lines <= b.lines; lines *= 10 {
		sizes = append(sizes, lines)
	}
	return sizes
}

// An instance has five lines, or fifty, or five where the bill is a tenth as long.
func usualBill(lines int) bill   { return bill{lines, lines / 5} }
func tenfoldBill(lines int) bill { return bill{lines, lines / 50} }
func tenthBill(lines int) bill   { return bill{lines / 10, lines / 50} }

func (b *bench) run(ctx context.Context) error {
	b.results = results{}
	for _, lines := range b.sizes() {
		if err := b.runReading(ctx, lines); err != nil {
			return fmt.Errorf("%d lines: %w", lines, err)
		}
		if err := b.runScrapes(ctx, lines); err != nil {
			return fmt.Errorf("%d lines: %w", lines, err)
		}
	}
	return nil
}

// runReading measures what is done with bills.
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
	if err := b.takeTurns(ctx, lines, b.reading(lines, apis)); err != nil {
		return err
	}
	return b.takeTurns(ctx, lines, keeping(lines, apis))
}

// takeTurns measures the ways one after the other, again and again, so that what else the machine does meets them
// alike.
func (b *bench) takeTurns(ctx context.Context, lines int, ways []way) error {
	for round := range b.runs {
		for _, w := range ways {
			fmt.Fprintf(b.progress, "%d lines, round %d of %d: %s\n", lines, round+1, b.runs, w.name)
			m, err := w.measure(ctx)
			if reason, ok := errors.AsType[leftOut](err); ok {
				b.note(fmt.Sprintf("%d lines, %s: left out, %s", lines, w.name, reason))
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			b.results.add(w.name, lines, m)
		}
	}
	return nil
}

func (b *bench) note(text string) {
	if !slices.Contains(b.notes, text) {
		b.notes = append(b.notes, text)
	}
}

// defaultShown is how many instances the exporter shows unless it is told otherwise.
const defaultShown = 2000

// times is how often work at so many lines is done for one measurement.
func (b *bench) times(lines int) int { return max(1, b.repeat/lines) }

// reading is from the API's bytes to sums.
func (b *bench) reading(lines int, apis farm) []way {
	j := job{API: apis["usual"].url, Bill: usualBill(lines), Shown: defaultShown, Times: b.times(lines)}
	var ways []way
	for _, do := range []string{"count", "loop", "stream", "refresh", "sdk", "usual"} {
		j.Do = do
		ways = append(ways, newWay(do, j))
	}
	for i := range ways[4:] {
		ways[4+i] = ways[4+i].ifMemoryLasts(lines)
	}
	return ways
}

// wholeBody is more than twice the memory that a line takes of those who read the answer whole and unmarshal it.
const wholeBody = 10_000

func (w way) ifMemoryLasts(lines int) way {
	return way{w.name, func(ctx context.Context) (measured, error) {
		available, err := availableMemory()
		if err != nil {
			return measured{}, err
		}
		if need := int64(lines) * wholeBody; need > available {
			reason := fmt.Sprintf("it may need %d MB, and %d MB are available", need/1e6, available/1e6)
			return measured{}, leftOut(reason)
		}
		return w.measure(ctx)
	}}
}

// keeping is about memory alone.
func keeping(lines int, apis farm) []way {
	all := job{Do: "refresh", API: apis["usual"].url, Bill: usualBill(lines), Shown: lines, Times: 1}
	kept, tenth, tenfold := all, all, all
	kept.Do = "kept"
	tenth.API, tenth.Bill = apis["tenth"].url, tenthBill(lines)
	tenfold.API, tenfold.Bill = apis["tenfold"].url, tenfoldBill(lines)
	ways := []way{newWay("refresh all", all), newWay("kept", kept)}
	if tenth.Bill.Instances >= 100 { // with fewer, it is the runtime that is measured
		ways = append(ways, newWay("tenth", tenth), newWay("tenfold", tenfold))
	}
	return ways
}

func seriesAt(lines int) int { return lines / 5 }

// rendering is from sums to a page.
func (b *bench) rendering(lines int) []way {
	j := job{Series: seriesAt(lines), Times: b.times(lines)}
	page, gzip := j, j
	page.Do, gzip.Do = "render", "compress"
	return []way{newWay("render", page), newWay("compress", gzip)}
}

// runScrapes measures what is done with sums: pages, scrapes of servers that all serve the same, and one server before
// a crowd.
func (b *bench) runScrapes(ctx context.Context, lines int) (err error) {
	if err := b.takeTurns(ctx, lines, b.rendering(lines)); err != nil {
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
	if err := b.takeTurns(ctx, lines, b.scraping(servers)); err != nil {
		return err
	}
	return b.takeTurns(ctx, lines, crowding(lines))
}

// startServers starts what can be had. On failure, what has been started is returned as well.
func (b *bench) startServers(ctx context.Context, lines int, dir string) (farm, error) {
	series, asked := seriesAt(lines), usualBill(1000)
	api, err := job{Do: "api", Bill: asked}.serve(ctx)
	if err != nil {
		return nil, err
	}
	own := job{Do: "page", Series: series, Own: true, API: api.url, Bill: asked, Shown: defaultShown}
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
	if err := save(ctx, f["page"], dir); err != nil {
		return f, err
	}
	nginx, err := serveWithNginx(ctx, dir)
	if reason, ok := errors.AsType[leftOut](err); ok {
		b.note(fmt.Sprintf("%d lines, nginx: left out, %s", lines, reason))
		return f, nil
	}
	if err == nil {
		f["nginx"] = nginx
	}
	return f, err
}

// save writes both answers of a server into files, for other servers.
func save(ctx context.Context, from *server, dir string) error {
	s := newScraper()
	defer s.CloseIdleConnections()
	for coding, name := range map[string]string{packed: packedFile, plain: plainFile} {
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

// scraping is from a page to an answer.
func (b *bench) scraping(f farm) []way {
	var ways []way
	for _, coding := range []string{packed, plain} {
		for _, name := range []string{"page", "nginx", "files", "own", "live", "consts"} {
			if s, ok := f[name]; ok {
				ways = append(ways, way{name + " " + coding, func(ctx context.Context) (measured, error) {
					return measureScrapes(ctx, s, coding, b.budget)
				}})
			}
		}
	}
	return ways
}

// crowding is one scraper against many at once.
func crowding(lines int) []way {
	page := job{Do: "page", Series: seriesAt(lines)}
	return []way{
		{"1 scraper", func(ctx context.Context) (measured, error) { return crowd(ctx, page, 1) }},
		{"50 scrapers", func(ctx context.Context) (measured, error) { return crowd(ctx, page, 50) }},
	}
}
