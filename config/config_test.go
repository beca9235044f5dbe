package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/exposition"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
)

const exampleFile = "../config.example.yaml"

var compareAmounts = cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })

// ignoreFuncs leaves out what cannot be compared.
var ignoreFuncs = cmp.FilterPath(func(p cmp.Path) bool {
	return p.Last().Type() != nil && p.Last().Type().Kind() == reflect.Func
}, cmp.Ignore())

// The example files have all keys, with their defaults.
func TestExampleIsTheDefault(t *testing.T) {
	for _, file := range []string{exampleFile, "../config.example.zh-CN.yaml"} {
		t.Run(filepath.Base(file), func(t *testing.T) { testExample(t, file) })
	}
}

func testExample(t *testing.T, file string) {
	t.Helper()
	got, err := Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Accounts = []Account{{Name: "main", AccessKeyID: "AKLTexample", SecretAccessKey: "example"}}
	if diff := cmp.Diff(want, got, compareAmounts, cmpopts.EquateEmpty(), ignoreFuncs); diff != "" {
		t.Errorf("(-default +example):\n%s", diff)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	example := decodeYAML(file, text, &Config{})
	for _, key := range keysOf("", Default()) {
		if _, ok := example.lines[key]; !ok {
			t.Errorf("lacks %s", key)
		}
	}
}

// keysOf returns the keys of a configuration, lists as a whole.
func keysOf(prefix string, config any) []string {
	var keys []string
	for name, field := range fieldsByKey(reflect.ValueOf(config)) {
		key := strings.TrimPrefix(prefix+"."+name, ".")
		keys = append(keys, key)
		if _, isAmount := reflect.TypeAssert[billclient.Amount](field); field.Kind() == reflect.Struct && !isAmount {
			keys = append(keys, keysOf(key, field.Interface())...)
		}
	}
	return keys
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "id"), "AKLT1\n")
	write(t, filepath.Join(dir, "secret"), " s3cret \n")
	write(t, filepath.Join(dir, "token"), "t0ken==\n")
	file := filepath.Join(dir, "config.yaml")
	write(t, file, `
accounts:
  - &first
    name: 主账号
    access_key_id_file: `+dir+`/id
    secret_access_key_file: `+dir+`/secret
    security_token_file: `+dir+`/token
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
prepaid: {months: 12, expiry_within: 2w}
budgets:
  - {account: 主账号, product: KEC, monthly: 120000.10, pay_modes: [realtime, postpaid]}
`)
	config, err := Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	options := config.Options("test/1")
	account := options.Accounts[0]
	key, err := account.API.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantKey := billclient.Credentials{AccessKeyID: "AKLT1", SecretAccessKey: "s3cret", SecurityToken: "t0ken=="}
	if key != wantKey {
		t.Error("the key files are not read as they should be")
	}
	write(t, filepath.Join(dir, "id"), "AKLT2")
	if key, _ = account.API.Credentials(t.Context()); key.AccessKeyID != "AKLT2" {
		t.Errorf("after rotation the access key id is %q", key.AccessKeyID)
	}
	write(t, filepath.Join(dir, "token"), "another")
	if key, _ = account.API.Credentials(t.Context()); key.SecurityToken != "another" {
		t.Errorf("after rotation the token is %q", key.SecurityToken)
	}
	want := collector.Options{
		Refresh: collector.Refresh{
			Interval: 24 * time.Hour, DetailsInterval: 6 * time.Hour, DetailsMaxAge: 24 * time.Hour,
			MaxStaleness: 7 * 24 * time.Hour, Concurrency: 2,
		},
		Months: collector.Months{Running: collector.Estimate, Past: 3, BillSettles: 10 * 24 * time.Hour},
		Days:   7, FewLines: 5000,
		Instances: ledger.Instances{
			Enabled: true, LastMonth: true, MaxSeries: 2000, MinCost: amount(t, "0.01"),
			Promote: []string{"department", "zone_name"}, Tags: []ledger.Tag{{Key: "部门", Label: "department"}},
		},
		Prepaid:  collector.Prepaid{Months: 12, ExpiryWithin: 14 * 24 * time.Hour},
		Projects: []metrics.Project{{Account: "主账号", ID: "103800", Owner: "ads-team", CostCenter: "4711"}},
		Budgets: []metrics.Budget{{
			Account: "主账号", Product: "KEC", Monthly: amount(t, "120000.10"), PayModes: []string{"realtime", "postpaid"},
		}},
		Accounts: []collector.Account{{
			Name: "主账号", CustomerID: "73400575", Keys: account.Keys, API: account.API,
		}},
	}
	if diff := cmp.Diff(want, options, compareAmounts, ignoreFuncs); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	got := account.API
	optional := got.UnionEndpoint + got.PayEndpoint + got.TradeEndpoint
	if got.Endpoint != "http://127.0.0.1:8080" || optional != "" || got.MaxBody != 1<<20 ||
		got.RequestsPerSecond != .5 {
		t.Errorf("api: %+v", got)
	}
}

