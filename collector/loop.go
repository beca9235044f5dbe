package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// loop asks for some of an account's sources, with one key, whenever they are due. It waits for no other loop.
type loop struct {
	account *account
	custody *custody
	name    loopName
	kick    chan struct{} // holds a token when there may be something to ask before it is due
}

// run asks until ctx ends. With a key of which nothing is known yet, summaries are asked for first: they tell whose it
// is, and what need not be asked again.
func (l *loop) run(ctx context.Context) {
	if l.name != summaryLoop {
		sleep(ctx, l.grace(), l.custody.firstTold)
	}
	for ctx.Err() == nil {
		if !now().Before(l.nextDue()) {
			l.account.slots.with(ctx, l.name, func() { l.refresh(ctx) })
		}
		sleep(ctx, min(wake, l.nextDue().Sub(now())), l.kick)
	}
}

// nextDue returns when there is something to ask: at the tick, at the retry of a failed source, or now after a kick.
func (l *loop) nextDue() (at time.Time) {
	l.custody.schedule(l.name, func(s *schedule) {
		at = s.next.Add(l.grace())
		if s.kicked || s.outOfReach(now()) {
			at = time.Time{}
		}
	})
	return l.custody.retry(l.name, at)
}

// grace returns how long after the tick the loop waits for the summaries to kick it: those tell what is worth asking.
func (l *loop) grace() time.Duration {
	if l.name == summaryLoop {
		return 0
	}
	return min(l.account.options.Refresh.Interval/2, 10*time.Minute)
}

// refresh asks what is due.
func (l *loop) refresh(ctx context.Context) {
	regular := false
	l.custody.schedule(l.name, func(s *schedule) {
		if regular = s.isDue(now()); regular {
			s.begin(now())
		}
		s.kicked = false
	})
	for i, s := range sources {
		if s.loop != l.name || !s.isEnabled(l.account.Account) {
			continue
		}
		if foundKept := l.askIfDue(ctx, i, regular); foundKept {
			regular = false // what was kept has a schedule of its own
			break
		}
	}
	if regular && ctx.Err() == nil {
		l.custody.schedule(l.name, func(s *schedule) { s.underway = false })
		l.account.noteLearned(false)
	}
	if l.name == summaryLoop {
		l.custody.tell()
		l.account.kick(unionLoop)
		l.account.kick(lineLoop)
	}
	if l.name == unionLoop || l.name == lineLoop { // what they have read is compared with the lines of instances
		l.account.kick(instanceLoop)
	}
}

// askIfDue asks a source if it is due, and reports whether the answer has led to numbers that were kept.
func (l *loop) askIfDue(ctx context.Context, i int, regular bool) (foundKept bool) {
	f := l.newFetch()
	var held, retryDue, failing bool
	l.custody.attempt(i, func(a *attempts) { held, retryDue, failing = a.isHeld(now()), a.retryDue(now()), a.IsFailing() })
	if isDue := sources[i].isDue; isDue != nil {
		if !isDue(f, now()) {
			l.forget(i)
			return false
		}
		regular = regular || !failing
	}
	if regular && !held || retryDue {
		return l.ask(ctx, i, f)
	}
	return false
}

// forget gives up the retry of a source of which nothing is wanted any more, as when the month has ended.
func (l *loop) forget(i int) {
	forgotten := false
	l.custody.attempt(i, func(a *attempts) {
		if forgotten = a.IsFailing(); forgotten {
			a.Up = true
			a.clearFailure()
		}
	})
	if forgotten {
		l.account.publish()
	}
}

func (l *loop) newFetch() *fetch {
	a := l.account
	f := &fetch{
		Account: a.Account, options: a.options, client: a.client, logger: a.logger, oneByOne: &l.custody.oneByOne,
		marks: &l.custody.marks,
	}
	f.snapshot, f.sources = l.custody.state()
	return f
}

// ask makes one attempt at a source and records how it went. Nothing remains of an attempt that was cut short by the
// end of the program, a reload or another key. It reports whether the answer has led to numbers that were kept.
func (l *loop) ask(ctx context.Context, i int, f *fetch) (foundKept bool) {
	began, stopwatch := now(), time.Now()
	defer l.custody.beginReading(i)()
	deadline, cancel := l.deadline(ctx)
	defer cancel()
	err := sources[i].read(deadline, f)
	if ctx.Err() != nil {
		return false
	}
	// The stopwatch is not affected by a clock that is set meanwhile.
	before, after, products := l.custody.settle(i, f, began, time.Since(stopwatch), err)
	foundKept = l.account.findKept(l.custody, sources[i].name)
	l.report(sources[i], before, after, err)
	l.reportProducts(products)
	l.account.publish()
	return foundKept
}

var errDeadline = errors.New("the answer took longer than refresh.interval")

// deadline bounds an attempt at a summary, so that one that drips does not hold up the others for longer than a tick.
func (l *loop) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.name == lineLoop || l.name == instanceLoop {
		return context.WithCancel(ctx)
	}
	longest := max(l.account.options.Refresh.Interval, 2*l.account.API.Timeout)
	return context.WithTimeoutCause(ctx, longest, fmt.Errorf("%w (%v)", errDeadline, longest))
}

// reportProducts logs which product groups of bill-union are called something else on pages than before. What the
// configuration says does not change.
func (l *loop) reportProducts(changes []productChange) {
	for _, c := range changes {
		isConfigured := func(p metrics.ProductMapping) bool { return p.Group == c.group }
		if !slices.ContainsFunc(l.account.options.Products, isConfigured) {
			level.Info(l.account.logger).Log("msg", "a product group has another product code on pages", "group", c.group,
				"product_code", c.after, "before", c.before)
		}
	}
}

// report logs how an attempt went.
func (l *loop) report(s source, before, after attempts, err error) {
	logger := log.With(l.account.logger, "source", s.name, "duration", after.Duration)
	failure := "refresh failed, the last good numbers stay"
	if after.LastSuccess.IsZero() {
		failure = "refresh failed, there are no numbers yet"
	}
	switch {
	case isDenied(err) && after.Reason == before.Reason: // nothing new: it will be so until somebody grants it
		level.Debug(logger).Log("msg", failure, "reason", after.Reason, "err", err)
	case err != nil:
		level.Warn(logger).Log("msg", failure, "reason", after.Reason, "err", err,
			"next", laterOf(l.nextDue(), now()).In(billclient.Beijing).Format(time.RFC3339))
	case before.Reason != "":
		level.Info(logger).Log("msg", "refreshed, the source works again", s.unit, after.Items)
	default:
		level.Info(logger).Log("msg", "refreshed", s.unit, after.Items)
	}
}
