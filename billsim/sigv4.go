package billsim

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	scopeEnd   = "aws4_request"
	stampForm  = "20060102T150405Z"
	maxSkew    = 15 * time.Minute // that of AWS; Kingsoft documents none
	maxRequest = 1 << 20          // bytes of a request's body that count
)

// signature is what the Authorization header of a request says of its signer. It is not yet checked.
type signature struct {
	accessKeyID string
	scope       []string // date, region, service, aws4_request
	stamp       string   // when it was signed
	headers     []string // names of the signed headers
	hex         string
}

func (g *signature) region() string  { return g.scopePart(1) }
func (g *signature) service() string { return g.scopePart(2) }

// scopePart returns part n of the scope, empty if the scope is too short.
func (g *signature) scopePart(n int) string {
	if len(g.scope) <= n {
		return ""
	}
	return g.scope[n]
}

// readSignature reads the Authorization header, as the vendor's SDKs send it. The form of the vendor's pages for GET,
// with the signature in the query, is not accepted, nor is the header Date instead of X-Amz-Date.
func readSignature(r *http.Request) (signature, *refusal) {
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		message := "Request is missing a signature."
		return signature{}, &refusal{http.StatusForbidden, "MissingAuthenticationToken", message}
	}
	rest, ok := strings.CutPrefix(authorization, algorithm+" ")
	if !ok {
		return signature{}, badSignature("Authorization is not %s", algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	return newSignature(parts["Credential"], r.Header.Get("X-Amz-Date"), parts["SignedHeaders"], parts["Signature"])
}

func newSignature(credential, stamp, headers, sum string) (signature, *refusal) {
	key, scope, _ := strings.Cut(credential, "/")
	g := signature{
		accessKeyID: key,
		scope:       strings.Split(scope, "/"),
		stamp:       stamp,
		headers:     strings.Split(headers, ";"),
		hex:         sum,
	}
	switch {
	case key == "" || len(g.scope) != 4:
		return g, badSignature("credential %q", credential)
	case stamp == "":
		return g, badSignature("no X-Amz-Date")
	case sum == "":
		return g, badSignature("no Signature")
	}
	return g, nil
}

// check returns nil if r was signed with secret for service, and not long before or after now.
func (g *signature) check(r *http.Request, secret, service string, now time.Time) *refusal {
	if err := g.checkScope(service, now); err != nil {
		return err
	}
	if err := g.checkHeaders(r); err != nil {
		return err
	}
	payload, err := payloadHash(r)
	if err != nil {
		return badSignature("payload: %v", err)
	}
	want := g.sign(secret, g.canonicalRequest(r, payload))
	if !hmac.Equal([]byte(want), []byte(g.hex)) {
		return mismatch("The request signature we calculated does not match the signature you provided.")
	}
	return nil
}

func (g *signature) checkScope(service string, now time.Time) *refusal {
	signed, err := time.Parse(stampForm, g.stamp)
	switch skew := now.Sub(signed); {
	case err != nil:
		return badSignature("date %q", g.stamp)
	case skew > maxSkew || skew < -maxSkew:
		return mismatch("Signature is not current: signed %s, now %s.", g.stamp, now.UTC().Format(stampForm))
	case g.scope[0] != g.stamp[:8]:
		return mismatch("Credential date %s is not the request's %s.", g.scope[0], g.stamp[:8])
	case g.scope[1] == "": // whether the vendor holds the region against a list is unknown
		return mismatch("Credential without a region.")
	case g.scope[2] != service:
		return mismatch("Credential is for service %q, not %q.", g.scope[2], service)
	case g.scope[3] != scopeEnd:
		return mismatch("Credential does not end in %s.", scopeEnd)
	}
	return nil
}

// checkHeaders requires what AWS does: the names are in lower case, sorted and in the request; host and every X-Amz
// header are among them.
func (g *signature) checkHeaders(r *http.Request) *refusal {
	if !slices.IsSorted(g.headers) {
		return mismatch("SignedHeaders are not sorted.")
	}
	if !slices.Contains(g.headers, "host") {
		return mismatch("Host is not signed.")
	}
	for _, name := range g.headers {
		if name != "host" && (name != strings.ToLower(name) || r.Header.Values(name) == nil) {
			return mismatch("Signed header %q is not in the request.", name)
		}
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(g.headers, lower) {
			return mismatch("Header %s is not signed.", lower)
		}
	}
	return nil
}

// payloadHash returns the SHA-256 of the body. A header that says another one is an error.
func payloadHash(r *http.Request) (string, error) {
	h := sha256.New()
	if r.Body != nil {
		if _, err := io.Copy(h, io.LimitReader(r.Body, maxRequest)); err != nil {
			return "", err
		}
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if said := r.Header.Get("X-Amz-Content-Sha256"); said != "" && said != sum {
		return "", fmt.Errorf("x-amz-content-sha256 is not %s", sum)
	}
	return sum, nil
}

// canonicalRequest returns the canonical request of AWS Signature Version 4.
func (g *signature) canonicalRequest(r *http.Request, payload string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + canonicalPath(r.URL) + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range g.headers {
		values := r.Header.Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		b.WriteString(name + ":" + canonicalValue(values) + "\n")
	}
	b.WriteString("\n" + strings.Join(g.headers, ";") + "\n" + payload)
	return b.String()
}

// canonicalPath encodes the path, which is encoded already, once more, as AWS does for all services but S3.
func canonicalPath(u *url.URL) string {
	segments := strings.Split(cmp.Or(u.EscapedPath(), "/"), "/")
	for i, s := range segments {
		segments[i] = percentEncode(s)
	}
	return strings.Join(segments, "/")
}

// canonicalQuery sorts by encoded name, then by encoded value. Sorted after joining, "=" would count as a letter of the
// name.
func canonicalQuery(query url.Values) string {
	var pairs [][2]string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, [2]string{percentEncode(name), percentEncode(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	joined := make([]string, len(pairs))
	for i, pair := range pairs {
		joined[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(joined, "&")
}

// canonicalValue joins the values of a header and replaces runs of spaces by one.
func canonicalValue(values []string) string {
	trimmed := make([]string, len(values))
	for i, value := range values {
		trimmed[i] = strings.Join(strings.Fields(value), " ")
	}
	return strings.Join(trimmed, ",")
}

// percentEncode encodes all bytes but the unreserved characters of RFC 3986.
func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// sign returns the signature of a canonical request with secret.
func (g *signature) sign(secret, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, g.stamp, strings.Join(g.scope, "/"), hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range g.scope {
		key = hmacSHA256(key, part)
	}
	return hex.EncodeToString(hmacSHA256(key, text))
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// badSignature and mismatch return errors with codes of AWS: those of the vendor are not known.
func badSignature(format string, args ...any) *refusal {
	message := "Signature cannot be read: " + fmt.Sprintf(format, args...) + "."
	return &refusal{http.StatusBadRequest, "IncompleteSignature", message}
}

func mismatch(format string, args ...any) *refusal {
	return &refusal{http.StatusForbidden, "SignatureDoesNotMatch", fmt.Sprintf(format, args...)}
}
