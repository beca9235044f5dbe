package collector

import (
	"strconv"
	"sync"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/exposition"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// health counts what the collector does with the API and with its pages. It is read live at every scrape.
type health struct {
	requests  *prometheus.CounterVec
	retries   *prometheus.CounterVec
	bytes     *prometheus.CounterVec
	durations *prometheus.HistogramVec
	series    prometheus.Gauge
	pageBytes prometheus.Gauge
	unsaved   prometheus.Counter
}

func newHealth(registry prometheus.Registerer) *health {
	h := &health{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ksyun_bill_api_requests_total",
			Help: "Requests to the API by HTTP status code (none: no answer) and reason of failure (ok: none).",
		}, []string{"account", "action", "code", "reason"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ksyun_bill_api_retries_total",
			Help: "Requests to the API that were made again after a failure.",
		}, []string{"account", "action"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ksyun_bill_api_response_bytes_total",
			Help: "Bytes of the API's answers as they came over the network.",
		}, []string{"account", "action"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ksyun_bill_api_request_duration_seconds",
			Help:    "Time from sending a request until the last byte of its answer.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}, []string{"action"}),
		series: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ksyun_bill_exporter_page_series",
			Help: "Series of the page that scrapes get, without the exporter's own.",
		}),
		pageBytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ksyun_bill_exporter_page_bytes",
			Help: "Bytes of the compressed page that scrapes get, without the exporter's own metrics.",
		}),
	}
	h.unsaved = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "ksyun_bill_exporter_state_write_failures_total",
		Help: "Failures to keep numbers in the state directory; they are shown all the same.",
	})
	registry.MustRegister(h.requests, h.retries, h.bytes, h.durations, h.series, h.pageBytes, h.unsaved)
	return h
}

// onSave returns a function that counts failures to keep something, and logs the first of a row and its end. That
// function is safe for concurrent use.
func (h *health) onSave(logger log.Logger) func(error) {
	var mu sync.Mutex
	failing := false
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil && !failing:
			level.Error(logger).Log("msg", "not kept in state_dir, a restart would forget it", "err", err)
		case err == nil && failing:
			level.Info(logger).Log("msg", "kept in state_dir again")
		}
		if failing = err != nil; failing {
			h.unsaved.Inc()
		}
	}
}

// forget removes what was counted of an account that is gone.
func (h *health) forget(account string) {
	for _, of := range []*prometheus.CounterVec{h.requests, h.retries, h.bytes} {
		of.DeletePartialMatch(prometheus.Labels{"account": account})
	}
}

// observe returns a function that counts the calls of an account and logs them.
func (h *health) observe(account string, logger log.Logger) func(billclient.Attempt) {
	logCall := LogCalls(logger)
	return func(a billclient.Attempt) {
		logCall(a)
		code, reason := "none", "ok"
		if a.HTTPStatus != 0 {
			code = strconv.Itoa(a.HTTPStatus)
		}
		if a.Reason != "" {
			reason = string(a.Reason)
		}
		h.requests.WithLabelValues(account, a.Action, code, reason).Inc()
		h.bytes.WithLabelValues(account, a.Action).Add(float64(a.Bytes))
		h.durations.WithLabelValues(a.Action).Observe(a.Duration.Seconds())
	}
}

func (h *health) onRetry(account string) func(string, error) {
	return func(action string, _ error) { h.retries.WithLabelValues(account, action).Inc() }
}

func (h *health) setPage(page *exposition.Page) {
	h.series.Set(float64(page.Series()))
	h.pageBytes.Set(float64(page.Size()))
}
