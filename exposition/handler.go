package exposition

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"golang.org/x/sync/semaphore"
)

// Options configure a Handler. With the zero value it serves any number of requests at once and reports no errors.
type Options struct {
	// MaxRequestsInFlight limits the answers that are built at once. Further requests are answered with 503. Sending an
	// answer does not count: clients that do not read would keep all others out. If it is 0 or less, there is no limit.
	MaxRequestsInFlight int
	// ErrorLog is called, also concurrently, with every error because of which an answer is incomplete. It may be nil.
	ErrorLog func(error)
	// ClientLog is called, also concurrently, with the reason why a client has not got its whole answer: it went away,
	// or did not read. That is no error of the handler. It may be nil.
	ClientLog func(error)
	// Registerer registers promhttp_metric_handler_errors_total{cause}, which has the name and the meaning of
	// promhttp's. It may be nil.
	Registerer prometheus.Registerer
}

// Handler serves the newest page and, after it, what a live Gatherer gathers and live families. The answer is in the
// Prometheus text format 0.0.4 or in OpenMetrics 1.0.0, with or without gzip. As in promhttp, name[] parameters select
// families, and a name that no family has is answered with 400. A Handler is safe for concurrent use.
// promhttp.InstrumentMetricHandler can wrap it.
type Handler struct {
	live         prometheus.Gatherer
	families     atomic.Pointer[iter.Seq[Family]]
	page         atomic.Pointer[Page]
	limit        int64
	slots        *semaphore.Weighted
	logError     func(error)
	logClient    func(error)
	errorCounter *prometheus.CounterVec
}

// NewHandler returns a Handler with an empty page. It panics if the Registerer has such an error counter already.
//
// A family of live must not write a name that the page has. Such a family is left out, and the error is reported.
func NewHandler(live prometheus.Gatherer, o Options) *Handler {
	h := &Handler{
		live: live, limit: math.MaxInt64, logError: o.ErrorLog, logClient: o.ClientLog,
		errorCounter: newErrorCounter(o.Registerer),
	}
	if o.MaxRequestsInFlight > 0 {
		h.limit = int64(o.MaxRequestsInFlight)
	}
	h.slots = semaphore.NewWeighted(h.limit)
	if h.logError == nil {
		h.logError = func(error) {}
	}
	if h.logClient == nil {
		h.logClient = func(error) {}
	}
	h.Publish(&Page{})
	h.SetFamilies(func(func(Family) bool) {})
	return h
}

func newErrorCounter(r prometheus.Registerer) *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "promhttp_metric_handler_errors_total",
		Help: "Errors while gathering, encoding or sending metrics.",
	}, []string{"cause"})
	counter.WithLabelValues("gathering")
	counter.WithLabelValues("encoding")
	if r != nil {
		r.MustRegister(counter)
	}
	return counter
}

// Publish makes p the page of all requests that start after it.
func (h *Handler) Publish(p *Page) { h.page.Store(p) }

// SetFamilies makes each request that starts after it ask for these families, whose samples it may ask for once. They
// stand after what the Gatherer gathers, and take no memory but that of the answer's text. No name of them may be one
// of the Gatherer's.
func (h *Handler) SetFamilies(live iter.Seq[Family]) { h.families.Store(&live) }

// ServeHTTP answers GET and HEAD requests.
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
	release := sync.OnceFunc(func() { h.slots.Release(1) })
	defer release()
	h.serve(w, r, release)
}

// serve answers a request, and calls release when its answer is ready to be sent.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, release func()) {
	wanted, err := parseSelection(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	page := h.page.Load()
	live := h.gather(page)
	if err := wanted.checkNames(page, live); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.writeAnswer(w, r, page, wanted, live.filter(wanted), release)
}

// liveFamilies are what follows a page: families that are yet to be asked for their samples, and gathered ones.
type liveFamilies struct {
	families []Family
	gathered []*dto.MetricFamily
}

