// Package collector decides when to ask the billing API and whose numbers an answer has, keeps them over a restart, and
// publishes pages of metrics. A page holds the last good numbers of every account and is replaced whole or not at all.
package collector

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/exposition"
	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
)

// Collector keeps the cost of all accounts up to date. It is safe for concurrent use.
type Collector struct {
	logger  log.Logger
	publish func(*exposition.Page)
	changes chan struct{} // holds a token while there is something new to keep or to show
	isStale atomic.Bool   // there is something new to show
	writes  chan struct{} // has room for each account that may write its state at once
	reloads chan reload
	health  *health
	calls   map[string]*Calls // by account, those that are gone too: a day's calls stay made
	slots   *slots
	vault   vault

	mu       sync.Mutex // guards what follows
	options  Options
	accounts []*account
	page     shown

	unmatched unmatched // used by render only
}

// shown is what the published page shows. What is made of it for a page is made again for people: among hundreds of
// accounts it is large, and a page is looked at by few.
type shown struct {
	at       time.Time
	options  metrics.Options
	accounts []metrics.Account // before AsOf
}

// asOf returns the accounts as the page shows them.
func (s shown) asOf() []metrics.Account {
	all := make([]metrics.Account, len(s.accounts))
	for i, a := range s.accounts {
		all[i] = a.AsOf(s.at, s.options)
	}
	return all
}

// New returns a Collector that hands its pages to publish. It registers its own health metrics with registry, and reads
// what options.State has kept. It starts nothing.
func New(
	options Options, registry prometheus.Registerer, publish func(*exposition.Page), logger log.Logger,
) *Collector {
	c := &Collector{
		options: options, logger: logger, publish: publish,
		changes: make(chan struct{}, 1), writes: make(chan struct{}, mostWrites),
		reloads: make(chan reload), health: newHealth(registry),
		calls: map[string]*Calls{}, slots: newSlots(options.Refresh.Concurrency), unmatched: unmatched{},
	}
	if options.StateErr != nil {
		c.health.onSave(logger)(options.StateErr)
	}
	c.loadState()
	for _, configured := range options.Accounts {
		c.accounts = append(c.accounts, c.newAccount(configured, options))
	}
	takeCustodies(c.accounts)
	retire(&c.vault, options, logger, now()) // what the accounts have not taken over
	c.makeRoom(c.accounts)
	return c
}

// makeRoom has accounts save their numbers without overwriting those of others (see makeRoom of accounts).
func (c *Collector) makeRoom(accounts []*account) {
	if c.options.State == nil {
		return
	}
	_, err := patiently(context.Background(), &patient{}, "state_dir", func() (struct{}, error) {
		return struct{}{}, makeRoom(c.options.State, &c.vault, accounts)
	})
	if err != nil {
		level.Error(c.logger).Log("msg", "kept numbers may be overwritten", "err", err)
	}
}

// takeCustodies has accounts read their keys, all at once: a file that hangs holds up no other account.
func takeCustodies(accounts []*account) {
	atOnce(accounts, func(a *account) { a.takeCustody(context.Background()) })
}

// loadState puts what was kept before a restart into the vault, where accounts find it.
func (c *Collector) loadState() {
	all, errs := c.options.State.load()
	for _, k := range all {
		c.vault.put(k)
	}
	for _, err := range errs {
		level.Error(c.logger).Log("msg", "kept numbers are not used, the API is asked", "err", err)
	}
}

func (c *Collector) newAccount(configured Account, options Options) *account {
	if c.calls[configured.Name] == nil {
		onUse := c.health.onSave(log.With(c.logger, "account", configured.Name, "what", "calls of today"))
		c.calls[configured.Name] = NewCalls(options.State.path(), configured.Name, onUse)
	}
	configured.API.Counter = c.calls[configured.Name]
	logger := log.With(c.logger, "account", configured.Name)
	configured.API.Observe = c.health.observe(configured.Name, logger)
	configured.API.OnRetry = c.health.onRetry(configured.Name)
	configured.API.DailyReserve = dailyReserve(configured.API.DailyCalls, options)
	configured.API.MostPages = configured.API.DailyCalls / 2 // the other half is for all other sources
	configured.API.OnLeftOut = logLeftOut(logger)
	a := newAccount(configured, options, c.logger, &c.vault, c.slots)
	a.writes, a.onLearn = c.writes, c.wakeUp
	a.onChange, a.onSave = c.noteChange, c.health.onSave(log.With(a.logger, "what", "numbers"))
	return a
}

// dailyReserve returns how many of a day's calls are left to the summaries: what they need for a whole day of
// refreshes, at most half of the calls.
func dailyReserve(dailyCalls int, o Options) int {
	callsOfRefresh := o.Months.Past + 1 + 2 // GetMonthBill, month by month at worst, and getMonthConsume of two months
	refreshes := max(1, int(24*time.Hour/o.Refresh.Interval))
	return min(dailyCalls/2, callsOfRefresh*refreshes)
}

// noteChange has a new page rendered.
func (c *Collector) noteChange() {
	c.isStale.Store(true)
	c.wakeUp()
}

// wakeUp has what accounts have learned kept, and a page rendered if one is due.
func (c *Collector) wakeUp() {
	select {
	case c.changes <- struct{}{}:
	default: // what is yet to be done will do for this change too
	}
}

// Run refreshes the accounts and publishes pages until ctx ends and all that it started has ended.
func (c *Collector) Run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return c.keepPublished(running) })
	group.Go(func() error {
		c.keepRunning(running)
		return nil
	})
	err := group.Wait()
	_, accounts := c.inForce()
	atOnce(accounts, func(a *account) { a.keepNow(running) })
	return err
}

