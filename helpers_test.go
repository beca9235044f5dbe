package main

import (
	"context"
	"io"
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"

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

// makeFIFO makes a FIFO that nobody writes to, so that a read of it hangs until the test ends.
func makeFIFO(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if writer, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil { // else nobody reads it
			_ = writer.Close()
		}
	})
}

// awaitReader returns as soon as somebody reads a FIFO, and keeps that read waiting until the test ends.
func awaitReader(t *testing.T, name string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		writer, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			t.Cleanup(func() { _ = writer.Close() })
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
