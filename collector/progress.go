package collector

import (
	"maps"
	"time"

	"ksyun_bill_exporter/metrics"
)

// beginReading records that a source is being read until end is called.
func (c *custody) beginReading(i int) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading[i] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.reading, i)
	}
}

// addProgress adds to what people are shown of an account how asking goes at this moment.
func (a *account) addProgress(status *metrics.AccountStatus, now time.Time) {
	reading, next := a.currentCustody().progress(a.Account, now)
	status.Reading = position(a.Account, reading)
	for i, s := range sources {
		for j := range status.Sources {
			if shown := &status.Sources[j]; shown.Name == s.name {
				shown.Reading, shown.Next = reading[i], next[i]
			}
		}
	}
}

// progress returns which sources are being read, and when each that the configuration uses is asked next, both by index
// in sources.
func (c *custody) progress(a Account, now time.Time) (reading map[int]bool, next map[int]time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next = map[int]time.Time{}
	for i, s := range sources {
		if s.isEnabled(a) {
			next[i] = c.nextAttempt(i, now)
		}
	}
	return maps.Clone(c.reading), next
}

// nextAttempt returns when a source is asked next: at the tick of its loop, or before that where it has failed; now if
// that is over, the zero time where it depends on what other sources say. A server that asked to be left alone is.
func (c *custody) nextAttempt(i int, now time.Time) (next time.Time) {
	tick, a := c.schedules[sources[i].loop], &c.attempts[i]
	next = tick.next
	switch {
	case a.IsFailing() && (next.Before(a.NotBefore) || a.Retry.Before(next)):
		next = a.Retry
	case !a.IsFailing() && sources[i].isDue != nil:
		return time.Time{}
	case tick.outOfReach(now):
		next = now
	}
	return laterOf(next, now)
}

// position returns which of the sources of those loops is being read that ask now. The sources of two loops are counted
// together.
func position(a Account, reading map[int]bool) (r metrics.Reading) {
	for _, loop := range loopNames {
		at, all := 0, 0
		for i, s := range sources {
			if s.loop != loop || !s.isEnabled(a) {
				continue
			}
			if all++; reading[i] {
				at = all
			}
		}
		if at > 0 {
			r.At, r.Of = r.At+at, r.Of+all
		}
	}
	return r
}
