package billclient

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBadProductCodes(t *testing.T) {
	for body, text := range map[string]string{
		`{"ProductCodeSet":[{"Key":"KEC","Value":"x"},{"Value":"y"}]}`: "ProductCodeSet 2: Key: missing",
		`{"ProductCodeSet":["KEC"]}`:                                   "ProductCodeSet 1: Key: missing",
	} {
		_, err := newTestClient(t, respondWith(200, "", body)).GetProductCode(t.Context())
		checkError(t, err, Decode, text)
	}
}

func TestProductCodeSamples(t *testing.T) {
	want := []ProductCode{{"EBS", "云硬盘(EBS)"}, {"EIP", "弹性IP(EIP)"}}
	for file, contentType := range sampleTypes("product_code") {
		got, err := newTestClient(t, respondWith(200, contentType, readTestdata(t, file))).GetProductCode(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}
