// Package billclient asks the billing API of Kingsoft Cloud (https://endocs.ksyun.com/documents/37455): it signs,
// sends, tries again and decodes, into amounts that are exact and answers that are whole. It logs nothing.
package billclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/alecthomas/units"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

const (
	burst = 2

	version2018 = "2018-06-01"
	version2020 = "2020-01-01" // of bill-union
	version2022 = "2022-06-01"

	// emptyPayload is the SHA-256 of the empty body of a GET, as the signature wants it.
	emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

	// maxRetryAfter is the longest wait, asked for by the server, that Retry sits out.
	maxRetryAfter = 5 * time.Minute

	// maxRereads is how often Retry reads pages over that do not add up. Whoever pages wrongly does so each time, and
	// a reading may be a hundred calls.
	maxRereads = 2
)

// Credentials are a key of an account. Printed, they show the access key id only.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
}

// String returns the access key id and a word in place of the secret.
func (c Credentials) String() string { return "key " + c.AccessKeyID + " <secret>" }

// GoString returns what String returns.
func (c Credentials) GoString() string { return c.String() }

// Format prints what String returns, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// MarshalText returns what String returns.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Options say how to reach the API. Zero means no limit for every limit in them.
type Options struct {
	Endpoint          string           `yaml:"endpoint"`
	UnionEndpoint     string           `yaml:"union_endpoint"`      // of bill-union; empty: it is not asked
	Region            string           `yaml:"region"`              // of the signature
	Timeout           time.Duration    `yaml:"timeout"`             // for the first byte, and between bytes
	MaxDuration       time.Duration    `yaml:"max_duration"`        // of one answer
	MaxBody           units.Base2Bytes `yaml:"max_body"`            // of one answer, unpacked
	RequestsPerSecond float64          `yaml:"requests_per_second"` // with a burst of 2
	MaxRetries        int              `yaml:"max_retries"`
	DailyCalls        int              `yaml:"daily_calls"` // every attempt counts, days are Beijing's
	AllowHTTP         bool             `yaml:"allow_http"`  // for who checks Endpoint; the client takes any

	// Credentials is asked at every attempt, so that a key that was replaced in its file is seen.
	Credentials func() (Credentials, error) `yaml:"-"`
	// Transport carries the requests; nil stands for one of the client's own.
	Transport http.RoundTripper `yaml:"-"`
	UserAgent string            `yaml:"-"`
	// Counter counts the calls of a day; nil: the client has one of its own.
	Counter Counter `yaml:"-"`
	// Observe, unless nil, is called once for each attempt that was sent, after it ended.
	Observe func(Attempt) `yaml:"-"`
	// OnRetry, unless nil, is called each time before an action is tried again, with the error of the last try.
	OnRetry func(action string, err error) `yaml:"-"`
}

// Attempt is what became of one request.
type Attempt struct {
	Action     string // in the case in which it was asked for
	Version    string
	HTTPStatus int         // 0 where there was no answer
	Header     http.Header // of the answer
	Reason     Reason      // empty: it went well
	Code       string      // as in Error
	Began      time.Time   // when the request went out
	Duration   time.Duration
	Bytes      int64 // of the body, as transferred, and as far as it was read
	Cut        bool  // its consumer had seen enough of it
}

// DefaultOptions returns the defaults of everything that has one.
func DefaultOptions() Options {
	return Options{
		Endpoint:          "https://bill.api.ksyun.com",
		UnionEndpoint:     "https://bill-union.api.ksyun.com",
		Region:            "cn-beijing-6",
		Timeout:           time.Minute,
		MaxDuration:       time.Hour,
		MaxBody:           8 * units.GiB,
		RequestsPerSecond: 2,
		MaxRetries:        3,
		DailyCalls:        5000,
		UserAgent:         "ksyun_bill_exporter",
	}
}

// Client makes the calls of one account. It is safe for concurrent use.
type Client struct {
	options         Options
	http            *http.Client
	limiter         *rate.Limiter
	counter         Counter
	workingVersions sync.Map // a consumption action -> the form in which the API knew it
}

// New returns a client. It starts nothing. An http:// endpoint is taken as it is, though it shows the bills to
// everybody on the way: whoever reads a configuration refuses it unless it is on loopback or AllowHTTP is set.
func New(o Options) *Client {
	transport := o.Transport
	if transport == nil {
		transport = newTransport()
	}
	counter := o.Counter
	if counter == nil {
		counter = &memoryCounter{}
	}
	pace := rate.Inf
	if o.RequestsPerSecond > 0 {
		pace = rate.Limit(o.RequestsPerSecond)
	}
	return &Client{
		options: o,
		// A redirect is no answer of this API, and a signature holds for one host only.
		http:    &http.Client{Transport: transport, CheckRedirect: refuseRedirects},
		limiter: rate.NewLimiter(pace, burst),
		counter: counter,
	}
}

func refuseRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true // it is asked for and undone here, at twice the speed
	t.ReadBufferSize = bufferSize
	return t
}

// Calls returns how many calls were made today, and how many there may be; limit 0 is none.
func (c *Client) Calls() (used, limit int) {
	return c.counter.Used(DayOf(time.Now())), c.options.DailyCalls
}

