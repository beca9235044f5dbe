//go:build soak

package collector

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/exposition"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	gocmp "github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"
)

var (
	soakFor  = flag.Duration("soak.for", time.Minute, "real time to go on for, and to the end of the simulated day")
	soakSeed = flag.Uint64("soak.seed", 0, "what goes wrong, and when; 0: something else each time")
)

const (
	leastDays = 6 // for a trend
	scrapers  = 50
)

// TestSoak lets days pass, until real time is up. Each night anything goes wrong at random, the exporter is restarted
// and its configuration changed, and in the morning all is well again; whatever happens, every scrape holds together
// and has the sums of the time when its sources were last good, and in the evening all sums are those of the simulator.
// Neither heap nor goroutines grow.
func TestSoak(t *testing.T) {
	var over atomic.Bool
	defer time.AfterFunc(*soakFor, func() { over.Store(true) }).Stop()
	seed := cmp.Or(*soakSeed, rand.Uint64())
	t.Logf("again with -soak.seed=%d", seed)
	var s *soak
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		s = newSoak(t, seed)
		for day := 1; (day <= leastDays || !over.Load()) && !t.Failed(); day++ {
			s.night()
			s.sleepUntil(evening(time.Now()))
			s.checkDay()
		}
		if !t.Failed() {
			s.checkFlat()
		}
	})
	hours := 24 * float64(len(s.heap)) / time.Since(began).Seconds()
	t.Logf("%d days, %.1f hours of them in a second; %d scrapes of %d pages, %d restarts, %d changes of the configuration",
		len(s.heap), hours, s.scrapes.Load(), s.pages.Load(), s.restarts, s.reloads)
	goleak.VerifyNone(t)
}

// evening is the next 20:00 in Beijing: nothing has changed since 10:00, and since then all of it was asked for.
func evening(now time.Time) time.Time { return next(now, 20) }

func next(now time.Time, hour int) time.Time {
	now = now.In(billclient.Beijing)
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, billclient.Beijing)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

type soak struct {
	*world
	names  []string
	demo   []billsim.Account
	truth  *truth
	random *rand.Rand
	days   []map[string]billsim.Sums // by account: the days that were metered so far

	heap       []uint64 // of each evening
	goroutines []int

	scrapes, pages atomic.Int64
	seen           sync.Map // checksums of answers

	dir               string
	options           Options // in force
	front             atomic.Pointer[exposition.Handler]
	restarts, reloads int
}

func newSoak(t *testing.T, seed uint64) *soak {
	at := time.Date(2026, 10, 26, 20, 0, 0, 0, billclient.Beijing)
	time.Sleep(time.Until(at))
	s := &soak{
		names: []string{"shop", "game"}, demo: billsim.Demo(time.Now), truth: newTruth(at),
		random: rand.New(rand.NewPCG(seed, 0)), days: []map[string]billsim.Sums{{}, {}},
	}
	var accounts []Account
	for i, name := range s.names {
		a := simulated(name, s.demo[i])
		a.API.UnionEndpoint, a.API.RequestsPerSecond, a.API.MaxRetries = a.API.Endpoint, 20, 2
		accounts = append(accounts, a)
	}
	o := options(accounts...)
	o.Refresh.Interval, o.Refresh.DetailsInterval, o.Prepaid.Months = 2*time.Hour, time.Hour, 36
	s.dir, s.options = t.TempDir(), o
	s.world = start(t, at, keptIn(t, s.dir, o), s.demo...)
	s.front.Store(s.metrics)
	s.sleep(time.Hour)
	s.checkDay()
	for n := range scrapers {
		random := rand.New(rand.NewPCG(seed, uint64(n+1)))
		var scraping sync.WaitGroup
		scraping.Go(func() { s.scrapeNowAndThen(random) })
		t.Cleanup(scraping.Wait)
	}
	return s
}

