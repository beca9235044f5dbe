package export

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"ksyun_bill_exporter/output"

	"github.com/schollz/progressbar/v3"
)

// progress shows on a terminal how far an export is. The methods of a nil progress do nothing.
type progress struct {
	terminal io.Writer
	bar      *progressbar.ProgressBar // of this attempt
	drawn    time.Time
	bytes    atomic.Int64 // of the answer to this attempt so far, as transferred
}

// newProgress returns nil unless w is a terminal.
func newProgress(w io.Writer) *progress {
	if !output.IsTerminal(w) {
		return nil
	}
	return &progress{terminal: w}
}

// begin draws the bar of a new attempt at once, because the first lines may take long to come.
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

// redrawInterval is the least time between two drawings of the bar. Drawing takes longer than reading a line.
const redrawInterval = 100 * time.Millisecond

// show shows how many lines were read.
func (p *progress) show(lines int) {
	if p == nil || time.Since(p.drawn) < redrawInterval {
		return
	}
	p.drawn = time.Now()
	p.bar.Describe(fmt.Sprintf("%d lines, %.1f MB", lines, float64(p.bytes.Load())/1e6))
}

// end removes the bar, because the next line on the terminal may be one of the log.
func (p *progress) end() {
	if p != nil {
		_ = p.bar.Finish()
	}
}

// meter returns a transport that counts what comes over the network.
func (p *progress) meter(transport http.RoundTripper) http.RoundTripper {
	switch {
	case p == nil:
		return transport
	case transport == nil:
		return meteredTransport{http.DefaultTransport, &p.bytes}
	default:
		return meteredTransport{transport, &p.bytes}
	}
}

// meterFile returns a reader that counts what comes from a file.
func (p *progress) meterFile(file io.ReadCloser) io.Reader {
	if p == nil {
		return file
	}
	return meteredBody{file, &p.bytes}
}

// meteredTransport counts the bytes of answers.
type meteredTransport struct {
	http.RoundTripper
	bytes *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (t meteredTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = meteredBody{response.Body, t.bytes}
	}
	return response, err
}

type meteredBody struct {
	io.ReadCloser
	bytes *atomic.Int64
}

// Read implements io.Reader.
func (b meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes.Add(int64(n))
	return n, err
}
