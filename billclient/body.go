package billclient

import (
	"context"
	"errors"
	"io"
	"math"
	"time"

	"github.com/alecthomas/units"
	"github.com/klauspost/compress/gzip"
)

// errMaxDuration ends an answer that took all of api.max_duration. Another try would take as long.
var errMaxDuration = errors.New("api.max_duration")

// countedBody is a body as it is transferred, before it is unpacked. It counts the bytes, ends a body that is silent
// for too long, and explains why a transfer broke.
type countedBody struct {
	body     io.Reader
	watchdog *watchdog
	bytes    int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	b.watchdog.startWaiting()
	n, err := b.body.Read(p)
	b.watchdog.stopWaiting()
	b.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.watchdog.explainError(err)
	}
	return n, err
}

// gzipBody unpacks a body. The gzip header is read with the first byte of the body, so an empty body fails only then.
type gzipBody struct {
	packed   io.Reader
	unpacked *gzip.Reader
	err      error // of the gzip header; it is returned again if the reader tries again
}

func (b *gzipBody) Read(p []byte) (int, error) {
	if b.unpacked == nil && b.err == nil {
		b.unpacked, b.err = gzip.NewReader(b.packed)
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.unpacked.Read(p)
}

// limitedBody fails once a body is longer than limit.
type limitedBody struct {
	body  io.Reader
	limit units.Base2Bytes
	read  units.Base2Bytes
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.read += units.Base2Bytes(n); b.read > b.limit {
		return 0, classify(Decode, "answer larger than api.max_body %v", b.limit)
	}
	return n, err
}

// watchdog ends an attempt that is silent for too long, or takes too long as a whole, by cancelling its context. It
// waits for the first byte from the start. The time that a consumer takes between two reads does not count as silence.
type watchdog struct {
	ctx          context.Context
	cancel       context.CancelCauseFunc
	silenceLimit time.Duration
	silenceTimer *time.Timer
	totalTimer   *time.Timer
}

func newWatchdog(ctx context.Context, silence, total time.Duration) *watchdog {
	w := &watchdog{silenceLimit: unlimitedIfZero(silence)}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.silenceTimer = time.AfterFunc(w.silenceLimit, func() {
		w.cancel(classify(Timeout, "no byte for %v (api.timeout)", silence))
	})
	w.totalTimer = time.AfterFunc(unlimitedIfZero(total), func() {
		w.cancel(classify(Timeout, "answer took longer than %v (%w)", total, errMaxDuration))
	})
	return w
}

// unlimitedIfZero returns d, and the longest duration if d is not positive.
func unlimitedIfZero(d time.Duration) time.Duration {
	if d <= 0 {
		return math.MaxInt64
	}
	return d
}

// startWaiting begins a wait for the next byte.
func (w *watchdog) startWaiting() { w.silenceTimer.Reset(w.silenceLimit) }

// stopWaiting ends the wait.
func (w *watchdog) stopWaiting() { w.silenceTimer.Stop() }

// stop ends all waits and frees the context.
func (w *watchdog) stop() {
	w.silenceTimer.Stop()
	w.totalTimer.Stop()
	w.cancel(nil)
}

// explainError returns, for the error of a transfer, the reason why the watchdog or the caller ended it, if one of
// them did, and else err with its class.
func (w *watchdog) explainError(err error) error {
	cause := context.Cause(w.ctx)
	_, isOwn := errors.AsType[*classifiedError](cause)
	switch {
	case isOwn:
		return cause
	case cause != nil:
		return classify(reasonOfContext(w.ctx), "%w", cause)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return classify(Incomplete, "answer ended early: %w", err)
	default:
		return classify(Network, "%w", err)
	}
}

// reasonOfContext returns Network for a context that the caller canceled, and Timeout for one whose deadline has
// passed, or would pass before the next call may be made.
func reasonOfContext(ctx context.Context) Reason {
	if errors.Is(ctx.Err(), context.Canceled) {
		return Network
	}
	return Timeout
}
