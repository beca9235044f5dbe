package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The bar follows each attempt from its own beginning, however few lines it has, and makes room for a line of the log.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{}
		for _, attempt := range []struct {
			lines int
			bytes int64
			want  string
		}{{22, 36_600_000, "22 lines, 36.6 MB"}, {7, 100_000, "7 lines, 0.1 MB"}} {
			terminal := &logWatch{}
			p.terminal = terminal
			p.begin()
			time.Sleep(redraw)
			p.bytes.Add(attempt.bytes)
			p.show(attempt.lines)
			shown := terminal.String()
			if !strings.Contains(shown, "waiting for lines") || !strings.Contains(shown, attempt.want) {
				t.Errorf("want %s: %q", attempt.want, shown)
			}
			p.end()
			time.Sleep(time.Second) // nobody draws it any more
			if end := terminal.String(); !strings.HasSuffix(end, " \r") {
				t.Errorf("in the end: %q", end)
			}
		}
	})
}
