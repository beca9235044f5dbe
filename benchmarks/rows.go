package main

import (
	"fmt"
	"math"
	"slices"
)

// section is a part of the table.
type section struct {
	title   string
	rows    []row
	columns func(*bench) []int // by which results are known, if not by all numbers of lines
}

// columnsOf returns the numbers of lines, or of accounts, of which the section has results.
func (s section) columnsOf(b *bench) []int {
	if s.columns == nil {
		return b.sizes()
	}
	return s.columns(b)
}

// row has a number for each number of lines.
type row struct {
	title  string
	unit   string
	values func(results, int) []float64 // one for each round; none if it was not measured
	limit  limit
}

// limit is a limit for the numbers of a row. The zero limit is none.
type limit struct {
	figure    int     // which of the figures of the project it belongs to
	bound     float64 // the largest number that is allowed, or the smallest
	isMinimum bool
	from      int // number of lines from which it has to hold; the largest that is measured if that is less
}

// value returns the median of a row, NaN if it was not measured.
func (r row) value(all results, lines int) float64 { return median(r.values(all, lines)) }

// titleWithUnit returns the title and the unit, unless the numbers have it.
func (r row) titleWithUnit() string {
	if r.unit == "" || r.unit == "x" {
		return r.title
	}
	return r.title + ", " + r.unit
}

// format returns a number with three significant digits, or with all digits before the point.
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

// verdict returns the cells that say whether the limit holds for the worst number.
func (r row) verdict(all results, sizes []int) []string {
	worst := math.NaN()
	for _, lines := range sizes {
		value := r.value(all, lines)
		if counts := lines >= min(r.limit.from, sizes[len(sizes)-1]); counts && r.limit.isWorse(value, worst) {
			worst = value
		}
	}
	word, verdict := "at most", "holds"
	if r.limit.isMinimum {
		word = "at least"
	}
	switch {
	case math.IsNaN(worst):
		verdict = "not measured"
	case r.limit.isWorse(worst, r.limit.bound):
		verdict = "does not hold"
	}
	return []string{
		fmt.Sprintf("%d. %s", r.limit.figure, r.titleWithUnit()), r.format(worst),
		fmt.Sprintf("%s %g", word, r.limit.bound), verdict,
	}
}

// isWorse reports whether a is worse than b. Any number is worse than NaN.
func (l limit) isWorse(a, b float64) bool {
	if math.IsNaN(b) {
		return !math.IsNaN(a)
	}
	return l.isMinimum && a < b || !l.isMinimum && a > b
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

// These functions return the numbers of a measurement that rows show.
func cpuSeconds(m measurement) float64        { return m.CPU.Seconds() }
func allocations(m measurement) float64       { return m.Allocs }
func peakMegabytes(m measurement) float64     { return float64(m.Peak) / 1e6 }
func readySeconds(m measurement) float64      { return m.Ready.Seconds() }
func wholeSeconds(m measurement) float64      { return m.Whole.Seconds() }
func seriesOf(m measurement) float64          { return float64(m.Series) }
func allocated(m measurement) float64         { return m.Allocated }
func callsOf(m measurement) float64           { return m.Calls }
func cpuMilliseconds(m measurement) float64   { return 1e3 * m.CPU.Seconds() }
func receivedMegabytes(m measurement) float64 { return m.Received / 1e6 }
func writtenMegabytes(m measurement) float64  { return m.Written / 1e6 }
func bytesPerSeries(m measurement) float64    { return float64(m.Kept) / float64(m.Series) }

// ratiosOf returns how many times as much one way costs as another in each round. Within a round, the state of the
// machine differs least.
func ratiosOf(one, other string, number func(measurement) float64) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		a, b := all[one][lines], all[other][lines]
		ratios := make([]float64, min(len(a), len(b)))
		for i := range ratios {
			ratios[i] = number(a[i]) / number(b[i])
		}
		return ratios
	}
}

// differencesOf returns by how much one way costs more than another in each round.
func differencesOf(one, other string, number func(measurement) float64) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		a, b := all[one][lines], all[other][lines]
		differences := make([]float64, min(len(a), len(b)))
		for i := range differences {
			differences[i] = number(a[i]) - number(b[i])
		}
		return differences
	}
}

// perMillionLines returns the numbers of a way that reads three documents, for a million of their lines.
func perMillionLines(way string, number func(measurement) float64) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		values := valuesOf(way, number)(all, lines)
		for i := range values {
			values[i] /= 3 * float64(lines) / 1e6
		}
		return values
	}
}

// valuesOf returns the numbers of one way.
func valuesOf(way string, number func(measurement) float64) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		var values []float64
		for _, m := range all[way][lines] {
			values = append(values, number(m))
		}
		return values
	}
}

