package billclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// unionService knows the costs of all pay modes.
var unionService = service{"bill-union", "api.union_endpoint", func(o Options) string { return o.UnionEndpoint }}

// The actions of bill-union, as it spells them.
const (
	DescribeBillSummaryByPayMode = "DescribeBillSummaryByPayMode"
	DescribeBillSummaryByProduct = "DescribeBillSummaryByProduct"
	DescribeBillSummaryByProject = "DescribeBillSummaryByProject"
	DescribeProductCode          = "DescribeProductCode"
)

var (
	payModeSummary     = declareSummary(DescribeBillSummaryByPayMode, readPayModePart, checkPayModes)
	productSummary     = declareSummary(DescribeBillSummaryByProduct, readProductPart, nil)
	projectSummary     = declareSummary(DescribeBillSummaryByProject, readProjectPart, nil)
	productGroupAction = declareAction(unionService, actionVersion{DescribeProductCode, version2020})
)

// summaryAction is an action that answers with a UnionSummary.
type summaryAction struct {
	action   action
	readPart func(*nodeReader) UnionPart // reads the key and the name of a part
	check    func([]UnionPart) error     // fails if the parts together cannot be trusted; may be nil
}

// declareSummary returns a summary action of bill-union. See declareAction.
func declareSummary(
	name string, readPart func(*nodeReader) UnionPart, check func([]UnionPart) error,
) summaryAction {
	return summaryAction{declareAction(unionService, actionVersion{name, version2020}), readPart, check}
}

// The means of payment, as Payment.Means has them.
const (
	Cash        = "cash"
	Reward      = "reward" // given by the vendor
	Voucher     = "voucher"
	CloudTicket = "cloud_ticket"
)

// UnionSummary is what a month cost in all pay modes, as a whole and by part.
type UnionSummary struct {
	Month    Month
	Currency string // the yuan, as the API spells it
	Total    Amount // after discount
	Paid     []Payment
	Parts    []UnionPart
}

// Billed reports whether the API has costs of the month, even if they are zero. If it has none, Total means nothing.
func (s UnionSummary) Billed() bool { return len(s.Parts) > 0 }

// UnionPart is what one pay mode, product group or project cost. The API does not promise that the keys of the parts
// differ.
type UnionPart struct {
	// Key is a pay mode, the code of a product group, or the id of a project. The code of a product group is none of
	// the codes in ProductCost. The last two can be empty. A pay mode that is not known is as the API writes it, in
	// lower case. It stands only beside a part that is Postpaid, or costs nothing.
	Key  string
	Name string // may change: it is in the language that the API chooses
	Cost Amount // after discount
	Paid []Payment
}

// Payment is how much of a cost was paid by one means. Of the summaries of a month, only
// DescribeBillSummaryByProduct has payments, since 2022.
type Payment struct {
	Means string
	Cost  Amount
}

// DescribeBillSummaryByPayMode returns what a month cost by pay mode. The API does not document whether it has the
// running month: a month of which it has nothing is not an error, and not Billed. An answer with an amount that is
// missing, cannot be read or is not in CNY (see IsForeignCurrency) is an error. DescribeBillSummaryByPayMode tries
// again as Retry does. Its errors are an *Error; without a call, it is Invalid where Options.UnionEndpoint is empty.
// Source: https://endocs.ksyun.com/documents/37502.
func (c *Client) DescribeBillSummaryByPayMode(ctx context.Context, m Month) (UnionSummary, error) {
	return fetchSummary(ctx, c, payModeSummary, m)
}

// DescribeBillSummaryByProduct returns what a month cost by product group, in all pay modes together. Otherwise it
// does what DescribeBillSummaryByPayMode does. Source: https://endocs.ksyun.com/documents/37500.
func (c *Client) DescribeBillSummaryByProduct(ctx context.Context, m Month) (UnionSummary, error) {
	return fetchSummary(ctx, c, productSummary, m)
}

