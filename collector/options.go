package collector

import (
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Options say whom to ask, when, and what to show. They are checked where they are read (the program's configuration).
type Options struct {
	Accounts  []Account
	Refresh   Refresh
	Months    Months
	Instances Instances
	Projects  []Project
	Budgets   []Budget
	Days      int    // how many days are shown
	State     *State // where accounts are kept over a restart; nil: nowhere
}

// Account is a customer's account with its own way to the API.
type Account struct {
	Name       string             // the account label
	CustomerID string             // if set, numbers of any other customer are refused
	Keys       string             // where API.Credentials has them from; with another one, the account is another
	API        billclient.Options // Observe and OnRetry are set by New
}

// Refresh is the section refresh of the configuration.
type Refresh struct {
	Interval        time.Duration `yaml:"interval"`         // between two refreshes of an account
	DetailsInterval time.Duration `yaml:"details_interval"` // least time between two reads of the same month's lines
	DetailsMaxAge   time.Duration `yaml:"details_max_age"`  // after which lines are read again, changed or not
	MaxStaleness    time.Duration `yaml:"max_staleness"`    // after which running numbers are no longer shown
	Concurrency     int           `yaml:"concurrency"`      // accounts at once: at summaries, and at lines
}

// Months is the section months of the configuration.
type Months struct {
	Running Running `yaml:"running"` // what the running month is based on
	Past    int     `yaml:"past"`    // how many closed months are shown
}

// Running says what the numbers of the running month are based on.
type Running string

// What the running month can be based on: the estimate where the API has one, else the bill; or always the one, or
// always the other.
const (
	Auto     Running = "auto"
	Estimate Running = Running(estimated)
	Bill     Running = Running(billed)
)

// forced returns the basis that is always that of the running month, undecided if it depends.
func (m Months) forced() basis {
	if m.Running == Estimate || m.Running == Bill {
		return basis(m.Running)
	}
	return undecided
}

// Instances is the section instances of the configuration.
type Instances struct {
	Enabled   bool              `yaml:"enabled"`
	LastMonth bool              `yaml:"last_month"` // whether the last closed month's instances are shown too
	MaxSeries int               `yaml:"max_series"` // instances per account and month; the others are folded
	MinCost   billclient.Amount `yaml:"min_cost"`   // below it, by absolute value, instances are folded too
	Promote   []string          `yaml:"promote"`    // attributes that the cost families carry as labels
	Tags      []Tag             `yaml:"tags"`
}

// Tag is a tag of the API and the label that it becomes.
type Tag struct {
	Key   string `yaml:"key"`
	Label string `yaml:"label"`
}

// Project says who answers for a project.
type Project struct {
	Account    string `yaml:"account"`
	ID         string `yaml:"id"`
	Owner      string `yaml:"owner"`
	CostCenter string `yaml:"cost_center"`
}

// Budget is what an account, or one product or project of it, is meant to cost a month.
type Budget struct {
	Account string            `yaml:"account"`
	Product string            `yaml:"product"` // code; with an empty project: of the account
	Project string            `yaml:"project"` // id
	Monthly billclient.Amount `yaml:"monthly"` // CNY
}

// InstanceFacts are the attributes of an instance that the API knows; configured tags come on top.
func InstanceFacts() []string { return slices.Clone(instanceFacts) }

var instanceFacts = []string{"instance_name", "product_subtype", "billing_mode", "region_name", "zone_name"}

// facts returns the names of all attributes of an instance, tags included.
func (i Instances) facts() []string {
	names := slices.Clone(instanceFacts)
	for _, tag := range i.Tags {
		names = append(names, tag.Label)
	}
	return names
}

// promoted picks the promoted ones of an instance's facts.
func (i Instances) promoted(facts []string) []string {
	names := i.facts()
	values := make([]string, 0, len(i.Promote))
	for _, name := range i.Promote {
		values = append(values, facts[slices.Index(names, name)])
	}
	return values
}
