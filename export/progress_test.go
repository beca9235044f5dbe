package export

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The bar shows each attempt from its own beginning, and leaves its place on the terminal to the next line of the log.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{}
		for _, attempt := range []struct {
			lines int
			bytes int64
			want  string
		}{{22, 36_600_000, "22 lines, 36.6 MB"}, {7, 100_000, "7 lines, 0.1 MB"}} {
			terminal := &syncedText{}
			p.terminal = terminal
			p.begin()
			time.Sleep(redrawInterval)
			p.bytes.Add(attempt.bytes)
			p.show(attempt.lines)
			shown := terminal.String()
			if !strings.Contains(shown, "waiting for lines") || !strings.Contains(shown, attempt.want) {
				t.Errorf("want %s: %q", attempt.want, shown)
			}
			p.end()
			time.Sleep(time.Second) // it is not drawn any more
			if end := terminal.String(); !strings.HasSuffix(end, " \r") {
				t.Errorf("in the end: %q", end)
			}
		}
	})
}

// syncedText is a text that several goroutines may write.
type syncedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *syncedText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *syncedText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
