package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"
)

// Of two exporters with one state directory, one stands by: it lives, shows nothing of its own, makes no call, and
// takes over when the other one ends, with its numbers and with the configuration as it is by then.
func TestStandby(t *testing.T) {
	api, config := peers.Simulate(t, peers.SampleLine)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	settings := string(text) + "refresh: {interval: 1d, max_staleness: 1w}\nstate_dir: " + filepath.Join(t.TempDir(), "state") + "\n"
	write(t, config, settings)
	args := []string{"--config.file=" + config, "--state.standby", "--web.enable-lifecycle"}
	first := launch(t, args...)
	first.AwaitLines("main")
	api.ResetCalls()

	second := launch(t, args...)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/-/healthy": {http.StatusOK, "Healthy.\n"},
		"/-/ready":   {http.StatusServiceUnavailable, "Not ready: standing by, another process has state_dir.\n"},
		"/": {
			http.StatusOK,
			"Standing by: another process has state_dir and asks. This one takes over when that one ends.\n",
		},
	} {
		if status, body := second.Get(path); status != want.status || body != want.body {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := second.Post("/-/reload"); status != http.StatusServiceUnavailable ||
		body != "Standing by: the configuration is read when this process takes over.\n" {
		t.Errorf("reload: %d %s", status, body)
	}
	const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`
	if _, page := second.Get("/metrics"); strings.Contains(page, "_cost_cny") ||
		!strings.Contains(page, "ksyun_bill_exporter_build_info{") {
		t.Errorf("metrics of a standby:\n%s", page)
	}

	write(t, config, settings+"budgets: [{account: main, monthly: '99'}]\n")
	first.Stop()
	page := second.Await("/metrics", cost)
	for _, want := range []string{
		`ksyun_bill_source_from_disk{account="main",source="month_bill"} 1`,
		`ksyun_bill_account_budget_cny{account="main"} 99`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no %s after it has taken over", want)
		}
	}
	if status, body := second.Get("/-/ready"); status != http.StatusOK {
		t.Errorf("ready: %d %s", status, body)
	}
	if calls := api.Calls(); len(calls) > 0 {
		t.Errorf("calls: %v", calls)
	}
	if log := second.Log.String(); !strings.Contains(log, `msg="standing by, another process has state_dir" dir=`) ||
		!strings.Contains(log, `msg="taking over, the other process has ended"`) {
		t.Errorf("log:\n%s", log)
	}
}

// A bad configuration is not taken over, and a standby without a directory to wait for is a mistake.
func TestStandbyBadConfiguration(t *testing.T) {
	_, config := peers.Simulate(t, peers.SampleLine)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	const want = "--state.standby: state_dir is not set, and is what one waits for"
	code := run(t.Context(), []string{"--config.file=" + config, "--state.standby"}, noEnvironment, &stderr, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), want) {
		t.Errorf("%d: %s", code, stderr.String())
	}

	settings := string(text) + "state_dir: " + filepath.Join(t.TempDir(), "state") + "\n"
	write(t, config, settings)
	first := launch(t, "--config.file="+config)
	first.AwaitLines("main")
	second := launch(t, "--config.file="+config, "--state.standby")
	write(t, config, settings+"budget: []\n")
	first.Stop()
	second.Await("/metrics", `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`)
	if log := second.Log.String(); !strings.Contains(log,
		`msg="configuration not reloaded, the old one stays in force" err="`+config+":") {
		t.Errorf("log:\n%s", log)
	}
}
