package billclient

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]string{
		"66":                               "66",
		"55.00":                            "55.00",
		"1e2":                              "100",
		"1E+2":                             "100",
		"-0.5":                             "-0.5",
		"1234e-6":                          "0.001234",
		"+7":                               "7",
		" 7\t":                             "7",
		"007":                              "7",
		"5172897.43000000":                 "5172897.43000000",
		"0.1234567890123456789":            "0.1234567890123456789",
		"9999999999999999999":              "9999999999999999999",
		"99999999999999999999":             "99999999999999999999",
		"12345678901234567890.12345678901": "12345678901234567890.12345678901",
		"1e100":                            "1" + strings.Repeat("0", 100),
		"1e-100":                           "0." + strings.Repeat("0", 99) + "1",
	} {
		got, err := ParseAmount(text)
		if err != nil || got.String() != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

func TestParseBadAmount(t *testing.T) {
	const no = "not a decimal number"
	for text, reason := range map[string]string{
		"": no, " ": no, "-": no, ".": no, "e5": no, "1e": no, "1e+": no, "1.2.3": no, "1_000": no,
		"1,5": no, "0x1p4": no,
		"NaN": no, "Inf": no, "1/3": no, "--1": no, "1 2": no, "１": no, "1e5.0": no, "¥5": no,
		"1e101":                    "its exponent is beyond 100",
		"1e-101":                   "its exponent is beyond 100",
		"1e99999999999999999999":   no,
		strings.Repeat("9", 101):   "it has more than 100 digits",
		strings.Repeat("x", 1<<20): no,
	} {
		_, err := ParseAmount(text)
		shown := text
		if len(text) > 60 {
			shown = text[:60] + "..."
		}
		if want := fmt.Sprintf("amount %q: %s", strings.TrimSpace(shown), reason); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestAmountsCarry tests sums that have one digit more than the short form holds.
func TestAmountsCarry(t *testing.T) {
	for _, tt := range [][3]string{
		{"0.9999999999999999999", "0.9999999999999999999", "1.9999999999999999998"},
		{"9999999999999999999", "1", "10000000000000000000"},
		{"99999999999.99999999", "0.00000001", "100000000000"},
		{"1234567890123", "0.12345678", "1234567890123.12345678"},
		{"-9999999999999999999", "-0.1", "-9999999999999999999.1"},
	} {
		sum := mustAmount(tt[0]).Add(mustAmount(tt[1]))
		if sum.Cmp(mustAmount(tt[2])) != 0 {
			t.Errorf("%s + %s = %v, want %s", tt[0], tt[1], sum, tt[2])
		}
		if back := sum.Sub(mustAmount(tt[1])); back.Cmp(mustAmount(tt[0])) != 0 {
			t.Errorf("%v - %s = %v, want %s", sum, tt[1], back, tt[0])
		}
	}
}

// decimals generates amounts as the API could write them, also long ones and large exponents.
func decimals() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		text := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
		text += rapid.StringMatching(`[0-9]{1,22}`).Draw(t, "whole")
		text += rapid.StringMatching(`(\.[0-9]{1,22})?`).Draw(t, "fraction")
		return text + rapid.StringMatching(`([eE][+-]?[0-9]{1,2})?`).Draw(t, "exponent")
	})
}

func mustRat(text string) *big.Rat {
	rat, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return rat
}

// TestAmountIsExact compares every operation with the one of big.Rat, which is exact.
func TestAmountIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(decimals(), 2, 6).Draw(t, "texts")
		sum, wantSum := Amount{}, new(big.Rat)
		for _, text := range texts {
			a, want := mustAmount(text), mustRat(text)
			requireSame(t, "parsed", a, want)
			sum, wantSum = sum.Add(a), new(big.Rat).Add(wantSum, want)
			requireSame(t, "sum", sum, wantSum)
			requireSame(t, "difference", sum.Sub(a), new(big.Rat).Sub(wantSum, want))
			requireSame(t, "Neg", a.Neg(), new(big.Rat).Neg(want))
			requireSame(t, "Abs", a.Abs(), new(big.Rat).Abs(want))
			if got := a.Cmp(sum); got != want.Cmp(wantSum) {
				t.Fatalf("%v against %v: %d", a, sum, got)
			}
			if got := a.Sign(); got != want.Sign() {
				t.Fatalf("sign of %v: %d", a, got)
			}
			if nearest, _ := want.Float64(); a.Float64() != nearest {
				t.Fatalf("%v as float64: %v, want %v", a, a.Float64(), nearest)
			}
		}
	})
}

func requireSame(t *rapid.T, what string, got Amount, want *big.Rat) {
	t.Helper()
	if mustRat(got.String()).Cmp(want) != 0 {
		t.Fatalf("%s: %v, want %s", what, got, want.RatString())
	}
}

