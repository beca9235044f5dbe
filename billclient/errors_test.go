package billclient

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReasons tests every known code, and statuses with an unknown one.
func TestReasons(t *testing.T) {
	const (
		keys  = "; check access_key_id, secret_access_key and this machine's clock"
		token = "; replace the security token of this key, which has expired"
	)
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
		{400, "RequestExpired", Auth, keys},
		{400, "RequestTimeTooSkewed", Auth, keys},
		{400, "InvalidSignature", Auth, keys},
		{400, "InvalidSignatureException", Auth, keys},
		{400, "IncompleteSignature", Auth, keys},
		{400, "SignatureMismatch", Auth, keys},
		{400, "SignatureDoesNotMatch", Auth, keys},
		{400, "InvalidAccessKey", Auth, keys},
		{400, "InvalidAccessKeyId.NotFound", Auth, keys},
		{200, "MissingSecretKey", Auth, keys},
		{400, "SecurityTokenExpired", Auth, token},
		{400, "InvalidSecurityToken", Auth, keys},
		{400, "ExpiredToken", Auth, token},
		{400, "AccessDenied", Auth, "; grant bill:GetMonthBill to this key"},
		{400, "AccessDeniedException", Auth, "; grant bill:GetMonthBill to this key"},
		{400, "Unauthorized", Auth, "; grant bill:GetMonthBill to this key"},
		{403, "UnauthorizedOperation", Auth, "; grant bill:GetMonthBill to this key"},
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
		"Signature=%s \\n %s \u202e%s", testKeyID, signature, testSecret, testToken+strings.Repeat("x", 5000))
	secrets := []string{testToken, testKeyID, testSecret, signature, "20261022", "\n", "\u202e"}
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
			c := newTestClient(t, respondWith(status, "", body))
			c.options.Credentials = keysOf(Credentials{testKeyID, testSecret, testToken})
			_, err := c.GetMonthBill(t.Context(), october, october)
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

// TestClockSkew tests that an answer that refuses a call names this machine's clock as the cause, if it is off.
func TestClockSkew(t *testing.T) {
	const keys = "check access_key_id, secret_access_key and this machine's clock"
	minutes := func(n time.Duration) time.Duration { return n * time.Minute }
	for name, tt := range map[string]struct {
		status int
		code   string
		date   time.Duration // after the machine's clock; 0: no such header
		skew   time.Duration // that the error has
		advice string
	}{
		"no date":   {400, "RequestExpired", 0, 0, keys},
		"in time":   {400, "RequestExpired", minutes(-5), 0, keys},
		"in time 2": {400, "RequestExpired", minutes(5), 0, keys},
		"ahead": {
			400, "RequestExpired", minutes(-6), minutes(6),
			"set this machine's clock: it is 6m0s ahead of the API's",
		},
		"behind": {
			403, "SignatureDoesNotMatch", minutes(60*24) + 5*time.Second, -minutes(60*24) - 5*time.Second,
			"set this machine's clock: it is 24h0m5s behind the API's",
		},
		"an unknown code under 403": {
			403, "SomethingNew", minutes(6), -minutes(6), "set this machine's clock: it is 6m0s behind the API's",
		},
		"a right that is missing": {
			400, "AccessDenied", minutes(6), -minutes(6),
			"grant bill:GetMonthBill to this key, and set this machine's clock: it is 6m0s behind the API's",
		},
		"an unknown code under 400": {
			400, "SomethingNew", minutes(6), -minutes(6),
			"check api.region and the months asked for, and set this machine's clock: it is 6m0s behind the API's",
		},
		"a server that fails": {500, "Server unavailable", minutes(6), -minutes(6), ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := respondWith(tt.status, "", fmt.Sprintf(`{"Error":{"Code":%q,"Message":"no"}}`, tt.code))
			runConversation(t, Options{}, func(t *testing.T, c *conversation) {
				err := c.askMonthBill(t.Context())
				if e, ok := errors.AsType[*Error](err); !ok || e.ClockSkew != tt.skew {
					t.Errorf("error %#v, want a clock skew of %v", err, tt.skew)
				}
				want := fmt.Sprintf("GetMonthBill: %s (HTTP %d): no", tt.code, tt.status)
				if tt.advice != "" {
					want += "; " + tt.advice
				}
				if err.Error() != want {
					t.Errorf("text %q, want %q", err, want)
				}
			}, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				if tt.date != 0 {
					w.Header().Set("Date", time.Now().Add(tt.date).UTC().Format(http.TimeFormat))
				}
				answer(w, r)
			})
		})
	}
}