// Retry runs read until it succeeds, fails for good or has failed MaxRetries times more. Between two tries it waits,
// exponentially longer and with jitter, and at least as long as the server asked for. Each call of this package that
// returns no stream does so by itself; who reads a stream wraps the whole reading in Retry and starts with empty sums
// each time. Where that fails because pages do not add up, it is tried twice more at most, and not at all after an
// answer that took longer than MaxDuration.
func (c *Client) Retry(ctx context.Context, action string, read func() error) error {
	waits := &retryWaits{ExponentialBackOff: backoff.NewExponentialBackOff()}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		waits.lastErr = read()
		if e, ok := errors.AsType[*Error](waits.lastErr); ok {
			action = e.Action // as it was sent
		}
		return struct{}{}, waits.lastErr
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0),
		backoff.WithMaxTries(uint(max(0, c.options.MaxRetries))+1),
		backoff.WithNotify(func(why error, _ time.Duration) { c.notifyRetry(action, why) }))
	if _, told := errors.AsType[*Error](err); err != nil && ctx.Err() != nil && !told {
		return &Error{Action: action, Reason: reasonOfContext(ctx), Err: err}
	}
	return err
}

// retryWaits decides, from the last failure, whether and when to try again.
type retryWaits struct {
	*backoff.ExponentialBackOff
	lastErr error
	rereads int // because of pages that do not add up
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

func (c *Client) notifyRetry(action string, why error) {
	if c.options.OnRetry != nil {
		c.options.OnRetry(action, why)
	}
}

// form is how an action is asked for.
type form struct{ action, version string }

// call makes one attempt. It is the one path of every call: pace, budget, signature, sending, status, then read, which
// decodes the body while it arrives.
func (c *Client) call(ctx context.Context, f form, params url.Values, read func(*response) error) error {
	r := &response{form: f, maxBody: c.options.MaxBody}
	req, err := c.newRequest(ctx, r, params)
	if err != nil {
		return r.asError(err)
	}
	began := time.Now()
	cause := c.exchange(req, r, read)
	err = r.asError(cause)
	if c.options.Observe != nil {
		c.options.Observe(r.attempt(began, err, errors.Is(cause, errEnough)))
	}
	return err
}

// newRequest waits until the call may be made, then signs it: anew at each attempt, for a signature soon goes stale.
func (c *Client) newRequest(ctx context.Context, r *response, params url.Values) (*http.Request, error) {
	service := serviceOf(r.action)
	target, err := url.Parse(c.endpoint(service))
	if err != nil {
		return nil, classify(Invalid, "%s: %w", service.endpoint, err)
	}
	params.Set("Action", r.action)
	params.Set("Version", r.version)
	target.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, classify(Invalid, "%s: %w", service.endpoint, err)
	}
	if r.credentials, err = c.credentials(); err != nil {
		return nil, err
	}
	if err := c.admit(ctx); err != nil {
		return nil, err
	}
	return req, c.sign(req, r.credentials, service.name, c.options.Region, time.Now())
}

// admit waits until the call may be made, and counts it last: what is not sent costs no call of the day.
func (c *Client) admit(ctx context.Context) error {
	if err := c.limiter.Wait(ctx); err != nil {
		return classify(reasonOfContext(ctx), "waiting for api.requests_per_second: %w", err)
	}
	return c.countCall(ctx, time.Now())
}

func (c *Client) endpoint(s service) string {
	if s == unionService {
		return c.options.UnionEndpoint
	}
	return c.options.Endpoint
}

func (c *Client) credentials() (Credentials, error) {
	if c.options.Credentials == nil {
		return Credentials{}, classify(Auth, "no credentials")
	}
	keys, err := c.options.Credentials()
	if err != nil {
		return Credentials{}, classify(Auth, "credentials: %w", err)
	}
	if keys.AccessKeyID == "" || keys.SecretAccessKey == "" {
		return Credentials{}, classify(Auth, "credentials: access_key_id or secret_access_key is empty")
	}
	return keys, nil
}

// sign puts an AWS4-HMAC-SHA256 signature into the Authorization header (https://docs.ksyun.com/documents/40309), and
// after it the headers that are not to be signed: a proxy may change those.
func (c *Client) sign(req *http.Request, keys Credentials, service, region string, at time.Time) error {
	credentials := aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}
	// A signer caches what it derived from a secret under the key's id alone, and would not notice a new secret.
	if err := v4.NewSigner().SignHTTP(req.Context(), credentials, req, emptyPayload, service, region, at); err != nil {
		return classify(Invalid, "signature: %w", err)
	}
	req.Header.Set("Accept", "application/json") // without it the API answers in XML
	req.Header.Set("Accept-Encoding", "gzip")
	if c.options.UserAgent != "" {
		req.Header.Set("User-Agent", c.options.UserAgent)
	}
	return nil
}

// exchange sends the request and has the answer read.
func (c *Client) exchange(req *http.Request, r *response, read func(*response) error) error {
	w := newWatchdog(req.Context(), c.options.Timeout, c.options.MaxDuration)
	defer w.stop()
	res, err := c.http.Do(req.WithContext(w.ctx))
	w.stopWaiting()
	if err != nil {
		return w.explainError(transportError(err, req.URL.Host))
	}
	defer res.Body.Close()
	r.receive(res, w)
	if res.StatusCode/100 != 2 {
		return readRefusal(r)
	}
	return read(r)
}

// transportError says of a transport's error with whom it was: without the URL, for the text names the action already.
func transportError(err error, host string) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if _, named := errors.AsType[*net.OpError](err); named { // by its address
		return err
	}
	return fmt.Errorf("%s: %w", host, err)
}

// parseRetryAfter reads the Retry-After header (RFC 9110, section 10.2.3); 0 is none.
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
