package main

import (
	"cmp"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/output"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/prometheus/common/version"
)

// report is all that is printed.
func (all visits) report(verdicts []verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", all.table())
	for _, v := range all {
		for _, q := range questions(v.API) {
			if err := v.answers[q.action].err; err != nil {
				fmt.Fprintf(&b, "%s: %v\n", output.Printable(v.Name), err)
			}
		}
	}
	for i, v := range all {
		fmt.Fprintf(&b, "%s: %s\n", output.Printable(v.Name), verdicts[i])
	}
	fmt.Fprintf(&b, "\nWhat the API is like, without anything of yours, for a report:\n\n```text\n%s```\n", all.facts())
	return b.String()
}

// table has a column for each account; its rows are named as permissions, for that is what a denied one lacks.
func (all visits) table() string {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	t.SuppressTrailingSpaces()
	row := func(head string, cell func(*visit) string) table.Row {
		cells := table.Row{head}
		for _, v := range all {
			cells = append(cells, cell(v))
		}
		return cells
	}
	t.AppendHeader(row("", func(v *visit) string { return output.Printable(v.Name) }))
	for _, q := range questions(all[0].API) {
		t.AppendRow(row(billclient.Permission(q.action), func(v *visit) string { return v.answers[q.action].String() }))
	}
	t.AppendSeparator()
	t.AppendRow(row("customer", func(v *visit) string { return output.OrDash(v.customer) }))
	t.AppendRow(row("newest bill", func(v *visit) string { return output.OrDash(v.newestBill()) }))
	t.AppendRow(row("estimate until", func(v *visit) string { return output.OrDash(v.horizon.String()) }))
	if all[0].API.UnionEndpoint != "" {
		share := "postpaid in " + (all[0].running - 1).String()
		t.AppendRow(row(share, func(v *visit) string { return output.OrDash(v.postpaid) }))
	}
	return t.Render()
}

func (v *visit) newestBill() string {
	if v.newest == 0 {
		return ""
	}
	return v.newest.String()
}

// facts tells how the API behaves in the words of its protocol and in numbers of ours. What an account has or is named,
// costs or pays stands in none of them.
func (all visits) facts() string {
	lines := []string{strings.TrimSpace(program + " " + version.Version), "endpoints: " + all.endpoints()}
	var attempts []billclient.Attempt
	for _, v := range all {
		attempts = append(attempts, v.attempts...)
	}
	lines = append(lines, distinct(attempts, outcome)...)
	lines = append(lines, all.monthFacts()...)
	lines = append(lines, distinct(all, (*visit).pageFact)...)
	lines = append(lines, largest(attempts)...)
	lines = append(lines, clock(attempts)...)
	return strings.Join(lines, "\n") + "\n"
}

func (all visits) endpoints() string {
	api, usual := all[0].API, billclient.DefaultOptions()
	if api.Endpoint == usual.Endpoint && cmp.Or(api.UnionEndpoint, usual.UnionEndpoint) == usual.UnionEndpoint {
		return "those of the vendor's pages"
	}
	return "others than those of the vendor's pages"
}

// distinct returns what is said of all, sorted, each line once.
func distinct[T any](all []T, say func(T) string) []string {
	said := map[string]bool{}
	for _, one := range all {
		if line := say(one); line != "" {
			said[line] = true
		}
	}
	return slices.Sorted(maps.Keys(said))
}

// outcome is how the API answered an action.
func outcome(a billclient.Attempt) string {
	said := a.Action + " " + a.Version + ": "
	if a.HTTPStatus == 0 {
		return said + "no answer, " + string(a.Reason)
	}
	said += fmt.Sprintf("HTTP %d, %s, %s", a.HTTPStatus, contentType(a.Header), compression(a.Header))
	if a.Reason != "" {
		said += ", " + string(a.Reason)
	}
	if a.Code != "" {
		said += ", " + harmless(a.Code)
	}
	return said
}

// word matches codes and types that cannot have an id, an amount or an address in them: letters, or an HTTP status.
var word = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z _+/-]{0,60}|[45][0-9]{2})$`)

func harmless(text string) string {
	if word.MatchString(text) {
		return text
	}
	return "(not shown)"
}

func contentType(h http.Header) string {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return "no content type"
	}
	if charset := strings.ToLower(params["charset"]); charset == "utf-8" || charset == "gbk" {
		return harmless(kind) + " in " + charset
	}
	return harmless(kind)
}

func compression(h http.Header) string {
	return harmless(cmp.Or(h.Get("Content-Encoding"), "not compressed"))
}

// monthFacts tells what there is of the running month, in how many of the accounts that were told.
func (all visits) monthFacts() []string {
	var lines []string
	count := func(what, action string, found func(*visit) bool) {
		told, with := 0, 0
		for _, v := range all {
			if v.answers[action].good() {
				told++
				if found(v) {
					with++
				}
			}
		}
		if told > 0 {
			lines = append(lines, fmt.Sprintf("running month: %s in %d of %d accounts", what, with, told))
		}
	}
	count("billed", billclient.GetMonthBill, func(v *visit) bool { return v.newest == v.running })
	count("estimated", billclient.GetMonthConsume, func(v *visit) bool {
		return v.answers[billclient.GetMonthConsume].found
	})
	return append(lines, distinct(all, (*visit).horizonFact)...)
}

func (v *visit) horizonFact() string {
	if v.horizon == 0 {
		return ""
	}
	return fmt.Sprintf("running month: estimated until %dd ago", billclient.DayOf(time.Now()).Sub(v.horizon))
}

func (v *visit) pageFact() string {
	if v.firstPage == "" {
		return ""
	}
	return "pages of lines: from " + v.firstPage
}

// largest tells the size of the largest answer, as transferred. Of one that was cut only the header may know it.
func largest(attempts []billclient.Attempt) []string {
	action, most := "", int64(0)
	for _, a := range attempts {
		size := a.Bytes
		if a.Cut {
			size, _ = strconv.ParseInt(a.Header.Get("Content-Length"), 10, 64)
		}
		if size > most {
			action, most = a.Action, size
		}
	}
	if most == 0 {
		return nil
	}
	return []string{fmt.Sprintf("largest answer: %d bytes, %s", most, action)}
}

// clock tells how far the API's clock is from this machine's.
func clock(attempts []billclient.Attempt) []string {
	var most time.Duration
	known := false
	for _, a := range attempts {
		off, ok := ahead(a)
		known = known || ok
		if off.Abs() > most.Abs() {
			most = off
		}
	}
	switch {
	case !known:
		return nil
	case most > 0:
		return []string{fmt.Sprintf("clock: %v ahead of this machine's", most.Round(time.Second))}
	case most < 0:
		return []string{fmt.Sprintf("clock: %v behind this machine's", most.Abs().Round(time.Second))}
	default:
		return []string{"clock: as this machine's"}
	}
}

// ahead returns by how much the answer's Date (RFC 9110, section 6.6.1, in whole seconds) is outside of the time that
// the attempt took.
func ahead(a billclient.Attempt) (off time.Duration, known bool) {
	date, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	ended, secondEnds := a.Began.Add(a.Duration), date.Add(time.Second)
	switch {
	case date.After(ended):
		return date.Sub(ended), true
	case secondEnds.Before(a.Began):
		return secondEnds.Sub(a.Began), true
	default:
		return 0, true
	}
}
