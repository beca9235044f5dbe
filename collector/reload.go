package collector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-kit/log/level"
)

// runner is an account whose goroutines run.
type runner struct {
	*account
	stop func() // and wait; nil: they do not run yet
}

// reload is what Reload hands to the goroutine that starts and stops accounts.
type reload struct {
	options Options
	applied chan struct{} // closed when they are in force
}

// Reload goes over to other options, once Run runs. An account that is the same in them goes on undisturbed. Another
// one ends before its successor starts, which takes over its numbers and its clock where they mean the same. The state
// directory and the registry stay. It returns when the new options are in force; if ctx ends before they are taken,
// they are not, and that is the error.
func (c *Collector) Reload(ctx context.Context, options Options) error {
	r := reload{options: options, applied: make(chan struct{})}
	select {
	case c.reloads <- r:
		<-r.applied
		return nil
	case <-ctx.Done():
		return fmt.Errorf("reload: %w", context.Cause(ctx))
	}
}

// inForce returns the options and the accounts that are in force, which belong together.
func (c *Collector) inForce() (Options, []*account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.options, c.accounts
}

// keepRunning runs every account, and goes over to other options, until ctx ends and all have ended.
func (c *Collector) keepRunning(ctx context.Context) {
	_, accounts := c.inForce()
	var running []runner
	for _, a := range accounts {
		running = append(running, launch(ctx, a))
	}
	days := time.NewTicker(24 * time.Hour)
	defer days.Stop()
	for {
		select {
		case <-days.C:
			options, _ := c.inForce()
			retire(&c.vault, options, c.logger, now())
		case r := <-c.reloads:
			running = c.replace(ctx, running, r.options)
			close(r.applied)
		case <-ctx.Done():
			for _, r := range running {
				r.stop()
			}
			return
		}
	}
}

func launch(ctx context.Context, a *account) runner {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.run(ctx)
	}()
	return runner{account: a, stop: func() {
		cancel()
		<-ended
	}}
}

// replace brings the running accounts to what the options want. Those that are gone or configured anew end first, so
// that their successors find their numbers in the vault, under whatever name.
func (c *Collector) replace(ctx context.Context, running []runner, options Options) []runner {
	before, _ := c.inForce()
	options.State = before.State
	isSame := func(r runner) bool {
		return slices.ContainsFunc(options.Accounts, func(a Account) bool { return r.sameAs(a, options) })
	}
	ended := map[string]*account{}
	for _, r := range running {
		if !isSame(r) {
			r.stop()
			ended[r.Name] = r.account
		}
	}
	atOnce(slices.Collect(maps.Values(ended)), func(a *account) { a.keepNow(ctx) })
	for _, r := range running {
		if ended[r.Name] == r.account {
			k := r.keep(r.currentCustody())
			k.file = before.State.file(r.Name)
			c.vault.put(k)
		}
	}
	next := make([]runner, len(options.Accounts))
	accounts := make([]*account, len(options.Accounts))
	for i, configured := range options.Accounts {
		next[i] = c.successor(running, configured, options, ended)
		accounts[i] = next[i].account
	}
	for name := range ended {
		if !slices.ContainsFunc(options.Accounts, func(a Account) bool { return a.Name == name }) {
			c.health.forget(name)
		}
	}
	c.makeRoom(accounts)
	c.slots.resize(options.Refresh.Concurrency)
	c.mu.Lock()
	c.options, c.accounts = options, accounts
	c.mu.Unlock()
	c.noteChange()
	for i, r := range next {
		if r.stop == nil {
			next[i] = launch(ctx, r.account)
			level.Info(r.logger).Log("msg", "account is new, or configured anew")
		}
	}
	return next
}

// successor returns the running account that is configured the same, else a new one that does not run yet. Counters of
// an account that has ended go on in the one of its name.
func (c *Collector) successor(
	running []runner, configured Account, options Options, ended map[string]*account,
) runner {
	if i := slices.IndexFunc(running, func(r runner) bool { return r.sameAs(configured, options) }); i >= 0 {
		return running[i]
	}
	a := c.newAccount(configured, options)
	a.takeCustody(context.Background())
	if before := ended[configured.Name]; before != nil {
		a.custody.takeCounters(before.custody)
		a.custody.reveal()
	}
	return runner{account: a}
}