// allocsPerLine returns the allocations of one way divided by the number of lines.
func allocsPerLine(way string) func(results, int) []float64 {
	return func(all results, lines int) []float64 {
		values := valuesOf(way, allocations)(all, lines)
		for i := range values {
			values[i] /= float64(lines)
		}
		return values
	}
}

func upperLimit(figure int, bound float64, from int) limit {
	return limit{figure: figure, bound: bound, from: from}
}

func lowerLimit(figure int, bound float64, from int) limit {
	return limit{figure: figure, bound: bound, isMinimum: true, from: from}
}

// largeBill and largestBill are numbers of lines. With fewer, the numbers of a figure would depend mostly on costs that
// are the same for any number of lines.
const (
	largeBill   = 100_000
	largestBill = 1_000_000
)

// sections has all rows. Ratios are of CPU time unless their section says otherwise.
var sections = []section{
	{title: "From the API's bytes to sums: CPU time", rows: []row{
		{
			"decode and sum / only counting the bytes", "x",
			ratiosOf("stream", "count", cpuSeconds), upperLimit(1, 28, largeBill),
		},
		{
			"decode and sum / a Go loop over the bytes", "x",
			ratiosOf("stream", "loop", cpuSeconds), upperLimit(1, 5, largeBill),
		},
		{"whole refresh / only counting the bytes", "x", ratiosOf("refresh", "count", cpuSeconds), limit{}},
		{"whole refresh / a Go loop over the bytes", "x", ratiosOf("refresh", "loop", cpuSeconds), limit{}},
		{"the SDK's way / decode and sum", "x", ratiosOf("sdk", "stream", cpuSeconds), lowerLimit(1, 4, largeBill)},
		{"the SDK's way / whole refresh", "x", ratiosOf("sdk", "refresh", cpuSeconds), lowerLimit(1, 3, largeBill)},
		{"the usual way / whole refresh", "x", ratiosOf("usual", "refresh", cpuSeconds), limit{}},
		{"whole refresh", "s", valuesOf("refresh", cpuSeconds), limit{}},
		{"the usual way", "s", valuesOf("usual", cpuSeconds), limit{}},
	}},
	{title: "From the API's bytes to sums: allocations a line", rows: []row{
		{"decode and sum", "", allocsPerLine("stream"), upperLimit(1, 2, largeBill)},
		{"whole refresh", "", allocsPerLine("refresh"), limit{}},
		{"the usual way", "", allocsPerLine("usual"), limit{}},
		{"the SDK's way", "", allocsPerLine("sdk"), limit{}},
	}},
	{title: "Memory of a process: resident at most", rows: []row{
		{
			"whole refresh, 2000 instances shown (default)", "MB",
			valuesOf("refresh", peakMegabytes), upperLimit(2, 200, largestBill),
		},
		{"whole refresh, every instance shown", "MB", valuesOf("refresh all", peakMegabytes), limit{}},
		{
			"ten times the lines of the same instances", "x",
			ratiosOf("tenfold", "tenth", peakMegabytes), upperLimit(2, 1.1, largestBill),
		},
		{"only counting the bytes", "MB", valuesOf("count", peakMegabytes), limit{}},
		{"decode and sum", "MB", valuesOf("stream", peakMegabytes), limit{}},
		{"the usual way", "MB", valuesOf("usual", peakMegabytes), limit{}},
		{"the SDK's way", "MB", valuesOf("sdk", peakMegabytes), limit{}},
	}},
	{title: "From sums to an answer: CPU time, with a series for five lines", rows: []row{
		{
			"gzip: the page / nginx gzip_static", "x",
			ratiosOf("page gzip", "nginx gzip", cpuSeconds), upperLimit(3, 2, largestBill),
		},
		{"gzip: the page / net/http, a file", "x", ratiosOf("page gzip", "files gzip", cpuSeconds), limit{}},
		{
			"gzip: page and own metrics / nginx", "x",
			ratiosOf("own gzip", "nginx gzip", cpuSeconds), upperLimit(3, 2, largestBill),
		},
		{"gzip: page, own, Go's and process's / nginx", "x", ratiosOf("live gzip", "nginx gzip", cpuSeconds), limit{}},
		{"gzip: promhttp, const metrics / the page", "x", ratiosOf("consts gzip", "page gzip", cpuSeconds), limit{}},
		{"identity: the page / nginx, a file", "x", ratiosOf("page identity", "nginx identity", cpuSeconds), limit{}},
		{
			"identity: the page / net/http, a file", "x",
			ratiosOf("page identity", "files identity", cpuSeconds),
			limit{},
		},
		{
			"identity: promhttp, const metrics / the page", "x",
			ratiosOf("consts identity", "page identity", cpuSeconds),
			limit{},
		},
		{
			"building the page / gzip-1 of its text", "x",
			ratiosOf("render", "compress", cpuSeconds), upperLimit(4, 1.6, largestBill),
		},
	}},
	{title: "From sums to an answer: allocations a scrape; bytes kept on the heap; memory", rows: []row{
		{"gzip: the page", "", valuesOf("page gzip", allocations), upperLimit(3, 150, largestBill)},
		{"gzip: page and own metrics", "", valuesOf("own gzip", allocations), limit{}},
		{"gzip: page, own, Go's and process's", "", valuesOf("live gzip", allocations), limit{}},
		{"gzip: net/http, a file", "", valuesOf("files gzip", allocations), limit{}},
		{"gzip: promhttp, const metrics", "", valuesOf("consts gzip", allocations), limit{}},
		{"identity: the page", "", valuesOf("page identity", allocations), limit{}},
		{"kept: the page", "B a series", valuesOf("render", bytesPerSeries), upperLimit(5, 60, largestBill)},
		{
			"kept: the page and the sums behind it", "B a series",
			valuesOf("kept", bytesPerSeries), upperLimit(5, 320, largestBill),
		},
		{
			"resident at most: 50 scrapers / one", "x",
			ratiosOf("50 scrapers", "1 scraper", peakMegabytes), upperLimit(6, 1.3, largestBill),
		},
	}},
	{title: "The whole program, so many lines in each of three documents", columns: (*bench).programSizes, rows: []row{
		{
			"the whole program / only counting the bytes", "x",
			ratiosOf("program", "program count", cpuSeconds), upperLimit(8, 12, largestBill),
		},
		{
			"the usual way / the whole program", "x",
			ratiosOf("program usual", "program", cpuSeconds), lowerLimit(8, 6, largestBill),
		},
		{"CPU time for a million lines", "s", perMillionLines("program", cpuSeconds), limit{}},
		{"the usual way for a million lines", "s", perMillionLines("program usual", cpuSeconds), limit{}},
		{"calls of the API", "", valuesOf("program", callsOf), limit{}},
		{
			"resident at most, 2000 instances shown (default)", "MB",
			valuesOf("program", peakMegabytes), upperLimit(9, 160, largestBill),
		},
		{
			"resident at most, 20000 instances shown", "MB",
			valuesOf("program 20000", peakMegabytes), upperLimit(9, 176, largestBill),
		},
		{"resident at most, every instance shown", "MB", valuesOf("program all", peakMegabytes), limit{}},
		{"resident at most, the usual way", "MB", valuesOf("program usual", peakMegabytes), limit{}},
	}},
	{title: "The whole program: the same months once more", columns: (*bench).programSizes, rows: []row{
		{
			"allocations, second reading / first", "x",
			ratiosOf("second reading", "first reading", allocations), upperLimit(10, .1, largestBill),
		},
		{
			"bytes allocated, second reading / first", "x",
			ratiosOf("second reading", "first reading", allocated), limit{},
		},
		{"CPU time, second reading / first", "x", ratiosOf("second reading", "first reading", cpuSeconds), limit{}},
		{"CPU time for a million lines, second reading", "s", perMillionLines("second reading", cpuSeconds), limit{}},
	}},
	{title: "The whole program: a day of 24 hourly rounds", columns: (*bench).programSizes, rows: []row{
		{"CPU time of a round", "s", valuesOf("day", cpuSeconds), limit{}},
		{"calls of the API in a round", "", valuesOf("day", callsOf), limit{}},
		{"read in a round", "MB", valuesOf("day", receivedMegabytes), limit{}},
		{"written into state_dir in a round", "MB", differencesOf("day", "day without state", writtenMegabytes), limit{}},
		{
			"CPU time of a round for the state", "s",
			differencesOf("day", "day without state", cpuSeconds), upperLimit(11, .2, largestBill),
		},
		{"resident at most over the day", "MB", valuesOf("day", peakMegabytes), limit{}},
	}},
	{title: "The whole program: a scrape of every instance", columns: (*bench).programSizes, rows: []row{
		{"series of the page", "", valuesOf("program gzip", seriesOf), limit{}},
		{
			"gzip: the whole program / nginx gzip_static", "x",
			ratiosOf("program gzip", "program nginx gzip", cpuSeconds), upperLimit(12, 1.3, largestBill),
		},
		{"CPU time of a scrape", "ms", valuesOf("program gzip", cpuMilliseconds), limit{}},
	}},
	{title: "The whole program with many accounts of 60 instances: the first round", columns: (*bench).accounts, rows: []row{
		{"until all accounts have numbers, by the clock", "s", valuesOf("fleet", readySeconds), upperLimit(7, 60, 0)},
		{"until all lines are read, by the clock", "s", valuesOf("fleet", wholeSeconds), limit{}},
		{"CPU time, a scrape every 15 s included", "s", valuesOf("fleet", cpuSeconds), upperLimit(7, 60, 0)},
		{"resident at most", "MB", valuesOf("fleet", peakMegabytes), upperLimit(7, 150, 0)},
		{"series", "", valuesOf("fleet", seriesOf), limit{}},
	}},
}
