package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/e2e/peers"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// A new configuration comes into force at a POST and at a SIGHUP. A bad one changes nothing, which the answer and a
// metric say.
func TestReload(t *testing.T) {
	_, config := peers.Simulate(t, peers.SampleLine)
	r := launch(t, "--config.file="+config, "--web.enable-lifecycle")
	r.AwaitLines("main")
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`
	const reloaded = "ksyun_bill_exporter_config_last_reload_successful "
	r.Await("/metrics", reloaded+"1\n")

	write(t, config, string(good)+"days: 36\n")
	if status, body := r.Post("/-/reload"); status != http.StatusInternalServerError ||
		body != "failed to reload config: "+config+":3: days: want 0 to 35\n" {
		t.Errorf("a bad file: %d: %s", status, body)
	}
	if page := r.Await("/metrics", reloaded+"0\n"); !strings.Contains(page, cost) {
		t.Errorf("a bad file has removed the numbers:\n%s", page)
	}

	write(t, config, string(good)+"budgets: [{account: main, monthly: 100}]\n")
	if status, body := r.Post("/-/reload"); status != http.StatusOK || body != "Reloaded.\n" {
		t.Errorf("a good file: %d: %s", status, body)
	}
	page := r.Await("/metrics", `ksyun_bill_account_budget_cny{account="main"} 100`)
	if !strings.Contains(page, cost) || !strings.Contains(page, reloaded+"1\n") {
		t.Errorf("after a reload:\n%s", page)
	}

	write(t, config, string(good)+"budgets: [{account: main, monthly: 200}]\n")
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.Await("/metrics", `ksyun_bill_account_budget_cny{account="main"} 200`)

	write(t, config, string(good)+"state_dir: "+t.TempDir()+"\n")
	const want = "failed to reload config: state_dir: another directory needs a restart\n"
	if _, body := r.Post("/-/reload"); body != want {
		t.Errorf("another state_dir: %s", body)
	}
	if status, _ := r.Get("/-/reload"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
}

// A configuration file whose read hangs changes nothing, and holds up neither scrapes nor the end.
func TestReloadHangs(t *testing.T) {
	t.Parallel()
	_, config := peers.Simulate(t, peers.SampleLine)
	r := launch(t, "--config.file="+config, "--web.enable-lifecycle")
	r.AwaitLines("main")
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	makeFIFO(t, config)
	want := "failed to reload config: --config.file: " + config + ": reading it took longer than 10s\n"
	for range 2 { // the second one fails at once
		var reload sync.WaitGroup
		reload.Go(func() {
			if status, body := r.Post("/-/reload"); status != http.StatusInternalServerError || body != want {
				t.Errorf("%d: %s", status, body)
			}
		})
		start := time.Now()
		if _, page := r.Get("/metrics"); !strings.Contains(page, "ksyun_bill_account_cost_cny{") {
			t.Errorf("no cost in\n%s", page)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("a scrape took %s", took)
		}
		reload.Wait()
	}
	r.Await("/metrics", "ksyun_bill_exporter_config_last_reload_successful 0\n")
	start := time.Now()
	if code := r.Stop(); code != 0 || time.Since(start) > 3*time.Second {
		t.Errorf("exit code %d after %s", code, time.Since(start))
	}
}

// A key file that hangs from the start delays neither the other account nor the listener. The log names the file.
func TestKeyFileHangsFromTheStart(t *testing.T) {
	t.Parallel()
	_, config := peers.Simulate(t, peers.SampleLine)
	key := filepath.Join(t.TempDir(), "key")
	makeFIFO(t, key)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, strings.Replace(string(text), "accounts: [",
		"accounts: [{name: late, access_key_id: OTHER, secret_access_key_file: "+key+"}, ", 1))
	began := time.Now()
	r := launch(t, "--config.file="+config)
	r.AwaitLines("main")
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the other account took %s", took)
	}
	r.Log.Await(t, regexp.MustCompile("secret_access_key_file: "+key+": reading it took longer than "))
	r.Await("/metrics", `ksyun_bill_source_refresh_failures_total{account="late",reason="auth",source="month_bill"}`)
	if code := r.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A state directory that hangs at the start is given up: the exporter goes on in memory.
func TestStateDirectoryHangsAtTheStart(t *testing.T) {
	t.Parallel()
	_, config := peers.Simulate(t, peers.SampleLine)
	dir := t.TempDir()
	makeFIFO(t, filepath.Join(dir, "lock"))
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+"state_dir: "+dir+"\n")
	r := launch(t, "--config.file="+config)
	r.AwaitLines("main")
	r.Await("/metrics", "ksyun_bill_exporter_state_write_failures_total 1\n")
	r.Log.Await(t, regexp.MustCompile("a restart would forget it\" err=\"state_dir: "+dir+": took longer than 10s"))
	if code := r.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A signal ends the program in time while a reload waits for a file.
func TestEndDuringReload(t *testing.T) {
	t.Parallel()
	_, config := peers.Simulate(t, peers.SampleLine)
	r := launch(t, "--config.file="+config, "--web.enable-lifecycle")
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	makeFIFO(t, config)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"/-/reload", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if response, err := http.DefaultClient.Do(request); err == nil { // else it was cut off by the end
			_ = response.Body.Close()
		}
	}()
	awaitReader(t, config)
	start := time.Now()
	if code := r.Stop(); code != 0 || time.Since(start) > 3*time.Second {
		t.Errorf("exit code %d after %s", code, time.Since(start))
	}
}

// The tables of metrics have those of reloading.
func TestTablesHaveReloadMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	newReloader(registry, config.Config{}, nil, nil, nil)
	families, err := registry.Gather()
	if err != nil || len(families) != 2 {
		t.Fatalf("%d families, %v", len(families), err)
	}
	for _, file := range []string{"docs/metrics.md", "docs/metrics.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			row := regexp.MustCompile("(?m)^\\| `" + family.GetName() + "` \\| [^|]+ \\| \\|")
			if !row.Match(text) {
				t.Errorf("%s lacks %s", file, family.GetName())
			}
		}
	}
}

func TestReloadIsForbidden(t *testing.T) {
	_, config := peers.Simulate(t)
	r := launch(t, "--config.file="+config)
	if status, body := r.Post("/-/reload"); status != http.StatusForbidden ||
		body != "Lifecycle API is not enabled: start with --web.enable-lifecycle.\n" {
		t.Errorf("%d: %s", status, body)
	}
}

// A configuration file is read again once it has changed, a bad one once, and one that was read for another reason not
// again.
func TestReloadAtChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "config.yaml")
		write(t, file, "good")
		var loads atomic.Int64
		load := func() (config.Config, error) {
			text, err := os.ReadFile(file)
			if loads.Add(1); err == nil && string(text) == "bad" {
				err = errors.New("bad")
			}
			return config.Config{}, err
		}
		apply := func(context.Context, config.Config) error { return nil }
		r := newReloader(prometheus.NewRegistry(), config.Config{}, load, apply, log.NewNopLogger())
		r.fingerprint = func() string { return config.Fingerprint(file) }
		r.seen = r.fingerprint()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.reloadAtChange(ctx, 30*time.Second) }()
		for _, step := range []struct {
			name       string
			change     func()
			wantLoads  int64
			successful float64
		}{
			{"unchanged", func() {}, 0, 1},
			{"changed", func() { write(t, file, "better") }, 1, 1},
			{"written anew", func() { write(t, file, "better") }, 0, 1},
			{"bad", func() { write(t, file, "bad") }, 1, 0},
			{"still bad", func() {}, 0, 0},
			{"gone", func() { _ = os.Remove(file) }, 1, 0},
			{"good again", func() { write(t, file, "good") }, 1, 1},
			{"read at once", func() { write(t, file, "best"); _ = r.reload(ctx) }, 1, 1},
		} {
			loads.Store(0)
			step.change()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := testutil.ToFloat64(r.successful); loads.Load() != step.wantLoads || got != step.successful {
				t.Errorf("%s: read %d times, want %d; successful %v, want %v", step.name, loads.Load(), step.wantLoads,
					got, step.successful)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// The flag has the exporter take over a file that has changed.
func TestAutoReload(t *testing.T) {
	_, config := peers.Simulate(t, peers.SampleLine)
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	r := launch(t, "--config.file="+config, "--config.auto-reload-interval=50ms")
	write(t, config, string(good)+"budgets: [{account: main, monthly: 100}]\n")
	r.Await("/metrics", `ksyun_bill_account_budget_cny{account="main"} 100`)
}
