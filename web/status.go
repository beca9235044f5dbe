package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"ksyun_bill_exporter/collector"

	"github.com/prometheus/common/version"
	"golang.org/x/text/language"
)

//go:embed status.html.tmpl
var statusTemplate string

//go:embed status.css
var style string

// statusPage is the page for people: whole without a script, and in the language that the browser asks for.
type statusPage struct {
	status func() collector.Status
	links  []link
	policy string
	pages  []*template.Template // by index in tongues
}

// link leads from the page to something else that is served.
type link struct{ Path, Text string }

// view is what the template gets.
type view struct {
	collector.Status
	Lang    string
	Others  []tongue // in which the page can be read too
	Style   template.CSS
	Links   []link
	Version string
}

func newStatusPage(o Options) (*statusPage, error) {
	p := &statusPage{status: o.Status, links: links(o), policy: contentPolicy()}
	for _, t := range tongues {
		page, err := template.New("status").Funcs(t.funcs()).Parse(statusTemplate)
		if err != nil {
			return nil, err
		}
		p.pages = append(p.pages, page)
	}
	return p, nil
}

func links(o Options) []link {
	links := []link{{o.MetricsPath, "Metrics"}, {healthyPath, "Healthy"}, {readyPath, "Ready"}}
	if o.Pprof {
		links = append(links, link{pprofPath, "Profiles"})
	}
	return links
}

// contentPolicy allows the page's own style and nothing else: whatever an instance is called, no browser runs it.
// Source: https://www.w3.org/TR/CSP3/.
func contentPolicy() string {
	hash := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// ServeHTTP shows what is known now. ?lang=zh wins over what the browser asks for.
func (p *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, chosen := language.MatchStrings(matcher, r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	var page bytes.Buffer
	if err := p.pages[chosen].Execute(&page, p.view(chosen)); err != nil {
		http.Error(w, fmt.Sprintf("status page: %v", err), http.StatusInternalServerError)
		return
	}
	for name, value := range map[string]string{
		"Cache-Control":           "no-store",
		"Content-Language":        tongues[chosen].Code,
		"Content-Security-Policy": p.policy,
		"Content-Type":            "text/html; charset=utf-8",
		"Referrer-Policy":         "no-referrer",
		"Vary":                    "Accept-Language",
		"X-Content-Type-Options":  "nosniff",
	} {
		w.Header().Set(name, value)
	}
	_, _ = page.WriteTo(w) // a reader who has gone needs no page
}

func (p *statusPage) view(chosen int) view {
	v := view{
		Status: p.status(), Lang: tongues[chosen].Code, Style: template.CSS(style), Links: p.links,
		Version: version.Version,
	}
	for i, t := range tongues {
		if i != chosen {
			v.Others = append(v.Others, t)
		}
	}
	return v
}
