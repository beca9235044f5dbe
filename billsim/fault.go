package billsim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with a call: another answer, changes in the API's own, or trouble on its way to the client.
// It meets calls whose signature is right. The zero Fault changes nothing.
type Fault struct {
	Action      string // calls of this action; empty: of all
	AccessKeyID string // calls with this key; empty: with all
	Times       int    // so many calls; 0: until cleared

	Answer *Answer              // given instead of the API's own
	Header http.Header          // laid over the answer's header; an empty value takes the header away
	Edit   func(n int, l *Line) // changes line n of the answer, from 1; sets are shared: replace them
	Forms  map[string]Form      // how fields and sets of this name are spelled, at any depth

	EditPage func(p *LinePage) // changes a page of consumption lines
	NoBillOf string            // bills of this month, 2026-10, are left out of answers about several

	Gzip   bool          // Content-Encoding: gzip
	Length bool          // Content-Length instead of chunks
	Drip   time.Duration // so long after each byte

	// End breaks off the answer after so many whole lines or so many bytes on the wire, whichever comes first. With
	// neither it does so before the first byte, and all but Cut before the status too.
	End        End
	AfterLines int
	AfterBytes int
}

// atOnce is whether nothing of the body goes out.
func (f *Fault) atOnce() bool { return f.End != Whole && f.AfterLines <= 0 && f.AfterBytes <= 0 }

// Answer is a whole answer.
type Answer struct {
	Status      int    // HTTP status; 0: 200
	ContentType string // empty: no such header
	Header      http.Header
	Body        func(requestID string) string // nil: empty
}

// End is how an answer breaks off.
type End int

// The ends.
const (
	Whole End = iota // it does not
	Cut              // it ends as if it were whole; with Fault.Length it is shorter than it said
	Drop             // the connection is closed in the middle
	Reset            // the connection is reset
	Stall            // nothing more comes until the client goes
)

// Form is how a field is spelled instead of as documented.
type Form int

// The forms. XML knows Missing and Null (an empty element) only.
const (
	AsDocumented Form = iota
	Missing           // the field is not there
	Null              // null
	AsNumber          // a text without its quotes
	AsString          // a number in quotes
)

// Refuse answers with an error of the API in the given form and status, which may be 200.
func Refuse(form ErrorForm, status int, code, message string) Fault {
	no := &refusal{status, code, message}
	body := func(requestID string) string { return form.body(requestID, no) }
	return Fault{Answer: &Answer{Status: status, ContentType: form.contentType(), Body: body}}
}

// Busy is a refusal with Retry-After in whole seconds; as usual, 429 is Throttling and all else `Server unavailable`.
func Busy(status int, retryAfter time.Duration) Fault {
	code, message := "Server unavailable", "Server error"
	if status == http.StatusTooManyRequests {
		code, message = "Throttling", "Request was denied due to request throttling."
	}
	f := Refuse(JSONError, status, code, message)
	f.Header = http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}}
	return f
}

// Raw answers with this body; an empty contentType is no such header.
func Raw(status int, contentType, body string) Fault {
	return Fault{Answer: &Answer{Status: status, ContentType: contentType, Body: func(string) string { return body }}}
}

// Page answers as a proxy does, in HTML.
func Page(status int) Fault {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return Raw(status, "text/html", "<html>\r\n<head><title>"+text+"</title></head>\r\n<body>\r\n<center><h1>"+text+
		"</h1></center>\r\n</body>\r\n</html>\r\n")
}

// Redirect sends the client elsewhere, 302.
func Redirect(location string) Fault {
	f := Raw(http.StatusFound, "", "")
	f.Header = http.Header{"Location": {location}}
	return f
}

// Break ends answers after so many whole lines.
func Break(end End, afterLines int) Fault { return Fault{End: end, AfterLines: afterLines} }

// Never lets the client wait until it goes.
func Never() Fault { return Fault{End: Stall} }

// BadAmount puts text where the cost of line n stands.
func BadAmount(n int, text string) Fault {
	return Fault{Edit: func(i int, l *Line) {
		if i == n {
			l.CostText = text
		}
	}}
}

// WrongMonth puts line n into another month.
func WrongMonth(n int, month string) Fault {
	return Fault{Edit: func(i int, l *Line) {
		if i == n {
			l.BillMonth = month
		}
	}}
}

// ChangedTotal makes a page of consumption lines say that there are so many lines more, or less, than there are.
func ChangedTotal(page, by int) Fault {
	return Fault{EditPage: func(p *LinePage) {
		if p.PageNo == page {
			p.Total += by
		}
	}}
}

// MissingPage leaves a page of consumption lines without a line.
func MissingPage(page int) Fault {
	return Fault{EditPage: func(p *LinePage) {
		if p.PageNo == page {
			p.Lines = 0
		}
	}}
}

// RepeatedPage answers the lines of the page before in the place of a page's own.
func RepeatedPage(page int) Fault {
	return Fault{EditPage: func(p *LinePage) {
		if p.PageNo == page {
			p.Skipped -= p.PageSize
		}
	}}
}

// answer is the fault's own answer, spelled for this request.
func (a *Answer) answer(requestID string) answer {
	text := ""
	if a.Body != nil {
		text = a.Body(requestID)
	}
	out := whole(a.Status, a.ContentType, text)
	overlay(out.header, a.Header)
	return out
}

// finish does to the connection what the end is about.
func (e End) finish(w http.ResponseWriter, r *http.Request) {
	switch e {
	case Drop:
		panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
	case Reset:
		reset(w)
	case Stall:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Whole, Cut:
	}
}
