package check

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
)

// report is what is printed of the inspections, each of which has a verdict.
type report struct {
	inspections []*inspection
	verdicts    []verdict
	userAgent   string
	today       billclient.Day
}

func (r report) text() string {
	var b strings.Builder
	if shown := r.tableAccounts(); len(shown) > 0 {
		fmt.Fprintf(&b, "\n%s\n", r.table(shown))
	}
	b.WriteString("\n")
	for _, i := range r.inspections {
		for _, q := range listQuestions(i.API) {
			if err := i.answers[q.action].failure(); err != nil {
				fmt.Fprintf(&b, "%s: %v\n", output.Printable(i.Name), err)
			}
		}
	}
	for n, i := range r.inspections {
		fmt.Fprintf(&b, "%s: %s\n", output.Printable(i.Name), r.verdicts[n])
	}
	fmt.Fprintf(&b, "\nWhat the API is like, without anything of yours, for a report:\n\n```text\n%s```\n", r.facts())
	return b.String()
}

// mostColumns is how many accounts a table can have beside each other on a wide terminal.
const mostColumns = 4

// tableAccounts returns the accounts that the table shows: all if they fit, else those that do not work, of which the
// first ones. Each account has a row of its own above the table.
func (r report) tableAccounts() (shown []*inspection) {
	if len(r.inspections) <= mostColumns {
		return r.inspections
	}
	for n, i := range r.inspections {
		if len(r.verdicts[n].problems) > 0 && len(shown) < mostColumns {
			shown = append(shown, i)
		}
	}
	return shown
}

// table has a column for each of some accounts. Its rows are named as permissions, because those are missing where an
// action is denied.
func (r report) table(shown []*inspection) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	t.SuppressTrailingSpaces()
	row := func(head string, cell func(*inspection) string) table.Row {
		cells := table.Row{head}
		for _, i := range shown {
			cells = append(cells, output.OrDash(cell(i)))
		}
		return cells
	}
	first := shown[0] // all accounts have the same options
	t.AppendHeader(row("", func(i *inspection) string { return output.Printable(i.Name) }))
	for _, q := range listQuestions(first.API) {
		t.AppendRow(row(billclient.Permission(q.action), func(i *inspection) string {
			return i.answers[q.action].String()
		}))
	}
	t.AppendSeparator()
	t.AppendRow(row("customer", func(i *inspection) string { return i.customer }))
	t.AppendRow(row("bill ids name", customersOfBills))
	t.AppendRow(row("newest bill", newestBillCell))
	t.AppendRow(row("estimate until", func(i *inspection) string { return i.estimatedUntil.String() }))
	if first.API.UnionEndpoint != "" {
		t.AppendRow(row("postpaid in "+(first.running-1).String(), func(i *inspection) string {
			return i.postpaidShare
		}))
		t.AppendRow(row("pay modes", payModesCell))
		t.AppendRow(row("lines of a day", func(i *inspection) string { return i.dayLines.cell() }))
		t.AppendRow(row("their project ids", func(i *inspection) string { return i.dayLines.projectsCell() }))
		t.AppendRow(row("lines of a month", func(i *inspection) string { return i.monthLines.cell() }))
	}
	if first.API.PayEndpoint != "" {
		t.AppendRow(row("balances", func(i *inspection) string { return strings.Join(i.balances, ", ") }))
	}
	if first.API.TradeEndpoint != "" {
		t.AppendRow(row("instances that end soon", func(i *inspection) string { return i.ends }))
	}
	t.AppendRow(row("currency", currencyCell))
	t.AppendRow(row("parts come to totals", sumsCell))
	return t.Render()
}

func newestBillCell(i *inspection) string {
	if i.newestBill == 0 {
		return ""
	}
	return i.newestBill.String()
}

// facts describes the API in the words of its protocol and in numbers. Nothing in it shows what an account has, is
// named, costs or pays; only which pay modes there are.
func (r report) facts() string {
	product, release, _ := strings.Cut(r.userAgent, "/")
	lines := []string{strings.TrimSpace(product + " " + release), "endpoints: " + r.endpoints()}
	attempts := gather(r.inspections, func(i *inspection) []billclient.Attempt { return i.attempts })
	lines = append(lines, distinctLines(attempts, describeAttempt)...)
	lines = append(lines, r.monthFacts()...)
	lines = append(lines, distinctLines(r.inspections, firstPageFact)...)
	lines = append(lines, distinctLines(attempts, envelopeFact)...)
	lines = append(lines, distinctLines(attempts, dayFormFact)...)
	lines = append(lines, distinctLines(attempts, fieldsFact)...)
	lines = append(lines, r.contentFacts()...)
	lines = append(lines, largestAnswerFact(attempts)...)
	lines = append(lines, clockFact(attempts)...)
	return strings.Join(lines, "\n") + "\n"
}

func (r report) endpoints() string {
	for _, s := range services {
		if endpoint := s.endpoint(r.inspections[0].API); endpoint != "" && !s.isDefault(endpoint) {
			return "others than those of the vendor's pages"
		}
	}
	return "those of the vendor's pages"
}

