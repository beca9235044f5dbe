package collector

import (
	"errors"
	"maps"
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

	fromDisk bool // the numbers are from before a restart

	failed    int // attempts in a row
	reason    billclient.Reason
	foreign   bool      // it was a foreignLine
	lastError string    // of the last failure, for people
	retry     time.Time // when a failed source is due again; zero if it did not fail
	notBefore time.Time // until when the server asked to be left alone; zero if it did not
}

func newSource(name string) source {
	return source{name: name, failures: map[billclient.Reason]int{}}
}

// firstRetry is the pause after a source's first failure; it doubles from failure to failure up to the interval.
const firstRetry = time.Minute

// settle takes down how an attempt ended.
func (s *source) settle(began, ended time.Time, err error, interval time.Duration) {
	s.lastAttempt = began
	s.refreshes++
	s.up = err == nil
	if err == nil {
		s.lastSuccess, s.fromDisk = ended, false
		s.mend()
		return
	}
	s.reason, s.lastError = billclient.ReasonOf(err), err.Error()
	_, s.foreign = errors.AsType[*foreignLine](err)
	s.failures[s.reason]++
	s.failed++
	pause := s.pause()
	if denied(err) { // it will be so until somebody grants it
		pause = interval
	}
	s.retry, s.notBefore = ended.Add(min(pause, interval)), time.Time{}
	if e, ok := errors.AsType[*billclient.Error](err); ok && e.RetryAfter > 0 {
		s.notBefore = ended.Add(min(e.RetryAfter, longestRest))
		s.retry = later(s.retry, s.notBefore)
	}
}

// longestRest is the longest time for which a server is left alone that asks for it.
const longestRest = 24 * time.Hour

// held tells whether the server has asked to be left alone until later, by a clock that was not set back since.
func (s *source) held(now time.Time) bool {
	rest := s.notBefore.Sub(now)
	return 0 < rest && rest <= longestRest
}

// mend forgets what went wrong.
func (s *source) mend() {
	s.failed, s.reason, s.foreign, s.lastError = 0, "", false, ""
	s.retry, s.notBefore = time.Time{}, time.Time{}
}

// pause is how long to wait after the failures so far, be the interval shorter or not.
func (s *source) pause() time.Duration {
	const doublings = 20 // two years: longer than any interval
	return firstRetry << min(s.failed-1, doublings)
}

func (s *source) tried() bool { return !s.lastAttempt.IsZero() }

func (s *source) failing() bool { return s.failed > 0 }

// due tells whether a failed source is to be tried again.
func (s *source) due(now time.Time) bool { return s.failing() && !now.Before(s.retry) }

// clone returns a copy that stays as it is.
func (s *source) clone() source {
	c := *s
	c.failures = maps.Clone(s.failures)
	return c
}

// progress returns what of the source outlives a restart.
func (s *source) progress() progress {
	return progress{
		Up: s.up, LastAttempt: s.lastAttempt, LastSuccess: s.lastSuccess, Duration: int64(s.duration), Lines: s.lines,
		Data: s.data, Failed: s.failed, Reason: s.reason, Foreign: s.foreign,
		Error: s.lastError, Retry: s.retry, NotBefore: s.notBefore,
	}
}

// resume takes over what is left from before a restart.
func (s *source) resume(p progress) {
	s.up, s.lastAttempt, s.lastSuccess, s.duration = p.Up, p.LastAttempt, p.LastSuccess, time.Duration(p.Duration)
	s.lines, s.data, s.failed, s.reason, s.foreign = p.Lines, p.Data, p.Failed, p.Reason, p.Foreign
	s.lastError, s.retry, s.notBefore = p.Error, p.Retry, p.NotBefore
	s.fromDisk = !p.LastSuccess.IsZero()
}
