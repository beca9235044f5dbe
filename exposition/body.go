package exposition

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"
)

// gzipHead is the header of a gzip stream (RFC 1952, 2.3): deflate, no time, fastest compression, unknown system.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}

// body is the body of an answer: a page, and what is live after it. Without gzip, the page is inflated while it is
// written: clients without gzip are rare, so that a second copy of the page would waste memory. With gzip it is one
// stream with one member: of two, curl and browsers would read only the first one. Its memory is used again for other
// answers.
type body struct {
	page     *Page
	zip      bool
	crc      uint32       // of the whole text
	textSize int64        // likewise
	live     bytes.Buffer // the live text, with gzip as far as it is not in tail
	tail     bytes.Buffer // with gzip, the live text as the last deflate blocks, and the trailer
	family   bytes.Buffer // scratch for one family
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// newBody returns a body with the wanted families of the page. It is valid until release.
func newBody(page *Page, wanted selection, zip bool) (*body, error) {
	page, err := page.selectFamilies(wanted)
	if err != nil {
		return nil, err
	}
	b := bodies.Get().(*body)
	b.page, b.zip, b.crc, b.textSize = page, zip, page.crc, page.size
	return b, nil
}

// release gives b back to the pool.
func (b *body) release() {
	b.page = nil
	b.live.Reset()
	b.tail.Reset()
	b.family.Reset()
	bodies.Put(b)
}

// deflatedAtOnce is how much live text is compressed at once. Among hundreds of accounts, all of it would be megabytes.
const deflatedAtOnce = 256 << 10

// Write appends to the live text.
func (b *body) Write(text []byte) (int, error) {
	b.crc = crc32.Update(b.crc, crc32.IEEETable, text)
	b.textSize += int64(len(text))
	b.live.Write(text)
	if b.zip && b.live.Len() >= deflatedAtOnce {
		return len(text), b.deflate(false)
	}
	return len(text), nil
}

// deflate compresses what there is of the live text; last says whether that was all.
func (b *body) deflate(last bool) error {
	// A compressor with state would need more memory for its tables than most live texts do.
	err := flate.StatelessDeflate(&b.tail, b.live.Bytes(), last, nil)
	b.live.Reset()
	return err
}

// end ends the text.
func (b *body) end() error {
	if !b.zip {
		return nil
	}
	if err := b.deflate(true); err != nil {
		return err
	}
	trailer := binary.LittleEndian.AppendUint32(b.tail.AvailableBuffer(), b.crc)
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(b.textSize)) // modulo 2^32
	_, err := b.tail.Write(trailer)
	return err
}

// coding returns the value of Content-Encoding; empty: there is none.
func (b *body) coding() string {
	if b.zip {
		return "gzip"
	}
	return ""
}

// size returns how many bytes writeTo writes.
func (b *body) size() int64 {
	if b.zip {
		return int64(len(gzipHead) + b.page.deflated.size() + b.tail.Len())
	}
	return b.textSize
}

func (b *body) writeTo(w io.Writer) error {
	if !b.zip {
		if _, err := io.Copy(w, b.page.text()); err != nil {
			return err
		}
		_, err := w.Write(b.live.Bytes())
		return err
	}
	for _, part := range slices.Concat(pieces{gzipHead}, b.page.deflated, pieces{b.tail.Bytes()}) {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
