// Package web is what the exporter shows to browsers, probes and Prometheus: its routes, and the page for people. What
// there is to show of bills, package collector tells; here is only how it looks, and in which words.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"regexp"
	"strings"

	"ksyun_bill_exporter/collector"
)

// Options say what is served where.
type Options struct {
	Metrics     http.Handler
	MetricsPath string
	Ready       func() bool             // whether there is anything to scrape
	Status      func() collector.Status // what the page for people says
	Pprof       bool                    // serve profiles under /debug/pprof

	Reload func(context.Context) error // what POST /-/reload does; nil: that is forbidden
}

// New returns a handler of all routes. It is safe for concurrent use as far as its parts are. The error is of a path
// that cannot be served.
func New(o Options) (http.Handler, error) {
	if err := checkPath(o.MetricsPath); err != nil {
		return nil, fmt.Errorf("--web.telemetry-path: %q %w", o.MetricsPath, err)
	}
	status, err := newStatusPage(o)
	if err != nil {
		return nil, fmt.Errorf("status page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", status)
	mux.Handle(o.MetricsPath, o.Metrics)
	mux.HandleFunc("GET "+healthyPath, healthy)
	mux.HandleFunc("GET "+readyPath, ready(o.Ready))
	mux.HandleFunc(reloadPath, reload(o.Reload))
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
	case path == "/" || path == healthyPath || path == readyPath || path == reloadPath ||
		strings.HasPrefix(path, pprofPath):
		return errors.New("serves something else")
	default:
		return nil
	}
}

// The probes' paths, as Prometheus itself has them.
const (
	healthyPath = "/-/healthy"
	readyPath   = "/-/ready"
	reloadPath  = "/-/reload"
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

// reload answers as Prometheus does, status by status.
func reload(load func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case load == nil:
			answer(w, http.StatusForbidden, "Lifecycle API is not enabled: start with --web.enable-lifecycle.\n")
		case r.Method != http.MethodPost && r.Method != http.MethodPut:
			w.Header().Set("Allow", "POST, PUT")
			answer(w, http.StatusMethodNotAllowed, "Only POST or PUT requests allowed.\n")
		default:
			if err := load(r.Context()); err != nil {
				answer(w, http.StatusInternalServerError, fmt.Sprintf("failed to reload config: %v\n", err))
				return
			}
			answer(w, http.StatusOK, "Reloaded.\n")
		}
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a prober that has gone needs no answer
}

func handlePprof(mux *http.ServeMux) {
	mux.HandleFunc(pprofPath, pprof.Index)
	mux.HandleFunc(pprofPath+"cmdline", pprof.Cmdline)
	mux.HandleFunc(pprofPath+"profile", pprof.Profile)
	mux.HandleFunc(pprofPath+"symbol", pprof.Symbol)
	mux.HandleFunc(pprofPath+"trace", pprof.Trace)
}
