package billsim

const (
	unionService = "bill-union"
	version2020  = "2020-01-01"
)

// Purchase is what a project spent on a product in a month, and what is on no postpaid bill.
type Purchase struct {
	ProductCode string // as in a Line; bill-union has a group in its place
	ProductName string
	ProjectID   string
	ProjectName string
	Cost        Amount // after discount
}

// Payment is how a customer pays: so many percent of the cost of each product group by each means, the rest in cash.
type Payment struct{ Reward, Voucher, CloudTicket int64 }

// WithEnglish makes the server write pay modes as the vendor's English pages do. Without, it does as the comments of
// the vendor's SDKs: in Chinese. What decides it with the real API is unknown.
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

// isUnion is whether an action is one of bill-union.
func isUnion(action string) bool { return unionRoots[action] != "" }

// serviceOf is the service that an action has to be signed for.
func serviceOf(action string) string {
	if isUnion(action) {
		return unionService
	}
	return billService
}

// unionPart is one element of a summary.
type unionPart struct {
	id, name string
	cost     Amount
}

// unionParts keep the order in which they are named. There are a dozen at most.
type unionParts []unionPart

func (p *unionParts) add(id, name string, cost Amount) {
	for i := range *p {
		if (*p)[i].id == id {
			(*p)[i].cost += cost
			return
		}
	}
	*p = append(*p, unionPart{id, name, cost})
}

// union is all that a month cost, three times: each adds up to the same.
type union struct{ modes, groups, projects unionParts }

// sumMonth adds up the month asked for. What is postpaid is what GetMonthBill says.
func sumMonth(x *exchange) union {
	var u union
	month, modes := x.months[0], x.variant.modes
	u.addPurchases(modes.prepaid, x.account.Prepaid, month)
	u.addPurchases(modes.realtime, x.account.Realtime, month)
	for _, bill := range x.bills() {
		u.addBill(modes.postpaid, summarize(bill))
	}
	return u
}

func (u *union) addPurchases(mode string, of func(month string) []Purchase, month string) {
	if of == nil {
		return
	}
	for _, p := range of(month) {
		u.modes.add(mode, "", p.Cost)
		u.addProduct(Product{p.ProductCode, p.ProductName, p.Cost})
		u.projects.add(p.ProjectID, p.ProjectName, p.Cost)
	}
}

func (u *union) addBill(mode string, s summary) {
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
		u.projects.add("0", "默认项目", outside) // a project has to have it, or the sums would differ
	}
}

func (u *union) addProduct(p Product) {
	g := groupOf(p)
	u.groups.add(g.Key, g.Value, p.Cost)
}

// productGroups are the groups in the vendor's pages that have a namesake in bill.
var productGroups = map[string]KeyValue{
	"KEC": {"VM_GROUP", "云服务器"},
	"EBS": {"EBS_GROUP", "云硬盘"},
	"EIP": {"EIP_GROUP", "弹性IP"},
	"NAT": {"NAT_GROUP", "网络地址转换NAT"},
	"KS3": {"KS3_GROUP", "对象存储"},
}

// groupOf makes groups of the other products in the likeness of those that are known: no page has them all.
func groupOf(p Product) KeyValue {
	if g, ok := productGroups[p.Code]; ok {
		return g
	}
	return KeyValue{p.Code + "_GROUP", p.Name}
}

func writePayModes(x *exchange, b *body) error {
	return writeUnion(x, b, sumMonth(x).modes, func(w writer, p unionPart) { w.text("PayMode", p.id) })
}

func writeProjectSummary(x *exchange, b *body) error {
	return writeUnion(x, b, sumMonth(x).projects, func(w writer, p unionPart) {
		w.id("ProjectId", p.id) // a Long in the page's table
		w.text("ProjectName", p.name)
	})
}

// writeProductSummary is the answer of 2020, or that of 2022 for an account that has a Payment.
func writeProductSummary(x *exchange, b *body) error {
	return writeUnion(x, b, sumMonth(x).groups, func(w writer, p unionPart) {
		w.text("ProductCode", p.id)
		w.text("ProductName", p.name)
	})
}

// writeUnion says 0 and lists nothing where a month has no cost; what the API does then is not documented.
func writeUnion(x *exchange, b *body, parts unionParts, name func(writer, unionPart)) error {
	w := x.begin()
	currency := x.account.Currency
	if currency == "" {
		currency = "CNY"
	}
	w.text("Currency", currency)
	var all paid
	for _, p := range parts {
		all.add(splitPayment(p.cost, x.account.Payment))
	}
	writePaid(x, w, all)
	if w.list("SummaryOverview") {
		for _, p := range parts {
			w.open("SummaryOverview")
			name(w, p)
			writePaid(x, w, splitPayment(p.cost, x.account.Payment))
			w.text("BillMonth", x.months[0])
			w.close("SummaryOverview")
		}
		w.endList("SummaryOverview")
	}
	return x.end(w, b)
}

// paid is a cost and by what it was paid.
type paid struct{ cost, cash, reward, voucher, ticket Amount }

func (p *paid) add(other paid) {
	p.cost += other.cost
	p.cash += other.cash
	p.reward += other.reward
	p.voucher += other.voucher
	p.ticket += other.ticket
}

// splitPayment leaves to cash what the rounding of the others leaves.
func splitPayment(cost Amount, by *Payment) paid {
	p := paid{cost: cost, cash: cost}
	if by != nil {
		p.reward, p.voucher = cost.discounted(by.Reward), cost.discounted(by.Voucher)
		p.ticket = cost.discounted(by.CloudTicket)
		p.cash -= p.reward + p.voucher + p.ticket
	}
	return p
}

// writePaid tells of payments in the product summary only. The decimals are those of the pages' samples.
func writePaid(x *exchange, w writer, p paid) {
	if x.account.Payment == nil || x.action != "DescribeBillSummaryByProduct" {
		w.text("RealTotalCost", string(p.cost.append(nil, 4)))
		return
	}
	w.text("RealTotalCost", string(p.cost.append(nil, 8)))
	w.text("Reward", p.reward.String())
	w.text("Voucher", p.voucher.String())
	w.text("CloudTicketCost", p.ticket.String())
	w.text("Cash", p.cash.String())
}

// writeProductGroups lists the groups of GetProductCode's products.
func writeProductGroups(x *exchange, b *body) error {
	var groups []KeyValue
	for _, p := range productsOf(x.account) {
		groups = append(groups, groupOf(Product{Code: p.Key, Name: p.Value}))
	}
	w := x.begin()
	writeSet(w, "ProductGroupSet", "ProductGroupSet", groups)
	return x.end(w, b)
}
