package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var compareAmounts = cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })

func TestExampleIsTheDefault(t *testing.T) {
	got, err := LoadConfig("config.example.yaml", noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	want.Accounts = []AccountConfig{{Name: "main", AccessKeyID: "AKLTexample", SecretAccessKey: "example"}}
	if diff := cmp.Diff(want, got, compareAmounts, cmpopts.EquateEmpty(), ignoreFuncs); diff != "" {
		t.Errorf("config.example.yaml (-default +example):\n%s", diff)
	}
	text, err := os.ReadFile("config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	example := decodeYAML("config.example.yaml", text, &Config{})
	for _, key := range keysOf("", DefaultConfig()) {
		if _, ok := example.lines[key]; !ok {
			t.Errorf("config.example.yaml lacks %s", key)
		}
	}
}

func TestLoadConfig(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "id"), "AKLT1\n")
	write(t, filepath.Join(dir, "secret"), " s3cret \n")
	file := filepath.Join(dir, "config.yaml")
	write(t, file, `
accounts:
  - &first
    name: 主账号
    access_key_id_file: `+dir+`/id
    secret_access_key_file: `+dir+`/secret
    customer_id: 73400575
api: {endpoint: "http://127.0.0.1:8080", max_body: 1MiB, requests_per_second: 0.5}
refresh: {interval: 1d, max_staleness: 1w}
instances:
  min_cost: 0.01
  tags: [{key: 部门, label: department}]
  promote: [department, zone_name]
projects:
  - {account: 主账号, id: 103800, owner: ads-team, cost_center: 4711}
months: {running: estimate}
days: 7
budgets:
  - {account: 主账号, product: KEC, monthly: 120000.10}
`)
	config, err := LoadConfig(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	options := config.Options("test/1")
	account := options.Accounts[0]
	key, err := account.API.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	if want := (billclient.Credentials{AccessKeyID: "AKLT1", SecretAccessKey: "s3cret"}); key != want {
		t.Error("the key files are not read as they are")
	}
	write(t, filepath.Join(dir, "id"), "AKLT2")
	if key, _ = account.API.Credentials(); key.AccessKeyID != "AKLT2" {
		t.Errorf("after rotation the access key id is %q", key.AccessKeyID)
	}
	want := collector.Options{
		Refresh: collector.Refresh{
			Interval: 24 * time.Hour, DetailsInterval: 6 * time.Hour, DetailsMaxAge: 24 * time.Hour,
			MaxStaleness: 7 * 24 * time.Hour, Concurrency: 2,
		},
		Months: collector.Months{Running: collector.Estimate, Past: 3},
		Days:   7,
		Instances: collector.Instances{
			Enabled: true, LastMonth: true, MaxSeries: 2000, MinCost: amount(t, "0.01"),
			Promote: []string{"department", "zone_name"}, Tags: []collector.Tag{{Key: "部门", Label: "department"}},
		},
		Projects: []collector.Project{{Account: "主账号", ID: "103800", Owner: "ads-team", CostCenter: "4711"}},
		Budgets:  []collector.Budget{{Account: "主账号", Product: "KEC", Monthly: amount(t, "120000.10")}},
		Accounts: []collector.Account{{
			Name: "主账号", CustomerID: "73400575", Keys: account.Keys, API: account.API,
		}},
	}
	if diff := cmp.Diff(want, options, compareAmounts, ignoreFuncs); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	got := account.API
	if got.Endpoint != "http://127.0.0.1:8080" || got.UnionEndpoint != "" || got.MaxBody != 1<<20 ||
		got.RequestsPerSecond != .5 {
		t.Errorf("api: %+v", got)
	}
}

// Each bad configuration is the good one below with one line in its place or after it.
const good = `accounts:
  - name: main
    access_key_id: AKLT
    secret_access_key: s3cret
`

func TestBadConfig(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "FILE: accounts: want at least one account"},
		{"no YAML", "accounts: [", "FILE: yaml: line 1: did not find expected node content"},
		{"no accounts", "accounts: []", "FILE:1: accounts: want at least one account"},
		{"not a mapping", "- a", "FILE: want keys with values, have a list"},
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
			"name twice", good + "  - {name: main, access_key_id: a, secret_access_key: b}",
			`FILE:5: accounts[1].name: "main" is the name of another account`,
		},
		{"unknown key", good + "refresh:\n  intervall: 1h", "FILE:6: refresh.intervall: unknown key"},
		{"key of two lines", good + "\"n\\nid\": 1", "FILE:5: n?id: unknown key"},
		{
			"secret of another kind", "accounts: [{name: a, access_key_id: b, secret_access_key: !!int s3cret}]",
			"FILE:1: accounts[0].secret_access_key: want a text, have !!int",
		},
		{"key twice", good + "months: {past: 1, past: 2}", "FILE:5: months.past: given twice"},
		{
			"no duration", good + "refresh: {interval: soon}",
			`FILE:5: refresh.interval: "soon" is not a duration such as 90s, 1h or 3d`,
		},
		{"no number", good + "months: {past: three}", `FILE:5: months.past: "three" is not a whole number`},
		{"no bool", good + "instances: {enabled: 3}", `FILE:5: instances.enabled: "3" is not true or false`},
		{"no float", good + "api: {requests_per_second: x}", `FILE:5: api.requests_per_second: "x" is not a number`},
		{
			"no size", good + "api: {max_body: 8 parsecs}",
			`FILE:5: api.max_body: units: unknown unit  parsecs in 8 parsecs`,
		},
		{
			"no amount", good + "instances: {min_cost: cheap}",
			`FILE:5: instances.min_cost: amount "cheap": not a decimal number`,
		},
		{
			"no list", good + "instances: {promote: zone_name}",
			`FILE:5: instances.promote: want a list, have a single value`,
		},
		{"no value", good + "api: {region: [a]}", "FILE:5: api.region: want a single value, have a list"},
		{
			"secret in the wrong place", "s3cret\n", "FILE: want keys with values, have a single value",
		},
		{"two documents", good + "---\nmonths: {past: 1}", "FILE: want one YAML document"},
		{
			"one key for two accounts", good + "  - {name: b, access_key_id: AKLT, secret_access_key: c}",
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
			"tag twice", good + "instances: {tags: [{key: d, label: a}, {key: d, label: b}]}",
			`FILE:5: instances.tags[1].key: "d" is configured already`,
		},
		{
			"pace", good + "api: {requests_per_second: .nan}", "FILE:5: api.requests_per_second: want more than 0",
		},
		{
			"no endpoint", good + "api: {endpoint: bill.api.ksyun.com}",
			`FILE:5: api.endpoint: "bill.api.ksyun.com" is not an address such as https://bill.api.ksyun.com`,
		},
		{
			"endpoint with user", good + "api: {endpoint: 'https://a:b@c'}",
			"FILE:5: api.endpoint: want an address without user, query and fragment",
		},
		{
			"plain http", good + "api: {endpoint: 'http://bill.api.ksyun.com'}",
			"FILE:5: api.endpoint: http:// beyond this machine sends bills in the clear; use https://, or set" +
				" api.allow_http",
		},
		{"no region", good + "api: {region: ''}", "FILE:5: api.region: is missing"},
		{"timeouts", good + "api: {timeout: 2h}", "FILE:5: api.max_duration: want at least api.timeout (2h)"},
		{
			"limits",
			good + "api: {timeout: 0s, max_body: 0B, requests_per_second: 0, max_retries: -1, daily_calls: -1}",
			"FILE:5: api.timeout: want more than 0s\n" +
				"FILE:5: api.max_body: want more than 0B\n" +
				"FILE:5: api.requests_per_second: want more than 0\n" +
				"FILE:5: api.max_retries: want 0 or more\n" +
				"FILE:5: api.daily_calls: want 0 (no limit) or more",
		},
		{
			"refresh", good + "refresh: {interval: 1ms, details_interval: 0s, concurrency: 0}",
			"FILE:5: refresh.interval: want at least 1s\n" +
				"FILE:5: refresh.details_interval: want more than 0s\n" +
				"FILE:5: refresh.concurrency: want at least 1",
		},
		{
			"details age", good + "refresh: {details_max_age: 1h}",
			"FILE:5: refresh.details_max_age: want at least refresh.details_interval (6h)",
		},
		{
			"staleness", good + "refresh: {max_staleness: 1d}",
			"FILE:5: refresh.max_staleness: want more than refresh.interval and refresh.details_max_age (1d)," +
				" or good numbers would come and go",
		},
		{"months", good + "months: {past: 25}", "FILE:5: months.past: want 0 to 24"},
		{"days", good + "days: 32", "FILE:5: days: want 0 to 31"},
		{
			"running", good + "months: {running: bills}",
			`FILE:5: months.running: "bills" is none of auto, estimate, bill`,
		},
		{
			"union endpoint", good + "api: {union_endpoint: bill-union}",
			`FILE:5: api.union_endpoint: "bill-union" is not an address such as https://bill.api.ksyun.com`,
		},
		{
			"budgets", good + "budgets:\n  - {account: other, product: KEC, project: \"1\", monthly: 0}\n" +
				"  - {account: main, monthly: 1}\n  - {account: main, monthly: 2}",
			`FILE:6: budgets[0].account: "other" is no account of this file` + "\n" +
				"FILE:6: budgets[0].project: a budget is of a product or of a project, not of both\n" +
				"FILE:6: budgets[0].monthly: want an amount of CNY above 0\n" +
				"FILE:8: budgets[2]: there is a budget of this already",
		},
		{
			"series", good + "instances: {max_series: -1, min_cost: -1}",
			"FILE:5: instances.max_series: want 0 or more\nFILE:5: instances.min_cost: want 0 or more",
		},
		{
			"promote", good + "instances: {promote: [colour, zone_name, zone_name]}",
			`FILE:5: instances.promote[0]: "colour" is none of instance_name, product_subtype, billing_mode,` +
				" region_name, zone_name\n" +
				`FILE:5: instances.promote[2]: "zone_name" is promoted already`,
		},
		{
			"tags", good + "instances: {tags: [{label: 部门}, {key: a, label: region}, {key: b, label: zone_name}]}",
			"FILE:5: instances.tags[0].key: is missing\n" +
				`FILE:5: instances.tags[0].label: "部门" is not a label name: letters, digits and underscores` + "\n" +
				`FILE:5: instances.tags[1].label: "region" is taken` + "\n" +
				`FILE:5: instances.tags[2].label: "zone_name" is taken`,
		},
		{
			"projects", good + "projects: [{account: other, id: 1}, {account: main}, {account: main, id: 2}," +
				" {account: main, id: '2'}]",
			`FILE:5: projects[0].account: "other" is no account of this file` + "\n" +
				"FILE:5: projects[1].id: is missing\n" +
				`FILE:5: projects[3].id: "2" is described already`,
		},
		{
			"all at once, in order", "months: {past: -1}\nrefresh: {interval: x}\nfoo: 1\naccounts: []",
			"FILE:1: months.past: want 0 to 24\n" +
				`FILE:2: refresh.interval: "x" is not a duration such as 90s, 1h or 3d` + "\n" +
				"FILE:3: foo: unknown key\n" +
				"FILE:4: accounts: want at least one account",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.yaml")
			write(t, file, c.text)
			_, err := LoadConfig(file, noEnvironment)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(c.want, strings.ReplaceAll(err.Error(), file, "FILE")); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// A file without a key leaves its account to wait for one; only --config.check calls it a mistake.
func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, text, want string }{
		{"nowhere", "", "open DIR/nowhere: no such file or directory"},
		{"empty", " \n", "DIR/empty: is empty"},
		{"two", "AKLT1\nAKLT2\n", "DIR/two: has something else than letters, digits and signs in it"},
		{"good", "AKLT1\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.text != "" {
				write(t, filepath.Join(dir, c.name), c.text)
			}
			file := filepath.Join(dir, "config.yaml")
			write(t, file, "accounts:\n  - name: a\n    access_key_id: b\n    secret_access_key_file: "+
				filepath.Join(dir, c.name))
			config, err := LoadConfig(file, noEnvironment)
			if err != nil {
				t.Error(err)
			}
			_, failed := config.Options("").Accounts[0].API.Credentials()
			var out, log strings.Builder
			code := run(t.Context(), []string{"--config.file=" + file, "--config.check"}, noEnvironment, &out, &log)
			key, said, wantCode := "", "", 0
			if c.want != "" {
				key, wantCode = "secret_access_key_file: "+c.want, 1
				said = `level=error msg="cannot go on" err="DIR/config.yaml:4: accounts[0].` + key + "\"\n"
			}
			if got := strings.ReplaceAll(errorText(failed), dir, "DIR"); got != key {
				t.Errorf("credentials: %s, want %s", got, key)
			}
			got := strings.ReplaceAll(logTime.ReplaceAllString(log.String(), ""), dir, "DIR")
			if got != said || code != wantCode || (out.Len() == 0) != (wantCode == 1) {
				t.Errorf("exit code %d, %swant %d, %s", code, got, wantCode, said)
			}
		})
	}
}

