package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

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

// link leads from the page to another path of the exporter, relative to that of the page.
type link struct{ Path, Text string }

// mostOpen is how many accounts are shown in full below the table. If there are more, each has a page of its own.
const mostOpen = 3

// refreshMinutes is how often the page refreshes itself. Where it has the form of the filter, it does so less often:
// what is typed into it would be lost.
const refreshMinutes, refreshMinutesWithForm = 1, 5

// pageData is what the template is executed with.
type pageData struct {
	At       time.Time
	Count    int // accounts of the configuration
	View     view
	Overview overview
	Rows     []row // of the table; none where only one account is shown
	Open     []row // the accounts that are shown in full
	Lang     string
	Others   []locale // the other languages of the page
	Style    template.CSS
	Links    []link
	Version  string
	HasForm  bool // of the filter
	Refresh  int  // after how many minutes; 0: never
}

func (d pageData) RefreshSeconds() int { return 60 * d.Refresh }

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
	for i := range links {
		links[i].Path = strings.TrimPrefix(links[i].Path, "/")
	}
	return links
}

// contentPolicy returns a policy that allows the page's own style, the exporter's own icon and the form of the filter,
// and nothing else: whatever the name of an instance contains, no browser runs it.
// Source: https://www.w3.org/TR/CSP3/.
func contentPolicy() string {
	hash := sha256.Sum256([]byte(stylesheet))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// ServeHTTP writes the page of the status now. The parameter lang, as in ?lang=zh, goes before the languages that the
// browser prefers; see view for the others.
func (p *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := newView(r.URL)
	_, index := language.MatchStrings(localeMatcher, v.params.Get(langParam), r.Header.Get("Accept-Language"))
	data := p.data(index, v)
	var page bytes.Buffer
	if err := p.templates[index].Execute(&page, data); err != nil {
		http.Error(w, fmt.Sprintf("status page: %v", err), http.StatusInternalServerError)
		return
	}
	for name, value := range map[string]string{
		"Cache-Control":           "no-store",
		"Content-Language":        locales[index].Code,
		"Content-Security-Policy": p.policy,
		"Content-Type":            "text/html; charset=utf-8",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
	} {
		w.Header().Set(name, value)
	}
	w.Header().Add("Vary", "Accept-Language")
	if v.Account() != "" && len(data.Open) == 0 {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = page.WriteTo(w) // it fails only if the reader has gone
}

// data returns what the template shows in the locale of the index.
func (p *statusPage) data(index int, v view) pageData {
	status := p.status()
	d := pageData{
		At: status.At, Count: len(status.Accounts), View: v, Lang: locales[index].Code,
		Style: template.CSS(stylesheet), Links: p.links, Version: version.Version,
	}
	d.choose(status.Accounts)
	d.HasForm = d.Count > mostOpen && v.Account() == ""
	switch {
	case v.Stays():
	case d.HasForm:
		d.Refresh = refreshMinutesWithForm
	default:
		d.Refresh = refreshMinutes
	}
	for i, l := range locales {
		if i != index {
			d.Others = append(d.Others, l)
		}
	}
	return d
}

// choose sets which of all accounts are shown.
func (d *pageData) choose(all []metrics.AccountStatus) {
	var rows []row
	for i, a := range all {
		if d.View.selects(a) {
			rows = append(rows, row{a, i, d.At})
		}
	}
	d.View.sort(rows)
	d.Overview = addUp(rows)
	if len(rows) <= mostOpen {
		d.Open = rows
	}
	if len(all) > 1 && d.View.Account() == "" {
		d.Rows = rows
	}
}
