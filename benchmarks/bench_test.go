package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTakeTurns checks that the ways take turns, that one which is left out is noted once and that an error ends the
// run.
func TestTakeTurns(t *testing.T) {
	var turns []string
	turn := func(name string) way {
		return way{name, func(context.Context) (measurement, error) {
			turns = append(turns, name)
			return measurement{}, nil
		}}
	}
	b := bench{runs: 2, progress: io.Discard, results: results{}}
	ways := []way{turn("a"), turn("greedy").requireMemory(1 << 40), turn("b")}
	if err := b.takeTurns(t.Context(), 1000, ways); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "a", "b"}, turns); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
	if want := "1000 lines, greedy: left out, it may need"; len(b.notes) != 1 || !strings.HasPrefix(b.notes[0], want) {
		t.Errorf("notes %q, want one: %s...", b.notes, want)
	}
	broken := way{"c", func(context.Context) (measurement, error) { return measurement{}, errors.New("broken") }}
	if err := b.takeTurns(t.Context(), 1000, []way{broken}); err == nil || err.Error() != "c: broken" {
		t.Errorf("error %v, want c: broken", err)
	}
}
