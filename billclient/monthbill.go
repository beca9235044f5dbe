package billclient

import (
	"cmp"
	"context"
	"net/url"
)

// GetMonthBill is an action of the API, as it spells it.
const GetMonthBill = "GetMonthBill"

var monthBillAction = declareAction(billService, actionVersion{GetMonthBill, version2018})

// MonthBill is the postpaid bill of a month, by product and by project (type MonthBill of the API).
type MonthBill struct {
	Month    Month
	BillType string // "postpay", another word for Postpaid, or empty
	BillID   string
	Currency string // the yuan, as far as the answer names a currency, which no page documents
	Sum      Amount
	Products []ProductCost
	Projects []ProjectCost
}

// ProductCost is what one product cost (type BillProduct).
type ProductCost struct {
	Code string
	Name string // may change: the API spells it differently from action to action
	Cost Amount
}

// ProjectCost is what one project cost, as a whole and by product (type BillProject).
type ProjectCost struct {
	ID       string // as Line.ProjectID
	Name     string
	Cost     Amount
	Products []ProductCost
}

// GetMonthBill returns the bills of the months from and to and all between, in the order of the answer. A month that
// has no bill yet is not among them. An answer with an amount that is missing or cannot be read, or that names another
// currency than the yuan (see IsForeignCurrency), is an error. An element that is no postpaid bill, or repeats another
// one, is left out; see Options.OnLeftOut. GetMonthBill tries again as Retry does. Its errors are an *Error. Source:
// https://endocs.ksyun.com/documents/37509.
func (c *Client) GetMonthBill(ctx context.Context, from, to Month) ([]MonthBill, error) {
	params, err := monthParams(GetMonthBill, from, to)
	if err != nil {
		return nil, err
	}
	set, err := fetch(ctx, c, monthBillAction, params, func(r *response) (billSet, error) {
		return readBillSet(r, from, to)
	})
	c.reportLeftOut(GetMonthBill, set.leftOut)
	return set.bills, err
}

// monthParams returns the parameters for the months from and to and all between. Months of which the API has no bill
// are an *Error, which saves a call.
func monthParams(action string, from, to Month) (url.Values, error) {
	switch {
	case from < FirstMonth:
		return nil, &Error{Action: action, Reason: Invalid, Message: "no bills of " + from.String() +
			": the API has them from " + FirstMonth.String() + " on"}
	case to < from:
		return nil, &Error{Action: action, Reason: Invalid, Message: from.String() + " is after " + to.String()}
	}
	return url.Values{"BillStartMonth": {from.String()}, "BillEndMonth": {to.String()}}, nil
}

// parseMonthWithin reads a month as the API wrote it. It fails if the month is not among those asked for.
func parseMonthWithin(text string, from, to Month) (Month, error) {
	month, err := ParseMonth(text)
	if err == nil && from <= month && month <= to {
		return month, nil
	}
	asked := from.String()
	if from != to {
		asked += " to " + to.String()
	}
	return 0, classify(Decode, "BillMonth %q: asked for %s", shorten(text, 60), asked)
}

func readMonthBill(x *nodeReader, from, to Month) (MonthBill, error) {
	month, err := parseMonthWithin(x.text("BillMonth"), from, to)
	bill := MonthBill{
		Month:    month,
		BillType: x.text("BillType"),
		BillID:   x.text("BillId"),
		Sum:      x.amount("Sum"),
		Products: readElements(x, "BillProductSet", readProductCost),
		Projects: readElements(x, "BillProjectSet", readProjectCost),
	}
	return bill, cmp.Or(err, x.err)
}

func readProductCost(x *nodeReader) ProductCost {
	return ProductCost{Code: x.text("Code"), Name: x.text("Name"), Cost: x.amount("Cost")}
}

func readProjectCost(x *nodeReader) ProjectCost {
	return ProjectCost{
		ID:       canonicalNumberID(x.text("Id")),
		Name:     x.text("Name"),
		Cost:     x.amount("Cost"),
		Products: readElements(x, "Details", readProductCost),
	}
}
