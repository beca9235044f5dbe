package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"

	"github.com/prometheus/common/model"
)

// Config is the configuration file, key by key; config.example.yaml explains each.
type Config struct {
	Accounts  []AccountConfig     `yaml:"accounts"`
	API       billclient.Options  `yaml:"api"`
	Refresh   collector.Refresh   `yaml:"refresh"`
	Months    collector.Months    `yaml:"months"`
	Days      int                 `yaml:"days"`
	Instances collector.Instances `yaml:"instances"`
	Projects  []collector.Project `yaml:"projects"`
	Budgets   []collector.Budget  `yaml:"budgets"`
	StateDir  string              `yaml:"state_dir"`
}

// AccountConfig is one entry of accounts.
type AccountConfig struct {
	Name                string `yaml:"name"`
	AccessKeyID         string `yaml:"access_key_id"`
	AccessKeyIDFile     string `yaml:"access_key_id_file"`
	SecretAccessKey     secret `yaml:"secret_access_key"`
	SecretAccessKeyFile string `yaml:"secret_access_key_file"`
	CustomerID          string `yaml:"customer_id"`
}

// secret is a text that no log line and no error shows.
type secret string

func (secret) String() string   { return "<secret>" }
func (secret) GoString() string { return "<secret>" }

// The environment variables of the one account that needs no file, as the vendor's Terraform provider names them.
const (
	accessKeyVariable = "KSYUN_ACCESS_KEY"
	secretKeyVariable = "KSYUN_SECRET_KEY"
)

// DefaultConfig returns every key at its default: no account.
func DefaultConfig() Config {
	return Config{
		API: billclient.DefaultOptions(),
		Refresh: collector.Refresh{
			Interval:        time.Hour,
			DetailsInterval: 6 * time.Hour,
			DetailsMaxAge:   24 * time.Hour,
			MaxStaleness:    72 * time.Hour,
			Concurrency:     2,
		},
		Months: collector.Months{Running: collector.Auto, Past: 3},
		Days:   31,
		Instances: collector.Instances{
			Enabled: true, LastMonth: true, MaxSeries: 2000, Promote: []string{"instance_name"},
		},
	}
}

// LoadConfig reads and checks a configuration file. Without one, the environment variables make one account named
// default. The error joins all mistakes, each with file, line, key and rule. A file that a key is to be read from is no
// part of the configuration: where it has no key, its account alone has to wait for one.
func LoadConfig(file string, getenv func(string) string) (Config, error) {
	return loadConfig(file, getenv, (*Config).check)
}

func loadConfig(file string, getenv func(string) string, check func(*Config, *document)) (Config, error) {
	config := DefaultConfig()
	if file == "" {
		return config, config.fromEnvironment(getenv)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return config, fmt.Errorf("--config.file: %w", err)
	}
	d := decodeYAML(file, text, &config)
	if _, ok := d.lines["api.union_endpoint"]; !ok && config.API.Endpoint != billclient.DefaultOptions().Endpoint {
		// Who asks a simulator or a proxy for bills does not mean the real API for the rest.
		config.API.UnionEndpoint = ""
	}
	check(&config, d)
	return config, d.err()
}

func (c *Config) fromEnvironment(getenv func(string) string) error {
	account := AccountConfig{
		Name: "default", AccessKeyID: getenv(accessKeyVariable), SecretAccessKey: secret(getenv(secretKeyVariable)),
	}
	switch {
	case account.AccessKeyID == "" && account.SecretAccessKey == "":
		return fmt.Errorf("no account: give --config.file, or set %s and %s, or try --demo",
			accessKeyVariable, secretKeyVariable)
	case account.AccessKeyID == "":
		return fmt.Errorf("%s is set, %s is not", secretKeyVariable, accessKeyVariable)
	case account.SecretAccessKey == "":
		return fmt.Errorf("%s is set, %s is not", accessKeyVariable, secretKeyVariable)
	}
	c.Accounts = []AccountConfig{account}
	return nil
}

// Options returns what the configuration means to the collector.
func (c Config) Options(userAgent string) collector.Options {
	options := collector.Options{
		Refresh: c.Refresh, Months: c.Months, Days: c.Days, Instances: c.Instances, Projects: c.Projects,
		Budgets: c.Budgets,
	}
	for _, a := range c.Accounts {
		api := c.API
		api.Credentials, api.UserAgent = a.credentials, userAgent
		options.Accounts = append(options.Accounts, collector.Account{
			Name: a.Name, CustomerID: a.CustomerID, API: api, Keys: a.keys(),
		})
	}
	return options
}

// credentials returns the account's key; files are read anew each time, so that a rotated key needs no restart.
func (a AccountConfig) credentials() (billclient.Credentials, error) {
	id, err := valueOrFile(a.AccessKeyID, a.AccessKeyIDFile)
	if err != nil {
		return billclient.Credentials{}, fmt.Errorf("access_key_id_file: %w", err)
	}
	secret, err := valueOrFile(string(a.SecretAccessKey), a.SecretAccessKeyFile)
	if err != nil {
		return billclient.Credentials{}, fmt.Errorf("secret_access_key_file: %w", err)
	}
	return billclient.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
}

