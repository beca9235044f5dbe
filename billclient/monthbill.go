package billclient

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
)

// The actions of the API, as it spells them.
const (
	GetMonthBill            = "GetMonthBill"
	GetPostpayDetailBill    = "GetPostpayDetailBill"
	GetPostpayDetailBillCSV = "GetPostpayDetailBillCSV"
	GetProductCode          = "GetProductCode"
	GetMonthConsume         = "getMonthConsume"
	GetPostpayDetailConsume = "getPostpayDetailConsume"
)

// MonthBill is the postpaid bill of one month, summed up by product and by project (type MonthBill of the API).
type MonthBill struct {
	Month    Month
	BillType string // "postpay", or empty
	BillID   string
	Sum      Amount
	Products []ProductCost
	Projects []ProjectCost
}

// ProductCost is what one product cost (type BillProduct).
type ProductCost struct {
	Code string
	Name string // volatile: the API writes it differently from action to action
	Cost Amount
}

// ProjectCost is what one project cost, and what each product in it did (type BillProject).
type ProjectCost struct {
	ID       string
	Name     string
	Cost     Amount
	Products []ProductCost
}

// GetMonthBill returns the bills of the months from and to and all between, in the order of the answer; a month that
// has no bill yet has none in it. Every amount of a bill was there and could be read, else the answer is an error. It
// tries again as Retry does. Failures are an *Error. Source: https://endocs.ksyun.com/documents/37509.
func (c *Client) GetMonthBill(ctx context.Context, from, to Month) ([]MonthBill, error) {
	var bills []MonthBill
	err := c.Retry(ctx, GetMonthBill, func() (err error) {
		bills, err = c.monthBills(ctx, from, to)
		return err
	})
	return bills, err
}

func (c *Client) monthBills(ctx context.Context, from, to Month) ([]MonthBill, error) {
	params, err := monthParams(GetMonthBill, from, to)
	if err != nil {
		return nil, err
	}
	var bills []MonthBill
	err = c.call(ctx, form{GetMonthBill, version2018}, params, func(r *response) (err error) {
		bills, err = readMonthBills(r, from, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	return bills, nil
}

// readMonthBills reads an answer that has a MonthBillSet, and the texts beside it.
func readMonthBills(r *response, from, to Month, texts ...*topLevelText) ([]MonthBill, error) {
	var bills []MonthBill
	ids := map[string]bool{}
	err := readItems(r, "MonthBillSet", func(d document, n int) error {
		bill, err := readMonthBill(d, from, to)
		id := fmt.Sprintf("BillId %q", shorten(bill.BillID, 60))
		if bill.BillID == "" {
			id = fmt.Sprintf("a bill of %v without BillId", bill.Month)
		}
		if err == nil && ids[id] {
			err = classify(Decode, "%s: twice in one answer", id)
		}
		ids[id] = true
		bills = append(bills, bill)
		return locate(fmt.Sprintf("MonthBillSet %d", n), err)
	}, texts...)
	return bills, err
}

// monthParams returns the parameters that say which months to ask for.
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

// checkMonth fails if a month of an answer is none of those asked for. text is the month as the API wrote it.
func checkMonth(text string, from, to Month) (Month, error) {
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

func readMonthBill(d document, from, to Month) (MonthBill, error) {
	n, err := readNode(d)
	if err != nil {
		return MonthBill{}, err
	}
	x := nodeReader{node: n}
	month, err := checkMonth(x.text("BillMonth"), from, to)
	bill := MonthBill{
		Month:    month,
		BillType: x.text("BillType"),
		BillID:   x.text("BillId"),
		Sum:      x.amount("Sum"),
		Products: readElements(&x, "BillProductSet", readProductCost),
		Projects: readElements(&x, "BillProjectSet", readProjectCost),
	}
	return bill, cmp.Or(err, checkPayMode(bill.BillType), x.err)
}

// checkPayMode fails if a bill is of another pay mode than the action is for: its sums would be taken for postpaid.
func checkPayMode(billType string) error {
	if billType == "" || billType == "postpay" {
		return nil
	}
	return classify(Decode, "BillType %q: want postpay", shorten(billType, 60))
}

func readProductCost(x *nodeReader) ProductCost {
	return ProductCost{Code: x.text("Code"), Name: x.text("Name"), Cost: x.amount("Cost")}
}

func readProjectCost(x *nodeReader) ProjectCost {
	return ProjectCost{
		ID:       x.text("Id"),
		Name:     x.text("Name"),
		Cost:     x.amount("Cost"),
		Products: readElements(x, "Details", readProductCost),
	}
}
