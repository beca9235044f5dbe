package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/exposition"
	"ksyun_bill_exporter/ledger"
)

// plain writes an amount as a page does: without zeros at its end.
func plain(a billsim.Amount) string {
	return strings.TrimSuffix(strings.TrimRight(a.String(), "0"), ".")
}

func compare(t *testing.T, got []string, want string) {
	t.Helper()
	var lines []string
	if want = strings.TrimSpace(want); want != "" {
		lines = strings.Split(want, "\n")
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// withKey gives the account a key that a test can replace. An empty one is a file that is not there.
func withKey(a Account, id, secret string) (Account, *atomic.Pointer[billclient.Credentials]) {
	var key atomic.Pointer[billclient.Credentials]
	key.Store(&billclient.Credentials{AccessKeyID: id, SecretAccessKey: secret})
	a.API.Credentials = func(context.Context) (billclient.Credentials, error) {
		if k := *key.Load(); k.AccessKeyID != "" {
			return k, nil
		}
		return billclient.Credentials{}, errors.New("access_key_id_file: it is not there")
	}
	return a, &key
}

func keyOf(c *customer) *billclient.Credentials {
	return &billclient.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}
}

// kept is an exporter that keeps its numbers in dir.
func keptIn(t *testing.T, dir string, o Options) Options {
	t.Helper()
	state, err := OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.State = state
	return o
}

// restart ends one collector and begins the next at the given instant, with the API away.
func (w *world) restart(at time.Time, dir string, o Options) *world {
	w.t.Helper()
	w.stop()
	if err := w.bills.options.State.Close(); err != nil {
		w.t.Fatal(err)
	}
	var stop func()
	away := billsim.Never()
	return startWith(w.t, at, keptIn(w.t, dir, o), faulty(&away, &stop))
}

func beijing(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, billclient.Beijing)
}

const (
	getMonthBill  = "GetMonthBill"
	getDetailBill = "GetPostpayDetailBill"
)

// settable lets a test set the collector's clock: it returns by how much it is ahead.
func settable(t *testing.T) *atomic.Int64 {
	t.Helper()
	ahead, before := &atomic.Int64{}, now
	now = func() time.Time { return before().Add(time.Duration(ahead.Load())) }
	t.Cleanup(func() { now = before })
	return ahead
}

var (
	metricsPages = []string{"../docs/metrics.md", "../docs/metrics.zh-CN.md"}
	metricEntry  = regexp.MustCompile("(?m)^\\* `(ksyun_bill_.*)`\\\\$")
	labelTable   = regexp.MustCompile(`(?s)\n\| (?:label|标签) \|.*?\n\n`)
	labelRow     = regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+) \\|")
)

// skipIfShort leaves out a test that takes ten seconds or more, with go test -short: for those who work on something
// else.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it is slow, and -short was given")
	}
}

// sameAmounts takes 1 for 1.00.
var sameAmounts = cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })

// sameSnapshot compares what is kept over a restart: what is known of single products is not.
var sameSnapshot = cmp.Options{
	sameAmounts, cmp.AllowUnexported(ledger.ModeKey{}), cmpopts.IgnoreUnexported(ledger.LineSums{}),
}

// world is a collector that runs against a simulated API, both inside a synctest bubble: HTTP and signatures are real,
// time is not.
type world struct {
	t       *testing.T
	api     *billsim.Server
	metrics *exposition.Handler
	bills   *Collector
	log     *lockedBuffer
	end     func() // ends the collector, as the end of the program does
	stop    func() // ends the collector and the API

	wire *wire
}

// wire is the way to the API, on which connections can be refused.
type wire struct {
	http.RoundTripper
	refuses atomic.Pointer[func(*http.Request) bool]
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if refuses := w.refuses.Load(); refuses != nil && (*refuses)(r) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return w.RoundTripper.RoundTrip(r)
}

