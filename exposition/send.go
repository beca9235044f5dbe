package exposition

import (
	"net/http"
	"time"
)

// Time limits of sending: a client that takes nothing for takeTimeout loses its connection, and so does one that has
// not taken the whole answer after sendTimeout.
const (
	takeTimeout = 10 * time.Second
	sendTimeout = 2 * time.Minute

	// sendPart is what is sent at once: less than what the buffers of a connection hold, mostly.
	sendPart = 64 << 10
)

// clientWriter writes to a client that may take its time, or be gone.
type clientWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController // nil: w has no deadlines
	began   time.Time
	err     error // of the client, not of what is written
}

func newClientWriter(w http.ResponseWriter) *clientWriter {
	return &clientWriter{w: w, control: http.NewResponseController(w), began: time.Now()}
}

// Write implements io.Writer.
func (c *clientWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && c.err == nil {
		part := p[:min(len(p), sendPart)]
		c.setDeadline()
		var sent int
		sent, c.err = c.w.Write(part)
		n, p = n+sent, p[sent:]
	}
	return n, c.err
}

// setDeadline gives the client time for the next part. A writer without deadlines has no client that can block it.
func (c *clientWriter) setDeadline() {
	if c.control == nil {
		return
	}
	deadline, last := time.Now().Add(takeTimeout), c.began.Add(sendTimeout)
	if last.Before(deadline) {
		deadline = last
	}
	if err := c.control.SetWriteDeadline(deadline); err != nil {
		c.control = nil
	}
}
