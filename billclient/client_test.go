package billclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/units"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"ksyun_bill_exporter/billsim"
)

// TestSignatureVector is get-vanilla of the test suite that was published with Signature Version 4.
func TestSignatureVector(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := Credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	at := time.Date(2015, time.August, 30, 12, 36, 0, 0, time.UTC)
	if err := signRequest(req, keys, "service", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	setUnsignedHeaders(req.Header, DefaultOptions().UserAgent)
	want := http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"gzip"},
		"User-Agent":      {"ksyun_bill_exporter"},
		"X-Amz-Date":      {"20150830T123600Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
			"SignedHeaders=host;x-amz-date, " +
			"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	}
	if diff := cmp.Diff(want, req.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// TestRequest looks at a request as it arrives.
func TestRequest(t *testing.T) {
	var got *http.Request
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		respondWith(200, "", `{"MonthBillSet":[]}`)(w, r)
	})
	if _, err := c.GetMonthBill(t.Context(), october, october); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodGet || got.URL.Path != "/" {
		t.Errorf("%s %s, want GET /", got.Method, got.URL.Path)
	}
	scope := regexp.QuoteMeta(testKeyID) + `/\d{8}/cn-beijing-6/bill/aws4_request`
	want := `^AWS4-HMAC-SHA256 Credential=` + scope + `, SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}$`
	if authorization := got.Header.Get("Authorization"); !regexp.MustCompile(want).MatchString(authorization) {
		t.Errorf("Authorization %q, want %s", authorization, want)
	}
}

// TestReplacedSecret signs with the secret of the moment, also where the key's id stays the same.
func TestReplacedSecret(t *testing.T) {
	var signatures []string
	runConversation(t, Options{}, func(t *testing.T, c *conversation) {
		for _, secret := range []string{"old", "new"} {
			c.options.Credentials = func() (Credentials, error) { return Credentials{testKeyID, secret}, nil }
			if err := c.askMonthBill(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}, func(w http.ResponseWriter, r *http.Request) {
		signatures = append(signatures, r.Header.Get("Authorization"))
		respondWith(200, "", noBill)(w, r)
	})
	if len(signatures) != 2 || signatures[0] == signatures[1] {
		t.Errorf("signatures %q", signatures)
	}
}

func TestDefaultOptions(t *testing.T) {
	want := Options{
		Endpoint: "https://bill.api.ksyun.com", Region: "cn-beijing-6", Timeout: 60 * time.Second,
		MaxDuration: time.Hour, MaxBody: 8 << 30, RequestsPerSecond: 2, MaxRetries: 3, DailyCalls: 5000,
		UserAgent: "ksyun_bill_exporter", UnionEndpoint: "https://bill-union.api.ksyun.com",
	}
	if diff := cmp.Diff(want, DefaultOptions(), cmp.FilterPath(isFunc, cmp.Ignore())); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func isFunc(p cmp.Path) bool {
	switch p.Last().String() {
	case ".Credentials", ".Transport", ".Observe", ".OnRetry":
		return true
	}
	return false
}

// conversation is an API that exists in memory only, so that its clock can be one of testing/synctest.
type conversation struct {
	*Client
	start time.Time

	mu       sync.Mutex
	calls    []time.Duration // when each request came, from the start
	answers  []Attempt
	attempts []Attempt // the same without header and time
	retries  []string
}

// runConversation runs a test in a bubble, against a handler for each request, the last one for all that follow.
func runConversation(t *testing.T, o Options, test func(t *testing.T, c *conversation), handlers ...http.HandlerFunc) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &conversation{start: time.Now()}
		transport, stop := billsim.PipeTransport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			n := len(c.calls)
			c.calls = append(c.calls, time.Since(c.start))
			c.mu.Unlock()
			handlers[min(n, len(handlers)-1)](w, r)
		}))
		defer stop()
		o.Endpoint, o.Credentials, o.Transport = "http://bill.example", testKeys, transport
		o.Observe = func(a Attempt) {
			c.answers = append(c.answers, a)
			a.Header, a.Began = nil, time.Time{}
			c.attempts = append(c.attempts, a)
		}
		o.OnRetry = func(action string, _ error) { c.retries = append(c.retries, action) }
		c.Client = New(o)
		test(t, c)
	})
}

