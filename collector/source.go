package collector

import (
	"errors"
	"math"
	"time"

	"ksyun_bill_exporter/billclient"
)

// source is how asking one action for one account has gone so far. The zero time stands for never.
type source struct {
	name        string
	up          bool
	lastAttempt time.Time
	lastSuccess time.Time
	duration    time.Duration
	refreshes   int
	failures    map[billclient.Reason]int
	lines       int       // in the last good answer
	data        time.Time // up to which the last good answer counts; zero if it does not say

	failed int // attempts in a row
	reason billclient.Reason
	retry  time.Time // when a failed source is due again; zero if it did not fail
}

func newSource(name string) source {
	return source{name: name, failures: map[billclient.Reason]int{}}
}

// firstRetry is the pause after a source's first failure; it doubles from failure to failure up to the interval.
const firstRetry = time.Minute

// settle takes down how an attempt ended. A wrong key stays wrong: it is not tried again before the next tick.
func (s *source) settle(began, ended time.Time, err error, interval time.Duration) {
	s.lastAttempt, s.duration = began, ended.Sub(began)
	s.refreshes++
	s.up = err == nil
	if err == nil {
		s.lastSuccess, s.failed, s.reason, s.retry = ended, 0, "", time.Time{}
		return
	}
	s.reason = billclient.ReasonOf(err)
	s.failures[s.reason]++
	s.failed++
	pause := s.pause()
	if e, ok := errors.AsType[*billclient.Error](err); ok {
		pause = max(pause, e.RetryAfter)
	}
	s.retry = ended.Add(min(pause, interval))
}

// pause is how long to wait after the failures so far, be the interval shorter or not.
func (s *source) pause() time.Duration {
	if s.reason == billclient.Auth {
		return math.MaxInt64
	}
	const doublings = 20 // two years: longer than any interval
	return firstRetry << min(s.failed-1, doublings)
}

func (s *source) tried() bool { return s.refreshes > 0 }

func (s *source) failing() bool { return s.failed > 0 }

// due tells whether a failed source is to be tried again.
func (s *source) due(now time.Time) bool { return s.failing() && !now.Before(s.retry) }
