//go:build e2e

package e2e

import (
	"fmt"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// A Prometheus that scrapes three shards has each account once, and the sums of rules and dashboards are those of one
// that scrapes a single exporter with all accounts.
func TestShards(t *testing.T) {
	t.Chdir(root)
	config := simulateCustomers(t, 7)
	alone := startExporter(t, config)
	shards := make([]string, 3)
	for n := range shards {
		shards[n] = startExporter(t, config, "--shard.count=3", fmt.Sprint("--shard.index=", n))
	}
	whole := peers.StartPrometheus(t, t.TempDir(), withRules(t, peers.Scrape(time.Second, alone)))
	parts := peers.StartPrometheus(t, t.TempDir(), withRules(t, peers.Scrape(time.Second, shards...)))
	for _, p := range []peers.Prometheus{whole, parts} {
		p.Await(t, `ksyun_bill:month_cost_cny{scope="account"}`, 7)
		p.Await(t, `ksyun_bill_source_items{source="detail_bill"}`, 7)
	}
	for query, rows := range map[string]int{
		`count by (account) (ksyun_bill_account_info)`:                                  7,
		`sum by (account, product_code) (ksyun_bill_product_cost_cny)`:                  14,
		`sum by (account) (ksyun_bill_past_month_account_cost_cny{months_ago="1"})`:     7,
		`sum by (scope, account, product_code, project_id) (ksyun_bill:month_cost_cny)`: 35,
		`sum(max by (account, pay_mode) (ksyun_bill_account_cost_cny))`:                 1,
	} {
		one, all := whole.Query(t, query), parts.Query(t, query)
		if diff := cmp.Diff(one, all, approximately); diff != "" || len(all) != rows {
			t.Errorf("%s: %d rows, want %d (-one exporter +three shards):\n%s", query, len(all), rows, diff)
		}
	}
}

// simulateCustomers serves so many accounts, each of which costs another sum, and returns a configuration for them.
func simulateCustomers(t *testing.T, n int) (config string) {
	t.Helper()
	var customers []billsim.Account
	var b strings.Builder
	b.WriteString("accounts:\n")
	for i := range n {
		first := fmt.Sprintf("20%d-01", 18+i)
		customers = append(customers, accountSince(fmt.Sprint("AKLT", i), "s3cret", fmt.Sprint(73400000+i), first))
		fmt.Fprintf(&b, "  - {name: account-%d, access_key_id: AKLT%d, secret_access_key: s3cret}\n", i, i)
	}
	api := httptest.NewServer(billsim.New(customers))
	t.Cleanup(api.Close)
	fmt.Fprintf(&b, "api: {endpoint: '%s', requests_per_second: 100}\n", api.URL)
	config = filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, b.String())
	return config
}

// startExporter returns the address of the program with a configuration.
func startExporter(t *testing.T, config string, flags ...string) string {
	t.Helper()
	address := peers.FreeAddress(t)
	flags = append(flags, "--config.file="+config, "--web.listen-address="+address)
	peers.Start(t, exec.CommandContext(t.Context(), binary(t), flags...))
	return address
}
