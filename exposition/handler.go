package exposition

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"golang.org/x/sync/semaphore"
)

// Options are what a Handler can be told. The zero value serves any number of requests and keeps errors to itself.
type Options struct {
	// MaxRequestsInFlight limits the answers that are built at once; more are refused with 503. Sending an answer does not
	// count: clients that do not read would keep all others out. No limit if 0 or less.
	MaxRequestsInFlight int
	// ErrorLog is called, concurrently too, with every error that cost a part of an answer. May be nil.
	ErrorLog func(error)
	// ClientLog is called, concurrently too, with why a client has not got its whole answer: it went away, or did not read.
	// That is no error of the handler. May be nil.
	ClientLog func(error)
	// Registerer gets promhttp_metric_handler_errors_total{cause}, named and counted as promhttp does. May be nil.
	Registerer prometheus.Registerer
}

// Handler serves the newest page, then what a live Gatherer gathers, as Prometheus text format 0.0.4 or OpenMetrics
// 1.0.0, gzip or plain. As in promhttp, name[] parameters choose families; a name that nothing has is answered with
// 400. It is safe for concurrent use, and may be wrapped by promhttp.InstrumentMetricHandler.
type Handler struct {
	live  prometheus.Gatherer
	page  atomic.Pointer[Page]
	limit int64
	slots *semaphore.Weighted
	log   func(error)
	gone  func(error)
	fails *prometheus.CounterVec
}

// NewHandler returns a Handler with an empty page. It panics if the Registerer has an error counter already.
//
// No family of live may write a name that the page has: the page wins, and the live family is left out and reported.
func NewHandler(live prometheus.Gatherer, o Options) *Handler {
	h := &Handler{
		live: live, limit: math.MaxInt64, log: o.ErrorLog, gone: o.ClientLog, fails: newErrorCounter(o.Registerer),
	}
	if o.MaxRequestsInFlight > 0 {
		h.limit = int64(o.MaxRequestsInFlight)
	}
	h.slots = semaphore.NewWeighted(h.limit)
	if h.log == nil {
		h.log = func(error) {}
	}
	if h.gone == nil {
		h.gone = func(error) {}
	}
	h.Publish(&Page{})
	return h
}

func newErrorCounter(r prometheus.Registerer) *prometheus.CounterVec {
	fails := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "promhttp_metric_handler_errors_total",
		Help: "Errors while gathering, encoding or sending metrics.",
	}, []string{"cause"})
	fails.WithLabelValues("gathering")
	fails.WithLabelValues("encoding")
	if r != nil {
		r.MustRegister(fails)
	}
	return fails
}

// Publish makes p the page of all requests that start from now on.
func (h *Handler) Publish(p *Page) { h.page.Store(p) }

// ServeHTTP answers GET and HEAD.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "metrics are read with GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	if !h.slots.TryAcquire(1) {
		text := fmt.Sprintf("limit of concurrent requests reached (%d), try again later", h.limit)
		http.Error(w, text, http.StatusServiceUnavailable)
		return
	}
	built := sync.OnceFunc(func() { h.slots.Release(1) })
	defer built()
	h.serve(w, r, built)
}

// serve answers a request, and calls built when its answer is ready to be sent.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, built func()) {
	wanted, err := parseSelection(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	page := h.page.Load()
	live := h.gather(page)
	if err := wanted.check(page, live); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.answer(w, r, page, wanted, live, built)
}

// gather is what live has and the page has not. What can be had is served, whatever fails.
func (h *Handler) gather(page *Page) []*dto.MetricFamily {
	gathered, err := h.live.Gather()
	if err != nil {
		h.fail("gathering", fmt.Errorf("gather live metrics: %w", err))
	}
	families := make([]*dto.MetricFamily, 0, len(gathered))
	for _, f := range gathered {
		if page.clashes(f) {
			h.fail("gathering", fmt.Errorf("live family %s: the page has that name", f.GetName()))
			continue
		}
		families = append(families, f)
	}
	return families
}

// clashes reports whether a live family would write a name of the page, in one format or the other: OpenMetrics cuts
// _total from the name of a counter's family.
func (p *Page) clashes(f *dto.MetricFamily) bool {
	name := f.GetName()
	if p.has(name) {
		return true
	}
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		return p.has(strings.TrimSuffix(name, "_total"))
	case dto.MetricType_SUMMARY:
		return p.has(name+"_sum") || p.has(name+"_count")
	case dto.MetricType_HISTOGRAM:
		return p.has(name+"_sum") || p.has(name+"_count") || p.has(name+"_bucket")
	default:
		return false
	}
}

func (h *Handler) answer(
	w http.ResponseWriter, r *http.Request, page *Page, wanted selection, live []*dto.MetricFamily, built func(),
) {
	b := bufferPool.Get().(*buffers)
	defer b.release()
	format := negotiateFormat(r.Header)
	h.encode(&b.live, format, wanted.of(live))
	answer, err := b.body(page, wanted, acceptsGzip(r.Header))
	if err != nil {
		h.fail("encoding", fmt.Errorf("build answer: %w", err))
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(format))
	w.Header().Add("Vary", "Accept, Accept-Encoding")
	built()
	h.send(w, r.Method, answer)
}

func (h *Handler) send(w http.ResponseWriter, method string, answer body) {
	if coding := answer.coding(); coding != "" {
		w.Header().Set("Content-Encoding", coding)
	}
	w.Header().Set("Content-Length", strconv.FormatInt(answer.size(), 10))
	if method == http.MethodHead {
		return
	}
	client := newClientWriter(w)
	switch err := answer.writeTo(client); {
	case client.err != nil:
		h.gone(fmt.Errorf("send answer: %w", client.err))
	case err != nil:
		h.fail("encoding", fmt.Errorf("send answer: %w", err))
	}
}

// encode leaves out a live family that cannot be written.
func (h *Handler) encode(text *bytes.Buffer, format expfmt.Format, live []*dto.MetricFamily) {
	encoder := expfmt.NewEncoder(text, format)
	for _, f := range live {
		end := text.Len()
		if err := encoder.Encode(f); err != nil {
			text.Truncate(end)
			h.fail("encoding", fmt.Errorf("live family %s: %w", f.GetName(), err))
		}
	}
	if err := encoder.(expfmt.Closer).Close(); err != nil { // writes # EOF where the format wants it
		h.fail("encoding", fmt.Errorf("end of metrics: %w", err))
	}
}

func (h *Handler) fail(cause string, err error) {
	h.fails.WithLabelValues(cause).Inc()
	h.log(err)
}
