package output

import (
	"cmp"
	"strings"
	"unicode"
)

// Printable returns a name with a question mark for each character that is not printable: those could move the cursor
// of a terminal, or change its colors.
func Printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
}

// OrDash returns the text of a table cell, and a dash for an empty one.
func OrDash(cell string) string { return cmp.Or(cell, "-") }