// Relative paths are relative to the directory of the file, not to the one in which the program was started; absolute
// ones stay as they are, and so do those that are not given.
func TestRelativePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("etc/keys", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, "etc/keys/main.id", "AKLT1")
	write(t, "main.secret", "s3cret")
	write(t, "etc/config.yaml", `
accounts:
  - {name: main, access_key_id_file: keys/main.id, secret_access_key_file: ../main.secret, security_token_file: token}
  - {name: games, access_key_id_file: /keys/games.id, secret_access_key: s3cret}
state_dir: state
lake: {path: lake}
`)
	for _, where := range []string{"etc", filepath.Join(dir, "etc")} {
		got, err := Load(where+"/config.yaml", noEnvironment)
		if err != nil {
			t.Fatal(err)
		}
		want := Default()
		want.StateDir, want.Lake.Path = where+"/state", where+"/lake"
		want.Accounts = []Account{{
			Name: "main", AccessKeyIDFile: where + "/keys/main.id",
			SecretAccessKeyFile: filepath.Join(where, "../main.secret"), SecurityTokenFile: where + "/token",
		}, {Name: "games", AccessKeyIDFile: "/keys/games.id", SecretAccessKey: "s3cret"}}
		if diff := cmp.Diff(want, got, compareAmounts, ignoreFuncs); diff != "" {
			t.Errorf("%s (-want +got):\n%s", where, diff)
		}
	}
	_, err := LoadWithKeys("etc/config.yaml", noEnvironment)
	const want = `etc/config.yaml:3: accounts[0].security_token_file: open etc/token: no such file or directory
etc/config.yaml:4: accounts[1].access_key_id_file: open /keys/games.id: no such file or directory`
	if got := errorText(err); got != want {
		t.Errorf("with keys: %s, want %s", got, want)
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
		config, err := Load("", func(name string) string { return environment[name] })
		if got := errorText(err); got != c.want {
			t.Errorf("%q, %q: error %q, want %q", c.id, c.secret, got, c.want)
		}
		if c.want == "" && (len(config.Accounts) != 1 || config.Accounts[0].Name != "default") {
			t.Errorf("accounts: %+v", config.Accounts)
		}
	}
	if _, err := Load("/nowhere.yaml", noEnvironment); errorText(err) !=
		"--config.file: open /nowhere.yaml: no such file or directory" {
		t.Error(err)
	}
}

// oneMistake matches the error of a mistake in a file: one line that begins with the place.
var oneMistake = regexp.MustCompile(`^FILE(:[1-9][0-9]*)?: \P{Cc}+$`)

// FuzzConfig loads any text. Every mistake in it is reported with its place, and a text without mistakes makes an
// exporter whose page can be rendered.
func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(goodFile +
		"api: {endpoint: http://127.0.0.1:1, max_body: 1MiB}\nbudgets: [{account: main, monthly: 1}]"))
	f.Add([]byte(goodFile + "projects: [{account: main, id: !!str 1}]\ninstances: {tags: [{key: 部门, label: d}]}\n"))
	f.Add([]byte("accounts: &a [{name: a, access_key_id: b, secret_access_key: c}, *a]\nrefresh: {interval: 1ms}\n"))
	file := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := Load(file, noEnvironment)
		if err == nil {
			err = expose(config)
		}
		for _, mistake := range mistakesIn(err) {
			if text := strings.Replace(mistake.Error(), file, "FILE", 1); !oneMistake.MatchString(text) {
				t.Errorf("%q has no place", text)
			}
		}
	})
}

// expose renders the first page of an exporter with this configuration, before any call is made.
func expose(config Config) error {
	_ = Meaning(config) // must not panic
	var page *exposition.Page
	publish := func(p *exposition.Page) { page = p }
	bills := collector.New(config.Options("fuzz"), prometheus.NewRegistry(), publish, log.NewNopLogger())
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := bills.Run(ended); err != nil {
		return err
	}
	if page == nil || page.Series() == 0 {
		return errors.New("the page does not even have the accounts")
	}
	return nil
}

// mistakesIn returns the errors that Load has joined.
func mistakesIn(err error) []error {
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
