package exposition

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	pageText = `# HELP a_cny A cost.
# TYPE a_cny gauge
a_cny{account="主"} 0.1
# HELP b_cny B cost.
# TYPE b_cny gauge
b_cny 2
`
	liveText = `# HELP live_calls_total Calls.
# TYPE live_calls_total counter
live_calls_total 3
`
	liveOpenMetrics = `# HELP live_calls Calls.
# TYPE live_calls counter
live_calls_total 3.0
# EOF
`
	endText           = "# EOF\n"
	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0"
)

func testPage(t testing.TB) *Page {
	return render(t,
		family("a_cny", "A cost.", []string{"account"}, sample{[]string{"主"}, 0.1}),
		family("absent_cny", "Nothing.", nil),
		family("b_cny", "B cost.", nil, sample{nil, 2}))
}

func testLive() prometheus.Gatherer {
	calls := prometheus.NewCounter(prometheus.CounterOpts{Name: "live_calls_total", Help: "Calls."})
	calls.Add(3)
	live := prometheus.NewRegistry()
	live.MustRegister(calls)
	return live
}

func testHandler(t testing.TB) *Handler {
	h := NewHandler(testLive(), Options{ErrorLog: func(err error) { t.Error(err) }})
	h.Publish(testPage(t))
	return h
}

// request returns a request with header fields, which are pairs of name and value.
func request(t testing.TB, method, target string, fields ...string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

func serveRequest(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t testing.TB, h http.Handler, target string, fields ...string) *httptest.ResponseRecorder {
	return serveRequest(h, request(t, http.MethodGet, target, fields...))
}

// fetch returns an answer over the network and whether the client had to decompress it.
func fetch(t testing.TB, client *http.Client, url string) (text string, compressed bool, err error) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return "", false, err
	}
	res, err := client.Do(r)
	if err != nil {
		return "", false, err
	}
	body, err := io.ReadAll(res.Body)
	return string(body), res.Uncompressed, errors.Join(err, res.Body.Close())
}

// readBody returns the text of an answer. It checks Content-Length and that a compressed answer is one gzip stream.
func readBody(t testing.TB, res *httptest.ResponseRecorder) string {
	t.Helper()
	body := res.Body.Bytes()
	if length := res.Header().Get("Content-Length"); length != strconv.Itoa(len(body)) {
		t.Fatalf("%d bytes, Content-Length %s", len(body), length)
	}
	if res.Header().Get("Content-Encoding") == "" {
		return string(body)
	}
	rest := bufio.NewReader(bytes.NewReader(body))
	stream, err := gzip.NewReader(rest)
	if err != nil {
		t.Fatal(err)
	}
	stream.Multistream(false)
	text, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rest.ReadByte(); err != io.EOF {
		t.Fatalf("more after the gzip stream: %v", err)
	}
	return string(text)
}

// sample is a sample of a test.
type sample struct {
	values []string
	number float64
}

// family returns a family that yields its samples in one slice of label values, as a caller may to save allocations.
func family(name, help string, labels []string, samples ...sample) Family {
	return Family{Name: name, Help: help, Labels: labels, Samples: func(yield func([]string, float64) bool) {
		var values []string
		for _, s := range samples {
			values = append(values[:0], s.values...)
			if !yield(values, s.number) {
				return
			}
		}
	}}
}

func render(t testing.TB, families ...Family) *Page {
	t.Helper()
	page, err := Render(slices.Values(families))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func textOf(t testing.TB, page *Page) string {
	t.Helper()
	text, err := io.ReadAll(page.text())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// instanceFamily returns a cost family of count instances, the same at every call.
func instanceFamily(name string, count int) Family {
	labels := []string{"account", "instance_id", "instance_name", "pay_mode", "product_code", "project_id"}
	samples := func(yield func([]string, float64) bool) {
		random := rand.New(rand.NewPCG(2018, 6))
		for i := range count {
			id := fmt.Sprintf("%08x-%04x-4b1a-9c3e-%012x", random.Uint32(), random.Uint32()>>16, random.Uint64()>>16)
			values := []string{"main", id, fmt.Sprintf("广告-web-%d", i), "postpaid", "KEC", strconv.Itoa(103800 + i%40)}
			if !yield(values, float64(random.IntN(1e7))/100) {
				return
			}
		}
	}
	return Family{Name: name, Help: "A cost, cached.", Labels: labels, Samples: samples}
}

// nullWriter is a response that is thrown away.
type nullWriter http.Header

func (w nullWriter) Header() http.Header { return http.Header(w) }

func (w nullWriter) Write(b []byte) (int, error) { return len(b), nil }

func (w nullWriter) WriteHeader(int) {}
