//go:build focus

package export

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table has the facts of the requirements model of FOCUS 1.2, a file that FOCUS_MODEL names: model-1.2.json of
// https://github.com/finopsfoundation/focus_validator 2.0.1 (MIT), which is no part of the project. Hence the build tag.
func TestFocusRulesAreTheModels(t *testing.T) {
	model, err := os.ReadFile(os.Getenv("FOCUS_MODEL"))
	if err != nil {
		t.Fatalf("FOCUS_MODEL: %v", err)
	}
	want := deriveRules(t, model)
	if *update {
		if err := os.WriteFile(rulesFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(rulesFile)
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-model +table):\n%s", err, diff)
	}
}
