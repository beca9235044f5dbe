package billclient

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// pageSize is the most that the API takes (https://endocs.ksyun.com/documents/37508). Its default is one line.
const maxPageSize = 5000

// errPages says that the pages were read while something changed, or that the API does not page as it should.
var errPages = errors.New("the pages do not add up")

func newPagesError(format string, args ...any) error {
	return classify(Incomplete, "%w: %s", errPages, fmt.Sprintf(format, args...))
}

// pagesReader is one reading of all pages of a query. The first page is 0, the documented default. Whether the
// API counts from 0 is not documented: if it counts from 1, it takes 0 for 1, and page 1 repeats page 0. So the rows
// of a page are held back as long as they are those of the page before.
type pagesReader struct {
	query ConsumeQuery
	emit  func(*Line) error
	no    int    // of the page at hand
	n     int    // its rows so far
	same  bool   // all of them are held back
	held  []Line // the rows of the page before, replaced by those of the page at hand
	rows  int    // emitted so far, from all pages
	total int    // so many rows there are, says the page before
	done  bool
}

// read reads the page at hand.
func (p *pagesReader) read(r *response) error {
	p.n, p.same = 0, p.no > 0
	total := topLevelText{name: "Total"}
	lines := newLineReader(newRecord(p.query.detailQuery(), true), p.row)
	err := readItems(r, lineSet, lines.readItem, &total)
	if err == nil {
		err = p.end(total.text)
	}
	if p.n > 0 && IsUnknownAction(err) {
		// To ask for the action in its other form would be to read these lines twice.
		err = classify(Decode, "lines of an action that is unknown")
	}
	return locate(fmt.Sprintf("page %d", p.no), err)
}

// row takes a row of the page, and holds it back if it can be one of a page that repeats the one before.
func (p *pagesReader) row(line *Line) error {
	if p.n == maxPageSize {
		return classify(Decode, "more than %d lines", maxPageSize)
	}
	if p.same && p.n < len(p.held) && reflect.DeepEqual(&p.held[p.n], line) {
		p.n++
		return nil
	}
	if err := p.release(); err != nil {
		return err
	}
	p.held = append(p.held, *line)
	p.n++
	return p.give(line)
}

// release gives away what was held back: it is no repetition of a page.
func (p *pagesReader) release() error {
	if !p.same {
		return nil
	}
	p.same, p.held = false, p.held[:p.n]
	for i := range p.held {
		if err := p.give(&p.held[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *pagesReader) give(line *Line) error {
	p.rows++
	err := p.emit(line)
	p.done = err != nil
	return err
}

// end holds the page, whose last row was read, against its Total and the pages before.
func (p *pagesReader) end(totalText string) error {
	total, err := parseTotal(totalText)
	switch {
	case err != nil:
		return err
	case p.no > 0 && total != p.total:
		return newPagesError("Total is %d, it was %d", total, p.total)
	case p.n == 0 && p.rows < total:
		return newPagesError("no lines after %d of %d", p.rows, total)
	case p.repeats() && p.no == 1: // the API counts from 1
		return nil
	case p.repeats():
		return newPagesError("the same lines as on page %d", p.no-1)
	}
	if err := p.release(); err != nil {
		return err
	}
	if p.rows > total {
		return newPagesError("%d lines, Total is %d", p.rows, total)
	}
	p.total, p.done = total, p.rows == total
	return nil
}

// repeats tells whether the page has the rows of the page before, and no others.
func (p *pagesReader) repeats() bool { return p.same && p.n == len(p.held) }

// FirstPage tells whether the API counts the pages of GetPostpayDetailConsume from 0 or from 1, which no page says: it
// asks for the pages 0 and 1 of one line each. Where the API counts from 1, they are the same, or there is no page 0.
// Without a line in the month, there is nothing to tell it by: ok is false. It tries again as Retry does. Failures are
// an *Error.
func (c *Client) FirstPage(ctx context.Context, m Month) (first int, ok bool, err error) {
	var lines [2]Line
	var n [2]int
	for no := range lines {
		n[no], err = c.lineOfPage(ctx, m, no, &lines[no])
		if err != nil {
			return 0, false, err
		}
	}
	if n[1] > 0 && (n[0] == 0 || reflect.DeepEqual(lines[0], lines[1])) {
		first = 1
	}
	return first, n[0]+n[1] > 0, nil
}

// lineOfPage reads a page of one line, and returns how many there are on it.
func (c *Client) lineOfPage(ctx context.Context, m Month, no int, line *Line) (n int, err error) {
	query := ConsumeQuery{Month: m}
	return fetch(ctx, c, detailConsumeAction, query.params(no, 1), func(r *response) (n int, err error) {
		lines := newLineReader(newRecord(query.detailQuery(), true), func(l *Line) error {
			*line = *l
			n++
			return nil
		})
		err = readItems(r, lineSet, lines.readItem)
		return n, err
	})
}

func parseTotal(text string) (int, error) {
	if text == "" {
		return 0, classify(Incomplete, "answer has no Total")
	}
	total, err := strconv.Atoi(text)
	if err != nil || total < 0 {
		return 0, classify(Decode, "Total %q: not a number of lines", shorten(text, 60))
	}
	return total, nil
}
