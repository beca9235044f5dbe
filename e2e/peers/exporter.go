package peers

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Exporter is the whole program, started by Launch.
type Exporter struct {
	URL  string
	Log  *Log
	Stop func() (code int) // ends the program, as a signal does, and returns its exit code; may be called again
	t    *testing.T
}

// Launch starts the program on a free port and waits until it listens. start is called once; it starts the program with
// these arguments and a writer for its log, and returns what ends it. The program ends with the test.
func Launch(t *testing.T, start func(args []string, log io.Writer) (stop func() int), args ...string) *Exporter {
	t.Helper()
	e := &Exporter{t: t, Log: &Log{}}
	e.Stop = sync.OnceValue(start(append(args, "--web.listen-address=127.0.0.1:0"), e.Log))
	t.Cleanup(func() { e.Stop() })
	e.URL = "http://" + e.Log.Await(t, regexp.MustCompile(`address"?[=:]"?(127\.0\.0\.1:\d+)`))
	return e
}

// Get returns status and body of a page.
func (e *Exporter) Get(path string) (status int, body string) {
	e.t.Helper()
	return e.request(http.MethodGet, path)
}

// Post is Get with another method.
func (e *Exporter) Post(path string) (status int, body string) {
	e.t.Helper()
	return e.request(http.MethodPost, path)
}

func (e *Exporter) request(method, path string) (status int, body string) {
	e.t.Helper()
	request, err := http.NewRequestWithContext(e.t.Context(), method, e.URL+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// Await returns a page as soon as it has the wanted text.
func (e *Exporter) Await(path, want string) string {
	e.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		_, body := e.Get(path)
		if strings.Contains(body, want) {
			return body
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("%s never has %s\n%s\n%s", path, want, body, e.Log)
		}
	}
}

// AwaitLines returns as soon as the metrics that come from the bill lines of an account are there.
func (e *Exporter) AwaitLines(account string) {
	e.t.Helper()
	e.Await("/metrics", `ksyun_bill_source_items{account="`+account+`",source="detail_bill"} `)
}

// Log keeps what is written to it, and lets a test wait for a line. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed at the next Write; nil: nobody waits
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(p)
}

// Await waits until the pattern matches, and returns the last group of its first match.
func (l *Log) Await(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		found := pattern.FindStringSubmatch(l.text.String())
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if found != nil {
			return found[len(found)-1]
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("the log has no %s:\n%s", pattern, l)
		}
	}
}

// String returns what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
