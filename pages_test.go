package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// pages returns the texts of the documentation, by their paths in the tree.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case filepath.Ext(file) == ".md":
			text, err := os.ReadFile(file)
			found[filepath.ToSlash(file)] = string(text)
			return err
		}
		return nil
	})
	if err != nil || len(found) < 25 {
		t.Fatalf("%d pages, %v", len(found), err)
	}
	return found
}

var fence = regexp.MustCompile("(?ms)^ *```.*?^ *```$")

// prose returns a page with empty lines in place of its blocks of code.
func prose(page string) string {
	return fence.ReplaceAllStringFunc(page, func(block string) string {
		return strings.Repeat("\n", strings.Count(block, "\n"))
	})
}

// The first page is short enough to be read.
func TestFirstPageIsShort(t *testing.T) {
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		if lines := strings.Count(pages(t)[file], "\n"); lines > 170 {
			t.Errorf("%s has %d lines, want at most 170", file, lines)
		}
	}
}

// Both languages of a page have the same headings, and tables with as many rows.
func TestLanguagesHaveTheSameOutline(t *testing.T) {
	all := pages(t)
	for file, page := range all {
		english, isTwin := strings.CutSuffix(file, ".zh-CN.md")
		if !isTwin {
			continue
		}
		if diff := cmp.Diff(outline(all[english+".md"]), outline(page)); diff != "" {
			t.Errorf("headings and rows (-%s.md +%s):\n%s", english, file, diff)
		}
	}
}

var headingOrRow = regexp.MustCompile(`(?m)^ *(#+ |\|)`)

// outline returns the levels of a page's headings and the number of rows between them.
func outline(page string) (levels []string) {
	for _, line := range headingOrRow.FindAllStringSubmatch(prose(page), -1) {
		if line[1] != "|" || len(levels) == 0 {
			levels = append(levels, line[1])
		} else {
			levels[len(levels)-1] += line[1]
		}
	}
	return levels
}

// A line break within a paragraph is shown as a blank, which has no place between two Chinese characters. There is none
// after a Chinese punctuation mark either.
func TestChineseParagraphsAreWhole(t *testing.T) {
	for file, page := range pages(t) {
		lines := strings.Split(prose(page), "\n")
		for i, line := range lines[1:] {
			before := lines[i]
			if !ownLine.MatchString(line) && isText(before) &&
				(strings.HasSuffix(file, ".zh-CN.md") || isChinese(lastRune(before)) && isChinese(firstRune(line))) {
				t.Errorf("%s:%d: a paragraph goes on: %s", file, i+2, line)
			}
			if stray := strayBlank.FindString(line); stray != "" {
				t.Errorf("%s:%d: a blank after a punctuation mark: %s", file, i+2, stray)
			}
		}
	}
}

var strayBlank = regexp.MustCompile(`.*[，。；：、！](\*\*)? +[^|\s].*`)

// ownLine matches lines that do not continue the one before them.
var ownLine = regexp.MustCompile(`^\s*($|[*+-] |\d+\. |#|\||> |\[\w+\]: )`)

// closedLine matches lines that no other line continues.
var closedLine = regexp.MustCompile(`^\s*(#|\||\[\w+\]: )`)

// isText reports whether a line can be continued by the next one, and is not broken on purpose.
func isText(line string) bool {
	return strings.TrimSpace(line) != "" && !strings.HasSuffix(line, `\`) &&
		!closedLine.MatchString(line)
}

// isChinese reports whether no blank belongs beside the character.
func isChinese(r rune) bool {
	return unicode.Is(unicode.Han, r) || strings.ContainsRune("，。；：、！？（）“”《》", r)
}

func firstRune(s string) rune { return []rune(strings.TrimSpace(s) + "\n")[0] }

func lastRune(s string) rune {
	runes := []rune("\n" + strings.TrimSpace(s))
	return runes[len(runes)-1]
}

var (
	pageLink  = regexp.MustCompile(`\]\(([^)\s:]*?)(?:#([^)\s]*))?\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Every link within the tree leads to a file and, if it names a section, to a heading of that page.
func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for file, page := range all {
		for _, link := range pageLink.FindAllStringSubmatch(prose(page), -1) {
			target, section := file, link[2]
			if link[1] != "" {
				target = path.Join(path.Dir(file), link[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", file, err)
			} else if section != "" && !slices.Contains(sections(all[target]), section) {
				t.Errorf("%s: %s has no section #%s", file, target, section)
			}
		}
	}
}

// sections returns the names that links have for the headings of a page.
func sections(page string) []string {
	var names []string
	for _, line := range heading.FindAllStringSubmatch(prose(page), -1) {
		name := notInSlug.ReplaceAllString(strings.ToLower(line[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

var (
	// extreme matches an aggregation that takes one of several samples, and a cost in it.
	extreme = regexp.MustCompile(`\b(?:quantile|max|min|avg)\s+by\s+\(([^)]*)\)\s*\(\s*(?:[\d.]+,\s*)?` +
		`(ksyun_bill_\w*cost_cny|ksyun_bill_instance_week_change_cny)(\{[^}]*\})?`)
	cost = regexp.MustCompile(`ksyun_bill_\w*cost_cny(\{[^}]*\})?`)
)

// A query adds up the pay modes of a thing before it takes a maximum or a quantile, and compares list prices, which are
// postpaid, with postpaid cost only. Such a mistake has an answer, which looks right.
func TestQueriesMindPayModes(t *testing.T) {
	for file, text := range pages(t) {
		for _, block := range fence.FindAllString(text, -1) {
			for _, m := range extreme.FindAllStringSubmatch(block, -1) {
				by, family, selector := m[1], m[2], m[3]
				if !strings.Contains(by, "pay_mode") && !strings.Contains(selector, `pay_mode="`) &&
					!strings.Contains(family, "all_modes") {
					t.Errorf("%s: takes one pay mode instead of their sum: %s", file, m[0])
				}
			}
			if !strings.Contains(block, "_list_cost_cny") {
				continue
			}
			for _, m := range cost.FindAllStringSubmatch(block, -1) {
				if !strings.Contains(m[1], `pay_mode="postpaid"`) {
					t.Errorf("%s: beside a list price, all pay modes: %s", file, m[0])
				}
			}
		}
	}
}
