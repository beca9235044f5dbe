package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// explainSyntax returns what a text has that is not YAML, which the decoder has refused with err, and in which line; 0
// if that is not known. The decoder names no line for a text in another encoding, and for a bracket that is not closed
// it names one of two lines, each of them too small by one.
func explainSyntax(text []byte, err error) (line int, cause error) {
	if line, cause = findEncoding(text); cause != nil {
		return line, cause
	}
	scanner := bracketScanner{text: text, line: 1, mayBegin: true}
	if line, cause = scanner.scan(); cause != nil {
		return line, cause
	}
	place := yamlLine.FindStringSubmatch(err.Error())
	if place == nil {
		return 0, err
	}
	line, _ = strconv.Atoi(place[1]) // the pattern has digits only; without any it is 0
	if line == 0 || strings.HasPrefix(place[2], "did not find expected") {
		line++
	}
	return min(line, lineOf(bytes.TrimRight(text, "\r\n"), len(text))), errors.New("yaml: " + place[2])
}

// yamlLine matches an error of the scanner or the parser of yaml.v3, which leave out the line where it is the first.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?:did not find|found|could not|mapping values|block).*)$`)

// lineOf returns in which line the byte at an offset is.
func lineOf(text []byte, offset int) int {
	return 1 + bytes.Count(text[:min(offset, len(text))], []byte("\n"))
}

// findEncoding fails for the first byte that is not of UTF-8, and for the first character that no configuration has. A
// text that begins with the mark of UTF-16 is decoded.
func findEncoding(text []byte) (line int, err error) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return 0, nil
	}
	for offset := 0; offset < len(text); {
		r, size := utf8.DecodeRune(text[offset:])
		switch {
		case r == 0:
			return lineOf(text, offset), errors.New("is UTF-16 without its mark: save the file as UTF-8")
		case r == utf8.RuneError && size == 1:
			return lineOf(text, offset), errors.New("is not UTF-8, but perhaps GBK: save the file as UTF-8")
		case r < ' ' && !strings.ContainsRune("\t\r\n", r):
			return lineOf(text, offset), fmt.Errorf("has the control character %U", r)
		}
		offset += size
	}
	return 0, nil
}

// bracketScanner looks for brackets and quotes that are not closed. It knows just enough of YAML
// (https://yaml.org/spec/1.2.2/) to tell them from those within texts and comments.
type bracketScanner struct {
	text     []byte
	offset   int
	line     int
	mayBegin bool // a value may begin here
	closed   bool // a bracket was closed last
	open     []bracket
}

// bracket is an opening one.
type bracket struct {
	char byte
	line int
}

var closing = map[byte]byte{'[': ']', '{': '}'}

// scan returns the first mistake and its line, of those that are not closed the outermost.
func (s *bracketScanner) scan() (line int, err error) {
	for s.offset < len(s.text) {
		if line, err := s.step(s.text[s.offset]); err != nil {
			return line, err
		}
		s.offset++
	}
	if len(s.open) > 0 {
		return s.open[0].line, fmt.Errorf("%c is not closed", s.open[0].char)
	}
	return 0, nil
}

// step looks at one character, or at all of a comment, of a text in quotes, or of a text of several lines.
func (s *bracketScanner) step(c byte) (line int, err error) {
	switch {
	case c == '\n':
		s.line++
		s.mayBegin, s.closed = s.mayBegin || len(s.open) == 0, false
	case c == ' ' || c == '\t' || c == '\r':
	case c == '#' && s.isAfterBlank():
		s.skip("\n")
	case s.mayBegin && (c == '\'' || c == '"'):
		return s.skipQuoted(c)
	case s.mayBegin && (c == '|' || c == '>') && len(s.open) == 0:
		s.skipBlock()
	case s.mayBegin && (c == '&' || c == '!'):
		s.skip(" \n")
	case closing[c] != 0 && (s.mayBegin || len(s.open) > 0):
		s.open, s.mayBegin = append(s.open, bracket{c, s.line}), true
	case c == ']' || c == '}':
		return s.close(c)
	case c == ':' && s.isBeforeBlank(), c == ',' && len(s.open) > 0:
		s.mayBegin, s.closed = true, false
	case c == '-' && s.mayBegin && s.isBeforeBlank():
	default:
		s.mayBegin, s.closed = false, false
	}
	return 0, nil
}

func (s *bracketScanner) isAfterBlank() bool {
	return s.offset == 0 || strings.IndexByte(" \t\n", s.text[s.offset-1]) >= 0
}

func (s *bracketScanner) isBeforeBlank() bool {
	return s.offset+1 == len(s.text) || strings.IndexByte(" \t\r\n", s.text[s.offset+1]) >= 0
}

// skip goes on to the character before the next one of ends.
func (s *bracketScanner) skip(ends string) {
	length := bytes.IndexAny(s.text[s.offset:], ends)
	if length < 0 {
		length = len(s.text) - s.offset
	}
	s.offset += max(0, length-1)
}

// close takes a closing bracket.
func (s *bracketScanner) close(c byte) (line int, err error) {
	if len(s.open) == 0 {
		if s.closed || s.mayBegin {
			return s.line, fmt.Errorf("%c closes nothing", c)
		}
		return 0, nil // it is within a text
	}
	last := s.open[len(s.open)-1]
	if closing[last.char] != c {
		return s.line, fmt.Errorf("%c does not close the %c of line %d", c, last.char, last.line)
	}
	s.open = slices.Delete(s.open, len(s.open)-1, len(s.open))
	s.mayBegin, s.closed = false, true
	return 0, nil
}

// skipQuoted goes to the quote that ends a text. Within double quotes, a backslash takes the meaning of the next
// character away; two single quotes in a row are skipped as two texts.
func (s *bracketScanner) skipQuoted(quote byte) (line int, err error) {
	began := s.line
	for s.offset++; s.offset < len(s.text); s.offset++ {
		switch c := s.text[s.offset]; {
		case c == '\n':
			s.line++
		case c == '\\' && quote == '"':
			s.offset++
		case c == quote:
			s.mayBegin = s.offset+1 < len(s.text) && s.text[s.offset+1] == quote && quote == '\''
			return 0, nil
		}
	}
	return began, fmt.Errorf("%c is not closed", quote)
}

// skipBlock goes to the end of a text of several lines, which ends before a line that is indented as the one in which
// it begins, or less.
func (s *bracketScanner) skipBlock() {
	begin := bytes.LastIndexByte(s.text[:s.offset], '\n') + 1
	least := indentation(s.text[begin:])
	for {
		s.skip("\n")
		rest := s.text[s.offset+1:]
		if len(rest) < 2 {
			return
		}
		next := rest[1:]
		if blank := bytes.TrimLeft(next, " \r"); len(blank) > 0 && blank[0] != '\n' && indentation(next) <= least {
			return
		}
		s.line++
		s.offset += 2
	}
}

// indentation returns how many blanks there are before the first line of a text.
func indentation(text []byte) int { return len(text) - len(bytes.TrimLeft(text, " ")) }
