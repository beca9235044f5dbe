package main

import (
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
)

func noEnvironment(string) string { return "" }

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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

// noon is noon in Beijing on a day on which last month has been billed.
var noon = time.Date(2026, time.November, 22, 4, 0, 0, 0, time.UTC)

var requestID = regexp.MustCompile(`b1115100-0000-4000-8000-[0-9a-f]{12}`)

const (
	oneAccount  = "accounts: [{name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}]\n"
	twoAccounts = "accounts:\n" +
		"  - {name: main, access_key_id: AKLTMAIN, secret_access_key: s3cret-main}\n" +
		"  - {name: 商城, access_key_id: AKLTSHOP, secret_access_key: s3cret-shop}\n"
)

// What hands signals out is to be no part of a bubble: it never ends.
func init() { signal.Notify(make(chan os.Signal, 1), syscall.SIGWINCH) }
