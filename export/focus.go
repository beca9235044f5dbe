package export

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// The values of Options.FocusVersion: versions of the FinOps Open Cost and Usage Specification.
// Source: https://focus.finops.org.
const (
	Focus12 = "1.2"
	Focus13 = "1.3"
	Focus14 = "1.4"
)

// FocusVersions are the values of Options.FocusVersion.
var FocusVersions = []string{Focus12, Focus13, Focus14}

// vendor is the provider, the publisher, the host and the issuer of invoices in FOCUS, which may not differ: where they
// do, a third party receives the money.
const vendor = "Kingsoft Cloud"

// The values of ChargeCategory that bills have.
const (
	usage    = "Usage"
	purchase = "Purchase"
)

// charge is what FOCUS says of a row beyond what stands in it.
type charge struct {
	accountID string // of the customer, also where the line does not say it
	billID    string // empty: not known
	category  string
	class     string // Correction, or nothing
	from, to  string // the time that it is for, the end exclusive
	quantity  string
	unit      string
	item      item   // the only billing item of the line, as far as it is known
	items     string // those of the line that item does not tell
}

var errNoCustomer = errors.New("neither a line nor the bill says whose it is, as FOCUS requires: set customer_id")

// newCharge returns the charge of a row that is of a customer. It fails if the customer is not known.
func newCharge(r *row, customer billclient.CustomerID) (charge, error) {
	if customer == "" {
		return charge{}, errNoCustomer
	}
	from, to := r.chargePeriod()
	c := charge{accountID: string(customer), category: usage, from: focusTime(from), to: focusTime(to)}
	if r.payMode == billclient.Prepaid {
		c.category = purchase
	}
	if !to.After(r.Month.Start()) {
		c.class = "Correction" // of a month that was billed before
	}
	c.quantity, c.unit = r.pricingQuantity()
	return c, nil
}

// payer is whose bill it is, as far as that is known.
type payer struct {
	customer billclient.CustomerID
	billID   string // of the postpaid bill; empty: not known
}

// charge sets the charge of a row. It learns from lines whose they are.
func (p *payer) charge(r *row) error {
	p.learnCustomer(r.CustomerID)
	var err error
	if r.charge, err = newCharge(r, p.customer); err == nil && r.payMode == billclient.Postpaid {
		r.charge.billID = p.billID
	}
	return err
}

// learnCustomer learns whose the lines are, by one of them.
func (p *payer) learnCustomer(text string) {
	if id := billclient.ParseCustomerID(text); id != "" && id != p.customer {
		p.customer = billclient.CustomerID(strings.Clone(string(id)))
	}
}

// focusTime returns a time as FOCUS writes it.
func focusTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// chargePeriod returns the time that the row is for, the end exclusive: what is prepaid is for its term, another line
// of a day is for that day, and a line without readable times is for its month.
func (r *row) chargePeriod() (from, to time.Time) {
	if r.StatDate == 0 || r.payMode == billclient.Prepaid {
		if from, to, ok := parsePeriod(r.StartTime, r.EndTime); ok {
			return from, to
		}
	}
	if r.StatDate != 0 {
		return r.StatDate.Start(), r.StatDate.End()
	}
	return r.Month.Start(), r.Month.End()
}

// parsePeriod reads the two times of a line. An end is inclusive where it is the last second of a minute.
func parsePeriod(begin, end string) (from, to time.Time, ok bool) {
	from, fromErr := time.ParseInLocation(time.DateTime, begin, billclient.Beijing)
	to, toErr := time.ParseInLocation(time.DateTime, end, billclient.Beijing)
	if fromErr != nil || toErr != nil {
		first, last, ok := billclient.UnionLine{StartTime: begin, EndTime: end}.Term()
		return first.Start(), last.End(), ok
	}
	if to.Second() == 59 {
		to = to.Add(time.Second)
	}
	return from, to, to.After(from)
}

