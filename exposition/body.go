package exposition

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// gzipHead is the header of a gzip stream (RFC 1952, 2.3): deflate, no time, fastest compression, unknown system.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}

// body is what a response consists of.
type body interface {
	coding() string // for Content-Encoding
	size() int64
	writeTo(w io.Writer) error
}

// plainBody inflates the page while it is written: clients without gzip are rare, and memory is for all.
type plainBody struct {
	page *Page
	live []byte
}

func (plainBody) coding() string { return "" }

func (p plainBody) size() int64 { return p.page.size + int64(len(p.live)) }

func (p plainBody) writeTo(w io.Writer) error {
	if _, err := io.Copy(w, p.page.text()); err != nil {
		return err
	}
	_, err := w.Write(p.live)
	return err
}

// gzipBody is one gzip stream, not two members in a row, of which curl and browsers would read only the first.
type gzipBody struct {
	page *Page
	tail []byte // the live text as the last deflate blocks, and the trailer
}

func (gzipBody) coding() string { return "gzip" }

func (g gzipBody) size() int64 { return int64(len(gzipHead) + len(g.page.deflated) + len(g.tail)) }

func (g gzipBody) writeTo(w io.Writer) error {
	for _, part := range [...][]byte{gzipHead, g.page.deflated, g.tail} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// buffers are what a response needs for its live part; they are used again and again.
type buffers struct {
	live, tail bytes.Buffer
}

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

func (b *buffers) release() {
	b.live.Reset()
	b.tail.Reset()
	bufferPool.Put(b)
}

// body is what is wanted of the page, then the live text. It is valid until the release.
func (b *buffers) body(page *Page, wanted selection, zip bool) (body, error) {
	page, err := page.only(wanted)
	if err != nil {
		return nil, err
	}
	if !zip {
		return plainBody{page: page, live: b.live.Bytes()}, nil
	}
	if err := b.endGzip(page); err != nil {
		return nil, err
	}
	return gzipBody{page: page, tail: b.tail.Bytes()}, nil
}

// endGzip writes the tail that ends the page's stream with the live text.
func (b *buffers) endGzip(page *Page) error {
	live := b.live.Bytes()
	// Stateless: the tables of a compressor that remembers would weigh more than the live text.
	if err := flate.StatelessDeflate(&b.tail, live, true, nil); err != nil {
		return err
	}
	crc := crc32.Update(page.crc, crc32.IEEETable, live)
	trailer := binary.LittleEndian.AppendUint32(b.tail.AvailableBuffer(), crc)
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(page.size+int64(len(live)))) // modulo 2^32
	_, err := b.tail.Write(trailer)
	return err
}
