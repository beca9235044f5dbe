package check

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"ksyun_bill_exporter/output"
)

// rows writes a line about each account once all was asked of it, in the order of the configuration, and shows on a
// terminal how many questions were asked until then. It is safe for concurrent use.
type rows struct {
	stdout   io.Writer
	terminal io.Writer // nil: there is none

	mu       sync.Mutex // guards what follows
	all      []*inspection
	finished map[*inspection]bool
	written  int // of all
	asked    int
}

// newRows returns rows that write to stdout, and to stderr if that is a terminal.
func newRows(stdout, stderr io.Writer, all []*inspection) *rows {
	r := &rows{stdout: stdout, all: all, finished: map[*inspection]bool{}}
	if output.IsTerminal(stderr) {
		r.terminal = stderr
	}
	return r
}

// eraseLine moves the cursor of a terminal to the begin of its line and removes what is in it
// (ECMA-48, control function EL).
const eraseLine = "\r\x1b[K"

// count counts one more question that was asked.
func (r *rows) count() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.terminal != nil {
		questions := len(listQuestions(r.all[0].API)) // all accounts have the same options
		fmt.Fprintf(r.terminal, "%sasked %d of %d, accounts done: %d of %d", eraseLine, r.asked, questions*len(r.all),
			len(r.finished), len(r.all))
	}
}

// finish prints the row of an account of which nothing more will be asked. An error of the writer is not returned,
// because the report that follows meets it, too.
func (r *rows) finish(i *inspection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished[i] = true
	if r.terminal != nil {
		fmt.Fprint(r.terminal, eraseLine)
	}
	for r.written < len(r.all) && r.finished[r.all[r.written]] {
		row := r.all[r.written]
		r.written++
		fmt.Fprintf(r.stdout, "%d of %d: %s: %s\n", r.written, len(r.all), output.Printable(row.Name), row.row())
	}
}

// row returns how often the questions had which answer, and whose numbers they are.
func (i *inspection) row() string {
	var words []string // in the order of their first question
	times := map[string]int{}
	for _, q := range listQuestions(i.API) {
		word := i.answers[q.action].String()
		if times[word]++; times[word] == 1 {
			words = append(words, word)
		}
	}
	for n, word := range words {
		words[n] = fmt.Sprintf("%d %s", times[word], word)
	}
	return fmt.Sprintf("%s; customer %s, newest bill %s, estimate until %s", strings.Join(words, ", "),
		output.OrDash(output.Printable(i.customer)), output.OrDash(newestBillCell(i)),
		output.OrDash(i.estimatedUntil.String()))
}
