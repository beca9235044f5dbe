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
	if day, ok := parsePlainDay(s); ok {
		return day, nil
	}
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

// dayOf1970 is 1970-01-01.
const dayOf1970 = 719163

// parsePlainDay reads a day in the form YYYY-MM-DD. Every line of consumption has one, and time.Parse would take a
// tenth of the time of reading the line.
func parsePlainDay(s string) (day Day, ok bool) {
	year, month, dayOfMonth := parseDigits(s, 0, 4), parseDigits(s, 5, 7), parseDigits(s, 8, 10)
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' || year < 1 || month < 1 || dayOfMonth < 1 {
		return 0, false
	}
	date := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	if int(date.Month()) != month { // 2026-02-30, which would be read as 2026-03-02
		return 0, false
	}
	return dayOf1970 + Day(date.Unix()/secondsPerDay), true
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
func (d Day) Month() Month {
	year, month, _ := time.Unix(int64(d-dayOf1970)*secondsPerDay, 0).UTC().Date() // a date is the same in each zone
	return Month(year*12 + int(month) - 1)
}

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
