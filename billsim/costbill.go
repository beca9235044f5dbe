package billsim

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// firstCostMonth is the oldest month of DescribeCostBill.
const firstCostMonth = "202101"

// readCostQuery reads the parameters of DescribeCostBill. The page has all of them as required and gives two of them
// defaults; here, month and statisticalItem are required.
// https://docs.ksyun.com/documents/41452
func (x *exchange) readCostQuery() *refusal {
	for _, name := range []string{"billMonth", "statisticalItem"} {
		if x.query.Get(name) == "" {
			return missingParameter(name)
		}
	}
	month, err := time.Parse("200601", x.query.Get("billMonth"))
	if err != nil || x.query.Get("billMonth") < firstCostMonth {
		return invalidParameter("billMonth")
	}
	x.months = []string{month.Format(monthForm)}
	_, itemErr := x.numberParameter("statisticalItem", 0, 1, 0)
	return cmp.Or(itemErr, x.readPage("pageNo", "pageSize", 500, 2000))
}

// amortization is the part of prepaid lines that is of a month. Its Line has what was paid.
type amortization struct {
	Line
	before, within Amount
}

// spread returns how much of a line is for the days before a day: every day of the term has the same part, rounded to
// the fen, and the last one has the rest.
func spread(l *Line, until day) Amount {
	first, last := termOf(l)
	switch {
	case until <= first:
		return 0
	case until > last:
		return l.Cost
	default:
		return l.Cost / Fen * Amount(until-first) / Amount(last-first+1) * Fen
	}
}

// termOf returns the days of a line's term. A line whose times are none is of one day.
func termOf(l *Line) (first, last day) {
	start, startErr := time.Parse(time.DateTime, l.StartTime)
	end, endErr := time.Parse(time.DateTime, l.EndTime)
	if startErr != nil || endErr != nil || end.Before(start) {
		start, _ = time.Parse(time.DateOnly, l.StatDate)
		end = start
	}
	return dayOfDate(start), dayOfDate(end)
}

// amortizations yields what the month of the query has of all prepaid lines up to its end.
func (x *exchange) amortizations() iter.Seq[amortization] {
	return func(yield func(amortization) bool) {
		first, end, _ := daysOf(x.months[0])
		for n := -longestTerm; n <= 0; n++ {
			for _, l := range x.account.purchasesIn(prepaid, first.monthStart(n).month()) {
				begins, ends := termOf(&l.Line)
				if begins > end || ends < first {
					continue
				}
				a := amortization{Line: l.Line, before: spread(&l.Line, first)}
				a.BillMonth = x.months[0]
				a.within = spread(&l.Line, end+1) - a.before
				if x.wantsInstance(l.InstanceID) && !yield(a) {
					return
				}
			}
		}
	}
}

// wantsInstance reports whether an instance is among the instanceIds of the query, if there are any. How a list is
// written is not documented; here, it has commas.
func (x *exchange) wantsInstance(id string) bool {
	ids := x.query.Get("instanceIds")
	return ids == "" || x.byProduct() || slices.Contains(strings.Split(ids, ","), id)
}

// byProduct reports whether products are asked for instead of instances.
func (x *exchange) byProduct() bool { return x.query.Get("statisticalItem") == "1" }

// sumTypes adds up rows by product type.
func (x *exchange) sumTypes(rows iter.Seq[amortization]) []amortization {
	index := map[int]int{}
	var sums []amortization
	for row := range rows {
		id := typeOf(x.account.groupOf(row.ProductCode, row.ProductName), row.ProductSubTypeName).id
		i, ok := index[id]
		if !ok {
			i = len(sums)
			index[id] = i
			sums = append(sums, amortization{Line: Line{
				BillMonth:          row.BillMonth,
				ProductCode:        row.ProductCode,
				ProductName:        row.ProductName,
				ProductSubTypeName: row.ProductSubTypeName,
			}})
		}
		sums[i].Cost += row.Cost
		sums[i].before += row.before
		sums[i].within += row.within
	}
	return sums
}

// writeCostBill answers DescribeCostBill. The page ends before it shows what is around the rows: LowerEnvelope is a
// guess.
func writeCostBill(x *exchange, b *body) error {
	rows := x.amortizations()
	if x.byProduct() {
		rows = slices.Values(x.sumTypes(rows))
	}
	p, rows := pageOf(x, rows, func(a *amortization) *Line { return &a.Line })
	return x.writeBills(b, p, func(w writer, list string) error {
		return writeRows(w, b, list, rows, x.writeAmortization)
	})
}

func (x *exchange) writeAmortization(w writer, a *amortization) {
	w.writeText("billMonth", a.BillMonth)
	w.writeID("customerId", a.CustomerID)
	w.writeText("customerName", "")
	w.writeText("email", "")
	x.writeProduct(w, &a.Line)
	w.writeCount("payType", int(prepaid))
	w.writeText("payTypeName", x.variant.modes[prepaid])
	w.writeText("currency", strings.Replace(x.currency(), "CNY", "RMB", 1))
	if !x.byProduct() {
		x.writeTerm(w, &a.Line)
	}
	paid := splitPayment(a.within, x.account.Payment)
	x.writeMoney(w, "totalBalance", a.Cost, a.CostText)
	x.writeMoney(w, "costAtBeginning", a.before, "")
	x.writeMoney(w, "totalCost", a.within, "")
	x.writeMoney(w, "voucherCost", paid.voucher, "")
	x.writeMoney(w, "cloudTicketCost", paid.ticket, "")
	x.writeMoney(w, "rewardCost", paid.reward, "")
}

// writeTerm writes what is known of an instance only.
func (x *exchange) writeTerm(w writer, l *Line) {
	first, last := termOf(l)
	w.writeText("instanceId", l.InstanceID)
	w.writeText("instanceName", l.InstanceName)
	w.writeText("serviceStartTime", l.StartTime)
	w.writeText("serviceEndTime", l.EndTime)
	w.writeCount("billType", 0)
	w.writeText("billTypeName", modeSubscription)
	w.writeText("region", l.RegionName)
	w.writeText("availableZone", l.ZoneName)
	w.writeText("duration", strconv.Itoa(int(last-first+1)))
	w.writeID("projectId", l.ProjectID)
	w.writeText("projectName", l.ProjectName)
}
