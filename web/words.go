package web

import (
	"cmp"
	"fmt"
	"html/template"
	"time"

	"ksyun_bill_exporter/billclient"

	"golang.org/x/text/language"
)

// tongue is a language of the page. Its words are looked up by the English ones, which stand where they are none.
type tongue struct {
	Code  string // as HTML and HTTP have it (RFC 5646)
	Name  string // as its speakers call it
	space string // between two sentences
	words map[string]string
}

var tongues = []tongue{{Code: "en", Name: "English", space: " "}, {Code: "zh-CN", Name: "中文", words: chinese}}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// say fills the gaps of a text as fmt.Sprintf does, with nothing that a browser could take for markup, and with dates
// that it does not break at their hyphens.
func (t tongue) say(english string, gaps ...any) template.HTML {
	filled := make([]any, len(gaps))
	for i, gap := range gaps {
		filled[i] = fill(gap)
	}
	return template.HTML(fmt.Sprintf(template.HTMLEscapeString(cmp.Or(t.words[english], english)), filled...))
}

func fill(gap any) any {
	switch gap := gap.(type) {
	case int, float64, template.HTML:
		return gap
	case time.Time:
		return "<time>" + local(gap) + "</time>"
	case billclient.Day, billclient.Month:
		return fmt.Sprintf("<time>%s</time>", gap)
	default:
		return template.HTMLEscapeString(fmt.Sprint(gap))
	}
}

func (t tongue) source(label string) string { return t.name(sourceNames, label) }
func (t tongue) mode(label string) string   { return t.name(modeNames, label) }

// name names what has a label, by the label itself where it has no name.
func (t tongue) name(names map[string]string, label string) string {
	return cmp.Or(t.words[names[label]], names[label], label)
}

func (t tongue) meaning(r billclient.Reason) template.HTML { return t.say(reasons[r].meaning) }
func (t tongue) remedy(r billclient.Reason) template.HTML  { return t.say(reasons[r].remedy) }

var sourceNames = map[string]string{
	"month_bill":       "Monthly bills",
	"month_consume":    "Estimates of months",
	"pay_mode_summary": "All pay modes",
	"product_summary":  "Product groups",
	"project_summary":  "Projects",
	"detail_consume":   "Lines of estimates",
	"detail_bill":      "Lines of bills",
}

var modeNames = map[string]string{
	billclient.Postpaid: "postpaid", billclient.Prepaid: "prepaid", billclient.Realtime: "realtime",
}

// reasons say in plain words why asking failed, and what to do about it.
var reasons = map[billclient.Reason]struct{ meaning, remedy string }{
	billclient.Auth: {
		"The key lacks a permission, or does not work.",
		"Grant the permission that the message names, or correct the key. A new key file is noticed within a minute.",
	},
	billclient.Invalid: {
		"The API finds the request invalid.",
		"Check api.endpoint and api.region, then run the command check.",
	},
	billclient.Throttled: {
		"The API is asked too often.",
		"It is asked again by itself. If it stays so, raise refresh.interval or lower api.requests_per_second.",
	},
	billclient.Server: {
		"The API, or a proxy before it, has a fault.",
		"It is asked again by itself. If it stays so, show the message to the vendor's support.",
	},
	billclient.Network: {
		"The API cannot be reached.",
		"Check DNS, proxy and firewall between this machine and api.endpoint and api.union_endpoint.",
	},
	billclient.Timeout: {
		"The API takes too long to answer.",
		"It is asked again by itself. If it stays so, raise api.timeout or api.max_duration.",
	},
	billclient.Decode: {
		"The answer cannot be read.",
		"The last good numbers stay. If it stays so, a proxy may answer instead of the API; else report the message.",
	},
	billclient.Incomplete: {
		"The answer is not complete.",
		"The last good numbers stay, and it is asked again by itself.",
	},
	billclient.CallLimit: {
		"The calls of this day are used up.",
		"It goes on after midnight in Beijing. Raise api.daily_calls, or refresh.interval.",
	},
	foreign: {"The answer is about another customer than customer_id expects.", "Correct the key or customer_id."},
}
