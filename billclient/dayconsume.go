package billclient

import "context"

// The actions of bill-union that sum up days, as it spells them.
const (
	QueryProductConsume = "QueryProductConsume"
	QueryProjectConsume = "QueryProjectConsume"
)

var (
	productConsumeAction = declareAction(unionService, actionVersion{QueryProductConsume, versionDays})
	projectConsumeAction = declareAction(unionService, actionVersion{QueryProjectConsume, versionDays})
)

// maxDayPageSize is the largest page of the actions that sum up days, as the vendor's SDKs state it
// (https://github.com/kingsoftcloud/sdk-java, bill_union).
const maxDayPageSize = 200

// dayRows is the name of the set in which these actions answer.
const dayRows = "bills"

// DayConsume is what a product group or a project cost on a day, by pay mode. The API does not promise that the days
// and keys of two of them differ.
type DayConsume struct {
	Day Day
	// Key is the id of a product group, as ProductGroup.ID, or of a project, as Line.ProjectID. It can be empty.
	Key   string
	Name  string // may change: it is in the language that the API chooses
	Modes [3]ModeCost
	Total Amount // as the API states it, else the sum of Modes
	Paid  []Payment

	// CustomerID is as Line.CustomerID. The key of a payer may read the costs of linked customers as well.
	CustomerID string
}

// Unexplained returns how much of Total the costs of Modes do not explain.
func (d DayConsume) Unexplained() Amount {
	rest := d.Total
	for _, m := range d.Modes {
		rest = rest.Sub(m.Cost)
	}
	return rest
}

// ModeCost is what was spent in one pay mode.
type ModeCost struct {
	PayMode  string // Prepaid, Realtime and Postpaid, in this order
	Cost     Amount // what counts: as the API states it, else the sum of the other two
	Spent    Amount // before refunds and adjustments
	Adjusted Amount // refunds and adjustments, negative where they make the cost less
}

// Unexplained returns how much of Cost the other two do not explain.
func (m ModeCost) Unexplained() Amount { return m.Cost.Sub(m.Spent).Sub(m.Adjusted) }

// QueryProductConsume returns what the days from and to and all between cost by day and product group, in each pay
// mode. The days have to be of one month, which can be the running one. A row of another day or month, or in another
// currency than CNY (see IsForeignCurrency), and one with an amount that cannot be read, is an error. So is one without
// any amount for a pay mode, unless it has a total. What the amounts of a row do not explain of its totals is no error;
// see Unexplained.
//
// QueryProductConsume reads all pages, and fails or reads them again as GetPostpayDetailConsume and Retry do. Its
// errors are an *Error; without a call, it is Invalid where Options.UnionEndpoint is empty, or the days are not of one
// month. No page documents the action. Source: https://github.com/kingsoftcloud/sdk-java,
// bill_union/queryproductconsume.
func (c *Client) QueryProductConsume(ctx context.Context, from, to Day) ([]DayConsume, error) {
	return fetchDays(ctx, c, productConsumeAction, from, to, "productGroupId", "productGroupName")
}

// QueryProjectConsume returns what days cost by day and project, in each pay mode. Otherwise it does what
// QueryProductConsume does. Source: https://github.com/kingsoftcloud/sdk-java, bill_union/queryprojectconsume.
func (c *Client) QueryProjectConsume(ctx context.Context, from, to Day) ([]DayConsume, error) {
	return fetchDays(ctx, c, projectConsumeAction, from, to, "projectId", "projectName")
}

// fetchDays returns the rows of an action whose key and name stand in these fields.
func fetchDays(ctx context.Context, c *Client, a action, from, to Day, key, name string) ([]DayConsume, error) {
	params, err := dayParams(a[0].name, from, to)
	if err != nil {
		return nil, err
	}
	q := rowQuery[DayConsume]{action: a, set: dayRows, size: maxDayPageSize, params: params}
	q.pageParam, q.sizeParam = "Page", "Size"
	q.readRow = func(x *nodeReader) DayConsume {
		row := readDayConsume(x, daySpan{from, to})
		row.Key, row.Name = canonicalNumberID(x.text(key)), x.text(name)
		return row
	}
	return q.fetch(ctx, c)
}

// modeFields has the names of the amounts of each pay mode.
var modeFields = [...]struct{ mode, spent, adjusted, cost string }{
	{Prepaid, "prePayCost", "prePayRefundAmount", "prePayBillsAmount"},
	{Realtime, "realtimeCost", "realtimeAdjustAmount", "realtimeBillsAmount"},
	{Postpaid, "postPayCost", "postPayAdjustAmount", "postPayBillsAmount"},
}

// dayPayments has the means of payment by the names of their fields.
var dayPayments = []paymentField{
	{"cash", Cash}, {"reward", Reward}, {"vouchers", Voucher}, {"cloudTicketDenomination", CloudTicket},
}

func readDayConsume(x *nodeReader, asked daySpan) DayConsume {
	row := DayConsume{Day: asked.readDay(x), CustomerID: canonicalNumberID(x.text("userId"))}
	checkRowCurrency(x)
	stated, hasTotal := x.optionalAmount("billFinalAmount")
	for i, f := range modeFields {
		cost, ok := x.optionalAmount(f.cost)
		row.Modes[i] = readModeCost(x, i, cost, ok)
		if !ok && !hasTotal && x.firstText(f.spent, f.adjusted) == "" {
			x.fail(f.cost, errMissing)
		}
		row.Total = row.Total.Add(row.Modes[i].Cost)
	}
	if hasTotal {
		row.Total = stated
	}
	row.Paid = readPayments(x, dayPayments)
	return row
}

// readModeCost reads the amounts of a pay mode, whose place in modeFields is given, beside its cost, if that is stated.
// No page says whether a refund is negative. If only the other sign explains the cost, it is that one.
func readModeCost(x *nodeReader, place int, cost Amount, isStated bool) ModeCost {
	f := modeFields[place]
	spent, hasSpent := x.optionalAmount(f.spent)
	adjusted, _ := x.optionalAmount(f.adjusted)
	m := ModeCost{PayMode: f.mode, Cost: cost, Spent: spent, Adjusted: adjusted}
	switch {
	case !isStated:
		m.Cost = spent.Add(adjusted)
	case !hasSpent:
		m.Spent = cost.Sub(adjusted)
	case m.Unexplained().Sign() != 0 && spent.Sub(adjusted).Cmp(cost) == 0:
		m.Adjusted = adjusted.Neg()
	}
	return m
}

// checkRowCurrency fails if a row is in another currency than CNY. One that names none is taken: the summaries of the
// same service name it.
func checkRowCurrency(x *nodeReader) {
	x.keep(checkCurrency(x.firstText("currencyCode", currency)))
}
