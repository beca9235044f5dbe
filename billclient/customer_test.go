package billclient

import "testing"

func TestParseCustomerID(t *testing.T) {
	for text, want := range map[string]CustomerID{
		"73400575": "73400575", "0073400575": "73400575", " 0073400575\n": "73400575", "7340057500": "7340057500",
		"": "", "0": "", " 000 ": "", "00x7": "x7", "7 7": "7 7", "客户": "客户", "-7": "-7",
		"7.3400575E7": "73400575", " 73400575.0 ": "73400575", "0.0": "", "1.5": "1.5",
	} {
		if got := ParseCustomerID(text); got != want {
			t.Errorf("ParseCustomerID(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCustomerOfBill(t *testing.T) {
	for id, want := range map[string]CustomerID{
		"KSYZD0073400575201806": "73400575", // GetMonthBill's sample
		"KSYZD0073406772201908": "73406772", // getMonthConsume's sample
		"KSYZD007340057520180":  "", "KSYZD00734005752018060": "", "KSYZX0073400575201806": "",
		"KSYZD00734x0575201806": "", "": "",
	} {
		if got := CustomerOfBill(id); got != want {
			t.Errorf("CustomerOfBill(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestCustomersDiffer(t *testing.T) {
	for _, tt := range []struct {
		a, b CustomerID
		want bool
	}{
		{"7", "7", false},
		{"7", "8", true},
		{"7", "", false},
		{"", "", false},
	} {
		if got := tt.a.DiffersFrom(tt.b); got != tt.want {
			t.Errorf("%q and %q: %t, want %t", tt.a, tt.b, got, tt.want)
		}
		if got := tt.b.DiffersFrom(tt.a); got != tt.want {
			t.Errorf("%q and %q: %t, want %t", tt.b, tt.a, got, tt.want)
		}
	}
}
