package ledger

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billclient"
)

func beijing(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, billclient.Beijing)
}

// october returns 12:00 of a day of October 2026 in Beijing.
func october(day int) time.Time { return beijing(10, day, 12) }

// Instances are told apart on the days that can be compared until lines are read again.
func TestWatchedDays(t *testing.T) {
	of := billclient.MonthOf(october(15))
	day := func(d int) billclient.Day { return billclient.DayOf(october(d)) }
	want := []billclient.Day{day(13), day(6), day(14), day(7), day(15), day(8)}
	for _, c := range []struct {
		name string
		end  billclient.Day
	}{
		{"up to yesterday", day(14)},
		{"up to today, which is not over", day(15)},
		{"up to no day that it says", 0},
	} {
		s := (&Snapshot{}).WithMonth(of, Month{Estimate: Book{Summary: &Summary{End: c.end}}})
		if got := s.WatchedDays(october(15)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
}

// Days that are read take the place of all that their month had; those of two months before stay.
func TestDaysOfOtherMonthsStay(t *testing.T) {
	days := func(of ...time.Time) map[billclient.Day]Day {
		all := map[billclient.Day]Day{}
		for _, at := range of {
			all[billclient.DayOf(at)] = Day{}
		}
		return all
	}
	march := billclient.MonthOf(beijing(3, 1, 0))
	s := &Snapshot{Days: days(
		beijing(1, 0, 0), beijing(1, 29, 0), beijing(2, 28, 0), beijing(3, 1, 0), beijing(3, 2, 0),
	)}
	got := slices.Sorted(maps.Keys(s.WithDays(march, days(beijing(3, 2, 0))).Days))
	want := slices.Sorted(maps.Keys(days(beijing(1, 29, 0), beijing(2, 28, 0), beijing(3, 2, 0))))
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The newest day is over, and is shown as long as it is not too old.
func TestNewestDay(t *testing.T) {
	s := &Snapshot{Days: map[billclient.Day]Day{}}
	for d := range 15 {
		s.Days[billclient.DayOf(october(d+1))] = Day{ReadAt: october(15)}
	}
	for _, c := range []struct {
		name             string
		now, staleBefore time.Time
		want             billclient.Day
	}{
		{"today is not over", october(15), october(12), billclient.DayOf(october(14))},
		{"a day later", october(16), october(13), billclient.DayOf(october(15))},
		{"just fresh", october(18), october(15), billclient.DayOf(october(15))},
		{"too old", october(18).Add(1), october(15).Add(1), 0},
	} {
		if got := s.NewestDay(c.now, c.staleBefore); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// What projects were called in months that are dropped stays known, for terms that were bought then: but for a name
// that another project has by now.
func TestDropBeforeKeepsProjectNames(t *testing.T) {
	named := func(names map[string]string) Month {
		return Month{ModeDays: map[Split]*ModeDays{ByProject: {Names: names}}}
	}
	august := billclient.MonthOf(beijing(8, 1, 0))
	s := (&Snapshot{}).WithMonth(august-1, named(map[string]string{"7": "广告", "8": "旧", "9": ""})).
		WithMonth(august, named(map[string]string{"8": "广告"})).DropBefore(august)
	if diff := cmp.Diff(map[string]string{"广告": "7", "旧": "8"}, s.Projects); diff != "" || len(s.Months) != 1 {
		t.Errorf("%d months, names (-want +got):\n%s", len(s.Months), diff)
	}
	if diff := cmp.Diff(map[string]string{"广告": None, "旧": "8"}, s.DropBefore(august+1).Projects); diff != "" {
		t.Errorf("then (-want +got):\n%s", diff)
	}
}