// keys tells one place to have the key from from another, without saying a key.
func (a AccountConfig) keys() string {
	sum := sha256.Sum256([]byte(a.AccessKeyID + "\n" + string(a.SecretAccessKey)))
	return fmt.Sprintf("%x %s %s", sum, a.AccessKeyIDFile, a.SecretAccessKeyFile)
}

func valueOrFile(value, file string) (string, error) {
	if file == "" {
		return oneWord(value)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if value, err = oneWord(string(text)); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return value, nil
}

// oneWord returns a key without the blanks and the newline around it.
func oneWord(text string) (string, error) {
	word := strings.TrimSpace(text)
	switch {
	case word == "":
		return "", errors.New("is empty")
	case strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", errors.New("has something else than letters, digits and signs in it")
	default:
		return word, nil
	}
}

// check takes down every rule that the configuration breaks.
func (c *Config) check(d *document) {
	c.checkAccounts(d)
	c.checkAPI(d)
	c.checkRefresh(d)
	c.checkInstances(d)
	c.checkProjects(d)
	c.checkBudgets(d)
	switch c.Months.Running {
	case collector.Auto, collector.Estimate, collector.Bill:
	default:
		d.reject("months.running", "%q is none of auto, estimate, bill", c.Months.Running)
	}
	if c.Months.Past < 0 || c.Months.Past > 24 {
		d.reject("months.past", "want 0 to 24")
	}
	if c.Days < 0 || c.Days > 31 {
		d.reject("days", "want 0 to 31")
	}
}

func (c *Config) checkAccounts(d *document) {
	if len(c.Accounts) == 0 {
		d.reject("accounts", "want at least one account")
	}
	names, ids := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		switch {
		case a.Name == "":
			d.reject(key+".name", "is missing")
		case !utf8.ValidString(a.Name):
			d.reject(key+".name", "is not UTF-8")
		case names[a.Name]:
			d.reject(key+".name", "%q is the name of another account", a.Name)
		}
		names[a.Name] = true
		checkKey(d, key+".access_key_id", a.AccessKeyID, a.AccessKeyIDFile)
		checkKey(d, key+".secret_access_key", string(a.SecretAccessKey), a.SecretAccessKeyFile)
		if id, err := a.credentials(); err == nil && ids[id.AccessKeyID] {
			d.reject(key+".access_key_id", "is another account's: its bills would count twice")
		} else {
			ids[id.AccessKeyID] = true
		}
		if a.CustomerID != "" && !customerID.MatchString(a.CustomerID) {
			d.reject(key+".customer_id", "%q is no customer id: digits, as the bill has them", a.CustomerID)
		}
	}
}

var customerID = regexp.MustCompile(`^0*[1-9][0-9]*$`)

// checkKey checks a value that can also stand in a file of its own.
func checkKey(d *document, key, value, file string) {
	switch {
	case value == "" && file == "":
		d.reject(key, "is missing; give it or %s_file", key[strings.LastIndex(key, ".")+1:])
	case value != "" && file != "":
		d.reject(key, "give it or %s_file, not both", key[strings.LastIndex(key, ".")+1:])
	case file == "":
		if _, err := oneWord(value); err != nil {
			d.reject(key, "%w", err)
		}
	}
}

// checkWithKeys is check, and rejects files that a key cannot be read from.
func (c *Config) checkWithKeys(d *document) {
	c.check(d)
	for i, a := range c.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		checkKeyFile(d, key+".access_key_id_file", a.AccessKeyIDFile)
		checkKeyFile(d, key+".secret_access_key_file", a.SecretAccessKeyFile)
	}
}

func checkKeyFile(d *document, key, file string) {
	if file == "" {
		return
	}
	if _, err := valueOrFile("", file); err != nil {
		d.reject(key, "%w", err)
	}
}

func (c *Config) checkAPI(d *document) {
	if err := checkEndpoint(c.API.Endpoint, c.API.AllowHTTP); err != nil {
		d.reject("api.endpoint", "%w", err)
	}
	if c.API.UnionEndpoint != "" {
		if err := checkEndpoint(c.API.UnionEndpoint, c.API.AllowHTTP); err != nil {
			d.reject("api.union_endpoint", "%w", err)
		}
	}
	if c.API.Region == "" {
		d.reject("api.region", "is missing")
	}
	if c.API.Timeout <= 0 {
		d.reject("api.timeout", "want more than 0s")
	}
	if c.API.MaxDuration < c.API.Timeout {
		d.reject("api.max_duration", "want at least api.timeout (%s)", model.Duration(c.API.Timeout))
	}
	if c.API.MaxBody <= 0 {
		d.reject("api.max_body", "want more than 0B")
	}
	if !(c.API.RequestsPerSecond > 0) || math.IsInf(c.API.RequestsPerSecond, 0) {
		d.reject("api.requests_per_second", "want more than 0")
	}
	if c.API.MaxRetries < 0 {
		d.reject("api.max_retries", "want 0 or more")
	}
	if c.API.DailyCalls < 0 {
		d.reject("api.daily_calls", "want 0 (no limit) or more")
	}
}

