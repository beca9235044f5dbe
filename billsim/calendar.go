package billsim

import "time"

// day is a day of the Beijing calendar (UTC+8, no summer time), counted from 1970-01-01. As far as is known, the days
// of bills are Beijing's.
type day int

const (
	beijingOffset = 8 * time.Hour
	monthForm     = "2006-01"
)

// dayOf returns the day of t in Beijing.
func dayOf(t time.Time) day { return day(t.Add(beijingOffset).Unix() / (24 * 60 * 60)) }

// date returns the day's midnight in UTC, which stands for a calendar without time zones.
func (d day) date() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// String returns the day as bills write it: 2026-11-17.
func (d day) String() string { return d.date().Format(time.DateOnly) }

// month returns the day's month as bills write it: 2026-11.
func (d day) month() string { return d.date().Format(monthForm) }

// timestamp returns a time of the day as bills write it: 2026-11-17 23:59:59.
func (d day) timestamp(clock string) string { return d.String() + " " + clock }

func (d day) isWeekend() bool {
	weekday := d.date().Weekday()
	return weekday == time.Saturday || weekday == time.Sunday
}

// monthStart returns the first day of d's month or, if months is not 0, of the month so many months later.
func (d day) monthStart(months int) day {
	year, month, _ := d.date().Date()
	return dayOfDate(time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC))
}

// addMonths returns the same day of a later month, or the last day of that month if it has no such day.
func (d day) addMonths(months int) day {
	next := d.monthStart(months)
	return min(next+d-d.monthStart(0), next.monthStart(1)-1)
}

func dayOfDate(date time.Time) day { return day(date.Unix() / (24 * 60 * 60)) }

// daysOf returns the first and the last day of a month such as "2026-10". ok is false if month is none.
func daysOf(month string) (first, last day, ok bool) {
	date, err := time.Parse(monthForm, month)
	if err != nil {
		return 0, 0, false
	}
	first = dayOfDate(date)
	return first, first.monthStart(1) - 1, true
}

// horizon is how far metering has come. Some instances are metered later than others.
type horizon struct {
	newest day // the newest day with lines of some instances
	whole  day // the newest day with lines of all instances
}

// newHorizon returns the horizon at a time: yesterday, of which half of the instances are missing until 10:00 in
// Beijing.
func newHorizon(now time.Time) horizon {
	yesterday := dayOf(now) - 1
	if now.UTC().Add(beijingOffset).Hour() < 10 {
		return horizon{newest: yesterday, whole: yesterday - 1}
	}
	return horizon{newest: yesterday, whole: yesterday}
}