func yuan(s string) billclient.Amount {
	a, err := billclient.ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// options are those of an exporter with nothing configured but accounts.
func options(accounts ...Account) Options {
	return Options{
		Accounts: accounts,
		Refresh: Refresh{
			Interval: time.Hour, DetailsInterval: 6 * time.Hour, DetailsMaxAge: 24 * time.Hour,
			MaxStaleness: 72 * time.Hour, Concurrency: 2,
		},
		Months: Months{Past: 3, BillSettles: 10 * 24 * time.Hour},
		Days:   31,
		Instances: ledger.Instances{
			Enabled: true, LastMonth: true, MaxSeries: 2000, Promote: []string{"instance_name"},
		},
	}
}

// simulated is an account of the API under the given name. Its key never changes.
func simulated(name string, a billsim.Account) Account {
	api := billclient.DefaultOptions()
	api.Endpoint, api.UnionEndpoint, api.PayEndpoint, api.TradeEndpoint = "http://bill.api.ksyun.com", "", "", ""
	api.MaxRetries, api.RequestsPerSecond = 0, 0
	key := billclient.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey}
	api.Credentials = func(context.Context) (billclient.Credentials, error) { return key, nil }
	return Account{Name: name, API: api}
}

// start begins at the given instant, and returns once the first refresh is over.
func start(t *testing.T, at time.Time, o Options, accounts ...billsim.Account) *world {
	t.Helper()
	return startWith(t, at, o, func(api http.Handler) http.Handler { return api }, accounts...)
}

// startWith is start with something between the collector and the API.
func startWith(
	t *testing.T, at time.Time, o Options, between func(http.Handler) http.Handler, accounts ...billsim.Account,
) *world {
	t.Helper()
	time.Sleep(time.Until(at))
	w := &world{t: t, api: billsim.New(accounts, billsim.WithKeptPages()), log: &lockedBuffer{}}
	transport, stopAPI := billsim.PipeTransport(between(w.api))
	w.wire = &wire{RoundTripper: transport}
	w.run(o)
	w.stop = sync.OnceFunc(func() {
		w.end()
		stopAPI()
	})
	t.Cleanup(w.stop)
	w.sleep(time.Second) // the calls are paced
	return w
}

// run begins a collector, with metrics of its own, as a start of the program does.
func (w *world) run(o Options) {
	registry := prometheus.NewPedanticRegistry()
	w.metrics = exposition.NewHandler(registry, exposition.Options{ErrorLog: func(err error) { w.t.Error(err) }})
	logger := level.NewFilter(log.NewLogfmtLogger(w.log), level.AllowInfo())
	w.bills = New(w.reach(o), registry, w.metrics.Publish, logger)
	w.metrics.SetFamilies(w.bills.Families)
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.bills.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
}

// reach gives the accounts the way to the simulated API.
func (w *world) reach(o Options) Options {
	o.Accounts = slices.Clone(o.Accounts)
	for i := range o.Accounts {
		o.Accounts[i].API.Transport = w.wire
	}
	return o
}

func (w *world) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// sleepUntil lets time pass, to a second later: who waits for the same instant is through by then.
func (w *world) sleepUntil(at time.Time) { w.sleep(time.Until(at) + time.Second) }

// scrape returns the sample lines of the given families, all cost families if none is given.
func (w *world) scrape(families ...string) []string {
	w.t.Helper()
	var lines []string
	for line := range strings.Lines(w.body()) {
		family := line[:max(0, strings.IndexAny(line, "{ "))]
		if len(families) == 0 && strings.HasSuffix(family, "_cost_cny") || slices.Contains(families, family) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// of returns the cost samples of one account.
func (w *world) of(account string) []string {
	return slices.DeleteFunc(w.scrape(), func(sample string) bool {
		return !strings.Contains(sample, `{account="`+account+`",`)
	})
}

// body returns what Prometheus gets.
func (w *world) body() string {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", nil)
	answer := httptest.NewRecorder()
	w.metrics.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		w.t.Fatalf("scrape: %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// checkInfos finds an info row for each product and project of the cost families.
func (w *world) checkInfos() {
	w.t.Helper()
	key := regexp.MustCompile(`(account|product_code|project_id)="([^"]*)"`)
	described, used := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(w.body()) {
		family, _, _ := strings.Cut(line, "{")
		labels := key.FindAllStringSubmatch(line, -1)
		for i := 1; i < len(labels); i++ {
			found := strings.Join([]string{labels[0][2], labels[i][1], labels[i][2]}, " ")
			switch {
			case family == "ksyun_bill_product_info" || family == "ksyun_bill_project_info":
				described[found] = true
			case strings.HasSuffix(family, "_cost_cny") || strings.HasSuffix(family, "_change_cny"):
				used[found] = true
			}
		}
	}
	for key := range used {
		if !described[key] {
			w.t.Errorf("%v: no info row for %s", time.Now(), key)
		}
	}
}

// asked returns the calls since the last time, in their order: action, months, page and product.
func (w *world) asked() []string {
	var calls []string
	for _, call := range w.api.Calls() {
		text := call.Action
		for _, name := range []string{
			"BillStartMonth", "BillEndMonth", "BillBeginMonth", "BillMonth", "PageNo", "ProductCode",
		} {
			if value := call.Query.Get(name); value != "" {
				text += " " + value
			}
		}
		calls = append(calls, text)
	}
	w.api.ResetCalls()
	return calls
}

// httpFilter is an API that finds some spans of months invalid.
func httpFilter(invalid func(start, end string) bool) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			if invalid(query.Get("BillStartMonth"), query.Get("BillEndMonth")) {
				http.Error(w, `{"Error":{"Code":"InvalidParameter","Message":"invalid"}}`, http.StatusBadRequest)
				return
			}
			api.ServeHTTP(w, r)
		})
	}
}

