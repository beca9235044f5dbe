package billclient

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ksyun_bill_exporter/billsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	june2018 = FirstMonth
	october  = FirstMonth.Add(8*12 + 4) // 2026

	octoberDay = DayOf(october.Start()).Add(4)
)

const (
	testKeyID  = "AKLTtestKeyOfNobody00"
	testSecret = "OFakeSecretOfNobody+/0000000000000000000000000=="
	testToken  = "V1:FakeTokenOfNobody/11111111111111=="
)

func testKeys(context.Context) (Credentials, error) {
	return Credentials{AccessKeyID: testKeyID, SecretAccessKey: testSecret}, nil
}

// keysOf returns a source of the same credentials again and again.
func keysOf(keys Credentials) func(context.Context) (Credentials, error) {
	return func(context.Context) (Credentials, error) { return keys, nil }
}

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

// newTestClient returns a client of a real HTTP server. The client does not retry.
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

// respondWith returns a handler that answers every request in the same way.
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

// readTestdata returns a file of testdata. The samples there are those of the API's own pages, byte for byte; only
// those of GetProductCode had to be corrected.
func readTestdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// collectLines returns the lines of a stream, and its error.
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

// xmlAnswer returns an answer in XML that has these lines.
func xmlAnswer(items ...string) string {
	return "<R><PostpayDetailBillSet>" + strings.Join(items, "") + "</PostpayDetailBillSet></R>"
}

// jsonAnswer returns an answer in JSON that has these lines.
func jsonAnswer(items ...string) string {
	return `{"PostpayDetailBillSet":[` + strings.Join(items, ",") + `]}`
}

// goodLine returns a line in JSON that has what every line needs, and more.
func goodLine(more string) string {
	return `{"DetailBillNo":"01","BillMonth":"2026-10","Cost":"1.50","MeasureAmount":2` + more + `}`
}

// goodItem returns the line of goodLine in XML.
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

// checkBadLines tests that the lines of these answers cannot be read.
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

// readAll reads the lines of an answer of GetPostpayDetailBill for October 2026.
func readAll(body string) ([]Line, error) {
	var all []Line
	r := responseOf("", []byte(body))
	err := readLines(r, octoberLines, func(line *Line) error {
		all = append(all, *line)
		return nil
	})
	return all, r.asError(err)
}

// conversation is a client with an API that is in memory only, so that both can run in a bubble of testing/synctest.
type conversation struct {
	*Client
	start time.Time

	mu       sync.Mutex
	calls    []time.Duration // when each request came, since the start
	answers  []Attempt
	attempts []Attempt // the same, without header, time and fields
	retries  []string
}

// runConversation runs a test in a bubble. Each handler answers one request, and the last one all that follow.
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
			a.Header, a.Began, a.Fields = nil, time.Time{}, nil
			c.attempts = append(c.attempts, a)
		}
		o.OnRetry = func(action string, _ error) { c.retries = append(c.retries, action) }
		c.Client = New(o)
		test(t, c)
	})
}

const noBill = `{"MonthBillSet":[]}`

// askMonthBill makes a call.
func (c *conversation) askMonthBill(ctx context.Context) error {
	_, err := c.GetMonthBill(ctx, october, october)
	return err
}

// deniedJSON is the answer to a key without a permission.
const deniedJSON = `{"RequestId":"51aee78d","Error":{"Type":"Sender","Code":"Forbidden Request",` +
	`"Message":"user 73400575 forbidden request this api"}}`

// unfinishedAnswer is the beginning of an answer.
const unfinishedAnswer = `{"RequestId":"r","MonthBillSet":[]`

// checkError compares the reason of an error, and its text after the HTTP status and the request id.
func checkError(t *testing.T, err error, reason Reason, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s: %s", reason, text)
	}
	if got := ReasonOf(err); got != reason {
		t.Errorf("reason %s, want %s", got, reason)
	}
	_, got, _ := strings.Cut(err.Error(), "HTTP ")
	_, got, _ = strings.Cut(got, ")")
	if got = strings.TrimLeft(got, ":; "); got != text {
		t.Errorf("text\n%q, want\n%q", got, text)
	}
}

// runSimulation runs a test in October 2026 against a simulated API.
func runSimulation(t *testing.T, o Options, s *billsim.Server, test func(t *testing.T, c *conversation)) {
	t.Helper()
	o.Region, o.DailyCalls = "cn-beijing-6", 50 // this ends a client that would read pages for ever
	runConversation(t, o, func(t *testing.T, c *conversation) {
		time.Sleep(time.Until(october.Start().AddDate(0, 0, 20)))
		test(t, c)
	}, s.ServeHTTP)
}

