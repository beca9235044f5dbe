package billclient

import (
	"cmp"
	"context"
	"net/url"
	"strings"
)

// DescribeCostBill is an action of bill-union, as it spells it.
const DescribeCostBill = "DescribeCostBill"

var costBillAction = declareAction(unionService, actionVersion{DescribeCostBill, versionCost})

// firstCostMonth is the first month of DescribeCostBill: January 2021.
const firstCostMonth = Month(2021 * 12)

// maxCostPageSize is the largest page of DescribeCostBill, costByProduct its statisticalItem for rows of products.
const (
	maxCostPageSize = 2000
	costByProduct   = "1"
)

// CostBill is how the vendor spreads what is prepaid for a product group over the months of its terms.
type CostBill struct {
	ProductGroupID   string // as ProductGroup.ID; may be empty
	ProductGroupName string // may change
	Cost             Amount // of the month (totalCost)
	CostBefore       Amount // of the months before it (costAtBeginning)
	Paid             Amount // for the whole terms (totalBalance)
}

// DescribeCostBill returns what the vendor counts as a month's part of all that is prepaid, by product group, in the
// order of the answer. A row of another month, without one of the amounts, of another pay mode, or in another currency
// than CNY (see IsForeignCurrency) is an error. The answer calls CNY RMB.
//
// DescribeCostBill reads all pages, and fails or reads them again as GetPostpayDetailConsume and Retry do. Its errors
// are an *Error; without a call, it is Invalid where Options.UnionEndpoint is empty, or the month is before 2021. The
// action is documented, but the newest SDKs lack it, so it may be gone (see IsUnknownAction). The page does not show
// what is around the rows. Source: https://docs.ksyun.com/documents/41452.
func (c *Client) DescribeCostBill(ctx context.Context, m Month) ([]CostBill, error) {
	if m < firstCostMonth {
		return nil, &Error{Action: DescribeCostBill, Reason: Invalid, Message: "no costs of " + m.String() +
			": the API has them from " + firstCostMonth.String() + " on"}
	}
	q := rowQuery[CostBill]{
		action: costBillAction, set: dayRows, size: maxCostPageSize, pageParam: "pageNo", sizeParam: "pageSize",
		params: url.Values{
			"billMonth": {strings.ReplaceAll(m.String(), "-", "")}, "statisticalItem": {costByProduct},
		},
		readRow: func(x *nodeReader) CostBill { return readCostBill(x, m) },
	}
	rows, err := q.fetch(ctx, c)
	return sumCostBills(rows), err
}

func readCostBill(x *nodeReader, m Month) CostBill {
	checkRowMonth(x, m)
	checkRowCurrency(x)
	if mode := parsePayMode(x.firstText("payType", "payTypeName")); IsPayMode(mode) && mode != Prepaid {
		x.keep(classify(Decode, "payType is %s: asked for what is %s", mode, Prepaid))
	}
	return CostBill{
		ProductGroupID: canonicalNumberID(x.text("productGroupId")), ProductGroupName: x.text("productGroupName"),
		Cost: x.amount("totalCost"), CostBefore: x.amount("costAtBeginning"), Paid: x.amount("totalBalance"),
	}
}

// sumCostBills adds up rows by product group: the API has one for each type of product. Groups without an id are told
// apart by their names.
func sumCostBills(rows []CostBill) []CostBill {
	var sums []CostBill
	index := map[[2]string]int{}
	for _, row := range rows {
		key := [2]string{row.ProductGroupID}
		if key[0] == "" {
			key[1] = row.ProductGroupName
		}
		i, ok := index[key]
		if !ok {
			index[key] = len(sums)
			sums = append(sums, row)
			continue
		}
		sum := &sums[i]
		sum.ProductGroupName = cmp.Or(sum.ProductGroupName, row.ProductGroupName)
		sum.Cost, sum.CostBefore = sum.Cost.Add(row.Cost), sum.CostBefore.Add(row.CostBefore)
		sum.Paid = sum.Paid.Add(row.Paid)
	}
	return sums
}
