package billsim

import "cmp"

// Purchase is one line of what an account has besides its postpaid bill: prepaid or paid by the hour. All answers of
// bill-union about these pay modes are made of such lines. One that has no more than product, project and cost stands
// for the sum of a month.
type Purchase struct {
	ProductCode string // as in a Line, or the code of a group that has no postpaid product
	ProductName string
	ProjectID   string
	ProjectName string
	Cost        Amount // after discount; less than 0 if it is given back

	Kind               Kind
	Day                string // on which it was paid, 2026-10-05; empty: the first day of the month
	StartTime, EndTime string // of its term, 2026-10-05 00:00:00; empty: the day
	InstanceID         string
	InstanceName       string
	SubType            string // as ProductSubTypeName in a Line
	RegionName         string
	ZoneName           string
	ServiceStartTime   string // empty: StartTime
	List               Amount // before discount; 0: Cost
	Discount           string // a factor; empty: 1.00
	Hours              int    // of use; 0: what is paid for is not used by the hour
	AutoRenew          bool   // the vendor renews the instance at the end of the term
	Remark             string
	Configs, Tags      []KeyValue
}

// Kind is what is paid for.
type Kind int

// The kinds of costs.
const (
	Charged  Kind = iota // a new purchase or, if it is not prepaid, consumption
	Renewed              // another term of what was bought before
	Refunded             // the rest of a term or, if it is not prepaid, an adjustment
)

// line returns the purchase of a month as a line.
func (p *Purchase) line(customerID, month string) Line {
	day := cmp.Or(p.Day, month+"-01")
	start := cmp.Or(p.StartTime, day+" 00:00:00")
	return Line{
		DetailBillNo:       purchaseNumber(p, day),
		BillMonth:          month,
		CustomerID:         customerID,
		StatDate:           day,
		StartTime:          start,
		EndTime:            cmp.Or(p.EndTime, day+" 23:59:59"),
		ProductCode:        p.ProductCode,
		ProductName:        p.ProductName,
		ProductSubTypeName: p.SubType,
		InstanceID:         p.InstanceID,
		InstanceName:       p.InstanceName,
		Cost:               p.Cost,
		ServiceStartTime:   cmp.Or(p.ServiceStartTime, start),
		BillHours:          p.Hours,
		RegionName:         p.RegionName,
		ZoneName:           p.ZoneName,
		RuleRemark:         p.Remark,
		MeasureAmount:      cmp.Or(p.List, p.Cost),
		Discount:           cmp.Or(p.Discount, "1.00"),
		ProjectID:          p.ProjectID,
		ProjectName:        p.ProjectName,
		Configs:            p.Configs,
		Tags:               p.Tags,
	}
}

// purchaseNumber returns fifteen digits that depend on the purchase alone.
func purchaseNumber(p *Purchase, day string) string {
	return fifteenDigits(mix(hash(day+p.InstanceID+p.ProductCode+p.ProjectID), uint64(p.Kind), uint64(p.Cost)))
}
