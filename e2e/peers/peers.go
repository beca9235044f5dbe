// Package peers has what the end-to-end tests meet for real: the exporter as a whole, Prometheus, VictoriaMetrics and
// Chromium, each started for one test and stopped with it. Only tests import it. An error fails the test that is given.
// The programs come from the Debian packages that the Makefile lists.
package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for a server, because a machine may be slow or busy.
const patience = time.Minute

// FreeAddress returns an address of this machine on which nobody listens.
func FreeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Start runs a server until the test ends. If the test has failed by then, it shows the output of the server.
func Start(t *testing.T, server *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	server.Stdout, server.Stderr = &out, &out
	server.WaitDelay = 10 * time.Second
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it starts ends with it
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-server.Process.Pid, syscall.SIGINT)
		_ = server.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", server, &out)
		}
	})
}

// Run runs a command and returns what it prints. The test fails if the command does.
func Run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Get returns a page. The test fails if the status is not 200.
func Get(t *testing.T, url string) string {
	t.Helper()
	text, err := get(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Await returns a page as soon as its status is 200 and it has a text.
func Await(t *testing.T, url, text string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		page, err := get(t.Context(), url)
		if err == nil && strings.Contains(page, text) {
			return page
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never has %q: %v\n%s", url, text, err, page)
		}
	}
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, text)
	}
	return string(text), err
}
