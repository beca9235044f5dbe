//go:build e2e

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// TestIncomplete checks in a real Prometheus that no sum that lacks a pay mode has the name of a whole one, and that
// what is known stays.
func TestIncomplete(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, incompletePage)
	}))
	t.Cleanup(server.Close)
	p := startPrometheus(t, server.Listener.Addr().String())
	for _, c := range incompleteCases {
		t.Run(c.file+" "+c.account, func(t *testing.T) {
			got := map[string][]string{}
			chosen := map[string]string{"account": c.account, "product": ".*", "project": ".*", "by": "owner"}
			for place, target := range dashboardTargets(readDashboard(t, c.file)) {
				if title := plainTitle(place.panel.Title); c.want[title] != nil {
					got[title] = append(got[title], readValues(place.panel, target, runTarget(t, p, target, chosen))...)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// incompletePage has the account shop with all its pay modes, the account game, of which bill-union is too old, the
// account lost, of which everything is too old, and the account part, which lacks what does not count against its
// budget.
const incompletePage = `
ksyun_bill_account_info{account="shop",customer_id="1"} 1
ksyun_bill_account_info{account="game",customer_id="2"} 1
ksyun_bill_account_info{account="lost",customer_id="3"} 1
ksyun_bill_account_info{account="part",customer_id="4"} 1
ksyun_bill_month_info{account="shop",months_ago="0",month="2026-10"} 1
ksyun_bill_month_info{account="shop",months_ago="1",month="2026-09"} 1
ksyun_bill_month_info{account="game",months_ago="0",month="2026-10"} 1
ksyun_bill_month_info{account="game",months_ago="1",month="2026-09"} 1
ksyun_bill_account_pay_modes_complete{account="shop",months_ago="0"} 1
ksyun_bill_account_pay_modes_complete{account="shop",months_ago="1"} 1
ksyun_bill_account_pay_modes_complete{account="game",months_ago="0"} 0
ksyun_bill_account_pay_modes_complete{account="game",months_ago="1"} 1
ksyun_bill_account_cost_cny{account="shop",pay_mode="postpaid"} 60
ksyun_bill_account_cost_cny{account="shop",pay_mode="prepaid"} 40
ksyun_bill_account_cost_cny{account="game",pay_mode="postpaid"} 50
ksyun_bill_product_cost_cny{account="shop",pay_mode="postpaid",product_code="KEC"} 60
ksyun_bill_product_cost_cny{account="shop",pay_mode="prepaid",product_code="KEC"} 30
ksyun_bill_product_cost_cny{account="shop",pay_mode="prepaid",product_code="__none__"} 10
ksyun_bill_product_cost_cny{account="game",pay_mode="postpaid",product_code="KEC"} 50
ksyun_bill_past_month_account_cost_cny{account="shop",months_ago="1",pay_mode="postpaid"} 70
ksyun_bill_past_month_account_cost_cny{account="game",months_ago="1",pay_mode="prepaid"} 5
ksyun_bill_account_budget_cny{account="shop"} 200
ksyun_bill_account_budget_cny{account="game"} 100
ksyun_bill_account_pay_modes_complete{account="part",months_ago="0"} 0
ksyun_bill_account_cost_cny{account="part",pay_mode="postpaid"} 30
ksyun_bill_account_cost_cny{account="part",pay_mode="realtime"} 900
ksyun_bill_account_budget_cny{account="part"} 100
ksyun_bill_account_budget_pay_mode_info{account="part",pay_mode="postpaid"} 1
ksyun_bill_day_account_cost_cny{account="part",pay_mode="postpaid",days_ago="1"} 10
ksyun_bill_day_account_cost_cny{account="part",pay_mode="prepaid",days_ago="2"} 20
ksyun_bill_day_account_cost_cny{account="part",pay_mode="postpaid",days_ago="5"} 5
ksyun_bill_day_account_cost_cny{account="part",pay_mode="realtime",days_ago="5"} 100
ksyun_bill_day_account_cost_cny{account="part",pay_mode="postpaid",days_ago="6"} 5
ksyun_bill_day_account_cost_cny{account="part",pay_mode="realtime",days_ago="6"} 100
ksyun_bill_account_balance_cny{account="part",kind="available"} 300
ksyun_bill_account_balance_cny{account="part",kind="reward"} 9000
ksyun_bill_account_balance_cny{account="shop",kind="available"} -1
ksyun_bill_period_data_timestamp_seconds{account="part"} 86400
ksyun_bill_period_end_timestamp_seconds{account="part"} 259200
ksyun_bill_day_account_cost_cny{account="shop",pay_mode="postpaid",days_ago="5"} 10
ksyun_bill_period_data_timestamp_seconds{account="shop"} 86400
ksyun_bill_period_end_timestamp_seconds{account="shop"} 259200
`

var incompleteCases = []struct {
	file, account string
	want          map[string][]string
}{
	{"ksyun-cost.json", "shop", map[string][]string{
		"This month so far":      {"All 100"},
		"This month by pay mode": {"Postpaid 60", "Prepaid 40"},
		"Pay modes":              {"All accounts complete"},
		"Covered by details":     {"of all 0.9"},
		"Forecast":               {"All 120"},
		"Budget of the accounts": {"Budget 200", "Used 0.5"},
		"Budget forecast":        {"Forecast 0.6"},
		"Months by pay mode":     {"2026-09 Postpaid 70", "2026-10 Postpaid 60", "2026-10 Prepaid 40"},
	}},
	{"ksyun-cost.json", "game", map[string][]string{
		"This month so far":      {"Incomplete 50"},
		"This month by pay mode": {"Postpaid 50"},
		"Pay modes":              {"game incomplete"},
		"Covered by details":     {"of an incomplete sum 1"},
		"Forecast":               {"Incomplete 50"},
		"Budget of the accounts": {"Budget 100", "Used, incomplete 0.5"},
		"Budget forecast":        {"Forecast, incomplete 0.5"},
		"Months by pay mode":     {"2026-09 Prepaid 5", "2026-10 * Postpaid 50"},
	}},
	{"ksyun-cost.json", "(shop|game)", map[string][]string{
		"This month so far":      {"Incomplete 150"},
		"This month by pay mode": {"Postpaid 110", "Prepaid 40"},
		"Pay modes":              {"game incomplete"},
		"Forecast":               {"Incomplete 170"},
		"Budget of the accounts": {"Budget 300", "Used, incomplete 0.5"},
		"Budget forecast":        {"Forecast, incomplete 0.5666666666666667"},
		"Months by pay mode": {
			"2026-09 Postpaid 70", "2026-09 Prepaid 5", "2026-10 * Postpaid 110", "2026-10 * Prepaid 40",
		},
	}},
	{"ksyun-cost.json", "(shop|lost)", map[string][]string{
		"This month so far":      {"Incomplete 100"},
		"This month by pay mode": {"Postpaid 60", "Prepaid 40"},
		"Pay modes":              {"lost incomplete"},
		"Forecast":               {"Incomplete 120"},
		"Budget of the accounts": {"Budget 200", "Used 0.5"},
		"Budget forecast":        {"Forecast 0.6"}, // lost has no budget
	}},
	{"ksyun-cost.json", "part", map[string][]string{
		"This month so far":      {"Incomplete 930"},
		"This month by pay mode": {"Postpaid 30", "Real-time 900"},
		"Pay modes":              {"part incomplete"},
		"Forecast":               {"Incomplete 1140"},
		"Budget of the accounts": {"Budget 100", "Used 0.3"},
		"Budget forecast":        {"Forecast 0.4"}, // its budget is of what it has
		"Balance":                {"part 300"},
		"Days left":              {"part 5"},
	}},
	{"ksyun-cost.zh-CN.json", ".*", map[string][]string{
		"本月至今":    {"合计不完整 1080"},
		"本月各付费方式": {"后付费 140", "实时结算 900", "预付费（包年包月） 40"},
		"付费方式":    {"game 不完整", "lost 不完整", "part 不完整"},
		"有明细的比例":  {"占不完整的合计 0.12962962962962962"},
		"本月预测":    {"合计不完整 1310"},
		"账户余额":    {"part 300", "shop -1"},
		"余额可用天数":  {"part 5"}, // one day of shop does not tell its pace
		"账号预算":    {"预算 400", "已用（不完整） 0.45"},
		"预测占预算":   {"预测（不完整） 0.525"},
	}},
}

// readValues returns what a reader sees of the answer to a query, sorted: the name of each value, and the value.
func readValues(p panel, target target, answer []peers.Series) []string {
	var shown []string
	for _, s := range answer {
		name := legendPattern.ReplaceAllStringFunc(target.LegendFormat, func(label string) string {
			return s.Labels[label[2:len(label)-2]]
		})
		name = displayName(p, name)
		if target.Format == "table" {
			name = s.Labels["month"] + " " + displayName(p, s.Labels["pay_mode"])
		}
		shown = append(shown, name+" "+displayValue(p, strconv.FormatFloat(s.Value(), 'g', -1, 64)))
	}
	slices.Sort(shown)
	return shown
}

// displayValue returns the text that a panel shows instead of a value, or the value.
func displayValue(p panel, value string) string {
	mappings, _ := p.FieldConfig.Defaults["mappings"].([]any)
	for _, m := range mappings {
		if to, ok := m.(map[string]any)["options"].(map[string]any)[value].(map[string]any); ok {
			return to["text"].(string)
		}
	}
	return value
}

// plainTitle returns the title of a panel without what it says of filters.
func plainTitle(title string) string {
	for _, said := range []string{" (all products)", " (all projects)", "（全部产品线）", "（全部项目）"} {
		title = strings.TrimSuffix(title, said)
	}
	return title
}
