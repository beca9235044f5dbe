package billclient

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/units"
)

// bufferSize is how much of a body is read at once.
const bufferSize = 64 << 10

// errEnough ends the reading of an answer whose consumer wants no more of it. It is no failure.
var errEnough = errors.New("consumer has seen enough")

// response is the answer to one attempt, with everything that an Error or an Attempt says about it.
type response struct {
	action      actionVersion
	period      string // as in Attempt
	credentials Credentials
	maxBody     units.Base2Bytes
	status      int
	header      http.Header
	requestID   string
	retryAfter  time.Duration // how long Retry-After asks to wait
	clockSkew   time.Duration // as in Error
	transferred *countedBody  // nil until there is an answer
	body        *bufio.Reader // unpacked
	pooled      *bufio.Reader // what body was at first
	json        *jsonDocument // of the body; nil if it is none
	hasMark     bool          // the body began with the byte order mark of UTF-8
	linesBefore int           // how many empty lines it began with
	envelope    EnvelopeForm  // as in Attempt
	dayForm     DayForm       // likewise
	fields      []string      // likewise
}

// receive prepares the body for reading.
func (r *response) receive(res *http.Response, w *watchdog) {
	r.status, r.header = res.StatusCode, res.Header
	now := time.Now()
	r.retryAfter, r.clockSkew = parseRetryAfter(res.Header, now), measureClockSkew(res.Header, now)
	r.transferred = &countedBody{body: res.Body, watchdog: w}
	body := io.Reader(r.transferred)
	switch encoding := strings.ToLower(res.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		body = &gzipBody{packed: r.transferred}
	default:
		// The error comes when the body is read: where the status says enough, the body does not matter.
		body = &gzipBody{err: classify(Decode, "content encoding %q was not asked for", shorten(encoding, 60))}
	}
	if r.maxBody > 0 {
		body = &limitedBody{body: body, limit: r.maxBody}
	}
	r.body = bodyReaders.Get().(*bufio.Reader)
	r.body.Reset(body)
	r.pooled = r.body
}

// bodyReaders are the buffers of answers that were read: most answers are much smaller than their buffer.
var bodyReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

// release gives up the body, of which nothing must be read any more.
func (r *response) release() {
	if r.json != nil {
		r.json.release()
	}
	r.pooled.Reset(nil)
	bodyReaders.Put(r.pooled)
	r.body, r.pooled = nil, nil
}

// maxClockSkew is how far a clock may be off before it is named as a cause.
const maxClockSkew = 5 * time.Minute

// measureClockSkew returns how far now is after the Date of an answer, 0 if that is at most maxClockSkew.
func measureClockSkew(h http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	if skew := now.Sub(date).Round(time.Second); skew.Abs() > maxClockSkew {
		return skew
	}
	return 0
}

// asError returns the error that ended the attempt as an *Error with everything that is known of the answer. It
// returns nil for nil and for errEnough.
func (r *response) asError(err error) error {
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		text := scrub(err.Error(), r.credentials, maxErrorText)
		e = &Error{Reason: reasonOfCause(err), Err: &scrubbedError{text, err}}
	}
	e.Action, e.HTTPStatus, e.RetryAfter, e.ClockSkew = r.action.name, r.status, r.retryAfter, r.clockSkew
	e.RequestID = scrub(r.requestID, r.credentials, maxExcerpt)
	e.Code = scrub(e.Code, r.credentials, maxExcerpt)
	e.Message = scrub(e.Message, r.credentials, maxErrorText)
	return e
}

// attempt returns what Options.Observe is told of the attempt, which ended with err.
func (r *response) attempt(began time.Time, err error, cut bool) Attempt {
	a := Attempt{
		Action: r.action.name, Version: r.action.version, Period: r.period, HTTPStatus: r.status, Header: r.header,
		Began: began, Duration: time.Since(began), Cut: cut, Envelope: r.envelope, DayForm: r.dayForm,
		Fields: r.fields, RequestID: scrub(r.requestID, r.credentials, maxExcerpt),
	}
	if e, ok := errors.AsType[*Error](err); ok {
		a.Reason, a.Code = e.Reason, e.Code
	}
	if r.transferred != nil {
		a.Bytes = r.transferred.bytes
	}
	return a
}

// firstByte returns the first byte of the body after a byte order mark and white space, without consuming it.
func (r *response) firstByte() (byte, error) {
	if mark, _ := r.body.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) {
		r.body.Discard(len(mark))
		r.hasMark = true
	}
	for {
		c, err := r.body.ReadByte()
		if err == io.EOF {
			return 0, classify(Incomplete, "answer is empty")
		}
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(c)) {
			return c, r.body.UnreadByte()
		}
		if c == '\n' {
			r.linesBefore++
		}
	}
}

// excerpt returns the beginning of the body, for an error's text.
func (r *response) excerpt() string {
	// The text that is scrubbed is longer than the excerpt, so that no secret is cut before it is found.
	head, _ := r.body.Peek(sampleSize)
	return scrub(string(head), r.credentials, maxExcerpt)
}
