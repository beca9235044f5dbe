package collector

import (
	"context"
	"hash/fnv"
	"time"
)

// now returns the time by the wall clock, which tests set. A monotonic clock stands still while a machine sleeps, and
// numbers grow old all the same.
var now = func() time.Time { return time.Now().Round(0) }

// wake bounds every wait, so that a clock that was set, a machine that slept and a key that was replaced are noticed.
const wake = time.Minute

// schedule says when a loop of an account asks everything anew: at ticks that are an interval apart. Its owner guards
// it.
type schedule struct {
	account  string
	interval time.Duration
	next     time.Time // tick; the zero time is at once
	underway bool      // what the last tick began has not ended
	kicked   bool      // there may be something to ask before the tick
}

// isDue reports whether everything is to be asked: at the tick, and when the clock was set back by so much that the
// tick is out of reach.
func (s *schedule) isDue(now time.Time) bool { return !now.Before(s.next) || s.outOfReach(now) }

func (s *schedule) outOfReach(now time.Time) bool { return s.next.Sub(now) > s.interval }

// begin sets the next tick.
func (s *schedule) begin(now time.Time) {
	s.next, s.underway = nextTick(s.account, s.interval, now), true
}

// keptTick returns the tick that outlives a restart. What was cut short, by the end of the program or a kill, begins
// anew with the next process.
func (s *schedule) keptTick() time.Time {
	if s.underway {
		return time.Time{}
	}
	return s.next
}

// nextTick returns the account's first tick after now. A hash of the name spreads the accounts over the interval, each
// always at the same place.
func nextTick(account string, interval time.Duration, now time.Time) time.Time {
	hash := fnv.New64a()
	hash.Write([]byte(account))
	tick := now.Truncate(interval).Add(time.Duration(hash.Sum64() % uint64(interval)))
	for !tick.After(now) {
		tick = tick.Add(interval)
	}
	return tick
}

// sleep waits for a time, until ctx ends or until wakeUp has something.
func sleep(ctx context.Context, d time.Duration, wakeUp <-chan struct{}) {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wakeUp:
	case <-ctx.Done():
	}
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
