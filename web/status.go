package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"ksyun_bill_exporter/metrics"

	"github.com/prometheus/common/version"
	"golang.org/x/text/language"
)

//go:embed status.html.tmpl
var statusTemplate string

//go:embed status.css
var stylesheet string

// statusPage is the page for people. It needs no script, and is in the language that the browser prefers.
type statusPage struct {
	status    func() metrics.Status
	links     []link
	policy    string
	templates []*template.Template // one for each of locales, in their order
}

// link leads from the page to another path of the exporter.
type link struct{ Path, Text string }

// pageData is what the template is executed with.
type pageData struct {
	metrics.Status
	Lang    string
	Others  []locale // the other languages of the page
	Style   template.CSS
	Links   []link
	Version string
}

func newStatusPage(o Options) (*statusPage, error) {
	p := &statusPage{status: o.Status, links: pageLinks(o), policy: contentPolicy()}
	for _, l := range locales {
		parsed, err := template.New("status").Funcs(l.templateFuncs()).Parse(statusTemplate)
		if err != nil {
			return nil, err
		}
		p.templates = append(p.templates, parsed)
	}
	return p, nil
}

func pageLinks(o Options) []link {
	links := []link{{o.MetricsPath, "Metrics"}, {healthyPath, "Healthy"}, {readyPath, "Ready"}}
	if o.Pprof {
		links = append(links, link{pprofPath, "Profiles"})
	}
	return links
}

// contentPolicy returns a policy that allows the page's own style and nothing else: whatever the name of an instance
// contains, no browser runs it. Source: https://www.w3.org/TR/CSP3/.
func contentPolicy() string {
	hash := sha256.Sum256([]byte(stylesheet))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// ServeHTTP writes the page of the status now. The parameter lang, as in ?lang=zh, goes before the languages that the
// browser prefers.
func (p *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, index := language.MatchStrings(localeMatcher, r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	var page bytes.Buffer
	if err := p.templates[index].Execute(&page, p.data(index)); err != nil {
		http.Error(w, fmt.Sprintf("status page: %v", err), http.StatusInternalServerError)
		return
	}
	for name, value := range map[string]string{
		"Cache-Control":           "no-store",
		"Content-Language":        locales[index].Code,
		"Content-Security-Policy": p.policy,
		"Content-Type":            "text/html; charset=utf-8",
		"Referrer-Policy":         "no-referrer",
		"Vary":                    "Accept-Language",
		"X-Content-Type-Options":  "nosniff",
	} {
		w.Header().Set(name, value)
	}
	_, _ = page.WriteTo(w) // it fails only if the reader has gone
}

// data returns what the template shows in the locale of the index.
func (p *statusPage) data(index int) pageData {
	d := pageData{
		Status: p.status(), Lang: locales[index].Code, Style: template.CSS(stylesheet), Links: p.links,
		Version: version.Version,
	}
	for i, l := range locales {
		if i != index {
			d.Others = append(d.Others, l)
		}
	}
	return d
}
