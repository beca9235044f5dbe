package billsim

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// body is the way of an answer: a buffer, perhaps gzip, the wire.
type body struct {
	*bufio.Writer
	gz    *gzip.Writer // nil: as it is
	fault *Fault
	lines int
}

func newBody(ctx context.Context, to io.Writer, f *Fault) *body {
	b := &body{fault: f}
	var bottom io.Writer = &wire{to: to, ctx: ctx, fault: f}
	if f.Gzip {
		b.gz = gzip.NewWriter(bottom)
		bottom = b.gz
	}
	b.Writer = bufio.NewWriterSize(bottom, 64<<10)
	return b
}

// all writes the answer to its end or to the fault's.
func (b *body) all(a answer) error {
	if b.fault.atOnce() {
		return errBroken
	}
	if err := a.write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil || b.gz == nil {
		return err
	}
	return b.gz.Close()
}

// line is told after each whole line of a bill.
func (b *body) line() error {
	b.lines++
	if b.fault.End == Whole || b.lines != b.fault.AfterLines {
		return nil
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if b.gz != nil {
		if err := b.gz.Flush(); err != nil {
			return err
		}
	}
	return errBroken
}

// wire counts and delays what goes to the client.
type wire struct {
	to    io.Writer
	ctx   context.Context
	fault *Fault
	sent  int
}

func (w *wire) Write(p []byte) (int, error) {
	if rest := w.fault.AfterBytes - w.sent; w.fault.End != Whole && w.fault.AfterBytes > 0 && len(p) >= rest {
		n, err := w.pass(p[:rest])
		return n, errors.Join(err, errBroken)
	}
	return w.pass(p)
}

func (w *wire) pass(p []byte) (int, error) {
	if w.fault.Drip <= 0 {
		n, err := w.to.Write(p)
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

func (w *wire) drip(p []byte) error {
	if _, err := w.to.Write(p); err != nil {
		return err
	}
	w.sent++
	if rw, ok := w.to.(http.ResponseWriter); ok {
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
