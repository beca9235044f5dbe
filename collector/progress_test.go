package collector

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/metrics"
)

// progressText writes how asking for an account goes: what is being read, and when each source is asked next.
func progressText(a metrics.AccountStatus) string {
	text := fmt.Sprintf("%d of %d:", a.Reading.At, a.Reading.Of)
	for _, s := range a.Sources {
		text += " " + s.Name
		if s.Reading {
			text += " now"
		}
		if !s.Next.IsZero() {
			text += s.Next.Sub(october(15)).Round(time.Minute).String()
		}
	}
	return text
}

// People are shown which source is read at the moment, and when each is really asked next: a source without permission
// at the account's next tick, one that fails otherwise before that, and one that was asked to wait after it.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		slow := func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sleep(r.Context(), 30*time.Second, nil)
				api.ServeHTTP(w, r)
			})
		}
		w := startWith(t, october(15), options(simulated("main", c.Account)), slow, c.Account)
		tick := nextTick("main", time.Hour, october(15)).Sub(october(15)).Round(time.Minute).String()
		check := func(after time.Duration, want string) {
			t.Helper()
			w.sleep(after)
			if got := progressText(w.bills.Status().Accounts[0]); got != strings.ReplaceAll(want, "TICK", tick) {
				t.Errorf("%s, want %s", got, want)
			}
		}
		check(10*time.Second, "1 of 2:")
		check(30*time.Second, "2 of 2: month_billTICK")
		check(60*time.Second, "2 of 2: month_billTICK month_consumeTICK")
	})
}

func TestNextAttempt(t *testing.T) {
	now := october(15)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	for _, tt := range []struct {
		source string
		tick   time.Time
		p      metrics.Progress
		want   time.Time
	}{
		{"month_bill", at(20), metrics.Progress{}, at(20)},
		{"month_bill", at(-1), metrics.Progress{}, now},
		{"month_bill", at(90), metrics.Progress{}, now}, // the clock was set back
		{"month_bill", at(20), metrics.Progress{Failed: 1, Retry: at(60)}, at(20)},
		{"month_bill", at(20), metrics.Progress{Failed: 1, Retry: at(4)}, at(4)},
		{"month_bill", at(20), metrics.Progress{Failed: 1, Retry: at(-4)}, now},
		{"month_bill", at(20), metrics.Progress{Failed: 1, Retry: at(50), NotBefore: at(30)}, at(50)},
		{"month_bill", at(40), metrics.Progress{Failed: 1, Retry: at(50), NotBefore: at(30)}, at(40)},
		{"detail_bill", at(20), metrics.Progress{}, time.Time{}},
		{"detail_bill", at(20), metrics.Progress{Failed: 1, Retry: at(60)}, at(20)},
	} {
		c := newCustody("", "main", nil, time.Hour)
		for i, s := range sources {
			if s.name != tt.source {
				continue
			}
			c.attempts[i].Progress = tt.p
			c.schedules[s.loop].next = tt.tick
			if got := c.nextAttempt(i, now); !got.Equal(tt.want) {
				t.Errorf("%s, tick %v, %+v: %v, want %v", tt.source, tt.tick, tt.p, got, tt.want)
			}
		}
	}
}
