package output

import "testing"

func TestPrintable(t *testing.T) {
	if got, want := Printable("\u202eniam\x1b[31m 商城\n"), "?niam?[31m 商城?"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOrDash(t *testing.T) {
	for cell, want := range map[string]string{"": "-", "0": "0"} {
		if got := OrDash(cell); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}
