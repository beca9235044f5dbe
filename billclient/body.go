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

// reply is the answer to one attempt, and all that an error or an Attempt says about it.
type reply struct {
	form
	keys      Credentials
	maxBody   units.Base2Bytes
	status    int
	header    http.Header
	requestID string
	wait      time.Duration // what Retry-After asks for
	wire      *wire         // nil until there is an answer
	body      *bufio.Reader // unpacked
}

// open prepares the body for reading.
func (r *reply) open(res *http.Response, w *watch) {
	r.status, r.header = res.StatusCode, res.Header
	r.wait = retryAfter(res.Header, time.Now())
	r.wire = &wire{body: res.Body, watch: w}
	body := io.Reader(r.wire)
	switch encoding := strings.ToLower(res.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		body = &gunzip{packed: r.wire}
	default:
		// It fails only when it is read: a gateway's status says enough without its body.
		body = &gunzip{err: because(Decode, "content encoding %q was not asked for", shorten(encoding, 60))}
	}
	if r.maxBody > 0 {
		body = &ceiling{body: body, most: r.maxBody}
	}
	r.body = bufio.NewReaderSize(body, bufferSize)
}

// explain turns whatever ended the attempt into an *Error that says all there is to say; nil stays nil.
func (r *reply) explain(err error) error {
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Reason: reasonOfCause(err), Err: &scrubbed{scrub(err.Error(), r.keys, maxErrorText), err}}
	}
	e.Action, e.HTTPStatus, e.RetryAfter = r.action, r.status, r.wait
	e.RequestID = scrub(r.requestID, r.keys, maxExcerpt)
	e.Code = scrub(e.Code, r.keys, maxExcerpt)
	e.Message = scrub(e.Message, r.keys, maxErrorText)
	return e
}

func (r *reply) attempt(began time.Time, err error, cut bool) Attempt {
	a := Attempt{
		Action: r.action, Version: r.version, HTTPStatus: r.status, Header: r.header,
		Began: began, Duration: time.Since(began), Cut: cut,
	}
	if e, failed := errors.AsType[*Error](err); failed {
		a.Reason, a.Code = e.Reason, e.Code
	}
	if r.wire != nil {
		a.Bytes = r.wire.bytes
	}
	return a
}

// first returns the first byte of the body that is neither of a byte order mark nor white space, without consuming it.
func (r *reply) first() (byte, error) {
	if mark, _ := r.body.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) {
		r.body.Discard(len(mark))
	}
	for {
		c, err := r.body.ReadByte()
		if err == io.EOF {
			return 0, because(Incomplete, "answer is empty")
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
func (r *reply) excerpt() string {
	// More than the excerpt is looked at, so that no secret is cut in two before it is found.
	head, _ := r.body.Peek(bufferSize / 16)
	return scrub(string(head), r.keys, maxExcerpt)
}

// wire is a body as it is transferred: it counts the bytes, minds the pauses between them, and says what broke.
type wire struct {
	body  io.Reader
	watch *watch
	bytes int64
}

func (w *wire) Read(p []byte) (int, error) {
	w.watch.resume()
	n, err := w.body.Read(p)
	w.watch.rest()
	w.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = w.watch.explain(err)
	}
	return n, err
}

// gunzip unpacks a body. Its header is read with its first byte, so that an empty body is one.
type gunzip struct {
	packed   io.Reader
	unpacked *gzip.Reader
	err      error // why it cannot be unpacked; bufio asks more than once
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.unpacked == nil && g.err == nil {
		g.unpacked, g.err = gzip.NewReader(g.packed)
	}
	if g.err != nil {
		return 0, g.err
	}
	return g.unpacked.Read(p)
}

// ceiling ends a body that grows beyond most bytes.
type ceiling struct {
	body io.Reader
	most units.Base2Bytes
	read units.Base2Bytes
}

func (c *ceiling) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	if c.read += units.Base2Bytes(n); c.read > c.most {
		return 0, because(Decode, "answer larger than api.max_body %v", c.most)
	}
	return n, err
}

// watch ends an attempt that is silent for too long, or takes too long in all, by cancelling its context. It waits
// for a byte from the start; the pauses that a consumer makes between two reads do not count as silence.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	pause  time.Duration
	silent *time.Timer
	whole  *time.Timer
}

func newWatch(ctx context.Context, pause, whole time.Duration) *watch {
	w := &watch{pause: orForever(pause)}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.silent = time.AfterFunc(w.pause, func() {
		w.cancel(because(Timeout, "no byte for %v (api.timeout)", pause))
	})
	w.whole = time.AfterFunc(orForever(whole), func() {
		w.cancel(because(Timeout, "answer took longer than %v (%w)", whole, errMaxDuration))
	})
	return w
}

func orForever(d time.Duration) time.Duration {
	if d <= 0 {
		return math.MaxInt64
	}
	return d
}

// resume starts again to wait for a byte.
func (w *watch) resume() { w.silent.Reset(w.pause) }

// rest ends the wait.
func (w *watch) rest() { w.silent.Stop() }

func (w *watch) stop() {
	w.silent.Stop()
	w.whole.Stop()
	w.cancel(nil)
}

// explain says why a transfer broke.
func (w *watch) explain(err error) error {
	cause := context.Cause(w.ctx)
	_, own := errors.AsType[*classified](cause)
	switch {
	case own:
		return cause
	case cause != nil:
		return because(reasonOfEnd(w.ctx), "%w", cause)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return because(Incomplete, "answer ended early: %w", err)
	default:
		return because(Network, "%w", err)
	}
}

// reasonOfEnd tells a caller who gave up from one whose deadline has come, or comes before the next call may be made.
func reasonOfEnd(ctx context.Context) Reason {
	if errors.Is(ctx.Err(), context.Canceled) {
		return Network
	}
	return Timeout
}
