package collector

import (
	"errors"
	"maps"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// attempts is how asking one source of an account has gone so far.
type attempts struct {
	metrics.Source
	refreshes int
	failures  map[billclient.Reason]int // nil before the first one
}

func newAttempts(s source) attempts {
	return attempts{Source: metrics.Source{Name: s.name, Title: s.title}}
}

// firstRetry is the pause after a source's first failure; it doubles from failure to failure up to the interval.
const firstRetry = time.Minute

// record records how an attempt ended.
func (a *attempts) record(began, ended time.Time, err error, interval time.Duration) {
	a.LastAttempt = began
	a.refreshes++
	a.Up = err == nil
	if err == nil {
		a.LastSuccess, a.FromDisk, a.NotCNY = ended, false, false
		a.clearFailure()
		return
	}
	a.Reason, a.Error = billclient.ReasonOf(err), err.Error()
	_, a.Foreign = errors.AsType[*foreignPart](err)
	a.NotCNY = a.NotCNY || billclient.IsForeignCurrency(err)
	if a.failures == nil {
		a.failures = map[billclient.Reason]int{}
	}
	a.failures[a.Reason]++
	a.Failed++
	pause := a.pause()
	if isDenied(err) { // it will be so until somebody grants it
		pause = interval
	}
	a.Retry, a.NotBefore = ended.Add(min(pause, interval)), time.Time{}
	if e, ok := errors.AsType[*billclient.Error](err); ok && e.RetryAfter > 0 {
		a.NotBefore = ended.Add(min(e.RetryAfter, longestRest))
		a.Retry = laterOf(a.Retry, a.NotBefore)
	}
}

// longestRest is the longest time for which a server is left alone that asks for it.
const longestRest = 24 * time.Hour

// isHeld reports whether the server has asked to be left alone until later, by a clock that was not set back since.
func (a *attempts) isHeld(now time.Time) bool {
	rest := a.NotBefore.Sub(now)
	return 0 < rest && rest <= longestRest
}

// clearFailure forgets what went wrong.
func (a *attempts) clearFailure() {
	a.Failed, a.Reason, a.Foreign, a.Error = 0, "", false, ""
	a.Retry, a.NotBefore = time.Time{}, time.Time{}
}

// pause returns how long to wait after the failures so far, whether the interval is shorter or not.
func (a *attempts) pause() time.Duration {
	const doublings = 20 // two years: longer than any interval
	return firstRetry << min(a.Failed-1, doublings)
}

// retryDue reports whether a failed source is to be tried again.
func (a *attempts) retryDue(now time.Time) bool { return a.IsFailing() && !now.Before(a.Retry) }

// clone returns a copy that does not change.
func (a *attempts) clone() attempts {
	c := *a
	c.failures = maps.Clone(a.failures)
	return c
}

// resume takes over what is left from before a restart.
func (a *attempts) resume(p metrics.Progress) {
	a.Progress = p
	a.FromDisk = !p.LastSuccess.IsZero()
}
