package collector

import (
	"cmp"
	"context"
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
// show, refuse and tried are for others.
type account struct {
	Account
	options Options
	client  *billclient.Client
	logger  log.Logger
	changed func() // called when there is something new to show

	next       time.Time              // of the regular refresh
	keyRefused bool                   // by the API, or by whoever keeps it
	key        billclient.Credentials // with which the last attempt was made
	owner      string                 // access key id with which the snapshot was read
	oneByOne   time.Time              // until when the months are asked one by one

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
		if now := wall(); a.regular(now) || !now.Before(a.due()) {
			select {
			case slots <- struct{}{}:
				a.refresh(ctx)
				<-slots
			case <-ctx.Done():
			}
		}
		sleep(ctx, min(wake, a.due().Sub(wall())))
	}
}

// wall returns the time by the clock on the wall. Its monotonic twin stands still while a machine sleeps, and numbers
// grow old all the same.
func wall() time.Time { return time.Now().Round(0) }

// regular tells whether everything is to be asked: at the account's tick, with a new key, and when the clock was set
// back by so much that the tick is out of reach.
func (a *account) regular(now time.Time) bool {
	return !now.Before(a.next) || a.next.Sub(now) > a.options.Refresh.Interval || a.keyReplaced()
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

// keyReplaced tells whether a key that was refused, or was not to be had, is another one by now.
func (a *account) keyReplaced() bool {
	if !a.keyRefused {
		return false
	}
	key, err := a.API.Credentials()
	return err == nil && key != a.key
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
	now := wall()
	regular := a.regular(now)
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
	s.up, s.failed, s.retry = s.tried(), 0, time.Time{}
}

// ask makes one attempt at a source and takes down how it went. An attempt that the end of the program cut short says
// nothing about the source.
func (a *account) ask(ctx context.Context, s *source, read func(context.Context) error) {
	began := wall()
	key, _ := a.API.Credentials() // the client asks again, and says what is wrong
	err := read(ctx)
	if ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	recovered := s.failing() && err == nil
	s.settle(began, wall(), err, a.options.Refresh.Interval)
	a.measure(s)
	a.mu.Unlock()
	if err == nil || s.reason == billclient.Auth {
		a.keyRefused, a.key = err != nil, key
	}
	a.report(s, err, recovered)
	a.changed()
}

// measure takes down what the source's numbers cover.
func (a *account) measure(s *source) {
	switch s {
	case &a.monthBill:
		s.lines, s.data = len(a.snapshot.months), a.snapshot.newestClosed(wall())
	case &a.detailBill:
		s.lines, s.data = a.snapshot.lines(billclient.MonthOf(wall()) - 1)
	}
}

func (a *account) report(s *source, err error, recovered bool) {
	logger := log.With(a.logger, "source", s.name, "duration", s.duration)
	failure := "refresh failed, the last good numbers stay"
	if s.lastSuccess.IsZero() {
		failure = "refresh failed, there are no numbers yet"
	}
	switch {
	case err != nil:
		level.Warn(logger).Log("msg", failure, "reason", s.reason, "err", err,
			"next", a.due().In(billclient.Beijing).Format(time.RFC3339))
	case recovered:
		level.Info(logger).Log("msg", "refreshed, the source works again", a.counted(s), s.lines)
	default:
		level.Info(logger).Log("msg", "refreshed", a.counted(s), s.lines)
	}
}

// counted says what a source's numbers are made of.
func (a *account) counted(s *source) string {
	if s == &a.monthBill {
		return "months"
	}
	return "lines"
}

// replace puts a new snapshot in place of the old one.
func (a *account) replace(s *snapshot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.snapshot = s
}

// readMonthBills asks for the bills of the running month and the past ones.
func (a *account) readMonthBills(ctx context.Context) error {
	now := wall()
	to := billclient.MonthOf(now)
	from := max(to.Add(-a.options.Months.Past), billclient.FirstMonth)
	if to < from {
		return &billclient.Error{
			Action: billclient.GetMonthBill, Reason: billclient.Invalid,
			Err: fmt.Errorf("the clock of this machine says %v, but there are no bills before %v", to, from),
		}
	}
	bills, err := a.monthBills(ctx, from, to)
	if err != nil {
		return err
	}
	byMonth, customer, err := sortBills(bills)
	if err != nil {
		return err
	}
	known := a.known(customer)
	next := &snapshot{months: map[billclient.Month]month{}}
	for m := from; m <= to; m++ {
		before, had := known.months[m]
		switch {
		case len(byMonth[m]) > 0:
			next.months[m] = month{summary: summarize(byMonth[m], now), lines: before.lines}
		case had && (m == to || before.final()):
			// Far more likely a short answer than a bill taken back, and it must not look like a cheap month.
			return &billclient.Error{
				Action: billclient.GetMonthBill, Reason: billclient.Incomplete,
				Err: fmt.Errorf("the answer lacks the bill of %v, which earlier answers had", m),
			}
		case had: // what the month had come to while it ran, until its bill is there or this is too old
			next.months[m] = before
		}
	}
	a.owner = a.accessKeyID()
	a.replace(next)
	return nil
}

// sortBills sorts bills by month, and finds out whose they are, as far as their ids tell.
func sortBills(bills []billclient.MonthBill) (byMonth map[billclient.Month][]billclient.MonthBill, customer string,
	err error,
) {
	byMonth = map[billclient.Month][]billclient.MonthBill{}
	for _, bill := range bills {
		if bill.BillType != "" && bill.BillType != "postpay" { // any other would be shown as postpaid
			return nil, "", &billclient.Error{
				Action: billclient.GetMonthBill, Reason: billclient.Decode,
				Err: fmt.Errorf("bill of %v: BillType %q, want postpay", bill.Month, bill.BillType),
			}
		}
		byMonth[bill.Month] = append(byMonth[bill.Month], bill)
		customer = cmp.Or(customer, customerOf(bill.BillID))
	}
	return byMonth, customer, nil
}

// known returns what earlier answers said, nothing if they may have been about another customer: when the key is
// another one and the bills do not tell that they are the same customer's. Bills are compared with bills: what their
// ids suggest need not be what lines say.
func (a *account) known(customer string) *snapshot {
	before := a.snapshot.suggestedCustomer()
	sameKey := a.owner == a.accessKeyID()
	switch {
	case customer != "" && before != "" && customer != before, !sameKey && (customer == "" || before == ""):
		return &snapshot{}
	default:
		return a.snapshot
	}
}

// accessKeyID returns the id of the key in use, empty if there is none.
func (a *account) accessKeyID() string {
	key, _ := a.API.Credentials()
	return key.AccessKeyID
}

// monthBills asks for a range of months in one call. How many months a call may span is not documented: where the API
// finds the range invalid, each month is asked alone, for a day.
func (a *account) monthBills(ctx context.Context, from, to billclient.Month) ([]billclient.MonthBill, error) {
	if now := wall(); now.After(a.oneByOne) {
		bills, err := a.client.GetMonthBill(ctx, from, to)
		if err == nil || billclient.ReasonOf(err) != billclient.Invalid || from == to {
			return bills, err
		}
		level.Warn(a.logger).Log("msg", "the API refuses a range of months, they are asked one by one", "err", err)
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
	if wall().After(a.oneByOne) {
		a.oneByOne = wall().Add(24 * time.Hour)
	}
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
	var failure error
	for _, m := range months {
		switch err := a.readLines(ctx, m); {
		case err == nil:
		case failure == nil:
			failure = fmt.Errorf("%v: %w", m, err)
		default:
			failure = fmt.Errorf("%w; %v: %w", failure, m, err)
		}
	}
	return failure
}

// readLines reads the lines of one month, each attempt into a ledger of its own.
func (a *account) readLines(ctx context.Context, m billclient.Month) error {
	now, bill := wall(), a.snapshot.months[m].summary
	query := billclient.DetailQuery{From: m, To: m, Tags: len(a.options.Instances.Tags) > 0}
	var l *ledger
	err := a.client.Retry(ctx, billclient.GetPostpayDetailBill, func() error {
		l = newLedger(a.options.Instances)
		for line, err := range a.client.GetPostpayDetailBill(ctx, query) {
			if err == nil {
				err = a.expect(line.CustomerID)
			}
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
	a.replace(a.snapshot.withLines(m, l.close(bill, now)))
	return nil
}

// expect fails if a line is of another customer than the configuration expects.
func (a *account) expect(customer string) error {
	if a.CustomerID == "" || customer == "" || bare(customer) == bare(a.CustomerID) {
		return nil
	}
	return &billclient.Error{
		Action: billclient.GetPostpayDetailBill, Reason: billclient.Auth,
		Err: fmt.Errorf("a line is of customer %s, customer_id expects %s", customer, a.CustomerID),
	}
}

// bare returns a customer id without the zeros that bill ids pad it with.
func bare(customerID string) string { return strings.TrimLeft(customerID, "0") }

// refuse decides whether the account's numbers may be shown: not if they are of another customer than the configuration
// expects, nor if an account in owners, which has the earlier ones by their customer, shows them already.
func (a *account) refuse(owners map[string]string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	customer, refused := a.snapshot.customerID(), ""
	expected := bare(a.CustomerID)
	switch owner, taken := owners[customer]; {
	case customer == "" && expected != "" && len(a.snapshot.months) > 0:
		refused = "nothing tells yet whose numbers these are, customer_id expects " + a.CustomerID
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
