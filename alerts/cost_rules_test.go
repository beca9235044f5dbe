//go:build e2e

package alerts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// On any day, the demo has one cost spike. It fires once, for the product in the project, with the instance that caused
// it, and no other alert fires but, on many days, that some machines end which nobody renews. The rules are loaded
// without the times that they wait, so that the test does not wait either.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range listFiles(t, "*.rules.yml") {
		rules := waitPattern.ReplaceAll(readFile(t, name), nil)
		if err := os.WriteFile(filepath.Join(dir, name), rules, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := strings.Replace(peers.Scrape(time.Second, startDemo(t, dir)), "global: {",
		"rule_files: ["+dir+"/*.rules.yml]\nglobal: {evaluation_interval: 1s, ", 1)
	prometheus := peers.StartPrometheus(t, dir, config)
	prometheus.Await(t, "count_over_time(ksyun_bill:page_spike_cny[1m]) >= 5", 1)

	var got []string
	for _, alert := range prometheus.Query(t, `ALERTS{alertstate="firing",alertname!="KsyunBillPrepaidEnds"}`) {
		l := alert.Labels
		got = append(got, fmt.Sprintf("%s %s %s %s %q %q",
			l["alertname"], l["severity"], l["account"], l["scope"], l["product_name"], l["project_name"]))
	}
	want := []string{
		`KsyunBillCostSpike page shop project_product "弹性IP(EIP)" "默认项目"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts of the demo (-want +got):\n%s", diff)
	}
	texts := peers.Get(t, prometheus.URL+"/api/v1/alerts")
	if named := strings.Count(texts, "grew most within a week, in CNY a day: gateway-ip-01 ("); named != 1 {
		t.Errorf("%d alerts name the instance first, want one:\n%s", named, texts)
	}
}

var waitPattern = regexp.MustCompile(`(?m)^ *(for|interval): .*$`)

// startDemo returns the address of a demo that has read its days.
func startDemo(t *testing.T, dir string) string {
	t.Helper()
	address := peers.FreeAddress(t)
	peers.Run(t, "go", "build", "-o", dir+"/exporter", "..")
	peers.Start(t, exec.CommandContext(t.Context(), dir+"/exporter", "--demo", "--web.listen-address="+address))
	for _, account := range []string{"shop", "game"} {
		// The days are made of these lines. Early in a month there are no lines of a bill to wait for.
		peers.Await(t, "http://"+address+"/metrics",
			fmt.Sprintf("ksyun_bill_source_items{account=%q,source=\"detail_consume\"}", account))
	}
	return address
}
