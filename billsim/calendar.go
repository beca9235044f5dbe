package billsim

import "time"

// day counts from 1970-01-01 on the Beijing calendar, UTC+8 without summer time: the bills' days, as far as is known.
type day int

const (
	beijingOffset = 8 * time.Hour
	monthForm     = "2006-01"
)

func dayOf(t time.Time) day { return day(t.Add(beijingOffset).Unix() / (24 * 60 * 60)) }

// date is the day's midnight, of a calendar that has no zone.
func (d day) date() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

func (d day) String() string { return d.date().Format(time.DateOnly) }

func (d day) month() string { return d.date().Format(monthForm) }

// at is a time of the day as bills write it.
func (d day) at(clock string) string { return d.String() + " " + clock }

func (d day) weekend() bool {
	weekday := d.date().Weekday()
	return weekday == time.Saturday || weekday == time.Sunday
}

// monthStart is the first day of d's month, or of one so many months before or after.
func (d day) monthStart(months int) day {
	year, month, _ := d.date().Date()
	return dayOfDate(time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC))
}

func dayOfDate(date time.Time) day { return day(date.Unix() / (24 * 60 * 60)) }

// daysOf are the first and the last day of a month "2026-10".
func daysOf(month string) (first, last day, ok bool) {
	date, err := time.Parse(monthForm, month)
	if err != nil {
		return 0, 0, false
	}
	first = dayOfDate(date)
	return first, first.monthStart(1) - 1, true
}

// horizon is how far metering has come: some instances are later than others.
type horizon struct {
	newest day // with any lines
	whole  day // with all
}

// horizonAt is yesterday, of which half of the instances are missing until 10:00 in Beijing.
func horizonAt(now time.Time) horizon {
	yesterday := dayOf(now) - 1
	if now.UTC().Add(beijingOffset).Hour() < 10 {
		return horizon{newest: yesterday, whole: yesterday - 1}
	}
	return horizon{newest: yesterday, whole: yesterday}
}