// DescribeBillSummaryByProject returns what a month cost by project, in all pay modes together. Otherwise it does what
// DescribeBillSummaryByPayMode does. Source: https://endocs.ksyun.com/documents/37503.
func (c *Client) DescribeBillSummaryByProject(ctx context.Context, m Month) (UnionSummary, error) {
	return fetchSummary(ctx, c, projectSummary, m)
}

// DescribeProductCode returns the product groups that DescribeBillSummaryByProduct can have as parts. It tries again
// as Retry does. Its errors are an *Error; without a call, it is Invalid where Options.UnionEndpoint is empty. Source:
// https://endocs.ksyun.com/documents/37501.
func (c *Client) DescribeProductCode(ctx context.Context) ([]ProductCode, error) {
	return fetch(ctx, c, productGroupAction, url.Values{}, func(r *response) ([]ProductCode, error) {
		return readProductCodes(r, "ProductGroupSet")
	})
}

// fetchSummary returns the summary of one month. The API refuses to answer for several.
func fetchSummary(ctx context.Context, c *Client, s summaryAction, m Month) (UnionSummary, error) {
	params := url.Values{"BillBeginMonth": {m.String()}, "BillEndMonth": {m.String()}}
	return fetch(ctx, c, s.action, params, func(r *response) (UnionSummary, error) {
		return readUnionSummary(r, m, s)
	})
}

const (
	unionSet   = "SummaryOverview"
	unionTotal = "RealTotalCost" // of the summary, and of a part
	currency   = "Currency"
)

// paymentField is the name of the field of a means of payment.
type paymentField struct{ field, means string }

// paymentFields has the means of payment by the names of their fields.
var paymentFields = []paymentField{
	{"Cash", Cash},
	{"Reward", Reward},
	{"Voucher", Voucher},
	{"CloudTicketCost", CloudTicket},
}

func readUnionSummary(r *response, m Month, a summaryAction) (UnionSummary, error) {
	s, texts := UnionSummary{Month: m}, []*topLevelText{{name: currency}, {name: unionTotal}}
	for _, p := range paymentFields {
		texts = append(texts, &topLevelText{name: p.field})
	}
	err := readItems(r, unionSet, func(d document, number int) error {
		part, err := readUnionPart(d, m, a.readPart)
		s.Parts = append(s.Parts, part)
		return locate(fmt.Sprintf("%s %d", unionSet, number), err)
	}, texts...)
	if err == nil {
		err = s.readTotal(texts)
	}
	if err == nil && a.check != nil {
		err = a.check(s.Parts)
	}
	return s, err
}

// readTotal reads the texts beside the parts. Without parts, most of them may be missing.
func (s *UnionSummary) readTotal(texts []*topLevelText) error {
	x := newTextReader(texts)
	check, code := checkCurrency, x.text(currency)
	if s.Billed() {
		check = requireCurrency
	}
	if err := check(code); err != nil {
		return err
	}
	s.Currency = code
	if !s.Billed() && x.findChild(unionTotal).isMissing() {
		return nil
	}
	total := x.amount(unionTotal)
	if !s.Billed() && total.Sign() != 0 {
		return classify(Incomplete, "%s is empty, but %s is %v", unionSet, unionTotal, total)
	}
	s.Total, s.Paid = total, readPayments(x, paymentFields)
	return x.err
}

// refusedCurrency is the currency of an answer or of a part of it that is not in CNY, as far as it says.
type refusedCurrency struct{ code string }

func (r *refusedCurrency) Error() string {
	return fmt.Sprintf("%q: only amounts in CNY are taken", shorten(r.code, 60))
}

// RefusedCurrency returns the currency for which an answer was refused with err, as the API spells it. It is empty if
// the answer had costs and named no currency. ok is false if err says nothing of a currency.
func RefusedCurrency(err error) (code string, ok bool) {
	refused, ok := errors.AsType[*refusedCurrency](err)
	if !ok {
		return "", false
	}
	return refused.code, true
}

// IsForeignCurrency reports whether err says that an account is not in CNY. Most actions name no currency: what they
// answer for the account cannot be taken for yuan either.
func IsForeignCurrency(err error) bool {
	code, _ := RefusedCurrency(err)
	return code != ""
}

