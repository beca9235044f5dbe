// Package billclient calls the billing API of Kingsoft Cloud (https://endocs.ksyun.com/documents/37455): it signs
// requests, sends them, tries again, and decodes the answers. Amounts are exact, and an answer is whole or an error.
// The package logs nothing.
package billclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/alecthomas/units"
)

// Options say how to reach the API. A limit that is zero is no limit.
type Options struct {
	Endpoint          string           `yaml:"endpoint"`
	UnionEndpoint     string           `yaml:"union_endpoint"`      // of bill-union; empty: its actions fail as Invalid
	PayEndpoint       string           `yaml:"pay_endpoint"`        // of kingpay; empty likewise
	TradeEndpoint     string           `yaml:"trade_endpoint"`      // of trade; empty likewise
	Region            string           `yaml:"region"`              // of the signature
	Timeout           time.Duration    `yaml:"timeout"`             // for the first byte, and between bytes
	MaxDuration       time.Duration    `yaml:"max_duration"`        // of one answer
	MaxBody           units.Base2Bytes `yaml:"max_body"`            // of one answer, unpacked
	RequestsPerSecond float64          `yaml:"requests_per_second"` // with a burst of 2
	MaxRetries        int              `yaml:"max_retries"`
	DailyCalls        int              `yaml:"daily_calls"` // every attempt counts; days are Beijing's
	AllowHTTP         bool             `yaml:"allow_http"`  // for those who check Endpoint; the client accepts any

	// DailyReserve is how many of DailyCalls only GetMonthBill and getMonthConsume may use: the numbers of an account
	// depend on them, and the other actions can need many calls. Without DailyCalls it has no effect.
	DailyReserve int `yaml:"-"`
	// MostPages is how many pages the lines of instances may have, of QueryInstanceConsume and of
	// DescribeInstanceSummaryBills: with more, the first page is all that is asked for, and the error is CallLimit.
	// QueryItemBills, which does not say how many pages there are, ends in that error after as many. 0 is any number.
	MostPages int `yaml:"-"`

	// Credentials returns the credentials of the moment. It gives up after some seconds, or when its context has ended.
	// It is called at every attempt, so that the client notices a key that was replaced in its file.
	Credentials func(context.Context) (Credentials, error) `yaml:"-"`
	// Transport sends the requests. If it is nil, the client makes one of its own.
	Transport http.RoundTripper `yaml:"-"`
	UserAgent string            `yaml:"-"`
	// Counter counts the calls of a day. If it is nil, the client makes one of its own.
	Counter Counter `yaml:"-"`
	// Observe, unless nil, is called once for each attempt that was sent, after it ended.
	Observe func(Attempt) `yaml:"-"`
	// OnRetry, unless nil, is called each time before an action is tried again, with the error of the last try.
	OnRetry func(action string, err error) `yaml:"-"`
	// OnLeftOut, unless nil, is called for each element of an answer of GetMonthBill or getMonthConsume that is left
	// out of what the method returns, once the answer was read whole. It is called again for each answer that has it.
	OnLeftOut func(LeftOutBill) `yaml:"-"`
}

// Attempt says how one request went.
type Attempt struct {
	Action     string // as the version that was called spells it
	Version    string
	Period     string      // the month, or the first and the last month or day, that were asked for; empty: none
	HTTPStatus int         // 0 where there was no answer
	Header     http.Header // of the answer
	Reason     Reason      // empty where the attempt succeeded
	Code       string      // as in Error
	RequestID  string      // the vendor's support asks for it; empty where the answer has none, or not yet
	Began      time.Time   // when the request was sent
	Duration   time.Duration
	Bytes      int64 // of the body, as transferred, as far as it was read
	Cut        bool  // the consumer of the answer wanted no more of it

	// These are what an answer with an envelope is like, also one that was refused, as far as it was read.
	Envelope EnvelopeForm
	DayForm  DayForm  // of the first row
	Fields   []string // names in the first row, in lower case
}

