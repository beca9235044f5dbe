package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestVerdict checks that a limit holds if the worst median of the sizes that count does.
func TestVerdict(t *testing.T) {
	all := results{}
	for lines, seconds := range map[int][]int{1000: {90}, 100_000: {1, 99, 2}, 1_000_000: {4, 3}} {
		for _, s := range seconds {
			all.add("refresh", lines, measurement{CPU: time.Duration(s) * time.Second})
		}
	}
	for _, tt := range []struct {
		way   string
		limit limit
		want  []string
	}{
		{"refresh", upperLimit(1, 3.5, largeBill), []string{"1. row, s", "3.50", "at most 3.5", "holds"}},
		{"refresh", upperLimit(2, 3.4, largeBill), []string{"2. row, s", "3.50", "at most 3.4", "does not hold"}},
		{"refresh", lowerLimit(3, 2, largeBill), []string{"3. row, s", "2.00", "at least 2", "holds"}},
		{"refresh", lowerLimit(4, 2.1, largeBill), []string{"4. row, s", "2.00", "at least 2.1", "does not hold"}},
		{"refresh", lowerLimit(5, 2.1, largestBill), []string{"5. row, s", "3.50", "at least 2.1", "holds"}},
		{"nothing", upperLimit(6, 1, largeBill), []string{"6. row, s", "-", "at most 1", "not measured"}},
	} {
		r := row{title: "row", unit: "s", values: valuesOf(tt.way, cpuSeconds), limit: tt.limit}
		if diff := cmp.Diff(tt.want, r.verdict(all, []int{1000, 100_000, 1_000_000})); diff != "" {
			t.Errorf("verdict (-want +got):\n%s", diff)
		}
	}
}
