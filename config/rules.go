package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/prometheus/common/model"
)

// validate rejects each key whose value breaks a rule.
func validate(c Config, d *document) {
	validateAccounts(d, c.Accounts)
	validateAPI(d, c.API)
	validateRefresh(d, c.Refresh)
	validateInstances(d, c.Instances)
	validatePrepaid(d, c.Prepaid)
	validateProjects(d, c.Projects, c.Accounts)
	validateProducts(d, c.Products)
	validateBudgets(d, c.Budgets, c.Accounts)
	validateLake(d, c.Lake.Path)
	switch c.Months.Running {
	case collector.Auto, collector.Estimate, collector.Bill:
	default:
		d.reject("months.running", "%q is none of auto, estimate, bill", c.Months.Running)
	}
	if c.Months.Past < 0 || c.Months.Past > 24 {
		d.reject("months.past", "want 0 to 24")
	}
	if c.Months.BillSettles < 0 {
		d.reject("months.bill_settles", "want 0s or more")
	}
	if c.Days < 0 || c.Days > 35 {
		d.reject("days", "want 0 to 35")
	}
}

func validatePrepaid(d *document, p collector.Prepaid) {
	if p.Months < 0 || p.Months > 60 {
		d.reject("prepaid.months", "want 0 to 60")
	}
	if p.ExpiryWithin < 24*time.Hour || p.ExpiryWithin > 365*24*time.Hour {
		d.reject("prepaid.expiry_within", "want 1d to 1y")
	}
}

// validateWithKeys is validate, and also rejects what fails once the program runs.
func validateWithKeys(c Config, d *document) {
	validate(c, d)
	validateLimits(d, c)
	validateFolder(d, "state_dir", c.StateDir)
	validateLakeIsThere(d, c.Lake.Path)
	for i, a := range c.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		validateKeyFile(d, key+".access_key_id_file", a.AccessKeyIDFile)
		validateKeyFile(d, key+".secret_access_key_file", a.SecretAccessKeyFile)
		validateKeyFile(d, key+".security_token_file", a.SecurityTokenFile)
	}
}

func validateKeyFile(d *document, key, file string) {
	if file == "" {
		return
	}
	ctx, cancel := withFileTimeout(context.Background())
	defer cancel()
	if _, err := readKey(ctx, "", file); err != nil {
		d.reject(key, "%w", err)
	}
}

// validateLimits rejects limits with which every day has refreshes that fail. It is about what a day needs at least.
func validateLimits(d *document, c Config) {
	if d.rejected["refresh.interval"] || d.rejected["refresh.details_max_age"] || d.rejected["refresh.details_interval"] {
		return // the need is not known
	}
	need := summariesPerDay(c) + linesPerDay(c)
	if limit := c.API.DailyCalls; limit > 0 && limit < need {
		d.reject(d.anyOf("api.daily_calls", "refresh.interval"), "a day of refreshes needs at least %d calls an account, and"+
			" api.daily_calls allows %d", need, limit)
	}
	if most := c.API.RequestsPerSecond * (24 * time.Hour).Seconds(); most > 0 && most < float64(need) {
		d.reject(d.anyOf("api.requests_per_second", "refresh.interval"), "a day of refreshes needs at least %d calls an"+
			" account, and api.requests_per_second allows %.0f", need, most)
	}
}

// anyOf returns the first of some keys that the file has, and the first one if it has none of them.
func (d *document) anyOf(keys ...string) string {
	for _, key := range keys {
		if _, ok := d.lines[key]; ok {
			return key
		}
	}
	return keys[0]
}

// validateLake rejects what cannot be the place of a lake.
func validateLake(d *document, place string) {
	if _, err := lake.New(place); err != nil {
		d.reject("lake.path", "%w", err)
	}
}

// validateLakeIsThere rejects a lake in which nothing can be written.
func validateLakeIsThere(d *document, place string) {
	if !lake.IsBucket(place) {
		validateFolder(d, "lake.path", place)
		return
	}
	l, err := lake.New(place)
	if err != nil {
		return // validateLake has said so
	}
	if err := l.Open(context.Background()); err != nil {
		d.reject("lake.path", "%w", err)
	}
}

// validateFolder rejects a directory in which nothing can be written, or that could not be made.
func validateFolder(d *document, key, dir string) {
	if dir == "" {
		return
	}
	ctx, cancel := withFileTimeout(context.Background())
	defer cancel()
	written := make(chan error, 1)
	go func() { written <- tryToWrite(dir) }()
	select {
	case err := <-written:
		if err != nil {
			d.reject(key, "%w", err)
		}
	case <-ctx.Done():
		d.reject(key, "writing there took longer than %v", fileTimeout)
	}
}

