package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// Account is one entry of accounts. Each half of its key is either in the file or in a file of its own, and the token
// of a temporary key, which changes every few hours, is in one.
type Account struct {
	Name                string `yaml:"name"`
	AccessKeyID         string `yaml:"access_key_id"`
	AccessKeyIDFile     string `yaml:"access_key_id_file"`
	SecretAccessKey     Secret `yaml:"secret_access_key"`
	SecretAccessKeyFile string `yaml:"secret_access_key_file"`
	SecurityTokenFile   string `yaml:"security_token_file"` // of a temporary key; empty: it is none
	CustomerID          string `yaml:"customer_id"`
}

// Secret is a text that the verbs of package fmt do not show.
type Secret string

// String returns a word in place of the secret.
func (Secret) String() string { return "<secret>" }

// GoString returns what String returns.
func (Secret) GoString() string { return "<secret>" }

// credentials returns the key of the account. It reads key files each time, so that a rotated key needs no restart. It
// gives up after ten seconds, or when ctx has ended.
func (a Account) credentials(ctx context.Context) (billclient.Credentials, error) {
	ctx, cancel := withFileTimeout(ctx)
	defer cancel()
	id, err := readKey(ctx, a.AccessKeyID, a.AccessKeyIDFile)
	if err != nil {
		return billclient.Credentials{}, fmt.Errorf("access_key_id_file: %w", err)
	}
	secret, err := readKey(ctx, string(a.SecretAccessKey), a.SecretAccessKeyFile)
	if err != nil {
		return billclient.Credentials{}, fmt.Errorf("secret_access_key_file: %w", err)
	}
	key := billclient.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	if a.SecurityTokenFile == "" {
		return key, nil
	}
	if key.SecurityToken, err = readKey(ctx, "", a.SecurityTokenFile); err != nil {
		return billclient.Credentials{}, fmt.Errorf("security_token_file: %w", err)
	}
	return key, nil
}

// keySource returns a text that is the same for two accounts only if they have their keys from the same place. It does
// not show a key.
func (a Account) keySource() string {
	sum := sha256.Sum256([]byte(a.AccessKeyID + "\n" + string(a.SecretAccessKey)))
	source := fmt.Sprintf("%x %s %s", sum, a.AccessKeyIDFile, a.SecretAccessKeyFile)
	if a.SecurityTokenFile != "" {
		source += " " + a.SecurityTokenFile
	}
	return source
}

// readKey returns the value, or what is in the file if it is given.
func readKey(ctx context.Context, value, file string) (string, error) {
	if file == "" {
		return trimKey(value)
	}
	text, err := readFile(ctx, file)
	if err != nil {
		return "", err
	}
	if value, err = trimKey(string(text)); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return value, nil
}

// trimKey returns a key without the blanks and the newline around it.
func trimKey(text string) (string, error) {
	key := strings.TrimSpace(text)
	switch {
	case variable.MatchString(key):
		return "", errVariable
	case key == "":
		return "", errors.New("is empty")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", errors.New("has something else than letters, digits and signs in it")
	default:
		return key, nil
	}
}
