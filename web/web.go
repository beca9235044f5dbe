// Package web serves browsers, probes and Prometheus: it has the routes of the exporter and the status page for people.
// Package collector says what there is to show of bills; package web says how it looks, and in which words.
package web

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"regexp"
	"strings"

	"ksyun_bill_exporter/metrics"

	"github.com/klauspost/compress/gzhttp"
)

// Options configures the handler that New returns.
type Options struct {
	Metrics     http.Handler
	MetricsPath string
	Prefix      string                       // before every path, such as /bills; empty or "/": none
	Readiness   func() (asked, accounts int) // returns how many accounts have been asked, of how many; ready is all
	Status      func() metrics.Status        // returns what the status page shows
	Pprof       bool                         // serve profiles under /debug/pprof

	Reload func(context.Context) error // reloads the configuration at POST /-/reload; nil: reloading is forbidden
}

// New returns a handler of all routes. The handler is safe for concurrent use if everything in o is. New returns an
// error if o.Prefix or o.MetricsPath is not a path, or if o.MetricsPath is the path of another route.
func New(o Options) (http.Handler, error) {
	prefix, err := o.checkPaths()
	if err != nil {
		return nil, err
	}
	status, err := newStatusPage(o)
	if err != nil {
		return nil, fmt.Errorf("status page: %w", err)
	}
	return newRoutes(o, prefix, status, handleReady(o.Readiness), handleReload(o.Reload))
}

// newRoutes returns a handler of all routes below a prefix.
func newRoutes(o Options, prefix string, status http.Handler, ready, reload http.HandlerFunc) (http.Handler, error) {
	compress, err := gzhttp.NewWrapper(gzhttp.EnableZstd(false)) // an encoder of zstd wants megabytes
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	mux := http.NewServeMux()
	handle := func(method, path string, h http.Handler) { mux.Handle(method+prefix+path, h) }
	handle("GET ", "/{$}", compress(status))
	handle("GET ", iconPath, http.HandlerFunc(serveIcon))
	handle("", o.MetricsPath, o.Metrics)
	handle("GET ", healthyPath, http.HandlerFunc(serveHealthy))
	handle("GET ", readyPath, ready)
	handle("", reloadPath, reload)
	if o.Pprof {
		handle("", pprofPath, compress(http.StripPrefix(prefix, newPprofMux())))
	}
	if prefix != "" {
		mux.Handle("GET /{$}", http.RedirectHandler(prefix+"/", http.StatusFound))
	}
	return mux, nil
}

// checkPaths returns the prefix of all routes as they have it.
func (o Options) checkPaths() (prefix string, err error) {
	prefix = strings.TrimRight(o.Prefix, "/")
	if prefix != "" && !plainPath.MatchString(prefix) {
		return "", fmt.Errorf("--web.route-prefix: %q %w", o.Prefix, errNoPath)
	}
	if err := checkPath(o.MetricsPath); err != nil {
		return "", fmt.Errorf("--web.telemetry-path: %q %w", o.MetricsPath, err)
	}
	return prefix, nil
}

var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`)

var errNoPath = errors.New("is no path: it starts with /, and has letters, digits and . _ ~ - only")

func checkPath(path string) error {
	switch {
	case !plainPath.MatchString(path):
		return errNoPath
	case path == "/" || path == healthyPath || path == readyPath || path == reloadPath || path == iconPath ||
		strings.HasPrefix(path, pprofPath):
		return errors.New("serves something else")
	default:
		return nil
	}
}

// The paths of probes, reload and profiles are those of Prometheus itself.
const (
	healthyPath = "/-/healthy"
	readyPath   = "/-/ready"
	reloadPath  = "/-/reload"
	pprofPath   = "/debug/pprof/"
	iconPath    = "/favicon.svg"
)

//go:embed favicon.svg
var icon []byte

func serveIcon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=86400")
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_, _ = w.Write(icon) // it fails only if the client has gone
}

func serveHealthy(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "Healthy.\n") }

func handleReady(readiness func() (asked, accounts int)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if asked, accounts := readiness(); asked < accounts {
			text := fmt.Sprintf("Not ready: %d of %d accounts have been asked.\n", asked, accounts)
			writeText(w, http.StatusServiceUnavailable, text)
			return
		}
		writeText(w, http.StatusOK, "Ready.\n")
	}
}

// handleReload returns a handler that answers with the statuses and texts of Prometheus.
func handleReload(reload func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case reload == nil:
			writeText(w, http.StatusForbidden, "Lifecycle API is not enabled: start with --web.enable-lifecycle.\n")
		case r.Method != http.MethodPost && r.Method != http.MethodPut:
			w.Header().Set("Allow", "POST, PUT")
			writeText(w, http.StatusMethodNotAllowed, "Only POST or PUT requests allowed.\n")
		default:
			if err := reload(r.Context()); err != nil {
				writeText(w, http.StatusInternalServerError, fmt.Sprintf("failed to reload config: %v\n", err))
				return
			}
			writeText(w, http.StatusOK, "Reloaded.\n")
		}
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // it fails only if the client has gone
}

func newPprofMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc(pprofPath, pprof.Index)
	mux.HandleFunc(pprofPath+"cmdline", pprof.Cmdline)
	mux.HandleFunc(pprofPath+"profile", pprof.Profile)
	mux.HandleFunc(pprofPath+"symbol", pprof.Symbol)
	mux.HandleFunc(pprofPath+"trace", pprof.Trace)
	return mux
}
