package billsim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDemoBillIsItsDays checks that a closed month's bill is the sum of its days and of the lines billed by the month,
// for every product, project, instance and list price.
func TestDemoBillIsItsDays(t *testing.T) {
	for _, a := range Demo(noonClock) {
		for _, month := range []string{"2025-10", "2026-02", "2026-09", "2026-10"} {
			bill, _ := a.Bills(month)
			c, _ := a.Consume(month)
			got, monthly := newSums(), 0
			for l := range c.All() {
				if l.BillType == modePeak {
					t.Errorf("%s, %s: a day of the peak: %+v", a.CustomerID, month, l)
				}
				got.add(&l)
			}
			for l := range bill.All() {
				if l.BillType == modePeak {
					got.add(&l)
					monthly++
				}
			}
			want := bill.Sums()
			want.Lines = got.Lines
			if diff := cmp.Diff(want, got); diff != "" || monthly == 0 {
				t.Errorf("%s, %s, %d monthly lines: bill and days differ:\n%s", a.CustomerID, month, monthly, diff)
			}
		}
	}
}

// TestDemoHorizon checks which days are metered, and which of them only in part.
func TestDemoHorizon(t *testing.T) {
	tests := []struct {
		now, month string
		end        string // empty: no consumption
		half       bool   // the newest day
	}{
		{"2026-11-17 00:00:00", "2026-11", "2026-11-16", true},
		{"2026-11-17 09:59:59", "2026-11", "2026-11-16", true},
		{"2026-11-17 10:00:00", "2026-11", "2026-11-16", false},
		{"2026-11-17 23:59:59", "2026-11", "2026-11-16", false},
		{"2026-11-17 09:59:59", "2026-10", "2026-10-31", false},
		{"2026-12-01 00:00:00", "2026-11", "2026-11-30", true},
		{"2026-12-01 10:00:00", "2026-11", "2026-11-30", false},
		{"2026-12-01 10:00:00", "2026-12", "", false},
		{"2026-12-02 00:00:00", "2026-12", "2026-12-01", true},
		{"2026-11-17 12:00:00", "2023-10", "", false},
		{"2026-11-17 12:00:00", "2026-13", "", false},
	}
	for _, tt := range tests {
		whole := Demo(beijingClock("2026-12-02 12:00:00"))
		for i, a := range Demo(beijingClock(tt.now)) {
			c, ok := a.Consume(tt.month)
			if c.EndDate != tt.end || ok != (tt.end != "") {
				t.Errorf("%s, %s: ends with %q, want %q", tt.now, tt.month, c.EndDate, tt.end)
			}
			if !ok {
				continue
			}
			later, _ := whole[i].Consume(tt.month)
			lines, beyond := countDayLines(c, tt.end)
			all, _ := countDayLines(later, tt.end)
			share := 100 * lines / all
			if half := 40 < share && share < 60; half != tt.half || !half && share != 100 || beyond > 0 {
				t.Errorf("%s, %s: %d%% of the newest day's lines, %d beyond it", tt.now, tt.month, share, beyond)
			}
		}
	}
}

// countDayLines counts the lines of a day and those of later days.
func countDayLines(c Consumption, day string) (on, beyond int) {
	for l := range c.All() {
		switch {
		case l.StatDate == day:
			on++
		case l.StatDate > day:
			beyond++
		}
	}
	return on, beyond
}

// TestDemoDaysStay checks that a metered day has the same lines on later days and in another demo of the same day.
func TestDemoDaysStay(t *testing.T) {
	clock := beijingClock("2026-11-17 10:00:00")
	accounts, anew := Demo(func() time.Time { return clock() }), Demo(beijingClock("2026-11-17 23:59:59"))
	for i, a := range accounts {
		clock = beijingClock("2026-11-17 10:00:00")
		lines := novemberJSON(a, "2026-11-16")
		if lines == "" || lines != novemberJSON(anew[i], "2026-11-16") {
			t.Errorf("%s: other lines anew", a.CustomerID)
		}
		clock = beijingClock("2026-11-30 09:00:00")
		if lines != novemberJSON(a, "2026-11-16") {
			t.Errorf("%s: other lines two weeks later", a.CustomerID)
		}
	}
}

// novemberJSON returns the JSON of the lines of November until a day.
func novemberJSON(a Account, last string) string {
	c, _ := a.Consume("2026-11")
	var w jsonWriter
	for l := range c.All() {
		if l.StatDate <= last {
			l.daily = true
			writeLine(&w, &l)
		}
	}
	return string(w.take())
}

// TestDemoDays checks that only the day of the spike is expensive, that no two lines have the same number and that a
// month is small.
func TestDemoDays(t *testing.T) {
	for _, a := range Demo(noonClock) {
		for _, month := range []string{"2026-10", "2026-11"} {
			c, _ := a.Consume(month)
			for day, s := range c.ByDay() {
				spike := a.CustomerID == "73990001" && day == "2026-11-15"
				if high := s.Total > 25_000*Yuan; high != spike || high != (s.ByProduct["EIP"] > 10_000*Yuan) {
					t.Errorf("%s: %s costs %s, its EIPs %s", a.CustomerID, day, s.Total, s.ByProduct["EIP"])
				}
			}
			numbers := map[string]bool{}
			seen := map[string]int{}
			for l := range c.All() {
				if l.StartTime != l.StatDate+" 00:00:00" || l.EndTime != l.StatDate+" 23:59:59" {
					t.Errorf("%s: line from %s to %s", l.StatDate, l.StartTime, l.EndTime)
				}
				if l.BillDays+l.BillHours/24 != 1 || l.BillMonth != month || l.CustomerID != a.CustomerID {
					t.Errorf("%d days, %d hours in %s of %s", l.BillDays, l.BillHours, l.BillMonth, l.CustomerID)
				}
				numbers[l.DetailBillNo] = true
				countOddities(seen, &l)
			}
			lines := c.Sums().Lines
			if len(numbers) != lines || lines > 15_000 || seen["negative"] == 0 || seen["zero"] == 0 {
				t.Errorf("%s, %s: %d lines with %d numbers, %v", a.CustomerID, month, lines, len(numbers), seen)
			}
		}
	}
}

// TestDemoPurchases checks that purchases of a running month end with today and that those of a closed month do not
// change.
func TestDemoPurchases(t *testing.T) {
	first, later := Demo(beijingClock("2026-11-01 12:00:00")), Demo(beijingClock("2026-11-20 12:00:00"))
	for i, a := range first {
		if diff := cmp.Diff(a.Prepaid("2026-10"), later[i].Prepaid("2026-10")); diff != "" {
			t.Errorf("%s: prepaid, three weeks later:\n%s", a.CustomerID, diff)
		}
		if diff := cmp.Diff(a.Realtime("2026-10"), later[i].Realtime("2026-10")); diff != "" {
			t.Errorf("%s: realtime, three weeks later:\n%s", a.CustomerID, diff)
		}
		if n, more := len(a.Prepaid("2026-11")), len(later[i].Prepaid("2026-11")); n >= more {
			t.Errorf("%s: %d subscriptions on the 1st, %d on the 20th", a.CustomerID, n, more)
		}
		if n := len(a.Realtime("2026-11")); n != 0 {
			t.Errorf("%s: %d costs of no day", a.CustomerID, n)
		}
		for _, month := range []string{"2023-09", "2026-13", "2026-12"} {
			if p, r := a.Prepaid(month), a.Realtime(month); p != nil || r != nil {
				t.Errorf("%s, %s: %v, %v", a.CustomerID, month, p, r)
			}
		}
	}
}
