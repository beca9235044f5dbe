package billsim

import (
	"testing"
	"time"
)

// TestDemoWallet checks that the purse is emptied by what a day costs, and never is empty.
func TestDemoWallet(t *testing.T) {
	clock := noon
	accounts := Demo(func() time.Time { return clock })
	for i, a := range accounts {
		filled := 0
		clock = beijingClock("2026-11-01 12:00:00")()
		for before := Amount(0); clock.Before(noon.AddDate(0, 3, 0)); clock = clock.AddDate(0, 0, 1) {
			w := a.Wallet()
			if w.Available < 300_000*Yuan || w.Available > 700_000*Yuan {
				t.Errorf("account %d: %s is left on %s", i, w.Available, clock)
			}
			if w.Available >= before {
				filled++
			}
			before = w.Available
		}
		if filled < 4 || filled > 12 {
			t.Errorf("account %d: filled %d times", i, filled)
		}
	}
}
