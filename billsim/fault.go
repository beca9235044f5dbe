package billsim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with a call: another answer, changes in the API's own answer, or trouble on its way to the
// client. Calls with a wrong signature are refused without it. The zero Fault changes nothing.
type Fault struct {
	Action      string // only calls of this action; empty: of any
	AccessKeyID string // only calls with this key; empty: with any
	Times       int    // number of calls that it is for; 0: until it is undone

	Answer *Answer              // sent instead of the API's own
	Header http.Header          // overwrites fields of the answer's header; an empty list of values removes the field
	Edit   func(n int, l *Line) // changes line n of the answer, counted from 1; it must replace sets, not change them
	Forms  map[string]Form      // how fields and sets of this name are written, at any depth

	EditPage func(p *LinePage) // changes a page of consumption lines
	NoBillOf string            // bills of this month, 2026-10, are left out of answers about several months

	Gzip   bool          // Content-Encoding: gzip
	Length bool          // Content-Length instead of a chunked body
	Drip   time.Duration // wait after each byte

	// End breaks off the answer after AfterLines whole lines or AfterBytes bytes on the wire, whichever comes first. If
	// both are 0, it does so before the first byte of the body and, unless it is Cut, before the status too.
	End        End
	AfterLines int
	AfterBytes int
}

// endsBeforeBody reports whether no byte of the body is sent.
func (f *Fault) endsBeforeBody() bool {
	return f.End != Whole && f.AfterLines <= 0 && f.AfterBytes <= 0
}

// Answer is a whole answer of a Fault.
type Answer struct {
	Status      int    // HTTP status; 0: 200
	ContentType string // empty: no such header
	Header      http.Header
	Body        func(requestID string) string // nil: empty
}

// End is how an answer ends.
type End int

// The ends of answers.
const (
	Whole End = iota // it is not broken off
	Cut              // it ends as if it were whole; with Fault.Length it is shorter than its Content-Length
	Drop             // the connection is closed in the middle
	Reset            // the connection is reset
	Stall            // nothing more is sent until the client closes the connection
)

// Form is how a field is written.
type Form int

// The forms of fields. In XML only Missing and Null (an empty element) have an effect.
const (
	AsDocumented Form = iota
	Missing           // the field is left out
	Null              // null
	AsNumber          // a text without quotes
	AsString          // a number in quotes
)

// Refuse returns a fault that answers with an error of the API in the given form and status, which may be 200.
func Refuse(form ErrorForm, status int, code, message string) Fault {
	err := &refusal{status, code, message}
	body := func(requestID string) string { return form.format(requestID, err) }
	return Fault{Answer: &Answer{Status: status, ContentType: form.contentType(), Body: body}}
}

// Busy returns a fault that answers with an error and Retry-After in whole seconds. The code of the error is Throttling
// if status is 429, else `Server unavailable`.
func Busy(status int, retryAfter time.Duration) Fault {
	code, message := "Server unavailable", "Server error"
	if status == http.StatusTooManyRequests {
		code, message = "Throttling", "Request was denied due to request throttling."
	}
	f := Refuse(JSONError, status, code, message)
	f.Header = http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}}
	return f
}

// Raw returns a fault that answers with this body. If contentType is empty, the answer has no such header.
func Raw(status int, contentType, body string) Fault {
	return Fault{Answer: &Answer{Status: status, ContentType: contentType, Body: func(string) string { return body }}}
}

// Page returns a fault that answers with a page of HTML, as proxies do.
func Page(status int) Fault {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return Raw(status, "text/html", "<html>\r\n<head><title>"+text+"</title></head>\r\n<body>\r\n<center><h1>"+text+
		"</h1></center>\r\n</body>\r\n</html>\r\n")
}

// Redirect returns a fault that answers with 302 and a Location.
func Redirect(location string) Fault {
	f := Raw(http.StatusFound, "", "")
	f.Header = http.Header{"Location": {location}}
	return f
}

// Break returns a fault that ends answers after a number of whole lines.
func Break(end End, afterLines int) Fault { return Fault{End: end, AfterLines: afterLines} }

// Never returns a fault that sends nothing: the client waits until it closes the connection.
func Never() Fault { return Fault{End: Stall} }

// BadAmount returns a fault that writes text as the cost of line n.
func BadAmount(n int, text string) Fault {
	return Fault{Edit: func(i int, l *Line) {
		if i == n {
			l.CostText = text
		}
	}}
}

// WrongMonth returns a fault that puts line n into another month.
func WrongMonth(n int, month string) Fault {
	return Fault{Edit: func(i int, l *Line) {
		if i == n {
			l.BillMonth = month
		}
	}}
}

// ChangedTotal returns a fault that adds a number to the Total that a page of consumption lines states.
func ChangedTotal(page, by int) Fault {
	return Fault{EditPage: func(p *LinePage) {
		if p.PageNo == page {
			p.Total += by
		}
	}}
}

// MissingPage returns a fault that leaves a page of consumption lines without lines.
func MissingPage(page int) Fault {
	return Fault{EditPage: func(p *LinePage) {
		if p.PageNo == page {
			p.Lines = 0
		}
	}}
}

// RepeatedPage returns a fault that gives a page of consumption lines the lines of the page before it.
func RepeatedPage(page int) Fault {
	return Fault{EditPage: func(p *LinePage) {
		if p.PageNo == page {
			p.Skipped -= p.PageSize
		}
	}}
}

// EarlyPage begins a page of consumption lines so many lines too early: the last ones of the page before come again.
func EarlyPage(page, lines int) Fault {
	return Fault{EditPage: func(p *LinePage) {
		if p.PageNo == page {
			p.Skipped -= lines
		}
	}}
}

// render returns the answer to the request with this id.
func (a *Answer) render(requestID string) answer {
	text := ""
	if a.Body != nil {
		text = a.Body(requestID)
	}
	out := newTextAnswer(a.Status, a.ContentType, text)
	overwriteHeader(out.header, a.Header)
	return out
}

// apply ends the connection of a request as e says. It does not return unless e is Whole, Cut or Reset.
func (e End) apply(w http.ResponseWriter, r *http.Request) {
	switch e {
	case Drop:
		panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
	case Reset:
		resetConnection(w)
	case Stall:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Whole, Cut:
	}
}
