package billclient

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clockLayouts are the forms of a time that are read. Without a zone, it is Beijing's.
var clockLayouts = [...]string{
	time.DateTime, time.DateOnly, compactLayout, "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04",
}

// parseInstant reads a time in one of clockLayouts, or as the seconds or milliseconds since 1970: no page documents in
// which form the younger actions write times.
func parseInstant(text string) (time.Time, error) {
	text = canonicalNumberID(text)
	for _, layout := range clockLayouts {
		if t, err := time.ParseInLocation(layout, text, Beijing); err == nil {
			return t.In(Beijing), nil
		}
	}
	number, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err == nil && len(text) == len("1600000000"):
		return time.Unix(number, 0).In(Beijing), nil
	case err == nil && len(text) == len("1600000000000"):
		return time.UnixMilli(number).In(Beijing), nil
	default:
		return time.Time{}, fmt.Errorf("time %q: want YYYY-MM-DD hh:mm:ss", shorten(text, 60))
	}
}

// parseTerm returns the first and the last day of a term. An end at midnight is that of the day before, unless it is
// the name of a day. If one of the two cannot be read, or the end is before the begin, ok is false.
func parseTerm(beginText, endText string) (begin, end Day, ok bool) {
	from, beginErr := parseInstant(beginText)
	to, endErr := parseInstant(endText)
	if beginErr != nil || endErr != nil || to.Before(from) {
		return 0, 0, false
	}
	begin, end = DayOf(from), DayOf(to)
	isMidnight := to.Equal(end.Start()) && len(strings.TrimSpace(endText)) > len(time.DateOnly)
	if isMidnight && end > begin {
		end--
	}
	return begin, end, true
}

// instant returns a time, the zero Time if it is missing, null or empty.
func (x *nodeReader) instant(name string) time.Time {
	text := x.text(name)
	if strings.TrimSpace(text) == "" {
		return time.Time{}
	}
	t, err := parseInstant(text)
	x.fail(name, err)
	return t
}