// night lets faults happen until 10:00, up to three at once, with pauses or without. Now and then the exporter is
// restarted, or its configuration is changed. In the morning all accounts are in it.
func (s *soak) night() {
	for until := next(time.Now(), 10); time.Now().Before(until); {
		var undo []func()
		for range 1 + s.random.IntN(3) {
			undo = append(undo, s.api.Fault(s.fault()))
		}
		s.sleep(min(time.Duration(s.random.Int64N(int64(2*time.Hour))), time.Until(until)))
		switch s.random.IntN(8) {
		case 0:
			s.restart()
		case 1:
			s.reload(s.changed())
		}
		for _, undo := range undo {
			undo()
		}
		pause := time.Duration(s.random.Int64N(int64(time.Hour))) - 30*time.Minute
		s.sleep(min(max(pause, 0), time.Until(until)))
	}
	s.reload(s.options.Accounts)
}

// restart ends the exporter and begins another one in its place, which shows the same and asks for nothing that is not
// due. Whoever scrapes goes on meanwhile.
func (s *soak) restart() {
	before := s.numbers()
	_, accounts := s.bills.inForce()
	s.end()
	idle := map[string]bool{}
	for _, a := range accounts {
		key, _ := a.API.Credentials(s.t.Context())
		idle[key.AccessKeyID] = isIdle(a)
	}
	if err := s.bills.options.State.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.api.ResetCalls()
	o := s.options
	o.Accounts = slices.DeleteFunc(slices.Clone(o.Accounts), func(of Account) bool {
		return !slices.ContainsFunc(accounts, func(a *account) bool { return a.Name == of.Name })
	})
	s.run(keptIn(s.t, s.dir, o))
	synctest.Wait()
	s.front.Store(s.metrics)
	if diff := gocmp.Diff(before, s.numbers()); diff != "" {
		s.t.Errorf("%v: after a restart (-before +after):\n%s", time.Now(), diff)
	}
	for _, call := range s.api.Calls() {
		if idle[call.AccessKeyID] {
			s.t.Errorf("%v: %s by %s is not due", time.Now(), call.Action, call.AccessKeyID)
		}
	}
	s.restarts++
}

// isIdle reports whether no loop of an account has anything to ask now.
func isIdle(a *account) bool {
	for _, name := range loopNames {
		l := &loop{account: a, custody: a.custody, name: name}
		if a.custody.schedules[name].underway || !l.nextDue().After(time.Now()) {
			return false
		}
	}
	return true
}

// numbers are the page without what a restart is to change: where it has its numbers from, and the live part.
func (s *soak) numbers() []string {
	page, _, _ := strings.Cut(string(s.answer(false)), "# HELP ksyun_bill_api")
	page, _, _ = strings.Cut(page, "# HELP ksyun_bill_exporter") // without an account nothing is asked
	return slices.DeleteFunc(strings.Split(page, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "ksyun_bill_source_from_disk{")
	})
}

// changed changes the options at random, and returns the accounts that stay.
func (s *soak) changed() []Account {
	switch s.random.IntN(5) {
	case 0:
		s.options.Refresh.Interval = time.Duration(1+s.random.IntN(3)) * time.Hour
	case 1:
		s.options.Refresh.Concurrency = 1 + s.random.IntN(2)
	case 2:
		s.options.Budgets = []metrics.Budget{{Account: s.names[0], Monthly: yuan(strconv.Itoa(1 + s.random.IntN(1000)))}}
	case 3: // lines are added up anew
		s.options.Instances.MaxSeries = 2000 + s.random.IntN(1000)
	case 4:
		return slices.Delete(slices.Clone(s.options.Accounts), 0, 1+s.random.IntN(2))
	}
	return s.options.Accounts
}

