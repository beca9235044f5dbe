package web

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"

	"golang.org/x/text/language"
)

// locale is a language of the page. Its texts are looked up by the English ones, which are shown where a text has no
// translation.
type locale struct {
	Code          string // as HTML and HTTP write it (RFC 5646)
	Name          string // as its speakers write it
	sentenceSpace string // between two sentences
	texts         map[string]string
}

var locales = []locale{
	{Code: "en", Name: "English", sentenceSpace: " "},
	{Code: "zh-CN", Name: "中文", texts: chinese},
}

// localeMatcher returns indexes of locales: its tags have their order.
var localeMatcher = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// templateFuncs returns the functions that the template calls.
func (l locale) templateFuncs() template.FuncMap {
	return template.FuncMap{
		"translate": l.translate, "sentenceSpace": func() string { return l.sentenceSpace },
		"translateSource": l.translateSource, "translatePayMode": l.translatePayMode,
		"translateBalance": l.translateBalance, "translateRenewal": l.translateRenewal,
		"explainFailure": l.explainFailure, "suggestRemedy": l.suggestRemedy,
		"formatAge": l.formatAge, "formatDataEnd": l.formatDataEnd, "formatChange": l.formatChange,
		"formatCost": formatCost, "formatShare": formatShare, "formatCoverage": formatCoverage,
		"formatBarWidth": formatBarWidth, "showCost": showCost, "formatCents": formatCents, "formatNext": l.formatNext,
		"isolate": isolate, "drawChart": drawChart, "payModeClass": payModeClass,
		"countFailing": countFailing, "groupFailures": groupFailures,
	}
}

// translate returns a text in the language, with the arguments put in as fmt.Sprintf does. It escapes the arguments, so
// that a browser takes none for markup, and marks dates, so that a browser does not break them at their hyphens.
func (l locale) translate(english string, args ...any) template.HTML {
	escaped := make([]any, len(args))
	for i, arg := range args {
		escaped[i] = escapeArgument(arg)
	}
	text := template.HTMLEscapeString(cmp.Or(l.texts[english], english))
	return template.HTML(fmt.Sprintf(text, escaped...))
}

func escapeArgument(arg any) any {
	switch arg := arg.(type) {
	case int, float64, template.HTML:
		return arg
	case billclient.Amount:
		return showCost(arg)
	case time.Time:
		return "<time>" + formatBeijing(arg) + "</time>"
	case billclient.Day, billclient.Month:
		return fmt.Sprintf("<time>%s</time>", arg)
	default:
		return template.HTMLEscapeString(fmt.Sprint(arg))
	}
}

// translateSource returns the title of a source, or its name if it has no title.
func (l locale) translateSource(s metrics.Source) string {
	return cmp.Or(l.texts[s.Title], s.Title, s.Name)
}

// translatePayMode returns the title of a pay mode, or the pay mode itself if it has no title.
func (l locale) translatePayMode(mode string) string {
	return cmp.Or(l.texts[payModeTitles[mode]], payModeTitles[mode], mode)
}

// translateBalance returns the title of a kind of balance, or the kind itself if it has no title.
func (l locale) translateBalance(kind string) string {
	return cmp.Or(l.texts[balanceTitles[kind]], balanceTitles[kind], kind)
}

// translateRenewal returns what becomes of an instance at its end, or the word for it if it has no title.
func (l locale) translateRenewal(renewal string) string {
	return cmp.Or(l.texts[renewalTitles[renewal]], renewalTitles[renewal], renewal)
}

func (l locale) explainFailure(r billclient.Reason) template.HTML {
	return l.translate(failureTexts[r].meaning)
}

func (l locale) suggestRemedy(r billclient.Reason) template.HTML {
	return l.translate(failureTexts[r].remedy)
}

// formatChange returns how much more or less now is than before.
func (l locale) formatChange(now, before billclient.Amount) template.HTML {
	switch {
	case now.Cmp(before) == 0:
		return l.translate("as much")
	case before.Sign() <= 0:
		return l.translate("not to be compared")
	}
	percent := 100 * (now.Float64()/before.Float64() - 1)
	switch size := math.Abs(percent); {
	case size < 0.05:
		return l.translate("as much")
	case percent < 0:
		return l.translate("%.1f%% less", size)
	default:
		return l.translate("%.1f%% more", size)
	}
}

// formatAge returns how long before now an instant is. The zero time stands for never.
func (l locale) formatAge(then, now time.Time) template.HTML {
	switch age := now.Sub(then); {
	case then.IsZero():
		return l.translate("never")
	case age < time.Minute:
		return l.translate("just now")
	case age < time.Hour:
		return l.translate("%d min ago", int(age/time.Minute))
	case age < 48*time.Hour:
		return l.translate("%d h ago", int(age/time.Hour))
	default:
		return l.translate("%d days ago", int(age/(24*time.Hour)))
	}
}

// formatNext returns when something is asked next, seen at an instant: the time of day alone if it is the same day.
func (l locale) formatNext(next, now time.Time) template.HTML {
	switch text := formatBeijing(next); {
	case !next.After(now):
		return l.translate("at once")
	case billclient.DayOf(next) == billclient.DayOf(now):
		return template.HTML("<time>" + text[len("2006-01-02 "):] + "</time>")
	default:
		return template.HTML("<time>" + text + "</time>")
	}
}

// formatDataEnd returns the instant up to which numbers count. It is mostly the end of a day, which bills give as the
// last second of that day, and is then shown as that day.
func (l locale) formatDataEnd(end time.Time) template.HTML {
	if next := billclient.DayOf(end.Add(time.Second)); !next.Start().Before(end) {
		return l.translate("to the end of %s", next.Add(-1))
	}
	return l.translate("to %s", end)
}
