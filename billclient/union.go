package billclient

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
)

// The actions of bill-union, the service that knows all pay modes, as it spells them.
const (
	DescribeBillSummaryByPayMode = "DescribeBillSummaryByPayMode"
	DescribeBillSummaryByProduct = "DescribeBillSummaryByProduct"
	DescribeBillSummaryByProject = "DescribeBillSummaryByProject"
	DescribeProductCode          = "DescribeProductCode"
)

// The pay modes, as UnionPart.Key of DescribeBillSummaryByPayMode has them. GetMonthBill and all other actions of the
// service bill know postpaid bills only.
const (
	Prepaid  = "prepaid"  // paid for when it is bought
	Realtime = "realtime" // paid for by the hour or by the day
	Postpaid = "postpaid" // paid for by the month
)

// The means of payment, as Payment.Means has them.
const (
	Cash        = "cash"
	Reward      = "reward" // given by the vendor
	Voucher     = "voucher"
	CloudTicket = "cloud_ticket"
)

// UnionSummary is what one month cost in all pay modes, and how that cost is parted.
type UnionSummary struct {
	Month Month
	Total Amount // after discount
	Paid  []Payment
	Parts []UnionPart
}

// Billed tells whether the API has costs of the month, be they zero. Without, there is no Total that means anything.
func (s UnionSummary) Billed() bool { return len(s.Parts) > 0 }

// UnionPart is what one pay mode, product group or project cost. That no other part has its key is not promised.
type UnionPart struct {
	// Key is a pay mode, the code of a product group, which is none of the codes in ProductCost, or the id of a
	// project. The last two can be empty. A pay mode that is not known is as the API writes it, in lower case.
	Key  string
	Name string // volatile, and in the language that the API chooses
	Cost Amount // after discount
	Paid []Payment
}

// Payment is what of a cost was paid by one means. Only DescribeBillSummaryByProduct tells of them, since 2022.
type Payment struct {
	Means string
	Cost  Amount
}

// DescribeBillSummaryByPayMode returns what a month cost by pay mode. Whether the API has the running month is
// documented nowhere: a month of which it has nothing is no failure, but not Billed. Every amount was there, could be
// read and is in CNY, else the answer is an error. It tries again as Retry does. Failures are an *Error, Invalid
// without a call where Options.UnionEndpoint is empty. Source: https://endocs.ksyun.com/documents/37502.
func (c *Client) DescribeBillSummaryByPayMode(ctx context.Context, m Month) (UnionSummary, error) {
	return c.fetchSummary(ctx, DescribeBillSummaryByPayMode, m, readPayModePart)
}

// DescribeBillSummaryByProduct returns what a month cost by product group, all pay modes together. Else it is as
// DescribeBillSummaryByPayMode. Source: https://endocs.ksyun.com/documents/37500.
func (c *Client) DescribeBillSummaryByProduct(ctx context.Context, m Month) (UnionSummary, error) {
	return c.fetchSummary(ctx, DescribeBillSummaryByProduct, m, func(x *nodeReader) UnionPart {
		return UnionPart{Key: x.text("ProductCode"), Name: x.text("ProductName")}
	})
}

// DescribeBillSummaryByProject returns what a month cost by project, all pay modes together. Else it is as
// DescribeBillSummaryByPayMode. Source: https://endocs.ksyun.com/documents/37503.
func (c *Client) DescribeBillSummaryByProject(ctx context.Context, m Month) (UnionSummary, error) {
	return c.fetchSummary(ctx, DescribeBillSummaryByProject, m, func(x *nodeReader) UnionPart {
		return UnionPart{Key: x.text("ProjectId"), Name: x.text("ProjectName")}
	})
}

// DescribeProductCode returns the codes that the parts of DescribeBillSummaryByProduct can have. It tries again as
// Retry does. Failures are an *Error. Source: https://endocs.ksyun.com/documents/37501.
func (c *Client) DescribeProductCode(ctx context.Context) ([]ProductCode, error) {
	if err := c.checkUnion(DescribeProductCode); err != nil {
		return nil, err
	}
	return c.fetchProductCodes(ctx, form{DescribeProductCode, version2020}, "ProductGroupSet")
}

// checkUnion fails where there is nobody to ask.
func (c *Client) checkUnion(action string) error {
	if c.options.UnionEndpoint == "" {
		return &Error{Action: action, Reason: Invalid, Message: unionService.endpoint + " is empty"}
	}
	return nil
}

// fetchSummary asks for one month, for the API refuses more; read takes the key and the name of a part.
func (c *Client) fetchSummary(
	ctx context.Context, action string, m Month, read func(*nodeReader) UnionPart,
) (UnionSummary, error) {
	if err := c.checkUnion(action); err != nil {
		return UnionSummary{}, err
	}
	var s UnionSummary
	err := c.Retry(ctx, action, func() error {
		params := url.Values{"BillBeginMonth": {m.String()}, "BillEndMonth": {m.String()}}
		return c.call(ctx, form{action, version2020}, params, func(r *response) (err error) {
			s, err = readUnionSummary(r, m, read)
			return err
		})
	})
	if err != nil {
		return UnionSummary{}, err
	}
	return s, nil
}

