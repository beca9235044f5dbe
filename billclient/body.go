package billclient

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/klauspost/compress/gzip"
)

// bufferSize is how much of a body is read in one go.
const bufferSize = 64 << 10

// errEnough ends the reading of an answer whose consumer wants no more of it. It is no failure.
var errEnough = errors.New("consumer has seen enough")

// errMaxDuration ends an answer for which there would be no more time at the next try.
var errMaxDuration = errors.New("api.max_duration")

// response is the answer to one attempt, and all that an error or an Attempt says about it.
type response struct {
	form
	credentials Credentials
	maxBody     units.Base2Bytes
	status      int
	header      http.Header
	requestID   string
	retryAfter  time.Duration // what Retry-After asks for
	transferred *countedBody  // nil until there is an answer
	body        *bufio.Reader // unpacked
}

// receive prepares the body for reading.
func (r *response) receive(res *http.Response, w *watchdog) {
	r.status, r.header = res.StatusCode, res.Header
	r.retryAfter = parseRetryAfter(res.Header, time.Now())
	r.transferred = &countedBody{body: res.Body, watchdog: w}
	body := io.Reader(r.transferred)
	switch encoding := strings.ToLower(res.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		body = &gzipBody{packed: r.transferred}
	default:
		// It fails only when it is read: a gateway's status says enough without its body.
		body = &gzipBody{err: classify(Decode, "content encoding %q was not asked for", shorten(encoding, 60))}
	}
	if r.maxBody > 0 {
		body = &limitedBody{body: body, limit: r.maxBody}
	}
	r.body = bufio.NewReaderSize(body, bufferSize)
}

// asError turns whatever ended the attempt into an *Error that says all there is to say; nil stays nil.
func (r *response) asError(err error) error {
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		text := scrub(err.Error(), r.credentials, maxErrorText)
		e = &Error{Reason: reasonOfCause(err), Err: &scrubbedError{text, err}}
	}
	e.Action, e.HTTPStatus, e.RetryAfter = r.action, r.status, r.retryAfter
	e.RequestID = scrub(r.requestID, r.credentials, maxExcerpt)
	e.Code = scrub(e.Code, r.credentials, maxExcerpt)
	e.Message = scrub(e.Message, r.credentials, maxErrorText)
	return e
}

func (r *response) attempt(began time.Time, err error, cut bool) Attempt {
	a := Attempt{
		Action: r.action, Version: r.version, HTTPStatus: r.status, Header: r.header,
		Began: began, Duration: time.Since(began), Cut: cut,
	}
	if e, failed := errors.AsType[*Error](err); failed {
		a.Reason, a.Code = e.Reason, e.Code
	}
	if r.transferred != nil {
		a.Bytes = r.transferred.bytes
	}
	return a
}

// firstByte returns the first byte of the body that is neither of a byte order mark nor white space, without
// consuming it.
func (r *response) firstByte() (byte, error) {
	if mark, _ := r.body.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) {
		r.body.Discard(len(mark))
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
	}
}

// excerpt returns the beginning of the body, for an error's text.
func (r *response) excerpt() string {
	// More than the excerpt is looked at, so that no secret is cut in two before it is found.
	head, _ := r.body.Peek(bufferSize / 16)
	return scrub(string(head), r.credentials, maxExcerpt)
}

// countedBody is a body as it is transferred: it counts the bytes, minds the pauses between them, and says what broke.
type countedBody struct {
	body     io.Reader
	watchdog *watchdog
	bytes    int64
}

func (w *countedBody) Read(p []byte) (int, error) {
	w.watchdog.startWaiting()
	n, err := w.body.Read(p)
	w.watchdog.stopWaiting()
	w.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = w.watchdog.explainError(err)
	}
	return n, err
}

// gzipBody unpacks a body. Its header is read with its first byte, so that an empty body is one.
type gzipBody struct {
	packed   io.Reader
	unpacked *gzip.Reader
	err      error // why it cannot be unpacked; bufio asks more than once
}

func (g *gzipBody) Read(p []byte) (int, error) {
	if g.unpacked == nil && g.err == nil {
		g.unpacked, g.err = gzip.NewReader(g.packed)
	}
	if g.err != nil {
		return 0, g.err
	}
	return g.unpacked.Read(p)
}

// limitedBody ends a body that grows beyond most bytes.
type limitedBody struct {
	body  io.Reader
	limit units.Base2Bytes
	read  units.Base2Bytes
}

func (c *limitedBody) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	if c.read += units.Base2Bytes(n); c.read > c.limit {
		return 0, classify(Decode, "answer larger than api.max_body %v", c.limit)
	}
	return n, err
}

// watchdog ends an attempt that is silent for too long, or takes too long in all, by cancelling its context. It waits
// for a byte from the start; the pauses that a consumer makes between two reads do not count as silence.
type watchdog struct {
	ctx          context.Context
	cancel       context.CancelCauseFunc
	silenceLimit time.Duration
	silenceTimer *time.Timer
	totalTimer   *time.Timer
}

func newWatchdog(ctx context.Context, pause, whole time.Duration) *watchdog {
	w := &watchdog{silenceLimit: unlimitedIfZero(pause)}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.silenceTimer = time.AfterFunc(w.silenceLimit, func() {
		w.cancel(classify(Timeout, "no byte for %v (api.timeout)", pause))
	})
	w.totalTimer = time.AfterFunc(unlimitedIfZero(whole), func() {
		w.cancel(classify(Timeout, "answer took longer than %v (%w)", whole, errMaxDuration))
	})
	return w
}

func unlimitedIfZero(d time.Duration) time.Duration {
	if d <= 0 {
		return math.MaxInt64
	}
	return d
}

// startWaiting starts again to wait for a byte.
func (w *watchdog) startWaiting() { w.silenceTimer.Reset(w.silenceLimit) }

// stopWaiting ends the wait.
func (w *watchdog) stopWaiting() { w.silenceTimer.Stop() }

func (w *watchdog) stop() {
	w.silenceTimer.Stop()
	w.totalTimer.Stop()
	w.cancel(nil)
}

// explainError says why a transfer broke.
func (w *watchdog) explainError(err error) error {
	cause := context.Cause(w.ctx)
	_, own := errors.AsType[*classifiedError](cause)
	switch {
	case own:
		return cause
	case cause != nil:
		return classify(reasonOfContext(w.ctx), "%w", cause)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return classify(Incomplete, "answer ended early: %w", err)
	default:
		return classify(Network, "%w", err)
	}
}

// reasonOfContext tells a caller who gave up from one whose deadline has come, or comes before the next call may be
// made.
func reasonOfContext(ctx context.Context) Reason {
	if errors.Is(ctx.Err(), context.Canceled) {
		return Network
	}
	return Timeout
}
