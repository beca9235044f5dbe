package billsim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestPublishedVector checks get-vanilla of AWS' Signature Version 4 test suite.
func TestPublishedVector(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Host = "example.amazonaws.com"
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "+
		"SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
	g, err := readSignature(r)
	if err != nil {
		t.Fatal(err)
	}
	if g.accessKeyID != "AKIDEXAMPLE" || g.region() != "us-east-1" {
		t.Errorf("key %q, region %q", g.accessKeyID, g.region())
	}
	now := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	if err := g.check(r, secret, "service", now); err != nil {
		t.Error(err)
	}
	if err := g.check(r, secret+"x", "service", now); err == nil {
		t.Error("another secret is as good")
	}
}

func TestCanonicalQuery(t *testing.T) {
	const target = "/?b=2&a=%E6%9C%88+1&a-=~x*&a=%2B/&c"
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	const want = "a=%2B%2F&a=%E6%9C%88%201&a-=~x%2A&b=2&c="
	if got := canonicalQuery(r.URL.Query()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSignatures changes one thing at a time in a signed call.
func TestSignatures(t *testing.T) {
	header := func(change func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			signHeader(r, "AKSAMPLE", "secret", noon)
			change(r)
		}
	}
	edit := func(old, with string) func(*http.Request) {
		return header(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
		})
	}
	const wrong = "SignatureDoesNotMatch: " +
		"The request signature we calculated does not match the signature you provided."
	tests := []struct {
		name string
		sign func(*http.Request)
		want string // empty: accepted
	}{
		{"header", header(func(*http.Request) {}), ""},
		{"15 minutes", func(r *http.Request) { signHeader(r, "AKSAMPLE", "secret", noon.Add(-15*time.Minute)) }, ""},
		{"another region", func(r *http.Request) { signRegion(r, "cn-shanghai-3") }, ""},

		{
			"signed in the query", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=00" },
			"MissingAuthenticationToken: Request is missing a signature.",
		},
		{"unsigned", func(*http.Request) {}, "MissingAuthenticationToken: Request is missing a signature."},
		{
			"unknown key", func(r *http.Request) { signHeader(r, "AKOTHER", "secret", noon) },
			"InvalidClientTokenId: The access key is not valid.",
		},
		{"wrong secret", func(r *http.Request) { signHeader(r, "AKSAMPLE", "Secret", noon) }, wrong},
		{"query changed", header(func(r *http.Request) { r.URL.RawQuery += "&ProjectId=0" }), wrong},
		{"path changed", header(func(r *http.Request) { r.URL.Path = "/x" }), wrong},
		{"host changed", header(func(r *http.Request) { r.Host = "bill.api.ksyun.com" }), wrong},
		{
			"too late", func(r *http.Request) { signHeader(r, "AKSAMPLE", "secret", noon.Add(-901*time.Second)) },
			"SignatureDoesNotMatch: Signature is not current: signed 20261117T034459Z, now 20261117T040000Z.",
		},
		{
			"too early", func(r *http.Request) { signHeader(r, "AKSAMPLE", "secret", noon.Add(901*time.Second)) },
			"SignatureDoesNotMatch: Signature is not current: signed 20261117T041501Z, now 20261117T040000Z.",
		},
		{
			"host not signed", edit("SignedHeaders=host;", "SignedHeaders="),
			"SignatureDoesNotMatch: Host is not signed.",
		},
		{
			"unsorted", edit("host;x-amz-date", "x-amz-date;host"),
			"SignatureDoesNotMatch: SignedHeaders are not sorted.",
		},
		{
			"upper case", edit("SignedHeaders=host", "SignedHeaders=Accept;host"),
			`SignatureDoesNotMatch: Signed header "Accept" is not in the request.`,
		},
		{
			"absent header", edit("host;", "host;range;"),
			`SignatureDoesNotMatch: Signed header "range" is not in the request.`,
		},
		{"date not signed", edit("host;x-amz-date", "host"), "SignatureDoesNotMatch: Header x-amz-date is not signed."},
		{
			"scope of another day", edit("/20261117/", "/20261116/"),
			"SignatureDoesNotMatch: Credential date 20261116 is not the request's 20261117.",
		},
		{"no region", edit("/cn-beijing-6/", "//"), "SignatureDoesNotMatch: Credential without a region."},
		{
			"another service", edit("/bill/", "/iam/"),
			`SignatureDoesNotMatch: Credential is for service "iam", not "bill".`,
		},
		{
			"another end", edit("aws4_request", "aws4"),
			"SignatureDoesNotMatch: Credential does not end in aws4_request.",
		},
		{
			"short scope", edit("/bill/aws4_request", ""),
			`IncompleteSignature: Signature cannot be read: credential "AKSAMPLE/20261117/cn-beijing-6".`,
		},
		{"no signature", edit("Signature=", "Seal="), "IncompleteSignature: Signature cannot be read: no Signature."},
		{
			"another algorithm", edit("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
			"IncompleteSignature: Signature cannot be read: Authorization is not AWS4-HMAC-SHA256.",
		},
		{
			"bad date", header(func(r *http.Request) { r.Header.Set("X-Amz-Date", "today") }),
			`IncompleteSignature: Signature cannot be read: date "today".`,
		},
		{
			"no date", header(func(r *http.Request) { r.Header.Del("X-Amz-Date") }),
			"IncompleteSignature: Signature cannot be read: no X-Amz-Date.",
		},
		{
			"Date header", header(func(r *http.Request) {
				r.Header.Del("X-Amz-Date")
				r.Header.Set("Date", noon.Format(http.TimeFormat))
			}),
			"IncompleteSignature: Signature cannot be read: no X-Amz-Date.",
		},
		{"payload hash", func(r *http.Request) { signPayload(r, emptyHash) }, ""},
		{
			"wrong payload hash", func(r *http.Request) { signPayload(r, "00") },
			"IncompleteSignature: Signature cannot be read: payload: x-amz-content-sha256 is not " + emptyHash + ".",
		},
		{
			"payload hash not signed",
			header(func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", emptyHash) }),
			"SignatureDoesNotMatch: Header x-amz-content-sha256 is not signed.",
		},
	}
	_, c := serve(t, sampleAccount(sampleLine()))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := c.request("Action=GetMonthBill&" + monthQuery)
			tt.sign(r)
			resp, err := c.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			status, body := resp.StatusCode, c.read(resp)
			if tt.want == "" {
				if status != http.StatusOK {
					t.Errorf("status %d: %s", status, body)
				}
				return
			}
			if got := errorOf(t, body); got != tt.want || status != signatureStatus(tt.want) {
				t.Errorf("status %d\n got %s\nwant %s", status, got, tt.want)
			}
		})
	}
}

func signatureStatus(want string) int {
	if strings.HasPrefix(want, "IncompleteSignature") {
		return http.StatusBadRequest
	}
	return http.StatusForbidden
}

// signRegion signs for a region that the documentation does not name for this service.
func signRegion(r *http.Request, region string) {
	g := newTestSignature("AKSAMPLE", noon)
	g.scope[1] = region
	g.headers = []string{"host", "x-amz-date"}
	r.Header.Set("X-Amz-Date", g.stamp)
	r.Host = r.URL.Host
	authorize(r, &g, "secret")
}

// signPayload signs the payload's hash in a header, as some SDKs do.
func signPayload(r *http.Request, hash string) {
	g := newTestSignature("AKSAMPLE", noon)
	g.headers = []string{"host", "x-amz-content-sha256", "x-amz-date"}
	r.Header.Set("X-Amz-Date", g.stamp)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	r.Host = r.URL.Host
	authorize(r, &g, "secret")
}
