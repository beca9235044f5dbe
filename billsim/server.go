// Package billsim simulates the billing APIs of Kingsoft Cloud for tests, benchmarks and the demo. It checks signatures
// and makes calls fail on demand. It knows four services:
//
//   - bill, version 2018-06-01, for postpaid bills, with the actions GetMonthBill, GetPostpayDetailBill,
//     GetPostpayDetailBillCSV, GetProductCode, getMonthConsume and getPostpayDetailConsume
//   - bill-union for all pay modes: version 2020-01-01 with the actions DescribeBillSummaryByPayMode,
//     DescribeBillSummaryByProduct, DescribeBillSummaryByProject, DescribeInstanceSummaryBills, DescribeProductCode and
//     ListProductGroups, version 2021-12-09 with DescribeCostBill, version 2022-12-22 with QueryInstanceConsume,
//     QueryProductConsume and QueryProjectConsume, and version 2025-08-01 with QueryItemBills and QueryProductTypes
//   - kingpay, version V1, for what is left in the purse, with the action QueryCashWalletAction
//   - trade, version 2025-08-28, for the terms of what was bought, with the action QueryInstances
//
// The package is written from the vendor's pages and the types in its SDKs alone and shares no code with the client
// that it tests, so that a mistake in one is not a mistake in both. Where they are silent, the comments say so.
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
	typeJSON = "application/json; charset=UTF-8"
	typeXML  = "application/xml; charset=UTF-8" // a guess: the pages show the body, not its type
	typeCSV  = "text/csv"                       // a guess too; the pages say that the text is GBK
)

// Account is a customer of the simulated API. Its functions have to be safe for concurrent use.
type Account struct {
	AccessKeyID     string
	SecretAccessKey string
	CustomerID      string
	Products        []KeyValue // code and name for GetProductCode; nil: those of the vendor's pages
	Denied          []string   // actions that this key may not call: 400 `Forbidden Request`
	DeniedByIAM     bool       // denials are those of IAM: 403 InvalidAuthenticationCode

	// Bills returns the bill of a month, "2026-10"; false if there is none, or none yet. If it is nil, there is never
	// one.
	Bills func(month string) (Bill, bool)

	// Consume returns the consumption of a month; false if there is none, or none yet. The service bill calls it for
	// the running month and the previous one, bill-union for any. If it is nil, the API has no estimates for the
	// account.
	Consume func(month string) (Consumption, bool)

	// Prepaid and Realtime return what bill-union has of a month besides the bill. If they are nil, it has nothing.
	// What trade has is what Prepaid returns for this month and the 36 months before it.
	Prepaid, Realtime func(month string) []Purchase

	Groups      []ProductGroup // of bill-union; nil: some that the vendor's pages show
	Wallet      func() Wallet  // nil: there is nothing in it
	Payment     *Payment       // nil: bill-union does not say by what means costs were paid
	Currency    string         // of bill-union; empty: CNY
	UnionDenied bool           // the key may call no action of bill-union
}

// Server is the simulated API. It is an http.Handler and safe for concurrent use.
type Server struct {
	accounts map[string]*Account
	now      func() time.Time
	variant  variant
	kept     *keptRows // nil: every page is made anew

	mu       sync.Mutex
	faults   []*Fault
	calls    []Call
	requests int
}

// variant is one of the ways in which the real API may work where the pages say nothing or the SDKs contradict them.
type variant struct {
	unknownActions []string
	withoutActions []string
	firstPage      int
	modes          payModes
	envelope       Envelope
	money          Form
	dayText        bool
	objectSets     bool
}

// lacks reports whether the API does not have an action.
func (v *variant) lacks(action string) bool {
	return slices.Contains(v.unknownActions, action) || slices.Contains(v.withoutActions, action)
}

// The names of the consumption actions in the vendor's pages and in its SDKs.
var (
	pageConsumeActions = []string{"getMonthConsume", "getPostpayDetailConsume"}
	sdkConsumeActions  = []string{"GetMonthConsume", "GetPostpayDetailConsume"}
)

// Option changes the Server that New returns.
type Option func(*Server)

