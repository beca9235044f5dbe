package main

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

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

// What hands signals out is to be no part of a bubble: it never ends.
func init() { signal.Notify(make(chan os.Signal, 1), syscall.SIGWINCH) }
