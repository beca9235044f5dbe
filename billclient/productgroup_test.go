package billclient

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProductGroups tests answers that are unusual and valid.
func TestProductGroups(t *testing.T) {
	const body = `{"Success":true,"Data":[{"id":4.1E1,"code":"VM_GROUP","name":null,"enName":"KEC"},` +
		`{"ID":"42","CODE":"KBaaS","ORDER":[1]}]}`
	got, err := newUnionClient(t, respondWith(200, "", body)).ListProductGroups(t.Context())
	want := []ProductGroup{{"41", "VM_GROUP", "KEC"}, {"42", "KBaaS", ""}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, groups (-want +got):\n%s", err, diff)
	}
}

func TestBadProductGroups(t *testing.T) {
	for group, text := range map[string]string{
		`{"Code":"X"}`:                   "Data 2: Id: missing",
		`{"Id":"7","Code":null}`:         "Data 2: Code: missing",
		`{"Id":"41.0","Code":"X"}`:       `Data 2: Id "41": twice in one answer`,
		`{"Id":[1],"Code":"X"}`:          "Data 2: Id: an object or a list in place of a text",
		`{"Id":1,"Code":"X","code":"Y"}`: "Data 2: Code: twice in one object",
	} {
		body := `{"Data":[{"Id":41,"Code":"VM_GROUP"},` + group + `]}`
		got, err := newUnionClient(t, respondWith(200, "", body)).ListProductGroups(t.Context())
		checkError(t, err, Decode, text)
		if got != nil {
			t.Errorf("%v in spite of the error", got)
		}
	}
}
