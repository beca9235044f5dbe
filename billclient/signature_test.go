package billclient

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSignatureVector tests the case get-vanilla of the test suite that was published with Signature Version 4.
func TestSignatureVector(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := Credentials{
		AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	}
	at := time.Date(2015, time.August, 30, 12, 36, 0, 0, time.UTC)
	if err := signRequest(req, keys, "service", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	setUnsignedHeaders(req.Header, DefaultOptions().UserAgent)
	want := http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"gzip"},
		"User-Agent":      {"ksyun_bill_exporter"},
		"X-Amz-Date":      {"20150830T123600Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
			"SignedHeaders=host;x-amz-date, " +
			"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	}
	if diff := cmp.Diff(want, req.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// TestReplacedSecret tests that a new secret is used at once, also where the id of the key stays the same.
func TestReplacedSecret(t *testing.T) {
	var signatures []string
	runConversation(t, Options{}, func(t *testing.T, c *conversation) {
		for _, secret := range []string{"old", "new"} {
			c.options.Credentials = keysOf(Credentials{AccessKeyID: testKeyID, SecretAccessKey: secret})
			if err := c.askMonthBill(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}, func(w http.ResponseWriter, r *http.Request) {
		signatures = append(signatures, r.Header.Get("Authorization"))
		respondWith(200, "", noBill)(w, r)
	})
	if len(signatures) != 2 || signatures[0] == signatures[1] {
		t.Errorf("signatures %q", signatures)
	}
}

// TestSecurityToken tests that the token of a temporary key is sent and signed, and nothing in its place without one.
func TestSecurityToken(t *testing.T) {
	for token, signedHeaders := range map[string]string{
		"":        "SignedHeaders=host;x-amz-date,",
		testToken: "SignedHeaders=host;x-amz-date;x-ksc-security-token,",
	} {
		var header http.Header
		c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
			header = r.Header
			respondWith(200, "", noBill)(w, r)
		})
		c.options.Credentials = keysOf(Credentials{testKeyID, testSecret, token})
		if _, err := c.GetMonthBill(t.Context(), october, october); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(header.Values("X-Ksc-Security-Token"), "|"); got != token {
			t.Errorf("token %q, want %q", got, token)
		}
		if got := header.Get("Authorization"); !strings.Contains(got, signedHeaders) {
			t.Errorf("Authorization %q, want %s", got, signedHeaders)
		}
	}
}

// TestExpiredToken tests that a token that has expired is not tried again, wherever the answer says so.
func TestExpiredToken(t *testing.T) {
	const advice = "; replace the security token of this key, which has expired"
	for body, text := range map[string]string{
		`{"Error":{"Code":"SecurityTokenExpired","Message":"no"}}`:                ": no",
		`{"Error":{"Code":"InvalidParameter","Message":"securitytokenexpired!"}}`: ": securitytokenexpired!",
		`{"status":400,"error":"SecurityTokenExpired","ok":false}`:                "",
		"SecurityTokenExpired. Try":                                               ": SecurityTokenExpired. Try",
	} {
		runConversation(t, Options{MaxRetries: 3}, func(t *testing.T, c *conversation) {
			err := c.askMonthBill(t.Context())
			text = "GetMonthBill: SecurityTokenExpired (HTTP 400)" + text + advice
			if ReasonOf(err) != Auth || IsDenied(err) || err.Error() != text || len(c.calls) != 1 {
				t.Errorf("%s after %d calls: %v, want %s", ReasonOf(err), len(c.calls), err, text)
			}
		}, respondWith(400, "", body))
	}
}
