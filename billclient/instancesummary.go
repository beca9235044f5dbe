package billclient

import (
	"context"
	"iter"
	"net/url"
)

// DescribeInstanceSummaryBills is an action of bill-union, as it spells it.
const DescribeInstanceSummaryBills = "DescribeInstanceSummaryBills"

var instanceSummaryAction = declareAction(unionService, actionVersion{DescribeInstanceSummaryBills, version2020})

// maxSummaryPageSize is the largest page of DescribeInstanceSummaryBills.
const maxSummaryPageSize = 1000

// DescribeInstanceSummaryBills returns a stream of what a month cost by instance and pay mode, over all pages. Each
// page of 1000 lines is a call. A line has no ids of product groups and projects, only their names. Otherwise it does
// what QueryInstanceConsume does. Without a call, the error is Invalid where Options.UnionEndpoint is empty, or the
// month is before FirstMonth. Source: https://endocs.ksyun.com/documents/37499.
func (c *Client) DescribeInstanceSummaryBills(
	ctx context.Context, m Month, sets UnionSets,
) iter.Seq2[UnionLine, error] {
	if _, err := monthParams(DescribeInstanceSummaryBills, m, m); err != nil {
		return failedStream[UnionLine](err)
	}
	return instanceSummaryQuery(m, sets).stream(ctx, c)
}

func instanceSummaryQuery(m Month, sets UnionSets) rowQuery[UnionLine] {
	return rowQuery[UnionLine]{
		action: instanceSummaryAction, set: unionSet, size: maxSummaryPageSize,
		params: url.Values{"BillMonth": {m.String()}}, pageParam: "Page", sizeParam: "Size",
		isBounded: true,
		readRow:   func(x *nodeReader) UnionLine { return readInstanceSummary(x, m, sets) },
	}
}

func readInstanceSummary(x *nodeReader, m Month, wanted UnionSets) UnionLine {
	line := UnionLine{
		BillNo:           x.text("BillsNo"),
		Month:            m,
		CustomerID:       canonicalNumberID(x.text("CustomerId")),
		BillingMode:      x.text("BillTypeName"),
		ProductGroupName: x.text("ProductName"),
		// The first is on the API's page, the second in the vendor's SDKs.
		ProductTypeName:  x.firstText("ProductSubTypeName", "ProductSubTyeName"),
		InstanceID:       x.text("InstanceId"),
		InstanceName:     x.text("InstanceName"),
		StartTime:        x.text("DetailBillStartTime"),
		EndTime:          x.text("DetailBillEndTime"),
		ServiceStartTime: x.text("ServiceBillStartTime"),
		RegionCode:       x.text("RegionCode"),
		RegionName:       x.text("RegionName"),
		ZoneName:         x.text("ZoneName"),
		ProjectID:        canonicalNumberID(x.text("ProjectId")),
		ProjectName:      x.text("ProjectName"),
		Remark:           x.text("Remark"),
	}
	sets := findSets(x, "ProviderSet", "ConfigSet", "ExtraSet", "TagSet")
	if !checkRowMonth(x, m) {
		x.fail("BillMonth", errMissing)
	}
	checkRowCurrency(x)
	line.readCosts(x, "RealCost", "Cost")
	line.PayMode = readPayMode(x, line.Cost, "PayMode")
	line.readSets(sets, wanted)
	return line
}