const noBill = `{"MonthBillSet":[]}`

func (c *conversation) askMonthBill(ctx context.Context) error {
	_, err := c.GetMonthBill(ctx, october, october)
	return err
}

// TestRetry fails three times in different ways, then succeeds.
func TestRetry(t *testing.T) {
	asksToWait := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		respondWith(429, "", "slow down")(w, r)
	}
	test := func(t *testing.T, c *conversation) {
		if err := c.askMonthBill(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []Attempt{
			{Action: "GetMonthBill", Version: version2018, HTTPStatus: 503, Reason: Server, Bytes: 4},
			{Action: "GetMonthBill", Version: version2018, HTTPStatus: 429, Reason: Throttled, Bytes: 9},
			{Action: "GetMonthBill", Version: version2018, HTTPStatus: 200, Reason: Incomplete},
			{Action: "GetMonthBill", Version: version2018, HTTPStatus: 200, Bytes: int64(len(noBill))},
		}
		if diff := cmp.Diff(want, c.attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		third := c.answers[2]
		if began := third.Began.Sub(c.start); began != c.calls[2] ||
			third.Header.Get("Content-Type") != "application/json" {
			t.Errorf("third attempt after %v, want %v; header %v", began, c.calls[2], third.Header)
		}
		if diff := cmp.Diff([]string{"GetMonthBill", "GetMonthBill", "GetMonthBill"}, c.retries); diff != "" {
			t.Errorf("retries (-want +got):\n%s", diff)
		}
		if first := c.calls[1]; first < 250*time.Millisecond || first > 750*time.Millisecond {
			t.Errorf("tried again after %v, want 500ms with jitter", first)
		}
		if wait := c.calls[2] - c.calls[1]; wait != 30*time.Second {
			t.Errorf("tried again after %v, the server asked for 30s", wait)
		}
		if used, limit := c.Calls(); used != 4 || limit != 10 {
			t.Errorf("%d of %d calls, want 4 of 10", used, limit)
		}
	}
	runConversation(t, Options{MaxRetries: 3, DailyCalls: 10}, test,
		respondWith(503, "", "busy"), asksToWait, respondWith(200, "application/json", ""),
		respondWith(200, "", noBill))
}

// TestNoRetry has failures that another try would not mend, or that are told once too often.
func TestNoRetry(t *testing.T) {
	late := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat))
		respondWith(503, "", "maintenance")(w, r)
	}
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		reason  Reason
		calls   int
	}{
		"denied":        {respondWith(400, "", deniedJSON), Auth, 1},
		"invalid":       {respondWith(400, "", `{"Error":{"Code":"InvalidParameter"}}`), Invalid, 1},
		"not an answer": {respondWith(200, "", "x"), Decode, 1},
		"later":         {late, Server, 1},
		"always busy":   {respondWith(500, "", ""), Server, 4},
	} {
		t.Run(name, func(t *testing.T) {
			runConversation(t, Options{MaxRetries: 3}, func(t *testing.T, c *conversation) {
				if err := c.askMonthBill(t.Context()); ReasonOf(err) != tt.reason {
					t.Errorf("error %s: %v, want %s", ReasonOf(err), err, tt.reason)
				}
				if len(c.calls) != tt.calls || len(c.retries) != tt.calls-1 {
					t.Errorf("%d calls, %d retries, want %d calls", len(c.calls), len(c.retries), tt.calls)
				}
			}, tt.handler)
		})
	}
}

func TestRetryAfterTime(t *testing.T) {
	now := time.Date(2026, time.October, 31, 16, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"99999999999999999999":          0,
		"Sat, 31 Oct 2026 16:01:00 GMT": time.Minute,
		"Sat, 31 Oct 2026 15:00:00 GMT": 0,
	} {
		if got := parseRetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After %q: %v, want %v", value, got, want)
		}
	}
}

