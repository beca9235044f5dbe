package ledger

import (
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
)

// The days that lines cover, be there lines of them or not.
func TestCoveredDays(t *testing.T) {
	day := func(d int) billclient.Day { return billclient.DayOf(beijing(2, d, 0)) }
	for _, c := range []struct {
		name               string
		begin, end, newest int // days of February, 0 for none
		readAt             time.Time
		first, last        int
	}{
		{"as the API says", 3, 14, 15, beijing(2, 16, 12), 3, 14},
		{"without a line of the last one", 1, 14, 9, beijing(2, 16, 12), 1, 14},
		{"as the lines say", 0, 0, 9, beijing(2, 16, 12), 1, 9},
		{"none yet to come", 1, 28, 9, beijing(2, 16, 12), 1, 16},
		{"none of the next month", 1, 30, 9, beijing(3, 16, 12), 1, 28},
		{"none of the month before", -2, 14, 9, beijing(2, 16, 12), 1, 14},
	} {
		readFor := &Summary{Month: billclient.MonthOf(beijing(2, 1, 0))}
		l := New(Options{})
		for to, from := range map[*billclient.Day]int{
			&readFor.Begin: c.begin, &readFor.End: c.end, &l.newestDay: c.newest,
		} {
			if from != 0 {
				*to = day(from)
			}
		}
		if first, last := l.coveredDays(readFor, c.readAt); first != day(c.first) || last != day(c.last) {
			t.Errorf("%s: %v to %v", c.name, first, last)
		}
	}
}
