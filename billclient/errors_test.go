package billclient

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReasons tests every known code, and statuses with an unknown one.
func TestReasons(t *testing.T) {
	const keys = "; check access_key_id, secret_access_key and this machine's clock"
	tests := []struct {
		status int
		code   string
		reason Reason
		advice string
	}{
		{400, "InvalidParameter", Invalid, "; check api.region and the months asked for"},
		{400, "Forbidden Request", Auth, "; grant bill:GetMonthBill to this key"},
		{500, "Server unavailable", Server, ""},
		{400, "MissingParameter", Invalid, "; check api.region and the months asked for"},
		{403, "InvalidAuthenticationCode", Auth, "; grant bill:GetMonthBill to this key"},
		{400, "AuthFailure", Auth, "; grant bill:GetMonthBill to this key"},
		{403, "MissingAuthenticationToken", Auth, keys},
		{400, "MissingSignature", Auth, keys},
		{400, "MissingAccesskey", Auth, keys},
		{403, "SignatureDoesNotMatch", Auth, keys},
		{400, "InvalidClientTokenId", Auth, keys},
		{404, "INVALID_ACTION", Invalid, "; check that api.endpoint is the billing API's"},
		{400, "INTERNAL_FAILURE", Server, ""},
		{200, "ServiceTimeout", Server, ""},
		{400, "Throttling", Throttled, ""},
		{400, "ThrottlingException", Throttled, ""},
		{503, "RequestLimitExceeded", Throttled, ""},
		{200, "RequestLimitExceeded", Throttled, ""},
		{200, "500", Server, ""},
		{200, "429", Throttled, ""},
		{200, "SomethingNew", Invalid, "; check api.region and the months asked for"},
		{400, "500", Invalid, "; check api.region and the months asked for"},
		{401, "SomethingNew", Auth, keys},
		{
			403, "SomethingNew", Auth,
			"; grant bill:GetMonthBill to this key, or check access_key_id, secret_access_key and this machine's clock",
		},
		{429, "SomethingNew", Throttled, ""},
		{599, "SomethingNew", Server, ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, " ", tt.code), func(t *testing.T) {
			body := fmt.Sprintf(`{"RequestId":"r","Error":{"Code":%q,"Message":"no"}}`, tt.code)
			_, err := newTestClient(t, respondWith(tt.status, "", body)).GetMonthBill(t.Context(), october, october)
			if ReasonOf(err) != tt.reason {
				t.Errorf("reason %s, want %s", ReasonOf(err), tt.reason)
			}
			want := fmt.Sprintf("GetMonthBill: %s (HTTP %d, request id r): no%s", tt.code, tt.status, tt.advice)
			if err.Error() != want {
				t.Errorf("text %q, want %q", err, want)
			}
		})
	}
}

func TestRetryableReasons(t *testing.T) {
	want := []Reason{Throttled, Server, Network, Timeout, Incomplete}
	got := slices.DeleteFunc(Reasons(), func(r Reason) bool { return !r.retryable() })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("retryable reasons (-want +got):\n%s", diff)
	}
}

// TestNoSecrets tests that no error repeats a secret, wherever in its answer the server writes it.
func TestNoSecrets(t *testing.T) {
	const signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	echo := fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/20261022/cn-beijing-6/bill/aws4_request, "+
		"Signature=%s \\n %s \u202e%s", testKeyID, signature, testSecret, strings.Repeat("x", 5000))
	secrets := []string{testKeyID, testSecret, signature, "20261022", "\n", "\u202e"}
	bodies := map[string]string{
		"message":    `{"Error":{"Code":"AuthFailure","Message":"` + echo + `"}}`,
		"code":       `{"Error":{"Code":"` + echo + `"}}`,
		"request id": `{"RequestId":"` + echo + `"}`,
		"text":       strings.ReplaceAll(echo, `\n`, "\n"),
		"html":       "<html>" + echo,
		"amount":     `{"MonthBillSet":[{"BillMonth":"2026-10","Sum":"` + echo + `"}]}`,
		"month":      `{"MonthBillSet":[{"BillMonth":"` + testSecret + `"}]}`,
		"name":       `{"MonthBillSet":[{"` + testSecret + `":x}]}`,
	}
	for name, body := range bodies {
		for _, status := range []int{200, 403} {
			_, err := newTestClient(t, respondWith(status, "", body)).GetMonthBill(t.Context(), october, october)
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			for _, secret := range secrets {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s, HTTP %d: %q in %q", name, status, secret, err)
				}
			}
			if len(err.Error()) > 1000 {
				t.Errorf("%s, HTTP %d: an error of %d bytes", name, status, len(err.Error()))
			}
		}
	}
}

func TestIsUnknownAction(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{&Error{Reason: Invalid, HTTPStatus: 400, Code: "INVALID_ACTION"}, true},
		{&Error{Reason: Invalid, HTTPStatus: 200, Code: "InvalidAction"}, true},
		{fmt.Errorf("x: %w", &Error{Reason: Invalid, HTTPStatus: 404, Code: "NotFound"}), true},
		{&Error{Reason: Invalid, HTTPStatus: 404}, false}, // of a gateway
		{&Error{Reason: Invalid, HTTPStatus: 400, Code: "InvalidParameter"}, false},
		{&Error{Reason: Auth, HTTPStatus: 404, Code: "Forbidden Request"}, false},
		{&Error{Reason: Server, HTTPStatus: 500}, false},
		{errors.New("INVALID_ACTION"), false},
		{nil, false},
	} {
		if got := IsUnknownAction(tt.err); got != tt.want {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
}
