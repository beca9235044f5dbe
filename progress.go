package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows on a terminal how far an export is; the nil progress shows nothing.
type progress struct {
	bar   *progressbar.ProgressBar
	bytes atomic.Int64 // of all answers so far, as transferred
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// newProgress returns nil unless w is a terminal.
func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return nil
	}
	return &progress{bar: progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("waiting for lines"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// begin draws the bar, for the first lines may take long to come.
func (p *progress) begin() {
	if p != nil {
		_ = p.bar.RenderBlank()
	}
}

// redraw is how many lines pass before the bar is asked to draw: it would cost more than the lines.
const redraw = 1000

// show shows how many lines were read.
func (p *progress) show(lines int) {
	if p == nil || lines%redraw != 0 {
		return
	}
	p.bar.Describe(fmt.Sprintf("%d lines, %.1f MB", lines, float64(p.bytes.Load())/1e6))
}

// end takes the bar off the terminal.
func (p *progress) end() {
	if p != nil {
		_ = p.bar.Finish()
	}
}

// transport counts what comes over the network; nil where nobody looks.
func (p *progress) transport() http.RoundTripper {
	if p == nil {
		return nil
	}
	return meter{http.DefaultTransport, &p.bytes}
}

// meter counts the bytes of answers.
type meter struct {
	http.RoundTripper
	bytes *atomic.Int64
}

func (m meter) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := m.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = meteredBody{answer.Body, m.bytes}
	}
	return answer, err
}

type meteredBody struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (b meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes.Add(int64(n))
	return n, err
}
