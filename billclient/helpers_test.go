package billclient

import (
	"bufio"
	"bytes"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	june2018 = FirstMonth
	october  = FirstMonth.Add(8*12 + 4) // 2026
)

const (
	testKeyID  = "AKLTtestKeyOfNobody00"
	testSecret = "OFakeSecretOfNobody+/0000000000000000000000000=="
)

func testKeys() (Credentials, error) { return Credentials{testKeyID, testSecret}, nil }

// equalAmounts compares amounts by their value: 66 is 66.0.
var equalAmounts = cmp.Comparer(func(a, b Amount) bool { return a.Cmp(b) == 0 })

// mustAmount returns an amount that a test wants.
func mustAmount(s string) Amount {
	a, err := ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// responseOf returns a response whose body has arrived.
func responseOf(contentType string, body []byte) *response {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	r := &response{action: actionVersion{name: "Test"}, status: 200, header: header}
	r.body = bufio.NewReaderSize(bytes.NewReader(body), bufferSize)
	return r
}

// newTestClient returns a client of a real HTTP server that never tries again.
func newTestClient(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	transport := newTransport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return New(Options{Endpoint: server.URL, Region: "cn-beijing-6", Credentials: testKeys, Transport: transport})
}

// respondWith answers every request with the same body.
func respondWith(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // else net/http guesses one
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

func readTestdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// collectLines returns what a stream has, and how it ends.
func collectLines(lines iter.Seq2[Line, error]) (all []Line, err error) {
	for line, err := range lines {
		if err != nil {
			return all, err
		}
		all = append(all, line)
	}
	return all, nil
}

var octoberLines = DetailQuery{From: october, To: october, Sets: true}

// xmlOf writes the members of a JSON line as elements: name=text.
func xmlAnswer(items ...string) string {
	return "<R><PostpayDetailBillSet>" + strings.Join(items, "") + "</PostpayDetailBillSet></R>"
}

func jsonAnswer(items ...string) string {
	return `{"PostpayDetailBillSet":[` + strings.Join(items, ",") + `]}`
}

// goodLine has what a line needs, before more.
func goodLine(more string) string {
	return `{"DetailBillNo":"01","BillMonth":"2026-10","Cost":"1.50","MeasureAmount":2` + more + `}`
}

func goodItem(more string) string {
	return "<x><DetailBillNo>01</DetailBillNo><BillMonth>2026-10</BillMonth><Cost>1.50</Cost>" +
		"<MeasureAmount>2</MeasureAmount>" + more + "</x>"
}

// badAnswer is an answer that must not become a cheaper bill.
type badAnswer struct {
	name, body string
	reason     Reason
	text       string // of the error
}

// checkBadLines reads the lines of bad answers.
func checkBadLines(t *testing.T, answers []badAnswer) {
	t.Helper()
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readAll(tt.body)
			if err == nil {
				t.Fatal("no error")
			}
			if got := ReasonOf(err); got != tt.reason {
				t.Errorf("reason %s, want %s", got, tt.reason)
			}
			if want := "Test (HTTP 200): " + tt.text; strings.Replace(err.Error(), ", request id r", "", 1) != want {
				t.Errorf("text\n%s, want\n%s", err, want)
			}
		})
	}
}

func readAll(body string) ([]Line, error) {
	var all []Line
	r := responseOf("", []byte(body))
	err := readLines(r, octoberLines, func(line *Line) error {
		all = append(all, *line)
		return nil
	})
	return all, r.asError(err)
}
