package billclient

import (
	"context"
	"fmt"
	"io"
)

// Credentials are a key of an account. Printed, they show only the access key id.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	// SecurityToken belongs to a temporary key (AssumeRole of the vendor's service sts), and is empty for any other.
	SecurityToken string
}

// String returns the access key id and a placeholder for the secret.
func (c Credentials) String() string { return "key " + c.AccessKeyID + " <secret>" }

// GoString returns what String returns.
func (c Credentials) GoString() string { return c.String() }

// Format prints what String returns, for every verb.
func (c Credentials) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// MarshalText returns what String returns.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// readCredentials returns the credentials that Options.Credentials has at the moment.
func readCredentials(ctx context.Context, source func(context.Context) (Credentials, error)) (Credentials, error) {
	if source == nil {
		return Credentials{}, classify(Auth, "no credentials")
	}
	keys, err := source(ctx)
	if err != nil {
		return Credentials{}, classify(Auth, "credentials: %w", err)
	}
	if keys.AccessKeyID == "" || keys.SecretAccessKey == "" {
		return Credentials{}, classify(Auth, "credentials: access_key_id or secret_access_key is empty")
	}
	return keys, nil
}