// hasFamily reports whether there is a family of a name.
func (l *liveFamilies) hasFamily(name string) bool {
	return slices.ContainsFunc(l.families, func(f Family) bool { return f.Name == name }) ||
		slices.ContainsFunc(l.gathered, func(f *dto.MetricFamily) bool { return f.GetName() == name })
}

// filter returns the families that are selected.
func (l liveFamilies) filter(wanted selection) liveFamilies {
	return liveFamilies{
		slices.DeleteFunc(l.families, func(f Family) bool { return !wanted.includes(f.Name) }),
		slices.DeleteFunc(l.gathered, func(f *dto.MetricFamily) bool { return !wanted.includes(f.GetName()) }),
	}
}

// gather returns the live families whose names the page does not have. If some fail, it returns the others.
func (h *Handler) gather(page *Page) (live liveFamilies) {
	isFree := func(name string, kind dto.MetricType) bool {
		clashes := page.clashes(name, kind)
		if clashes {
			h.reportError("gathering", fmt.Errorf("live family %s: the page has that name", name))
		}
		return !clashes
	}
	for f := range *h.families.Load() {
		if isFree(f.Name, f.kind()) {
			live.families = append(live.families, f)
		}
	}
	gathered, err := h.live.Gather()
	if err != nil {
		h.reportError("gathering", fmt.Errorf("gather live metrics: %w", err))
	}
	for _, f := range gathered {
		if isFree(f.GetName(), f.GetType()) {
			live.gathered = append(live.gathered, f)
		}
	}
	return live
}

func (h *Handler) writeAnswer(
	w http.ResponseWriter, r *http.Request, page *Page, wanted selection, live liveFamilies, release func(),
) {
	format := negotiateFormat(r.Header)
	answer, err := h.build(page, wanted, live, format, acceptsGzip(r.Header))
	if err != nil {
		h.reportError("encoding", fmt.Errorf("build answer: %w", err))
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer answer.release()
	w.Header().Set("Content-Type", string(format))
	w.Header().Add("Vary", "Accept, Accept-Encoding")
	release()
	h.send(w, r.Method, answer)
}

// build returns the body of an answer.
func (h *Handler) build(
	page *Page, wanted selection, live liveFamilies, format expfmt.Format, zip bool,
) (*body, error) {
	answer, err := newBody(page, wanted, zip)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(h.encode(answer, format, live), answer.end()); err != nil {
		answer.release()
		return nil, err
	}
	return answer, nil
}

func (h *Handler) send(w http.ResponseWriter, method string, answer *body) {
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
		h.logClient(fmt.Errorf("send answer: %w", client.err))
	case err != nil:
		h.reportError("encoding", fmt.Errorf("send answer: %w", err))
	}
}

// encode writes the live families to an answer. A gathered one that cannot be written is left out, another one ends
// before the sample that cannot be.
func (h *Handler) encode(answer *body, format expfmt.Format, live liveFamilies) error {
	encoder := expfmt.NewEncoder(&answer.family, format)
	for _, f := range live.gathered {
		if err := encoder.Encode(f); err != nil {
			answer.family.Reset()
			h.reportError("encoding", fmt.Errorf("live family %s: %w", f.GetName(), err))
		}
		if _, err := answer.family.WriteTo(answer); err != nil {
			return err
		}
	}
	families := familyWriter{to: answer, openMetrics: format.FormatType() == expfmt.TypeOpenMetrics}
	for _, f := range live.families {
		err := f.check()
		if err == nil {
			_, err = families.write(f)
		}
		if err != nil {
			h.reportError("encoding", fmt.Errorf("live family %s: %w", f.Name, err))
		}
	}
	if err := families.flush(1); err != nil { // what is left of a family that ended early
		return err
	}
	if err := encoder.(expfmt.Closer).Close(); err != nil { // writes # EOF if the format has it
		h.reportError("encoding", fmt.Errorf("end of metrics: %w", err))
	}
	_, err := answer.family.WriteTo(answer)
	return err
}

func (h *Handler) reportError(cause string, err error) {
	h.errorCounter.WithLabelValues(cause).Inc()
	h.logError(err)
}
