package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A key file without a key is no mistake for Load, because only its account has to wait for one, but it is one for
// LoadWithKeys.
func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, text, want string }{
		{"nowhere", "", "open DIR/nowhere: no such file or directory"},
		{"empty", " \n", "DIR/empty: is empty"},
		{"two", "AKLT1\nAKLT2\n", "DIR/two: has something else than letters, digits and signs in it"},
		{"template", "${KEY}\n", "DIR/template: has ${...} in it, and no variable takes its place"},
		{"good", "AKLT1\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.text != "" {
				write(t, filepath.Join(dir, c.name), c.text)
			}
			file := filepath.Join(dir, "config.yaml")
			write(t, file, "accounts:\n  - name: a\n    access_key_id: b\n    secret_access_key_file: "+
				filepath.Join(dir, c.name))
			config, err := Load(file, noEnvironment)
			if err != nil {
				t.Error(err)
			}
			_, err = config.Options("").Accounts[0].API.Credentials(t.Context())
			_, strictErr := LoadWithKeys(file, noEnvironment)
			want, wantStrict := "", ""
			if c.want != "" {
				want = "secret_access_key_file: " + c.want
				wantStrict = "DIR/config.yaml:4: accounts[0]." + want
			}
			if got := strings.ReplaceAll(errorText(err), dir, "DIR"); got != want {
				t.Errorf("credentials: %s, want %s", got, want)
			}
			if got := strings.ReplaceAll(errorText(strictErr), dir, "DIR"); got != wantStrict {
				t.Errorf("with keys: %s, want %s", got, wantStrict)
			}
		})
	}
}

// A token file is one of the key files.
func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	write(t, file, "accounts:\n  - name: a\n    access_key_id: b\n    secret_access_key: c\n    security_token_file: "+
		filepath.Join(dir, "token"))
	config, err := Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.Options("").Accounts[0].API.Credentials(t.Context())
	_, strictErr := LoadWithKeys(file, noEnvironment)
	const want = "security_token_file: open DIR/token: no such file or directory"
	if got := strings.ReplaceAll(errorText(err), dir, "DIR"); got != want {
		t.Errorf("credentials: %s, want %s", got, want)
	}
	if got := strings.ReplaceAll(errorText(strictErr), dir, "DIR"); got != "DIR/config.yaml:5: accounts[0]."+want {
		t.Errorf("with keys: %s", got)
	}
	other := config.Accounts[0]
	other.SecurityTokenFile = ""
	if other.keySource() == config.Accounts[0].keySource() {
		t.Error("with and without a token, the key is from the same place")
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	config := Default()
	config.Accounts = []Account{{SecretAccessKey: "s3cret"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, config); strings.Contains(text, "s3cret") {
			t.Errorf("%s prints the secret", verb)
		}
	}
}
