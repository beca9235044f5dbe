package billsim

import (
	"cmp"
	"iter"
	"strings"
)

// KeyValue is one entry of a line's sets, and one product of GetProductCode.
type KeyValue struct{ Key, Value string }

// Line is one line of a postpaid bill or of a Consumption. It has every field of PostpayDetailBill and
// PostpayDetailConsume, as the vendor's page on data types lists them. No field is checked, so that a test can give any
// value to any field.
type Line struct {
	DetailBillNo       string
	BillMonth          string // empty: the month of the bill that has the line
	CustomerID         string // empty: the account's
	StatDate           string // the day of the line, 2018-06-01; only in a Consumption
	StartTime, EndTime string // 2018-06-01 00:00:00
	ProductCode        string
	ProductName        string
	ProductSubTypeName string
	InstanceID         string
	InstanceName       string
	Cost               Amount // after discount
	ServiceStartTime   string
	BillType           string // the billing mode
	BillDays           int
	BillHours          int
	RegionName         string
	ZoneName           string
	RuleRemark         string // only in a Bill
	MeasureAmount      Amount // before discount
	Discount           string // a factor, 0.75
	ProjectID          string
	ProjectName        string

	Providers, Configs, Extras, Tags []KeyValue

	// CostText and MeasureText are written instead of the amounts unless they are empty. Sums add up the amounts.
	CostText, MeasureText string

	daily bool // written as a line of a Consumption
}

func (l *Line) costText() string { return cmp.Or(l.CostText, l.Cost.String()) }

func (l *Line) measureText() string { return cmp.Or(l.MeasureText, l.MeasureAmount.String()) }

// Product is one product of a summary.
type Product struct {
	Code, Name string
	Cost       Amount
}

// Bill is one month's postpaid bill of an account.
type Bill struct {
	ID string // empty: made of customer id and month as in the vendor's samples

	// Lines yields the same lines each time and is safe for concurrent use. If it is nil, the bill has no lines.
	Lines iter.Seq[Line]

	SummaryOnly []Product // products without a line; GetMonthBill lists them, but not in a project
}

// All returns the lines, also where Lines is nil.
func (b Bill) All() iter.Seq[Line] {
	if b.Lines == nil {
		return func(func(Line) bool) {}
	}
	return b.Lines
}

// billID returns an id as in both samples of the vendor: KSYZD, the customer id in ten digits, the month.
func billID(customerID, month string) string {
	padding := strings.Repeat("0", max(0, 10-len(customerID)))
	return "KSYZD" + padding + customerID + withoutHyphens(month)
}

// withoutHyphens returns a month or a day as 202611 or 20261116.
func withoutHyphens(date string) string { return strings.ReplaceAll(date, "-", "") }

// summary is what GetMonthBill answers about one month. Products and projects stand in the order of their first lines.
type summary struct {
	sum      Amount
	products []Product
	projects []projectSum
}

// projectSum is a project in a summary.
type projectSum struct {
	id, name string
	cost     Amount
	products []Product
}

// summarize adds up the lines. It shares no code with Bill.Sums, so that tests can check one against the other.
func summarize(b Bill) summary {
	var s summary
	for l := range b.All() {
		s.sum += l.Cost
		s.products = addProduct(s.products, l.ProductCode, l.ProductName, l.Cost)
		p := s.findProject(l.ProjectID, l.ProjectName)
		p.cost += l.Cost
		p.products = addProduct(p.products, l.ProductCode, l.ProductName, l.Cost)
	}
	for _, p := range b.SummaryOnly {
		s.sum += p.Cost
		s.products = addProduct(s.products, p.Code, p.Name, p.Cost)
	}
	return s
}

// addProduct adds cost to the product with the code. A linear search is enough: a bill has a dozen products.
func addProduct(products []Product, code, name string, cost Amount) []Product {
	for i := range products {
		if products[i].Code == code {
			products[i].Cost += cost
			return products
		}
	}
	return append(products, Product{Code: code, Name: name, Cost: cost})
}

// findProject returns the project with the id, which it adds if there is none yet.
func (s *summary) findProject(id, name string) *projectSum {
	for i := range s.projects {
		if s.projects[i].id == id {
			return &s.projects[i]
		}
	}
	s.projects = append(s.projects, projectSum{id: id, name: name})
	return &s.projects[len(s.projects)-1]
}

// Sums returns the exact totals of the lines. The products of SummaryOnly are not in them: they have no lines.
func (b Bill) Sums() Sums {
	s := newSums()
	for l := range b.All() {
		s.add(&l)
	}
	return s
}