// reload goes over to the options, with these accounts. The numbers of those that go on stay, unless they are made
// otherwise from now on.
func (s *soak) reload(accounts []Account) {
	before, options := s.costs(), s.options
	old, _ := s.bills.inForce()
	options.Accounts = accounts
	if err := s.bills.Reload(s.t.Context(), s.reach(options)); err != nil {
		s.t.Error(err)
	}
	synctest.Wait()
	after := s.costs()
	for name, costs := range before {
		goesOn := slices.ContainsFunc(accounts, func(a Account) bool { return a.Name == name })
		if goesOn && old.Instances.MaxSeries == options.Instances.MaxSeries {
			if diff := gocmp.Diff(costs, after[name]); diff != "" {
				s.t.Errorf("%v: %s after a change of the configuration (-before +after):\n%s", time.Now(), name, diff)
			}
		}
		if _, there := after[name]; there && !goesOn {
			s.t.Errorf("%v: %s is still there", time.Now(), name)
		}
	}
	s.reloads++
}

// costs are the costs of each account that has any.
func (s *soak) costs() map[string][]string {
	costs := map[string][]string{}
	for _, sample := range s.scrape() {
		_, account, _ := strings.Cut(sample, `{account="`)
		account, _, _ = strings.Cut(account, `"`)
		costs[account] = append(costs[account], sample)
	}
	return costs
}

// fault is any fault, of any account and action.
func (s *soak) fault() billsim.Fault {
	fault := pick(s.random, slices.Concat(refusals, brokenAnswers, brokenTransfers))
	fault.AccessKeyID = pick(s.random, []string{"", s.demo[0].AccessKeyID, s.demo[1].AccessKeyID})
	if fault.Action == "" {
		fault.Action = pick(s.random, []string{
			"", "", getMonthBill, getDetailBill, billclient.GetMonthConsume, billclient.GetPostpayDetailConsume,
			"DescribeBillSummaryByPayMode", "DescribeBillSummaryByProduct", "DescribeBillSummaryByProject",
		})
	}
	return fault
}

func pick[T any](random *rand.Rand, of []T) T { return of[random.IntN(len(of))] }

var (
	refusals = []billsim.Fault{
		billsim.Refuse(billsim.JSONError, 500, "Server unavailable", "Server error"),
		billsim.Refuse(billsim.XMLError, 503, "Server unavailable", "Server error"),
		billsim.Busy(503, 90*time.Second),
		billsim.Busy(429, 2*time.Hour),
		billsim.Refuse(billsim.JSONError, 400, "RequestLimitExceeded", "too many"),
		billsim.Refuse(billsim.JSONError, 400, "Forbidden Request", "user 2000 forbidden request this api"),
		billsim.Refuse(billsim.JSONError, 403, "SignatureDoesNotMatch", "signature"),
		billsim.Refuse(billsim.JSONError, 400, "InvalidParameter", "There is one or more invalid parameter"),
		billsim.Refuse(billsim.JSONError, 404, "INVALID_ACTION", "Not Found"),
		billsim.Refuse(billsim.JSONError, 200, "500", "Server error"),
		billsim.Redirect("https://elsewhere.example"),
		billsim.Page(502),
	}
	brokenAnswers = []billsim.Fault{
		billsim.Page(200),
		billsim.Raw(200, "application/json", ""),
		billsim.Raw(200, "application/json", `{"MonthBillSet": [}`),
		billsim.BadAmount(3, "12,00"),
		billsim.WrongMonth(2, "2020-01"),
		onPages(billsim.ChangedTotal(1, 1)),
		onPages(billsim.ChangedTotal(0, -1)),
		onPages(billsim.MissingPage(0)),
		onPages(billsim.MissingPage(1)),
		onPages(billsim.RepeatedPage(1)),
		{Forms: map[string]billsim.Form{"Sum": billsim.Missing, "Cost": billsim.Null}},
		{Forms: map[string]billsim.Form{"MonthBillSet": billsim.Null, "PostpayDetailConsumeSet": billsim.Missing}},
		{Forms: map[string]billsim.Form{"Sum": billsim.AsString, "Cost": billsim.AsNumber}}, // which is right
	}
	brokenTransfers = []billsim.Fault{
		billsim.Never(),
		billsim.Break(billsim.Cut, 700),
		billsim.Break(billsim.Drop, 700),
		billsim.Break(billsim.Stall, 700),
		{End: billsim.Cut, AfterBytes: 300, Length: true},
		{End: billsim.Reset, AfterBytes: 3000},
		{End: billsim.Drop},
		{Gzip: true},
		{Gzip: true, End: billsim.Cut, AfterBytes: 200},
		{Drip: 30 * time.Millisecond, Action: getMonthBill},
		{Drip: 61 * time.Second, Action: getMonthBill},
	}
)