// mostWrites is how many accounts write their state at once: each has a megabyte in hand meanwhile.
const mostWrites = 8

// atOnce calls a function with all accounts at once: a file of one that hangs holds up no other.
func atOnce(accounts []*account, call func(*account)) {
	var calls sync.WaitGroup
	for _, a := range accounts {
		calls.Go(func() { call(a) })
	}
	calls.Wait()
}

// keepInTime keeps what accounts have learned, and shows it after that. It waits for a second: what is kept later is
// shown later.
func (c *Collector) keepInTime(ctx context.Context) {
	_, accounts := c.inForce()
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		atOnce(accounts, func(a *account) { a.keepUnlessSaving(ctx) })
	}()
	limit := time.NewTimer(time.Second)
	defer limit.Stop()
	select {
	case <-kept:
	case <-limit.C:
	}
}

// pagePause is the least time between two pages: a refresh has the answers of a dozen sources one after the other. It
// is longer where a page takes long to make, so that a twentieth of a core is enough for pages.
const (
	pagePause     = 200 * time.Millisecond
	mostPagePause = 30 * time.Second
)

// keepPublished renders a page when an account has changed, when a day or the month ends in Beijing, and when numbers
// become too old. What accounts have learned until then is kept before, all of an account at once.
func (c *Collector) keepPublished(ctx context.Context) error {
	var rendered, until time.Time // of the page that is published
	pause := pagePause
	for {
		c.keepInTime(ctx)
		at := now()
		if c.isStale.Swap(false) || !at.Before(until) || at.Before(rendered) {
			stopwatch := time.Now()
			var err error
			if until, err = c.render(at); err != nil {
				return fmt.Errorf("page: %w", err)
			}
			rendered = at
			pause = min(max(pagePause, 19*time.Since(stopwatch)), mostPagePause)
		}
		if !c.awaitChange(ctx, at, until, pause) {
			return nil
		}
	}
}

// awaitChange waits until an instant, or until something has changed and a pause since the last look is over, or the
// clock was set back. It reports whether ctx goes on.
func (c *Collector) awaitChange(ctx context.Context, looked, until time.Time, pause time.Duration) bool {
	for at := looked; at.Before(until) && !at.Before(looked); at = now() {
		timer := time.NewTimer(min(wake, until.Sub(at)))
		select {
		case <-ctx.Done():
			return false
		case <-c.changes:
			until = earlierOf(until, looked.Add(pause))
		case <-timer.C:
		}
		timer.Stop()
	}
	return true
}

// render publishes a page of what is known at the instant now, and returns until when it holds unless an account
// changes.
func (c *Collector) render(now time.Time) (until time.Time, err error) {
	next := c.show(now)
	all := next.asOf()
	for i, a := range all {
		unmatched := c.unmatched.update(now, a, c.logger)
		next.accounts[i].Unmatched, all[i].Unmatched = unmatched, unmatched
	}
	page, err := metrics.Render(next.options, all)
	if err != nil {
		return time.Time{}, err
	}
	c.publish(page)
	c.mu.Lock()
	c.page = next
	c.mu.Unlock()
	c.health.setPage(page)
	level.Debug(c.logger).Log("msg", "page published", "series", page.Series(), "bytes", page.Size())
	until = billclient.DayOf(now).End()
	for _, a := range all {
		until = earlierOf(until, a.ValidUntil(now))
	}
	return until, nil
}

// show returns what is shown at the instant now. Of two accounts of one customer the first in the configuration is
// shown, whichever answered first.
func (c *Collector) show(now time.Time) shown {
	options, accounts := c.inForce()
	next := shown{now, options.metricsOptions(), make([]metrics.Account, len(accounts))}
	claims := claims{}
	for i, a := range accounts {
		next.accounts[i] = a.show(a.refuse(claims))
	}
	return next
}

// Readiness returns how many accounts there are, and how many of them have numbers, or at least one finished attempt:
// one bad key does not block the others.
func (c *Collector) Readiness() (asked, accounts int) {
	_, all := c.inForce()
	for _, a := range all {
		if a.hasTried() {
			asked++
		}
	}
	return asked, len(all)
}

// Status returns what the page of metrics that was published last says, for people, and how asking goes at this moment.
// It makes no call.
func (c *Collector) Status() metrics.Status {
	status := metrics.Status{At: now()}
	c.mu.Lock()
	page, inForce := c.page, map[string]*account{}
	for _, a := range c.accounts {
		inForce[a.Name] = a
	}
	c.mu.Unlock()
	for _, a := range page.asOf() {
		shown := metrics.StatusOf(a)
		if account := inForce[a.Name]; account != nil { // else it was removed by a reload since
			account.addProgress(&shown, status.At)
		}
		status.Accounts = append(status.Accounts, shown)
	}
	return status
}

// Families yields how asking goes at this moment, as families that are to be followed by those of the registry. Metrics
// of client_golang would be several times as large as their text: there are hundreds of series for each account. It
// makes no call.
func (c *Collector) Families(yield func(exposition.Family) bool) {
	_, accounts := c.inForce()
	all := make([]asked, len(accounts))
	for i, a := range accounts {
		all[i] = newAsked(a)
	}
	for _, f := range liveFamilies {
		family := exposition.Family{Name: f.name, Help: f.help, Counter: f.isCounter, Labels: f.labels}
		family.Samples = func(yield func([]string, float64) bool) {
			for i := range all {
				for labels, value := range f.samples(&all[i]) {
					if !yield(labels, value) {
						return
					}
				}
			}
		}
		if !yield(family) {
			return
		}
	}
}
