package billclient

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"strconv"
)

// MonthConsume is what one month has cost by daily metering, summed up by product: the estimate of its bill (type
// MonthConsume of the API).
type MonthConsume struct {
	Month    Month
	BillType string // "postpay", or empty
	BillID   string
	Sum      Amount
	Products []ProductCost

	// Begin and End are the first and the last day metered (BeginDate, EndDate), the last one perhaps not to its end.
	// They are as the API says, and zero where it does not.
	Begin, End Day
}

// GetMonthConsume returns the estimates of a month, none where the API has none. It has them for the running and the
// previous month, and refuses others as Invalid. Every amount was there and could be read, else the answer is an
// error. It tries again as Retry does. Failures are an *Error. Source: https://endocs.ksyun.com/documents/37507.
func (c *Client) GetMonthConsume(ctx context.Context, m Month) ([]MonthConsume, error) {
	var months []MonthConsume
	err := c.Retry(ctx, GetMonthConsume, func() error {
		params := url.Values{"BillMonth": {m.String()}}
		return c.callConsume(ctx, GetMonthConsume, params, func(r *response) (err error) {
			months, err = readMonthConsumes(r, m)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return months, nil
}

func readMonthConsumes(r *response, m Month) ([]MonthConsume, error) {
	begin, end := topLevelText{name: "BeginDate"}, topLevelText{name: "EndDate"}
	bills, err := readMonthBills(r, m, m, &begin, &end)
	if err != nil {
		return nil, err
	}
	first, noBegin := begin.parseDay()
	last, noEnd := end.parseDay()
	var months []MonthConsume
	for _, b := range bills {
		months = append(months, MonthConsume{
			Month: b.Month, BillType: b.BillType, BillID: b.BillID, Sum: b.Sum, Products: b.Products,
			Begin: first, End: last,
		})
	}
	return months, cmp.Or(noBegin, noEnd)
}

// ConsumeQuery says which lines of consumption to ask for, and what of them to read: a set that nobody reads costs
// little.
type ConsumeQuery struct {
	Month       Month  // the running or the previous one
	ProductCode string // empty: all products
	ProjectID   string // empty: all projects; "0" is the default project
	Tags        bool   // read Line.Tags
	Sets        bool   // read Line.Providers, Configs, Extras and Tags
}

func (q ConsumeQuery) params(page int) url.Values {
	params := url.Values{
		"BillMonth": {q.Month.String()},
		"PageNo":    {strconv.Itoa(page)},
		"PageSize":  {strconv.Itoa(pageSize)},
	}
	setFilters(params, q.ProductCode, q.ProjectID)
	return params
}

// detailQuery is the query as the reader of lines wants it.
func (q ConsumeQuery) detailQuery() DetailQuery {
	return DetailQuery{From: q.Month, To: q.Month, Tags: q.Tags, Sets: q.Sets}
}

// GetPostpayDetailConsume returns the lines of a month's consumption, of one day each (Line.StatDate), as a stream
// over all pages, while they arrive, in constant memory. Each page is a call. Each use of the stream is one attempt at
// all pages. It ends after the first error, which is an *Error: only a stream that ends without one was whole, so a
// consumer adds up on the side, and throws the sums of a broken attempt away.
//
// Pages that do not add up (to their Total, or with each other) are Incomplete, for the account may have changed while
// they were read. Client.Retry has them read over from the first page, twice at most, and not more often than
// Options.MaxRetries.
// Source: https://endocs.ksyun.com/documents/37508.
func (c *Client) GetPostpayDetailConsume(ctx context.Context, q ConsumeQuery) iter.Seq2[Line, error] {
	return lineStream(func(emit func(*Line) error) error {
		p := pagesReader{query: q, emit: emit}
		for ; !p.done; p.no++ {
			if err := c.callConsume(ctx, GetPostpayDetailConsume, q.params(p.no), p.read); err != nil {
				return err
			}
		}
		return nil
	})
}

// consumeForms is how the API may know the consumption actions. Its pages have the first form, the vendor's SDKs the
// second one, which no page has (https://github.com/kingsoftcloud/sdk-go, ksyun/client/bill/v20220601).
var consumeForms = map[string][2]form{
	GetMonthConsume:         {{GetMonthConsume, version2018}, {"GetMonthConsume", version2022}},
	GetPostpayDetailConsume: {{GetPostpayDetailConsume, version2018}, {"GetPostpayDetailConsume", version2022}},
}

// callConsume makes one attempt at a consumption action, in the form that worked last. If the API does not know the
// action in that form, it is asked in the other.
func (c *Client) callConsume(ctx context.Context, action string, params url.Values, read func(*response) error) error {
	forms := consumeForms[action]
	if worked, _ := c.workingVersions.Load(action); worked == forms[1] {
		forms[0], forms[1] = forms[1], forms[0]
	}
	var unknown error
	for _, f := range forms {
		err := c.call(ctx, f, params, read)
		if err == nil {
			c.workingVersions.Store(action, f)
		}
		if !IsUnknownAction(err) {
			return err
		}
		unknown = cmp.Or(unknown, err)
	}
	return unknown
}
