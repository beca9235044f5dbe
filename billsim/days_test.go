package billsim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDemoBillIsItsDays: a closed month's bill is the sum of its days and of the lines billed by the month, for every
// product, project, instance and list price. So is a running month's bill, as far as it has come.
func TestDemoBillIsItsDays(t *testing.T) {
	for _, a := range Demo(atNoon) {
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

// TestDemoHorizon: which days are metered, and which of them wholly.
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
		{"2026-11-17 12:00:00", "2025-09", "", false},
		{"2026-11-17 12:00:00", "2026-13", "", false},
	}
	for _, tt := range tests {
		whole := Demo(beijing("2026-12-02 12:00:00"))
		for i, a := range Demo(beijing(tt.now)) {
			c, ok := a.Consume(tt.month)
			if c.EndDate != tt.end || ok != (tt.end != "") {
				t.Errorf("%s, %s: ends with %q, want %q", tt.now, tt.month, c.EndDate, tt.end)
			}
			if !ok {
				continue
			}
			later, _ := whole[i].Consume(tt.month)
			lines, beyond := linesOn(c, tt.end)
			all, _ := linesOn(later, tt.end)
			share := 100 * lines / all
			if half := 40 < share && share < 60; half != tt.half || !half && share != 100 || beyond > 0 {
				t.Errorf("%s, %s: %d%% of the newest day's lines, %d beyond it", tt.now, tt.month, share, beyond)
			}
		}
	}
}

// linesOn counts the lines of a day, and of those after it.
func linesOn(c Consumption, day string) (on, beyond int) {
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

// TestDemoDaysStay: a day that is metered says the same for ever, and in a demo begun anew on the same day.
func TestDemoDaysStay(t *testing.T) {
	clock := beijing("2026-11-17 10:00:00")
	accounts, anew := Demo(func() time.Time { return clock() }), Demo(beijing("2026-11-17 23:59:59"))
	for i, a := range accounts {
		clock = beijing("2026-11-17 10:00:00")
		lines := november(a, "2026-11-16")
		if lines == "" || lines != november(anew[i], "2026-11-16") {
			t.Errorf("%s: other lines anew", a.CustomerID)
		}
		clock = beijing("2026-11-30 09:00:00")
		if lines != november(a, "2026-11-16") {
			t.Errorf("%s: other lines two weeks later", a.CustomerID)
		}
	}
}

// november is the JSON of the lines of November through a day.
func november(a Account, last string) string {
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

// TestDemoDays: the spike shows on its day, also among the account's, no two lines have a number in common, a month is
// small.
func TestDemoDays(t *testing.T) {
	for _, a := range Demo(atNoon) {
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
				count(seen, &l)
			}
			lines := c.Sums().Lines
			if len(numbers) != lines || lines > 15_000 || seen["negative"] == 0 || seen["zero"] == 0 {
				t.Errorf("%s, %s: %d lines with %d numbers, %v", a.CustomerID, month, lines, len(numbers), seen)
			}
		}
	}
}
