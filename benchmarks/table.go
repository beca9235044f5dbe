package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// formatSections returns a table for each section, in Markdown that is legible as it stands.
func formatSections(b *bench) string {
	var text strings.Builder
	for _, s := range sections {
		head, columns := []string{s.title}, s.columnsOf(b)
		for _, lines := range columns {
			head = append(head, formatRound(float64(lines)))
		}
		var rows [][]string
		for _, r := range s.rows {
			cells := []string{r.titleWithUnit()}
			for _, lines := range columns {
				cells = append(cells, r.format(r.value(b.results, lines)))
			}
			rows = append(rows, cells)
		}
		text.WriteString(formatTable(head, rows))
	}
	return text.String()
}

// The figures of the whole program follow those of parts.
const (
	firstOfProgram = 7
	lastFigure     = 12
)

// formatFigures returns a table that says which of the figures hold.
func formatFigures(b *bench, first, last int) string {
	var rows [][]string
	for figure := first; figure <= last; figure++ {
		for _, s := range sections {
			for _, r := range s.rows {
				if r.limit.figure == figure {
					rows = append(rows, r.verdict(b.results, s.columnsOf(b)))
				}
			}
		}
	}
	return formatTable([]string{"Figure", "measured", "limit", "verdict"}, rows)
}

// formatTable aligns the first column to the left and all others to the right, and ends with an empty line.
func formatTable(head []string, rows [][]string) string {
	t := table.NewWriter()
	t.Style().Format.Header = text.FormatDefault
	t.Style().Markdown.PadContent = true
	var columns []table.ColumnConfig
	for n := 2; n <= len(head); n++ {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	t.AppendHeader(tableRow(head))
	for _, cells := range rows {
		t.AppendRow(tableRow(cells))
	}
	return t.RenderMarkdown() + "\n\n"
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, cell := range cells {
		row[i] = cell
	}
	return row
}

// formatRound returns a round number in few letters: 1k, 1M.
func formatRound(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%gM", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%gk", n/1e3)
	default:
		return fmt.Sprintf("%g", n)
	}
}
