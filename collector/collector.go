// Package collector turns bills into metrics: it decides when to ask the billing API, adds up what it answers, and
// publishes pages of finished families. A page holds the last good numbers of every account and is replaced whole or
// not at all.
package collector

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/exposition"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
)

// Collector keeps the cost of all accounts up to date. It is safe for concurrent use.
type Collector struct {
	logger  log.Logger
	publish func(*exposition.Page)
	changed chan struct{} // holds a token while there is something new to show
	reload  chan reload
	health  *health
	calls   map[string]*Calls // by account, those that are gone too: a day's calls stay made
	reading chan struct{}     // of all accounts

	mu       sync.Mutex // guards what follows
	options  Options
	accounts []*account
	page     []shown // what the published page shows
}

// New returns a Collector that hands its pages to publish. It registers its own health metrics with registry, and reads
// what options.State has kept. It starts nothing.
func New(
	options Options, registry prometheus.Registerer, publish func(*exposition.Page), logger log.Logger,
) *Collector {
	c := &Collector{
		options: options, logger: logger, publish: publish,
		changed: make(chan struct{}, 1), reload: make(chan reload), health: newHealth(registry),
		calls: map[string]*Calls{},
	}
	for _, of := range options.Accounts {
		a := c.newAccount(of, options)
		c.restore(a)
		c.accounts = append(c.accounts, a)
	}
	registry.MustRegister(c)
	return c
}

func (c *Collector) newAccount(of Account, options Options) *account {
	if c.calls[of.Name] == nil {
		saved := c.health.saved(log.With(c.logger, "account", of.Name, "what", "calls of today"))
		c.calls[of.Name] = NewCalls(options.State.path(), of.Name, saved)
	}
	of.API.Counter = c.calls[of.Name]
	of.API.Observe, of.API.OnRetry = c.health.observe(of.Name), c.health.retried(of.Name)
	if n := options.Refresh.Concurrency; n != cap(c.reading) {
		c.reading = make(chan struct{}, n)
	}
	a := newAccount(of, options, c.logger)
	a.reading = c.reading
	a.changed, a.saved = c.change, c.health.saved(log.With(a.logger, "what", "numbers"))
	return a
}

// restore gives an account what was kept of it before a restart.
func (c *Collector) restore(a *account) {
	k, err := a.options.State.load(a.Name, a.fingerprint())
	if err != nil {
		level.Error(a.logger).Log("msg", "kept numbers are not used, the API is asked", "err", err)
	}
	if k != nil {
		a.resume(k)
		next := later(a.due(), wall())
		level.Info(a.logger).Log("msg", "numbers from before the restart", "next",
			next.In(billclient.Beijing).Format(time.RFC3339))
	}
}

func (c *Collector) change() {
	select {
	case c.changed <- struct{}{}:
	default: // a page that is yet to be rendered will show this change too
	}
}

// Run refreshes the accounts and publishes pages until ctx ends and all that it started has ended.
func (c *Collector) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.keepPublished(ctx) })
	group.Go(func() error {
		c.keepRunning(ctx)
		return nil
	})
	return group.Wait()
}

// keepPublished renders a page when an account has changed, when a day or the month ends in Beijing, and when numbers
// become too old.
func (c *Collector) keepPublished(ctx context.Context) error {
	for {
		rendered := wall()
		until, err := c.render(rendered)
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		for now := rendered; now.Before(until) && !now.Before(rendered); now = wall() {
			timer := time.NewTimer(min(wake, until.Sub(now)))
			select {
			case <-ctx.Done():
				return nil
			case <-c.changed:
				until = rendered
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}

// render publishes a page of how things stand at the instant now, and returns until when it holds unless an account
// changes.
func (c *Collector) render(now time.Time) (until time.Time, err error) {
	options, all := c.show(now)
	page, err := options.page(all)
	if err != nil {
		return time.Time{}, err
	}
	c.publish(page)
	c.mu.Lock()
	c.page = all
	c.mu.Unlock()
	c.health.rendered(page)
	level.Debug(c.logger).Log("msg", "page published", "series", page.Series(), "bytes", page.Size())
	until = billclient.DayOf(now).End()
	for _, s := range all {
		until = earlier(until, s.until(now))
	}
	return until, nil
}

// show looks at all accounts at the instant now, with the options that are in force. Of two accounts of one customer
// the first in the configuration is shown, whichever answered first.
func (c *Collector) show(now time.Time) (Options, []shown) {
	options, accounts := c.inForce()
	owners := map[string]string{}
	all := make([]shown, len(accounts))
	for i, a := range accounts {
		all[i] = a.show(now, a.refuse(owners))
	}
	return options, all
}

// Ready tells whether every account has numbers, or at least one finished attempt: one bad key does not block the
// others.
func (c *Collector) Ready() bool {
	_, accounts := c.inForce()
	return !slices.ContainsFunc(accounts, func(a *account) bool { return !a.tried() })
}
