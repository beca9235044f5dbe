package billclient

import (
	"net/url"
	"strconv"
	"time"
)

// dayParams returns the parameters for the days from and to and all between. Days that the API refuses are an *Error,
// which saves a call.
func dayParams(action string, from, to Day) (url.Values, error) {
	if _, err := monthParams(action, from.Month(), to.Month()); err != nil {
		return nil, err
	}
	span := daySpan{from, to}
	switch {
	case to < from:
		return nil, &Error{Action: action, Reason: Invalid, Message: from.String() + " is after " + to.String()}
	case to.Month() != from.Month():
		return nil, &Error{Action: action, Reason: Invalid, Message: span.String() + ": want days of one month"}
	}
	return url.Values{"StartDay": {from.String()}, "EndDay": {to.String()}}, nil
}

// daySpan is the days from one to another and all between, in one month.
type daySpan struct{ from, to Day }

func (s daySpan) String() string {
	if s.from == s.to {
		return s.from.String()
	}
	return s.from.String() + " to " + s.to.String()
}

// billDay is the name of the day of a row.
const billDay = "billDay"

// readDay reads the day of a row. It fails if the day, or the month that the row names, was not asked for.
func (s daySpan) readDay(x *nodeReader) Day {
	text := canonicalNumberID(x.text(billDay))
	day, err := s.parseDay(text)
	if err != nil || day < s.from || day > s.to {
		x.keep(classify(Decode, "%s %q: asked for %v", billDay, shorten(text, 60), s))
		return 0
	}
	checkRowMonth(x, day.Month())
	return day
}

// parseDay reads a day, in a form that ParseDay reads or as the number of a day of the month. The API does not document
// the form; in the vendor's SDKs it is a number (https://github.com/kingsoftcloud/sdk-java, bill_union).
func (s daySpan) parseDay(text string) (Day, error) {
	if number, ok := parseMonthDay(text); ok {
		return DayOf(s.from.Month().Start()).Add(number - 1), nil
	}
	return ParseDay(text)
}

// parseMonthDay reads the number of a day of the month; ok is false if the text is none.
func parseMonthDay(text string) (number int, ok bool) {
	number, err := strconv.Atoi(text)
	return number, err == nil && len(text) <= 2
}

// DayForm is the form in which a row has its day. Its text is for people.
type DayForm string

// The forms of a day.
const (
	CompactDay DayForm = "YYYYMMDD"
	HyphenDay  DayForm = "YYYY-MM-DD"
	TimedDay   DayForm = "YYYY-MM-DD hh:mm:ss"
	MonthDay   DayForm = "the day of the month"
	OtherDay   DayForm = "in another form" // which is not read
)

// dayFormOf returns the form in which a row has its day, empty if it has none.
func dayFormOf(row node) DayForm {
	x := nodeReader{node: row}
	text := canonicalNumberID(x.text(billDay))
	if _, ok := parseMonthDay(text); ok {
		return MonthDay
	}
	switch _, err := ParseDay(text); {
	case text == "" && x.err == nil:
		return ""
	case err != nil:
		return OtherDay
	case len(text) == len(compactLayout):
		return CompactDay
	case len(text) == len(time.DateOnly):
		return HyphenDay
	default:
		return TimedDay
	}
}

// checkRowMonth fails if a row names months, and the one asked for is not among them. A row has the month in which it
// was billed and the month that it is for; a correction that comes late has two. It returns false for a row that names
// none.
func checkRowMonth(x *nodeReader, asked Month) bool {
	const name = "billMonth"
	text := x.text(name)
	month, billed := canonicalNumberID(text), canonicalNumberID(x.text("customerBillMonth"))
	isNamed := month != "" || billed != ""
	if isNamed && !isMonth(month, asked) && !isMonth(billed, asked) {
		x.keep(classify(Decode, "%s %q: asked for %v", name, shorten(text, 60), asked))
	}
	return isNamed
}

// isMonth reports whether a text is the month, in the form YYYY-MM or YYYYMM.
func isMonth(text string, m Month) bool {
	const compact = len("YYYYMM")
	if len(text) == compact {
		year, month := parseDigits(text, 0, 4), parseDigits(text, 4, compact)
		return year == int(m)/12 && month == int(m)%12+1
	}
	month, err := ParseMonth(text)
	return err == nil && month == m
}
