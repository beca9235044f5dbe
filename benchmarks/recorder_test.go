package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRecorder checks that each query is answered by the API once, that the same bytes are sent again, and what the
// lists of the recorder and the journal say.
func TestRecorder(t *testing.T) {
	calls := 0
	recorder := newRecorder(t.TempDir(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%d %s", calls, strings.Repeat(r.URL.Query().Get("Action"), 10_000))
	}))
	api := httptest.NewServer(withJournal(recorder, recorder))
	defer api.Close()
	get := func(path string) string {
		res, err := api.Client().Get(api.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s %d %.10s", res.StatusCode, res.Header.Get("Content-Type"), len(text), text)
	}
	const lines, summary = "/?Action=Ab&BillMonth=2026-10", "/?Action=GetMonthBill"
	got := []string{get(lines), get(summary), get(lines)}
	var list []recording
	if err := getJSON(t.Context(), api.URL+answersPath, &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		got = append(got, r.Action+" "+r.Month+get(answersPath+"/"+r.File))
	}
	want := []string{
		"418 text/plain 20002 1 AbAbAbAb", "418 text/plain 120002 2 GetMonth", "418 text/plain 20002 1 AbAbAbAb",
		"Ab 2026-10200 text/plain; charset=utf-8 20002 1 AbAbAbAb",
		"GetMonthBill 200 text/plain; charset=utf-8 120002 2 GetMonth",
		"Ab 2026-10200 text/plain; charset=utf-8 20002 1 AbAbAbAb",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	state := journalState{InFlight: 1}
	for state.InFlight > 0 { // an answer may have arrived before it has ended
		var err error
		if state, err = readJournal(t.Context(), &server{url: api.URL}); err != nil {
			t.Fatal(err)
		}
	}
	if want := (journalState{Calls: 3, Rounds: 1, Bytes: 160_006}); state != want {
		t.Errorf("journal %+v, want %+v", state, want)
	}
	if err := forgetAnswers(t.Context(), &server{url: api.URL}); err != nil {
		t.Fatal(err)
	}
	if err := getJSON(t.Context(), api.URL+answersPath, &list); err != nil || len(list) > 0 {
		t.Errorf("after they were forgotten, %d answers, error %v", len(list), err)
	}
}
