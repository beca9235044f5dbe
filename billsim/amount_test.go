package billsim

import "testing"

func TestAmount(t *testing.T) {
	tests := []struct {
		amount Amount
		want   string
	}{
		{0, "0.00"},
		{1, "0.00000001"},
		{-1, "-0.00000001"},
		{55 * Yuan, "55.00"},
		{7333 * Fen, "73.33"},
		{Fen / 10, "0.001"},
		{-10 * Fen, "-0.10"},
		{1<<63 - 1, "92233720368.54775807"},
		{-1 << 63, "-92233720368.54775808"},
	}
	for _, tt := range tests {
		if got := tt.amount.String(); got != tt.want {
			t.Errorf("%d: %s, want %s", int64(tt.amount), got, tt.want)
		}
	}
	for _, tt := range []struct {
		list    Amount
		percent int64
		want    string
	}{{7333 * Fen, 75, "55.00"}, {Fen, 50, "0.01"}, {-Fen, 50, "-0.01"}, {Fen, 49, "0.00"}, {-Fen, 49, "0.00"}} {
		if got := tt.list.discount(tt.percent).String(); got != tt.want {
			t.Errorf("%s at %d%%: %s, want %s", tt.list, tt.percent, got, tt.want)
		}
	}
}
