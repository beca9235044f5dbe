package billsim

import "cmp"

const (
	unionService = "bill-union"
	version2020  = "2020-01-01"
)

// Purchase is what a project spent on a product in a month without a postpaid bill.
type Purchase struct {
	ProductCode string // as in a Line; bill-union shows its group instead
	ProductName string
	ProjectID   string
	ProjectName string
	Cost        Amount // after discount
}

// Payment is how a customer pays: the percentage of the cost of each product group that is paid by each means. The rest
// is paid in cash.
type Payment struct{ Reward, Voucher, CloudTicket int64 }

// WithEnglish makes the server write pay modes in English, as the vendor's English pages do. Without it, they are in
// Chinese, as in the comments of the vendor's SDKs. On what it depends in the real API is unknown.
func WithEnglish() Option { return func(s *Server) { s.variant.modes = englishModes } }

// payModes are the names of the pay modes: prepaid, by the hour or the day, by the month.
type payModes struct{ prepaid, realtime, postpaid string }

var (
	englishModes = payModes{"Prepaid", "Pay-As-You-Go", "Postpaid"}
	chineseModes = payModes{"预付费", "按量付费", "后付费"}
)

// unionRoots are the root elements of bill-union in XML, which is not as regular as bill.
var unionRoots = map[string]string{
	"DescribeBillSummaryByPayMode": "PayModeSummaryResponse",
	"DescribeBillSummaryByProduct": "ProductTypeSummaryResponse",
	"DescribeBillSummaryByProject": "ProjectSummaryResponse",
	"DescribeProductCode":          "ProductGroupInfoResponse",
}

// isUnionAction reports whether an action is one of bill-union.
func isUnionAction(action string) bool { return unionRoots[action] != "" }

// serviceOf returns the service that an action has to be signed for.
func serviceOf(action string) string {
	if isUnionAction(action) {
		return unionService
	}
	return billService
}

// unionPart is one element of a summary.
type unionPart struct {
	id, name string
	cost     Amount
}

// unionParts are parts in the order in which they were added. There are a dozen at most.
type unionParts []unionPart

// add adds cost to the part with the id.
func (p *unionParts) add(id, name string, cost Amount) {
	for i := range *p {
		if (*p)[i].id == id {
			(*p)[i].cost += cost
			return
		}
	}
	*p = append(*p, unionPart{id, name, cost})
}

// monthTotals is the cost of a month by pay mode, by product group and by project. All three have the same sum.
type monthTotals struct{ modes, groups, projects unionParts }

// sumMonth adds up the month of the query. Its postpaid part is what GetMonthBill answers.
func sumMonth(x *exchange) monthTotals {
	var u monthTotals
	month, modes := x.months[0], x.variant.modes
	u.addPurchases(modes.prepaid, x.account.Prepaid, month)
	u.addPurchases(modes.realtime, x.account.Realtime, month)
	for _, bill := range x.bills() {
		u.addBill(modes.postpaid, summarize(bill))
	}
	return u
}

func (u *monthTotals) addPurchases(mode string, purchases func(month string) []Purchase, month string) {
	if purchases == nil {
		return
	}
	for _, p := range purchases(month) {
		u.modes.add(mode, "", p.Cost)
		u.addProduct(Product{p.ProductCode, p.ProductName, p.Cost})
		u.projects.add(p.ProjectID, p.ProjectName, p.Cost)
	}
}

func (u *monthTotals) addBill(mode string, s summary) {
	u.modes.add(mode, "", s.sum)
	outside := s.sum
	for _, p := range s.products {
		u.addProduct(p)
	}
	for _, p := range s.projects {
		u.projects.add(p.id, p.name, p.cost)
		outside -= p.cost
	}
	if outside != 0 {
		u.projects.add("0", "默认项目", outside) // in no project, the sum of projects would be too low
	}
}

func (u *monthTotals) addProduct(p Product) {
	g := productGroup(p)
	u.groups.add(g.Key, g.Value, p.Cost)
}

