package billclient

import (
	"context"
	"iter"
	"net/url"
)

// Line is one line of a bill or of consumption: an instance, for a part of a month or for a day (types
// PostpayDetailBill and PostpayDetailConsume of the API, https://endocs.ksyun.com/documents/37511). All texts are as
// the API sent them; times have the form "2018-06-25 23:59:59" and are Beijing's.
//
// The texts of a Line share a piece of memory with those of the lines around it: a consumer that keeps one of them for
// long clones it (strings.Clone).
type Line struct {
	DetailBillNo       string
	Month              Month
	CustomerID         string
	StatDate           Day    // DetailBillStatDate, in lines of consumption; zero in a bill's
	StartTime          string // DetailBillStartTime
	EndTime            string // DetailBillEndTime
	ProductCode        string
	ProductName        string
	ProductSubTypeName string
	InstanceID         string
	InstanceName       string
	Cost               Amount // what is paid: after the discount
	ListCost           Amount // MeasureAmount: before the discount
	Discount           string
	ServiceStartTime   string
	BillingMode        string // BillType: display text such as Pay-By-Daily-Config
	BillDays           string
	BillHours          string
	RegionName         string
	ZoneName           string
	RuleRemark         string
	ProjectID          string
	ProjectName        string
	Providers          []KeyValue // ProviderSet: price factors
	Configs            []KeyValue // ConfigSet
	Extras             []KeyValue // ExtraSet: addresses
	Tags               []KeyValue // TagSet
}

// KeyValue is one entry of a set of a Line (type KvPair).
type KeyValue struct {
	Key   string
	Value string
}

// DetailQuery says which lines to ask for, and what of them to read: a set that nobody reads costs little.
type DetailQuery struct {
	From, To    Month  // inclusive
	ProductCode string // empty: all products
	ProjectID   string // empty: all projects; "0" is the default project
	Tags        bool   // read Line.Tags
	Sets        bool   // read Line.Providers, Configs, Extras and Tags
}

// wants tells whether the consumer reads the set.
func (q DetailQuery) wants(set int) bool { return q.Sets || q.Tags && set == setTags }

func (q DetailQuery) params(action string) (url.Values, error) {
	params, err := monthParams(action, q.From, q.To)
	if err != nil {
		return nil, err
	}
	setFilters(params, q.ProductCode, q.ProjectID)
	return params, nil
}

func setFilters(params url.Values, productCode, projectID string) {
	if productCode != "" {
		params.Set("ProductCode", productCode)
	}
	if projectID != "" {
		params.Set("ProjectId", projectID)
	}
}

// GetPostpayDetailBill returns the lines of the months asked for as a stream, while they arrive, in constant memory.
// Each use of the stream is one attempt. It ends after the first error, which is an *Error: only a stream that ends
// without one was whole, so a consumer adds up on the side, and throws the sums of a broken attempt away (see
// Client.Retry).
// Source: https://endocs.ksyun.com/documents/37510.
func (c *Client) GetPostpayDetailBill(ctx context.Context, q DetailQuery) iter.Seq2[Line, error] {
	return c.lines(ctx, GetPostpayDetailBill, q, readLines)
}

// lines makes a stream of what read hands to its last argument.
func (c *Client) lines(ctx context.Context, action string, q DetailQuery,
	read func(*reply, DetailQuery, func(*Line) error) error,
) iter.Seq2[Line, error] {
	return stream(func(emit func(*Line) error) error {
		params, err := q.params(action)
		if err != nil {
			return err
		}
		return c.call(ctx, form{action, version2018}, params, func(r *reply) error { return read(r, q, emit) })
	})
}

// stream makes a stream of what read hands to its argument, which fails with errEnough once nobody wants more.
func stream(read func(emit func(*Line) error) error) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		err := read(func(line *Line) error {
			if !yield(*line, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil {
			yield(Line{}, err)
		}
	}
}
