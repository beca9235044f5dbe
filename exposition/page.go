// Package exposition serves finished bytes to scrapers: a Page of gauges is rendered and compressed once, and every
// scrape hands it out together with what a live Gatherer has at that moment, as one answer. It knows no bills.
package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"slices"

	"github.com/klauspost/compress/flate"
)

// chunkSize is how many bytes of text are collected before they are compressed, so that the text of a page, six times
// its compressed size, is never held whole.
const chunkSize = 32 << 10

// Family is one gauge family of a page.
type Family struct {
	Name    string
	Help    string
	Labels  []string                     // the label names
	Samples iter.Seq2[[]string, float64] // a value per label and the number; the slice may be reused after each yield
}

// Page is a rendered and compressed set of families. It never changes, so it is safe for concurrent use. The zero Page
// is empty.
type Page struct {
	deflated []byte // raw deflate (RFC 1951) ended by a sync flush: whole bytes, and more blocks may follow
	crc      uint32 // CRC-32 of the text, as gzip (RFC 1952) wants it
	size     int64  // bytes of the text
	series   int
	sections []section // in the order of the text
	names    map[string]struct{}
}

// section is the part of a page's text that one family takes; of size 0 if the family has no samples.
type section struct {
	name string
	size int64
}

// Render renders and compresses the families, in the order given, into a Page. A family without samples is left out
// whole, though the page knows its name. What would not be a valid page in both the Prometheus text format 0.0.4 and
// OpenMetrics 1.0.0 is an error worded "family NAME: cause"; that two samples of a family differ in their labels is up
// to the caller. Invalid UTF-8 in a label value becomes U+FFFD, since the number behind it must not get lost.
func Render(families iter.Seq[Family]) (*Page, error) {
	b, err := newBuilder()
	if err != nil {
		return nil, err
	}
	for f := range families {
		if err := b.add(f); err != nil {
			return nil, fmt.Errorf("family %s: %w", f.Name, err)
		}
	}
	return b.finish()
}

// Series is the number of series on the page.
func (p *Page) Series() int { return p.series }

// Size is the number of bytes of the page as it is kept, compressed.
func (p *Page) Size() int { return len(p.deflated) }

func (p *Page) has(name string) bool {
	_, ok := p.names[name]
	return ok
}

// text reads the page inflated. The limit stops the reader at the flush, behind which it would miss a last block.
func (p *Page) text() io.Reader {
	return io.LimitReader(flate.NewReader(bytes.NewReader(p.deflated)), p.size)
}

// only is the text of the wanted families as a page of its own, fit for one answer: a slow way, inflating everything
// and compressing what stays.
func (p *Page) only(wanted selection) (*Page, error) {
	if wanted == nil {
		return p, nil
	}
	b, err := newBuilder()
	if err != nil {
		return nil, err
	}
	text := p.text()
	for _, s := range p.sections {
		to := io.Discard
		if wanted.has(s.name) {
			to = b
		}
		if _, err := io.CopyN(to, text, s.size); err != nil {
			return nil, fmt.Errorf("family %s: %w", s.name, err)
		}
	}
	return b.finish()
}

// builder writes a page.
type builder struct {
	page       Page
	chunk      []byte
	deflated   pieces
	compressor *flate.Writer
}

func newBuilder() (*builder, error) {
	b := &builder{page: Page{names: map[string]struct{}{}}, chunk: make([]byte, 0, chunkSize+chunkSize/8)}
	var err error
	b.compressor, err = flate.NewWriter(&b.deflated, flate.BestSpeed)
	return b, err
}

func (b *builder) add(f Family) error {
	if err := f.check(); err != nil {
		return err
	}
	if b.page.has(f.Name) {
		return errors.New("given twice")
	}
	start, line, first := b.page.size, newLine(f), true
	for values, number := range f.Samples {
		if err := f.checkSample(values, number); err != nil {
			return err
		}
		if first {
			b.chunk, first = appendHead(b.chunk, f), false
		}
		b.chunk = line.append(b.chunk, values, number)
		b.page.series++
		if err := b.flush(chunkSize); err != nil {
			return err
		}
	}
	err := b.flush(1)
	b.record(f.Name, b.page.size-start)
	return err
}

// flush compresses the chunk if it has grown to limit bytes.
func (b *builder) flush(limit int) error {
	if len(b.chunk) < limit {
		return nil
	}
	_, err := b.Write(b.chunk)
	b.chunk = b.chunk[:0]
	return err
}

func (b *builder) record(name string, size int64) {
	b.page.sections = append(b.page.sections, section{name, size})
	b.page.names[name] = struct{}{}
}

// Write adds to the page's text.
func (b *builder) Write(text []byte) (int, error) {
	b.page.crc = crc32.Update(b.page.crc, crc32.IEEETable, text)
	b.page.size += int64(len(text))
	return b.compressor.Write(text)
}

// finish copies the page out of the builder: it lives long, without the spare room of the pieces and the compressor.
func (b *builder) finish() (*Page, error) {
	if err := b.compressor.Flush(); err != nil {
		return nil, err
	}
	page := b.page
	page.deflated = slices.Concat(b.deflated...)
	return &page, nil
}

// pieces takes what is written in parts of pieceSize: a buffer that grows would copy a large page again and again.
type pieces [][]byte

const pieceSize = 256 << 10

func (p *pieces) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if last := len(*p) - 1; last < 0 || len((*p)[last]) == pieceSize {
			*p = append(*p, make([]byte, 0, pieceSize))
		}
		last := &(*p)[len(*p)-1]
		part := b[:min(len(b), pieceSize-len(*last))]
		*last = append(*last, part...)
		b = b[len(part):]
	}
	return n, nil
}
