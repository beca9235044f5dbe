// Package billsim simulates the billing APIs of Kingsoft Cloud, with signatures checked and faults on demand: of the
// service bill, which knows postpaid bills, version 2018-06-01, GetMonthBill, GetPostpayDetailBill,
// GetPostpayDetailBillCSV, GetProductCode, getMonthConsume and getPostpayDetailConsume; of the service bill-union,
// which knows all pay modes, version 2020-01-01, DescribeBillSummaryByPayMode, DescribeBillSummaryByProduct,
// DescribeBillSummaryByProject and DescribeProductCode. It serves tests, benchmarks and the demo.
//
// It is written from the vendor's pages alone and shares no code with the client that it tests, so that a mistake in
// one is not a mistake in both. Where the pages are silent, the comments say so.
package billsim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	billService = "bill"
	version2018 = "2018-06-01"
	version2022 = "2022-06-01" // of the consumption actions in the vendor's SDKs; no page has it

	typeJSON = "application/json; charset=UTF-8"
	typeXML  = "application/xml; charset=UTF-8" // the pages show the body, not its type
	typeCSV  = "text/csv"                       // likewise; the pages say that it is GBK
)

// Account is a customer of the simulated API. Its functions have to be safe for concurrent use.
type Account struct {
	AccessKeyID     string
	SecretAccessKey string
	CustomerID      string
	Products        []KeyValue // code and name for GetProductCode; nil: those of the vendor's pages
	Denied          []string   // actions that this key may not call: 400 `Forbidden Request`
	DeniedByIAM     bool       // says so as IAM does: 403 InvalidAuthenticationCode

	// Bills is the bill of a month, "2026-10"; false: there is none, or none yet. Nil: there is never one.
	Bills func(month string) (Bill, bool)

	// Consume is the consumption of a month; false: there is none, or none yet. Nil: the API has no estimates for the
	// account. It is asked for the running month and the one before.
	Consume func(month string) (Consumption, bool)

	// Prepaid and Realtime are what bill-union knows of a month besides the bill; nil: nothing.
	Prepaid, Realtime func(month string) []Purchase
	Payment           *Payment // nil: bill-union does not tell by what means was paid
	Currency          string   // of bill-union; empty: CNY
	UnionDenied       bool     // the key may call no action of bill-union
}

// Server is the simulated API. Safe for concurrent use.
type Server struct {
	accounts map[string]*Account
	now      func() time.Time
	variant  variant

	mu       sync.Mutex
	faults   []*Fault
	calls    []Call
	requests int
}

// variant is one of the ways in which the real API may be, where the pages are silent or the SDKs contradict them.
type variant struct {
	unknown   []string // actions
	firstPage int
	modes     payModes
}

// The consumption actions by their names in the vendor's pages and in its SDKs.
var (
	consumeOfPages = []string{"getMonthConsume", "getPostpayDetailConsume"}
	consumeOfSDKs  = []string{"GetMonthConsume", "GetPostpayDetailConsume"}
)

// Option changes a new Server.
type Option func(*Server)

// WithClock sets the clock that signatures and the months of consumption are judged by; it is the wall clock without.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// WithConsume2022 makes the server know the consumption actions as the vendor's SDKs ask for them, GetMonthConsume and
// GetPostpayDetailConsume of version 2022-06-01, and not as its pages do, getMonthConsume and getPostpayDetailConsume
// of 2018-06-01. What the newer version answers is documented nowhere; here it answers the same.
func WithConsume2022() Option { return func(s *Server) { s.variant.unknown = consumeOfPages } }

// WithPagesFromOne makes the server count pages of consumption lines from 1 and take page 0 for page 1. Without, the
// first page is 0, the documented default; which of the two the real API does is unknown.
func WithPagesFromOne() Option { return func(s *Server) { s.variant.firstPage = 1 } }

// New is a Server of these accounts, told apart by their access keys.
func New(accounts []Account, opts ...Option) *Server {
	usual := variant{unknown: consumeOfSDKs, modes: chineseModes}
	s := &Server{accounts: map[string]*Account{}, now: time.Now, variant: usual}
	for _, a := range accounts {
		s.accounts[a.AccessKeyID] = &a
	}
	for _, set := range opts {
		set(s)
	}
	return s
}

// ServeHTTP answers one call, of any host and path: what tells the services apart is the action.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{
		id:      s.requestID(),
		method:  r.Method,
		query:   r.URL.Query(),
		syntax:  syntaxOf(r),
		now:     s.now(),
		variant: s.variant,
	}
	x.action = x.query.Get("Action")
	sig, no := readSignature(r)
	s.record(r, x, &sig)
	if no == nil {
		x.account, no = s.authenticate(r, x.action, &sig)
	}
	if no == nil {
		x.fault = s.takeFault(x.action, sig.accessKeyID)
	}
	send(w, r, x.answer(no), &x.fault)
}

// authenticate is the account that signed r for the action's service.
func (s *Server) authenticate(r *http.Request, action string, sig *signature) (*Account, *refusal) {
	a, ok := s.accounts[sig.accessKeyID]
	if !ok {
		return nil, unknownKey()
	}
	return a, sig.check(r, a.SecretAccessKey, serviceOf(action), s.now())
}

// requestID has the shape of a uuid and counts.
func (s *Server) requestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return fmt.Sprintf("b1115100-0000-4000-8000-%012x", s.requests)
}

// Call is one call as it came, refused ones included.
type Call struct {
	Time        time.Time // by the server's clock
	Method      string
	Action      string
	AccessKeyID string // as claimed
	Region      string // of the credential scope
	Service     string // likewise: bill or bill-union
	Query       url.Values
	Header      http.Header
}

const keptCalls = 10_000

// record keeps at least the newest keptCalls, so that a server may run for months.
func (s *Server) record(r *http.Request, x *exchange, sig *signature) {
	call := Call{
		s.now(), r.Method, x.action, sig.accessKeyID, sig.region(), sig.service(), x.query, r.Header.Clone(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls = append(s.calls, call); len(s.calls) == 2*keptCalls {
		s.calls = slices.Clone(s.calls[keptCalls:])
	}
}

// Calls are the newest calls, at least 10,000 of them, oldest first. Safe for concurrent use.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ResetCalls forgets the calls so far. Safe for concurrent use.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// syntaxOf is XML unless JSON is asked for (vendor's page on responses).
func syntaxOf(r *http.Request) ErrorForm {
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		return JSONError
	}
	return XMLError
}

// Fault makes calls go wrong as f says, until it is used up or undo is called. Of several faults that fit a call, the
// one set first meets it. Safe for concurrent use, as undo is.
func (s *Server) Fault(f Fault) (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := &f
	s.faults = append(s.faults, set)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(set)
	}
}

// takeFault is the fault of this call, zero without one.
func (s *Server) takeFault(action, key string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if (f.Action == "" || f.Action == action) && (f.AccessKeyID == "" || f.AccessKeyID == key) {
			taken := *f
			if f.Times--; f.Times == 0 {
				s.drop(f)
			}
			return taken
		}
	}
	return Fault{}
}

// drop takes f away, if it is still there. The lock is held.
func (s *Server) drop(f *Fault) {
	for i, set := range s.faults {
		if set == f {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return
		}
	}
}
