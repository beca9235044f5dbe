package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// writeTables writes a table a section, in Markdown that is legible as it stands.
func writeTables(w io.Writer, all results, sizes []int) {
	for _, s := range sections {
		table := [][]string{{s.title}}
		for _, lines := range sizes {
			table[0] = append(table[0], short(float64(lines)))
		}
		for _, r := range s.rows {
			cells := []string{r.titleWithUnit()}
			for _, lines := range sizes {
				cells = append(cells, r.text(r.value(all, lines)))
			}
			table = append(table, cells)
		}
		writeTable(w, table)
	}
}

func (r row) titleWithUnit() string {
	if r.unit == "" || r.unit == "x" {
		return r.title
	}
	return r.title + ", " + r.unit
}

// text is a number with three digits that count, or more before the point.
func (r row) text(value float64) string {
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

// short is a round number in few letters: 1k, 1M.
func short(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%gM", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%gk", n/1e3)
	default:
		return fmt.Sprintf("%g", n)
	}
}

// writeTable writes a table whose first row is the head; all columns but the first are aligned to the right.
func writeTable(w io.Writer, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, cells := range table {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	for i, cells := range table {
		writeCells(w, cells, widths)
		if i == 0 {
			fmt.Fprintln(w, ruler(widths))
		}
	}
	fmt.Fprintln(w)
}

func writeCells(w io.Writer, cells []string, widths []int) {
	fmt.Fprintf(w, "| %-*s |", widths[0], cells[0])
	for i, cell := range cells[1:] {
		fmt.Fprintf(w, " %*s |", widths[i+1], cell)
	}
	fmt.Fprintln(w)
}

func ruler(widths []int) string {
	var b strings.Builder
	b.WriteString("|" + strings.Repeat("-", widths[0]+2) + "|")
	for _, width := range widths[1:] {
		b.WriteString(strings.Repeat("-", width+1) + ":|")
	}
	return b.String()
}

// writeFigures says which of the six figures hold.
func writeFigures(w io.Writer, all results, sizes []int) {
	table := [][]string{{"Figure", "measured", "limit", "verdict"}}
	for figure := 1; figure <= 6; figure++ {
		for _, s := range sections {
			for _, r := range s.rows {
				if r.limit.figure == figure {
					table = append(table, r.verdict(all, sizes))
				}
			}
		}
	}
	writeTable(w, table)
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
		fmt.Sprintf("%d. %s", r.limit.figure, r.titleWithUnit()), r.text(worst),
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
