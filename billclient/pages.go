package billclient

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"strconv"
)

// maxPageSize is the largest page of the API (https://endocs.ksyun.com/documents/37508). By default, a page has one
// line.
const maxPageSize = 5000

// errPages says that something changed while the pages were read, or that the API does not page as documented.
var errPages = errors.New("the pages do not add up")

func newPagesError(format string, args ...any) error {
	return classify(Incomplete, "%w: %s", errPages, fmt.Sprintf(format, args...))
}

// pagesReader reads all pages of a query once, from the documented first one on.
//
// That is page 0 of consumption, but the API does not document whether it counts those pages from 0. If it counts from
// 1, it takes 0 for 1, and page 1 repeats page 0, or it answers 0 with no rows. So the rows of a page are held back as
// long as they are those of the page before, and emitted with the first row that differs. Where the API pages as
// documented, that is the first row already, and no row is held back.
type pagesReader[T any] struct {
	first, size int // the number of the first page, and how many rows a page can have
	mostPages   int // with more, no page after the first is read; 0: any number
	// read reads an answer, hands each row to addRow, and returns what the answer has as Total.
	read     func(*response) (string, error)
	emit     func(*T) error
	page     int // the number of the page at hand
	comparer pageComparer
	rows     rowDigests // of the pages before
	held     []T        // the rows of the page at hand that are held back
	emitted  int        // rows of all pages
	total    int        // the number of rows according to the page before
	done     bool
}

// newPagesReader returns a reader that has no read yet. Its rows are compared with those of an earlier read of the same
// query, if there is one whose rows came twice.
func newPagesReader[T any](first, size int, before *pagesRead, emit func(*T) error) *pagesReader[T] {
	rows := newRowDigests(before)
	return &pagesReader[T]{
		first: first, size: size, emit: emit, page: first, comparer: pageComparer{seed: rows.seed}, rows: rows,
	}
}

// pagesQuery identifies a query of an action, for the comparison of two reads of it.
type pagesQuery struct {
	action string
	query  any // comparable
}

// readPages reads all pages of a query once. Params returns the parameters of a page, and newReader a reader that
// compares its rows with those of an earlier read.
func readPages[T any](ctx context.Context, c *Client, a action, query any, params func(page int) url.Values,
	newReader func(before *pagesRead) *pagesReader[T],
) error {
	key := pagesQuery{a[0].name, query}
	before, _ := c.pagesReads.Load(key)
	known, _ := before.(*pagesRead)
	p := newReader(known)
	for ; !p.done; p.page++ {
		err := c.call(ctx, a, params(p.page), p.readPage)
		c.keepPagesRead(key, &p.rows)
		if err != nil {
			return err
		}
	}
	return nil
}

// keepPagesRead keeps what the next read of the query is compared with, once a read has come to its end.
func (c *Client) keepPagesRead(key pagesQuery, rows *rowDigests) {
	switch {
	case rows.result != nil:
		c.pagesReads.Store(key, rows.result)
	case rows.isChecked:
		c.pagesReads.Delete(key)
	}
}

// readPage reads the page at hand.
func (p *pagesReader[T]) readPage(r *response) error {
	p.comparer.startPage(p.page)
	p.held = nil
	total, err := p.read(r)
	if err == nil {
		err = p.endPage(total)
	}
	if len(p.comparer.rows) > 0 && IsUnknownAction(err) {
		// As an unknown action it would be tried in another version, and these lines would be read twice.
		err = classify(Decode, "lines of an action that is unknown")
	}
	return locate(fmt.Sprintf("page %d", p.page), err)
}

// addRow emits a row of the page, or holds it back if the page can still be a repetition of the page before. The digest
// is that of everything that was read of the row.
func (p *pagesReader[T]) addRow(row *T, digest uint64) error {
	if len(p.comparer.rows) == p.size {
		return classify(Decode, "more than %d lines", p.size)
	}
	p.comparer.addRow(digest)
	if p.comparer.alike {
		p.held = append(p.held, *row)
		return nil
	}
	if err := p.emitHeld(); err != nil {
		return err
	}
	return p.emitRow(row, len(p.comparer.rows)-1)
}

