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

// body is the body of a response.
type body interface {
	coding() string // for Content-Encoding; empty: none
	size() int64
	writeTo(w io.Writer) error
}

// plainBody is not compressed. It inflates the page while it is written: clients without gzip are rare, so that a
// second copy of the page would waste memory.
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

// gzipBody is one gzip stream with one member. Of two members, curl and browsers would read only the first one.
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

// buffers has the memory that a response needs for its live part. It is used again for other responses.
type buffers struct {
	live, tail bytes.Buffer
}

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// release gives b back to the pool.
func (b *buffers) release() {
	b.live.Reset()
	b.tail.Reset()
	bufferPool.Put(b)
}

// newBody returns a body with the wanted families of the page and the live text. It is valid until release.
func (b *buffers) newBody(page *Page, wanted selection, zip bool) (body, error) {
	page, err := page.selectFamilies(wanted)
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
	// A compressor with state would need more memory for its tables than the live text does.
	if err := flate.StatelessDeflate(&b.tail, live, true, nil); err != nil {
		return err
	}
	crc := crc32.Update(page.crc, crc32.IEEETable, live)
	trailer := binary.LittleEndian.AppendUint32(b.tail.AvailableBuffer(), crc)
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(page.size+int64(len(live)))) // modulo 2^32
	_, err := b.tail.Write(trailer)
	return err
}
