// Package billsim simulates the postpaid billing API of Kingsoft Cloud (service bill, version 2018-06-01):
// GetMonthBill, GetPostpayDetailBill, GetPostpayDetailBillCSV and GetProductCode, with signatures checked and faults on
// demand. It serves tests, benchmarks and the demo.
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
	service = "bill"
	version = "2018-06-01"

	typeJSON = "application/json; charset=UTF-8"
	typeXML  = "application/xml; charset=UTF-8" // the pages show the body, not its type
	typeCSV  = "text/csv"                       // likewise; the pages say that it is GBK
)

// Account is a customer of the simulated API. Bills has to be safe for concurrent use.
type Account struct {
	AccessKeyID     string
	SecretAccessKey string
	CustomerID      string
	Products        []KeyValue // code and name for GetProductCode; nil: those of the vendor's pages
	Denied          []string   // actions that this key may not call: 400 `Forbidden Request`
	DeniedByIAM     bool       // says so as IAM does: 403 InvalidAuthenticationCode

	// Bills is the bill of a month, "2026-10"; false: there is none, or none yet. Nil: there is never one.
	Bills func(month string) (Bill, bool)
}

// Server is the simulated API. Safe for concurrent use.
type Server struct {
	accounts map[string]*Account
	now      func() time.Time

	mu       sync.Mutex
	faults   []*Fault
	calls    []Call
	requests int
}

// Option changes a new Server.
type Option func(*Server)

// WithClock sets the clock that signatures are judged by; it is the wall clock without.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// New is a Server of these accounts, told apart by their access keys.
func New(accounts []Account, opts ...Option) *Server {
	s := &Server{accounts: map[string]*Account{}, now: time.Now}
	for _, a := range accounts {
		s.accounts[a.AccessKeyID] = &a
	}
	for _, set := range opts {
		set(s)
	}
	return s
}

// ServeHTTP answers one call, of any host and path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{id: s.requestID(), method: r.Method, query: r.URL.Query(), syntax: syntaxOf(r)}
	x.action = x.query.Get("Action")
	sig, no := readSignature(r)
	s.record(r, x, &sig)
	if no == nil {
		x.account, no = s.authenticate(r, &sig)
	}
	if no == nil {
		x.fault = s.takeFault(x.action, sig.accessKeyID)
	}
	send(w, r, x.answer(no), &x.fault)
}

// authenticate is the account that signed r.
func (s *Server) authenticate(r *http.Request, sig *signature) (*Account, *refusal) {
	a, ok := s.accounts[sig.accessKeyID]
	if !ok {
		return nil, unknownKey()
	}
	return a, sig.check(r, a.SecretAccessKey, service, s.now())
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
	Query       url.Values
	Header      http.Header
}

const keptCalls = 10_000

// record keeps at least the newest keptCalls, so that a server may run for months.
func (s *Server) record(r *http.Request, x *exchange, sig *signature) {
	call := Call{s.now(), r.Method, x.action, sig.accessKeyID, sig.region(), x.query, r.Header.Clone()}
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