// emitHeld emits the rows that were held back, because the page is not a repetition. They are the first ones of the
// page.
func (p *pagesReader[T]) emitHeld() error {
	for i := range p.held {
		if err := p.emitRow(&p.held[i], i); err != nil {
			return err
		}
	}
	p.held = nil
	return nil
}

// emitRow emits the row at that place of the page, unless it is known to be a repetition.
func (p *pagesReader[T]) emitRow(row *T, place int) error {
	if p.rows.isRepetition(p.comparer.rows[place], p.page) {
		return nil
	}
	p.emitted++
	err := p.emit(row)
	p.done = err != nil
	return err
}

// endPage compares the page, after its last row, with its Total and with the pages before.
func (p *pagesReader[T]) endPage(totalText string) error {
	total, err := parseTotal(totalText)
	isEmpty := len(p.comparer.rows) == 0
	switch {
	case err != nil:
		return err
	case p.mostPages > 0 && total > p.mostPages*p.size:
		return classify(CallLimit, "%d lines need %d calls, more than the %d that they may have of api.daily_calls", total,
			(total+p.size-1)/p.size, p.mostPages)
	case p.page > p.first && total != p.total:
		return newPagesError("Total is %d, it was %d", total, p.total)
	case isEmpty && p.page > 0 && p.rows.count < total:
		return newPagesError("no lines after %d of %d", p.rows.count, total)
	case p.comparer.repeats() && p.page == 1: // the API counts from 1
		return nil
	case p.comparer.repeats():
		return newPagesError("the same lines as on page %d", p.page-1)
	}
	if err := p.emitHeld(); err != nil {
		return err
	}
	p.rows.addPage(p.comparer.rows, total)
	if p.total = total; p.rows.count < total { // also if page 0 is empty, and the API counts from 1
		return nil
	}
	p.done = true
	return p.rows.check(p.emitted, total)
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

// pageComparer reports whether a page repeats the page before. It keeps a digest of each row in place of the row:
// pages are only taken for the same if 64 bits of every row are, under a seed that changes with each reading.
type pageComparer struct {
	seed   maphash.Seed
	page   int
	before []uint64 // the digests of the rows of the page before
	rows   []uint64 // the digests of the rows of the page at hand
	alike  bool     // each row so far is the one at its place on the page before
}

// startPage begins a page. A page whose call is made again is begun again.
func (c *pageComparer) startPage(page int) {
	if page != c.page {
		c.page, c.before, c.rows = page, c.rows, c.before
	}
	c.rows, c.alike = c.rows[:0], true
}

// addRow adds a row.
func (c *pageComparer) addRow(digest uint64) {
	place := len(c.rows)
	c.alike = c.alike && place < len(c.before) && c.before[place] == digest
	c.rows = append(c.rows, digest)
}

// repeats reports whether the rows of the page, after its last one, are those of the page before, and there are any.
func (c *pageComparer) repeats() bool {
	return c.alike && len(c.rows) > 0 && len(c.rows) == len(c.before)
}

// FirstPage returns the number of the first page of GetPostpayDetailConsume, which the API does not document: 0 or 1.
// It asks for the pages 0 and 1 with one line each. If the API counts from 1, page 1 repeats page 0, or page 0 is
// empty. If the month has no lines, ok is false. FirstPage tries again as Retry does. Its errors are an *Error.
func (c *Client) FirstPage(ctx context.Context, m Month) (first int, ok bool, err error) {
	query := ConsumeQuery{Month: m}
	comparer := pageComparer{seed: maphash.MakeSeed()}
	var rows [2]int // on each page
	for page := range rows {
		rows[page], err = fetch(ctx, c, detailConsumeAction, query.params(page, 1), func(r *response) (int, error) {
			comparer.startPage(page)
			lines := newLineReader(newRecord(query.detailQuery(), true), nil)
			lines.emit = func(*Line) error { comparer.addRow(lines.digest(comparer.seed)); return nil }
			err := readItems(r, lineSet, lines.readItem)
			return len(comparer.rows), err
		})
		if err != nil {
			return 0, false, err
		}
	}
	if rows[1] > 0 && (rows[0] == 0 || comparer.repeats()) {
		first = 1
	}
	return first, rows[0]+rows[1] > 0, nil
}
