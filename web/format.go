package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
)

// funcs are what the template can do to what it shows.
func (t tongue) funcs() template.FuncMap {
	return template.FuncMap{
		"t": t.say, "space": func() string { return t.space }, "age": t.age, "until": t.until, "change": t.change,
		"source": t.source, "mode": t.mode, "meaning": t.meaning, "remedy": t.remedy,
		"cost": cost, "share": share, "coverage": coverage, "bar": bar, "chart": draw, "bdi": bdi,
		"failing": failing, "troubles": troubles,
	}
}

// cost writes an amount with all its digits, at least two after the point, and commas among those before it.
func cost(a billclient.Amount) string {
	digits, negative := strings.CutPrefix(a.String(), "-")
	whole, cents, _ := strings.Cut(digits, ".")
	cents = strings.TrimRight(cents, "0")
	cents += "00"[min(len(cents), 2):]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if negative {
		whole = "-" + whole
	}
	return whole + "." + cents
}

// share writes how much of the whole a part is, never more than it is: 100% is all of it. There is no share of nothing.
func share(part, whole billclient.Amount) string {
	if whole.Sign() <= 0 {
		return ""
	}
	const slack = 1e-9 // 0.7 of 1 is 69.99999999999999%
	percent := math.Floor(1000*part.Abs().Float64()/whole.Float64()+slack) / 10
	if part.Sign() < 0 && percent > 0 {
		percent = -percent
	}
	return fmt.Sprintf("%.1f%%", percent)
}

// coverage writes how much of a month its lines cover; nothing where they are no part of it.
func coverage(lines, month billclient.Amount) string {
	switch {
	case lines.Cmp(month) == 0:
		return "100.0%" // of 0, and of a month in which more was paid back than paid
	case lines.Sign() < 0 || lines.Cmp(month) > 0:
		return ""
	default:
		return share(lines, month)
	}
}

// change writes how much more or less now is than before.
func (t tongue) change(now, before billclient.Amount) template.HTML {
	switch {
	case now.Cmp(before) == 0:
		return t.say("as much")
	case before.Sign() <= 0:
		return t.say("not to be compared")
	}
	percent := 100 * (now.Float64()/before.Float64() - 1)
	switch less := math.Abs(percent); {
	case less < 0.05:
		return t.say("as much")
	case percent < 0:
		return t.say("%.1f%% less", less)
	default:
		return t.say("%.1f%% more", less)
	}
}

// age writes how long ago something was.
func (t tongue) age(then, now time.Time) template.HTML {
	switch d := now.Sub(then); {
	case then.IsZero():
		return t.say("never")
	case d < time.Minute:
		return t.say("just now")
	case d < time.Hour:
		return t.say("%d min ago", int(d/time.Minute))
	case d < 48*time.Hour:
		return t.say("%d h ago", int(d/time.Hour))
	default:
		return t.say("%d days ago", int(d/(24*time.Hour)))
	}
}

// until writes an instant up to which numbers count: the end of a day, mostly, which bills have as its last second.
func (t tongue) until(at time.Time) template.HTML {
	if next := billclient.DayOf(at.Add(time.Second)); !next.Start().Before(at) {
		return t.say("to the end of %s", next.Add(-1))
	}
	return t.say("to %s", at)
}

// local writes an instant as clocks in Beijing show it.
func local(at time.Time) string { return at.In(billclient.Beijing).Format("2006-01-02 15:04") }

// bdi keeps a name that is written from right to left from turning what stands around it.
// Source: https://html.spec.whatwg.org/multipage/text-level-semantics.html#the-bdi-element.
func bdi(name string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(name) + "</bdi>")
}

// bar returns the width of a part's bar beside that of the month's largest part.
func bar(part billclient.Amount, m collector.MonthStatus) string {
	largest := m.Rest.Cost.Abs()
	for _, p := range m.Products {
		if p.Cost.Abs().Cmp(largest) > 0 {
			largest = p.Cost.Abs()
		}
	}
	if largest.Sign() == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", 100*part.Abs().Float64()/largest.Float64())
}
