package billclient

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billsim"
)

// TestRequest tests a request as it arrives at the server.
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

func TestDefaultOptions(t *testing.T) {
	want := Options{
		Endpoint: "https://bill.api.ksyun.com", Region: "cn-beijing-6", Timeout: 60 * time.Second,
		MaxDuration: time.Hour, MaxBody: 8 << 30, RequestsPerSecond: 2, MaxRetries: 3, DailyCalls: 5000,
		UserAgent: "ksyun_bill_exporter", UnionEndpoint: "https://bill-union.api.ksyun.com",
		PayEndpoint: "https://kingpay.api.ksyun.com", TradeEndpoint: "https://trade.api.ksyun.com",
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

// TestCallerGivesUp ends a call by a cancellation and by a deadline, in each state that it may be in.
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

// TestConcurrentUse lets the race detector see concurrent calls.
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

func TestRefusedConnection(t *testing.T) {
	c := New(Options{Endpoint: "http://127.0.0.1:1", Credentials: testKeys})
	_, err := c.GetMonthBill(t.Context(), october, october)
	want := "GetMonthBill: dial tcp 127.0.0.1:1: connect: connection refused"
	if ReasonOf(err) != Network || err.Error() != want {
		t.Errorf("error %s: %v, want %s", ReasonOf(err), err, want)
	}
}

// TestClosedConnection tests that the error names the host that closed the connection: it may be a proxy.
func TestClosedConnection(t *testing.T) {
	c := newTestClient(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := c.GetMonthBill(t.Context(), october, october)
	want := "GetMonthBill: " + strings.TrimPrefix(c.options.Endpoint, "http://") + ": EOF"
	if ReasonOf(err) != Network || err.Error() != want {
		t.Errorf("error %s: %v, want %s", ReasonOf(err), err, want)
	}
}

// askMonthConsume calls an action that has two versions.
func askMonthConsume(t *testing.T, c *conversation) error {
	t.Helper()
	_, err := c.GetMonthConsume(t.Context(), october)
	return err
}

// TestVersions tests that an action is called in both versions, and from then on in the version that the API knows.
func TestVersions(t *testing.T) {
	s := billsim.New(simulatedCustomer(eightLines), billsim.WithConsume2022())
	paged := s.Fault(threeLinesPerPage(0))
	runSimulation(t, Options{MaxRetries: 1}, s, func(t *testing.T, c *conversation) {
		for range 2 {
			if err := askMonthConsume(t, c); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			_, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
			if err != nil {
				t.Fatal(err)
			}
		}
		paged()
		s.Fault(billsim.Busy(503, time.Second))
		wantText := "GetMonthConsume: Server unavailable (HTTP 503, request id "
		if err := askMonthConsume(t, c); err == nil || !strings.HasPrefix(err.Error(), wantText) {
			t.Errorf("error %v, want %s", err, wantText)
		}
		want := "getMonthConsume 2018-06-01: ; GetMonthConsume 2022-06-01:  ; " +
			"getPostpayDetailConsume 2018-06-01: 0; GetPostpayDetailConsume 2022-06-01: 0 1 2 0 1 2; " +
			"GetMonthConsume 2022-06-01:  "
		if got := listCalls(s); got != want {
			t.Errorf("calls\n%s, want\n%s", got, want)
		}
		first := Attempt{
			Action: "getMonthConsume", Version: version2018, Period: "2026-10", HTTPStatus: 404, Reason: Invalid,
			Code: "INVALID_ACTION", RequestID: "b1115100-0000-4000-8000-000000000001", Bytes: c.attempts[0].Bytes,
		}
		second := Attempt{
			Action: "GetMonthConsume", Version: version2022, Period: "2026-10", HTTPStatus: 200,
			RequestID: "b1115100-0000-4000-8000-000000000002", Bytes: c.attempts[1].Bytes,
		}
		if diff := cmp.Diff([]Attempt{first, second}, c.attempts[:2]); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"GetMonthConsume"}, c.retries); diff != "" {
			t.Errorf("retries (-want +got):\n%s", diff)
		}
	})
}

const unknown = `{"RequestId":"51aee78d","Error":{"Code":"INVALID_ACTION","Message":"Not Found"}}`

// TestUnknownVersions has an API that knows neither version, then the first, the second, and the first again.
func TestUnknownVersions(t *testing.T) {
	no, yes := respondWith(404, "", unknown), respondWith(200, "", noBill)
	busy := respondWith(503, "", "")
	runConversation(t, Options{}, func(t *testing.T, c *conversation) {
		want := "getMonthConsume: INVALID_ACTION (HTTP 404, request id 51aee78d): Not Found; " +
			"check that api.endpoint is the billing API's"
		if err := askMonthConsume(t, c); !IsUnknownAction(err) || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if err := askMonthConsume(t, c); ReasonOf(err) != Server {
			t.Errorf("error %v of the second version", err)
		}
		for range 4 {
			if err := askMonthConsume(t, c); err != nil {
				t.Error(err)
			}
		}
		var got []string
		for _, a := range c.attempts {
			got = append(got, fmt.Sprint(a.Action[:1], a.HTTPStatus))
		}
		all := "g404 G404 g404 G503 g200 g404 G200 G200 G404 g200"
		if strings.Join(got, " ") != all {
			t.Errorf("attempts %v, want %s", got, all)
		}
	}, no, no, no, busy, yes, no, yes, yes, no, yes)
}

// TestConcurrentVersions lets the race detector see concurrent calls in several versions.
func TestConcurrentVersions(t *testing.T) {
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("Version") == version2018 {
			respondWith(404, "", unknown)(w, r)
			return
		}
		respondWith(200, "", noBill)(w, r)
	})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := c.GetMonthConsume(t.Context(), october); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