// productGroups are the groups of the vendor's pages whose product is known, by product code.
var productGroups = map[string]KeyValue{
	"KEC": {"VM_GROUP", "云服务器"},
	"EBS": {"EBS_GROUP", "云硬盘"},
	"EIP": {"EIP_GROUP", "弹性IP"},
	"NAT": {"NAT_GROUP", "网络地址转换NAT"},
	"KS3": {"KS3_GROUP", "对象存储"},
}

// productGroup returns the group of a product. If it is not known, it is made like those that are.
func productGroup(p Product) KeyValue {
	if g, ok := productGroups[p.Code]; ok {
		return g
	}
	return KeyValue{p.Code + "_GROUP", p.Name}
}

func writePayModes(x *exchange, b *body) error {
	return writeUnionSummary(x, b, sumMonth(x).modes, func(w writer, p unionPart) { w.writeText("PayMode", p.id) })
}

func writeProjectSummary(x *exchange, b *body) error {
	return writeUnionSummary(x, b, sumMonth(x).projects, func(w writer, p unionPart) {
		w.writeID("ProjectId", p.id) // a Long in the page's table
		w.writeText("ProjectName", p.name)
	})
}

// writeProductSummary writes the answer of the year 2020 or, for an account with a Payment, that of 2022.
func writeProductSummary(x *exchange, b *body) error {
	return writeUnionSummary(x, b, sumMonth(x).groups, func(w writer, p unionPart) {
		w.writeText("ProductCode", p.id)
		w.writeText("ProductName", p.name)
	})
}

// writeUnionSummary writes 0 and an empty list if a month has no cost. What the API does then is not documented.
func writeUnionSummary(x *exchange, b *body, parts unionParts, writeKey func(writer, unionPart)) error {
	w := x.openRoot()
	w.writeText("Currency", cmp.Or(x.account.Currency, "CNY"))
	var all payments
	for _, p := range parts {
		all.add(splitPayment(p.cost, x.account.Payment))
	}
	writePayments(x, w, all)
	if w.openList("SummaryOverview") {
		for _, p := range parts {
			w.openObject("SummaryOverview")
			writeKey(w, p)
			writePayments(x, w, splitPayment(p.cost, x.account.Payment))
			w.writeText("BillMonth", x.months[0])
			w.closeObject("SummaryOverview")
		}
		w.closeList("SummaryOverview")
	}
	return x.closeRoot(w, b)
}

// payments is a cost and its parts by means of payment.
type payments struct{ cost, cash, reward, voucher, ticket Amount }

func (p *payments) add(other payments) {
	p.cost += other.cost
	p.cash += other.cash
	p.reward += other.reward
	p.voucher += other.voucher
	p.ticket += other.ticket
}

// splitPayment splits a cost by the percentages. Cash gets the rest, with what the rounding of the others leaves.
func splitPayment(cost Amount, percent *Payment) payments {
	p := payments{cost: cost, cash: cost}
	if percent != nil {
		p.reward, p.voucher = cost.discount(percent.Reward), cost.discount(percent.Voucher)
		p.ticket = cost.discount(percent.CloudTicket)
		p.cash -= p.reward + p.voucher + p.ticket
	}
	return p
}

// writePayments writes the means of payment in the product summary only. The decimals are those of the pages' samples.
func writePayments(x *exchange, w writer, p payments) {
	if x.account.Payment == nil || x.action != "DescribeBillSummaryByProduct" {
		w.writeText("RealTotalCost", p.cost.format(4))
		return
	}
	w.writeText("RealTotalCost", p.cost.format(8))
	w.writeText("Reward", p.reward.String())
	w.writeText("Voucher", p.voucher.String())
	w.writeText("CloudTicketCost", p.ticket.String())
	w.writeText("Cash", p.cash.String())
}

// writeProductGroups writes the groups of the products of GetProductCode.
func writeProductGroups(x *exchange, b *body) error {
	var groups []KeyValue
	for _, p := range productsOf(x.account) {
		groups = append(groups, productGroup(Product{Code: p.Key, Name: p.Value}))
	}
	w := x.openRoot()
	writeSet(w, "ProductGroupSet", "ProductGroupSet", groups)
	return x.closeRoot(w, b)
}
