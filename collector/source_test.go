package collector

import (
	"errors"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
)

func TestRetryOfASource(t *testing.T) {
	failure := func(reason billclient.Reason, after time.Duration) error {
		return errors.Join(&billclient.Error{Reason: reason, RetryAfter: after})
	}
	ended := october(15)
	for _, c := range []struct {
		name   string
		failed int // attempts before
		err    error
		want   time.Duration
	}{
		{"first", 0, failure(billclient.Network, 0), time.Minute},
		{"second", 1, failure(billclient.Timeout, 0), 2 * time.Minute},
		{"sixth", 5, failure(billclient.Server, 0), 32 * time.Minute},
		{"up to the interval", 6, failure(billclient.Server, 0), time.Hour},
		{"for ever", 1000, failure(billclient.Server, 0), time.Hour},
		{"a wrong key", 0, failure(billclient.Auth, 0), time.Hour},
		{"as the server asks", 0, failure(billclient.Throttled, 10*time.Minute), 10 * time.Minute},
		{"not sooner", 3, failure(billclient.Throttled, time.Minute), 8 * time.Minute},
		{"later than the next refresh", 0, failure(billclient.Throttled, 2*time.Hour), 2 * time.Hour},
		{"in a day at the latest", 0, failure(billclient.Throttled, 48*time.Hour), 24 * time.Hour},
	} {
		a := newAttempts(sources[0])
		a.Failed = c.failed
		a.record(ended.Add(-time.Second), ended, c.err, time.Hour)
		if got := a.Retry.Sub(ended); got != c.want {
			t.Errorf("%s: again after %s, want %s", c.name, got, c.want)
		}
	}
}