// monthFacts returns what there is of the running month, and in how many of the accounts that had an answer.
func (r report) monthFacts() []string {
	var lines []string
	count := func(word, action string, matches func(*inspection) bool) {
		answered, matching := 0, 0
		for _, i := range r.inspections {
			if i.answers[action].isOK() {
				answered++
				if matches(i) {
					matching++
				}
			}
		}
		if answered > 0 {
			lines = append(lines, fmt.Sprintf("running month: %s in %d of %d accounts", word, matching, answered))
		}
	}
	count("billed", billclient.GetMonthBill, func(i *inspection) bool { return i.newestBill == i.running })
	count("estimated", billclient.GetMonthConsume, func(i *inspection) bool {
		return i.answers[billclient.GetMonthConsume].found
	})
	return append(lines, distinctLines(r.inspections, r.estimateFact)...)
}

func (r report) estimateFact(i *inspection) string {
	if i.estimatedUntil == 0 {
		return ""
	}
	return fmt.Sprintf("running month: estimated until %dd ago", r.today.Sub(i.estimatedUntil))
}

func firstPageFact(i *inspection) string {
	if i.firstPage == "" {
		return ""
	}
	return "pages of lines: from " + i.firstPage
}

// contentFacts returns what the answers say, beside amounts and names.
func (r report) contentFacts() []string {
	leftOut := gather(r.inspections, func(i *inspection) []billclient.LeftOutBill { return i.leftOut })
	comparisons := gather(r.inspections, func(i *inspection) []comparison { return i.comparisons })
	bills := gather(r.inspections, func(i *inspection) []namedBill { return i.bills })
	currencies := gather(r.inspections, func(i *inspection) []namedCurrency { return i.currencies })
	modes := gather(r.inspections, func(i *inspection) []billclient.UnionPart { return i.payModes })
	facts := gather(r.inspections, func(i *inspection) []string { return i.facts })
	for _, c := range comparisons {
		facts = append(facts, c.String())
	}
	return slices.Concat(
		distinctLines(leftOut, leftOutFact),
		slices.Compact(slices.Sorted(slices.Values(facts))),
		distinctLines(bills, billIDFact),
		headed("bill ids name: ", distinctLines(r.inspections, customersOfBills)),
		distinctLines(currencies, currencyFact),
		headed("pay modes: ", distinctLines(modes, payModeFact)),
	)
}

// headed returns the lines with a text before each.
func headed(head string, lines []string) []string {
	for n := range lines {
		lines[n] = head + lines[n]
	}
	return lines
}

// gather returns what all inspections have of one kind.
func gather[T any](inspections []*inspection, of func(*inspection) []T) (all []T) {
	for _, i := range inspections {
		all = append(all, of(i)...)
	}
	return all
}

// leftOutFact says that an action had elements beside postpaid bills. Why is not said, because it can name an id.
func leftOutFact(b billclient.LeftOutBill) string {
	return b.Action + ": some elements are no postpaid bills, or repeat one, and are not in the numbers"
}

// distinctLines returns the lines that describe gives for all, sorted, each line once and none that is empty.
func distinctLines[T any](all []T, describe func(T) string) []string {
	seen := map[string]bool{}
	for _, one := range all {
		if line := describe(one); line != "" {
			seen[line] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// describeAttempt returns how the API answered an action.
func describeAttempt(a billclient.Attempt) string {
	line := a.Action + " " + a.Version + ": "
	if a.HTTPStatus == 0 {
		return line + "no answer, " + string(a.Reason)
	}
	line += fmt.Sprintf("HTTP %d, %s, %s", a.HTTPStatus, contentType(a.Header), contentEncoding(a.Header))
	if a.Reason != "" {
		line += ", " + string(a.Reason)
	}
	if a.Code != "" {
		line += ", " + hideUnlessWord(a.Code)
	}
	return line
}

// wordPattern matches codes and types in which there cannot be an id, an amount or an address: letters, or an HTTP
// status.
var wordPattern = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z _+/-]{0,60}|[45][0-9]{2})$`)

func hideUnlessWord(text string) string {
	if wordPattern.MatchString(text) {
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
		return hideUnlessWord(kind) + " in " + charset
	}
	return hideUnlessWord(kind)
}

func contentEncoding(h http.Header) string {
	return hideUnlessWord(cmp.Or(h.Get("Content-Encoding"), "not compressed"))
}

// largestAnswerFact returns the size of the largest answer, as transferred. For an answer of which the rest was not
// read, only the header can have its size.
func largestAnswerFact(attempts []billclient.Attempt) []string {
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

// clockFact returns how far the API's clock is from this machine's clock.
func clockFact(attempts []billclient.Attempt) []string {
	var most time.Duration
	known := false
	for _, a := range attempts {
		offset, ok := clockOffset(a)
		known = known || ok
		if offset.Abs() > most.Abs() {
			most = offset
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

// clockOffset returns by how much the Date of an answer (RFC 9110, section 6.6.1, in whole seconds) is outside of the
// time that the attempt took. ok is false if the answer has no Date.
func clockOffset(a billclient.Attempt) (offset time.Duration, ok bool) {
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