// onPages is a fault of the one action that answers page by page.
func onPages(fault billsim.Fault) billsim.Fault {
	fault.Action = billclient.GetPostpayDetailConsume
	return fault
}

// scrapeNowAndThen scrapes at moments of its own until the test ends.
func (s *soak) scrapeNowAndThen(random *rand.Rand) {
	for s.t.Context().Err() == nil {
		sleep(s.t.Context(), time.Duration(random.Int64N(int64(20*time.Hour))), nil)
		page := s.answer(random.IntN(2) == 0)
		s.scrapes.Add(1)
		if _, again := s.seen.LoadOrStore(sha256.Sum256(page), true); !again {
			s.pages.Add(1)
			s.check(page)
		}
	}
}

// answer is what a client gets, unpacked.
func (s *soak) answer(packed bool) []byte {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if packed {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	answer := httptest.NewRecorder()
	s.front.Load().ServeHTTP(answer, r)
	if !packed {
		return answer.Body.Bytes()
	}
	unpacked, err := gzip.NewReader(answer.Body)
	if err != nil {
		s.t.Fatalf("%d: %v", answer.Code, err)
	}
	page, err := io.ReadAll(unpacked)
	if err != nil {
		s.t.Error(err)
	}
	return page
}

// check looks whether a page holds together, with the sums of the time when its sources were last good.
func (s *soak) check(text []byte) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		s.t.Errorf("%v: %v", time.Now(), err)
		return
	}
	for i, name := range s.names {
		p := page{families, name}
		for _, of := range []span{{"ksyun_bill_", 0}, {"ksyun_bill_past_month_", 1}} {
			if err := s.truth.check(p, i, of); err != nil {
				s.t.Errorf("%v, %s, %d months ago: %v", time.Now().In(billclient.Beijing), name, of.ago, err)
			}
		}
	}
}

// span is the running month's families, or those of the month before.
type span struct {
	prefix string
	ago    int
}

// page is what a page says of one account.
type page struct {
	families map[string]*dto.MetricFamily
	account  string
}

// samples are those of a family with these labels, a=b.
func (p page) samples(family string, labels ...string) []*dto.Metric {
	labels = append(labels, "account="+p.account)
	return slices.DeleteFunc(slices.Clone(p.families[family].GetMetric()), func(m *dto.Metric) bool {
		var has int
		for _, l := range m.GetLabel() {
			if slices.Contains(labels, l.GetName()+"="+l.GetValue()) {
				has++
			}
		}
		return has < len(labels)
	})
}

// sum is exact: amounts are decimals, and floats only on the way.
func sumOf(samples []*dto.Metric) *big.Rat {
	sum := new(big.Rat)
	for _, m := range samples {
		value, _ := new(big.Rat).SetString(strconv.FormatFloat(m.GetGauge().GetValue(), 'g', -1, 64))
		sum.Add(sum, value)
	}
	return sum
}

// since is when a source was last good, as far as the page tells.
func (p page) since(source string) time.Time {
	for _, m := range p.samples("ksyun_bill_source_last_success_timestamp_seconds", "source="+source) {
		return time.UnixMilli(int64(m.GetGauge().GetValue() * 1000))
	}
	return time.Time{}
}

// basis is that of a month, undecided if the page does not have it.
func (p page) basis(ago int) (of ledger.Basis, month string) {
	for _, m := range p.samples("ksyun_bill_month_info", "months_ago="+strconv.Itoa(ago)) {
		for _, l := range m.GetLabel() {
			switch l.GetName() {
			case "basis":
				of = ledger.Basis(l.GetValue())
			case "month":
				month = l.GetValue()
			}
		}
	}
	return of, month
}

