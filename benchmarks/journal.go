package main

import (
	"context"
	"net/http"
	"sync"

	"ksyun_bill_exporter/billclient"
)

// journal counts what an API answers.
type journal struct {
	api http.Handler

	mu sync.Mutex
	journalState
}

// journalState is what has been answered so far.
type journalState struct {
	Calls    int
	Rounds   int // calls of GetMonthBill, with which each round begins
	Bytes    int64
	InFlight int
}

// journalPath has the state as JSON.
const journalPath = "/journal"

// withJournal returns a handler that answers with an API, and says what it has answered. If there is a recorder, it has
// its answers too.
func withJournal(api http.Handler, r *recorder) http.Handler {
	journal, mux := &journal{api: api}, http.NewServeMux()
	mux.Handle("/", journal)
	mux.HandleFunc("GET "+journalPath, journal.show)
	if r != nil {
		mux.HandleFunc("GET "+answersPath, r.list)
		mux.HandleFunc("DELETE "+answersPath, r.forget)
		mux.HandleFunc("GET "+answersPath+"/{file}", r.serveAgain)
	}
	return mux
}

// ServeHTTP passes a call to the API.
func (n *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &countingWriter{ResponseWriter: w}
	n.change(func(s *journalState) {
		s.InFlight++
		if s.Calls++; r.URL.Query().Get("Action") == billclient.GetMonthBill {
			s.Rounds++
		}
	})
	n.api.ServeHTTP(counted, r)
	n.change(func(s *journalState) { s.InFlight, s.Bytes = s.InFlight-1, s.Bytes+counted.n })
}

func (n *journal) change(change func(*journalState)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.journalState)
}

func (n *journal) show(w http.ResponseWriter, _ *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	writeJSON(w, n.journalState)
}

// readJournal returns what an API has answered so far.
func readJournal(ctx context.Context, api *server) (s journalState, err error) {
	err = getJSON(ctx, api.url+journalPath, &s)
	return s, err
}
