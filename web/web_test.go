package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ksyun_bill_exporter/metrics"
)

func TestMetricsPath(t *testing.T) {
	const noPath = "is no path: it starts with /, and has letters, digits and . _ ~ - only"
	for path, want := range map[string]string{
		"/metrics": "", "/a/b-c_d.e~f": "",
		"": noPath, "metrics": noPath, "/foo bar": noPath, "/{x}": noPath, "http://x/y": noPath,
		"/": "serves something else", "/-/healthy": "serves something else", "/-/ready": "serves something else",
		"/debug/pprof/": "serves something else",
	} {
		_, err := New(Options{Metrics: http.NotFoundHandler(), MetricsPath: path, Pprof: true})
		switch {
		case want == "" && err != nil, want != "" && err == nil, err != nil && !strings.HasSuffix(err.Error(), want):
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	ready := false
	status := func() metrics.Status { return metrics.Status{} }
	handler, err := New(Options{
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeText(w, http.StatusOK, "cost 1\n")
		}),
		MetricsPath: "/cost", Ready: func() bool { return ready }, Status: status,
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(method, path string) (int, string) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return recorder.Code, recorder.Body.String()
	}
	for _, c := range []struct {
		method, path string
		ready        bool
		status       int
		body         string // part of it
	}{
		{"GET", "/cost", false, 200, "cost 1\n"},
		{"GET", "/", false, 200, `<nav><a href="/cost">Metrics</a><a href="/-/healthy">Healthy</a>`},
		{"GET", "/-/healthy", false, 200, "Healthy.\n"},
		{"HEAD", "/-/healthy", false, 200, ""},
		{"POST", "/-/healthy", false, 405, ""},
		{"GET", "/-/ready", false, 503, "Not ready: an account has not been asked yet.\n"},
		{"GET", "/-/ready", true, 200, "Ready.\n"},
		{"GET", "/metrics", false, 404, ""},
		{"GET", "/debug/pprof/", false, 404, ""},
	} {
		ready = c.ready
		if status, body := get(c.method, c.path); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s %s, ready %v: %d %s", c.method, c.path, c.ready, status, body)
		}
	}
}