// TestRetryOfStream reads a stream again from its beginning.
func TestRetryOfStream(t *testing.T) {
	whole := jsonAnswer(goodLine(""), goodLine(""))
	test := func(t *testing.T, c *conversation) {
		var lines []Line
		err := c.Retry(t.Context(), GetPostpayDetailBill, func() (err error) {
			lines, err = collectLines(c.GetPostpayDetailBill(t.Context(), octoberLines))
			return err
		})
		if len(lines) != 2 || err != nil {
			t.Errorf("%d lines, error %v", len(lines), err)
		}
		if diff := cmp.Diff([]string{"GetPostpayDetailBill"}, c.retries); diff != "" {
			t.Errorf("retries (-want +got):\n%s", diff)
		}
	}
	runConversation(t, Options{MaxRetries: 1}, test,
		respondWith(200, "", whole[:len(whole)-10]), respondWith(200, "", whole))
}

// TestRetryOfList forgets what a broken attempt has listed.
func TestRetryOfList(t *testing.T) {
	const whole = `{"ProductCodeSet":[{"Key":"KEC","Value":"x"},{"Key":"EBS","Value":"y"}]}`
	runConversation(t, Options{MaxRetries: 1}, func(t *testing.T, c *conversation) {
		got, err := c.GetProductCode(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]ProductCode{{"KEC", "x"}, {"EBS", "y"}}, got); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
	}, respondWith(200, "", whole[:len(whole)-2]), respondWith(200, "", whole))
}

// TestRetryOfOthersErrors leaves alone what is not the API's.
func TestRetryOfOthersErrors(t *testing.T) {
	c, others, calls := New(Options{MaxRetries: 3}), errors.New("disk full"), 0
	err := c.Retry(t.Context(), "x", func() error { calls++; return others })
	if !errors.Is(err, others) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

// TestEnough ends a stream early: a consumer's right, no failure, and the end of the connection.
func TestEnough(t *testing.T) {
	runConversation(t, Options{}, func(t *testing.T, c *conversation) {
		for _, err := range c.GetPostpayDetailBill(t.Context(), octoberLines) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if len(c.attempts) != 1 || c.attempts[0].Reason != "" {
			t.Errorf("attempts %v", c.attempts)
		}
	}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.TrimSuffix(jsonAnswer(goodLine(""), goodLine("")), "]}"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
}

// trickle sends an answer in parts, with a pause before each.
func trickle(pause time.Duration, parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, part := range parts {
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				return
			}
			io.WriteString(w, part)
			w.(http.Flusher).Flush()
		}
	}
}

func TestTimeouts(t *testing.T) {
	o := Options{Timeout: time.Minute, MaxDuration: 5 * time.Minute}
	parts := strings.SplitAfter(`{"MonthBillSet"`+strings.Repeat(" ", 8)+":[]}", " ")
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		after   time.Duration
		text    string // empty: no failure
	}{
		"slow and steady": {trickle(20*time.Second, parts...), 3 * time.Minute, ""},
		"no first byte":   {trickle(time.Hour, noBill), time.Minute, "GetMonthBill: no byte for 1m0s (api.timeout)"},
		"silence": {func(w http.ResponseWriter, r *http.Request) {
			trickle(0, noBill[:5])(w, r)
			trickle(time.Hour, noBill[5:])(w, r)
		}, time.Minute, "GetMonthBill (HTTP 200): no byte for 1m0s (api.timeout)"},
		"all too slow": {
			trickle(50*time.Second, parts...), 5 * time.Minute,
			"GetMonthBill (HTTP 200): answer took longer than 5m0s (api.max_duration)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			runConversation(t, o, func(t *testing.T, c *conversation) {
				err := c.askMonthBill(t.Context())
				if a := c.attempts[0]; a.Duration != tt.after {
					t.Errorf("ended after %v, want %v", a.Duration, tt.after)
				}
				switch {
				case tt.text == "" && err != nil:
					t.Error(err)
				case tt.text != "" && (ReasonOf(err) != Timeout || err.Error() != tt.text):
					t.Errorf("error %s: %v, want %s", ReasonOf(err), err, tt.text)
				}
			}, tt.handler)
		})
	}
}

// TestSlowConsumer lets a consumer take longer than the API may.
func TestSlowConsumer(t *testing.T) {
	runConversation(t, Options{Timeout: time.Minute}, func(t *testing.T, c *conversation) {
		lines := 0
		for _, err := range c.GetPostpayDetailBill(t.Context(), octoberLines) {
			if err != nil {
				t.Fatal(err)
			}
			lines++
			time.Sleep(time.Hour)
		}
		if lines != 2 {
			t.Errorf("%d lines", lines)
		}
	}, trickle(time.Second, jsonAnswer(goodLine(""), goodLine(""))))
}

