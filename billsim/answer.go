package billsim

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
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
