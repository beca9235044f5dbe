package output

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A log that nobody reads holds a line up for less than a second, and further ones not at all. When it is read again,
// it says what was lost.
func TestLogThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		l := NewLogWriter(write, func(lost int) string { return fmt.Sprintf("%d lost\n", lost) })
		began := time.Now()
		for _, line := range []string{"first\n", "second\n", "third\n"} {
			if n, err := l.Write([]byte(line)); n != len(line) || err != nil {
				t.Errorf("%q: %d, %v", line, n, err)
			}
		}
		if took := time.Since(began); took != logPatience {
			t.Errorf("three lines took %v", took)
		}
		var text strings.Builder
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			io.Copy(&text, read)
		}()
		synctest.Wait()
		if _, err := l.Write([]byte("fourth\n")); err != nil {
			t.Error(err)
		}
		write.Close()
		<-ended
		want := "first\n2 lost\nfourth\n"
		if text.String() != want {
			t.Errorf("got %q, want %q", text.String(), want)
		}
		if _, err := l.Write([]byte("fifth\n")); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	})
}
