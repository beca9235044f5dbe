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
		"t": t.say, "age": t.age, "until": t.until, "change": t.change,
		"source": t.source, "mode": t.mode, "meaning": t.meaning, "remedy": t.remedy,
		"cost": cost, "share": share, "bar": bar, "chart": draw, "failing": failing, "local": local,
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

// share writes how much of the whole a part is, rounded down: 100% is all of it. There is no share of nothing.
func share(part, whole billclient.Amount) string {
	if whole.Sign() <= 0 {
		return ""
	}
	const slack = 1e-9 // 0.7 of 1 is 69.99999999999999%
	return fmt.Sprintf("%.1f%%", math.Floor(1000*part.Float64()/whole.Float64()+slack)/10)
}

// change writes how much more or less now is than before.
func (t tongue) change(now, before billclient.Amount) string {
	if before.Sign() <= 0 {
		return t.say("not to be compared")
	}
	percent := 100 * (now.Float64()/before.Float64() - 1)
	switch less := fmt.Sprintf("%.1f%%", math.Abs(percent)); {
	case less == "0.0%":
		return t.say("as much")
	case percent < 0:
		return t.say("%s less", less)
	default:
		return t.say("%s more", less)
	}
}

// age writes how long ago something was.
func (t tongue) age(then, now time.Time) string {
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
func (t tongue) until(at time.Time) string {
	if next := billclient.DayOf(at.Add(time.Second)); !next.Start().Before(at) {
		return t.say("to the end of %s", next.Add(-1))
	}
	return t.say("to %s", local(at))
}

// local writes an instant as clocks in Beijing show it.
func local(at time.Time) string { return at.In(billclient.Beijing).Format("2006-01-02 15:04") }

func failing(sources []collector.SourceStatus) int {
	n := 0
	for _, s := range sources {
		n += min(s.Failed, 1)
	}
	return n
}

// bar returns the width of a part's bar beside that of the largest part.
func bar(part billclient.Amount, parts []collector.Part) string {
	largest := billclient.Amount{}
	for _, p := range parts {
		if p.Cost.Abs().Cmp(largest) > 0 {
			largest = p.Cost.Abs()
		}
	}
	if largest.Sign() == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", min(100, 100*part.Abs().Float64()/largest.Float64()))
}
