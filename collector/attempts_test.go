package collector

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

const getDetailConsume = "getPostpayDetailConsume"

// A server that asks to be left alone is, at the account's ticks too, for a day at most.
func TestRetryAfterOutlastsTicks(t *testing.T) {
	for _, tt := range []struct {
		status      int
		asks, after time.Duration
	}{
		{429, time.Hour, time.Hour},
		{503, time.Hour, time.Hour},
		{503, 7 * 24 * time.Hour, 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			o := options(simulated("main", c.Account))
			o.Refresh.Interval = 5 * time.Minute
			busy := billsim.Busy(tt.status, tt.asks)
			busy.Action = getMonthBill
			var stop func()
			w := startWith(t, october(15), o, faulty(&busy, &stop), c.Account)
			asked := func() int { return strings.Count(strings.Join(w.asked(), "\n"), getMonthBill+" ") }
			if n := asked(); n != 1 {
				t.Errorf("asked %d times at the start", n)
			}
			w.sleep(tt.after - time.Minute)
			if n := asked(); n != 0 {
				t.Errorf("asked %d times within %v", n, tt.after)
			}
			w.sleep(2 * time.Minute)
			if n := asked(); n != 1 {
				t.Errorf("asked %d times after %v", n, tt.after)
			}
		})
	}
}

// Nor does a restart make an exporter forget that the server asked to be left alone.
func TestRetryAfterOutlastsARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCustomer("1"), t.TempDir()
		o := options(simulated("main", c.Account))
		o.Refresh.Interval = 5 * time.Minute
		busy := billsim.Busy(503, time.Hour)
		busy.Action = getMonthBill
		var stop func()
		w := startWith(t, october(15), keptIn(t, dir, o), faulty(&busy, &stop), c.Account)
		w = w.restart(october(15).Add(time.Minute), dir, o)
		w.sleep(58 * time.Minute)
		if asked := strings.Join(w.asked(), "\n"); strings.Contains(asked, getMonthBill+" ") {
			t.Errorf("asked within the hour:\n%s", asked)
		}
		w.sleep(2 * time.Minute)
		if asked := strings.Join(w.asked(), "\n"); !strings.Contains(asked, getMonthBill+" ") {
			t.Errorf("not asked after the hour:\n%s", asked)
		}
	})
}

// A failure for another reason is news, even if it is one that is said only once.
func TestDenialAfterAnotherFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		stop := w.api.Fault(billsim.Page(503))
		w.sleep(2 * time.Hour)
		stop()
		w.log.take()
		defer w.api.Fault(billsim.Refuse(billsim.JSONError, 403, "Forbidden", "no"))()
		w.sleep(5 * time.Hour)
		if said := strings.Count(w.log.take(), "source=month_bill"); said != 1 {
			t.Errorf("said %d times", said)
		}
	})
}

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
