package main

import (
	"context"
	"io"
	"os"
	"regexp"
	"testing"

	"ksyun_bill_exporter/e2e/peers"
)

// launch starts the program in this process and waits until it listens. It ends with the test.
func launch(t *testing.T, args ...string) *peers.Exporter {
	t.Helper()
	return peers.Launch(t, func(args []string, log io.Writer) (stop func() int) {
		ctx, cancel := context.WithCancel(t.Context())
		code := make(chan int, 1)
		go func() { code <- run(ctx, args, noEnvironment, io.Discard, log) }()
		return func() int {
			cancel()
			return <-code
		}
	}, args...)
}

func noEnvironment(string) string { return "" }

// logTime matches the time of each line of a log.
var logTime = regexp.MustCompile(`(?m)^ts=\S+ `)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
