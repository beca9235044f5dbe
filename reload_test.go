package main

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/e2e/peers"

	"github.com/prometheus/client_golang/prometheus"
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

	write(t, config, string(good)+"days: 32\n")
	if status, body := r.Post("/-/reload"); status != http.StatusInternalServerError ||
		body != "failed to reload config: "+config+":3: days: want 0 to 31\n" {
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
	_, config := peers.Simulate(t)
	r := launch(t, "--config.file="+config)
	if status, body := r.Post("/-/reload"); status != http.StatusForbidden ||
		body != "Lifecycle API is not enabled: start with --web.enable-lifecycle.\n" {
		t.Errorf("%d: %s", status, body)
	}
}
