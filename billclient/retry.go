package billclient

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// maxRetryAfter is the longest wait asked for by the server after which Retry tries again.
	maxRetryAfter = 5 * time.Minute

	// maxRereads is how often Retry reads pages again that do not add up. An API that pages wrongly does so each time,
	// and reading all pages may be a hundred calls.
	maxRereads = 2
)

// Retry runs read until it succeeds, fails with an error that another try would not change, or has failed MaxRetries
// more times. Between two tries it waits, exponentially longer and with jitter, and at least as long as the server
// asked for. The methods of Client that return no stream use Retry themselves. To read a stream, run the whole reading
// in Retry and begin each try with empty sums. Pages that do not add up are read again twice at most. An answer that
// took longer than MaxDuration is not tried again.
//
// An error that is not the API's is returned as it is. Where ctx ends Retry, the error is an *Error of the action.
func (c *Client) Retry(ctx context.Context, action string, read func() error) error {
	waits := &retryWaits{ExponentialBackOff: backoff.NewExponentialBackOff()}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		waits.lastErr = read()
		if e, ok := errors.AsType[*Error](waits.lastErr); ok {
			action = e.Action // as the version that was called spells it
		}
		return struct{}{}, waits.lastErr
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0),
		backoff.WithMaxTries(uint(max(0, c.options.MaxRetries))+1),
		backoff.WithNotify(func(err error, _ time.Duration) {
			if c.options.OnRetry != nil {
				c.options.OnRetry(action, err)
			}
		}))
	if _, ok := errors.AsType[*Error](err); err != nil && ctx.Err() != nil && !ok {
		return &Error{Action: action, Reason: reasonOfContext(ctx), Err: err}
	}
	return err
}

// retryWaits decides from the last error whether to try again, and how long to wait before.
type retryWaits struct {
	*backoff.ExponentialBackOff
	lastErr error
	rereads int // how often pages did not add up
}

func (w *retryWaits) NextBackOff() time.Duration {
	e, ok := errors.AsType[*Error](w.lastErr)
	if !ok || !e.Reason.retryable() || e.RetryAfter > maxRetryAfter || errors.Is(e, errMaxDuration) {
		return backoff.Stop
	}
	if errors.Is(e, errPages) {
		if w.rereads++; w.rereads > maxRereads {
			return backoff.Stop
		}
	}
	return max(w.ExponentialBackOff.NextBackOff(), e.RetryAfter)
}

// parseRetryAfter returns how long the Retry-After header asks to wait (RFC 9110, section 10.2.3), 0 if it does not
// ask.
func parseRetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
