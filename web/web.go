// Package web is what the exporter shows to browsers, probes and Prometheus: its routes. It knows no bills.
package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"regexp"
	"strings"

	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// Options say what is served where.
type Options struct {
	Metrics     http.Handler
	MetricsPath string
	Ready       func() bool // whether there is anything to scrape
	Pprof       bool        // serve profiles under /debug/pprof
}

// New returns a handler of all routes. It is safe for concurrent use as far as its parts are. The error is of a path
// that cannot be served.
func New(o Options) (http.Handler, error) {
	if err := checkPath(o.MetricsPath); err != nil {
		return nil, fmt.Errorf("--web.telemetry-path: %q %w", o.MetricsPath, err)
	}
	landing, err := landingPage(o)
	if err != nil {
		return nil, fmt.Errorf("landing page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", landing)
	mux.Handle(o.MetricsPath, o.Metrics)
	mux.HandleFunc("GET "+healthyPath, healthy)
	mux.HandleFunc("GET "+readyPath, ready(o.Ready))
	if o.Pprof {
		handlePprof(mux)
	}
	return mux, nil
}

var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`)

func checkPath(path string) error {
	switch {
	case !plainPath.MatchString(path):
		return errors.New("is no path: it starts with /, and has letters, digits and . _ ~ - only")
	case path == "/" || path == healthyPath || path == readyPath || strings.HasPrefix(path, pprofPath):
		return errors.New("serves something else")
	default:
		return nil
	}
}

// The probes' paths, as Prometheus itself has them.
const (
	healthyPath = "/-/healthy"
	readyPath   = "/-/ready"
	pprofPath   = "/debug/pprof/"
)

func healthy(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "Healthy.\n") }

func ready(isReady func() bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !isReady() {
			answer(w, http.StatusServiceUnavailable, "Not ready: an account has not been asked yet.\n")
			return
		}
		answer(w, http.StatusOK, "Ready.\n")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a prober that has gone needs no answer
}

func landingPage(o Options) (http.Handler, error) {
	config := toolkit.LandingConfig{
		Name:        "ksyun_bill_exporter",
		Description: "Cost of Kingsoft Cloud (ksyun, 金山云) accounts for Prometheus",
		Version:     version.Info(),
		Profiling:   "false",
		Links: []toolkit.LandingLinks{
			{Address: o.MetricsPath, Text: "Metrics", Description: "what Prometheus scrapes"},
			{Address: healthyPath, Text: "Healthy", Description: "the process runs"},
			{Address: readyPath, Text: "Ready", Description: "every account has numbers or a finished attempt"},
		},
	}
	if o.Pprof {
		config.Profiling = "true"
	}
	return toolkit.NewLandingPage(config)
}

func handlePprof(mux *http.ServeMux) {
	mux.HandleFunc(pprofPath, pprof.Index)
	mux.HandleFunc(pprofPath+"cmdline", pprof.Cmdline)
	mux.HandleFunc(pprofPath+"profile", pprof.Profile)
	mux.HandleFunc(pprofPath+"symbol", pprof.Symbol)
	mux.HandleFunc(pprofPath+"trace", pprof.Trace)
}
