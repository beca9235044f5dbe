package exposition

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestAppendNumber checks that amounts of money are written as strconv does it, also those with too many digits.
func TestAppendNumber(t *testing.T) {
	for _, number := range []float64{
		0.1, 0.29, -0.07, 1.1, 100, -0.005, 1e-300, 1 << 56, 9999999999999.99, 1e13 + 0.01, 1e20,
	} {
		if got, want := formatNumber(number), strconv.FormatFloat(number, 'f', -1, 64); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		decimals := rapid.SampledFrom([]float64{1, 10, 100, 1000, 1e8}).Draw(t, "decimals")
		number := float64(rapid.Int64().Draw(t, "digits")>>rapid.IntRange(0, 63).Draw(t, "shift")) / decimals
		if got, want := formatNumber(number), strconv.FormatFloat(number, 'f', -1, 64); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func formatNumber(number float64) string { return string(appendNumber(nil, number)) }
