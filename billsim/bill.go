package billsim

import (
	"iter"
	"strings"
)

// KeyValue is one entry of a line's sets, and one product of GetProductCode.
type KeyValue struct{ Key, Value string }

// Line is one line of a postpaid bill or of a Consumption: every field of PostpayDetailBill and PostpayDetailConsume
// (data types page of the vendor), none checked, so that a test can say anything.
type Line struct {
	DetailBillNo       string
	BillMonth          string // empty: the month of the bill that it stands in
	CustomerID         string // empty: the account's
	StatDate           string // the day that the line is of, 2018-06-01: in a Consumption
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
	RuleRemark         string // in a Bill
	MeasureAmount      Amount // before discount
	Discount           string // a factor, 0.75
	ProjectID          string
	ProjectName        string

	Providers, Configs, Extras, Tags []KeyValue

	// CostText and MeasureText stand on the wire instead of the amounts, unless empty. Sums count the amounts.
	CostText, MeasureText string

	daily bool // written as a line of a Consumption
}

func (l *Line) costText() string    { return textOr(l.CostText, l.Cost) }
func (l *Line) measureText() string { return textOr(l.MeasureText, l.MeasureAmount) }

func textOr(text string, a Amount) string {
	if text != "" {
		return text
	}
	return a.String()
}

// Product is one product of a summary.
type Product struct {
	Code, Name string
	Cost       Amount
}

// Bill is one month's postpaid bill of an account.
type Bill struct {
	ID          string         // empty: made of customer id and month as in the vendor's samples
	Lines       iter.Seq[Line] // the same lines each time; safe for several ranges at once; nil: none
	SummaryOnly []Product      // products that GetMonthBill has without a line, outside the projects
}

// All yields the lines, none if Lines is nil.
func (b Bill) All() iter.Seq[Line] {
	if b.Lines == nil {
		return func(func(Line) bool) {}
	}
	return b.Lines
}

// billID follows both samples of the vendor: KSYZD, the customer id in ten digits, the month.
func billID(customerID, month string) string {
	padding := strings.Repeat("0", max(0, 10-len(customerID)))
	return "KSYZD" + padding + customerID + strings.ReplaceAll(month, "-", "")
}

// summary is what GetMonthBill says of one month, in the order in which the lines name things.
type summary struct {
	sum      Amount
	products []Product
	projects []projectSum
}

type projectSum struct {
	id, name string
	cost     Amount
	products []Product
}

// summarize adds up the lines by itself, apart from Sums, so that the two can check each other.
func summarize(b Bill) summary {
	var s summary
	for l := range b.All() {
		s.sum += l.Cost
		s.products = addProduct(s.products, l.ProductCode, l.ProductName, l.Cost)
		p := s.project(l.ProjectID, l.ProjectName)
		p.cost += l.Cost
		p.products = addProduct(p.products, l.ProductCode, l.ProductName, l.Cost)
	}
	for _, p := range b.SummaryOnly {
		s.sum += p.Cost
		s.products = addProduct(s.products, p.Code, p.Name, p.Cost)
	}
	return s
}

// addProduct searches from one end to the other: a bill has a dozen products.
func addProduct(products []Product, code, name string, cost Amount) []Product {
	for i := range products {
		if products[i].Code == code {
			products[i].Cost += cost
			return products
		}
	}
	return append(products, Product{Code: code, Name: name, Cost: cost})
}

func (s *summary) project(id, name string) *projectSum {
	for i := range s.projects {
		if s.projects[i].id == id {
			return &s.projects[i]
		}
	}
	s.projects = append(s.projects, projectSum{id: id, name: name})
	return &s.projects[len(s.projects)-1]
}

// Sums adds up the lines. Products of SummaryOnly have none and are left out.
func (b Bill) Sums() Sums {
	s := newSums()
	for l := range b.All() {
		s.add(&l)
	}
	return s
}
