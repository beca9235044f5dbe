//go:build e2e

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
)

// startAPI serves the demo's bills as on the middle of this month, so that the tests see the same on the 1st as on any
// other day.
func startAPI(t *testing.T) string {
	t.Helper()
	beijing := time.Now().In(time.FixedZone("UTC+8", 8*60*60))
	middle := time.Date(beijing.Year(), beijing.Month(), 15, 12, 0, 0, 0, beijing.Location())
	server := httptest.NewServer(billsim.New(billsim.Demo(func() time.Time { return middle })))
	t.Cleanup(server.Close)
	return server.URL
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// start runs a server until the test ends.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	server := exec.CommandContext(t.Context(), name, args...)
	server.Stdout, server.Stderr = &out, &out
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	server.WaitDelay = 10 * time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Cancel()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, &out)
		}
	})
}

// waitFor returns once a page has the wanted text.
func waitFor(t *testing.T, url, want string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		page, err := fetch(t.Context(), url)
		if err == nil && strings.Contains(page, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never has %s: %v\n%s", url, want, err, page)
		}
	}
}

func fetch(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, text)
	}
	return string(text), err
}