func TestAmountAsJSON(t *testing.T) {
	text, err := json.Marshal([]Amount{mustAmount("55.00"), {}})
	if err != nil || string(text) != `["55.00","0"]` {
		t.Fatalf("%s, %v", text, err)
	}
	var back []Amount
	if err := json.Unmarshal(text, &back); err != nil || back[0].String() != "55.00" {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`["x"]`), &back); err == nil {
		t.Error("no error for a word")
	}
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$`)

func FuzzAmount(f *testing.F) {
	for text := range strings.SplitSeq("66,55.00,1e2,-0.5,12345678901234567890.1,1e-100,1/3,0x1p-2,1_0, 1 ,+.5", ",") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseAmount(text)
		if err != nil {
			if jsonNumber.MatchString(text) && len(text) < maxDigits {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if mustRat(strings.TrimSpace(text)).Cmp(mustRat(got.String())) != 0 {
			t.Fatalf("%q is read as %v", text, got)
		}
	})
}

// longDecimals generates amounts as long as ParseAmount allows, and some that are longer.
func longDecimals() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		text := rapid.SampledFrom([]string{"", "-", "+", " "}).Draw(t, "sign")
		text += rapid.StringMatching(`[0-9]{1,101}`).Draw(t, "whole")
		text += rapid.StringMatching(`(\.[0-9]{0,100})?`).Draw(t, "fraction")
		return text + rapid.StringMatching(`([eE][+-]?(10[01]|[0-9]{1,2}))?`).Draw(t, "exponent")
	})
}

// TestAmountsAreKept tests that every amount that can be read from the API, and every sum of such amounts, can be
// written as a text and read back.
func TestAmountsAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum := Amount{}
		for _, text := range rapid.SliceOfN(longDecimals(), 1, 5).Draw(t, "texts") {
			a, err := ParseAmount(text)
			if err != nil {
				continue
			}
			sum = sum.Add(a)
			requireKept(t, a)
			requireKept(t, sum)
		}
	})
}

// TestLongestAmountsAreKept tests sums of the longest amounts, of which there can be as many as a bill has lines.
func TestLongestAmountsAreKept(t *testing.T) {
	large, small := mustAmount(strings.Repeat("9", 100)+"e100"), mustAmount("-1."+strings.Repeat("1", 99)+"e-100")
	sum := large.Add(small)
	for range 100 {
		sum = sum.Add(sum)
	}
	for _, a := range []Amount{large, small, sum, sum.Neg()} {
		requireKept(t, a)
	}
	if err := new(Amount).UnmarshalText([]byte(strings.Repeat("9", maxKeptDigits+1))); err == nil {
		t.Error("a text of any length is read")
	}
}

func requireKept(t rapid.TB, a Amount) {
	t.Helper()
	text, err := a.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var back Amount
	if err := back.UnmarshalText(text); err != nil || back.Cmp(a) != 0 {
		t.Fatalf("%s is read back as %v, %v", text, back, err)
	}
}

// Together with what is left, n shares are the amount, and less is left than n units of the last decimal.
func TestShares(t *testing.T) {
	for text, want := range map[string]string{
		"100.00": "33.33333333", "-100": "-33.33333333", "0": "0", "0.00000002": "0",
		"3e20": "1" + strings.Repeat("0", 20),
	} {
		if got := mustAmount(text).Share(3); got.Cmp(mustAmount(want)) != 0 {
			t.Errorf("the third part of %s is %v, want %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, n := decimals().Draw(t, "text"), rapid.IntRange(1, 1100).Draw(t, "n")
		whole, shares := mustAmount(text), mustAmount(text).Share(n).Times(n)
		rest := new(big.Rat).Sub(mustRat(text), mustRat(shares.String()))
		if most := big.NewRat(int64(n), 1e8); new(big.Rat).Abs(rest).Cmp(most) >= 0 {
			t.Fatalf("%d shares of %v leave %v", n, whole, rest)
		}
		if rest.Sign()*whole.Sign() < 0 {
			t.Fatalf("%d shares of %v are more than it", n, whole)
		}
	})
}

// An amount in units is the same amount, or it has none.
func TestUnits(t *testing.T) {
	for text, want := range map[string]struct {
		units int64
		ok    bool
	}{
		"0": {0, true}, "-0.01": {-1000000, true}, "1.50": {150000000, true}, "0.00000001": {1, true},
		"92233720368.54775807": {math.MaxInt64, true}, "-92233720368.54775807": {-math.MaxInt64, true},
		"92233720368.54775808": {0, false}, "100000000000": {0, false}, "0.000000001": {0, false},
		"1e50": {0, false}, "1e-50": {0, false},
	} {
		a, err := ParseAmount(text)
		if err != nil {
			t.Fatal(err)
		}
		units, ok := a.Units()
		if units != want.units || ok != want.ok {
			t.Errorf("%s: %d units, %v; want %d, %v", text, units, ok, want.units, want.ok)
		}
		if back := AmountOfUnits(units); ok && back.Cmp(a) != 0 {
			t.Errorf("%s: %v from %d units", text, back, units)
		}
	}
	if got := AmountOfUnits(150000000).String(); got != "1.5" {
		t.Errorf("1.5 from its units is %s", got)
	}
}