// tryToWrite makes and removes a file in a directory, or in the nearest one around it that exists.
func tryToWrite(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir:
		return tryToWrite(filepath.Dir(dir))
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	}
	file, err := os.CreateTemp(dir, ".check")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", dir, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

func validateAccounts(d *document, accounts []Account) {
	if len(accounts) == 0 {
		d.reject("accounts", "want at least one account")
	}
	names, ids, keys := map[string]bool{}, map[string]bool{}, readKeys(accounts)
	for i, a := range accounts {
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
		validateKey(d, key+".access_key_id", a.AccessKeyID, a.AccessKeyIDFile)
		validateKey(d, key+".secret_access_key", string(a.SecretAccessKey), a.SecretAccessKeyFile)
		if id := keys[i]; id != "" && ids[id] {
			d.reject(key+".access_key_id", "is another account's: its bills would count twice")
		}
		ids[keys[i]] = true
		if a.CustomerID != "" && !customerID.MatchString(a.CustomerID) {
			d.reject(key+".customer_id", "%q is no customer id: digits, as the bill has them", a.CustomerID)
		}
	}
}

// idTimeout is how long reading the access key ids may take. They are read only to compare them: a file that hangs does
// not delay the other accounts.
const idTimeout = time.Second

// readKeys returns the access key id of each account, empty where it cannot be read in time.
func readKeys(accounts []Account) []string {
	ctx, cancel := context.WithTimeout(context.Background(), idTimeout)
	defer cancel()
	ids := make([]string, len(accounts))
	var readers sync.WaitGroup
	for i, a := range accounts {
		readers.Go(func() {
			if key, err := a.credentials(ctx); err == nil {
				ids[i] = key.AccessKeyID
			}
		})
	}
	readers.Wait()
	return ids
}

var customerID = regexp.MustCompile(`^0*[1-9][0-9]*$`)

// validateKey checks a value that can also be in a file of its own.
func validateKey(d *document, key, value, file string) {
	switch {
	case value == "" && file == "":
		d.reject(key, "is missing; give it or %s_file", key[strings.LastIndex(key, ".")+1:])
	case value != "" && file != "":
		d.reject(key, "give it or %s_file, not both", key[strings.LastIndex(key, ".")+1:])
	case file == "":
		if _, err := trimKey(value); err != nil {
			d.reject(key, "%w", err)
		}
	}
}

// endpoint is the address of a service, and its key.
type endpoint struct {
	key     string
	address *string
}

// optionalEndpoints returns the endpoints that can be empty.
func optionalEndpoints(api *billclient.Options) []endpoint {
	return []endpoint{
		{"api.union_endpoint", &api.UnionEndpoint},
		{"api.pay_endpoint", &api.PayEndpoint},
		{"api.trade_endpoint", &api.TradeEndpoint},
	}
}

func validateAPI(d *document, api billclient.Options) {
	if err := checkEndpoint(api.Endpoint, api.AllowHTTP); err != nil {
		d.reject("api.endpoint", "%w", err)
	}
	for _, e := range optionalEndpoints(&api) {
		if *e.address == "" {
			continue
		}
		if err := checkEndpoint(*e.address, api.AllowHTTP); err != nil {
			d.reject(e.key, "%w", err)
		}
	}
	if api.Region == "" {
		d.reject("api.region", "is missing")
	}
	if api.Timeout <= 0 {
		d.reject("api.timeout", "want more than 0s")
	}
	if api.MaxDuration < api.Timeout {
		d.reject("api.max_duration", "want at least api.timeout (%s)", model.Duration(api.Timeout))
	}
	if api.MaxBody <= 0 {
		d.reject("api.max_body", "want more than 0B")
	}
	if !(api.RequestsPerSecond > 0) || math.IsInf(api.RequestsPerSecond, 0) {
		d.reject("api.requests_per_second", "want more than 0")
	}
	if api.MaxRetries < 0 {
		d.reject("api.max_retries", "want 0 or more")
	}
	if api.DailyCalls < 0 {
		d.reject("api.daily_calls", "want 0 (no limit) or more")
	}
}

// checkEndpoint fails for an address to which keys or bills would be sent in the clear.
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

func validateRefresh(d *document, r collector.Refresh) {
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
	if r.Concurrency < 0 {
		d.reject("refresh.concurrency", "want 0 or more")
	}
}

