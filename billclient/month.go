package billclient

import (
	"fmt"
	"time"
)

// Beijing is the time zone of every month, day and time of the billing API: UTC+8, without daylight saving time. The
// API names no zone; a fixed one needs no time zone database on the machine.
var Beijing = time.FixedZone("UTC+8", 8*60*60)

// FirstMonth is the first month of which the API has bills ("only bills that are generated after June 2018",
// GetMonthBill).
const FirstMonth = Month(2018*12 + 5)

// Month is a month of the Beijing calendar. Months are ordered and can be compared; the zero Month is before all of
// them.
type Month int

// MonthOf returns the month of the Beijing calendar in which t lies.
func MonthOf(t time.Time) Month {
	t = t.In(Beijing)
	return Month(t.Year()*12 + int(t.Month()) - 1)
}

// ParseMonth reads a month in the form YYYY-MM.
func ParseMonth(s string) (Month, error) {
	// Every line of a bill has one, and time.Parse would be a tenth of the work of reading it.
	year, month := number(s, 0, 4), number(s, 5, 7)
	if len(s) != len("YYYY-MM") || s[4] != '-' || year < 0 || month < 1 || month > 12 {
		return 0, fmt.Errorf("month %q: want YYYY-MM", s)
	}
	return Month(year*12 + month - 1), nil
}

// number reads the digits of s from one place to another, -1 if there are none.
func number(s string, from, to int) int {
	if len(s) < to {
		return -1
	}
	n := 0
	for _, c := range []byte(s[from:to]) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// Add returns the month n months later, or earlier where n is negative.
func (m Month) Add(n int) Month { return m + Month(n) }

// Start returns the first instant of the month.
func (m Month) Start() time.Time {
	return time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, Beijing)
}

// End returns the first instant after the month.
func (m Month) End() time.Time { return m.Add(1).Start() }

// String returns the month in the form YYYY-MM.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }

// MarshalText returns what String returns.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the form YYYY-MM.
func (m *Month) UnmarshalText(text []byte) error {
	month, err := ParseMonth(string(text))
	if err != nil {
		return err
	}
	*m = month
	return nil
}
