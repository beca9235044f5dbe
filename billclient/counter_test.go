package billclient

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPaceEnds tests how a wait for the next call ends early: at once, if its deadline comes before the call.
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

// TestPace tests that two calls are sent at once, and then two a second.
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

// TestNoKeyNoCall tests that a call that was never sent does not count.
func TestNoKeyNoCall(t *testing.T) {
	none := errors.New("access_key_id_file: it is empty")
	source := func(context.Context) (Credentials, error) { return Credentials{}, none }
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

// TestDailyCalls uses up the calls of a day, and gets new ones at Beijing midnight.
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

// TestDailyReserve tests that the last calls of a day are left to the summaries of the service bill.
func TestDailyReserve(t *testing.T) {
	const answer = `{"MonthBillSet":[],"ProductCodeSet":[],"Total":0,"PostpayDetailBillSet":[]}`
	for name, tt := range map[string]struct {
		calls, reserve int
		others         int    // how many calls of other actions are allowed
		summaries      int    // and of summaries after them
		text           string // of the error of the others
	}{
		"a reserve": {
			5, 2, 3, 2, "the 3 calls of today (api.daily_calls less 2 for GetMonthBill and getMonthConsume)",
		},
		"nothing else": {
			2, 2, 0, 2, "the 0 calls of today (api.daily_calls less 2 for GetMonthBill and getMonthConsume)",
		},
		"a reserve beyond the limit": {
			2, 9, 0, 2, "the 0 calls of today (api.daily_calls less 9 for GetMonthBill and getMonthConsume)",
		},
		"no reserve": {3, 0, 3, 0, "the 3 calls of today (api.daily_calls)"},
		"no limit":   {0, 2, 9, 9, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{DailyCalls: tt.calls, DailyReserve: tt.reserve}
			runConversation(t, o, func(t *testing.T, c *conversation) {
				if got := countCalls(func() error {
					_, err := c.GetProductCode(t.Context())
					return err
				}); got != tt.others {
					t.Errorf("%d calls of others, want %d", got, tt.others)
				}
				_, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
				if tt.text != "" && (ReasonOf(err) != CallLimit || !strings.Contains(err.Error(), tt.text)) {
					t.Errorf("lines: %s: %v, want %s", ReasonOf(err), err, tt.text)
				}
				summaries := []func() error{
					func() error { return c.askMonthBill(t.Context()) },
					func() error { _, err := c.GetMonthConsume(t.Context(), october); return err },
				}
				n := 0
				if got := countCalls(func() error { n++; return summaries[n%2]() }); got != tt.summaries {
					t.Errorf("%d calls of summaries, want %d", got, tt.summaries)
				}
			}, respondWith(200, "", answer))
		})
	}
}

// countCalls makes a call until it fails as CallLimit, nine times at most, and returns how often it succeeded.
func countCalls(call func() error) int {
	for n := range 9 {
		if ReasonOf(call()) == CallLimit {
			return n
		}
	}
	return 9
}
