package main

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestReplay checks that the API renders the lines once for all clients, the exporter's and others.
func TestReplay(t *testing.T) {
	j := job{Bill: bill{1000, 200}, Times: 2}
	api, err := apiServer(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	server := httptest.NewServer(newReplay(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		api.ServeHTTP(w, r)
	}), j.Bill.Lines))
	defer server.Close()
	j.API = server.URL
	for _, do := range []string{"count", "stream", "usual"} {
		if _, err := measures[do](t.Context(), j); err != nil {
			t.Errorf("%s: %v", do, err)
		}
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("the API was asked %d times, want once", n)
	}
}
