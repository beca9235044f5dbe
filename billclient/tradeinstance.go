package billclient

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tradeService knows the orders, and what was bought with them.
var tradeService = service{"trade", "api.trade_endpoint", func(o Options) string { return o.TradeEndpoint }}

// QueryInstances is an action of trade, as it spells it.
const QueryInstances = "QueryInstances"

var instancesAction = declareAction(tradeService, actionVersion{QueryInstances, versionTrade})

// maxInstancePageSize is how many instances are asked for at once. The default is 10, and no page documents a largest
// one.
const maxInstancePageSize = 100

// TradeInstance is an instance that was bought.
type TradeInstance struct {
	InstanceID   string
	ProductGroup string // as the API writes it
	ProductType  string // as the API writes it
	RegionCode   string
	ProjectID    string     // as Line.ProjectID
	CustomerID   CustomerID // empty where the API does not state it
	PayMode      string     // as UnionPart.Key; empty where the API does not state it
	Begin, End   time.Time  // zero where it has none

	// Renewal is RenewManual or RenewAuto, and Status one of the words for it, such as InstanceOpen. Another one is as
	// the API writes it, in lower case.
	Renewal, Status string
}

// What happens to an instance at its end.
const (
	RenewManual = "manual" // it ends, unless somebody renews it
	RenewAuto   = "auto"
)

// InstanceOpen is the status of an instance that is in use.
const InstanceOpen = "open"

// renewals has the words for Renewal by what the API has for them.
var renewals = map[string]string{
	"0": RenewManual, RenewManual: RenewManual, "手动续费": RenewManual,
	"1": RenewAuto, RenewAuto: RenewAuto, "自动续费": RenewAuto,
}

// instanceStatuses has the words for TradeInstance.Status by the numbers of the vendor's SDK
// (https://github.com/kingsoftcloud/sdk-java, trade/queryinstances).
var instanceStatuses = map[string]string{
	"1": "creating", "2": InstanceOpen, "3": "failed", "4": "expired", "5": "recycled", "6": "refunded", "7": "deleted",
	"8": "in arrears", "9": "recycled for arrears", "10": "shut down", "11": "recycled at once", "12": "refunding",
}

// overStatuses has the statuses of instances that nobody can use any more, whatever their End says.
var overStatuses = []string{
	"failed", "expired", "recycled", "refunded", "deleted", "recycled for arrears", "recycled at once", "refunding",
}

// IsOver reports whether the instance is gone, or is being given back. One of a status that is not known is not.
func (i TradeInstance) IsOver() bool { return slices.Contains(overStatuses, i.Status) }

// QueryInstances returns the instances whose term ends between two instants, both inclusive, in whatever status. A zero
// Time is no limit. Without limits, instances without an end are among them. QueryInstances reads all pages, and fails
// or reads them again as GetPostpayDetailConsume and Retry do. Its errors are an *Error; without a call, it is Invalid
// where Options.TradeEndpoint is empty. No page documents the action. Source:
// https://github.com/kingsoftcloud/sdk-java, trade/queryinstances.
func (c *Client) QueryInstances(ctx context.Context, endFrom, endTo time.Time) ([]TradeInstance, error) {
	all, err := instanceQuery(endFrom, endTo).fetch(ctx, c)
	// An API that does not know the limits answers with all instances.
	var within []TradeInstance
	for _, i := range all {
		if i.EndsWithin(endFrom, endTo) {
			within = append(within, i)
		}
	}
	return within, err
}

// StreamInstances returns a stream of what QueryInstances asks for, for those who do not need all of it: it yields what
// the API answers, be it within the limits or not, while it arrives. Each page of 100 instances is a call, and each use
// of the stream is one attempt at all pages, which ends after the first error, an *Error.
func (c *Client) StreamInstances(ctx context.Context, endFrom, endTo time.Time) iter.Seq2[TradeInstance, error] {
	return instanceQuery(endFrom, endTo).stream(ctx, c)
}

func instanceQuery(endFrom, endTo time.Time) rowQuery[TradeInstance] {
	params := url.Values{}
	for name, limit := range map[string]time.Time{"billingEndTimeFrom": endFrom, "billingEndTimeTo": endTo} {
		if !limit.IsZero() {
			params.Set(name, limit.In(Beijing).Format(time.DateTime))
		}
	}
	return rowQuery[TradeInstance]{
		action: instancesAction, set: "retResponse", size: maxInstancePageSize, params: params,
		pageParam: "page", sizeParam: "size", readRow: readTradeInstance,
	}
}

// EndsWithin reports whether the end is within the limits, as QueryInstances has them.
func (i TradeInstance) EndsWithin(from, to time.Time) bool {
	switch {
	case i.End.IsZero():
		return from.IsZero() && to.IsZero()
	case i.End.Before(from):
		return false
	default:
		return to.IsZero() || !i.End.After(to)
	}
}

func readTradeInstance(x *nodeReader) TradeInstance {
	i := TradeInstance{
		InstanceID:   x.text("instanceId"),
		ProductGroup: canonicalNumberID(x.text("productGroup")),
		ProductType:  canonicalNumberID(x.text("productType")),
		RegionCode:   x.firstText("region", "regionName"),
		ProjectID:    canonicalNumberID(x.text("iamProjectId")),
		CustomerID:   ParseCustomerID(x.text("userId")),
		PayMode:      parsePayMode(x.text("payTypeName")),
		Begin:        x.instant("billingBeginTime"),
		End:          x.instant("billingEndTime"),
		Renewal:      readWord(x, renewals, "renewStrategy", "renewStrategyName"),
		Status:       readWord(x, instanceStatuses, "status", "statusName"),
	}
	if i.InstanceID == "" {
		x.fail("instanceId", errMissing)
	}
	return i
}

// readWord returns our word for the first of these fields that has one, else what the first of them has in lower case.
func readWord(x *nodeReader, words map[string]string, fields ...string) string {
	for _, field := range fields {
		text := strings.ToLower(canonicalNumberID(x.text(field)))
		if word, ok := words[text]; ok {
			return word
		}
	}
	return strings.ToLower(strings.TrimSpace(x.firstText(fields...)))
}
