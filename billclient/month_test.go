package billclient

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMonthBoundary tests that the month changes at Beijing midnight, in whatever zone the time is.
func TestMonthBoundary(t *testing.T) {
	midnight := time.Date(2026, time.October, 31, 16, 0, 0, 0, time.UTC)
	for _, zone := range []*time.Location{time.UTC, Beijing, time.FixedZone("", -12*3600)} {
		if got := MonthOf(midnight.In(zone)).String(); got != "2026-11" {
			t.Errorf("%v is in %s, want 2026-11", midnight.In(zone), got)
		}
		if got := MonthOf(midnight.Add(-1).In(zone)); got != october {
			t.Errorf("%v is in %v, want 2026-10", midnight.Add(-1).In(zone), got)
		}
	}
	if end := october.End(); !end.Equal(midnight) {
		t.Errorf("October ends at %v, want %v", end, midnight)
	}
}

func TestMonths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Month(rapid.IntRange(12, 9999*12+11).Draw(t, "month"))
		if got, err := ParseMonth(m.String()); got != m || err != nil {
			t.Fatalf("%v is read as %v, %v", m, got, err)
		}
		if MonthOf(m.Start()) != m || MonthOf(m.End()) != m+1 || MonthOf(m.End().Add(-1)) != m {
			t.Fatalf("%v is from %v to %v", m, m.Start(), m.End())
		}
		if m.Add(1) != MonthOf(m.Start().AddDate(0, 1, 0)) {
			t.Fatalf("the month after %v is %v", m, m.Add(1))
		}
	})
	if FirstMonth.String() != "2018-06" {
		t.Errorf("the first month is %v", FirstMonth)
	}
}

func TestParseBadMonth(t *testing.T) {
	for text := range strings.SplitSeq(",2026,2026-1,2026-13,2026-00,26-10,2026/10,2026-10-1, 2026-10,2026-1\n", ",") {
		var m Month
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, m)
		}
	}
}