func validateInstances(d *document, instances ledger.Instances) {
	if instances.MaxSeries < 0 {
		d.reject("instances.max_series", "want 0 or more")
	}
	if instances.MinCost.Sign() < 0 {
		d.reject("instances.min_cost", "want 0 or more")
	}
	labels := slices.Concat(ledger.InstanceFacts(), validateTags(d, instances.Tags))
	for i, name := range instances.Promote {
		key := fmt.Sprintf("instances.promote[%d]", i)
		if !slices.Contains(labels, name) {
			d.reject(key, "%q is none of %s", name, strings.Join(labels, ", "))
		}
		if slices.Contains(instances.Promote[:i], name) {
			d.reject(key, "%q is promoted already", name)
		}
	}
}

// validateTags checks the configured tags and returns their labels.
func validateTags(d *document, tags []ledger.Tag) (labels []string) {
	for i, tag := range tags {
		key := fmt.Sprintf("instances.tags[%d]", i)
		switch {
		case tag.Key == "":
			d.reject(key+".key", "is missing")
		case slices.ContainsFunc(tags[:i], func(t ledger.Tag) bool { return t.Key == tag.Key }):
			d.reject(key+".key", "%q is configured already", tag.Key)
		}
		if err := checkLabel(tag.Label, slices.Concat(ledger.InstanceFacts(), labels)); err != nil {
			d.reject(key+".label", "%w", err)
		}
		labels = append(labels, tag.Label)
	}
	return labels
}

// reservedLabels are labels of the families themselves, and labels that scrape configurations add to every target.
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

func validateProjects(d *document, projects []metrics.Project, accounts []Account) {
	seen := map[metrics.Project]bool{}
	for i, p := range projects {
		key := fmt.Sprintf("projects[%d]", i)
		validateAccountName(d, key, p.Account, accounts)
		if p.ID == "" {
			d.reject(key+".id", "is missing")
		}
		if id := (metrics.Project{Account: p.Account, ID: p.ID}); seen[id] {
			d.reject(key+".id", "%q is described already", p.ID)
		} else {
			seen[id] = true
		}
	}
}

func validateProducts(d *document, products []metrics.ProductMapping) {
	seen := map[string]bool{}
	for i, p := range products {
		key := fmt.Sprintf("products[%d]", i)
		if p.Group == "" {
			d.reject(key+".group", "is missing")
		}
		if p.Code == "" {
			d.reject(key+".code", "is missing")
		}
		if p.Group != "" && seen[p.Group] {
			d.reject(key+".group", "%q has a code already", p.Group)
		}
		seen[p.Group] = true
	}
}

// validateAccountName checks that an entry of another list is about an account of this file.
func validateAccountName(d *document, key, name string, accounts []Account) {
	if !slices.ContainsFunc(accounts, func(a Account) bool { return a.Name == name }) {
		d.reject(key+".account", "%q is no account of this file", name)
	}
}

func validateBudgets(d *document, budgets []metrics.Budget, accounts []Account) {
	seen := map[[3]string]bool{}
	for i, b := range budgets {
		key := fmt.Sprintf("budgets[%d]", i)
		validateAccountName(d, key, b.Account, accounts)
		if b.Product != "" && b.Project != "" {
			d.reject(key+".project", "a budget is of a product or of a project, not of both")
		}
		if b.Monthly.Sign() <= 0 {
			d.reject(key+".monthly", "want an amount of CNY above 0")
		}
		validatePayModes(d, key+".pay_modes", b.PayModes)
		if scope := [...]string{b.Account, b.Product, b.Project}; seen[scope] {
			d.reject(key, "there is a budget of this already")
		} else {
			seen[scope] = true
		}
	}
}

// payModes are the pay modes that a budget can name.
var payModes = []string{billclient.Postpaid, billclient.Prepaid, billclient.Realtime}

// validatePayModes checks the pay modes that are chosen, nil if the key is not given.
func validatePayModes(d *document, key string, chosen []string) {
	if chosen != nil && len(chosen) == 0 {
		d.reject(key, "want at least one of %s; without the key, all count", strings.Join(payModes, ", "))
	}
	for i, mode := range chosen {
		switch item := fmt.Sprintf("%s[%d]", key, i); {
		case !slices.Contains(payModes, mode):
			d.reject(item, "%q is none of %s", mode, strings.Join(payModes, ", "))
		case slices.Contains(chosen[:i], mode):
			d.reject(item, "%q counts already", mode)
		}
	}
}
