package export

import (
	"cmp"
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

// belongTo sets the account of the row, and who in it pays for the project.
func (r *row) belongTo(account string, projects map[projectKey]metrics.Project) {
	r.account = account
	project := projects[projectKey{account, r.ProjectID}]
	r.owner, r.costCenter = project.Owner, project.CostCenter
}

// names has the product codes and the project ids of lines of bill-union, which has other codes of products than the
// bill, and no ids at all in the lines of a month.
type names struct {
	codeOf   func(groupID, groupName string) string // the code of a product group, or what is configured for it
	projects uniqueNames
}

// newNames returns the names of product groups. A group has the product code that is configured for it, else its own.
func newNames(groups []billclient.ProductGroup, configured []metrics.ProductMapping) *names {
	products := productCodes(configured)
	byID, byName := map[string]string{}, uniqueNames{}
	for _, g := range groups {
		code := cmp.Or(products[g.Code], g.Code)
		byID[g.ID] = code
		byName.add(g.Name, code)
	}
	codeOf := func(id, name string) string {
		if code, ok := byID[id]; ok {
			return code
		}
		return byName[name]
	}
	return &names{codeOf: codeOf, projects: uniqueNames{}}
}

// productCodes returns the product codes that are configured for product groups, by the code of the group.
func productCodes(configured []metrics.ProductMapping) map[string]string {
	codes := map[string]string{}
	for _, m := range configured {
		codes[m.Group] = m.Code
	}
	return codes
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
	code := n.codeOf(u.ProductGroupID, u.ProductGroupName)
	project := u.ProjectID
	if project == "" {
		project = n.projects[u.ProjectName]
	}
	r := &row{payMode: u.PayMode, basis: ledger.Billed, until: u.Day.String(), regionCode: u.RegionCode}
	r.Line = billclient.Line{
		DetailBillNo: u.BillNo, Month: u.Month, CustomerID: u.CustomerID, StatDate: u.Day,
		StartTime: u.StartTime, EndTime: u.EndTime, ServiceStartTime: u.ServiceStartTime,
		ProductCode: code, ProductName: u.ProductGroupName, ProductSubTypeName: u.ProductTypeName,
		InstanceID: u.InstanceID, InstanceName: u.InstanceName, ProjectID: project, ProjectName: u.ProjectName,
		Cost: u.Cost, ListCost: u.ListCost, BillingMode: u.BillingMode, RuleRemark: u.Remark,
		RegionName: u.RegionName, ZoneName: u.ZoneName,
		Providers: u.Providers, Configs: u.Configs, Extras: u.Extras, Tags: u.Tags,
	}
	return r
}
