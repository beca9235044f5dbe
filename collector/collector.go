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
)

// Collector keeps the cost of all accounts up to date. It is safe for concurrent use.
type Collector struct {
	options  Options
	logger   log.Logger
	publish  func(*exposition.Page)
	accounts []*account
	changed  chan struct{} // holds a token while there is something new to show
	health   *health
}

// New returns a Collector that hands its pages to publish. It registers its own health metrics with registry and starts
// nothing.
func New(
	options Options, registry prometheus.Registerer, publish func(*exposition.Page), logger log.Logger,
) *Collector {
	c := &Collector{options: options, logger: logger, publish: publish, changed: make(chan struct{}, 1)}
	c.health = newHealth(registry)
	for _, a := range options.Accounts {
		a.API.Observe, a.API.Retried = c.health.observe(a.Name), c.health.retried(a.Name)
		c.accounts = append(c.accounts, newAccount(a, options, logger, c.change))
	}
	registry.MustRegister(c)
	return c
}

func (c *Collector) change() {
	select {
	case c.changed <- struct{}{}:
	default: // a page that is yet to be rendered will show this change too
	}
}

// Run refreshes the accounts and publishes pages until ctx ends and all that it started has ended.
func (c *Collector) Run(ctx context.Context) error {
	slots := make(chan struct{}, c.options.Refresh.Concurrency)
	var running sync.WaitGroup
	for _, a := range c.accounts {
		running.Go(func() { a.run(ctx, slots) })
	}
	defer running.Wait()
	return c.keepPublished(ctx)
}

// keepPublished renders a page when an account has changed, when the month ends in Beijing, and when numbers become too
// old.
func (c *Collector) keepPublished(ctx context.Context) error {
	last, changed := "", true
	for {
		now := wall()
		all := c.show(now)
		if outline := outline(all); changed || outline != last {
			page, err := c.options.page(all)
			if err != nil {
				return fmt.Errorf("page: %w", err)
			}
			c.publish(page)
			c.health.rendered(page)
			level.Debug(c.logger).Log("msg", "page published", "series", page.Series(), "bytes", page.Size())
			last = outline
		}
		timer := time.NewTimer(min(wake, billclient.MonthOf(now).End().Sub(now)))
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
	owners := map[string]string{}
	all := make([]shown, len(c.accounts))
	for i, a := range c.accounts {
		all[i] = a.show(now, a.refuse(owners))
	}
	return all
}

// outline tells pages apart that differ without an account having changed: by what the clock alone shows and hides.
func outline(all []shown) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintln(&b, s.now, s.refused)
		for n, m := range s.months(0, s.options.Months.Past) {
			fmt.Fprintln(&b, n, m.lines != nil)
		}
	}
	return b.String()
}

// Ready tells whether every account has numbers, or at least one finished attempt: one bad key does not block the
// others.
func (c *Collector) Ready() bool {
	return !slices.ContainsFunc(c.accounts, func(a *account) bool { return !a.tried() })
}