// DefaultOptions returns the defaults of everything that has one.
func DefaultOptions() Options {
	return Options{
		Endpoint:          "https://bill.api.ksyun.com",
		UnionEndpoint:     "https://bill-union.api.ksyun.com",
		PayEndpoint:       "https://kingpay.api.ksyun.com",
		TradeEndpoint:     "https://trade.api.ksyun.com",
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
	budget          *callBudget
	workingVersions sync.Map // from the documented name of an action to the actionVersion that the API knew last
	pagesReads      sync.Map // from a pagesQuery to its last *pagesRead, if rows were on several pages
}

// New returns a client. It starts nothing. It accepts an http:// endpoint, though everybody on the way can read the
// bills then: those who read a configuration should refuse such an endpoint unless it is on loopback or AllowHTTP is
// set.
func New(o Options) *Client {
	transport := o.Transport
	if transport == nil {
		transport = sharedTransport()
	}
	return &Client{
		options: o,
		// The API does not redirect, and a signature is valid for one host only.
		http:   &http.Client{Transport: transport, CheckRedirect: refuseRedirects},
		budget: newCallBudget(o),
	}
}

func refuseRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// sharedTransport returns the transport of all clients that are not given one: hundreds of accounts need no connections
// of their own, each with its buffers.
var sharedTransport = sync.OnceValue(newTransport)

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true // the client asks for gzip itself, and unpacks it at twice the speed
	t.ReadBufferSize = bufferSize
	t.MaxIdleConnsPerHost = 16
	return t
}

// Calls returns how many calls were made today, and how many are allowed; limit 0 is no limit.
func (c *Client) Calls() (used, limit int) { return c.budget.used(), c.options.DailyCalls }

// reportLeftOut calls Options.OnLeftOut for each of some elements of an answer of that action.
func (c *Client) reportLeftOut(action string, leftOut []LeftOutBill) {
	if c.options.OnLeftOut == nil {
		return
	}
	for _, bill := range leftOut {
		bill.Action = action
		c.options.OnLeftOut(bill)
	}
}

// fetch calls an action until it succeeds, as Client.Retry does, and returns what read returns for the answer. Beside
// an error it returns the zero T.
func fetch[T any](
	ctx context.Context, c *Client, a action, params url.Values, read func(*response) (T, error),
) (T, error) {
	var result, none T
	err := c.Retry(ctx, a[0].name, func() error {
		return c.call(ctx, a, params, func(r *response) (err error) {
			result, err = read(r)
			return err
		})
	})
	if err != nil {
		return none, err
	}
	return result, nil
}

// call makes one attempt at an action, in the version in which the API knew it last. If the API does not know the
// action in that version, call tries the others.
func (c *Client) call(ctx context.Context, a action, params url.Values, read func(*response) error) error {
	versions := slices.Clone(a)
	if working, ok := c.workingVersions.Load(a[0].name); ok {
		i := slices.Index(versions, working.(actionVersion))
		versions[0], versions[i] = versions[i], versions[0]
	}
	var firstErr error
	for _, v := range versions {
		err := c.attempt(ctx, v, params, read)
		if err == nil && len(versions) > 1 {
			c.workingVersions.Store(a[0].name, v)
		}
		if !IsUnknownAction(err) {
			return err
		}
		firstErr = cmp.Or(firstErr, err)
	}
	return firstErr
}

// attempt sends one request and has its answer read. Every call takes this path: it waits for its turn, counts, is
// signed and sent, its status is checked, and read decodes the body while it arrives.
func (c *Client) attempt(ctx context.Context, v actionVersion, params url.Values, read func(*response) error) error {
	r := &response{action: v, period: periodOf(params), maxBody: c.options.MaxBody}
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

// newRequest returns a signed request, once it may be sent. Each attempt is signed anew, because a signature expires
// soon.
func (c *Client) newRequest(ctx context.Context, r *response, params url.Values) (*http.Request, error) {
	service := serviceOf(r.action.name)
	address := service.address(c.options)
	if address == "" {
		return nil, classify(Invalid, "%s is empty", service.endpoint)
	}
	target, err := url.Parse(address)
	if err != nil {
		return nil, classify(Invalid, "%s: %w", service.endpoint, err)
	}
	params.Set("Action", r.action.name)
	params.Set("Version", r.action.version)
	target.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, classify(Invalid, "%s: %w", service.endpoint, err)
	}
	if r.credentials, err = readCredentials(ctx, c.options.Credentials); err != nil {
		return nil, err
	}
	if err := c.budget.take(ctx, r.action.name); err != nil {
		return nil, err
	}
	if err := signRequest(req, r.credentials, service.name, c.options.Region, time.Now()); err != nil {
		return nil, err
	}
	setUnsignedHeaders(req.Header, c.options.UserAgent)
	return req, nil
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
	defer r.release()
	if res.StatusCode/100 != 2 {
		return readRefusal(r)
	}
	return read(r)
}

// transportError returns the error of a transport with the host in place of the URL: the text of an Error names the
// action already.
func transportError(err error, host string) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if _, ok := errors.AsType[*net.OpError](err); ok { // it names the address
		return err
	}
	return fmt.Errorf("%s: %w", host, err)
}
