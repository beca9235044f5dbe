//go:build e2e

package main

import (
	"strings"
	"testing"
)

// On a few lives the rules of this repository find what is big, and wake nobody without a reason. docs/alerts.md has
// what they reach on many.
func TestStudy(t *testing.T) {
	s := study{rules: "..", accounts: 2, seed: 1, days: 35, parallel: 2}
	result, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(result.table())
	if found := result.found(bigOnes, 7); found < 1 {
		t.Errorf("%.0f%% of the big anomalies were told within seven days, want all", 100*found)
	}
	if rate := result.rate("page"); rate > 0 {
		t.Errorf("%.2f false pages per account-month, want none:\n%s", rate, result.details())
	}
}

// A directory without rules is named.
func TestNoRules(t *testing.T) {
	dir := t.TempDir()
	_, err := study{rules: dir, accounts: 1, days: 35, parallel: 1}.run(t.Context())
	if want := "rules " + dir + ": no *.rules.yml"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}
