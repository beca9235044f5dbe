package billsim

import "slices"

// daySum is what a product group or a project costs on a day. Its Line has the day, the key and the sum.
type daySum struct {
	Line
	groupID int
	costs   [3]Amount // by pay mode
	refunds [3]Amount // likewise; adjustments where it is not prepaid
	paid    payments
}

// add adds a line, all of which is of the day and the key.
func (s *daySum) add(l *unionLine, paid payments) {
	s.Cost += l.Cost
	s.paid.add(paid)
	if l.kind == Refunded {
		s.refunds[l.mode] += l.Cost
	} else {
		s.costs[l.mode] += l.Cost
	}
}

// sumDays adds up the lines of the query by day and by the key of newSum, which returns an empty sum for a line.
func (x *exchange) sumDays(newSum func(*unionLine) daySum) []daySum {
	type key struct{ day, product, project string }
	index := map[key]int{}
	var sums []daySum
	for _, l := range x.linesOfDays() {
		sum := newSum(&l)
		k := key{l.StatDate, sum.ProductCode, sum.ProjectID}
		i, ok := index[k]
		if !ok {
			i = len(sums)
			index[k] = i
			sum.StatDate, sum.BillMonth, sum.CustomerID = l.StatDate, l.BillMonth, l.CustomerID
			sums = append(sums, sum)
		}
		sums[i].add(&l, splitPayment(l.Cost, x.account.Payment))
	}
	return sums
}

// writeProductDays answers QueryProductConsume. Fields and their types are those of the vendor's SDKs.
// https://github.com/kingsoftcloud/sdk-go/blob/master/ksyun/client/bill_union/v20221222/models.go
func writeProductDays(x *exchange, b *body) error {
	sums := x.sumDays(func(l *unionLine) daySum {
		g := x.account.groupOf(l.ProductCode, l.ProductName)
		return daySum{groupID: g.ID, Line: Line{ProductCode: g.Code, ProductName: g.Name}}
	})
	return x.writeSums(b, sums, func(w writer, s *daySum) {
		w.writeCount("productGroupId", s.groupID)
		w.writeText("productGroupName", s.ProductName)
	})
}

// writeProjectDays answers QueryProjectConsume.
func writeProjectDays(x *exchange, b *body) error {
	sums := x.sumDays(func(l *unionLine) daySum {
		return daySum{Line: Line{ProjectID: l.ProjectID, ProjectName: l.ProjectName}}
	})
	return x.writeSums(b, sums, func(w writer, s *daySum) {
		w.writeID("projectId", s.ProjectID)
		w.writeText("projectName", s.ProjectName)
	})
}

func (x *exchange) writeSums(b *body, sums []daySum, writeKey func(writer, *daySum)) error {
	p, rows := pageOf(x, slices.Values(sums), func(s *daySum) *Line { return &s.Line })
	return x.writeBills(b, p, func(w writer, list string) error {
		return writeRows(w, b, list, rows, func(w writer, s *daySum) {
			x.writeHead(w, &s.Line)
			writeKey(w, s)
			x.writeColumns(w, s)
		})
	})
}

// writeColumns writes three amounts for each pay mode: what was charged, what was given back or adjusted, and both
// together.
func (x *exchange) writeColumns(w writer, s *daySum) {
	for mode, names := range [...][3]string{
		prepaid:  {"prePayCost", "prePayRefundAmount", "prePayBillsAmount"},
		realtime: {"realtimeCost", "realtimeAdjustAmount", "realtimeBillsAmount"},
		postpaid: {"postPayCost", "postPayAdjustAmount", "postPayBillsAmount"},
	} {
		x.writeMoney(w, names[0], s.costs[mode], "")
		x.writeMoney(w, names[1], s.refunds[mode], "")
		x.writeMoney(w, names[2], s.costs[mode]+s.refunds[mode], "")
	}
	x.writeMoney(w, "billFinalAmount", s.Cost, s.CostText)
	x.writeMeans(w, s.paid)
}
