package billclient

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"strconv"
)

// rowQuery is a query of an action that answers with rows, page by page. The documented first page is 1.
type rowQuery[T any] struct {
	action    action
	set       string     // the name of the set that has the rows
	size      int        // the largest page of the API
	params    url.Values // all but those of the page
	pageParam string     // its number
	sizeParam string
	readRow   func(*nodeReader) T
	isBounded bool // by Options.MostPages
}

// stream returns a stream of the rows, each use of which is one attempt at all pages.
func (q rowQuery[T]) stream(ctx context.Context, c *Client) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := q.read(ctx, c, func(row *T) error {
			if !yield(*row, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// fetch returns the rows of all pages. It tries again as Client.Retry does.
func (q rowQuery[T]) fetch(ctx context.Context, c *Client) ([]T, error) {
	var rows []T
	err := c.Retry(ctx, q.action[0].name, func() error {
		rows = nil
		return q.read(ctx, c, func(row *T) error {
			rows = append(rows, *row)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// read hands the rows of all pages to emit, once.
func (q rowQuery[T]) read(ctx context.Context, c *Client, emit func(*T) error) error {
	params := func(page int) url.Values {
		params := maps.Clone(q.params)
		params.Set(q.pageParam, strconv.Itoa(page))
		params.Set(q.sizeParam, strconv.Itoa(q.size))
		return params
	}
	return readPages(ctx, c, q.action, q.params.Encode(), params, func(before *pagesRead) *pagesReader[T] {
		p := newPagesReader(1, q.size, before, emit)
		if q.isBounded {
			p.mostPages = c.options.MostPages
		}
		p.read = func(r *response) (string, error) { return q.readPage(r, p) }
		return p
	})
}

// readPage reads an answer and hands its rows to p. It returns the Total.
func (q rowQuery[T]) readPage(r *response, p *pagesReader[T]) (string, error) {
	rows, count := topLevelText{name: rowTotal}, topLevelText{name: rowCount}
	var nodes nodeBuilder
	var x nodeReader
	var row T // of all rows, one after the other: they are handed on as copies
	err := readEnvelope(r, q.set, func(d document, number int) error {
		n, err := nodes.read(d)
		if number == 1 {
			r.dayForm, r.fields = dayFormOf(n), n.childNames()
		}
		x = nodeReader{node: n, err: err}
		row = q.readRow(&x)
		if x.err != nil {
			return locate(fmt.Sprintf("%s %d", q.set, number), x.err)
		}
		return p.addRow(&row, nodes.digest(p.comparer.seed))
	}, &rows, &count)
	return canonicalNumberID(cmp.Or(rows.text, count.text)), err
}