const (
	unionSet   = "SummaryOverview"
	unionTotal = "RealTotalCost" // of all, and of a part
	currency   = "Currency"
)

// paymentFields are the means of payment by the names of their fields.
var paymentFields = []struct{ field, means string }{
	{"Cash", Cash},
	{"Reward", Reward},
	{"Voucher", Voucher},
	{"CloudTicketCost", CloudTicket},
}

func readUnionSummary(r *response, m Month, read func(*nodeReader) UnionPart) (UnionSummary, error) {
	s, texts := UnionSummary{Month: m}, []*topLevelText{{name: currency}, {name: unionTotal}}
	for _, p := range paymentFields {
		texts = append(texts, &topLevelText{name: p.field})
	}
	err := readItems(r, unionSet, func(d document, n int) error {
		part, err := readUnionPart(d, m, read)
		s.Parts = append(s.Parts, part)
		return locate(fmt.Sprintf("%s %d", unionSet, n), err)
	}, texts...)
	if err == nil {
		err = s.readTotals(texts)
	}
	return s, err
}

// readTotals reads what stands beside the parts. Without parts, hardly anything has to.
func (s *UnionSummary) readTotals(texts []*topLevelText) error {
	x := newTextReader(texts)
	said := x.text(currency)
	if (said != "" || s.Billed()) && !isCNY(said) {
		return classify(Decode, "%s %q: only amounts in CNY are taken", currency, shorten(said, 60))
	}
	if !s.Billed() && x.findChild(unionTotal) == nil {
		return nil
	}
	total := x.amount(unionTotal)
	if !s.Billed() && total.Sign() != 0 {
		return classify(Incomplete, "%s is empty, but %s is %v", unionSet, unionTotal, total)
	}
	s.Total, s.Paid = total, x.readPayments()
	return x.err
}

// isCNY knows both names of the yuan that the vendor's pages use (https://docs.ksyun.com/documents/41452 has RMB).
func isCNY(code string) bool { return strings.EqualFold(code, "CNY") || strings.EqualFold(code, "RMB") }

// newTextReader makes the texts that stand beside a set readable as those of its elements are.
func newTextReader(texts []*topLevelText) *nodeReader {
	x := &nodeReader{}
	for _, t := range texts {
		if t.text != "" {
			x.node.children = append(x.node.children, node{name: t.name, text: t.text})
		}
	}
	return x
}

func readUnionPart(d document, m Month, read func(*nodeReader) UnionPart) (UnionPart, error) {
	n, err := readNode(d)
	if err != nil {
		return UnionPart{}, err
	}
	x := nodeReader{node: n}
	_, err = checkMonth(x.text("BillMonth"), m, m)
	part := read(&x)
	part.Cost, part.Paid = x.amount(unionTotal), x.readPayments()
	return part, cmp.Or(err, x.err)
}

// readPayments returns the means of payment that are told of.
func (x *nodeReader) readPayments() []Payment {
	var paid []Payment
	for _, p := range paymentFields {
		if x.text(p.field) != "" {
			paid = append(paid, Payment{p.means, x.amount(p.field)})
		}
	}
	return paid
}

func readPayModePart(x *nodeReader) UnionPart {
	name := x.text("PayMode")
	if strings.TrimSpace(name) == "" {
		x.fail("PayMode", errMissing)
	}
	return UnionPart{Key: parsePayMode(name), Name: name}
}

// payModeWords are the words for pay modes, spelled as plainCode does: those of the page of
// DescribeBillSummaryByPayMode, of the vendor's SDK in Chinese (https://github.com/kingsoftcloud/sdk-java,
// bill_union), of the list of billing modes (https://endocs.ksyun.com/documents/37441) and of QueryItemBills
// (https://docs.ksyun.com/documents/44701).
var payModeWords = map[string]string{
	"prepaid":     Prepaid,
	"prepayment":  Prepaid,
	"预付费":         Prepaid,
	"payasyougo":  Realtime,
	"realtime":    Realtime,
	"按量付费":        Realtime,
	"实时付费":        Realtime,
	"postpaid":    Postpaid,
	"postpayment": Postpaid,
	"后付费":         Postpaid,
}

func parsePayMode(name string) string {
	name = strings.TrimSpace(name)
	return cmp.Or(payModeWords[normalizeCode(name)], strings.ToLower(name))
}

// service is one of the vendor's, with a host and permissions of its own.
type service struct {
	name     string // in the scope of signatures and in the names of permissions
	endpoint string // the key of its address in the configuration
}

var (
	billService  = service{"bill", "api.endpoint"}
	unionService = service{"bill-union", "api.union_endpoint"}
)

// serviceOf returns the service that an action is asked of. No action that is asked here has a namesake there.
func serviceOf(action string) service {
	switch action {
	case DescribeBillSummaryByPayMode, DescribeBillSummaryByProduct, DescribeBillSummaryByProject, DescribeProductCode:
		return unionService
	default:
		return billService
	}
}