// What is not shown is not asked for, and not counted either.
func TestMeaningOfLittle(t *testing.T) {
	config := DefaultConfig()
	config.Months.Past, config.Days, config.API.UnionEndpoint = 0, 0, ""
	if got, want := config.calls(), "72 for summaries; lines are read 1 to 8 times"; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestConfigFromEnvironment(t *testing.T) {
	for _, c := range []struct {
		id, secret, want string
	}{
		{"AKLT", "s3cret", ""},
		{"", "", "no account: give --config.file, or set KSYUN_ACCESS_KEY and KSYUN_SECRET_KEY, or try --demo"},
		{"AKLT", "", "KSYUN_ACCESS_KEY is set, KSYUN_SECRET_KEY is not"},
		{"", "s3cret", "KSYUN_SECRET_KEY is set, KSYUN_ACCESS_KEY is not"},
	} {
		environment := map[string]string{"KSYUN_ACCESS_KEY": c.id, "KSYUN_SECRET_KEY": c.secret}
		config, err := LoadConfig("", func(name string) string { return environment[name] })
		if got := errorText(err); got != c.want {
			t.Errorf("%q, %q: error %q, want %q", c.id, c.secret, got, c.want)
		}
		if c.want == "" && (len(config.Accounts) != 1 || config.Accounts[0].Name != "default") {
			t.Errorf("accounts: %+v", config.Accounts)
		}
	}
	if _, err := LoadConfig("/nowhere.yaml", noEnvironment); errorText(err) !=
		"--config.file: open /nowhere.yaml: no such file or directory" {
		t.Error(err)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	config := DefaultConfig()
	config.Accounts = []AccountConfig{{SecretAccessKey: "s3cret"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, config); strings.Contains(text, "s3cret") {
			t.Errorf("%s prints the secret", verb)
		}
	}
}
