package collector

import (
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// Options say whom to ask, when, and what to show. They are checked where they are read (the program's configuration).
type Options struct {
	Accounts  []Account
	Refresh   Refresh
	Months    Months
	Instances ledger.Instances
	Prepaid   Prepaid
	Projects  []metrics.Project
	Products  []metrics.ProductMapping
	Budgets   []metrics.Budget
	Days      int        // how many days are shown
	FewLines  int        // a month of so many lines or fewer is read again as a whole when single products change
	StateErr  error      // why there is no State though one is wanted; it is logged and counted
	Keeper    LineKeeper // takes the lines that are read; nil: nobody does
	State     *State     // where accounts are kept over a restart; nil: nowhere
}

// Account is a customer's account with its own way to the API.
type Account struct {
	Name       string             // the account label
	CustomerID string             // if set, numbers of any other customer are refused
	Keys       string             // where API.Credentials reads them; with other ones, the account is another
	API        billclient.Options // Observe, OnRetry, OnLeftOut, DailyReserve and MostPages are set by New
}

// Refresh is the section refresh of the configuration.
type Refresh struct {
	Interval        time.Duration `yaml:"interval"`         // between two refreshes of an account
	DetailsInterval time.Duration `yaml:"details_interval"` // least time between two reads of the same month's lines
	DetailsMaxAge   time.Duration `yaml:"details_max_age"`  // after which lines are read again, changed or not
	MaxStaleness    time.Duration `yaml:"max_staleness"`    // after which running numbers are no longer shown
	Concurrency     int           `yaml:"concurrency"`      // accounts whose lines are read at once
}

// Months is the section months of the configuration.
type Months struct {
	Running Running `yaml:"running"` // what the running month is based on
	Past    int     `yaml:"past"`    // how many closed months are shown
	// BillSettles is how long after the end of a month a bill far below its estimate is not taken for the whole one.
	BillSettles time.Duration `yaml:"bill_settles"`
}

// Prepaid is the section prepaid of the configuration.
type Prepaid struct {
	Months       int           `yaml:"months"`        // how far back terms may begin that are not over; 0: none is spread
	ExpiryWithin time.Duration `yaml:"expiry_within"` // the ends of instances are shown that come within it
}

// Running says what the numbers of the running month are based on.
type Running string

// What the running month can be based on: the estimate where the API has one, else the bill; or always the one, or
// always the other.
const (
	Auto     Running = "auto"
	Estimate Running = Running(ledger.Estimated)
	Bill     Running = Running(ledger.Billed)
)

// forcedBasis returns the basis that is always that of the running month, ledger.Undecided if it depends.
func (m Months) forcedBasis() ledger.Basis {
	if m.Running == Estimate || m.Running == Bill {
		return ledger.Basis(m.Running)
	}
	return ledger.Undecided
}

// metricsOptions returns what of the options says what is metricsOptions.
func (o Options) metricsOptions() metrics.Options {
	return metrics.Options{
		PastMonths: o.Months.Past, Days: o.Days, MaxStaleness: o.Refresh.MaxStaleness,
		Running: o.Months.forcedBasis(), BillSettles: o.Months.BillSettles,
		Instances: o.Instances, Projects: o.Projects, Budgets: o.Budgets, Products: o.Products,
		PrepaidMonths: o.Prepaid.Months, ExpiryWithin: o.Prepaid.ExpiryWithin,
		AllModes: slices.ContainsFunc(o.Accounts, func(a Account) bool { return a.API.UnionEndpoint != "" }),
	}
}

// basisRules returns what of the options says how the basis of a month is chosen.
func (o Options) basisRules() ledger.BasisRules {
	return ledger.BasisRules{
		Running: o.Months.forcedBasis(), MaxStaleness: o.Refresh.MaxStaleness, BillSettles: o.Months.BillSettles,
	}
}

// wantsDays reports whether lines of consumption are wanted for their days: last month to the same day is made of days,
// too.
func (o Options) wantsDays() bool { return o.Days > 0 || o.Months.Past > 0 }