// simulatedCustomer returns the accounts of a simulated API that has one customer.
func simulatedCustomer(consume func(string) (billsim.Consumption, bool)) []billsim.Account {
	return []billsim.Account{{
		AccessKeyID: testKeyID, SecretAccessKey: testSecret, CustomerID: "73400575", Consume: consume,
	}}
}

// eightLines returns eight lines of eight days, with the numbers a to h.
func eightLines(month string) (billsim.Consumption, bool) {
	lines := func(yield func(billsim.Line) bool) {
		for i := range 8 {
			l := billsim.Line{
				DetailBillNo: string(rune('a' + i)), StatDate: fmt.Sprintf("%s-%02d", month, i+1), ProductCode: "KEC",
				InstanceName: `<a&b>"`, Cost: billsim.Yuan, MeasureAmount: 2 * billsim.Yuan,
				Tags: []billsim.KeyValue{{Key: "部门", Value: "广告"}},
			}
			if !yield(l) {
				return
			}
		}
	}
	return billsim.Consumption{Bill: billsim.Bill{Lines: lines}, EndDate: month + "-08"}, true
}

// acceptTransport sends requests that accept another notation than the client's. The header is not signed.
type acceptTransport struct {
	accept string
	http.RoundTripper
}

func (a acceptTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", a.accept)
	return a.RoundTripper.RoundTrip(r)
}

// sampleTypes returns the types of the files of a sample, in JSON and in XML.
func sampleTypes(name string) map[string]string {
	return map[string]string{name + ".json": "application/json;charset=UTF-8", name + ".xml": "text/xml"}
}

// benchLine writes a line of about 1 KB, the size of the line of a cloud host.
func benchLine(b *bytes.Buffer, i int) {
	fmt.Fprintf(b, `{"DetailBillNo":"%015d","BillMonth":"2026-10","CustomerId":"73400575",`, i)
	b.WriteString(`"DetailBillStartTime":"2026-10-01 00:00:00","DetailBillEndTime":"2026-10-31 23:59:59",`)
	b.WriteString(`"ProductCode":"KEC","ProductName":"云服务器(KEC)","ProductSubTypeName":"标准型S6",`)
	fmt.Fprintf(b, `"InstanceId":"c35d5c4a-06e6-446c-811f-%012x","InstanceName":"web-%d",`, i/5, i/5)
	fmt.Fprintf(b, `"Cost":"%d.%02d","ServiceStartTime":"2025-03-08 17:22:54","BillType":"按日配置付费",`, i%1000, i%100)
	b.WriteString(`"BillDays":"31","BillHours":"0","RegionName":"华北1（北京）","ZoneName":"可用区A","RuleRemark":"",`)
	fmt.Fprintf(b, `"MeasureAmount":"%d.%02d","Discount":"0.75","ProjectId":"%d","ProjectName":"项目",`,
		i%2000, i%100, i%9)
	b.WriteString(`"ProviderSet":[{"Key":"操作系统","Value":"linux"}],"ConfigSet":[{"Key":"CPU","Value":"4.0000"},` +
		`{"Key":"内存(GB)","Value":"8.0000"},{"Key":"SSD(GB)","Value":"50.0000"}],` +
		`"ExtraSet":[{"Key":"内网IP","Value":"10.136.26.121"},{"Key":"外网IP","Value":""}],` +
		`"TagSet":[{"Key":"部门","Value":"广告"}]}`)
}

// benchAnswer returns an answer with lines numbered from first on.
func benchAnswer(first, lines int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"RequestId":"9a12cb1f-85bc-4a69-a4f5-5f669f22d8eb","PostpayDetailBillSet":[`)
	for i := range lines {
		if i > 0 {
			b.WriteByte(',')
		}
		benchLine(&b, first+i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

const benchLines = 20000

func reportPerLine(b *testing.B, size int) {
	b.SetBytes(int64(size))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchLines), "ns/line")
}

var anyMonth = DetailQuery{From: june2018, To: october, Sets: true}

// readAny reads the lines of an answer in any notation, of any month.
func readAny(contentType string, body []byte) (lines []Line, err error) {
	r := responseOf(contentType, body)
	read := readLines
	if contentType == "text/csv" {
		read = readCSV
	}
	err = read(r, anyMonth, func(line *Line) error {
		lines = append(lines, *line)
		return nil
	})
	return lines, r.asError(err)
}

// checkTyped tests that err is an *Error with a text that can be logged.
func checkTyped(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Fatalf("error %v is no *Error", err)
	}
	if text := err.Error(); strings.ContainsAny(text, "\n\r\x00") || len(text) > 2000 {
		t.Fatalf("error %q", text)
	}
}

// mustDay returns a day that a test wants.
func mustDay(s string) Day {
	d, err := ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

// isErrorOf reports whether an error has this reason and this text.
func isErrorOf(err error, reason Reason, text string) bool {
	return err != nil && ReasonOf(err) == reason && err.Error() == text
}