// pricingQuantity returns how much is paid for, and in which unit: what the API says of it in all actions is the time.
func (r *row) pricingQuantity() (quantity, unit string) {
	for _, q := range [...]struct{ number, unit string }{{r.BillDays, "Days"}, {r.BillHours, "Hours"}} {
		if q.number == "" {
			continue
		}
		if number, err := billclient.ParseAmount(q.number); err == nil && number.Sign() > 0 {
			return number.String(), q.unit
		}
	}
	return "1", "Units"
}

// focusColumns returns the columns of a version of FOCUS in the order of their names, and then those of the project's
// own.
func focusColumns(version string) []column {
	all := slices.Clone(focusAlways)
	if version != Focus14 {
		all = append(all, providerColumn("ProviderName"), providerColumn("PublisherName"))
	}
	if version != Focus12 {
		all = append(all, providerColumn("ServiceProviderName"), providerColumn("HostProviderName"))
	}
	slices.SortFunc(all, func(a, b column) int { return cmp.Compare(a.name, b.name) })
	return append(all, focusOwn...)
}

func providerColumn(name string) column { return constant(name, vendor) }

func constant(name, value string) column {
	return column{name, func(*row) string { return value }, texts}
}

// focusAlways are the columns that FOCUS 1.2, 1.3 and 1.4 have in common. An empty text is null.
var focusAlways = []column{
	{"BilledCost", func(r *row) string { return r.Cost.String() }, amounts},
	{"BillingAccountId", func(r *row) string { return r.charge.accountID }, texts},
	{"BillingAccountName", func(r *row) string { return r.account }, texts},
	constant("BillingCurrency", "CNY"), // another one is an error of the line
	{"BillingPeriodEnd", func(r *row) string { return focusTime(r.Month.End()) }, instants},
	{"BillingPeriodStart", func(r *row) string { return focusTime(r.Month.Start()) }, instants},
	{"ChargeCategory", func(r *row) string { return r.charge.category }, texts},
	{"ChargeClass", func(r *row) string { return r.charge.class }, texts},
	{"ChargeDescription", (*row).description, texts},
	{"ChargeFrequency", (*row).frequency, texts},
	{"ChargePeriodEnd", func(r *row) string { return r.charge.to }, instants},
	{"ChargePeriodStart", func(r *row) string { return r.charge.from }, instants},
	{"ConsumedQuantity", consumedQuantity, amounts},
	{"ConsumedUnit", consumedUnit, texts},
	{"ContractedCost", func(r *row) string { return r.Cost.String() }, amounts},
	{"EffectiveCost", (*row).effectiveCost, amounts},
	constant("InvoiceIssuerName", vendor),
	{"ListCost", func(r *row) string { return r.ListCost.String() }, amounts},
	constant("PricingCategory", "Standard"),
	{"PricingQuantity", func(r *row) string { return r.charge.quantity }, amounts},
	{"PricingUnit", func(r *row) string { return r.charge.unit }, texts},
	{"RegionId", func(r *row) string { return r.regionCode }, texts},
	{"RegionName", func(r *row) string { return textIf(r.regionCode, cmp.Or(r.RegionName, r.regionCode)) }, texts},
	{"ResourceId", func(r *row) string { return r.InstanceID }, texts},
	{"ResourceName", func(r *row) string { return textIf(r.InstanceID, r.InstanceName) }, texts},
	{"ResourceType", (*row).resourceType, texts},
	{"ServiceCategory", func(r *row) string { return serviceCategory(r.ProductCode) }, texts},
	{"ServiceName", (*row).serviceName, texts},
	{"SubAccountId", func(r *row) string { return r.ProjectID }, texts},
	{"SubAccountName", func(r *row) string { return textIf(r.ProjectID, cmp.Or(r.ProjectName, r.ProjectID)) }, texts},
	{"SubAccountType", func(r *row) string { return textIf(r.ProjectID, "Project") }, texts},
	{"Tags", func(r *row) string { return tagsObject(r.Tags) }, texts},
}

