package billclient

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
)

// QueryItemBills is an action of bill-union, as it spells it.
const QueryItemBills = "QueryItemBills"

var itemBillsAction = declareAction(unionService, actionVersion{QueryItemBills, versionItems})

const (
	// FirstItemMonth is the first month of QueryItemBills: November 2021.
	FirstItemMonth = Month(2021*12 + 10)
	// ItemPageSize is the largest page of QueryItemBills.
	ItemPageSize = 1000

	lastSortValue = "LastSortValue" // the cursor, in requests and in answers
)

// ItemBill is one billing item of an instance in a month: the price of a unit, and how much was used. All texts but
// PayMode are as the API sent them, and can be empty. It does not state what an item cost: that part of the API's page
// is not known.
type ItemBill struct {
	PayMode          string // as UnionPart.Key
	ProductGroupName string
	ProductTypeName  string
	InstanceID       string
	StartTime        string // of what the item is for. See Term
	EndTime          string
	Name             string // of the item
	Price            string // of a unit; no page says whether before the discount or after it
	PriceUnit        string
	PriceNote        string
	Quantity         string // that was used
	Unit             string
}

// Term returns the first and the last day of what the item is for. If StartTime and EndTime do not say, ok is false.
func (i ItemBill) Term() (first, last Day, ok bool) { return parseTerm(i.StartTime, i.EndTime) }

// QueryItemBills returns a stream of the billing items of a month in all pay modes, over all pages. Each page of
// ItemPageSize items is a call, and each use of the stream is one attempt at all pages, which ends after the first
// error, an *Error. The items are whole only if the stream ends without an error. An item of another month, or in
// another currency than CNY (see IsForeignCurrency), is an error. Pages that lead back to one of those before are
// Incomplete, and to be read again, as those of GetPostpayDetailConsume. Without a call, the error is Invalid where
// Options.UnionEndpoint is empty, or the month is before FirstItemMonth.
//
// Known of the action are its parameters, that LastSortValue of an answer is that of the next request, and the names of
// the fields of an item up to its usage: https://docs.ksyun.com/documents/44701. What is around the items is not, nor
// where LastSortValue stands: the SDKs have no more than a Data. So the list may have a name of its own or be Data
// itself, and the cursor may stand beside the list, in Data or at the top, or in the last item. The last page is the
// one that is not full, or has no cursor. There may be a Total, but it is no measure: the search engine behind such
// cursors counts to 10,000 only.
func (c *Client) QueryItemBills(ctx context.Context, m Month) iter.Seq2[ItemBill, error] {
	if m < FirstItemMonth {
		return failedStream[ItemBill](&Error{Action: QueryItemBills, Reason: Invalid, Message: "no items of " +
			m.String() + ": the API has them from " + FirstItemMonth.String() + " on"})
	}
	return func(yield func(ItemBill, error) bool) {
		p := itemPages{client: c, month: m, yield: yield, cursors: map[string]bool{}}
		if err := p.readAll(ctx); err != nil {
			yield(ItemBill{}, err)
		}
	}
}

// itemPages reads all pages of a month once.
type itemPages struct {
	client *Client
	month  Month
	yield  func(ItemBill, error) bool

	page    int             // the number of the page at hand, from 1
	rows    int             // of it
	cursor  string          // of the next page; empty: there is none
	cursors map[string]bool // all cursors so far
}

func (p *itemPages) readAll(ctx context.Context) error {
	for p.page = 1; ; p.page++ {
		err := p.client.call(ctx, itemBillsAction, p.params(), p.readPage)
		if err != nil || p.cursor == "" {
			return err
		}
	}
}

// params returns the parameters of the page at hand.
func (p *itemPages) params() url.Values {
	params := url.Values{
		"CustomerBillMonth": {strings.ReplaceAll(p.month.String(), "-", "")}, "Size": {strconv.Itoa(ItemPageSize)},
	}
	if p.cursor != "" {
		params.Set(lastSortValue, p.cursor)
	}
	return params
}

// itemListNames are names that the list of items may have besides that of the actions for days. They are guesses.
var itemListNames = []string{"items", "itemBills", "list"}

// readPage reads the page at hand and the cursor of the next one.
func (p *itemPages) readPage(r *response) error {
	p.rows, p.cursor = 0, ""
	beside, total, inItem := topLevelText{name: lastSortValue, lenient: true}, topLevelText{name: rowTotal}, ""
	reader := topLevelReader{response: r, set: dayRows, aliases: itemListNames, mayBeData: true}
	reader.texts = []*topLevelText{&beside, &total}
	var nodes nodeBuilder
	err := readAnyEnvelope(&reader, func(d document, number int) error {
		n, err := nodes.read(d)
		if number == 1 {
			r.fields = n.childNames()
		}
		x := nodeReader{node: n, err: err}
		item := readItemBill(&x, p.month)
		inItem = x.text(lastSortValue)
		if x.err != nil {
			return locate(fmt.Sprintf("item %d", number), x.err)
		}
		return p.emit(&item)
	})
	if err == nil {
		err = p.turn(cmp.Or(beside.text, strings.TrimSpace(inItem)))
	}
	return locate(fmt.Sprintf("page %d", p.page), err)
}

func (p *itemPages) emit(item *ItemBill) error {
	if p.rows++; p.rows > ItemPageSize {
		return classify(Decode, "more than %d items", ItemPageSize)
	}
	if !p.yield(*item, nil) {
		return errEnough
	}
	return nil
}

// turn decides after a page whether there is another one. Where a cursor comes again, there would be no end.
func (p *itemPages) turn(cursor string) error {
	if p.rows < ItemPageSize || cursor == "" {
		return nil
	}
	most := p.client.options.MostPages
	switch {
	case p.cursors[cursor]:
		return newPagesError("%s leads back to a page before", lastSortValue)
	case most > 0 && p.page == most:
		return classify(CallLimit, "there are more items than the %d calls bring that they may have of api.daily_calls",
			most)
	}
	p.cursors[cursor], p.cursor = true, cursor
	return nil
}

func readItemBill(x *nodeReader, m Month) ItemBill {
	checkRowMonth(x, m)
	checkRowCurrency(x)
	return ItemBill{
		PayMode:          parsePayMode(x.firstText("payType", "payTypeName")),
		ProductGroupName: x.text("productGroupName"),
		ProductTypeName:  x.text("productTypeName"),
		InstanceID:       x.text("InstanceId"),
		StartTime:        x.text("BillStartTime"),
		EndTime:          x.text("BillEndTime"),
		Name:             x.text("ItemName"),
		Price:            x.text("ItemPrice"),
		PriceUnit:        x.text("ItemPriceUnit"),
		PriceNote:        x.text("ItemPriceDesc"),
		Quantity:         x.text("BillItemValue"),
		Unit:             x.text("BillItemUnit"),
	}
}
