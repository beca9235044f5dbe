package billclient

import (
	"fmt"
	"time"
)

// Day is a day of the Beijing calendar, counted from 0001-01-01, which is 1. Days can be compared with < and ==. The
// zero Day stands for no day and is less than every day.
type Day int

const (
	compactLayout = "20060102"
	secondsPerDay = 24 * 60 * 60
)

// DayOf returns the day of the Beijing calendar in which t lies.
func DayOf(t time.Time) Day { return Day((t.Unix() - Day(0).Start().Unix()) / secondsPerDay) }

// ParseDay reads a day in the form YYYY-MM-DD, with or without a time of the day after it, or in the form YYYYMMDD:
// the API does not document in which form it writes days.
func ParseDay(s string) (Day, error) {
	layout := time.DateTime
	switch len(s) {
	case len(time.DateOnly):
		layout = time.DateOnly
	case len(compactLayout):
		layout = compactLayout
	}
	t, err := time.ParseInLocation(layout, s, Beijing)
	if err != nil || t.Year() == 0 {
		return 0, fmt.Errorf("day %q: want YYYY-MM-DD", shorten(s, 60))
	}
	return DayOf(t), nil
}

// Add returns the day n days later, or earlier where n is negative.
func (d Day) Add(n int) Day { return d + Day(n) }

// Sub returns how many days d is after other.
func (d Day) Sub(other Day) int { return int(d - other) }

// Start returns the first instant of the day.
func (d Day) Start() time.Time { return time.Date(1, time.January, int(d), 0, 0, 0, 0, Beijing) }

// End returns the first instant after the day.
func (d Day) End() time.Time { return d.Add(1).Start() }

// Month returns the month in which the day lies.
func (d Day) Month() Month { return MonthOf(d.Start()) }

// String returns the day in the form YYYY-MM-DD, and an empty text for the zero Day.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return d.Start().Format(time.DateOnly)
}

// MarshalText returns what String returns.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDay reads, and the zero Day from an empty text. It leaves d as it is if that fails.
func (d *Day) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = 0
		return nil
	}
	day, err := ParseDay(string(text))
	if err != nil {
		return err
	}
	*d = day
	return nil
}
