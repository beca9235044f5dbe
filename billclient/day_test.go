package billclient

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestDayBoundary tests that the day changes at Beijing midnight, in whatever zone the time is.
func TestDayBoundary(t *testing.T) {
	midnight := time.Date(2026, time.October, 31, 16, 0, 0, 0, time.UTC)
	for _, zone := range []*time.Location{time.UTC, Beijing, time.FixedZone("", -12*3600)} {
		if got := DayOf(midnight.In(zone)).String(); got != "2026-11-01" {
			t.Errorf("%v is in %s, want 2026-11-01", midnight.In(zone), got)
		}
		if got := DayOf(midnight.Add(-1).In(zone)).String(); got != "2026-10-31" {
			t.Errorf("%v is in %s, want 2026-10-31", midnight.Add(-1).In(zone), got)
		}
	}
	last := mustDay("2026-10-31")
	if !last.End().Equal(midnight) || !last.Start().Equal(midnight.Add(-24*time.Hour)) {
		t.Errorf("2026-10-31 is from %v to %v", last.Start(), last.End())
	}
}

func TestDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// All days from 0001-01-01 to 9999-12-31.
		d := Day(rapid.IntRange(1, 3652059).Draw(t, "day"))
		for _, form := range []string{time.DateOnly, time.DateTime, "20060102"} {
			text := d.End().Add(-time.Second).Format(form)
			if got, err := ParseDay(text); got != d || err != nil {
				t.Fatalf("%s is read as %v, %v, want %v", text, got, err, d)
			}
		}
		if DayOf(d.Start()) != d || DayOf(d.End()) != d+1 || DayOf(d.End().Add(-1)) != d {
			t.Fatalf("%v is from %v to %v", d, d.Start(), d.End())
		}
		n := rapid.IntRange(-40, 40).Draw(t, "n")
		other := d.Add(n)
		if !other.Start().Equal(d.Start().AddDate(0, 0, n)) || other.Sub(d) != n || (other < d) != (n < 0) {
			t.Fatalf("%d days after %v is %v", n, d, other)
		}
	})
}

// TestDayOfMonthEnds tests the last days of months and years.
func TestDayOfMonthEnds(t *testing.T) {
	for last, first := range map[string]string{
		"2026-10-31": "2026-11-01",
		"2026-12-31": "2027-01-01",
		"2027-02-28": "2027-03-01",
		"2028-02-29": "2028-03-01",
		"2100-02-28": "2100-03-01",
	} {
		d := mustDay(last)
		if got := d.Add(1).String(); got != first {
			t.Errorf("the day after %s is %s, want %s", last, got, first)
		}
		if m := d.Month(); m.String() != last[:7] || d.Add(1).Month() != m+1 || DayOf(m.End()) != d+1 {
			t.Errorf("%v is in %v, %v in %v", d, m, d.Add(1), d.Add(1).Month())
		}
	}
}

// TestDayAsText writes days and the zero Day as JSON, and reads them.
func TestDayAsText(t *testing.T) {
	type kept struct {
		First, None Day
		Days        map[Day]int
	}
	want := kept{First: mustDay("2026-10-01"), Days: map[Day]int{mustDay("2026-10-31"): 7}}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"First":"2026-10-01","None":"","Days":{"2026-10-31":7}}` {
		t.Errorf("%s, error %v", text, err)
	}
	got := kept{None: 9}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
}

const badDays = "2026,2026-10,2026-10-1,2026-1-10,2026-10-32,2026-10-00,2026-13-01,2027-02-29,0000-01-01,00000101," +
	"26-10-01,2026/10/01,2026-10/01,2026/10-01, 2026-10-01,2026-10-01 ,2026-10-01T00:00:00,2026-10-01 24:00:00,2026-10-01 1200," +
	"2026-10-01 00:00:00 +0800,-026-10-01,2026101,202610011,二〇二六-10-01"

func TestParseBadDay(t *testing.T) {
	for text := range strings.SplitSeq(badDays, ",") {
		d := Day(7)
		err := d.UnmarshalText([]byte(text))
		if want := `day "` + text + `": want YYYY-MM-DD`; err == nil || err.Error() != want || d != 7 {
			t.Errorf("%q is read as %v, error %v", text, d, err)
		}
	}
	if d, err := ParseDay(""); err == nil {
		t.Errorf("no text is read as %d", d)
	}
}
