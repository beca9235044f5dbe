package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ksyun_bill_exporter/billclient"
)

// goodFile is a configuration that a test spoils or adds to.
const goodFile = `accounts:
  - name: main
    access_key_id: AKLT
    secret_access_key: s3cret
`

func noEnvironment(string) string { return "" }

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// loadingError returns the error of a file with this text, which is called FILE in it.
func loadingError(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, text)
	_, err := Load(file, noEnvironment)
	if err == nil {
		t.Fatal("no error")
	}
	return strings.ReplaceAll(err.Error(), file, "FILE")
}

func amount(t *testing.T, text string) billclient.Amount {
	t.Helper()
	a, err := billclient.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
