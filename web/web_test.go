package web

import (
	"fmt"
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
	asked := 137
	status := func() metrics.Status { return metrics.Status{} }
	handler, err := New(Options{
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeText(w, http.StatusOK, "cost 1\n")
		}),
		MetricsPath: "/cost", Readiness: func() (int, int) { return asked, 300 }, Status: status,
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
		asked        int
		status       int
		body         string // part of it
	}{
		{"GET", "/cost", 137, 200, "cost 1\n"},
		{"GET", "/", 137, 200, `<nav><a href="cost">Metrics</a><a href="-/healthy">Healthy</a>`},
		{"GET", "/-/healthy", 137, 200, "Healthy.\n"},
		{"HEAD", "/-/healthy", 137, 200, ""},
		{"POST", "/-/healthy", 137, 405, ""},
		{"GET", "/-/ready", 137, 503, "Not ready: 137 of 300 accounts have been asked.\n"},
		{"GET", "/-/ready", 300, 200, "Ready.\n"},
		{"GET", "/metrics", 137, 404, ""},
		{"GET", "/debug/pprof/", 137, 404, ""},
	} {
		asked = c.asked
		if status, body := get(c.method, c.path); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s %s, %d asked: %d %s", c.method, c.path, c.asked, status, body)
		}
	}
}

// With a prefix everything is below it, and the root leads there. Links of the page hold wherever a proxy puts it.
func TestPrefix(t *testing.T) {
	handler, err := New(Options{
		Metrics: http.HandlerFunc(serveHealthy), MetricsPath: "/cost", Readiness: func() (int, int) { return 1, 1 },
		Status: func() metrics.Status { return metrics.Status{} }, Prefix: "/a/bills/", Pprof: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/": "302 /a/bills/", "/a/bills": "307 /a/bills/", "/a/bills/": "200 ", "/a/bills/cost": "200 ",
		"/a/bills/-/healthy": "200 ", "/a/bills/-/ready": "200 ", "/a/bills/-/reload": "403 ",
		"/a/bills/favicon.svg": "200 ", "/a/bills/debug/pprof": "307 /a/bills/debug/pprof/", "/a/bills/debug/pprof/": "200 ",
		"/a/bills/debug/pprof/cmdline": "200 ", "/a/bills/debug/pprof/nothing": "404 ",
		"/cost": "404 ", "/-/healthy": "404 ", "/debug/pprof/": "404 ", "/a": "404 ", "/a/billsx/": "404 ",
	} {
		answer := get(t, handler, path, "Accept", "*/*")
		if got := fmt.Sprint(answer.Code, " ", answer.Header().Get("Location")); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for prefix, want := range map[string]string{
		"": "", "/": "", "/x": "", "/x/": "",
		"x":  `--web.route-prefix: "x" is no path: it starts with /, and has letters, digits and . _ ~ - only`,
		"/{": `--web.route-prefix: "/{" is no path: it starts with /, and has letters, digits and . _ ~ - only`,
	} {
		_, err := New(Options{Metrics: http.NotFoundHandler(), MetricsPath: "/metrics", Prefix: prefix})
		if got := fmt.Sprint(err); got != want && !(err == nil && want == "") {
			t.Errorf("%q: %s, want %s", prefix, got, want)
		}
	}
}
