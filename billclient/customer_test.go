package billclient

import (
	"strings"
	"testing"
)

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

// TestTwoCustomers tests that an answer with the bills of two customers fails, in whatever order and whatever is left
// out of it.
func TestTwoCustomers(t *testing.T) {
	const (
		mine    = `{"BillMonth":"2026-10","Sum":1,"BillId":"KSYZD0073400575202610"}`
		other   = `{"BillMonth":"2026-10","Sum":2,"BillId":"KSYZD0073406772202610"}`
		prepaid = `{"BillMonth":"2026-10","Sum":2,"BillId":"KSYZD0073406772202610","BillType":"prepay"}`
		unknown = `{"BillMonth":"2026-10","Sum":4,"BillId":"B"}`
		noID    = `{"BillMonth":"2026-10","Sum":8}`
	)
	for name, tt := range map[string]struct {
		bills []string
		want  bool
	}{
		"two":                 {[]string{mine, other}, true},
		"the other way":       {[]string{other, mine}, true},
		"with others between": {[]string{unknown, mine, noID, other}, true},
		"one is left out":     {[]string{prepaid, mine}, true},
		"one":                 {[]string{mine, unknown, noID}, false},
		"none":                {[]string{unknown, noID}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, "", `{"MonthBillSet":[`+strings.Join(tt.bills, ",")+`]}`))
			_, bills := c.GetMonthBill(t.Context(), october, october)
			_, estimates := c.GetMonthConsume(t.Context(), october)
			for _, err := range []error{bills, estimates} {
				if IsTwoCustomers(err) != tt.want || !tt.want && err != nil {
					t.Fatalf("error %v, want %t", err, tt.want)
				}
				if !tt.want {
					continue
				}
				_, text, _ := strings.Cut(err.Error(), ": ")
				_, text, _ = strings.Cut(text, ": ")
				const want = "bills of two customers in one answer, 73400575 and 73406772; " +
					"use a key that reads the bills of one customer only"
				if ReasonOf(err) != Auth || IsDenied(err) || text != want {
					t.Errorf("%s: %q, want %q", ReasonOf(err), text, want)
				}
			}
		})
	}
}
