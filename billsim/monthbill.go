package billsim

func writeMonthBill(x *exchange, b *body) error {
	w := x.begin()
	if w.list("MonthBillSet") {
		for month, bill := range x.bills() {
			writeMonth(x, w, month, bill)
		}
		w.endList("MonthBillSet")
	}
	return x.end(w, b)
}

func writeMonth(x *exchange, w writer, month string, bill Bill) {
	s := summarize(bill)
	w.open("Item")
	writeProducts(w, "BillProductSet", "Item", s.products)
	writeProjects(w, s.projects)
	writeTotal(x, w, month, bill.ID, s.sum)
	w.close("Item")
}

func writeTotal(x *exchange, w writer, month, id string, sum Amount) {
	if id == "" {
		id = billID(x.account.CustomerID, month)
	}
	w.text("BillMonth", month)
	w.money("Sum", sum)
	w.text("BillId", id)
	w.text("BillType", "postpay")
}

func writeProducts(w writer, set, item string, products []Product) {
	if !w.list(set) {
		return
	}
	for _, p := range products {
		w.open(item)
		w.text("Code", p.Code)
		w.money("Cost", p.Cost)
		w.text("Name", p.Name)
		w.close(item)
	}
	w.endList(set)
}

func writeProjects(w writer, projects []projectSum) {
	if !w.list("BillProjectSet") {
		return
	}
	for _, p := range projects {
		w.open("ProjectItem")
		w.id("Id", p.id)
		w.money("Cost", p.cost)
		writeProducts(w, "Details", "Details", p.products)
		w.text("Name", p.name)
		w.close("ProjectItem")
	}
	w.endList("BillProjectSet")
}
