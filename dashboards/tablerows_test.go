//go:build e2e

package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// TestTableRows checks in a real Prometheus what the tables of cost say: of an account with a spike, budgets, something
// new and something gone, of one where nothing is to be told, and without the rules of the alerts.
func TestTableRows(t *testing.T) {
	rules := `ksyun_bill:threshold{name="floor_cny"} 100` + "\n"
	for _, c := range []struct {
		name, account, page string
		want                map[string][]string
	}{
		{"busy", "shop", busyPage() + rules, busyRows},
		{"quiet", "game", quietPage + rules, quietRows("Nothing: no alert fires")},
		{"without rules", "game", quietPage, quietRows("Unknown: the alert rules are not loaded")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, got := startPrometheus(t, servePage(t, c.page)), map[string][]string{}
			chosen := map[string]string{"account": c.account, "product": ".*", "project": ".*", "tag": "", "by": "owner"}
			for place, target := range dashboardTargets(readDashboard(t, "ksyun-cost.json")) {
				if title := plainTitle(place.panel.Title); c.want[title] != nil {
					got[title] = append(got[title], readRows(place.panel, target, runTarget(t, p, target, chosen))...)
				}
			}
			for name, query := range annotationQueries(readDashboard(t, "ksyun-cost.json")) {
				for _, s := range p.Query(t, replaceVariables(query, chosen)) {
					got[name] = append(got[name], s.Labels["product_code"]+" "+strconv.FormatFloat(s.Value(), 'f', -1, 64))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func servePage(t *testing.T, page string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// readRows returns the rows of the answer to one query of a table, sorted: the query, the columns of labels as they are
// shown, and the value. In a matrix all labels are shown.
func readRows(p panel, target target, answer []peers.Series) []string {
	var rows []string
	for _, s := range answer {
		row := []string{target.RefID}
		columns := p.organized()
		for field, title := range columns {
			if text := s.Labels[field]; text != "" {
				row = append(row, cellText(p, title, text))
			}
		}
		if len(columns) == 0 {
			row = append(row, slices.Sorted(maps.Values(s.Labels))...)
		}
		value := strconv.FormatFloat(s.Value(), 'f', -1, 64)
		if title, ok := columns["Value"]; ok {
			value = cellText(p, title, value)
		} else if title, ok := columns["Value #"+target.RefID]; ok {
			value = cellText(p, title, value)
		}
		slices.Sort(row[1:])
		rows = append(rows, strings.Join(append(row, value), "; "))
	}
	slices.Sort(rows)
	return rows
}

// organized returns the titles of the columns by their fields, but for those that are hidden.
func (p panel) organized() map[string]string {
	titles := map[string]string{}
	for _, s := range p.Transformations {
		names, _ := s["options"].(map[string]any)["renameByName"].(map[string]any)
		for field, title := range names {
			if readColumn(p, field, title.(string)).width > 0 {
				titles[field] = title.(string)
			}
		}
	}
	return titles
}

// cellText returns the text that a column shows instead of a value, or the value.
func cellText(p panel, title, value string) string {
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if o.Matcher["options"] != title || property["id"] != "mappings" {
				continue
			}
			mappings := property["value"].([]any)
			if len(mappings) == 0 {
				continue
			}
			options := mappings[0].(map[string]any)["options"].(map[string]any)
			if to, ok := options[value].(map[string]any); ok {
				return to["text"].(string)
			}
		}
	}
	return value
}

const quietPage = `
ksyun_bill_account_info{account="game",customer_id="2"} 1
ksyun_bill_account_cost_cny{account="game",pay_mode="postpaid"} 50
`

func quietRows(attention string) map[string][]string {
	return map[string][]string{
		"What needs attention": {"A; " + attention + "; –"},
		"Every budget":         {"A; No budget is configured; –"},
		"New and vanished":     {"A; Nothing is new or has vanished; –"},
		"Restated months":      {"A; No bill has changed; –"},
		"Cost by tag":          {"A; No tag is configured; –"},
	}
}

// busyDay is when the newest day of busyPage began. Ten days of its month are over, and five are left.
const busyDay = 1760000000

// busyPage has ten days of three products in one project. EIP has a spike on the day before the newest.
func busyPage() string {
	var page strings.Builder
	page.WriteString(busyMonth)
	fmt.Fprintf(&page, "ksyun_bill_period_start_timestamp_seconds{account=\"shop\"} %d\n", busyDay-9*86400)
	fmt.Fprintf(&page, "ksyun_bill_period_data_timestamp_seconds{account=\"shop\"} %d\n", busyDay+86400)
	fmt.Fprintf(&page, "ksyun_bill_period_end_timestamp_seconds{account=\"shop\"} %d\n", busyDay+6*86400)
	for ago := range 10 {
		sum := 0
		day := func(family, labels string, cost int) {
			fmt.Fprintf(&page, "ksyun_bill_day_%s_cost_cny{account=\"shop\",pay_mode=\"postpaid\",days_ago=\"%d\"%s} %d\n",
				family, ago, labels, cost)
		}
		for code, spike := range map[string]int{"EIP": 900, "KEC": 105, "KRDS": 50} {
			cost := 100
			if ago == 1 {
				cost = spike
			}
			sum += cost
			day("product", `,product_code="`+code+`"`, cost)
			day("project_product", `,product_code="`+code+`",project_id="1"`, cost)
		}
		day("project", `,project_id="1"`, sum)
		day("account", "", sum)
		fmt.Fprintf(&page, "ksyun_bill_day_start_timestamp_seconds{account=\"shop\",days_ago=\"%d\"} %d\n",
			ago, busyDay-ago*86400)
	}
	return page.String()
}

const busyMonth = `
ksyun_bill_account_info{account="shop",customer_id="1"} 1
ksyun_bill_month_info{account="shop",months_ago="0",month="2025-10"} 1
ksyun_bill_month_info{account="shop",months_ago="1",month="2025-09"} 1
ksyun_bill_account_pay_modes_complete{account="shop",months_ago="0"} 0
ksyun_bill_product_info{account="shop",product_code="EIP",product_name="Elastic IP"} 1
ksyun_bill_product_info{account="shop",product_code="KEC",product_name="Servers"} 1
ksyun_bill_product_info{account="shop",product_code="KRDS",product_name="Databases"} 1
ksyun_bill_product_info{account="shop",product_code="KSS",product_name=""} 1
ksyun_bill_project_info{account="shop",project_id="1",project_name="Trade",owner="ann",cost_center="7"} 1
ksyun_bill_project_info{account="shop",project_id="2",project_name="Old",owner="",cost_center=""} 1
ksyun_bill_account_cost_cny{account="shop",pay_mode="postpaid"} 3755
ksyun_bill_product_cost_cny{account="shop",pay_mode="postpaid",product_code="EIP"} 1800
ksyun_bill_product_cost_cny{account="shop",pay_mode="postpaid",product_code="KEC"} 1005
ksyun_bill_product_cost_cny{account="shop",pay_mode="postpaid",product_code="KRDS"} 950
ksyun_bill_project_cost_cny{account="shop",pay_mode="postpaid",project_id="1"} 3755
ksyun_bill_past_month_account_cost_cny{account="shop",pay_mode="postpaid",months_ago="1"} 3000
ksyun_bill_past_month_product_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",product_code="EIP"} 1400
ksyun_bill_past_month_product_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",product_code="KEC"} 1500
ksyun_bill_past_month_product_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",product_code="KSS"} 100
ksyun_bill_past_month_project_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",project_id="1"} 2900
ksyun_bill_past_month_project_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",project_id="2"} 100
ksyun_bill_past_month_to_date_account_cost_cny{account="shop",pay_mode="postpaid",months_ago="1"} 2020
ksyun_bill_past_month_to_date_product_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",product_code="EIP"} 1000
ksyun_bill_past_month_to_date_product_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",product_code="KEC"} 1005
ksyun_bill_past_month_to_date_product_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",product_code="KSS"} 20
ksyun_bill_past_month_to_date_project_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",project_id="1"} 2000
ksyun_bill_past_month_to_date_project_cost_cny{account="shop",pay_mode="postpaid",months_ago="1",project_id="2"} 20
ksyun_bill_past_month_restated_cny{account="shop",months_ago="1",product_code="KEC"} -120.5
ksyun_bill_past_month_restated_cny{account="shop",months_ago="1",product_code="EIP"} 0
ksyun_bill_account_budget_cny{account="shop"} 5000
ksyun_bill_product_budget_cny{account="shop",product_code="EIP"} 2000
ksyun_bill_product_budget_cny{account="shop",product_code="KEC"} 900
ksyun_bill_product_budget_cny{account="shop",product_code="GONE"} 100
ksyun_bill_project_budget_cny{account="shop",project_id="1"} 10000
ksyun_bill_tag_cost_cny{account="shop",pay_mode="postpaid",product_code="EIP",tag_key="team",tag_value="a"} 5
ALERTS{alertname="KsyunBillCostSpike",alertstate="firing",account="shop",scope="project_product",product_code="EIP",` +
	`project_id="1",product_name="Elastic IP",project_name="Trade",owner="ann"} 1
ALERTS{alertname="KsyunBillBudgetExceeded",alertstate="firing",account="shop",scope="product",product_code="KEC",` +
	`product_name="Servers"} 1
ALERTS{alertname="KsyunBillReloadFailed",alertstate="firing"} 1
ALERTS{alertname="KsyunBillDataStale",alertstate="pending",account="shop"} 1
ALERTS{alertname="SomethingElse",alertstate="firing",account="shop"} 1
`

// The rows are those of each query: a column A of amounts, a column B, and so on.
var busyRows = map[string][]string{
	"What needs attention": {
		"A; Budget exceeded; Servers; shop; 5",
		"A; Cost spike; Trade, Elastic IP; ann; shop; 800",
		"A; Reload failed; –", // it is of no account
	},
	"Every budget": {
		"A; Elastic IP; product; shop; 2000", "A; GONE; product; shop; 100", "A; Servers; product; shop; 900",
		"A; Trade; project; shop; 10000", "A; account; shop; shop *; 5000",
		"B; Elastic IP; product; shop; 1800", "B; GONE; product; shop; 0", "B; Servers; product; shop; 1005",
		"B; Trade; project; shop; 3755", "B; account; shop; shop *; 3755",
		"C; Elastic IP; product; shop; 2300", "C; GONE; product; shop; 0", "C; Servers; product; shop; 1505",
		"C; Trade; project; shop; 5255", "C; account; shop; shop *; 5255",
		"D; Elastic IP; product; shop; 1.15", "D; GONE; product; shop; 0",
		"D; Servers; product; shop; 1.6722222222222223", "D; Trade; project; shop; 0.5255",
		"D; account; shop; shop *; 1.051",
		"E; Elastic IP; product; shop; 200", "E; GONE; product; shop; 100", "E; Servers; product; shop; -105",
		"E; Trade; project; shop; 6245", "E; account; shop; shop *; 1245",
		// 200 last for 2 days of 100 CNY after the newest one, 1,245 for 4.15 of 300 CNY.
		"F; Elastic IP; product; shop; 1760259200000", "F; GONE; product; shop; not this month",
		"F; Servers; product; shop; used up", "F; Trade; project; shop; not this month",
		"F; account; shop; shop *; 1760444960000",
	},
	"Products": {
		"A; Databases; shop; 950", "A; Elastic IP; shop; 1800", "A; Servers; shop; 1005",
		"B; Databases; shop; 950", "B; Elastic IP; shop; 800", "B; KSS; shop; -20", "B; Servers; shop; 0",
		"C; Elastic IP; shop; 0.8", "C; KSS; shop; -1", "C; Servers; shop; 0",
	},
	"Projects and their owners": {
		"A; 7; Trade; ann; shop; 3755", "B; 7; Trade; ann; shop; 1755", "B; Old; shop; -20",
		"C; 7; Trade; ann; shop; 0.8775", "C; Old; shop; -1",
	},
	"Owners": {
		"A; ann; 3755", "B; ann; 1", "C; ann; 1755", "C; not named; -20", "D; ann; 2900", "D; not named; 100",
	},
	"Cost centers": {"A; 7; 3755", "B; 7; 1", "C; 7; 1755", "C; not named; -20", "D; 7; 2900", "D; not named; 100"},
	// Servers changed by 5 CNY, which is tiny beside 800.
	"Products in projects that changed most in a week": {
		"A; Databases; Trade; ann; shop; -50", "A; Elastic IP; Trade; ann; shop; 800",
		"B; Databases; Trade; ann; shop; 50", "B; Elastic IP; Trade; ann; shop; 800",
		"C; Databases; Trade; ann; shop; -0.5", "C; Elastic IP; Trade; ann; shop; 8",
	},
	"New and vanished": {
		"A; Databases; new; product; shop; 950", "A; KSS; product; shop; vanished; -20",
		"A; Old; project; shop; vanished; -20",
	},
	"Products, month by month": {
		"A; 2025-09; Elastic IP; 1400", "A; 2025-09; KSS; 100", "A; 2025-09; Servers; 1500", "A; 2025-09; __total__; 3000",
		"A; 2025-10; Databases; 950", "A; 2025-10; Elastic IP; 1800", "A; 2025-10; Servers; 1005",
		"A; 2025-10; __total__; 3755",
	},
	"Unallocated share":   {"A; 2025-09; project; 0", "A; 2025-10; project; 0"},
	"Restated months":     {"A; 2025-09; Servers; shop; -120.5"},
	"Cost per day by $by": busyDays(),
	// Marks in the graph of the days: the day of the spike, and the first day of what is new.
	"Cost spikes":  {"EIP 1759913600000"},
	"New products": {"KRDS 1759222400000"},
}

// busyDays returns the parts of the days, here the owner, and what is drawn beside them.
func busyDays() []string {
	rows := []string{fmt.Sprintf("A; %d000; __newest__; 300", busyDay)}
	for ago := range 10 {
		day, cost := busyDay-ago*86400, 300
		if ago == 1 {
			cost = 900 + 105 + 50
		}
		rows = append(rows, fmt.Sprintf("A; %d000; __total__; %d", day, cost),
			fmt.Sprintf("A; %d000; __usual__; 300", day), fmt.Sprintf("A; %d000; ann; %d", day, cost))
	}
	slices.Sort(rows)
	return rows
}
