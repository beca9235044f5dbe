package billclient

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRetry tests a call that fails three times, in different ways, and then succeeds.
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
			{HTTPStatus: 503, Reason: Server, Bytes: 4},
			{HTTPStatus: 429, Reason: Throttled, Bytes: 9},
			{HTTPStatus: 200, Reason: Incomplete},
			{HTTPStatus: 200, Bytes: int64(len(noBill))},
		}
		for i := range want {
			want[i].Action, want[i].Version, want[i].Period = GetMonthBill, version2018, "2026-10"
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

// TestNoRetry tests failures that another try would not change, and one that comes once too often.
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

// TestRetryOfStream tests that a stream is read again from its beginning.
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

// TestRetryOfList tests that elements of a failed attempt are dropped.
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

// TestRetryOfOthersErrors tests that an error that is not the API's ends the tries.
func TestRetryOfOthersErrors(t *testing.T) {
	c, others, calls := New(Options{MaxRetries: 3}), errors.New("disk full"), 0
	err := c.Retry(t.Context(), "x", func() error { calls++; return others })
	if !errors.Is(err, others) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

// TestMaxDurationIsTheEnd tests that there is no retry after max_duration: the next try would take as long.
func TestMaxDurationIsTheEnd(t *testing.T) {
	o := Options{MaxDuration: time.Minute, MaxRetries: 3}
	runConversation(t, o, func(t *testing.T, c *conversation) {
		if err := c.askMonthBill(t.Context()); ReasonOf(err) != Timeout || len(c.attempts) != 1 {
			t.Errorf("%d attempts, %v", len(c.attempts), err)
		}
	}, trickle(time.Hour, noBill))
}