// focusOwn are the columns of the project's own: what a bill says beyond FOCUS.
var focusOwn = []column{
	{"x_Basis", func(r *row) string { return string(r.basis) }, texts},
	{"x_BillDay", (*row).billDay, texts},
	{"x_BillId", func(r *row) string { return r.charge.billID }, texts},
	{"x_BillType", func(r *row) string { return r.BillingMode }, texts},
	{"x_Configuration", func(r *row) string { return joinPairs(r.Configs) }, texts},
	{"x_CostCenter", func(r *row) string { return r.costCenter }, texts},
	{"x_DetailBillNo", func(r *row) string { return r.DetailBillNo }, texts},
	{"x_Discount", func(r *row) string { return r.Discount }, texts},
	{"x_Extras", func(r *row) string { return joinPairs(r.Extras) }, texts},
	{"x_ItemName", func(r *row) string { return r.charge.item.name }, texts},
	{"x_ItemPrice", func(r *row) string { return r.charge.item.price }, amounts},
	{"x_ItemPriceUnit", func(r *row) string { return r.charge.item.priceUnit }, texts},
	{"x_Items", func(r *row) string { return r.charge.items }, texts},
	{"x_Owner", func(r *row) string { return r.owner }, texts},
	{"x_PayMode", func(r *row) string { return r.payMode }, texts},
	{"x_PriceFactors", func(r *row) string { return joinPairs(r.Providers) }, texts},
	{"x_ProductCode", func(r *row) string { return r.ProductCode }, texts},
	{"x_ProjectName", func(r *row) string { return r.ProjectName }, texts},
	{"x_RegionName", func(r *row) string { return r.RegionName }, texts},
	{"x_ResourceName", func(r *row) string { return r.InstanceName }, texts},
	{"x_ServiceStartTime", func(r *row) string { return r.ServiceStartTime }, texts},
	{"x_ZoneName", func(r *row) string { return r.ZoneName }, texts},
}

// billDay returns the day that the line is for, empty if it is for its month.
func (r *row) billDay() string {
	if r.StatDate == 0 {
		return ""
	}
	return r.StatDate.String()
}

// textIf returns the text, but nothing where the id is not known that it belongs to: FOCUS has both or none.
func textIf(id, text string) string {
	if id == "" {
		return ""
	}
	return text
}

// serviceName returns the name of the product, which may not be null.
func (r *row) serviceName() string { return cmp.Or(r.ProductName, r.ProductCode, "Unknown") }

func (r *row) resourceType() string {
	return textIf(r.InstanceID, cmp.Or(r.ProductSubTypeName, r.serviceName()))
}

func (r *row) description() string {
	return cmp.Or(strings.TrimSpace(r.ProductSubTypeName+" "+r.RuleRemark), r.serviceName())
}

// frequency returns how often a charge occurs. A subscription (包年包月) is renewed; another purchase is made once.
func (r *row) frequency() string {
	switch {
	case r.charge.category == usage:
		return "Usage-Based"
	case strings.Contains(r.BillingMode, "包年包月"):
		return "Recurring"
	default:
		return "One-Time"
	}
}

// effectiveCost returns the cost, but 0 of a purchase: what was bought is used up later, and the lines of a month do
// not say how much of it.
func (r *row) effectiveCost() string {
	if r.charge.category == purchase {
		return "0"
	}
	return r.Cost.String()
}

// focusCategories has the category of each product whose kind the vendor's pages tell, by its code.
var focusCategories = map[string]string{
	"KEC": "Compute", "VM": "Compute",
	"KRDS": "Databases", "REDIS": "Databases",
	"EBS": "Storage", "KS3": "Storage", "KSS": "Storage",
	"EIP": "Networking", "NAT": "Networking", "SLB": "Networking", "CDN": "Networking",
	"CDN_LIVE": "Media",
}

// serviceCategory returns the category of a product by its code of the bill, or of its group.
func serviceCategory(code string) string {
	return cmp.Or(focusCategories[strings.TrimSuffix(strings.ToUpper(code), "_GROUP")], "Other")
}