// truth is what a second simulator says, at any time in the past.
type truth struct {
	mu    sync.Mutex
	now   time.Time
	demo  []billsim.Account
	known map[totalKey]*big.Rat // nil: there is none
}

type totalKey struct {
	account int
	month   string
	basis   ledger.Basis
	at      time.Time
}

func newTruth(at time.Time) *truth {
	tr := &truth{now: at, known: map[totalKey]*big.Rat{}}
	tr.demo = billsim.Demo(func() time.Time { return tr.now })
	return tr
}

// check holds the sums of a month against each other and against the simulator's.
func (tr *truth) check(p page, account int, of span) error {
	labels := []string{"pay_mode=postpaid"}
	if of.ago > 0 {
		labels = append(labels, "months_ago="+strconv.Itoa(of.ago))
	}
	sum := func(family string) *big.Rat { return sumOf(p.samples(of.prefix+family+"_cost_cny", labels...)) }
	basis, month := p.basis(of.ago)
	if basis == ledger.Undecided {
		if n := len(p.samples(of.prefix+"account_cost_cny", labels...)); n > 0 {
			return fmt.Errorf("%d samples of a month that is not there", n)
		}
		return nil
	}
	summary, lines := p.since("month_bill"), p.since("detail_bill")
	if basis == ledger.Estimated {
		summary, lines = p.since("month_consume"), p.since("detail_consume")
	}
	total := sum("account")
	if products := sum("product"); products.Cmp(total) != 0 {
		return fmt.Errorf("products cost %s, the account %s", products.FloatString(4), total.FloatString(4))
	}
	if err := tr.had(account, month, basis, summary, total); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	instances := p.samples(of.prefix+"instance_cost_cny", labels...)
	if len(instances) == 0 {
		return nil // lines are yet to be read
	}
	// Their source was good also when this month was not due: its lines are as old as lines may be.
	lines = lines.Add(-24 * time.Hour) // refresh.details_max_age
	if err := tr.had(account, month, basis, lines, sumOf(instances)); err != nil {
		return fmt.Errorf("instances: %w", err)
	}
	if of.ago > 0 {
		return nil
	}
	for _, family := range []string{"region", "billing_mode"} {
		if got := sum(family); got.Cmp(sumOf(instances)) != 0 {
			return fmt.Errorf("%s: %s, instances %s", family, got.FloatString(4), sumOf(instances).FloatString(4))
		}
	}
	return nil
}

// had fails if the month has never had this total between an instant and now.
func (tr *truth) had(account int, month string, of ledger.Basis, since time.Time, total *big.Rat) error {
	const slowest = time.Hour // an answer may take as long: what it says is older than its end
	var had []string
	for at := changeBefore(since.Add(-slowest)); at.Before(time.Now()); at = changeBefore(at.Add(15 * time.Hour)) {
		known := tr.total(totalKey{account, month, of, at})
		if known != nil && known.Cmp(total) == 0 {
			return nil
		}
		if known != nil {
			had = append(had, known.FloatString(4))
		}
	}
	return fmt.Errorf("%s of %s cost %s, but since %v only %q", of, month, total.FloatString(4), since, had)
}

// changeBefore is the last instant not after t at which the demo changes: midnight or 10:00.
func changeBefore(t time.Time) time.Time {
	t = t.In(billclient.Beijing)
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, billclient.Beijing)
	if t.Hour() >= 10 {
		return midnight.Add(10 * time.Hour)
	}
	return midnight
}

func (tr *truth) total(k totalKey) *big.Rat {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	total, ok := tr.known[k]
	if !ok {
		tr.now = k.at
		var sum billsim.Amount
		bill, there := ofMonth(tr.demo[k.account], k.month, k.basis)
		for l := range bill.All() {
			sum += l.Cost
		}
		if there {
			total, _ = new(big.Rat).SetString(sum.String())
		}
		tr.known[k] = total
	}
	return total
}