// checkCurrency fails if code is a currency other than the yuan, for which the vendor's pages have two codes and a
// character (https://docs.ksyun.com/documents/41452 has RMB, https://docs.ksyun.com/documents/39126 has 元). The name
// and the number of the currency are read as well.
func checkCurrency(code string) error {
	switch strings.ToUpper(strings.TrimSpace(code)) {
	case "", "CNY", "RMB", "元", "人民币", "156":
		return nil
	default:
		return classify(Decode, "%s %w", currency, &refusedCurrency{code})
	}
}

// requireCurrency does what checkCurrency does, and fails without a code as well.
func requireCurrency(code string) error {
	if code == "" {
		return classify(Decode, "%s %w", currency, &refusedCurrency{code})
	}
	return checkCurrency(code)
}

// newTextReader returns a reader of the texts beside a set, as if they were the children of a node.
func newTextReader(texts []*topLevelText) *nodeReader {
	var b nodeBuilder
	place := b.begin(nil)
	for _, t := range texts {
		if t.text != "" {
			b.end(b.begin([]byte(t.name)), []byte(t.text))
		}
	}
	b.end(place, nil)
	return &nodeReader{node: node{&b, place}}
}

func readUnionPart(d document, m Month, readPart func(*nodeReader) UnionPart) (UnionPart, error) {
	n, err := readNode(d)
	if err != nil {
		return UnionPart{}, err
	}
	x := nodeReader{node: n}
	_, err = parseMonthWithin(x.text("BillMonth"), m, m)
	// No page documents a currency of a part. A part in another one must not be added to those in CNY.
	err = cmp.Or(checkCurrency(x.text(currency)), err)
	part := readPart(&x)
	part.Cost, part.Paid = x.amount(unionTotal), readPayments(&x, paymentFields)
	return part, cmp.Or(err, x.err)
}

// readPayments returns the means of payment that have an amount.
func readPayments(x *nodeReader, fields []paymentField) []Payment {
	var payments []Payment
	for _, f := range fields {
		if amount, ok := x.optionalAmount(f.field); ok {
			payments = append(payments, Payment{f.means, amount})
		}
	}
	return payments
}

func readPayModePart(x *nodeReader) UnionPart {
	name := x.text("PayMode")
	if strings.TrimSpace(name) == "" {
		x.fail("PayMode", errMissing)
	}
	return UnionPart{Key: parsePayMode(name), Name: name}
}

// unknownPayMode is a pay mode that can be postpaid under a name that is not known.
type unknownPayMode struct {
	name  string
	parts []UnionPart // of its answer
}

func (u *unknownPayMode) Error() string {
	return fmt.Sprintf("PayMode %q is not known, and no part is postpaid", shorten(u.name, 60))
}

// RefusedPayModes returns the parts of an answer that was refused with err for a pay mode that is not known, none if it
// was not.
func RefusedPayModes(err error) []UnionPart {
	refused, ok := errors.AsType[*unknownPayMode](err)
	if !ok {
		return nil
	}
	return refused.parts
}

// checkPayModes fails if a part has a pay mode that is not known, and costs something, while no part is postpaid: it
// can be postpaid under another name, and what GetMonthBill has would count twice.
func checkPayModes(parts []UnionPart) error {
	if slices.ContainsFunc(parts, func(p UnionPart) bool { return p.Key == Postpaid }) {
		return nil
	}
	for i, p := range parts {
		if !IsPayMode(p.Key) && p.Cost.Sign() != 0 {
			err := classify(Decode, "%w", &unknownPayMode{p.Name, parts})
			return locate(fmt.Sprintf("%s %d", unionSet, i+1), err)
		}
	}
	return nil
}

func readProductPart(x *nodeReader) UnionPart {
	return UnionPart{Key: x.text("ProductCode"), Name: x.text("ProductName")}
}

func readProjectPart(x *nodeReader) UnionPart {
	return UnionPart{Key: canonicalNumberID(x.text("ProjectId")), Name: x.text("ProjectName")}
}