// TestCallerGivesUp ends a call at each place where it may be, by a cancellation and by a deadline.
func TestCallerGivesUp(t *testing.T) {
	for name, tt := range map[string]struct {
		options Options
		handler http.HandlerFunc
		facts   string
	}{
		"before the first byte": {Options{}, trickle(time.Hour, noBill), ""},
		"within the answer":     {Options{}, trickle(time.Second, `{"MonthBillSet":`, ""), " (HTTP 200)"},
		"before the next retry": {Options{MaxRetries: 99}, respondWith(500, "", ""), ""},
	} {
		for reason, text := range map[Reason]string{Network: "context canceled", Timeout: "context deadline exceeded"} {
			t.Run(name+" "+text, func(t *testing.T) {
				runConversation(t, tt.options, func(t *testing.T, c *conversation) {
					ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
					defer cancel()
					if reason == Network {
						time.AfterFunc(time.Second+300*time.Millisecond, cancel)
					}
					err := c.askMonthBill(ctx)
					if ReasonOf(err) != reason || err.Error() != "GetMonthBill"+tt.facts+": "+text {
						t.Errorf("error %s: %v, want %s: %s", ReasonOf(err), err, reason, text)
					}
				}, tt.handler)
			})
		}
	}
}

// TestPaceEnds ends the wait for the next call, at once where it would be in vain.
func TestPaceEnds(t *testing.T) {
	runConversation(t, Options{RequestsPerSecond: 0.1}, func(t *testing.T, c *conversation) {
		for range burst {
			if err := c.askMonthBill(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := c.askMonthBill(ctx); ReasonOf(err) != Network || !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %s: %v", ReasonOf(err), err)
		}
		began := time.Now()
		ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := c.askMonthBill(ctx); ReasonOf(err) != Timeout || time.Since(began) != 0 {
			t.Errorf("deadline: %s: %v after %v", ReasonOf(err), err, time.Since(began))
		}
	}, respondWith(200, "", noBill))
}

// TestPace sends a burst of two, then two a second.
func TestPace(t *testing.T) {
	runConversation(t, Options{RequestsPerSecond: 2}, func(t *testing.T, c *conversation) {
		for range 5 {
			if err := c.askMonthBill(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ms := time.Millisecond
		if diff := cmp.Diff([]time.Duration{0, 0, 500 * ms, 1000 * ms, 1500 * ms}, c.calls); diff != "" {
			t.Errorf("times of the calls (-want +got):\n%s", diff)
		}
	}, respondWith(200, "", noBill))
}

// TestMaxDurationIsTheEnd of a reading: the next try would take as long.
func TestMaxDurationIsTheEnd(t *testing.T) {
	o := Options{MaxDuration: time.Minute, MaxRetries: 3}
	runConversation(t, o, func(t *testing.T, c *conversation) {
		if err := c.askMonthBill(t.Context()); ReasonOf(err) != Timeout || len(c.attempts) != 1 {
			t.Errorf("%d attempts, %v", len(c.attempts), err)
		}
	}, trickle(time.Hour, noBill))
}

// TestNoKeyNoCall counts nothing for what was never sent.
func TestNoKeyNoCall(t *testing.T) {
	none := errors.New("access_key_id_file: it is empty")
	source := func() (Credentials, error) { return Credentials{}, none }
	c := New(Options{Endpoint: "http://127.0.0.1:1", DailyCalls: 2, Credentials: source})
	for range 3 {
		if _, err := c.GetMonthBill(t.Context(), october, october); !errors.Is(err, none) {
			t.Error(err)
		}
	}
	if used, _ := c.Calls(); used != 0 {
		t.Errorf("%d calls", used)
	}
}

// TestDailyCalls uses a day's calls up, and has new ones at Beijing midnight.
func TestDailyCalls(t *testing.T) {
	// The clock of a bubble starts at 2000-01-01T00:00:00Z: eight in the morning in Beijing.
	runConversation(t, Options{DailyCalls: 2, MaxRetries: 3}, func(t *testing.T, c *conversation) {
		expect := func(used int) {
			t.Helper()
			if got, limit := c.Calls(); got != used || limit != 2 {
				t.Errorf("%d of %d calls, want %d of 2", got, limit, used)
			}
		}
		expect(0)
		for range 2 {
			if err := c.askMonthBill(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(16*time.Hour - time.Second)
		err := c.askMonthBill(t.Context())
		want := "GetMonthBill: the 2 calls of today (api.daily_calls) are used up; " +
			"the next day begins at 2000-01-02T00:00:00+08:00"
		if ReasonOf(err) != CallLimit || err.Error() != want {
			t.Errorf("error %s: %v, want %s", ReasonOf(err), err, want)
		}
		expect(2)
		time.Sleep(time.Second)
		expect(0)
		if err := c.askMonthBill(t.Context()); err != nil {
			t.Error(err)
		}
		expect(1)
		if len(c.calls) != 3 || len(c.attempts) != 3 {
			t.Errorf("%d calls, %d observed", len(c.calls), len(c.attempts))
		}
	}, respondWith(200, "", noBill))
}

func gzipText(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEncodings has answers that are packed, too large, or both.
func TestEncodings(t *testing.T) {
	bomb := gzipText(t, noBill+strings.Repeat(" ", 1<<20))
	packed := gzipText(t, noBill)
	spoiled := packed[:len(packed)-8] + "spoiled!"
	o := Options{MaxBody: 512 * units.KiB}
	for name, tt := range map[string]struct {
		encoding, body string
		reason         Reason // empty: no failure
		text           string
	}{
		"plain":        {"", noBill, "", ""},
		"identity":     {"identity", noBill, "", ""},
		"gzip":         {"gzip", packed, "", ""},
		"in two parts": {"GZIP", gzipText(t, noBill[:5]) + gzipText(t, noBill[5:]), "", ""},
		"just fits":    {"", noBill + strings.Repeat(" ", 512<<10-len(noBill)), "", ""},
		"large":        {"", noBill + strings.Repeat(" ", 512<<10), Decode, "answer larger than api.max_body 512KiB"},
		"bomb":         {"gzip", bomb, Decode, "answer larger than api.max_body 512KiB"},
		"truncated":    {"gzip", packed[:len(packed)-4], Incomplete, "unexpected EOF"},
		"no header":    {"gzip", packed[:5], Incomplete, "unexpected EOF"},
		"empty":        {"gzip", "", Incomplete, "answer is empty"},
		"spoiled":      {"gzip", spoiled, Decode, "gzip: invalid checksum"},
		"not packed":   {"gzip", "{              }", Decode, "gzip: invalid header"},
		"other":        {"br", "x", Decode, `content encoding "br" was not asked for`},
	} {
		t.Run(name, func(t *testing.T) {
			runConversation(t, o, func(t *testing.T, c *conversation) {
				err := c.askMonthBill(t.Context())
				if tt.reason == "" && err != nil {
					t.Fatal(err)
				}
				if tt.reason != "" {
					checkError(t, err, tt.reason, tt.text)
				}
				if want := int64(len(tt.body)); tt.reason == "" && c.attempts[0].Bytes != want {
					t.Errorf("%d bytes observed, want %d", c.attempts[0].Bytes, want)
				}
			}, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
					t.Errorf("Accept-Encoding %q, want gzip", got)
				}
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				respondWith(200, "", tt.body)(w, r)
			})
		})
	}
}

func TestBadEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		":":     `GetMonthBill: api.endpoint: parse ":": missing protocol scheme`,
		"x://y": `GetMonthBill: y: unsupported protocol scheme "x"`,
	} {
		_, err := New(Options{Endpoint: endpoint, Credentials: testKeys}).GetMonthBill(t.Context(), october, october)
		if err == nil || err.Error() != want {
			t.Errorf("endpoint %q: %v, want %s", endpoint, err, want)
		}
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	c := newTestClient(t, respondWith(200, "", jsonAnswer(goodLine(""))))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			lines, err := collectLines(c.GetPostpayDetailBill(t.Context(), octoberLines))
			if len(lines) != 1 || err != nil {
				t.Errorf("%d lines, error %v", len(lines), err)
			}
		})
	}
	wait.Wait()
	if used, _ := c.Calls(); used != 8 {
		t.Errorf("%d calls, want 8", used)
	}
}
