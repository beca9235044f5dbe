// Package collector turns bills into metrics: it decides when to ask the billing API, adds up what it answers, and
// publishes pages of finished families. A page holds the last good numbers of every account and is replaced whole or
// not at all.
package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	reload  chan Options
	health  *health

	mu       sync.Mutex // guards what follows
	options  Options
	accounts []*account
}

// New returns a Collector that hands its pages to publish. It registers its own health metrics with registry, and reads
// what options.State has kept. It starts nothing.
func New(
	options Options, registry prometheus.Registerer, publish func(*exposition.Page), logger log.Logger,
) *Collector {
	c := &Collector{
		options: options, logger: logger, publish: publish,
		changed: make(chan struct{}, 1), reload: make(chan Options), health: newHealth(registry),
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
	of.API.Observe, of.API.Retried = c.health.observe(of.Name), c.health.retried(of.Name)
	a := newAccount(of, options, c.logger)
	a.changed, a.saved = c.change, c.health.saved(a.logger)
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
		level.Info(a.logger).Log("msg", "numbers from before the restart", "next",
			a.due().In(billclient.Beijing).Format(time.RFC3339))
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
	last, changed := "", true
	for {
		now := wall()
		all := c.show(now)
		if outline := outline(all); changed || outline != last {
			page, err := c.current().page(all)
			if err != nil {
				return fmt.Errorf("page: %w", err)
			}
			c.publish(page)
			c.health.rendered(page)
			level.Debug(c.logger).Log("msg", "page published", "series", page.Series(), "bytes", page.Size())
			last = outline
		}
		timer := time.NewTimer(min(wake, billclient.DayOf(now).End().Sub(now)))
		select {
		case <-ctx.Done():
			return nil
		case <-c.changed:
			changed = true
		case <-timer.C:
			changed = false
		}
		timer.Stop()
	}
}

// show looks at all accounts at the instant now. Of two accounts of one customer the first in the configuration is
// shown, whichever answered first.
func (c *Collector) show(now time.Time) []shown {
	accounts := c.all()
	owners := map[string]string{}
	all := make([]shown, len(accounts))
	for i, a := range accounts {
		all[i] = a.show(now, a.refuse(owners))
	}
	return all
}

// outline tells pages apart that differ without an account having changed: by what the clock alone shows and hides.
func outline(all []shown) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintln(&b, s.now, s.newest, s.refused)
		for n, m := range s.months(0, s.options.Months.Past) {
			fmt.Fprintln(&b, n, m.Lines != nil)
		}
		for _, by := range []split{byPayMode, byGroup, byProject} {
			fmt.Fprintln(&b, s.union(0, by) != nil, s.union(1, by) != nil)
		}
	}
	return b.String()
}

// Ready tells whether every account has numbers, or at least one finished attempt: one bad key does not block the
// others.
func (c *Collector) Ready() bool {
	return !slices.ContainsFunc(c.all(), func(a *account) bool { return !a.tried() })
}
