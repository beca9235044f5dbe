package collector

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// account asks for one account's money and keeps the last good numbers. Only its own goroutine (run) asks and writes;
// state returns what others may read.
type account struct {
	Account
	options Options
	client  *billclient.Client
	logger  log.Logger
	changed func() // called when there is something new to show

	next       time.Time              // of the regular refresh
	refusedKey billclient.Credentials // the key with which the API refused the last attempt
	oneByOne   bool                   // the API finds a range of months invalid

	mu         sync.Mutex // guards what follows
	snapshot   *snapshot
	refused    string // why the numbers are not shown; empty if they are
	monthBill  source
	detailBill source
}

func newAccount(a Account, options Options, logger log.Logger, changed func()) *account {
	return &account{
		Account: a, options: options, client: billclient.New(a.API), changed: changed,
		logger:     log.With(logger, "account", a.Name),
		snapshot:   &snapshot{},
		monthBill:  newSource("month_bill"),
		detailBill: newSource("detail_bill"),
	}
}

// wake bounds every wait, so that a clock that was set, a machine that slept and a key that was replaced are noticed.
const wake = time.Minute

// run refreshes the account whenever it is due, until ctx ends. slots bounds how many accounts are refreshed at once.
func (a *account) run(ctx context.Context, slots chan struct{}) {
	for ctx.Err() == nil {
		if now := time.Now(); !now.Before(a.due()) || a.keyReplaced() {
			select {
			case slots <- struct{}{}:
				a.refresh(ctx)
				<-slots
			case <-ctx.Done():
			}
		}
		sleep(ctx, min(wake, time.Until(a.due())))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// due returns when there is something to ask again: the next tick, or the retry of a failed source.
func (a *account) due() time.Time {
	at := a.next
	for _, s := range []*source{&a.monthBill, &a.detailBill} {
		if s.failed > 0 && s.retry.Before(at) {
			at = s.retry
		}
	}
	return at
}

// keyReplaced tells whether a key that the API refused is another one in its file by now.
func (a *account) keyReplaced() bool {
	if a.refusedKey == (billclient.Credentials{}) {
		return false
	}
	key, err := a.API.Credentials()
	return err == nil && key != a.refusedKey
}

// phase returns the account's first tick after now. A hash of the name spreads the accounts over the interval, each
// always at its own place.
func phase(name string, interval time.Duration, now time.Time) time.Time {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	tick := now.Truncate(interval).Add(time.Duration(hash.Sum64() % uint64(interval)))
	for !tick.After(now) {
		tick = tick.Add(interval)
	}
	return tick
}

// refresh asks what is due, the summary before the lines: it tells which lines are worth reading.
func (a *account) refresh(ctx context.Context) {
	now := time.Now()
	regular := !now.Before(a.next) || a.keyReplaced()
	if regular {
		a.next = phase(a.Name, a.options.Refresh.Interval, now)
	}
	if regular || a.monthBill.due(now) {
		a.ask(ctx, &a.monthBill, a.readMonthBills)
	}
	switch months := a.monthsToRead(now); {
	case len(months) == 0:
		a.forget(&a.detailBill)
	case regular || !a.detailBill.failing() || a.detailBill.due(now):
		a.ask(ctx, &a.detailBill, func(ctx context.Context) error { return a.readDetailBills(ctx, months) })
	}
}

// forget gives up the retry of a source of which nothing is wanted any more, as when the month has ended.
func (a *account) forget(s *source) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.failed, s.retry = 0, time.Time{}
}

// ask makes one attempt at a source and takes down how it went. An attempt that the end of the program cut short says
// nothing about the source.
func (a *account) ask(ctx context.Context, s *source, read func(context.Context) error) {
	began := time.Now()
	err := read(ctx)
	if ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	recovered := s.failing() && err == nil
	s.settle(began, time.Now(), err, a.options.Refresh.Interval)
	a.measure(s)
	a.mu.Unlock()
	a.refusedKey = billclient.Credentials{}
	if s.reason == billclient.Auth {
		a.refusedKey, _ = a.API.Credentials()
	}
	a.report(s, err, recovered)
	a.changed()
}

// measure takes down what the source's numbers cover.
func (a *account) measure(s *source) {
	switch s {
	case &a.monthBill:
		s.lines, s.data = len(a.snapshot.months), a.snapshot.newestClosed(time.Now())
	case &a.detailBill:
		s.lines, s.data = a.snapshot.lineCount(), a.snapshot.newestLine()
	}
}

func (a *account) report(s *source, err error, recovered bool) {
	logger := log.With(a.logger, "source", s.name, "duration", s.duration)
	switch {
	case err != nil:
		level.Warn(logger).Log("msg", "refresh failed, the last good numbers stay", "reason", s.reason, "err", err,
			"next", s.retry.In(billclient.Beijing).Format(time.RFC3339))
	case recovered:
		level.Info(logger).Log("msg", "refreshed, the source works again", "lines", s.lines)
	default:
		level.Info(logger).Log("msg", "refreshed", "lines", s.lines)
	}
}

// replace puts a new snapshot in place of the old one.
func (a *account) replace(s *snapshot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.snapshot = s
}

// readMonthBills asks for the bills of the running month and the past ones. A month that had a bill and has none any
// more fails the source: it is far more likely a short answer than a bill taken back, and must not look like a cheap
// month.
func (a *account) readMonthBills(ctx context.Context) error {
	now := time.Now()
	to := billclient.MonthOf(now)
	from := max(to.Add(-a.options.Months.Past), billclient.FirstMonth)
	bills, err := a.monthBills(ctx, from, to)
	if err != nil {
		return err
	}
	byMonth := map[billclient.Month][]billclient.MonthBill{}
	for _, bill := range bills {
		byMonth[bill.Month] = append(byMonth[bill.Month], bill)
	}
	next := &snapshot{months: map[billclient.Month]month{}, billedAt: now}
	for m := from; m <= to; m++ {
		known, had := a.snapshot.months[m]
		switch {
		case len(byMonth[m]) > 0:
			next.months[m] = month{summary: summarize(byMonth[m]), lines: known.lines}
		case had:
			return &billclient.Error{
				Action: billclient.GetMonthBill, Reason: billclient.Incomplete,
				Err: fmt.Errorf("the answer lacks the bill of %v, which earlier answers had", m),
			}
		}
	}
	a.replace(next)
	return nil
}

// monthBills asks for a range of months in one call. How many months a call may span is not documented: where the API
// finds the range invalid, each month is asked alone from then on.
func (a *account) monthBills(ctx context.Context, from, to billclient.Month) ([]billclient.MonthBill, error) {
	if !a.oneByOne {
		bills, err := a.client.GetMonthBill(ctx, from, to)
		if billclient.ReasonOf(err) != billclient.Invalid || from == to {
			return bills, err
		}
	}
	var bills []billclient.MonthBill
	for m := from; m <= to; m++ {
		bill, err := a.client.GetMonthBill(ctx, m, m)
		// Neither is documented what the API says to the running month: invalid, even alone, means no bill yet.
		if err != nil && (m < to || billclient.ReasonOf(err) != billclient.Invalid) {
			return nil, err
		}
		bills = append(bills, bill...)
	}
	a.oneByOne = true
	return bills, nil
}

// monthsToRead returns the months whose lines are due: of the running month and the last closed one those that have a
// bill, and whose lines were never read, or not since the bill changed, or too long ago.
func (a *account) monthsToRead(now time.Time) []billclient.Month {
	var due []billclient.Month
	running := billclient.MonthOf(now)
	for _, m := range []billclient.Month{running, running.Add(-1)} {
		if month, ok := a.snapshot.months[m]; ok && a.linesDue(month, now) {
			due = append(due, m)
		}
	}
	return due
}

func (a *account) linesDue(m month, now time.Time) bool {
	if m.lines == nil {
		return true
	}
	age := now.Sub(m.lines.readAt)
	return age >= a.options.Refresh.DetailsMaxAge || m.linesChanged() && age >= a.options.Refresh.DetailsInterval
}

// readDetailBills reads the lines of the given months. What one of them yields stays, whatever becomes of the others.
func (a *account) readDetailBills(ctx context.Context, months []billclient.Month) error {
	var errs []error
	for _, m := range months {
		errs = append(errs, a.readLines(ctx, m))
	}
	return errors.Join(errs...)
}

// readLines reads the lines of one month, each attempt into a ledger of its own.
func (a *account) readLines(ctx context.Context, m billclient.Month) error {
	now, bill := time.Now(), a.snapshot.months[m].summary
	query := billclient.DetailQuery{From: m, To: m, Tags: len(a.options.Instances.Tags) > 0}
	var l *ledger
	err := a.client.Retry(ctx, billclient.GetPostpayDetailBill, func() error {
		l = newLedger(a.options.Instances)
		for line, err := range a.client.GetPostpayDetailBill(ctx, query) {
			if err != nil {
				return err
			}
			l.add(&line)
		}
		return nil
	})
	if err != nil {
		return err
	}
	lines := l.close()
	lines.readFor, lines.readAt = bill, now
	a.replace(a.snapshot.withLines(m, lines))
	return nil
}

// refuse decides whether the account's numbers may be shown: not if they are of another customer than the configuration
// expects, nor if an account in owners, which has the earlier ones by their customer, shows them already.
func (a *account) refuse(owners map[string]string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	customer, refused := a.snapshot.customerID(), ""
	expected := strings.TrimLeft(a.CustomerID, "0")
	switch owner, taken := owners[customer]; {
	case customer == "":
	case expected != "" && expected != customer:
		refused = fmt.Sprintf("the key belongs to customer %s, customer_id expects %s", customer, a.CustomerID)
	case taken:
		refused = fmt.Sprintf("account %s has the numbers of customer %s already", owner, customer)
	default:
		owners[customer] = a.Name
	}
	if refused != "" && refused != a.refused {
		level.Error(a.logger).Log("msg", "account refused, its numbers are not shown", "err", refused)
	}
	a.refused = refused
	return refused != ""
}

// tried tells whether the account has numbers or has finished an attempt.
func (a *account) tried() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.monthBill.tried()
}
