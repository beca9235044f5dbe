//go:build e2e

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A real Prometheus scrapes the demo, and every query of both READMEs returns numbers.
func TestReadmeQueries(t *testing.T) {
	r := launch(t, "--demo")
	for _, account := range demoNames {
		r.waitForLines(account)
	}
	p := startPrometheus(t, strings.TrimPrefix(r.url, "http://"))
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		queries := promqlBlock.FindAllStringSubmatch(string(text), -1)
		if len(queries) == 0 {
			t.Errorf("%s has no query", file)
		}
		for _, query := range queries {
			if samples := p.query(t, query[1]); samples == 0 {
				t.Errorf("%s: no sample from\n%s", file, query[1])
			}
		}
	}
	// Prometheus asks for OpenMetrics and gzip: what it stored is the whole answer.
	if got := p.query(t, `up{job="ksyun_bill"} == 1`); got != 1 {
		t.Error("Prometheus cannot read the exporter")
	}
	samples := fmt.Sprintf(`scrape_samples_scraped > %d`, strings.Count(body(t, r.url+"/metrics"), "} ")/2)
	if got := p.query(t, samples); got != 1 {
		t.Errorf("Prometheus read only a part: no %s", samples)
	}
}

var promqlBlock = regexp.MustCompile("(?s)```promql\n(.*?)```")

// promtool finds nothing to say about what the exporter exposes.
func TestPromtoolIsSilent(t *testing.T) {
	_, config := simulate(t, sampleLine)
	r := launch(t, "--config.file="+config)
	r.waitForLines("main")
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = strings.NewReader(body(t, r.url+"/metrics"))
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// The image's only program runs as the image's user, and shows the demo.
func TestImage(t *testing.T) {
	dir := t.TempDir()
	command(t, "make", "image", "IMAGE=ksyun_bill_exporter:test")
	command(t, "buildah", "--storage-driver", "vfs", "push", "ksyun_bill_exporter:test", "oci:"+dir+"/image:test")
	command(t, "umoci", "unpack", "--rootless", "--image", dir+"/image:test", dir+"/bundle")
	var bundle struct {
		Process struct {
			User struct{ UID, GID int }
			Args []string
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "bundle", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
		t.Fatal(err)
	}
	if user := bundle.Process.User; user.UID != 65534 || user.GID != 65534 {
		t.Errorf("the image runs as %d:%d", user.UID, user.GID)
	}
	root := filepath.Join(dir, "bundle", "rootfs")
	if _, err := os.Stat(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); err != nil {
		t.Error(err)
	}
	address := freeAddress(t)
	program := exec.CommandContext(t.Context(), "chroot", append([]string{"--userspec=65534:65534", root},
		append(bundle.Process.Args, "--demo", "--web.listen-address="+address)...)...)
	start(t, program)
	waitFor(t, "http://"+address+"/-/ready")
	page := body(t, "http://"+address+"/metrics")
	if !strings.Contains(page, `ksyun_bill_account_info{account="game",`) {
		t.Errorf("the image's /metrics:\n%s", page)
	}
}

// realPrometheus is one that scrapes one target.
type realPrometheus struct{ url string }

func startPrometheus(t *testing.T, target string) realPrometheus {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	write(t, filepath.Join(dir, "prometheus.yml"), `
global: {scrape_interval: 1s}
scrape_configs: [{job_name: ksyun_bill, static_configs: [{targets: ["`+target+`"]}]}]
`)
	start(t, exec.CommandContext(t.Context(), "prometheus", "--config.file="+dir+"/prometheus.yml",
		"--storage.tsdb.path="+dir+"/data", "--web.listen-address="+address))
	p := realPrometheus{"http://" + address}
	waitFor(t, p.url+"/-/ready")
	for deadline := time.Now().Add(time.Minute); p.query(t, "up == 1") == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Prometheus has not scraped the exporter")
		}
	}
	return p
}

// query returns how many samples a query finds.
func (p realPrometheus) query(t *testing.T, query string) int {
	t.Helper()
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	text := body(t, p.url+"/api/v1/query?query="+url.QueryEscape(query))
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Status != "success" {
		t.Fatalf("query %s: %v %s", query, err, text)
	}
	return len(answer.Data.Result)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start runs a server until the test ends.
func start(t *testing.T, server *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
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
			t.Logf("%s:\n%s", server, &out)
		}
	})
}

func waitFor(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := fetch(t.Context(), url); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func body(t *testing.T, url string) string {
	t.Helper()
	text, err := fetch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return text
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

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
