package web

import (
	"fmt"
	"html/template"
	"math"
	"math/big"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// formatCost returns an amount with all its digits, at least two of them after the point, and with commas between
// thousands.
func formatCost(a billclient.Amount) string {
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

// formatCents returns an amount rounded to two decimals, with commas between thousands.
func formatCents(a billclient.Amount) string {
	exact, _ := new(big.Rat).SetString(a.String())
	rounded, err := billclient.ParseAmount(exact.FloatString(2))
	if err != nil { // it has more digits than any amount of the API
		rounded = a
	}
	return formatCost(rounded)
}

// showCost marks up an amount with two decimals. The exact one is its value, and shown where a mouse rests on it.
func showCost(a billclient.Amount) template.HTML {
	title := ""
	if exact := formatCost(a); exact != formatCents(a) {
		title = ` title="` + exact + `"`
	}
	return template.HTML(fmt.Sprintf(`<data value="%s"%s>%s</data>`, a, title, formatCents(a)))
}

// formatGrowth returns a change as a percentage with its sign.
func formatGrowth(fraction float64) string {
	if text := fmt.Sprintf("%+.1f%%", 100*fraction); text != "-0.0%" {
		return strings.Replace(text, "-", "\u2212", 1)
	}
	return "+0.0%"
}

// formatShare returns a part as a percentage of the whole, rounded down, so that only all of the whole is 100%. It
// returns the empty string if the whole is not positive.
func formatShare(part, whole billclient.Amount) string {
	if whole.Sign() <= 0 {
		return ""
	}
	const slack = 1e-9 // 0.7 of 1 is 69.99999999999999%
	percent := math.Floor(1000*part.Abs().Float64()/whole.Float64()+slack) / 10
	if part.Cmp(whole) < 0 {
		percent = min(percent, 99.9) // floats do not tell billions from a fen less
	}
	if part.Sign() < 0 && percent > 0 {
		percent = -percent
	}
	return fmt.Sprintf("%.1f%%", percent)
}

// formatCoverage returns how much of a month is known in detail, or the empty string if its lines cannot be a part of
// what is postpaid. Each pay mode counts by its absolute value, so that one that was paid back does not hide what is
// missing of another.
func formatCoverage(m metrics.MonthStatus) string {
	lines, postpaid := *m.Details.Lines, m.Modes[0].Cost
	if lines.Cmp(postpaid) != 0 && (lines.Sign() < 0 || lines.Cmp(postpaid) > 0) {
		return ""
	}
	var whole billclient.Amount
	for _, mode := range m.Modes {
		whole = whole.Add(mode.Cost.Abs())
	}
	switch missing := postpaid.Sub(lines).Add(m.Details.Missing); {
	case missing.Sign() == 0:
		return "100.0%" // also if the month has cost nothing
	case missing.Cmp(whole) >= 0:
		return "0.0%"
	default:
		return formatShare(whole.Sub(missing), whole)
	}
}

// formatBarWidth returns how wide the bar of a part is beside the bar of the month's largest part, which is 100% wide.
func formatBarWidth(part billclient.Amount, m metrics.MonthStatus) string {
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

// formatBeijing returns an instant as clocks in Beijing show it.
func formatBeijing(t time.Time) string { return t.In(billclient.Beijing).Format("2006-01-02 15:04") }

// isolate marks up a name so that one that is written from right to left does not change the order of the text around
// it. Source: https://html.spec.whatwg.org/multipage/text-level-semantics.html#the-bdi-element.
func isolate(name string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(name) + "</bdi>")
}
