package ledger

import "testing"

func TestKeyLabel(t *testing.T) {
	for value, want := range map[string]string{
		"": "__none__", "i-1": "i-1", "_": "_", "none": "none", "_none__": "_none__",
		"__none__": "___none__", "___none__": "____none__", "__other__": "___other__", "____other__": "_____other__",
	} {
		if got := KeyLabel(value); got != want {
			t.Errorf("KeyLabel(%q) = %q, want %q", value, got, want)
		}
	}
}
