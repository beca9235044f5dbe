//go:build e2e

package main

import "testing"

// The rules of this repository find what is big, on a few lives. The whole table is in docs/alerts.md.
func TestStudy(t *testing.T) {
	s := study{rules: "..", accounts: 7, seed: 3, days: 31, parallel: 2}
	result, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(result.table())
	if found := result.found(bigOnes, 7); found < 1 {
		t.Errorf("%.0f%% of the big anomalies were told within seven days, want all", 100*found)
	}
}
