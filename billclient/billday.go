package billclient

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// readDay reads the day of a row. It fails if the day, or the month that the row names, was not asked for.
func (s daySpan) readDay(x *nodeReader) Day {
	const name = "billDay"
	text := canonicalNumberID(x.text(name))
	day, err := s.parseDay(text)
	if err != nil || day < s.from || day > s.to {
		x.keep(classify(Decode, "%s %q: asked for %v", name, shorten(text, 60), s))
		return 0
	}
	checkRowMonth(x, day.Month())
	return day
}

// parseDay reads a day, in a form that ParseDay reads or as the number of a day of the month. The API does not document
// the form; in the vendor's SDKs it is a number (https://github.com/kingsoftcloud/sdk-java, bill_union).
func (s daySpan) parseDay(text string) (Day, error) {
	if number, err := strconv.Atoi(text); err == nil && len(text) <= 2 {
		return DayOf(s.from.Month().Start()).Add(number - 1), nil
	}
	return ParseDay(text)
}

// checkRowMonth fails if a row names months, and the one asked for is not among them. A row has the month in which it
// was billed and the month that it is for; a correction that comes late has two.
func checkRowMonth(x *nodeReader, asked Month) {
	const name = "billMonth"
	text := x.text(name)
	texts := []string{canonicalNumberID(text), canonicalNumberID(x.text("customerBillMonth"))}
	if slices.ContainsFunc(texts, func(text string) bool { return isMonth(text, asked) }) || texts[0]+texts[1] == "" {
		return
	}
	x.keep(classify(Decode, "%s %q: asked for %v", name, shorten(text, 60), asked))
}

// isMonth reports whether a text is the month, in the form YYYY-MM or YYYYMM.
func isMonth(text string, m Month) bool {
	return text == m.String() || text == strings.ReplaceAll(m.String(), "-", "")
}
