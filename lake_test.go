package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/lake"

	"github.com/google/go-cmp/cmp"
)

// costSample is a sample of what an account costs in a month and a pay mode.
var costSample = regexp.MustCompile(`(?m)^ksyun_bill_(past_month_)?account_cost_cny\{account="(\w+)",` +
	`pay_mode="(\w+)"(?:,months_ago="1")?\} (.*)$`)

// The exporter keeps a lake up to date with the lines that it reads: the running month and the last one have what
// /metrics has of them, to the last digit.
func TestServeKeepsLake(t *testing.T) {
	t.Parallel()
	accounts := billsim.Demo(time.Now)
	api := httptest.NewServer(billsim.New(accounts, billsim.WithKeptPages()))
	t.Cleanup(api.Close)
	dir := t.TempDir()
	text := "api: {endpoint: URL, union_endpoint: URL, requests_per_second: 100}\nlake: {path: lake}\naccounts:\n"
	for i, a := range accounts {
		text += fmt.Sprintf("  - {name: %s, access_key_id: %s, secret_access_key: %s}\n", demoNames[i], a.AccessKeyID,
			a.SecretAccessKey)
	}
	config := filepath.Join(dir, "config.yaml")
	write(t, config, strings.ReplaceAll(text, "URL", api.URL))
	r := launch(t, "--config.file="+config)
	running := billclient.MonthOf(time.Now())
	for i, name := range demoNames {
		for _, m := range []billclient.Month{running, running - 1} {
			r.Log.Await(t, regexp.MustCompile(fmt.Sprintf(`msg="in the lake" account=%s month=%v`, name, m)))
			partition := lake.Partition{Customer: billclient.CustomerID(accounts[i].CustomerID), Month: m}
			shown := func() []string {
				_, page := r.Get("/metrics")
				return costsOf(page, name, m == running)
			}
			awaitSame(t, shown, func() []string { return costsInLake(t, filepath.Join(dir, "lake"), partition) })
		}
	}
	if code := r.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// awaitSame waits until two things are the same: a scrape may be newer than what is on its way into the lake.
func awaitSame(t *testing.T, want, got func() []string) {
	t.Helper()
	diff := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		wanted := want()
		if diff = cmp.Diff(wanted, got()); diff == "" && len(wanted) == 3 {
			return
		}
	}
	t.Errorf("(-/metrics +lake):\n%s", diff)
}

// costsOf returns what an account costs by pay mode in the running month or in the last one.
func costsOf(page, account string, isRunning bool) (costs []string) {
	for _, sample := range costSample.FindAllStringSubmatch(page, -1) {
		if sample[2] == account && (sample[1] == "") == isRunning {
			costs = append(costs, sample[3]+" "+sample[4])
		}
	}
	slices.Sort(costs)
	return costs
}

// costsInLake returns the same by the manifest.
func costsInLake(t *testing.T, dir string, p lake.Partition) (costs []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, p.String(), lake.ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the file is there, and its manifest follows
	}
	var m lake.Manifest
	if err := errors.Join(err, json.Unmarshal(text, &m)); err != nil {
		t.Fatal(err)
	}
	for _, part := range m.Parts {
		for _, sum := range part.PayModes {
			costs = append(costs, sum.PayMode+" "+strings.TrimSuffix(strings.TrimRight(sum.Cost.String(), "0"), "."))
		}
	}
	slices.Sort(costs)
	return costs
}
