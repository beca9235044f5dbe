package output

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A file appears when it is committed, with nothing in it of what was taken back, and no other file stays.
func TestFileIsWholeOrNotAtAll(t *testing.T) {
	for name, tt := range map[string]struct{ suffix, old, beside string }{
		"replaced": {"", "new", ""},
		"beside":   {".new", "old", "new"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "bill")
			if err := os.WriteFile(file, []byte("old"), 0o640); err != nil {
				t.Fatal(err)
			}
			target, err := Open(file, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			defer target.Discard()
			for _, text := range []string{strings.Repeat("a broken attempt", bufferSize), "new"} {
				if err := target.Rewind(); err != nil {
					t.Fatal(err)
				}
				_, _ = target.WriteString(text) // Commit returns its error
			}
			if got := readFile(t, file); got != "old" || target.SentBytes() != 0 {
				t.Errorf("before the commit: %q, %d bytes sent", got, target.SentBytes())
			}
			if err := target.Commit(tt.suffix); err != nil {
				t.Fatal(err)
			}
			target.Discard()
			if got := readFile(t, file); got != tt.old {
				t.Errorf("%q, want %q", got, tt.old)
			}
			files := 1
			if tt.beside != "" {
				files = 2
				if got := readFile(t, file+tt.suffix); got != tt.beside {
					t.Errorf("beside it %q, want %q", got, tt.beside)
				}
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != files {
				t.Errorf("%d files, want %d: %v", len(entries), files, err)
			}
		})
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	target, err := Open(filepath.Join(dir, "bill"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	target.Discard()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

// A short text is held back until it is committed; a long one is on standard output for good.
func TestStandardOutput(t *testing.T) {
	var stdout strings.Builder
	target, err := Open("", &stdout)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Discard()
	_, _ = target.WriteString("taken back")
	if err := target.Rewind(); err != nil || target.SentBytes() != 0 {
		t.Errorf("%d bytes sent, %v", target.SentBytes(), err)
	}
	_, _ = target.WriteString("kept")
	if err := target.Commit(".suffix"); err != nil || stdout.String() != "kept" || target.Name() != "" {
		t.Errorf("%q, %v", stdout.String(), err)
	}
	_, _ = target.WriteString(strings.Repeat("x", bufferSize+1))
	if sent := target.SentBytes(); sent != int64(stdout.Len()) || sent <= 4 {
		t.Errorf("%d bytes sent of %d", sent, stdout.Len())
	}
}

// What is kept stays when more is taken back, in a file and on standard output.
func TestKeep(t *testing.T) {
	for name, file := range map[string]string{"file": filepath.Join(t.TempDir(), "bill"), "standard output": ""} {
		t.Run(name, func(t *testing.T) {
			var stdout strings.Builder
			target, err := Open(file, &stdout)
			if err != nil {
				t.Fatal(err)
			}
			defer target.Discard()
			for _, part := range []string{"first ", "second "} {
				_, _ = target.WriteString("a broken attempt")
				if err := target.Rewind(); err != nil {
					t.Fatal(err)
				}
				_, _ = target.WriteString(part)
				if err := target.Keep(); err != nil || target.SentBytes() != 0 {
					t.Errorf("%d bytes sent, %v", target.SentBytes(), err)
				}
			}
			_, _ = target.WriteString("third")
			if err := target.Commit(""); err != nil {
				t.Fatal(err)
			}
			got := stdout.String()
			if file != "" {
				got = readFile(t, file)
			}
			if got != "first second third" || target.Bytes() != int64(len(got)) {
				t.Errorf("%q, %d bytes", got, target.Bytes())
			}
		})
	}
}
