package billclient

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// emptyPayload is the SHA-256 of the empty body of a GET, which is part of what is signed.
const emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// securityTokenHeader has the token of a temporary key. No page documents it; the vendor's own programs send it, and
// sign it (https://github.com/kingsoftcloud/csi-plugin, pkg/open-api/client.go).
const securityTokenHeader = "X-Ksc-Security-Token"

// signRequest puts an AWS4-HMAC-SHA256 signature into the Authorization header, and the token of a temporary key into
// its own. Headers that are set before are signed as well, and so is the token. Source:
// https://docs.ksyun.com/documents/40309.
func signRequest(req *http.Request, keys Credentials, service, region string, at time.Time) error {
	if keys.SecurityToken != "" {
		req.Header.Set(securityTokenHeader, keys.SecurityToken)
	}
	credentials := aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}
	// A signer caches what it derives from a secret under the id of the key alone, so it would not notice a new
	// secret.
	if err := v4.NewSigner().SignHTTP(req.Context(), credentials, req, emptyPayload, service, region, at); err != nil {
		return classify(Invalid, "signature: %w", err)
	}
	return nil
}

// setUnsignedHeaders sets the headers that must not be signed, because a proxy may change them.
func setUnsignedHeaders(h http.Header, userAgent string) {
	h.Set("Accept", "application/json") // without it the API answers in XML
	h.Set("Accept-Encoding", "gzip")
	if userAgent != "" {
		h.Set("User-Agent", userAgent)
	}
}