// WithClock sets the clock for signatures and for the months of consumption. Without it, that is the wall clock.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// WithConsume2022 makes the server know the consumption actions as the vendor's SDKs ask for them, GetMonthConsume and
// GetPostpayDetailConsume of version 2022-06-01, and not as its pages do, getMonthConsume and getPostpayDetailConsume
// of 2018-06-01. The answers of the newer version are not documented; here they are the same.
func WithConsume2022() Option {
	return func(s *Server) { s.variant.unknownActions = pageConsumeActions }
}

// WithPagesFromOne makes the server count pages of consumption lines from 1 and take page 0 for page 1. Without it, the
// first page is 0, the documented default. Which of the two the real API does is unknown.
func WithPagesFromOne() Option { return func(s *Server) { s.variant.firstPage = 1 } }

// New returns a Server with these accounts, which differ in their access keys.
func New(accounts []Account, opts ...Option) *Server {
	usual := variant{unknownActions: sdkConsumeActions, modes: chineseModes}
	s := &Server{accounts: map[string]*Account{}, now: time.Now, variant: usual}
	for _, a := range accounts {
		s.accounts[a.AccessKeyID] = &a
	}
	for _, set := range opts {
		set(s)
	}
	return s
}

// ServeHTTP answers one call to any host and path: the action alone decides which service it is for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{
		id:      s.newRequestID(),
		method:  r.Method,
		query:   r.URL.Query(),
		syntax:  syntaxOf(r),
		now:     s.now(),
		variant: s.variant,
		kept:    s.kept,
	}
	x.action = x.query.Get("Action")
	sig, err := readSignature(r)
	s.recordCall(r, x, &sig)
	if err == nil {
		x.account, err = s.authenticate(r, x.action, &sig)
	}
	if err == nil {
		x.fault = s.takeFault(x.action, sig.accessKeyID)
	}
	send(w, r, x.answer(err), &x.fault)
}

// authenticate returns the account that has signed r for the action's service.
func (s *Server) authenticate(r *http.Request, action string, sig *signature) (*Account, *refusal) {
	a, ok := s.accounts[sig.accessKeyID]
	if !ok {
		return nil, unknownKey()
	}
	return a, sig.check(r, a.SecretAccessKey, serviceOf(action), s.now())
}

// newRequestID returns an id in the shape of a uuid that counts the requests.
func (s *Server) newRequestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return fmt.Sprintf("b1115100-0000-4000-8000-%012x", s.requests)
}

// Call is one call as the server received it, also if it was refused.
type Call struct {
	Time        time.Time // by the server's clock
	Method      string
	Action      string
	AccessKeyID string // as the call says, not checked
	Region      string // of the credential scope
	Service     string // likewise: bill, bill-union, kingpay or trade
	Query       url.Values
	Header      http.Header
}

// keptCalls is how many calls are kept at least.
const keptCalls = 10_000

// recordCall adds a call to Calls and forgets the oldest ones, so that a server may run for months.
func (s *Server) recordCall(r *http.Request, x *exchange, sig *signature) {
	call := Call{
		s.now(), r.Method, x.action, sig.accessKeyID, sig.region(), sig.service(), x.query, r.Header.Clone(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls = append(s.calls, call); len(s.calls) == 2*keptCalls {
		s.calls = slices.Clone(s.calls[keptCalls:])
	}
}

// Calls returns the newest calls, at least 10,000 of them, oldest first. It is safe for concurrent use.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ResetCalls forgets the calls so far. It is safe for concurrent use.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// syntaxOf returns XMLError unless the call accepts JSON (vendor's page on responses).
func syntaxOf(r *http.Request) ErrorForm {
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		return JSONError
	}
	return XMLError
}

// Fault makes calls go wrong as f says, until it has been used f.Times times or undo is called. If several faults fit a
// call, the oldest one is applied. Fault and undo are safe for concurrent use.
func (s *Server) Fault(f Fault) (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := &f
	s.faults = append(s.faults, set)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.removeFault(set)
	}
}

// takeFault returns the fault for a call and counts it as used. It returns the zero Fault if there is none.
func (s *Server) takeFault(action, key string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if (f.Action == "" || f.Action == action) && (f.AccessKeyID == "" || f.AccessKeyID == key) {
			taken := *f
			if f.Times--; f.Times == 0 {
				s.removeFault(f)
			}
			return taken
		}
	}
	return Fault{}
}

// removeFault removes f if it is still there. The caller holds the lock.
func (s *Server) removeFault(f *Fault) {
	for i, set := range s.faults {
		if set == f {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return
		}
	}
}
