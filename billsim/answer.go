package billsim

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
)

// answer is a status, a header and a function that writes the body. Each call of write writes the same body.
type answer struct {
	status int
	header http.Header
	write  func(*body) error
}

// newTextAnswer returns an answer with text as its body. If contentType is empty, the answer has no such header.
func newTextAnswer(status int, contentType, text string) answer {
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

// overwriteHeader sets every field of header that is in fields.
func overwriteHeader(header, fields http.Header) {
	for name, values := range fields {
		header[http.CanonicalHeaderKey(name)] = values
	}
}

// errBrokenOff is returned when the fault ends the answer.
var errBrokenOff = errors.New("answer broken off")

// send writes a to the client and applies what the fault does to an answer on its way.
func send(w http.ResponseWriter, r *http.Request, a answer, f *Fault) {
	if f.endsBeforeBody() && f.End != Cut {
		f.End.apply(w, r)
		return
	}
	overwriteHeader(w.Header(), a.header)
	if f.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	if f.Length {
		w.Header().Set("Content-Length", strconv.FormatInt(bodyLength(a, f), 10))
	}
	overwriteHeader(w.Header(), f.Header)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	b := newBody(r.Context(), w, f)
	if err := b.writeAnswer(a); errors.Is(err, errBrokenOff) {
		_ = http.NewResponseController(w).Flush() // fails only if the client has gone
		f.End.apply(w, r)
	}
}

// bodyLength returns the length of the whole body, as if the fault did not break it off.
func bodyLength(a answer, f *Fault) int64 {
	var n byteCounter
	b := newBody(context.Background(), &n, &Fault{Gzip: f.Gzip})
	_ = b.writeAnswer(a) // a counter cannot fail
	return int64(n)
}

// byteCounter counts the bytes that are written to it.
type byteCounter int64

func (n *byteCounter) Write(p []byte) (int, error) {
	*n += byteCounter(len(p))
	return len(p), nil
}

// resetConnection closes the connection; if it is TCP, with a reset instead of the usual handshake.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it, the connection is closed in the usual way
	}
	_ = conn.Close() // it is gone even if this fails
}
