// Package exposition serves finished bytes to scrapers. A Page of gauges is rendered and compressed once. Every scrape
// is answered with the page and with what a live Gatherer has at that moment. The package knows nothing about bills.
package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	dto "github.com/prometheus/client_model/go"
)

// chunkSize is how many bytes of text are collected before they are compressed. The whole text of a page, six times its
// compressed size, is never in memory.
const chunkSize = 32 << 10

// Family is a family of gauges, or of counters, which pages do not have.
type Family struct {
	Name    string
	Help    string
	Counter bool                         // the name ends in _total
	Labels  []string                     // the label names
	Samples iter.Seq2[[]string, float64] // a value for each label, and the number; the slice may be reused
}

func (f Family) kind() dto.MetricType {
	if f.Counter {
		return dto.MetricType_COUNTER
	}
	return dto.MetricType_GAUGE
}

// Page is a rendered and compressed set of families. It never changes, so it is safe for concurrent use. The zero Page
// is empty.
type Page struct {
	deflated pieces // raw deflate (RFC 1951) with a sync flush at its end, so that more blocks can follow
	crc      uint32 // CRC-32 of the text, as gzip (RFC 1952) needs it
	size     int64  // bytes of the text
	series   int
	sections []section // in the order of the text
	names    map[string]struct{}
}

// section is the part of a page's text with one family. Its size is 0 if the family has no samples.
type section struct {
	name string
	size int64
}

// Render renders and compresses the families, in this order, into a Page. A family without samples is left out, but the
// page has its name. It is an error, worded "family NAME: cause", if the page would not be valid in both the Prometheus
// text format 0.0.4 and OpenMetrics 1.0.0. The caller makes sure that no two samples of a family have the same labels.
// Invalid UTF-8 in a label value becomes U+FFFD, because the number of the sample must not be lost.
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

// Series returns the number of series on the page.
func (p *Page) Series() int { return p.series }

// Size returns the number of bytes of the page in memory, where it is compressed.
func (p *Page) Size() int { return p.deflated.size() }

// hasFamily reports whether the page was rendered with a family of this name, with or without samples.
func (p *Page) hasFamily(name string) bool {
	_, ok := p.names[name]
	return ok
}

// clashes reports whether a live family would write a name of the page in one of the formats.
func (p *Page) clashes(name string, kind dto.MetricType) bool {
	if p.hasFamily(name) {
		return true
	}
	switch kind {
	case dto.MetricType_COUNTER:
		return p.hasFamily(strings.TrimSuffix(name, counterSuffix))
	case dto.MetricType_SUMMARY:
		return p.hasFamily(name+"_sum") || p.hasFamily(name+"_count")
	case dto.MetricType_HISTOGRAM:
		return p.hasFamily(name+"_sum") || p.hasFamily(name+"_count") || p.hasFamily(name+"_bucket")
	default:
		return false
	}
}

// text returns a reader of the inflated page. It stops at the flush, after which the inflater would expect more blocks.
func (p *Page) text() io.Reader {
	return io.LimitReader(flate.NewReader(p.deflated.reader()), p.size)
}

// selectFamilies returns a page for one answer with the wanted families. This is slow: it inflates the whole page and
// compresses what it keeps.
func (p *Page) selectFamilies(wanted selection) (*Page, error) {
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
		if wanted.includes(s.name) {
			to = b
		}
		if _, err := io.CopyN(to, text, s.size); err != nil {
			return nil, fmt.Errorf("family %s: %w", s.name, err)
		}
	}
	return b.finish()
}

// builder makes a page.
type builder struct {
	page       Page
	families   familyWriter
	deflated   pieces
	compressor *flate.Writer
}

// compressors has compressors that are not in use: each is more than a megabyte of tables.
var compressors sync.Pool

func newBuilder() (*builder, error) {
	b := &builder{page: Page{names: map[string]struct{}{}}}
	b.families = familyWriter{to: b, chunk: make([]byte, 0, chunkSize+chunkSize/8)}
	if pooled, ok := compressors.Get().(*flate.Writer); ok {
		b.compressor = pooled
		b.compressor.Reset(&b.deflated)
		return b, nil
	}
	var err error
	b.compressor, err = flate.NewWriter(&b.deflated, flate.BestSpeed)
	return b, err
}

func (b *builder) add(f Family) error {
	if err := f.check(); err != nil {
		return err
	}
	switch {
	case f.Counter:
		return errors.New("a counter, which the two formats write differently")
	case b.page.hasFamily(f.Name):
		return errors.New("given twice")
	}
	start := b.page.size
	series, err := b.families.write(f)
	b.page.series += series
	b.record(f.Name, b.page.size-start)
	return err
}

func (b *builder) record(name string, size int64) {
	b.page.sections = append(b.page.sections, section{name, size})
	b.page.names[name] = struct{}{}
}

// Write appends to the page's text.
func (b *builder) Write(text []byte) (int, error) {
	b.page.crc = crc32.Update(b.page.crc, crc32.IEEETable, text)
	b.page.size += int64(len(text))
	return b.compressor.Write(text)
}

// finish returns the page, which does not keep the unused memory of the last piece and the compressor.
func (b *builder) finish() (*Page, error) {
	if err := b.compressor.Flush(); err != nil {
		return nil, err
	}
	page := b.page
	page.deflated = b.deflated
	if last := len(page.deflated) - 1; last >= 0 {
		page.deflated[last] = bytes.Clone(page.deflated[last])
	}
	b.compressor.Reset(io.Discard) // so that it keeps nothing of this page
	compressors.Put(b.compressor)
	return &page, nil
}

// pieces keeps what is written to it in parts of pieceSize. One growing buffer would copy a large page several times.
type pieces [][]byte

const (
	pieceSize = 256 << 10
	// smallPieces is how many pieces come before the first one of that size, each half of the next: most pages are
	// small.
	smallPieces = 5
)

func (p pieces) size() (n int) {
	for _, piece := range p {
		n += len(piece)
	}
	return n
}

// reader returns a reader of all pieces.
func (p pieces) reader() io.Reader {
	readers := make([]io.Reader, len(p))
	for i, piece := range p {
		readers[i] = bytes.NewReader(piece)
	}
	return io.MultiReader(readers...)
}

func (p *pieces) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if last := len(*p) - 1; last < 0 || len((*p)[last]) == cap((*p)[last]) {
			*p = append(*p, make([]byte, 0, pieceSize>>max(0, smallPieces-len(*p))))
		}
		last := &(*p)[len(*p)-1]
		part := b[:min(len(b), cap(*last)-len(*last))]
		*last = append(*last, part...)
		b = b[len(part):]
	}
	return n, nil
}
