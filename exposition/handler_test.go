package exposition

import (
	"errors"
	"fmt"
	"io"
	"math"
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

func TestServe(t *testing.T) {
	h := testHandler(t)
	formats := map[string]string{"": pageText + liveText, acceptOpenMetrics: pageText + liveOpenMetrics}
	for accept, want := range formats {
		for coding, wantCoding := range map[string]string{"": "", "gzip": "gzip", "identity": "", "gzip;q=0": ""} {
			t.Run(accept+" "+coding, func(t *testing.T) {
				res := get(t, h, "/metrics", "Accept", accept, "Accept-Encoding", coding)
				if diff := cmp.Diff(want, readBody(t, res)); diff != "" {
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
		if got := readBody(t, get(t, h, "/metrics", "Accept-Encoding", coding)); got != liveText {
			t.Errorf("%q: got %q", coding, got)
		}
	}
}

func TestServeOnlyPage(t *testing.T) {
	h := NewHandler(prometheus.NewRegistry(), Options{})
	h.Publish(testPage(t))
	for _, coding := range []string{"", "gzip"} {
		if got := readBody(t, get(t, h, "/metrics", "Accept-Encoding", coding)); got != pageText {
			t.Errorf("%q: got %q", coding, got)
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
		head := serveRequest(h, request(t, http.MethodHead, "/metrics", "Accept-Encoding", coding))
		whole := get(t, h, "/metrics", "Accept-Encoding", coding)
		if diff := cmp.Diff(whole.Header(), head.Header()); diff != "" || head.Body.Len() > 0 {
			t.Errorf("%q: %d bytes, headers differ: %s", coding, head.Body.Len(), diff)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w := serveRequest(testHandler(t), request(t, method, "/metrics"))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
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

// TestLiveErrors checks that the rest is served if the live part fails in every possible way.
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
	if diff := cmp.Diff(want, readBody(t, get(t, h, "/metrics", "Accept-Encoding", "gzip"))); diff != "" {
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

// closedWriter is the response to a client that has closed the connection.
type closedWriter struct{ http.ResponseWriter }

func (closedWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClientHangsUp(t *testing.T) {
	for _, coding := range []string{"", "gzip"} {
		var log []error
		h := NewHandler(testLive(), Options{
			ErrorLog:  func(err error) { t.Error(err) },
			ClientLog: func(err error) { log = append(log, err) },
		})
		h.Publish(testPage(t))
		r := request(t, http.MethodGet, "/metrics", "Accept-Encoding", coding)
		h.ServeHTTP(closedWriter{httptest.NewRecorder()}, r)
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
			synctest.Wait()
		}
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

// TestGenerations publishes a new page during every scrape, with fifty scrapes at once. Each must read one whole page.
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

func TestAllocationsOfScrape(t *testing.T) {
	allocations := func(series int) float64 {
		h := NewHandler(testLive(), Options{})
		h.Publish(render(t, instanceFamily("a_cny", series)))
		r := request(t, http.MethodGet, "/metrics", "Accept-Encoding", "gzip")
		return testing.AllocsPerRun(20, func() { h.ServeHTTP(nullWriter{}, r) })
	}
	few, many := allocations(100), allocations(10000)
	if many > few+10 {
		t.Errorf("%g allocations with 100 series, %g with 10000", few, many)
	}
}

// TestFamilies checks that live families stand after the page and what is gathered, in both formats and codings, that
// they can be selected, and that one that cannot be written costs no other one. The first has more text than is
// compressed at once.
func TestFamilies(t *testing.T) {
	var log []string
	h := NewHandler(testLive(), Options{ErrorLog: func(err error) { log = append(log, err.Error()) }})
	h.Publish(testPage(t))
	var samples []sample
	var lines strings.Builder
	for i := range 2 * deflatedAtOnce / len(`asked_total{source="x"} 1`) {
		samples = append(samples, sample{[]string{strconv.Itoa(i)}, 1})
		fmt.Fprintf(&lines, "asked_total{source=\"%d\"} 1\n", i)
	}
	asked := family("asked_total", "Asked.", []string{"source"}, samples...)
	asked.Counter = true
	misnamed, clash := family("calls", "C.", nil, sample{nil, 1}), family("a", "A.", nil, sample{nil, 1})
	misnamed.Counter, clash.Counter, clash.Name = true, true, "b_cny_total"
	broken := family("broken", "B.", nil, sample{nil, 1}, sample{nil, math.NaN()}, sample{nil, 3})
	h.SetFamilies(slices.Values([]Family{asked, misnamed, clash, family("absent", "N.", nil), broken}))

	for accept, name := range map[string]string{"": "asked_total", acceptOpenMetrics: "asked"} {
		want := fmt.Sprintf("# HELP %s Asked.\n# TYPE %[1]s counter\n%s", name, lines.String())
		before, end := pageText+liveText, ""
		if accept != "" {
			before, end = pageText+strings.TrimSuffix(liveOpenMetrics, endText), endText
		}
		for _, coding := range []string{"", "gzip"} {
			log = nil
			all := get(t, h, "/metrics", "Accept", accept, "Accept-Encoding", coding)
			brokenText := "# HELP broken B.\n# TYPE broken gauge\nbroken 1\n"
			if diff := cmp.Diff(before+want+brokenText+end, readBody(t, all)); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", accept, coding, diff)
			}
			wantLog := []string{
				"live family b_cny_total: the page has that name",
				"live family calls: a counter whose name does not end in _total",
				"live family broken: sample []: value NaN",
			}
			if diff := cmp.Diff(wantLog, log); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		}
		selected := readBody(t, get(t, h, "/metrics?name[]=asked_total&name[]=b_cny", "Accept", accept))
		page := "# HELP b_cny B cost.\n# TYPE b_cny gauge\nb_cny 2\n"
		if diff := cmp.Diff(page+want, strings.TrimSuffix(selected, endText)); diff != "" {
			t.Errorf("%s selected (-want +got):\n%s", accept, diff)
		}
	}
}
