// Package config reads the configuration of the program: the keys of the file and their defaults, the rules that their
// values have to keep, and what a configuration means to the other packages and to people.
package config

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// Config is the configuration file, key by key; docs/configuration.md explains each.
type Config struct {
	Accounts  []Account                `yaml:"accounts"`
	API       billclient.Options       `yaml:"api"`
	Refresh   collector.Refresh        `yaml:"refresh"`
	Months    collector.Months         `yaml:"months"`
	Days      int                      `yaml:"days"`
	Instances ledger.Instances         `yaml:"instances"`
	Prepaid   collector.Prepaid        `yaml:"prepaid"`
	Projects  []metrics.Project        `yaml:"projects"`
	Products  []metrics.ProductMapping `yaml:"products"`
	Budgets   []metrics.Budget         `yaml:"budgets"`
	StateDir  string                   `yaml:"state_dir"`
	Lake      Lake                     `yaml:"lake"`
}

// Lake is the section lake of the configuration.
type Lake struct {
	Path string `yaml:"path"` // a folder, or s3://bucket/prefix; empty: lines are not kept
}

// The environment variables of the one account that needs no file, as the vendor's Terraform provider names them.
const (
	accessKeyVariable = "KSYUN_ACCESS_KEY"
	secretKeyVariable = "KSYUN_SECRET_KEY"
)

// Default returns a configuration with every key at its default. It has no account.
func Default() Config {
	return Config{
		API: billclient.DefaultOptions(),
		Refresh: collector.Refresh{
			Interval:        time.Hour,
			DetailsInterval: 6 * time.Hour,
			DetailsMaxAge:   24 * time.Hour,
			MaxStaleness:    72 * time.Hour,
		},
		Months: collector.Months{Running: collector.Auto, Past: 3, BillSettles: 10 * 24 * time.Hour},
		Days:   31,
		Instances: ledger.Instances{
			Enabled: true, LastMonth: true, MaxSeries: 2000, Promote: []string{"instance_name"},
		},
		Prepaid: collector.Prepaid{Months: 36, ExpiryWithin: 30 * 24 * time.Hour},
	}
}

// Load reads a configuration file and checks it. If file is empty, two environment variables make one account named
// default. The error joins all mistakes, each with file, line, key and the rule that it breaks. A key file is not part
// of the configuration: if it has no key, only its own account has to wait for one. Relative paths in the file are
// relative to its directory, as in the files of Prometheus.
func Load(file string, getenv func(string) string) (Config, error) {
	return load(file, getenv, validate)
}

// LoadWithKeys is Load, but what fails only once the program runs is a mistake, too: a key file from which no key can
// be read, a state_dir that cannot be written, and limits below what a day of refreshes needs.
func LoadWithKeys(file string, getenv func(string) string) (Config, error) {
	return load(file, getenv, validateWithKeys)
}

func load(file string, getenv func(string) string, rules func(Config, *document)) (Config, error) {
	if file == "" {
		return loadEnvironment(getenv)
	}
	ctx, cancel := withFileTimeout(context.Background())
	defer cancel()
	text, err := readFile(ctx, file)
	if err != nil {
		return Default(), fmt.Errorf("--config.file: %w", err)
	}
	return parse(file, text, func(c *Config) { c.joinPaths(filepath.Dir(file)) }, rules)
}

