package billclient

import (
	"context"
	"iter"
)

// QueryInstanceConsume is an action of bill-union, as it spells it.
const QueryInstanceConsume = "QueryInstanceConsume"

var instanceConsumeAction = declareAction(unionService, actionVersion{QueryInstanceConsume, versionDays})

// QueryInstanceConsume returns a stream of what the days from and to and all between cost by day, instance and pay
// mode, with those sets that are wanted, over all pages. The days have to be of one month, which can be the running
// one. It yields the lines while they arrive, in 8 bytes of memory for each. Each page of 200 lines is a call, and each
// use of the stream is one attempt at all pages, which ends after the first error, an *Error. The lines are whole only
// if the stream ends without an error, so a consumer has to drop the sums of an attempt that failed.
//
// Pages that do not add up are Incomplete, and read again, as by GetPostpayDetailConsume. A line of another day or
// month, without an amount, of a pay mode that is not known, or in another currency than CNY (see IsForeignCurrency) is
// an error. Without a call, the error is Invalid where Options.UnionEndpoint is empty, or the days are not of one
// month. No page documents the action. Source: https://github.com/kingsoftcloud/sdk-java,
// bill_union/queryinstanceconsume.
func (c *Client) QueryInstanceConsume(
	ctx context.Context, from, to Day, sets UnionSets,
) iter.Seq2[UnionLine, error] {
	params, err := dayParams(QueryInstanceConsume, from, to)
	if err != nil {
		return failedStream[UnionLine](err)
	}
	q := rowQuery[UnionLine]{action: instanceConsumeAction, set: dayRows, size: maxDayPageSize, params: params}
	q.pageParam, q.sizeParam, q.isBounded = "Page", "Size", true
	q.readRow = func(x *nodeReader) UnionLine { return readInstanceConsume(x, daySpan{from, to}, sets) }
	return q.stream(ctx, c)
}

// failedStream returns a stream of nothing but an error.
func failedStream[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

func readInstanceConsume(x *nodeReader, asked daySpan, wanted UnionSets) UnionLine {
	line := UnionLine{
		BillNo:           x.text("id"),
		Day:              asked.readDay(x),
		Month:            asked.from.Month(),
		CustomerID:       canonicalNumberID(x.text("userId")),
		BillingMode:      x.text("billTypeName"),
		ProductGroupID:   canonicalNumberID(x.text("productGroupId")),
		ProductGroupName: x.text("productGroupName"),
		ProductTypeID:    canonicalNumberID(x.text("productTypeId")),
		ProductTypeName:  x.text("productTypeName"),
		InstanceID:       x.text("instanceId"),
		InstanceName:     x.text("instanceName"),
		StartTime:        x.text("billStartTime"),
		EndTime:          x.text("billEndTime"),
		ServiceStartTime: x.firstText("serviceBegionTime", "serviceBeginTime"),
		RegionCode:       x.text("regionCode"),
		RegionName:       x.text("regionName"),
		ZoneName:         x.text("availabilityZone"),
		ProjectID:        canonicalNumberID(x.text("projectId")),
		ProjectName:      x.text("projectName"),
		Remark:           x.text("ruleRemark"),
	}
	sets := findSets(x, "priceFactorInfo", "configInfo", "extraInfo", "tagInfo")
	checkRowCurrency(x)
	line.readCosts(x, "billRealAmount", "originalAmount")
	line.PayMode = readPayMode(x, line.Cost, "payType", "payTypeName")
	line.readSets(sets, wanted)
	return line
}
