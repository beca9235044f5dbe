package billclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestCredentialsNeverPrinted(t *testing.T) {
	keys, _ := testKeys(t.Context())
	keys.SecurityToken = testToken
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{keys, &keys, []Credentials{keys}, struct{ Keys Credentials }{keys}} {
			got := fmt.Sprintf(verb, value)
			hasSecret := strings.Contains(got, testSecret) || strings.Contains(got, testToken)
			if hasSecret || !strings.Contains(got, "<secret>") {
				t.Errorf("%s of %T: %s", verb, value, got)
			}
		}
	}
	text, err := keys.MarshalText()
	if want := "key " + testKeyID + " <secret>"; err != nil || string(text) != want {
		t.Errorf("MarshalText: %s, %v, want %s", text, err, want)
	}
}

func TestBadCredentials(t *testing.T) {
	missing := errors.New("open key: no such file")
	for name, tt := range map[string]struct {
		keys func(context.Context) (Credentials, error)
		text string
	}{
		"none": {nil, "GetMonthBill: no credentials"},
		"failing": {
			func(context.Context) (Credentials, error) { return Credentials{}, missing },
			"GetMonthBill: credentials: open key: no such file",
		},
		"empty": {
			func(context.Context) (Credentials, error) { return Credentials{}, nil },
			"GetMonthBill: credentials: access_key_id or secret_access_key is empty",
		},
		"no secret": {
			keysOf(Credentials{AccessKeyID: "a"}),
			"GetMonthBill: credentials: access_key_id or secret_access_key is empty",
		},
	} {
		c := New(Options{Endpoint: "http://127.0.0.1:1", Credentials: tt.keys})
		_, err := c.GetMonthBill(t.Context(), october, october)
		if ReasonOf(err) != Auth || err.Error() != tt.text {
			t.Errorf("%s: %s: %v, want %s", name, ReasonOf(err), err, tt.text)
		}
		if name == "failing" && !errors.Is(err, missing) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}
