package billclient

import (
	"context"
	"iter"
	"net/url"
)

// GetPostpayDetailBill is an action of the API, as it spells it.
const GetPostpayDetailBill = "GetPostpayDetailBill"

var detailBillAction = declareAction(billService, actionVersion{GetPostpayDetailBill, version2018})

// Line is one line of a bill or of consumption: what an instance cost in a part of a month or on a day (types
// PostpayDetailBill and PostpayDetailConsume of the API, https://endocs.ksyun.com/documents/37511). All texts but
// the ids of the customer and the project are as the API sent them. Times have the form "2018-06-25 23:59:59" and are
// Beijing's.
//
// The texts of a Line share a piece of memory with the texts of the lines around it. A consumer that keeps a text for
// long should clone it (strings.Clone). Lines share equal sets, too: a consumer must not change their elements.
type Line struct {
	DetailBillNo       string
	Month              Month
	CustomerID         string // digits, as in "73400575"; see ParseCustomerID
	StatDate           Day    // DetailBillStatDate, in lines of consumption; zero in lines of a bill
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
	ProjectID          string // digits, as in "0", if the API sent a whole number in any notation
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

// DetailQuery says which lines to ask for, and which of their sets to read: a set that is not read costs little time.
type DetailQuery struct {
	From, To    Month  // inclusive
	ProductCode string // empty: all products
	ProjectID   string // empty: all projects; "0" is the default project
	Tags        bool   // read Line.Tags
	Sets        bool   // read Line.Providers, Configs, Extras and Tags
}

// readsSet reports whether to read a set, one of lineSets.
func (q DetailQuery) readsSet(set int) bool { return q.Sets || q.Tags && set == tagSet }

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

// GetPostpayDetailBill returns a stream of the lines of the months asked for. It yields them while they arrive, in
// constant memory. Each use of the stream is one attempt, which ends after the first error, an *Error. The lines are
// whole only if the stream ends without an error, so a consumer has to drop the sums of an attempt that failed (see
// Client.Retry). Source: https://endocs.ksyun.com/documents/37510.
func (c *Client) GetPostpayDetailBill(ctx context.Context, q DetailQuery) iter.Seq2[Line, error] {
	return c.streamLines(ctx, detailBillAction, q, readLines)
}

// streamLines returns a stream of the lines that read hands to emit, its last argument.
func (c *Client) streamLines(ctx context.Context, a action, q DetailQuery,
	read func(*response, DetailQuery, func(*Line) error) error,
) iter.Seq2[Line, error] {
	return lineStream(func(emit func(*Line) error) error {
		params, err := q.params(a[0].name)
		if err != nil {
			return err
		}
		return c.call(ctx, a, params, func(r *response) error { return read(r, q, emit) })
	})
}

// lineStream returns a stream of the lines that read hands to emit. Once the consumer wants no more, emit fails with
// errEnough.
func lineStream(read func(emit func(*Line) error) error) iter.Seq2[Line, error] {
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
