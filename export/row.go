package export

import (
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// row is a line of any pay mode, in the terms of those that are postpaid.
type row struct {
	billclient.Line
	account           string
	owner, costCenter string // of the project, as the configuration has them

	payMode    string
	basis      ledger.Basis
	regionCode string // empty: not known; lines of the bill have names only
	until      string // when that ended which the line is for; not the end of a term that was paid for in advance
	charge     charge // only where the file is one of FOCUS
}

// names has the product codes and the project ids of lines of bill-union, which has other codes of products than the
// bill, and no ids at all in the lines of a month.
type names struct {
	codes      map[string]string // by the id of the product group
	codesNamed uniqueNames       // by its name
	projects   uniqueNames
}

// newNames returns the names of product groups. A group has the product code that is configured for it, else its own.
func newNames(groups []billclient.ProductGroup, configured []metrics.ProductMapping) *names {
	codeOf := map[string]string{}
	for _, m := range configured {
		codeOf[m.Group] = m.Code
	}
	n := &names{codes: map[string]string{}, codesNamed: uniqueNames{}, projects: uniqueNames{}}
	for _, g := range groups {
		code := g.Code
		if product, ok := codeOf[code]; ok {
			code = product
		}
		n.codes[g.ID] = code
		n.codesNamed.add(g.Name, code)
	}
	return n
}

// uniqueNames has what a name stands for, an empty text where that is more than one thing.
type uniqueNames map[string]string

// add adds a name. It keeps clones of the texts, which share memory with others where they are those of a line.
func (u uniqueNames) add(name, id string) {
	known, ok := u[name]
	switch {
	case name == "" || id == "":
	case !ok:
		u[strings.Clone(name)] = strings.Clone(id)
	case known != id:
		u[name] = ""
	}
}

// rowOf returns a line of bill-union as a row. What bill-union does not say is empty.
func (n *names) rowOf(u *billclient.UnionLine) *row {
	code, ok := n.codes[u.ProductGroupID]
	if !ok {
		code = n.codesNamed[u.ProductGroupName]
	}
	project := u.ProjectID
	if project == "" {
		project = n.projects[u.ProjectName]
	}
	return &row{payMode: u.PayMode, basis: ledger.Billed, until: u.Day.String(), regionCode: u.RegionCode, Line: billclient.Line{
		DetailBillNo: u.BillNo, Month: u.Month, CustomerID: u.CustomerID, StatDate: u.Day,
		StartTime: u.StartTime, EndTime: u.EndTime, ServiceStartTime: u.ServiceStartTime,
		ProductCode: code, ProductName: u.ProductGroupName, ProductSubTypeName: u.ProductTypeName,
		InstanceID: u.InstanceID, InstanceName: u.InstanceName, ProjectID: project, ProjectName: u.ProjectName,
		Cost: u.Cost, ListCost: u.ListCost, BillingMode: u.BillingMode, RuleRemark: u.Remark,
		RegionName: u.RegionName, ZoneName: u.ZoneName,
		Providers: u.Providers, Configs: u.Configs, Extras: u.Extras, Tags: u.Tags,
	}}
}
