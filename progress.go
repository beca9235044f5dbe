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
	terminal io.Writer
	bar      *progressbar.ProgressBar // of this attempt
	drawn    time.Time
	bytes    atomic.Int64 // of this attempt's answer so far, as transferred
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
	return &progress{terminal: w}
}

// begin draws the bar of a new attempt, for the first lines may take long to come.
func (p *progress) begin() {
	if p == nil {
		return
	}
	p.bytes.Store(0)
	p.bar = progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(p.terminal),
		progressbar.OptionSetDescription("waiting for lines"),
		progressbar.OptionClearOnFinish(),
	)
	p.drawn = time.Now()
	_ = p.bar.RenderBlank()
}

// redraw is how often the bar is drawn: it would cost more than the lines.
const redraw = 100 * time.Millisecond

// show shows how many lines were read.
func (p *progress) show(lines int) {
	if p == nil || time.Since(p.drawn) < redraw {
		return
	}
	p.drawn = time.Now()
	p.bar.Describe(fmt.Sprintf("%d lines, %.1f MB", lines, float64(p.bytes.Load())/1e6))
}

// end takes the bar off the terminal: the next line there may be one of the log.
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
