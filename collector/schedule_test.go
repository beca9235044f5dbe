package collector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"
)

func TestPhase(t *testing.T) {
	now := time.Date(2026, 10, 15, 4, 59, 59, 0, time.UTC)
	for _, name := range []string{"main", "ads", "游戏"} {
		first := nextTick(name, time.Hour, now)
		if wait := first.Sub(now); wait <= 0 || wait > time.Hour {
			t.Errorf("%s: the first tick is in %s", name, wait)
		}
		if second := nextTick(name, time.Hour, first); !second.Equal(first.Add(time.Hour)) {
			t.Errorf("%s: ticks at %s and %s are not an hour apart", name, first, second)
		}
	}
	if nextTick("main", time.Hour, now).Equal(nextTick("ads", time.Hour, now)) {
		t.Error("two accounts are refreshed at the same instant")
	}
}

// A clock that was set back by days leaves the tick out of reach: the account is asked at once, and ticks by the new
// time.
func TestClockSetBack(t *testing.T) {
	s := &schedule{interval: time.Hour, next: october(15)}
	for _, c := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"at the tick", october(15), true},
		{"an hour before", october(15).Add(-time.Hour), false},
		{"days before", october(5), true},
	} {
		if got := s.isDue(c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A clock that is set while the API is away loses no number but by what it says of their age, has nobody flooded with
// calls, and holds up nothing once the API is back.
func TestClockIsSetDuringAnOutage(t *testing.T) {
	const running = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} `
	const past = `ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="%d"} %d`
	const day = 24 * time.Hour
	for _, c := range []struct {
		name         string
		ahead        time.Duration
		shown, later string
	}{
		{"hours ahead", 5 * time.Hour, running + "1\n" + fmt.Sprintf(past, 1, 3), ""},
		{"days ahead", 4 * day, fmt.Sprintf(past, 1, 3), ""},
		{
			"into the next month", 20 * day, fmt.Sprintf(past, 2, 3),
			fmt.Sprintf(past, 1, 5) + "\n" + fmt.Sprintf(past, 2, 3),
		},
		{"minutes back", -20 * time.Minute, running + "1\n" + fmt.Sprintf(past, 1, 3), ""},
		{"days back", -10 * day, running + "1\n" + fmt.Sprintf(past, 1, 3), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ahead := settable(t)
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				customer.bill("2026-09", server("kec-1", 300))
				w := start(t, october(15), options(simulated("main", customer.Account)), customer.Account)
				mend := w.api.Fault(billsim.Page(503))
				w.sleepUntil(nextTick("main", time.Hour, time.Now()).Add(20 * time.Minute))
				w.asked()
				ahead.Store(int64(c.ahead))
				w.sleep(time.Minute + time.Second)
				families := []string{"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"}
				compare(t, w.scrape(families...), c.shown)
				w.sleep(time.Hour)
				if calls := strings.Count(strings.Join(w.asked(), "\n"), getMonthBill); calls < 1 || calls > 3 {
					t.Errorf("bills were asked for %d times in an hour", calls)
				}
				compare(t, w.scrape(families...), c.shown)
				mend()
				customer.bill("2026-10", server("kec-1", 500))
				w.sleep(time.Hour + time.Minute)
				if c.later == "" {
					c.later = running + "5\n" + fmt.Sprintf(past, 1, 3)
				}
				compare(t, w.scrape(families...), c.later)
			})
		})
	}
}

// How long a call takes does not hang on the clock that is set meanwhile.
func TestClockIsSetDuringACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := settable(t)
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		w.api.Fault(billsim.Never())
		w.sleepUntil(nextTick("main", time.Hour, time.Now()).Add(30 * time.Second))
		ahead.Store(int64(-10 * time.Minute))
		w.sleep(time.Minute)
		const want = `ksyun_bill_source_last_refresh_duration_seconds{account="main",source="month_bill"} 60`
		if got := w.scrape("ksyun_bill_source_last_refresh_duration_seconds"); !slices.Contains(got, want) {
			t.Errorf("%q", got)
		}
	})
}
