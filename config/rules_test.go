package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBadConfig(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "FILE: accounts: want at least one account"},
		{"no accounts", "accounts: []", "FILE:1: accounts: want at least one account"},
		{"no name", "accounts: [{access_key_id: a, secret_access_key: b}]", "FILE:1: accounts[0].name: is missing"},
		{
			"no key", "accounts: [{name: a}]",
			"FILE:1: accounts[0].access_key_id: is missing; give it or access_key_id_file\n" +
				"FILE:1: accounts[0].secret_access_key: is missing; give it or secret_access_key_file",
		},
		{
			"two keys", "accounts: [{name: a, access_key_id: b, access_key_id_file: c, secret_access_key: d}]",
			"FILE:1: accounts[0].access_key_id: give it or access_key_id_file, not both",
		},
		{
			"name twice", goodFile + "  - {name: main, access_key_id: a, secret_access_key: b}",
			`FILE:5: accounts[1].name: "main" is the name of another account`,
		},
		{
			"one key for two accounts", goodFile + "  - {name: b, access_key_id: AKLT, secret_access_key: c}",
			"FILE:5: accounts[1].access_key_id: is another account's: its bills would count twice",
		},
		{
			"key of two lines", "accounts: [{name: a, access_key_id: \"b\\nc\", secret_access_key: d}]",
			"FILE:1: accounts[0].access_key_id: has something else than letters, digits and signs in it",
		},
		{
			"customer", "accounts: [{name: a, access_key_id: b, secret_access_key: c, customer_id: '0'}]",
			`FILE:1: accounts[0].customer_id: "0" is no customer id: digits, as the bill has them`,
		},
		{
			"tag twice", goodFile + "instances: {tags: [{key: d, label: a}, {key: d, label: b}]}",
			`FILE:5: instances.tags[1].key: "d" is configured already`,
		},
		{
			"pace", goodFile + "api: {requests_per_second: .nan}", "FILE:5: api.requests_per_second: want more than 0",
		},
		{
			"no endpoint", goodFile + "api: {endpoint: bill.api.ksyun.com}",
			`FILE:5: api.endpoint: "bill.api.ksyun.com" is not an address such as https://bill.api.ksyun.com`,
		},
		{
			"endpoint with user", goodFile + "api: {endpoint: 'https://a:b@c'}",
			"FILE:5: api.endpoint: want an address without user, query and fragment",
		},
		{
			"plain http", goodFile + "api: {endpoint: 'http://bill.api.ksyun.com'}",
			"FILE:5: api.endpoint: http:// beyond this machine sends bills in the clear; use https://, or set" +
				" api.allow_http",
		},
		{"no region", goodFile + "api: {region: ''}", "FILE:5: api.region: is missing"},
		{"timeouts", goodFile + "api: {timeout: 2h}", "FILE:5: api.max_duration: want at least api.timeout (2h)"},
		{
			"limits",
			goodFile + "api: {timeout: 0s, max_body: 0B, requests_per_second: 0, max_retries: -1, daily_calls: -1}",
			"FILE:5: api.timeout: want more than 0s\n" +
				"FILE:5: api.max_body: want more than 0B\n" +
				"FILE:5: api.requests_per_second: want more than 0\n" +
				"FILE:5: api.max_retries: want 0 or more\n" +
				"FILE:5: api.daily_calls: want 0 (no limit) or more",
		},
		{
			"refresh", goodFile + "refresh: {interval: 1ms, details_interval: 0s, concurrency: -1}",
			"FILE:5: refresh.interval: want at least 1s\n" +
				"FILE:5: refresh.details_interval: want more than 0s\n" +
				"FILE:5: refresh.concurrency: want 0 or more",
		},
		{
			"details age", goodFile + "refresh: {details_max_age: 1h}",
			"FILE:5: refresh.details_max_age: want at least refresh.details_interval (6h)",
		},
		{
			"staleness", goodFile + "refresh: {max_staleness: 1d}",
			"FILE:5: refresh.max_staleness: want more than refresh.interval and refresh.details_max_age (1d)," +
				" or good numbers would come and go",
		},
		{"months", goodFile + "months: {past: 25}", "FILE:5: months.past: want 0 to 24"},
		{
			"lake", goodFile + "lake: {path: 's3://bills?endpoint=http://ks3.example'}",
			"FILE:5: lake.path: s3://bills?endpoint=http://ks3.example: endpoint http://ks3.example: want https://," +
				" http:// is for this machine only",
		},
		{"prepaid months", goodFile + "prepaid: {months: 61}", "FILE:5: prepaid.months: want 0 to 60"},
		{"expiry", goodFile + "prepaid: {expiry_within: 23h}", "FILE:5: prepaid.expiry_within: want 1d to 1y"},
		{"late expiry", goodFile + "prepaid: {expiry_within: 366d}", "FILE:5: prepaid.expiry_within: want 1d to 1y"},
		{"days", goodFile + "days: 36", "FILE:5: days: want 0 to 35"},
		{
			"running", goodFile + "months: {running: bills}",
			`FILE:5: months.running: "bills" is none of auto, estimate, bill`,
		},
		{
			"pay endpoint", goodFile + "api: {pay_endpoint: 'http://kingpay.api.ksyun.com'}",
			"FILE:5: api.pay_endpoint: http:// beyond this machine sends bills in the clear; use https://, or set" +
				" api.allow_http",
		},
		{
			"trade endpoint", goodFile + "api: {trade_endpoint: trade}",
			`FILE:5: api.trade_endpoint: "trade" is not an address such as https://bill.api.ksyun.com`,
		},
		{
			"union endpoint", goodFile + "api: {union_endpoint: bill-union}",
			`FILE:5: api.union_endpoint: "bill-union" is not an address such as https://bill.api.ksyun.com`,
		},
		{
			"budgets", goodFile + "budgets:\n  - {account: other, product: KEC, project: \"1\", monthly: 0}\n" +
				"  - {account: main, monthly: 1}\n  - {account: main, monthly: 2}",
			`FILE:6: budgets[0].account: "other" is no account of this file` + "\n" +
				"FILE:6: budgets[0].project: a budget is of a product or of a project, not of both\n" +
				"FILE:6: budgets[0].monthly: want an amount of CNY above 0\n" +
				"FILE:8: budgets[2]: there is a budget of this already",
		},
		{
			"pay modes", goodFile + "budgets:\n  - {account: main, monthly: 1, pay_modes: []}\n" +
				"  - {account: main, product: KEC, monthly: 1, pay_modes: [postpaid, monthly, postpaid]}\n" +
				"  - {account: main, product: EIP, monthly: 1, pay_modes: postpaid}\n" +
				"  - {account: main, product: EBS, monthly: 1, pay_modes: }",
			"FILE:6: budgets[0].pay_modes: want at least one of postpaid, prepaid, realtime; without the key, all count\n" +
				`FILE:7: budgets[1].pay_modes[1]: "monthly" is none of postpaid, prepaid, realtime` + "\n" +
				`FILE:7: budgets[1].pay_modes[2]: "postpaid" counts already` + "\n" +
				"FILE:8: budgets[2].pay_modes: want a list, have a single value",
		},
		{
			"series", goodFile + "instances: {max_series: -1, min_cost: -1}",
			"FILE:5: instances.max_series: want 0 or more\nFILE:5: instances.min_cost: want 0 or more",
		},
		{
			"promote", goodFile + "instances: {promote: [colour, zone_name, zone_name]}",
			`FILE:5: instances.promote[0]: "colour" is none of instance_name, product_subtype, billing_mode,` +
				" region_name, zone_name\n" +
				`FILE:5: instances.promote[2]: "zone_name" is promoted already`,
		},
		{
			"tags", goodFile + "instances: {tags: [{label: 部门}, {key: a, label: region}, {key: b, label: zone_name}]}",
			"FILE:5: instances.tags[0].key: is missing\n" +
				`FILE:5: instances.tags[0].label: "部门" is not a label name: letters, digits and underscores` + "\n" +
				`FILE:5: instances.tags[1].label: "region" is taken` + "\n" +
				`FILE:5: instances.tags[2].label: "zone_name" is taken`,
		},
		{
			"products", goodFile + "products: [{group: VM_GROUP, code: KEC}, {group: VM_GROUP, code: EBS}, {code: EIP}," +
				" {group: NAT_GROUP}]",
			`FILE:5: products[1].group: "VM_GROUP" has a code already` + "\n" +
				"FILE:5: products[2].group: is missing\n" +
				"FILE:5: products[3].code: is missing",
		},
		{
			"projects", goodFile + "projects: [{account: other, id: 1}, {account: main}, {account: main, id: 2}," +
				" {account: main, id: '2'}]",
			`FILE:5: projects[0].account: "other" is no account of this file` + "\n" +
				"FILE:5: projects[1].id: is missing\n" +
				`FILE:5: projects[3].id: "2" is described already`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, loadingError(t, c.text)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
