package billsim

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// body writes the body of an answer through a buffer and, if the fault wants it, gzip to the wire.
type body struct {
	*bufio.Writer
	compressor *gzip.Writer // nil: not compressed
	fault      *Fault
	lines      int
}

func newBody(ctx context.Context, to io.Writer, f *Fault) *body {
	b := &body{fault: f}
	var target io.Writer = &wire{ctx: ctx, client: to, fault: f}
	if f.Gzip {
		b.compressor = gzip.NewWriter(target)
		target = b.compressor
	}
	b.Writer = bodyWriters.Get().(*bufio.Writer)
	b.Reset(target)
	return b
}

// bodyWriters are the buffers of answers that were written.
var bodyWriters = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}

// writeAnswer writes the body of a, after which nothing can be written. It returns errBrokenOff where the fault ends
// the answer.
func (b *body) writeAnswer(a answer) error {
	defer func() {
		b.Reset(nil)
		bodyWriters.Put(b.Writer)
		b.Writer = nil
	}()
	if b.fault.endsBeforeBody() {
		return errBrokenOff
	}
	if err := a.write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil || b.compressor == nil {
		return err
	}
	return b.compressor.Close()
}

// endLine has to be called after each line of a bill. It returns errBrokenOff after the line that the fault names.
func (b *body) endLine() error {
	b.lines++
	if b.fault.End == Whole || b.lines != b.fault.AfterLines {
		return nil
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if b.compressor != nil {
		if err := b.compressor.Flush(); err != nil {
			return err
		}
	}
	return errBrokenOff
}

// wire passes bytes to the client, counts them and delays them as the fault wants.
type wire struct {
	ctx    context.Context
	client io.Writer
	fault  *Fault
	sent   int
}

// Write writes p to the client. It returns errBrokenOff where the fault ends the answer.
func (w *wire) Write(p []byte) (int, error) {
	if rest := w.fault.AfterBytes - w.sent; w.fault.End != Whole && w.fault.AfterBytes > 0 && len(p) >= rest {
		n, err := w.transmit(p[:rest])
		return n, errors.Join(err, errBrokenOff)
	}
	return w.transmit(p)
}

func (w *wire) transmit(p []byte) (int, error) {
	if w.fault.Drip <= 0 {
		n, err := w.client.Write(p)
		w.sent += n
		return n, err
	}
	for i := range p {
		if err := w.drip(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// drip writes p, sends it at once and waits.
func (w *wire) drip(p []byte) error {
	if _, err := w.client.Write(p); err != nil {
		return err
	}
	w.sent++
	if rw, ok := w.client.(http.ResponseWriter); ok {
		if err := http.NewResponseController(rw).Flush(); err != nil {
			return err
		}
	}
	select {
	case <-w.ctx.Done():
		return w.ctx.Err()
	case <-time.After(w.fault.Drip):
		return nil
	}
}
