package metrics

import (
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// Options say what is shown.
type Options struct {
	PastMonths    int           // how many closed months
	Days          int           // how many days
	MaxStaleness  time.Duration // after which numbers of a month that ran are no longer shown
	Running       ledger.Basis  // of the running month, whatever is known; ledger.Undecided: it depends
	BillSettles   time.Duration // after the end of a month: until then its bill may be a part of the final one
	Instances     ledger.Instances
	Projects      []Project
	Budgets       []Budget
	Products      []ProductMapping
	PrepaidMonths int           // how far back terms may begin that are spread; 0: none is
	ExpiryWithin  time.Duration // how soon a prepaid instance ends whose end is shown
	AllModes      bool          // bill-union is configured for an account
	AllLines      bool          // lines of bill-union are known of all closed months, not of the last one only
}

// ProductMapping says under which product code a product group of bill-union is shown.
type ProductMapping struct {
	Group string `yaml:"group"` // code, such as VM_GROUP
	Code  string `yaml:"code"`  // of a product of the bill, such as KEC
}

// productCode returns the configured product code of a product group, empty if there is none.
func (o Options) productCode(group string) string {
	for _, m := range o.Products {
		if m.Group == group {
			return m.Code
		}
	}
	return ""
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
	Account  string            `yaml:"account"`
	Product  string            `yaml:"product"`   // code; with an empty project: of the account
	Project  string            `yaml:"project"`   // id
	Monthly  billclient.Amount `yaml:"monthly"`   // CNY
	PayModes []string          `yaml:"pay_modes"` // those that count; empty: all
}

// project returns what is configured of a project, nothing where it is not.
func (o Options) project(account, id string) Project {
	for _, p := range o.Projects {
		if p.Account == account && p.ID == id {
			return p
		}
	}
	return Project{}
}

// scope returns what the budget is for, and the values of that family's labels.
func (b Budget) scope() (name string, labels []string) {
	switch {
	case b.Product != "":
		return "product", []string{b.Product}
	case b.Project != "":
		return "project", []string{b.Project}
	default:
		return "account", nil
	}
}
