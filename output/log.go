package output

import (
	"io"
	"sync"
	"time"
)

// logPatience is how long a line of the log may take. After a signal, one line more has to fit into the program's time.
const logPatience = 300 * time.Millisecond

// LogWriter writes the lines of a log to a writer that may hang, such as a pipe that is full because nobody reads it.
// While it hangs, lines are lost, which the log says once it goes on. A LogWriter is safe for concurrent use.
type LogWriter struct {
	w      io.Writer
	notice func(lost int) string

	mu    sync.Mutex // guards what follows
	hangs <-chan struct{}
	lost  int
}

// NewLogWriter returns a LogWriter that writes to w, one line at a time. notice returns the line that says how many
// were lost.
func NewLogWriter(w io.Writer, notice func(lost int) string) *LogWriter {
	return &LogWriter{w: w, notice: notice}
}

// Write writes a line. It returns when the line is written, or after less than a second; then there is no error.
func (l *LogWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isHanging() {
		l.lost++
		return len(line), nil
	}
	text := l.withLost(line)
	failed, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		_, err := l.w.Write(text)
		failed <- err
	}()
	select {
	case err := <-failed:
		return len(line), err
	case <-time.After(logPatience):
		l.hangs = ended
		return len(line), nil
	}
}

func (l *LogWriter) isHanging() bool {
	select {
	case <-l.hangs:
		l.hangs = nil
	default:
	}
	return l.hangs != nil
}

// withLost returns a copy of a line, after a line that says how many were lost before it.
func (l *LogWriter) withLost(line []byte) []byte {
	var text []byte
	if l.lost > 0 {
		text = append(text, l.notice(l.lost)...)
		l.lost = 0
	}
	return append(text, line...)
}
