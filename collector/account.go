package collector

import (
	"context"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// account asks for one account's money and keeps the last good numbers. Only its own goroutine (run) asks, and only it
// knows more than is visible; show, refuse and tried are for others.
type account struct {
	Account
	options Options
	client  *billclient.Client
	logger  log.Logger
	changed func()        // called when there is something new to show
	saved   func(error)   // called with what came of keeping it
	reading chan struct{} // holds a token for each account that reads lines; all accounts share it

	snapshot *snapshot
	next     time.Time // of the regular refresh
	underway bool      // the regular refresh has begun, and not ended
	key      string    // fingerprint of the key with which the last attempt was made
	owner    string    // fingerprint of the access key id with which the snapshot was read
	asker    string    // fingerprint of the access key id with which a source is being asked
	replaced time.Time // when the key last became another one while a source was being asked
	oneByOne time.Time // until when the months are asked one by one

	monthBill, monthConsume                        source
	payModeSummary, productSummary, projectSummary source
	detailConsume, detailBill                      source

	mu      sync.Mutex // guards what follows
	visible visible
	refused *Refusal // why the numbers are not shown; nil if they are
}

// visible is what others see of an account: what is known, once it is kept.
type visible struct {
	snapshot *snapshot
	owner    string // fingerprint of the access key id with which it was read
	sources  []source
}

func newAccount(a Account, options Options, logger log.Logger) *account {
	return &account{
		Account: a, options: options, client: billclient.New(a.API),
		logger:         log.With(logger, "account", a.Name),
		changed:        func() {},
		saved:          func(error) {},
		reading:        make(chan struct{}, max(1, options.Refresh.Concurrency)),
		snapshot:       &snapshot{},
		visible:        visible{snapshot: &snapshot{}},
		monthBill:      newSource("month_bill"),
		monthConsume:   newSource("month_consume"),
		payModeSummary: newSource("pay_mode_summary"),
		productSummary: newSource("product_summary"),
		projectSummary: newSource("project_summary"),
		detailConsume:  newSource("detail_consume"),
		detailBill:     newSource("detail_bill"),
	}
}

// sources returns all sources of the account, in the order in which they are asked.
func (a *account) sources() []*source {
	return []*source{
		&a.monthBill, &a.monthConsume, &a.payModeSummary, &a.productSummary, &a.projectSummary,
		&a.detailConsume, &a.detailBill,
	}
}

// summaries returns those of the sources that tell what is worth reading.
func (a *account) summaries() []*source {
	return slices.DeleteFunc(a.open(), func(s *source) bool { return s == &a.detailConsume || s == &a.detailBill })
}

// wake bounds every wait, so that a clock that was set, a machine that slept and a key that was replaced are noticed.
const wake = time.Minute

// run refreshes the account whenever it is due, until ctx ends. slots bounds how many accounts ask for summaries at
// once, and reading how many read lines: those may take hours, and hold up nobody's summaries.
func (a *account) run(ctx context.Context, slots chan struct{}) {
	for ctx.Err() == nil {
		if now := wall(); a.regular(now) || !now.Before(a.due()) {
			a.refresh(ctx, slots)
		}
		sleep(ctx, min(wake, a.due().Sub(wall())))
	}
}

// wall returns the time by the clock on the wall, which tests set. Its monotonic twin stands still while a machine
// sleeps, and numbers grow old all the same.
var wall = func() time.Time { return time.Now().Round(0) }

// regular tells whether everything is to be asked: at the account's tick, with a new key, and when the clock was set
// back by so much that the tick is out of reach.
func (a *account) regular(now time.Time) bool {
	return !now.Before(a.next) || a.next.Sub(now) > a.options.Refresh.Interval || a.keyReplaced()
}

// within does something while it holds a slot, unless ctx ends before there is one. One that is free is taken anyway.
func within(ctx context.Context, slots chan struct{}, do func()) {
	select {
	case slots <- struct{}{}:
	default:
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
	defer func() { <-slots }()
	do()
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
func (a *account) due() time.Time { return a.dueOf(a.open()) }

func (a *account) dueOf(sources []*source) time.Time {
	at := a.next
	for _, s := range sources {
		if s.failing() && s.retry.Before(at) {
			at = s.retry
		}
	}
	return at
}

// keyReplaced tells whether a key that was refused, or was not to be had, is another one by now.
func (a *account) keyReplaced() bool {
	refused := func(s *source) bool { return s.reason == billclient.Auth }
	if !slices.ContainsFunc(a.sources(), refused) {
		return false
	}
	key, err := a.API.Credentials()
	return err == nil && keyFingerprint(key) != a.key
}

func keyFingerprint(key billclient.Credentials) string {
	return fingerprint(key.AccessKeyID, key.SecretAccessKey)
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

// refresh asks what is due, summaries before lines: they tell which lines are worth reading. A regular one that was cut
// short, by the end of the program or a kill, begins anew with the next process: until it is over, no next one is kept.
func (a *account) refresh(ctx context.Context, slots chan struct{}) {
	var regular bool
	within(ctx, slots, func() {
		now := wall()
		if regular = a.regular(now); regular {
			a.next, a.underway = phase(a.Name, a.options.Refresh.Interval, now), true
		}
		a.askSummaries(ctx, regular)
	})
	a.askDetails(ctx, regular)
	if a.next.IsZero() {
		a.next = a.anew(wall())
	}
	if a.underway && ctx.Err() == nil {
		a.underway = false
		a.save()
	}
}

func (a *account) askSummaries(ctx context.Context, regular bool) {
	a.askIfDue(ctx, &a.monthBill, regular, a.readMonthBills)
	a.askIfDue(ctx, &a.monthConsume, regular, a.readMonthConsumes)
	if a.API.UnionEndpoint != "" {
		a.askUnion(ctx, &a.payModeSummary, regular, byPayMode)
		a.askUnion(ctx, &a.productSummary, regular, byGroup)
		a.askUnion(ctx, &a.projectSummary, regular, byProject)
	}
}

// askUnion asks bill-union how months are parted in one way.
func (a *account) askUnion(ctx context.Context, s *source, regular bool, by split) {
	a.askIfDue(ctx, s, regular, func(ctx context.Context) error { return a.readUnion(ctx, by) })
}

func (a *account) askIfDue(ctx context.Context, s *source, regular bool, read func(context.Context) error) {
	if now := wall(); regular && !s.held(now) || s.due(now) {
		a.ask(ctx, s, read)
	}
}

// askDetails asks for lines, once there is a slot. It gives up waiting when summaries are due again: with them, lines
// are.
func (a *account) askDetails(ctx context.Context, regular bool) {
	waiting, cancel := context.WithTimeout(ctx, a.dueOf(a.summaries()).Sub(wall()))
	defer cancel()
	within(waiting, a.reading, func() {
		a.askLines(ctx, &a.detailConsume, regular, estimated, a.readDetailConsume)
		a.askLines(ctx, &a.detailBill, regular, billed, a.readDetailBill)
	})
}

// askLines asks for the lines of the months that are due, if any are.
func (a *account) askLines(
	ctx context.Context, s *source, regular bool, of basis, read func(context.Context, billclient.Month) error,
) {
	switch months := a.linesToRead(of, wall()); {
	case len(months) == 0:
		a.forget(s)
	default:
		a.askIfDue(ctx, s, regular || !s.failing(), func(ctx context.Context) error {
			return a.readMonths(ctx, months, read)
		})
	}
}

// forget gives up the retry of a source of which nothing is wanted any more, as when the month has ended.
func (a *account) forget(s *source) {
	if !s.failing() {
		return
	}
	s.up = true
	s.mend()
	a.publish()
}

// ask makes one attempt at a source that may be asked, and takes down how it went. Of an attempt that the end of the
// program cut short, a reload or another key, nothing remains.
func (a *account) ask(ctx context.Context, s *source, read func(context.Context) error) {
	if a.next.IsZero() || !slices.Contains(a.open(), s) { // the first: another key has cut the refresh short
		return
	}
	began, stopwatch := wall(), time.Now()
	key, unknown := a.API.Credentials() // the client asks again, and says what is wrong
	a.asker = fingerprint(key.AccessKeyID)
	snapshot, owner := a.snapshot, a.owner
	err := read(ctx)
	replaced := a.askerReplaced() || unknown != nil && err == nil
	if replaced || unknown != nil || ctx.Err() != nil {
		a.snapshot, a.owner = snapshot, owner // what has come may be of two customers, and is not kept
	}
	switch {
	case replaced:
		a.next = time.Time{}
		level.Info(a.logger).Log("msg", "the key was replaced meanwhile, all is asked again", "source", s.name)
	case ctx.Err() == nil:
		a.key = keyFingerprint(key)
		a.settle(s, began, stopwatch, err)
	}
}

// settle takes down how an attempt ended, and shows it.
func (a *account) settle(s *source, began, stopwatch time.Time, err error) {
	before := s.reason
	s.settle(began, wall(), err, a.options.Refresh.Interval)
	s.duration = time.Since(stopwatch) // a clock that is set meanwhile has no part in it
	a.measure(s)
	a.report(s, err, before)
	a.publish()
}

// askerReplaced tells whether the access key id is another one than that of the attempt that was just made. One that
// is not to be had at the moment, as while its file is written, is not known to be.
func (a *account) askerReplaced() bool {
	key, err := a.API.Credentials()
	return err == nil && fingerprint(key.AccessKeyID) != a.asker
}

// anew returns when everything is to be asked again after another key has cut a refresh short: at once, but after a
// pause where keys take turns.
func (a *account) anew(now time.Time) time.Time {
	again := now
	if since := now.Sub(a.replaced); 0 <= since && since < firstRetry {
		again = now.Add(min(firstRetry, a.options.Refresh.Interval))
	}
	a.replaced = now
	return again
}

// publish makes what is known visible, after it is kept.
func (a *account) publish() {
	a.save()
	a.reveal()
	a.changed()
}

func (a *account) save() { a.saved(a.options.State.save(a.keep(), a.fingerprint())) }

func (a *account) reveal() {
	v := visible{snapshot: a.snapshot, owner: a.owner}
	for _, s := range a.sources() {
		v.sources = append(v.sources, s.clone())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visible = v
}

// measure takes down what the source's numbers cover.
func (a *account) measure(s *source) {
	now := wall()
	last := billclient.MonthOf(now) - 1
	switch s {
	case &a.monthBill:
		s.lines, s.data = a.snapshot.bills(now)
	case &a.monthConsume:
		s.lines, s.data = a.snapshot.estimates(last)
	case &a.payModeSummary:
		s.lines, s.data = a.snapshot.unions(byPayMode, now)
	case &a.productSummary:
		s.lines, s.data = a.snapshot.unions(byGroup, now)
	case &a.projectSummary:
		s.lines, s.data = a.snapshot.unions(byProject, now)
	case &a.detailConsume:
		s.lines, s.data = a.snapshot.lines(estimated, last)
	case &a.detailBill:
		s.lines, s.data = a.snapshot.lines(billed, last)
	}
}

// report logs how an attempt went, after one that failed for the reason before, if it did.
func (a *account) report(s *source, err error, before billclient.Reason) {
	logger := log.With(a.logger, "source", s.name, "duration", s.duration)
	failure := "refresh failed, the last good numbers stay"
	if s.lastSuccess.IsZero() {
		failure = "refresh failed, there are no numbers yet"
	}
	switch {
	case denied(err) && s.reason == before: // nothing new: it will be so until somebody grants it
		level.Debug(logger).Log("msg", failure, "reason", s.reason, "err", err)
	case err != nil:
		level.Warn(logger).Log("msg", failure, "reason", s.reason, "err", err,
			"next", a.due().In(billclient.Beijing).Format(time.RFC3339))
	case before != "":
		level.Info(logger).Log("msg", "refreshed, the source works again", a.counted(s), s.lines)
	default:
		level.Info(logger).Log("msg", "refreshed", a.counted(s), s.lines)
	}
}

// counted says what a source's numbers are made of.
func (a *account) counted(s *source) string {
	if s == &a.detailBill || s == &a.detailConsume {
		return "lines"
	}
	return "months"
}

// take takes over a snapshot that was read with the key that asks. One that took its place meanwhile is not its owner.
func (a *account) take(s *snapshot) {
	a.owner = a.asker
	a.replace(s)
}

// replace puts a new snapshot in place of the old one.
func (a *account) replace(s *snapshot) { a.snapshot = s }

// tried tells whether the account has numbers or has finished an attempt.
func (a *account) tried() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.visible.sources, func(s source) bool { return s.tried() })
}
