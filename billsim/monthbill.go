package billsim

func writeMonthBill(x *exchange, b *body) error {
	w := x.openRoot()
	if w.openList("MonthBillSet") {
		for month, bill := range x.bills() {
			writeBillMonth(x, w, month, bill)
		}
		w.closeList("MonthBillSet")
	}
	return x.closeRoot(w, b)
}

func writeBillMonth(x *exchange, w writer, month string, bill Bill) {
	s := summarize(bill)
	w.openObject("Item")
	writeProducts(w, "BillProductSet", "Item", s.products)
	writeProjects(w, s.projects)
	writeTotal(x, w, month, bill.ID, s.sum)
	w.closeObject("Item")
}

func writeTotal(x *exchange, w writer, month, id string, sum Amount) {
	if id == "" {
		id = billID(x.account.CustomerID, month)
	}
	w.writeText("BillMonth", month)
	w.writeMoney("Sum", sum)
	w.writeText("BillId", id)
	w.writeText("BillType", "postpay")
}

func writeProducts(w writer, set, item string, products []Product) {
	if !w.openList(set) {
		return
	}
	for _, p := range products {
		w.openObject(item)
		w.writeText("Code", p.Code)
		w.writeMoney("Cost", p.Cost)
		w.writeText("Name", p.Name)
		w.closeObject(item)
	}
	w.closeList(set)
}

func writeProjects(w writer, projects []projectSum) {
	if !w.openList("BillProjectSet") {
		return
	}
	for _, p := range projects {
		w.openObject("ProjectItem")
		w.writeID("Id", p.id)
		w.writeMoney("Cost", p.cost)
		writeProducts(w, "Details", "Details", p.products)
		w.writeText("Name", p.name)
		w.closeObject("ProjectItem")
	}
	w.closeList("BillProjectSet")
}
