package billclient

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/units"
	"github.com/klauspost/compress/gzip"
)

// trickle returns a handler that sends an answer in parts, with a pause before each.
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
		text    string // empty: no error
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

// TestSlowConsumer tests that a consumer may take longer between two lines than the API may.
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

// TestEncodings tests answers that are packed, too large, or both.
func TestEncodings(t *testing.T) {
	bomb := gzipText(t, noBill+strings.Repeat(" ", 1<<20))
	packed := gzipText(t, noBill)
	spoiled := packed[:len(packed)-8] + "spoiled!"
	o := Options{MaxBody: 512 * units.KiB}
	for name, tt := range map[string]struct {
		encoding, body string
		reason         Reason // empty: no error
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

// TestBrokenTransfer tests bodies that end early.
func TestBrokenTransfer(t *testing.T) {
	for name, tt := range map[string]struct {
		end    func(http.ResponseWriter)
		reason Reason
		text   string
	}{
		"short of its length": {func(http.ResponseWriter) {}, Incomplete, "answer ended early: unexpected EOF"},
		"reset": {func(w http.ResponseWriter) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.(interface{ SetLinger(int) error }).SetLinger(0)
			conn.Close()
		}, Network, "connection reset by peer"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				w.Write([]byte(unfinishedAnswer))
				w.(http.Flusher).Flush()
				tt.end(w)
			})
			_, err := c.GetMonthBill(t.Context(), october, october)
			if ReasonOf(err) != tt.reason || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %s: %v, want %s: %s", ReasonOf(err), err, tt.reason, tt.text)
			}
		})
	}
}
