package billsim

// defaultProject is the project of what is in no other.
var defaultProject = KeyValue{"0", "默认项目"}

// Payment is how a customer pays: the percentage of the cost of each product group that is paid by each means. The rest
// is paid in cash.
type Payment struct{ Reward, Voucher, CloudTicket int64 }

// unionRoots are the root elements of bill-union in XML, which is not as regular as bill.
var unionRoots = map[string]string{
	"DescribeBillSummaryByPayMode": "PayModeSummaryResponse",
	"DescribeBillSummaryByProduct": "ProductTypeSummaryResponse",
	"DescribeBillSummaryByProject": "ProjectSummaryResponse",
	"DescribeProductCode":          "ProductGroupInfoResponse",
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
	modes := x.variant.modes
	for _, l := range x.account.purchases(x.months[0]) {
		u.modes.add(modes[l.mode], "", l.Cost)
		u.addProduct(x.account, Product{l.ProductCode, l.ProductName, l.Cost})
		u.projects.add(l.ProjectID, l.ProjectName, l.Cost)
	}
	for _, bill := range x.bills() {
		u.addBill(x.account, modes[postpaid], summarize(bill))
	}
	return u
}

func (u *monthTotals) addBill(a *Account, mode string, s summary) {
	u.modes.add(mode, "", s.sum)
	outside := s.sum
	for _, p := range s.products {
		u.addProduct(a, p)
	}
	for _, p := range s.projects {
		u.projects.add(p.id, p.name, p.cost)
		outside -= p.cost
	}
	if outside != 0 {
		// In no project, the sum of projects would be too low.
		u.projects.add(defaultProject.Key, defaultProject.Value, outside)
	}
}

func (u *monthTotals) addProduct(a *Account, p Product) {
	g := a.groupOf(p.Code, p.Name)
	u.groups.add(g.Code, g.Name, p.Cost)
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
	w.writeText("Currency", x.currency())
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

// writeProductGroups writes the groups that ListProductGroups has too.
func writeProductGroups(x *exchange, b *body) error {
	var groups []KeyValue
	for _, g := range x.account.allGroups() {
		groups = append(groups, KeyValue{g.Code, g.Name})
	}
	w := x.openRoot()
	writeSet(w, "ProductGroupSet", "ProductGroupSet", groups)
	return x.closeRoot(w, b)
}
