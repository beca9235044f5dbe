package billclient

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"strconv"
)

// The actions of consumption, as the API's pages spell them.
const (
	GetMonthConsume         = "getMonthConsume"
	GetPostpayDetailConsume = "getPostpayDetailConsume"
)

// The API's pages document the first version of the actions of consumption. The vendor's SDKs have the second one,
// which no page documents (https://github.com/kingsoftcloud/sdk-go, ksyun/client/bill/v20220601).
var (
	monthConsumeAction = declareAction(billService,
		actionVersion{GetMonthConsume, version2018}, actionVersion{"GetMonthConsume", version2022})
	detailConsumeAction = declareAction(billService,
		actionVersion{GetPostpayDetailConsume, version2018}, actionVersion{"GetPostpayDetailConsume", version2022})
)

// MonthConsume is what a month has cost by daily metering, by product: the estimate of its bill (type MonthConsume of
// the API).
type MonthConsume struct {
	Month    Month
	BillType string // as in MonthBill
	BillID   string
	Currency string // as in MonthBill
	Sum      Amount
	Products []ProductCost

	// Begin and End are the first and the last metered day (BeginDate, EndDate) as the API states them, zero where it
	// does not. The last day is perhaps not metered to its end.
	Begin, End Day
}

// GetMonthConsume returns the estimates of a month, none where the API has none. The API has them for the running and
// the previous month, and refuses other months as Invalid. An answer with an amount that is missing or cannot be read
// is an error. Elements are left out as by GetMonthBill. GetMonthConsume tries again as Retry does. Its errors are an
// *Error. Source: https://endocs.ksyun.com/documents/37507.
func (c *Client) GetMonthConsume(ctx context.Context, m Month) ([]MonthConsume, error) {
	params := url.Values{"BillMonth": {m.String()}}
	set, err := fetch(ctx, c, monthConsumeAction, params, func(r *response) (consumeSet, error) {
		return readMonthConsumes(r, m)
	})
	c.reportLeftOut(GetMonthConsume, set.leftOut)
	return set.months, err
}

// consumeSet is what an answer of getMonthConsume has.
type consumeSet struct {
	months  []MonthConsume
	leftOut []LeftOutBill
}

func readMonthConsumes(r *response, m Month) (consumeSet, error) {
	beginText, endText := topLevelText{name: "BeginDate"}, topLevelText{name: "EndDate"}
	set, err := readBillSet(r, m, m, &beginText, &endText)
	if err != nil {
		return consumeSet{}, err
	}
	begin, beginErr := beginText.parseDay()
	end, endErr := endText.parseDay()
	consumed := consumeSet{leftOut: set.leftOut}
	for _, b := range set.bills {
		consumed.months = append(consumed.months, MonthConsume{
			Month: b.Month, BillType: b.BillType, BillID: b.BillID, Currency: b.Currency, Sum: b.Sum,
			Products: b.Products, Begin: begin, End: end,
		})
	}
	return consumed, cmp.Or(beginErr, endErr)
}

// ConsumeQuery says which lines of consumption to ask for, and which of their sets to read: a set that is not read
// costs little time.
type ConsumeQuery struct {
	Month       Month  // the running or the previous one
	ProductCode string // empty: all products
	ProjectID   string // empty: all projects; "0" is the default project
	Tags        bool   // read Line.Tags
	Sets        bool   // read Line.Providers, Configs, Extras and Tags
}

func (q ConsumeQuery) params(page, pageSize int) url.Values {
	params := url.Values{
		"BillMonth": {q.Month.String()},
		"PageNo":    {strconv.Itoa(page)},
		"PageSize":  {strconv.Itoa(pageSize)},
	}
	setFilters(params, q.ProductCode, q.ProjectID)
	return params
}

// detailQuery returns the query in the form that a record has.
func (q ConsumeQuery) detailQuery() DetailQuery {
	return DetailQuery{From: q.Month, To: q.Month, Tags: q.Tags, Sets: q.Sets}
}

// GetPostpayDetailConsume returns a stream of the lines of a month's consumption, each of one day (Line.StatDate),
// over all pages. It yields them while they arrive, in 8 bytes of memory for each line. Each page is a call, and
// each use of the stream is one attempt at all pages, which ends after the first error, an *Error. The lines are whole
// only if the stream ends without an error, so a consumer has to drop the sums of an attempt that failed.
//
// Pages that do not add up to their Total, or do not fit each other, are Incomplete: the account may have changed
// while they were read. Client.Retry reads them again from the first page, at most twice and at most
// Options.MaxRetries times. Lines that are on several pages are Incomplete as well, until two reads of the same query
// in a row have the same lines. If Total counts such lines, all of them are yielded then, else each of them once.
// Source: https://endocs.ksyun.com/documents/37508.
func (c *Client) GetPostpayDetailConsume(ctx context.Context, q ConsumeQuery) iter.Seq2[Line, error] {
	return lineStream(func(emit func(*Line) error) error {
		params := func(page int) url.Values { return q.params(page, maxPageSize) }
		return readPages(ctx, c, detailConsumeAction, q, params, func(before *pagesRead) *pagesReader[Line] {
			return newConsumeReader(q, before, emit)
		})
	})
}

// newConsumeReader returns a reader of pages of consumption. See newPagesReader.
func newConsumeReader(q ConsumeQuery, before *pagesRead, emit func(*Line) error) *pagesReader[Line] {
	p := newPagesReader(0, maxPageSize, before, emit)
	lines := newLineReader(newRecord(q.detailQuery(), true), nil)
	lines.emit = func(line *Line) error { return p.addRow(line, lines.digest(p.comparer.seed)) }
	p.read = func(r *response) (string, error) {
		rows := topLevelText{name: rowTotal}
		lines.number = 0
		err := readItems(r, lineSet, lines.readItem, &rows)
		return rows.text, err
	}
	return p
}
