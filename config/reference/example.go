package reference

import "strings"

// commentColumn is where comments begin in the example files, unless a value reaches that far.
const commentColumn = 40

// exampleLine is a line of an example file with the comment beside it, which may go on below it.
type exampleLine struct {
	code    string
	comment string
}

// exampleFile returns an example file.
func exampleFile(l language, s source) string {
	var b strings.Builder
	writeComment(&b, l.sel(s.Header))
	for _, k := range s.Keys {
		b.WriteString("\n")
		writeComment(&b, l.sel(k.About))
		writeLines(&b, exampleLines(l, k))
	}
	return b.String()
}

func writeComment(b *strings.Builder, comment string) {
	for line := range strings.Lines(comment) {
		b.WriteString("# " + strings.TrimSpace(line) + "\n")
	}
}

// exampleLines returns the lines of a key of the top level. The keys of a list without a value are those of its first
// item.
func exampleLines(l language, k key) []exampleLine {
	if k.Value != "" {
		return []exampleLine{{k.Name + ": " + k.Value, l.sel(k.Comment)}}
	}
	lines := []exampleLine{{k.Name + ":", l.sel(k.Comment)}}
	indent := "  "
	if isList(k.Name) {
		indent = "  - "
	}
	for _, member := range k.Keys {
		if member.Value != "" {
			lines = append(lines, exampleLine{indent + member.Name + ": " + member.Value, l.sel(member.Comment)})
			indent = strings.Repeat(" ", len(indent))
		}
	}
	return lines
}

// writeLines writes lines with their comments below each other.
func writeLines(b *strings.Builder, lines []exampleLine) {
	for i, line := range lines {
		b.WriteString(line.code)
		written, column := len(line.code), columnOf(lines, i)
		for comment := range strings.Lines(line.comment) {
			b.WriteString(strings.Repeat(" ", column-written) + "# " + strings.TrimSpace(comment) + "\n")
			written = 0
		}
		if line.comment == "" {
			b.WriteString("\n")
		}
	}
}

// columnOf returns where the comment of a line begins. That of a long line begins behind the longest of the long lines
// around it.
func columnOf(lines []exampleLine, i int) int {
	const most = commentColumn - len("  ")
	longest := most
	for n := i; n >= 0 && len(lines[n].code) > most; n-- {
		longest = max(longest, len(lines[n].code))
	}
	for n := i; n < len(lines) && len(lines[n].code) > most; n++ {
		longest = max(longest, len(lines[n].code))
	}
	return longest + len("  ")
}