// ofMonth is what the simulator says of a month now.
func ofMonth(a billsim.Account, month string, of ledger.Basis) (billsim.Bill, bool) {
	if of == ledger.Billed {
		return a.Bills(month)
	}
	c, ok := a.Consume(month)
	return c.Bill, ok
}

// checkDay compares every sum with the simulator's, and measures what the process needs.
func (s *soak) checkDay() {
	text := s.answer(false)
	s.check(text)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	got := map[string]bool{}
	for _, line := range s.scrape() {
		got[line] = true
	}
	s.expectAmortized(got)
	for i, name := range s.names {
		s.expectAccount(got, page{families, name}, i)
	}
	s.expectModes(got)
	for line := range got {
		if !strings.Contains(line, "unreconciled_cost_cny{") || !strings.HasSuffix(line, "} 0") {
			s.t.Errorf("%v: not the simulator's: %s", time.Now(), line)
		}
	}
	s.measure()
}

// expectModes takes the samples of other pay modes than postpaid from got. Products and projects come to the account's,
// whose samples expectAccount takes.
func (s *soak) expectModes(got map[string]bool) {
	sums := s.sumsOfModes()
	for _, part := range []string{"project_product", "region", "billing_mode", "instance"} {
		for key, parts := range sums["ksyun_bill_"+part+"_cost_cny"] {
			if whole := sums["ksyun_bill_account_cost_cny"][key]; whole.Cmp(parts) != 0 {
				s.t.Errorf("%v: %s %s: %v, of the account %v", time.Now(), part, key, parts, whole)
			}
		}
	}
	for _, prefix := range []string{"ksyun_bill_", "ksyun_bill_past_month_"} {
		for _, part := range []string{"product", "project"} {
			for key, parts := range sums[prefix+part+"_cost_cny"] {
				if whole := sums[prefix+"account_cost_cny"][key]; whole.Cmp(parts) != 0 {
					s.t.Errorf("%v: %s %s: %v, of the account %v", time.Now(), part, key, parts, whole)
				}
			}
		}
	}
	maps.DeleteFunc(got, func(line string, _ bool) bool {
		return strings.Contains(line, `pay_mode="prepaid"`) || strings.Contains(line, `pay_mode="realtime"`)
	})
}

// expectAmortized takes the amortised samples from got. What is not prepaid is as it is in the families that are not
// amortised; instances can be folded differently.
func (s *soak) expectAmortized(got map[string]bool) {
	sums := s.sumsOfModes()
	for _, prefix := range []string{"ksyun_bill_amortized_", "ksyun_bill_day_amortized_"} {
		for _, part := range []string{"product", "project"} {
			for key, parts := range sums[prefix+part+"_cost_cny"] {
				if whole := sums[prefix+"account_cost_cny"][key]; whole.Cmp(parts) != 0 {
					s.t.Errorf("%v: %s%s %s: %v, of the account %v", time.Now(), prefix, part, key, parts, whole)
				}
			}
		}
	}
	for line := range got {
		if !strings.Contains(line, "amortized_") {
			continue
		}
		if strings.HasPrefix(line, "ksyun_bill_amortized_unreconciled_") { // shares are rounded in another way
			delete(got, line)
			continue
		}
		twin := strings.Replace(line, "amortized_", "", 1)
		if !strings.Contains(line, `pay_mode="prepaid"`) && !strings.Contains(line, "_instance_") && !got[twin] {
			s.t.Errorf("%v: %s is not as it was spent", time.Now(), line)
		}
		delete(got, line)
	}
}

