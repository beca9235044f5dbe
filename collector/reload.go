package collector

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-kit/log/level"
)

// runner is an account whose goroutine runs.
type runner struct {
	*account
	stop func() // and wait
}

// reload is what Reload hands to the goroutine that starts and stops accounts.
type reload struct {
	options Options
	inForce chan struct{} // closed when they are
}

// Reload goes over to other options, once Run runs. An account that is the same in them goes on undisturbed. Another
// one ends before its successor starts, which takes over its numbers and its clock where they mean the same. The state
// directory and the registry stay. It returns when the new options are in force; if ctx ends before they are taken,
// they are not, and that is the error.
func (c *Collector) Reload(ctx context.Context, options Options) error {
	r := reload{options: options, inForce: make(chan struct{})}
	select {
	case c.reload <- r:
		<-r.inForce
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

// keepRunning runs every account's goroutine, and goes over to other options, until ctx ends and all have ended.
func (c *Collector) keepRunning(ctx context.Context) {
	options, accounts := c.inForce()
	slots := make(chan struct{}, options.Refresh.Concurrency)
	var running []runner
	for _, a := range accounts {
		running = append(running, launch(ctx, a, slots))
	}
	for {
		select {
		case r := <-c.reload:
			if n := r.options.Refresh.Concurrency; n != cap(slots) {
				slots = make(chan struct{}, n) // each account starts anew for it
			}
			running = c.replace(ctx, running, r.options, slots)
			close(r.inForce)
		case <-ctx.Done():
			for _, r := range running {
				r.stop()
			}
			return
		}
	}
}

func launch(ctx context.Context, a *account, slots chan struct{}) runner {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.run(ctx, slots)
	}()
	return runner{account: a, stop: func() {
		cancel()
		<-ended
	}}
}

// replace brings the running accounts to what the options want: old ones end first.
func (c *Collector) replace(ctx context.Context, running []runner, options Options, slots chan struct{}) []runner {
	before, _ := c.inForce()
	options.State = before.State
	var next []runner
	var accounts []*account
	left := running
	for _, of := range options.Accounts {
		i := slices.IndexFunc(left, func(r runner) bool { return r.Name == of.Name })
		if i >= 0 && left[i].same(of, options) {
			next, accounts = append(next, left[i]), append(accounts, left[i].account)
			left = slices.Delete(slices.Clone(left), i, i+1)
			continue
		}
		a := c.newAccount(of, options)
		if i >= 0 {
			left[i].stop()
			a.succeed(left[i].account)
			left = slices.Delete(slices.Clone(left), i, i+1)
		} else {
			c.restore(a)
		}
		next, accounts = append(next, runner{account: a}), append(accounts, a)
	}
	for _, gone := range left {
		gone.stop()
		c.health.forget(gone.Name)
	}
	c.mu.Lock()
	c.options, c.accounts = options, accounts
	c.mu.Unlock()
	c.change()
	for i, r := range next {
		if r.stop == nil {
			next[i] = launch(ctx, r.account, slots)
			level.Info(r.logger).Log("msg", "account is new, or configured anew")
		}
	}
	return next
}

// same tells whether an account is configured as it was.
func (a *account) same(of Account, options Options) bool {
	return reflect.DeepEqual(identity(a.Account, a.options), identity(of, options))
}

// identity is all that an account's asking and adding up hangs on. What is only added to a page, and functions, which
// cannot be compared, are not in it.
func identity(of Account, o Options) any {
	of.API.Credentials, of.API.Counter, of.API.Transport = nil, nil, nil
	of.API.Observe, of.API.OnRetry = nil, nil
	return []any{of, o.Refresh, o.Months, o.Instances, o.Days}
}

// discard says why what was known of the account is not used.
func (a *account) discard(reason error) {
	level.Error(a.logger).Log("msg", "kept numbers are not used, the API is asked", "err", reason)
}

// succeed takes over from an account that has ended what means the same in this one.
func (a *account) succeed(before *account) {
	if a.fingerprint() != before.fingerprint() {
		a.discard(a.options.State.aside(a.Name, errOtherConfig))
		return
	}
	fromDisk := map[string]bool{}
	for _, s := range before.sources() {
		fromDisk[s.name] = s.fromDisk
	}
	a.resume(before.keep())
	for _, s := range a.sources() {
		s.fromDisk = fromDisk[s.name]
	}
	a.reveal()
}
