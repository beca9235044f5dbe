package billclient

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The example policy grants exactly what is called. Policies ignore upper and lower case.
func TestExamplePolicy(t *testing.T) {
	text, err := os.ReadFile("../examples/iam/bill-readonly.json")
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Statement []struct{ Action []string }
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	var granted, called []string
	for _, permission := range policy.Statement[0].Action {
		granted = append(granted, strings.ToLower(permission))
	}
	for action := range services {
		called = append(called, strings.ToLower(Permission(action)))
	}
	slices.Sort(granted)
	slices.Sort(called)
	if diff := cmp.Diff(slices.Compact(called), granted); diff != "" {
		t.Errorf("permissions (-called +granted):\n%s", diff)
	}
}
