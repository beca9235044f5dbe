package main

import (
	"fmt"
	"math"
	"slices"
)

// section is a part of the table.
type section struct {
	title string
	rows  []row
}

// row is a number at each number of lines.
type row struct {
	title string
	unit  string
	of    func(results, int) []float64 // one a round; none where it was not measured
	limit limit
}

// limit is what a row is to reach; the zero limit is none. It holds if the worst number from a size on does.
type limit struct {
	figure int     // which of the six that the project has set itself
	bound  float64 // at most, or at least
	least  bool
	from   int // lines; the largest size if that is less
}

// value returns the median of a row, not a number where it was not measured.
func (r row) value(all results, lines int) float64 { return median(r.of(all, lines)) }

func (r row) titleWithUnit() string {
	if r.unit == "" || r.unit == "x" {
		return r.title
	}
	return r.title + ", " + r.unit
}

// format returns a number with three digits that count, or more before the point.
func (r row) format(value float64) string {
	if math.IsNaN(value) {
		return "-"
	}
	text := fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(math.Max(math.Abs(value), 1e-9))))), value)
	if math.Abs(value) < .01 {
		text = fmt.Sprintf("%.4f", value)
	}
	if r.unit == "x" {
		return text + "x"
	}
	return text
}

// verdict judges the worst number that counts.
func (r row) verdict(all results, sizes []int) []string {
	worst := math.NaN()
	for _, lines := range sizes {
		value := r.value(all, lines)
		if counts := lines >= min(r.limit.from, sizes[len(sizes)-1]); counts && r.limit.worse(value, worst) {
			worst = value
		}
	}
	word, verdict := "at most", "holds"
	if r.limit.least {
		word = "at least"
	}
	switch {
	case math.IsNaN(worst):
		verdict = "not measured"
	case r.limit.worse(worst, r.limit.bound):
		verdict = "does not hold"
	}
	return []string{
		fmt.Sprintf("%d. %s", r.limit.figure, r.titleWithUnit()), r.format(worst),
		fmt.Sprintf("%s %g", word, r.limit.bound), verdict,
	}
}

// worse compares two numbers; any is worse than none.
func (l limit) worse(a, b float64) bool {
	if math.IsNaN(b) {
		return !math.IsNaN(a)
	}
	return l.least && a < b || !l.least && a > b
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// What a measurement is asked for.
func cpu(m measured) float64       { return m.CPU.Seconds() }
func allocs(m measured) float64    { return m.Allocs }
func peak(m measured) float64      { return float64(m.Peak) / 1e6 }
func perSeries(m measured) float64 { return float64(m.Kept) / float64(m.Series) }

// ratio is how many times the one way is the other, in each round: neighbours in time, for the machine has its moods.
func ratio(one, other string, of func(measured) float64) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		a, b := all[one][lines], all[other][lines]
		ratios := make([]float64, min(len(a), len(b)))
		for i := range ratios {
			ratios[i] = of(a[i]) / of(b[i])
		}
		return ratios
	}
}

// each is a number of the way itself.
func each(way string, of func(measured) float64) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		var values []float64
		for _, m := range all[way][lines] {
			values = append(values, of(m))
		}
		return values
	}
}

// perLine is allocs a line.
func perLine(way string) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		values := each(way, allocs)(all, lines)
		for i := range values {
			values[i] /= float64(lines)
		}
		return values
	}
}

func atMost(figure int, bound float64, from int) limit {
	return limit{figure: figure, bound: bound, from: from}
}

func atLeast(figure int, bound float64, from int) limit {
	return limit{figure: figure, bound: bound, least: true, from: from}
}

// Below these sizes, what is the same for any number of lines hides what a figure is about.
const (
	large   = 100_000
	largest = 1_000_000
)