// joinPaths makes relative paths relative to dir, so that they mean the same wherever the program is started.
func (c *Config) joinPaths(dir string) {
	paths := []*string{&c.StateDir}
	if !lake.IsBucket(c.Lake.Path) {
		paths = append(paths, &c.Lake.Path)
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		paths = append(paths, &a.AccessKeyIDFile, &a.SecretAccessKeyFile, &a.SecurityTokenFile)
	}
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

// Parse is Load for a text that is in memory; errors have name in place of the file, and relative paths stay as they
// are. If complete is not nil, it is called before the rules are checked, and may set what the text does not have.
func Parse(name string, text []byte, complete func(*Config)) (Config, error) {
	return parse(name, text, complete, validate)
}

func parse(name string, text []byte, complete func(*Config), rules func(Config, *document)) (Config, error) {
	c := Default()
	d := decodeYAML(name, text, &c)
	if c.API.Endpoint != billclient.DefaultOptions().Endpoint {
		// Somebody who asks a simulator or a proxy for bills does not want to ask the real API for the rest.
		for _, e := range optionalEndpoints(&c.API) {
			if _, ok := d.lines[e.key]; !ok {
				*e.address = ""
			}
		}
	}
	if complete != nil {
		complete(&c)
	}
	rules(c, d)
	return c, d.joinMistakes()
}

func loadEnvironment(getenv func(string) string) (Config, error) {
	c := Default()
	account := Account{
		Name: "default", AccessKeyID: getenv(accessKeyVariable), SecretAccessKey: Secret(getenv(secretKeyVariable)),
	}
	switch {
	case account.AccessKeyID == "" && account.SecretAccessKey == "":
		return c, fmt.Errorf("no account: give --config.file, or set %s and %s, or try --demo",
			accessKeyVariable, secretKeyVariable)
	case account.AccessKeyID == "":
		return c, fmt.Errorf("%s is set, %s is not", secretKeyVariable, accessKeyVariable)
	case account.SecretAccessKey == "":
		return c, fmt.Errorf("%s is set, %s is not", accessKeyVariable, secretKeyVariable)
	}
	c.Accounts = []Account{account}
	return c, nil
}

// LinesAtOnce returns how many accounts have their lines read at once. Where the configuration leaves it open, the
// number grows with that of accounts, and ends with eight: each more takes the memory of another bill, while a few keep
// two cores busy.
func (c Config) LinesAtOnce() int {
	if c.Refresh.Concurrency > 0 {
		return c.Refresh.Concurrency
	}
	return min(2+len(c.Accounts)/50, 8)
}

// Options returns what the configuration means to the collector. Its accounts ask the API under the name userAgent.
func (c Config) Options(userAgent string) collector.Options {
	options := collector.Options{
		Refresh: c.Refresh, Months: c.Months, Days: c.Days, Instances: c.Instances, Prepaid: c.Prepaid, Projects: c.Projects,
		Budgets:  c.Budgets,
		Products: c.Products,
		FewLines: fewLines,
	}
	options.Refresh.Concurrency = c.LinesAtOnce()
	for _, a := range c.Accounts {
		api := c.API
		api.Credentials, api.UserAgent = a.credentials, userAgent
		options.Accounts = append(options.Accounts, collector.Account{
			Name: a.Name, CustomerID: a.CustomerID, API: api, Keys: a.keySource(),
		})
	}
	return options
}

// fewLines is how many lines the actions of single lines have in one call. To read the lines of a product without the
// others saves no call then, and what is known of each product takes as much memory as what is shown.
const fewLines = 5000

// FindAccount returns what Options has of the account of that name, or of the only account if name is empty. The error
// is about the flag --account.
func (c Config) FindAccount(name, userAgent string) (collector.Account, error) {
	all := c.Options(userAgent).Accounts
	var names []string
	for _, a := range all {
		if a.Name == name || name == "" && len(all) == 1 {
			return a, nil
		}
		names = append(names, output.Printable(a.Name))
	}
	if name == "" {
		return collector.Account{}, fmt.Errorf("--account: say which one: %s, or all", strings.Join(names, ", "))
	}
	return collector.Account{}, fmt.Errorf("--account: %q is none of %s", name, strings.Join(names, ", "))
}

// AllAccounts is the name that stands for all accounts where a flag takes one name, unless an account has it.
const AllAccounts = "all"

// FindAccountOrAll is FindAccount, but returns all accounts for AllAccounts.
func (c Config) FindAccountOrAll(name, userAgent string) ([]collector.Account, error) {
	a, err := c.FindAccount(name, userAgent)
	switch {
	case err == nil:
		return []collector.Account{a}, nil
	case name == AllAccounts:
		return c.FindAccounts(nil, userAgent)
	default:
		return nil, err
	}
}

// FindAccounts returns what Options has of the accounts of these names, in the order of the configuration, and all
// accounts if there are no names. The error is about the flag --account.
func (c Config) FindAccounts(names []string, userAgent string) ([]collector.Account, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		a, err := c.FindAccount(name, userAgent)
		if err != nil {
			return nil, err
		}
		wanted[a.Name] = true
	}
	return slices.DeleteFunc(c.Options(userAgent).Accounts, func(a collector.Account) bool {
		return len(names) > 0 && !wanted[a.Name]
	}), nil
}

// ClientOptions returns how a command asks the API for an account of Options. Its calls count together with those of an
// exporter that has the same state_dir. The logger gets a warning if they cannot, one for each further try, and one for
// each part of an answer that is left out; it gets each call at the level debug.
func (c Config) ClientOptions(account collector.Account, logger log.Logger) billclient.Options {
	options := account.API
	options.Counter = collector.NewCalls(c.StateDir, account.Name, func(err error) {
		if err != nil {
			level.Warn(logger).Log("msg", "these calls count apart from an exporter's", "account", account.Name,
				"err", err)
		}
	})
	options.Observe = collector.LogCalls(log.With(logger, "account", account.Name))
	options.OnRetry = func(action string, err error) {
		level.Warn(logger).Log("msg", "trying again", "account", account.Name, "action", action, "err", err)
	}
	options.OnLeftOut = func(b billclient.LeftOutBill) {
		level.Warn(logger).Log("msg", "part of an answer is not in the numbers", "account", account.Name, "err", b.Err)
	}
	return options
}

// ArgumentError is an error that a change of the command line corrects, rather than one of the configuration.
type ArgumentError struct{ Err error }

// Error returns the text of the cause.
func (e ArgumentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e ArgumentError) Unwrap() error { return e.Err }