// customer is an account of the API whose bills a test can change.
type customer struct {
	billsim.Account
	mu       sync.Mutex
	bills    map[string]billsim.Bill
	consumed map[string]billsim.Consumption
	times    atomic.Int64 // see cost
}

func newCustomer(id string) *customer {
	c := &customer{bills: map[string]billsim.Bill{}, consumed: map[string]billsim.Consumption{}}
	c.Account = billsim.Account{
		AccessKeyID: "AK" + id, SecretAccessKey: "secret of " + id, CustomerID: id,
		Bills: func(month string) (billsim.Bill, bool) {
			c.mu.Lock()
			defer c.mu.Unlock()
			bill, ok := c.bills[month]
			return bill, ok
		},
		Consume: func(month string) (billsim.Consumption, bool) {
			c.mu.Lock()
			defer c.mu.Unlock()
			consumed, ok := c.consumed[month]
			return consumed, ok
		},
	}
	return c
}

// consume sets what a month has cost up to a day, by lines of days.
func (c *customer) consume(month string, until int, lines ...billsim.Line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.consumed[month] = billsim.Consumption{
		Bill: billsim.Bill{Lines: slices.Values(lines)}, EndDate: fmt.Sprintf("%s-%02d", month, until),
	}
}

// forget takes the estimate of a month away.
func (c *customer) forget(month string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.consumed, month)
}

// on is a line of one day, 2026-10-15.
func on(day string, l billsim.Line) billsim.Line {
	l.StatDate, l.EndTime = day, day+" 23:59:59"
	l.DetailBillNo += day
	return l
}

func (c *customer) bill(month string, lines ...billsim.Line) {
	c.put(month, billsim.Bill{Lines: slices.Values(lines)})
}

func (c *customer) put(month string, bill billsim.Bill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bills[month] = bill
}

func (c *customer) withdraw(month string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.bills, month)
}

// server is a line of a KEC instance in project 0.
func server(id string, fen int64) billsim.Line {
	return billsim.Line{
		DetailBillNo: "1" + id, EndTime: "2026-10-14 23:59:59", ProductCode: "KEC", ProductName: "云服务器(KEC)",
		ProductSubTypeName: "通用型", InstanceID: id, InstanceName: "web-" + id, BillType: "按日配置付费",
		RegionName: "华北1(北京)", ZoneName: "可用区A", ProjectID: "0", ProjectName: "默认项目",
		Cost: billsim.Amount(fen * 1e6), MeasureAmount: billsim.Amount(2 * fen * 1e6), Discount: "0.5",
	}
}

// october is 12:00 of a day of October 2026 in Beijing.
func october(day int) time.Time { return time.Date(2026, 10, day, 12, 0, 0, 0, billclient.Beijing) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since the last time.
func (l *lockedBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.b.String()
	l.b.Reset()
	return text
}

// faulty is an API with a fault from the start, if there is one, and a way to end it.
func faulty(fault *billsim.Fault, stop *func()) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		if fault != nil {
			*stop = api.(*billsim.Server).Fault(*fault)
		}
		return api
	}
}

// answering is an API of which one action answers with a text.
func answering(action string, text *atomic.Pointer[string]) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s := text.Load(); s != nil && r.URL.Query().Get("Action") == action {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(*s))
				return
			}
			api.ServeHTTP(w, r)
		})
	}
}