// expectAccount takes all samples of an account from got.
func (s *soak) expectAccount(got map[string]bool, p page, i int) {
	now := time.Now().In(billclient.Beijing)
	for ago := range 4 {
		month := billclient.MonthOf(now).Add(-ago).String()
		prefix, after := "ksyun_bill_past_month_", fmt.Sprintf(`,months_ago="%d"`, ago)
		if ago == 0 {
			prefix, after = "ksyun_bill_", ""
		}
		if of, _ := p.basis(ago); of != ledger.Undecided {
			bill, _ := ofMonth(s.demo[i], month, of)
			expectSums(s.t, got, bill.Sums(), prefix, p.account, after)
		}
		s.expectOtherModes(got, i, month, prefix, after)
		if c, ok := s.demo[i].Consume(month); ok {
			maps.Copy(s.days[i], c.ByDay())
		}
	}
	newest := time.Date(now.Year(), now.Month(), now.Day()-1, 0, 0, 0, 0, time.UTC)
	if now.Day() == 1 { // there is no day of this month to hold last month against
		maps.DeleteFunc(s.days[i], func(day string, _ billsim.Sums) bool {
			return day < newest.AddDate(0, 0, -30).Format(time.DateOnly)
		})
	}
	expectDays(s.t, got, s.days[i], p.account, newest)
}

// expectOtherModes takes what bill-union knows of a month from got.
func (s *soak) expectOtherModes(got map[string]bool, i int, month, prefix, after string) {
	all := billsim.Amount(0)
	for mode, purchases := range map[string][]billsim.Purchase{
		"prepaid": s.demo[i].Prepaid(month), "realtime": s.demo[i].Realtime(month),
	} {
		var sum billsim.Amount
		for _, p := range purchases {
			sum += p.Cost
		}
		if len(purchases) > 0 {
			const sample = `%saccount_cost_cny{account="%s",pay_mode="%s"%s} %s`
			expectLine(s.t, got, fmt.Sprintf(sample, prefix, s.names[i], mode, after, plain(sum)))
		}
		all += sum
	}
	if bill, ok := s.demo[i].Bills(month); ok {
		all += bill.Sums().Total
	}
	for _, family := range []string{"all_modes_product_cost_cny", "all_modes_project_cost_cny"} {
		s.expectTotal(got, fmt.Sprintf(`%s%s{account="%s",`, prefix, family, s.names[i]), after, all)
	}
}

// expectTotal takes the samples of a family of a month from got, which have to add up.
func (s *soak) expectTotal(got map[string]bool, head, after string, want billsim.Amount) {
	sum := new(big.Rat)
	for line := range got {
		labels, value, _ := strings.Cut(line, "} ")
		if strings.HasPrefix(line, head) && strings.HasSuffix(labels, after) {
			amount, _ := new(big.Rat).SetString(value)
			sum.Add(sum, amount)
			delete(got, line)
		}
	}
	if exact, _ := new(big.Rat).SetString(want.String()); exact.Cmp(sum) != 0 {
		s.t.Errorf("%v: %s%s} %s, want %s", time.Now(), head, after, sum.FloatString(4), want)
	}
}

// measure notes what the process needs when nothing is under way.
func (s *soak) measure() {
	log := s.log.take()
	for _, a := range s.demo {
		if strings.Contains(log, a.SecretAccessKey) || strings.Contains(log, "Signature=") {
			s.t.Error("the log has a secret")
		}
	}
	if s.t.Failed() {
		s.t.Log(log)
	}
	s.asked()
	s.seen.Clear()
	s.truth.forget()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.heap, s.goroutines = append(s.heap, m.HeapAlloc), append(s.goroutines, runtime.NumGoroutine())
}

func (tr *truth) forget() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	clear(tr.known)
}

// checkFlat compares the first days with the last.
func (s *soak) checkFlat() {
	s.t.Logf("heap in MiB: %d, goroutines: %d", inMiB(s.heap), s.goroutines)
	third := len(s.heap) / 3
	heap, goroutines := s.heap[1:], s.goroutines[1:] // without the day before the scrapers
	if first, last := slices.Max(heap[:third]), slices.Max(heap[len(heap)-third:]); last > first+first/4 {
		s.t.Errorf("the heap has grown from %d to %d bytes", first, last)
	}
	if first, last := slices.Max(goroutines[:third]), slices.Max(goroutines[len(goroutines)-third:]); last > first+5 {
		s.t.Errorf("goroutines: first %d, at last %d", first, last)
	}
}

func inMiB(bytes []uint64) (all []uint64) {
	for _, n := range bytes {
		all = append(all, n>>20)
	}
	return all
}