// checkEndpoint refuses an address that would send keys or bills in the clear.
func checkEndpoint(endpoint string, allowHTTP bool) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q is not an address such as https://bill.api.ksyun.com", endpoint)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("want an address without user, query and fragment")
	case u.Scheme == "http" && !allowHTTP && !isLoopback(u.Hostname()):
		return errors.New("http:// beyond this machine sends bills in the clear; use https://, or set api.allow_http")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *Config) checkRefresh(d *document) {
	r := c.Refresh
	if r.Interval < time.Second {
		d.reject("refresh.interval", "want at least 1s")
	}
	if r.DetailsInterval <= 0 {
		d.reject("refresh.details_interval", "want more than 0s")
	}
	if r.DetailsMaxAge < r.DetailsInterval {
		d.reject("refresh.details_max_age", "want at least refresh.details_interval (%s)",
			model.Duration(r.DetailsInterval))
	}
	if longest := max(r.Interval, r.DetailsMaxAge); r.MaxStaleness <= longest {
		d.reject("refresh.max_staleness", "want more than refresh.interval and refresh.details_max_age (%s), or good"+
			" numbers would come and go", model.Duration(longest))
	}
	if r.Concurrency < 1 {
		d.reject("refresh.concurrency", "want at least 1")
	}
}

func (c *Config) checkInstances(d *document) {
	if c.Instances.MaxSeries < 0 {
		d.reject("instances.max_series", "want 0 or more")
	}
	if c.Instances.MinCost.Sign() < 0 {
		d.reject("instances.min_cost", "want 0 or more")
	}
	labels := collector.InstanceFacts()
	for i, tag := range c.Instances.Tags {
		key := fmt.Sprintf("instances.tags[%d]", i)
		switch {
		case tag.Key == "":
			d.reject(key+".key", "is missing")
		case slices.ContainsFunc(c.Instances.Tags[:i], func(t collector.Tag) bool { return t.Key == tag.Key }):
			d.reject(key+".key", "%q is configured already", tag.Key)
		}
		if err := checkLabel(tag.Label, labels); err != nil {
			d.reject(key+".label", "%w", err)
		}
		labels = append(labels, tag.Label)
	}
	for i, name := range c.Instances.Promote {
		key := fmt.Sprintf("instances.promote[%d]", i)
		if !slices.Contains(labels, name) {
			d.reject(key, "%q is none of %s", name, strings.Join(labels, ", "))
		}
		if slices.Contains(c.Instances.Promote[:i], name) {
			d.reject(key, "%q is promoted already", name)
		}
	}
}

// reservedLabels are labels of the families themselves, and those that scrape configurations put on every target.
var reservedLabels = []string{
	"account", "pay_mode", "product_code", "project_id", "instance_id", "months_ago",
	"instance", "job", "region", "zone", "service",
}

func checkLabel(label string, taken []string) error {
	switch {
	case !model.LegacyValidation.IsValidLabelName(label) || strings.HasPrefix(label, "__"):
		return fmt.Errorf("%q is not a label name: letters, digits and underscores", label)
	case slices.Contains(reservedLabels, label) || slices.Contains(taken, label):
		return fmt.Errorf("%q is taken", label)
	}
	return nil
}

func (c *Config) checkProjects(d *document) {
	seen := map[collector.Project]bool{}
	for i, p := range c.Projects {
		key := fmt.Sprintf("projects[%d]", i)
		c.checkAccount(d, key, p.Account)
		if p.ID == "" {
			d.reject(key+".id", "is missing")
		}
		if id := (collector.Project{Account: p.Account, ID: p.ID}); seen[id] {
			d.reject(key+".id", "%q is described already", p.ID)
		} else {
			seen[id] = true
		}
	}
}

func (c *Config) checkAccount(d *document, key, account string) {
	if !slices.ContainsFunc(c.Accounts, func(a AccountConfig) bool { return a.Name == account }) {
		d.reject(key+".account", "%q is no account of this file", account)
	}
}

func (c *Config) checkBudgets(d *document) {
	seen := map[collector.Budget]bool{}
	for i, b := range c.Budgets {
		key := fmt.Sprintf("budgets[%d]", i)
		c.checkAccount(d, key, b.Account)
		if b.Product != "" && b.Project != "" {
			d.reject(key+".project", "a budget is of a product or of a project, not of both")
		}
		if b.Monthly.Sign() <= 0 {
			d.reject(key+".monthly", "want an amount of CNY above 0")
		}
		if of := (collector.Budget{Account: b.Account, Product: b.Product, Project: b.Project}); seen[of] {
			d.reject(key, "there is a budget of this already")
		} else {
			seen[of] = true
		}
	}
}