// sections is the whole table. Ratios are of CPU time, unless they say otherwise.
var sections = []section{
	{"From the API's bytes to sums: CPU time", []row{
		{"decode and sum / only counting the bytes", "x", ratio("stream", "count", cpu), atMost(1, 28, large)},
		{"decode and sum / a Go loop over the bytes", "x", ratio("stream", "loop", cpu), atMost(1, 5, large)},
		{"whole refresh / only counting the bytes", "x", ratio("refresh", "count", cpu), limit{}},
		{"whole refresh / a Go loop over the bytes", "x", ratio("refresh", "loop", cpu), limit{}},
		{"the SDK's way / decode and sum", "x", ratio("sdk", "stream", cpu), atLeast(1, 4, large)},
		{"the SDK's way / whole refresh", "x", ratio("sdk", "refresh", cpu), atLeast(1, 3, large)},
		{"the usual way / whole refresh", "x", ratio("usual", "refresh", cpu), limit{}},
		{"whole refresh", "s", each("refresh", cpu), limit{}},
		{"the usual way", "s", each("usual", cpu), limit{}},
	}},
	{"From the API's bytes to sums: allocations a line", []row{
		{"decode and sum", "", perLine("stream"), atMost(1, 2, large)},
		{"whole refresh", "", perLine("refresh"), limit{}},
		{"the usual way", "", perLine("usual"), limit{}},
		{"the SDK's way", "", perLine("sdk"), limit{}},
	}},
	{"Memory of a process: resident at most", []row{
		{"whole refresh, 2000 instances shown (default)", "MB", each("refresh", peak), atMost(2, 200, largest)},
		{"whole refresh, every instance shown", "MB", each("refresh all", peak), limit{}},
		{"ten times the lines of the same instances", "x", ratio("tenfold", "tenth", peak), atMost(2, 1.1, largest)},
		{"only counting the bytes", "MB", each("count", peak), limit{}},
		{"decode and sum", "MB", each("stream", peak), limit{}},
		{"the usual way", "MB", each("usual", peak), limit{}},
		{"the SDK's way", "MB", each("sdk", peak), limit{}},
	}},
	{"From sums to an answer: CPU time, with a series for five lines", []row{
		{"gzip: the page / nginx gzip_static", "x", ratio("page gzip", "nginx gzip", cpu), atMost(3, 2, largest)},
		{"gzip: the page / net/http, a file", "x", ratio("page gzip", "files gzip", cpu), limit{}},
		{"gzip: page and own metrics / nginx", "x", ratio("own gzip", "nginx gzip", cpu), atMost(3, 2, largest)},
		{"gzip: page, own, Go's and process's / nginx", "x", ratio("live gzip", "nginx gzip", cpu), limit{}},
		{"gzip: promhttp, const metrics / the page", "x", ratio("consts gzip", "page gzip", cpu), limit{}},
		{"identity: the page / nginx, a file", "x", ratio("page identity", "nginx identity", cpu), limit{}},
		{"identity: the page / net/http, a file", "x", ratio("page identity", "files identity", cpu), limit{}},
		{"identity: promhttp, const metrics / the page", "x", ratio("consts identity", "page identity", cpu), limit{}},
		{"building the page / gzip-1 of its text", "x", ratio("render", "compress", cpu), atMost(4, 1.6, largest)},
	}},
	{"From sums to an answer: allocations a scrape; bytes kept on the heap; memory", []row{
		{"gzip: the page", "", each("page gzip", allocs), atMost(3, 150, largest)},
		{"gzip: page and own metrics", "", each("own gzip", allocs), limit{}},
		{"gzip: page, own, Go's and process's", "", each("live gzip", allocs), limit{}},
		{"gzip: net/http, a file", "", each("files gzip", allocs), limit{}},
		{"gzip: promhttp, const metrics", "", each("consts gzip", allocs), limit{}},
		{"identity: the page", "", each("page identity", allocs), limit{}},
		{"kept: the page", "B a series", each("render", perSeries), atMost(5, 60, largest)},
		{"kept: the page and the sums behind it", "B a series", each("kept", perSeries), atMost(5, 320, largest)},
		{"resident at most: 50 scrapers / one", "x", ratio("50 scrapers", "1 scraper", peak), atMost(6, 1.3, largest)},
	}},
}
