package billsim

import "time"

// duration returns the seconds that a line is for, 0 if its times are none.
func duration(l *Line) int {
	if l.BillHours > 0 {
		return l.BillHours * 60 * 60
	}
	start, startErr := time.Parse(time.DateTime, l.StartTime)
	end, endErr := time.Parse(time.DateTime, l.EndTime)
	if startErr != nil || endErr != nil {
		return 0
	}
	return int(end.Sub(start).Seconds()) + 1
}

// termMonths returns how many months a line is for, 0 if its times are none.
func termMonths(l *Line) int {
	start, startErr := time.Parse(time.DateTime, l.StartTime)
	end, endErr := time.Parse(time.DateTime, l.EndTime)
	if startErr != nil || endErr != nil {
		return 0
	}
	end = end.Add(time.Second)
	return 12*(end.Year()-start.Year()) + int(end.Month()-start.Month())
}
