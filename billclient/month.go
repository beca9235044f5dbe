package billclient

import (
	"fmt"
	"time"
)

// Beijing is the time zone of every month, day and time of the billing API: UTC+8, without daylight saving time. The
// API does not name a zone. A fixed zone works on machines without a time zone database.
var Beijing = time.FixedZone("UTC+8", 8*60*60)

// FirstMonth is the first month of which the API has bills ("only bills that are generated after June 2018",
// GetMonthBill).
const FirstMonth = Month(2018*12 + 5)

// Month is a month of the Beijing calendar. Months can be compared with < and ==. The zero Month is before
// FirstMonth, so the API has no bill of it.
type Month int

// MonthOf returns the month of the Beijing calendar in which t lies.
func MonthOf(t time.Time) Month {
	t = t.In(Beijing)
	return Month(t.Year()*12 + int(t.Month()) - 1)
}

// ParseMonth reads a month in the form YYYY-MM.
func ParseMonth(s string) (Month, error) {
	// Every line of a bill has a month, and time.Parse would take a tenth of the time of reading the line.
	year, month := parseDigits(s, 0, 4), parseDigits(s, 5, 7)
	if len(s) != len("YYYY-MM") || s[4] != '-' || year < 0 || month < 1 || month > 12 {
		return 0, fmt.Errorf("month %q: want YYYY-MM", s)
	}
	return Month(year*12 + month - 1), nil
}

// parseDigits returns the number that s[from:to] spells, -1 if that is not all digits.
func parseDigits(s string, from, to int) int {
	if len(s) < to {
		return -1
	}
	number := 0
	for _, c := range []byte(s[from:to]) {
		if c < '0' || c > '9' {
			return -1
		}
		number = number*10 + int(c-'0')
	}
	return number
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

// UnmarshalText reads what ParseMonth reads, and leaves m as it is if that fails.
func (m *Month) UnmarshalText(text []byte) error {
	month, err := ParseMonth(string(text))
	if err != nil {
		return err
	}
	*m = month
	return nil
}
