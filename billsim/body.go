package billsim

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// answer is a status, a header and something that writes the body, the same each time.
type answer struct {
	status int
	header http.Header
	write  func(*body) error
}

// whole is an answer that is known as one text; without a content type it goes without that header.
func whole(status int, contentType, text string) answer {
	return answer{status: status, header: contentHeader(contentType), write: func(b *body) error {
		_, err := b.WriteString(text)
		return err
	}}
}

func contentHeader(contentType string) http.Header {
	if contentType == "" {
		return http.Header{"Content-Type": nil} // nil keeps net/http from guessing one
	}
	return http.Header{"Content-Type": {contentType}}
}

// answer is the fault's own answer, spelled for this request.
func (a *Answer) answer(requestID string) answer {
	text := ""
	if a.Body != nil {
		text = a.Body(requestID)
	}
	out := whole(a.Status, a.ContentType, text)
	overlay(out.header, a.Header)
	return out
}

func overlay(header, over http.Header) {
	for name, values := range over {
		header[http.CanonicalHeaderKey(name)] = values
	}
}

// errBroken says that the fault ends the answer here.
var errBroken = errors.New("answer broken off")

// send writes a to the client with all that the fault does on the way.
func send(w http.ResponseWriter, r *http.Request, a answer, f *Fault) {
	if f.atOnce() && f.End != Cut {
		f.End.finish(w, r)
		return
	}
	overlay(w.Header(), a.header)
	if f.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	if f.Length {
		w.Header().Set("Content-Length", strconv.FormatInt(length(a, f), 10))
	}
	overlay(w.Header(), f.Header)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	b := newBody(r.Context(), w, f)
	if err := b.all(a); errors.Is(err, errBroken) {
		_ = http.NewResponseController(w).Flush() // a client that has gone is no concern of ours
		f.End.finish(w, r)
	}
}

// length is that of the unbroken answer.
func length(a answer, f *Fault) int64 {
	var n counter
	b := newBody(context.Background(), &n, &Fault{Gzip: f.Gzip})
	_ = b.all(a) // a counter takes everything
	return int64(n)
}

type counter int64

func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}

// finish does to the connection what the end is about.
func (e End) finish(w http.ResponseWriter, r *http.Request) {
	switch e {
	case Drop:
		panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
	case Reset:
		reset(w)
	case Stall:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Whole, Cut:
	}
}

// reset closes the connection without the usual farewell, where it is TCP.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // on failure an ordinary close has to do
	}
	_ = conn.Close() // gone either way
}

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
