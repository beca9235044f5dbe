package exposition

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/sync/errgroup"
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

// request is a request with header fields in pairs.
func request(t testing.TB, method, target string, fields ...string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

func ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t testing.TB, h http.Handler, target string, fields ...string) *httptest.ResponseRecorder {
	return ask(h, request(t, http.MethodGet, target, fields...))
}

// fetch reads an answer over the network, and tells whether the client had to decompress it.
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

// read is the text of an answer, which has to be as long as announced and, if compressed, one gzip stream and no more.
func read(t testing.TB, res *httptest.ResponseRecorder) string {
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

func TestServe(t *testing.T) {
	h := testHandler(t)
	formats := map[string]string{"": pageText + liveText, acceptOpenMetrics: pageText + liveOpenMetrics}
	for accept, want := range formats {
		for coding, wantCoding := range map[string]string{"": "", "gzip": "gzip", "identity": "", "gzip;q=0": ""} {
			t.Run(accept+" "+coding, func(t *testing.T) {
				res := get(t, h, "/metrics", "Accept", accept, "Accept-Encoding", coding)
				if diff := cmp.Diff(want, read(t, res)); diff != "" {
					t.Error(diff)
				}
				if got := res.Header().Get("Content-Encoding"); got != wantCoding {
					t.Errorf("Content-Encoding %q, want %q", got, wantCoding)
				}
				if got := res.Header().Get("Vary"); got != "Accept, Accept-Encoding" {
					t.Errorf("Vary %q", got)
				}
			})
		}
	}
}

func TestServeBeforePublish(t *testing.T) {
	h := NewHandler(testLive(), Options{})
	for _, coding := range []string{"", "gzip"} {
		if got := read(t, get(t, h, "/metrics", "Accept-Encoding", coding)); got != liveText {
			t.Errorf("%q: got %q", coding, got)
		}
	}
}

func TestServeOnlyPage(t *testing.T) {
	h := NewHandler(prometheus.NewRegistry(), Options{})
	h.Publish(testPage(t))
	for _, coding := range []string{"", "gzip"} {
		if got := read(t, get(t, h, "/metrics", "Accept-Encoding", coding)); got != pageText {
			t.Errorf("%q: got %q", coding, got)
		}
	}
}

func TestContentType(t *testing.T) {
	const (
		text        = "text/plain; version=0.0.4; charset=utf-8; escaping="
		openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="
	)
	tests := []struct{ client, accept, want string }{
		{
			"Prometheus 2.42",
			"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
				"text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			openMetrics + "underscores",
		},
		{
			"Prometheus 3.14",
			"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
				"application/openmetrics-text;version=0.0.1;q=0.5," +
				"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
			openMetrics + "allow-utf-8",
		},
		{"VictoriaMetrics 1.79", "text/plain;version=0.0.4;q=1,*/*;q=0.1", text + "underscores"},
		{
			"OpenMetrics 0.0.1 or text",
			"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			text + "underscores",
		},
		{"OpenMetrics 0.0.1 alone", "application/openmetrics-text; version=0.0.1", text + "underscores"},
		{
			"protobuf first",
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
				"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2",
			openMetrics + "allow-utf-8",
		},
		{
			"protobuf alone",
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
			text + "underscores",
		},
		{"browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", text + "underscores"},
		{"curl", "*/*", text + "underscores"},
		{"none", "", text + "underscores"},
	}
	for _, tt := range tests {
		t.Run(tt.client, func(t *testing.T) {
			res := get(t, testHandler(t), "/metrics", "Accept", tt.accept, "Accept-Encoding", "gzip")
			if got := res.Header().Get("Content-Type"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			wantEnd := liveText
			if strings.HasPrefix(tt.want, openMetrics) {
				wantEnd = liveOpenMetrics
			}
			if got := read(t, res); got != pageText+wantEnd {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestAcceptsGzip(t *testing.T) {
	tests := []struct {
		accept []string
		want   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"gzip"}, true},
		{[]string{"GZip"}, true},
		{[]string{"gzip, deflate, br, zstd"}, true},
		{[]string{"deflate", "br,,gzip ;q=0.5"}, true},
		{[]string{"zstd;q=1, gzip;q=0.001"}, true},
		{[]string{"deflate, br"}, false},
		{[]string{"gzip;q=0"}, false},
		{[]string{"gzip; Q=0.000, *"}, false},
		{[]string{"*"}, true},
		{[]string{"*;q=0"}, false},
		{[]string{"identity, gzip"}, true},
		{[]string{"identity;q=0.5, gzip;q=0.4"}, false},
		{[]string{"identity;q=0.5, *;q=0.4"}, false},
		{[]string{"identity;q=0, gzip;q=0.1"}, true},
		{[]string{"gzip;q=2"}, false},
		{[]string{"gzip;q=-1"}, false},
		{[]string{"gzip;q=NaN"}, false},
		{[]string{"gzip;q=x"}, false},
		{[]string{"gzip;q"}, false},
		{[]string{"xgzip, gzipped"}, false},
	}
	for _, tt := range tests {
		if got := acceptsGzip(http.Header{"Accept-Encoding": tt.accept}); got != tt.want {
			t.Errorf("%q: got %t", tt.accept, got)
		}
	}
}

func TestRealClients(t *testing.T) {
	server := httptest.NewServer(testHandler(t))
	defer server.Close()
	t.Run("curl", func(t *testing.T) {
		for _, option := range []string{"--compressed", "--no-compressed"} {
			got, err := exec.CommandContext(t.Context(), "curl", "--silent", "--fail", option, server.URL).Output()
			if err != nil || string(got) != pageText+liveText {
				t.Errorf("curl %s: got %s, error %v", option, got, err)
			}
		}
	})
	t.Run("net/http", func(t *testing.T) {
		for _, disabled := range []bool{false, true} {
			client := &http.Client{Transport: &http.Transport{DisableCompression: disabled, DisableKeepAlives: true}}
			got, compressed, err := fetch(t, client, server.URL)
			if err != nil || got != pageText+liveText || compressed == disabled {
				t.Errorf("compressed %t, got %s, error %v", compressed, got, err)
			}
		}
	})
}

func TestHead(t *testing.T) {
	h := testHandler(t)
	for _, coding := range []string{"", "gzip"} {
		head := ask(h, request(t, http.MethodHead, "/metrics", "Accept-Encoding", coding))
		whole := get(t, h, "/metrics", "Accept-Encoding", coding)
		if diff := cmp.Diff(whole.Header(), head.Header()); diff != "" || head.Body.Len() > 0 {
			t.Errorf("%q: %d bytes, headers differ: %s", coding, head.Body.Len(), diff)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w := ask(testHandler(t), request(t, method, "/metrics"))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestNames(t *testing.T) {
	split := strings.Index(pageText, "# HELP b_cny")
	a, b := pageText[:split], pageText[split:]
	tests := []struct {
		query, accept string
		code          int
		want          string
	}{
		{"name[]=a_cny", "", 200, a},
		{"name%5B%5D=b_cny&name[]=a_cny&name[]=a_cny", "", 200, a + b},
		{"name[]=b_cny&name[]=live_calls_total", "", 200, b + liveText},
		{"name[]=b_cny&name[]=live_calls_total", acceptOpenMetrics, 200, b + liveOpenMetrics},
		{"name[]=live_calls_total", "", 200, liveText},
		{"name[]=absent_cny", "", 200, ""},
		{"name[]=absent_cny", acceptOpenMetrics, 200, "# EOF\n"},
		{"name=a_cny", "", 200, pageText + liveText},
		{"name[]=a_cny&name[]=c_cny", "", 400, "name[]: unknown metric family \"c_cny\"\n"},
		{"name[]=live_calls", "", 400, "name[]: unknown metric family \"live_calls\"\n"},
		{"name[]=", "", 400, "name[]: unknown metric family \"\"\n"},
		{"name[]=a%2", "", 400, "query: invalid URL escape \"%2\"\n"},
	}
	h := testHandler(t)
	for _, tt := range tests {
		for _, coding := range []string{"", "gzip"} {
			t.Run(tt.query+" "+tt.accept+" "+coding, func(t *testing.T) {
				res := get(t, h, "/metrics?"+tt.query, "Accept", tt.accept, "Accept-Encoding", coding)
				if tt.code == http.StatusOK {
					if diff := cmp.Diff(tt.want, read(t, res)); diff != "" {
						t.Error(diff)
					}
					if got := res.Header().Get("Content-Encoding"); got != coding {
						t.Errorf("Content-Encoding %q", got)
					}
					return
				}
				if res.Code != tt.code || res.Body.String() != tt.want {
					t.Errorf("got %d %q", res.Code, res.Body)
				}
			})
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	live := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	})
	h := NewHandler(live, Options{MaxRequestsInFlight: 1})
	var first errgroup.Group
	first.Go(func() error {
		if code := get(t, h, "/metrics").Code; code != http.StatusOK {
			return fmt.Errorf("first request: %d", code)
		}
		return nil
	})
	<-entered
	w := get(t, h, "/metrics")
	const want = "limit of concurrent requests reached (1), try again later\n"
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	close(leave)
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	go func() { <-entered }()
	if code := get(t, h, "/metrics").Code; code != http.StatusOK {
		t.Errorf("after the first request: %d", code)
	}
}

// TestLiveErrors has a live part that fails in every way it can; the rest is served all the same.
func TestLiveErrors(t *testing.T) {
	gauge := func(name string, numbers ...float64) *dto.MetricFamily {
		f := &dto.MetricFamily{Name: &name, Help: new("H."), Type: dto.MetricType_GAUGE.Enum()}
		for _, n := range numbers {
			f.Metric = append(f.Metric, &dto.Metric{Gauge: &dto.Gauge{Value: &n}})
		}
		return f
	}
	ofType := func(kind dto.MetricType, name string) *dto.MetricFamily {
		return &dto.MetricFamily{Name: &name, Type: &kind}
	}
	broken := gauge("broken", 1, 2)
	broken.Metric[1].Gauge = nil
	live := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		return []*dto.MetricFamily{
			gauge("x_count", 1), ofType(dto.MetricType_SUMMARY, "x"), ofType(dto.MetricType_HISTOGRAM, "y"),
			ofType(dto.MetricType_COUNTER, "z_total"), gauge("absent", 1), broken, gauge("last", 7),
		}, errors.New("a collector failed")
	})
	var log []string
	registry := prometheus.NewRegistry()
	h := NewHandler(live, Options{Registerer: registry, ErrorLog: func(err error) { log = append(log, err.Error()) }})
	h.Publish(render(t, family("x_count", "H.", nil, sample{nil, 5}), family("y_bucket", "H.", nil, sample{nil, 6}),
		family("z", "H.", nil, sample{nil, 7}), family("absent", "H.", nil)))

	const want = "# HELP x_count H.\n# TYPE x_count gauge\nx_count 5\n# HELP y_bucket H.\n# TYPE y_bucket gauge\n" +
		"y_bucket 6\n# HELP z H.\n# TYPE z gauge\nz 7\n# HELP last H.\n# TYPE last gauge\nlast 7\n"
	if diff := cmp.Diff(want, read(t, get(t, h, "/metrics", "Accept-Encoding", "gzip"))); diff != "" {
		t.Error(diff)
	}
	wantLog := []string{
		"gather live metrics: a collector failed",
		"live family x_count: the page has that name",
		"live family x: the page has that name",
		"live family y: the page has that name",
		"live family z_total: the page has that name",
		"live family absent: the page has that name",
		"live family broken: expected gauge in metric broken ",
	}
	if diff := cmp.Diff(wantLog, log); diff != "" {
		t.Error(diff)
	}
	const counted = `# HELP promhttp_metric_handler_errors_total Errors while gathering, encoding or sending metrics.
# TYPE promhttp_metric_handler_errors_total counter
promhttp_metric_handler_errors_total{cause="encoding"} 1
promhttp_metric_handler_errors_total{cause="gathering"} 6
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(counted)); err != nil {
		t.Error(err)
	}
}

// deafWriter is a client that hangs up at once.
type deafWriter struct{ http.ResponseWriter }

func (deafWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClientHangsUp(t *testing.T) {
	for _, coding := range []string{"", "gzip"} {
		var log []error
		h := NewHandler(testLive(), Options{
			ErrorLog:  func(err error) { t.Error(err) },
			ClientLog: func(err error) { log = append(log, err) },
		})
		h.Publish(testPage(t))
		r := request(t, http.MethodGet, "/metrics", "Accept-Encoding", coding)
		h.ServeHTTP(deafWriter{httptest.NewRecorder()}, r)
		if len(log) != 1 || log[0].Error() != "send answer: io: read/write on closed pipe" {
			t.Errorf("%q: logged %v", coding, log)
		}
	}
}

// TestClientsThatDoNotRead has sixty clients that send a request and read nothing, over connections that hold little:
// other scrapes are answered all the same, and in the end the connections are closed.
func TestClientsThatDoNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone atomic.Int64
		h := NewHandler(testLive(), Options{MaxRequestsInFlight: 40, ClientLog: func(error) { gone.Add(1) }})
		many := slices.Repeat([]sample{{[]string{"x"}, 1}}, 5000)
		h.Publish(render(t, family("first", "F.", []string{"a"}, many...)))
		listener := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: h, WriteTimeout: sendTimeout}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(listener) })
		defer serving.Wait()
		defer server.Close()
		for range 60 {
			client := listener.dial()
			defer client.Close()
			fmt.Fprint(client, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		synctest.Wait()
		if w := get(t, h, "/metrics"); w.Code != http.StatusOK {
			t.Errorf("another scrape: %d %s", w.Code, w.Body)
		}
		time.Sleep(takeTimeout)
		synctest.Wait()
		if n := gone.Load(); n != 60 {
			t.Errorf("%d clients have lost their connections, want 60", n)
		}
	})
}

// pipeListener accepts connections that hold nothing: a write waits for a read.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestGenerations publishes a new page in the midst of every scrape, fifty scrapes at once: each must read one page,
// whole.
func TestGenerations(t *testing.T) {
	var pages [2]*Page
	for i := range pages {
		number := sample{[]string{"x"}, float64(i)}
		pages[i] = render(t, family("first", "F.", []string{"a"}, slices.Repeat([]sample{number}, 3000)...),
			family("second", "S.", []string{"a"}, number))
	}
	texts := []string{textOf(t, pages[0]), textOf(t, pages[1])}
	var h *Handler
	h = NewHandler(prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		h.Publish(pages[0])
		h.Publish(pages[1])
		return nil, nil
	}), Options{})
	h.Publish(pages[0])
	server := httptest.NewServer(h)
	defer server.Close()
	var scrapes errgroup.Group
	for i := range 50 {
		client := &http.Client{Transport: &http.Transport{DisableCompression: i%2 == 0, DisableKeepAlives: true}}
		scrapes.Go(func() error {
			for range 5 {
				text, _, err := fetch(t, client, server.URL)
				if err != nil {
					return err
				}
				if !slices.Contains(texts, text) {
					return errors.New("an answer of more than one page")
				}
			}
			return nil
		})
	}
	if err := scrapes.Wait(); err != nil {
		t.Error(err)
	}
}

// nowhere is a client that costs nothing.
type nowhere http.Header

func (w nowhere) Header() http.Header         { return http.Header(w) }
func (w nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (w nowhere) WriteHeader(int)             {}

func TestAllocationsOfScrape(t *testing.T) {
	allocations := func(series int) float64 {
		h := NewHandler(testLive(), Options{})
		h.Publish(render(t, instances("a_cny", series)))
		r := request(t, http.MethodGet, "/metrics", "Accept-Encoding", "gzip")
		return testing.AllocsPerRun(20, func() { h.ServeHTTP(nowhere{}, r) })
	}
	few, many := allocations(100), allocations(10000)
	if many > few+10 {
		t.Errorf("%g allocations with 100 series, %g with 10000", few, many)
	}
}
