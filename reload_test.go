package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ksyun_bill_exporter/config"

	"github.com/prometheus/client_golang/prometheus"
)

// post asks for a reload and returns status and body.
func (r *running) post(path string) (int, string) {
	r.t.Helper()
	answer, err := http.Post(r.url+path, "", nil) //nolint:noctx // the server is this test's own
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// A new configuration is taken over by POST and by SIGHUP; a bad one changes nothing, as an answer and a metric say.
func TestReload(t *testing.T) {
	_, config := simulate(t, sampleLine)
	r := launch(t, "--config.file="+config, "--web.enable-lifecycle")
	r.waitForLines("main")
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`
	const reloaded = "ksyun_bill_exporter_config_last_reload_successful "
	r.waitFor("/metrics", reloaded+"1\n")

	write(t, config, string(good)+"days: 32\n")
	if status, body := r.post("/-/reload"); status != http.StatusInternalServerError ||
		body != "failed to reload config: "+config+":3: days: want 0 to 31\n" {
		t.Errorf("a bad file: %d: %s", status, body)
	}
	if page := r.waitFor("/metrics", reloaded+"0\n"); !strings.Contains(page, cost) {
		t.Errorf("a bad file has taken the numbers away:\n%s", page)
	}

	write(t, config, string(good)+"budgets: [{account: main, monthly: 100}]\n")
	if status, body := r.post("/-/reload"); status != http.StatusOK || body != "Reloaded.\n" {
		t.Errorf("a good file: %d: %s", status, body)
	}
	page := r.waitFor("/metrics", `ksyun_bill_account_budget_cny{account="main"} 100`)
	if !strings.Contains(page, cost) || !strings.Contains(page, reloaded+"1\n") {
		t.Errorf("after a reload:\n%s", page)
	}

	write(t, config, string(good)+"budgets: [{account: main, monthly: 200}]\n")
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.waitFor("/metrics", `ksyun_bill_account_budget_cny{account="main"} 200`)

	write(t, config, string(good)+"state_dir: "+t.TempDir()+"\n")
	const refused = "failed to reload config: state_dir: another directory needs a restart\n"
	if _, body := r.post("/-/reload"); body != refused {
		t.Errorf("another state_dir: %s", body)
	}
	if status, _ := r.get("/-/reload"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
}

// Both READMEs have the metrics of reloading.
func TestReadmeHasReloadMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	newReloader(registry, config.Config{}, nil, nil, nil)
	families, err := registry.Gather()
	if err != nil || len(families) != 2 {
		t.Fatalf("%d families, %v", len(families), err)
	}
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if !strings.Contains(string(text), "\n| `"+family.GetName()+"` | |") {
				t.Errorf("%s lacks %s", file, family.GetName())
			}
		}
	}
}

func TestReloadIsForbidden(t *testing.T) {
	_, config := simulate(t)
	r := launch(t, "--config.file="+config)
	if status, body := r.post("/-/reload"); status != http.StatusForbidden ||
		body != "Lifecycle API is not enabled: start with --web.enable-lifecycle.\n" {
		t.Errorf("%d: %s", status, body)
	}
}

// The next start has the numbers of the last one, without a call, and a second process is not let in.
func TestStateDir(t *testing.T) {
	api, config := simulate(t, sampleLine)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new", "state")
	write(t, config, string(text)+"refresh: {interval: 1d, max_staleness: 1w}\nstate_dir: "+dir+"\n")
	first := launch(t, "--config.file="+config)
	first.waitForLines("main")

	var stderr strings.Builder
	if code := run(t.Context(), []string{"--config.file=" + config}, noEnvironment, &stderr, &stderr); code != 1 ||
		!strings.Contains(stderr.String(), "state_dir: "+dir+" is in use by another process; give each its own") {
		t.Errorf("a second process: %d: %s", code, stderr.String())
	}

	first.stop()
	api.ResetCalls()
	second := launch(t, "--config.file="+config)
	const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`
	if _, page := second.get("/metrics"); !strings.Contains(page, cost) ||
		!strings.Contains(page, `ksyun_bill_source_from_disk{account="main",source="detail_bill"} 1`) {
		t.Errorf("after a restart:\n%s", page)
	}
	if status, _ := second.get("/-/ready"); status != http.StatusOK {
		t.Errorf("ready: %d", status)
	}
	if calls := api.Calls(); len(calls) != 0 {
		t.Errorf("after a restart %d calls were made", len(calls))
	}
}
