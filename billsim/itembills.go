package billsim

import (
	"cmp"
	"iter"
	"net/http"
	"strconv"
	"time"
)

// firstItemMonth is the oldest month of QueryItemBills.
const firstItemMonth = "202111"

// readItemQuery reads the parameters of QueryItemBills. What a LastSortValue looks like is not documented; here, it is
// the number of items before it.
// https://docs.ksyun.com/documents/44701
func (x *exchange) readItemQuery() *refusal {
	text := x.query.Get("CustomerBillMonth")
	if text == "" {
		return missingParameter("CustomerBillMonth")
	}
	month, err := time.Parse("200601", text)
	if err != nil || text < firstItemMonth {
		return invalidParameter("CustomerBillMonth")
	}
	x.months = []string{month.Format(monthForm)}
	_, modeErr := x.numberParameter("PayType", int(prepaid), int(postpaid), 0)
	size, sizeErr := x.numberParameter("Size", 1, 1000, 20)
	before, cursorErr := x.numberParameter("LastSortValue", 1, 1<<30, 0)
	x.page = LinePage{PageNo: before/max(size, 1) + 1, PageSize: size, Skipped: before, Lines: size}
	return cmp.Or(modeErr, sizeErr, cursorErr)
}

// item is one billing item of a line.
type item struct {
	unionLine
	name, unit   string
	price, value Amount // of a unit, before discount; how many units
}

// items yields the billing items that the query asks for: those of the rows of DescribeInstanceSummaryBills.
func (x *exchange) items(lines iter.Seq[unionLine]) iter.Seq[item] {
	return func(yield func(item) bool) {
		for l := range lines {
			if !x.wantsItems(&l) {
				continue
			}
			for _, i := range itemsOf(&l) {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// wantsItems reports whether the query asks for the items of a line.
func (x *exchange) wantsItems(l *unionLine) bool {
	group, id, mode := x.query.Get("ProductGroupCode"), x.query.Get("InstanceId"), x.query.Get("PayType")
	return (group == "" || group == x.account.groupOf(l.ProductCode, l.ProductName).Code) &&
		(id == "" || id == l.InstanceID) && (mode == "" || mode == strconv.Itoa(int(l.mode)))
}

// gigabytePrice is the price of traffic, of which every amount is a whole number of 1e-8 GB.
const gigabytePrice = Yuan / 2

// itemsOf returns the items of a line. Price times usage is what the line cost before discount, but for the digits of a
// price behind the eighth. A server has two items, everything else one.
func itemsOf(l *unionLine) []item {
	list := l.MeasureAmount
	switch {
	case l.BillType == modeTraffic || l.BillType == modePeak:
		traffic := item{unionLine: *l, name: "流量", unit: "GB", price: gigabytePrice, value: list * 2}
		return []item{traffic}
	case l.ProductCode == "KEC" && len(l.Configs) > 0:
		cores := list * 6 / 10
		cores -= cores % Fen
		return []item{timeItem(l, "CPU", cores), timeItem(l, "内存", list-cores)}
	default:
		return []item{timeItem(l, "使用时长", list)}
	}
}

// timeItem returns an item of a line that is used by the time, or bought as one piece.
func timeItem(l *unionLine, name string, list Amount) item {
	count, unit := 1, "台"
	switch {
	case l.mode == prepaid:
	case l.BillHours > 0:
		count, unit = l.BillHours, "小时"
	case l.BillDays > 0:
		count, unit = l.BillDays, "天"
	}
	i := item{unionLine: *l, name: name, unit: unit, price: list / Amount(count), value: Amount(count) * Yuan}
	if list < 0 {
		i.price, i.value = -i.price, -i.value
	}
	return i
}

// writeItemBills answers QueryItemBills. The page ends before it shows what is around the items, and before the fields
// of amounts: the envelope, the place of LastSortValue and the name of the list are guesses, and there are no amounts.
func writeItemBills(x *exchange, b *body) error {
	lines := x.keepRows(x.instanceBills)
	p, items := pageOf(x, x.items(lines), func(i *item) *Line { return &i.Line })
	w, isCapital := x.newWriter(), cmp.Or(x.variant.envelope, CapitalEnvelope) == CapitalEnvelope
	w.openObject(x.rootName())
	data := "data"
	if isCapital {
		data = "Data"
		w.writeLiteral("Success", "true")
		w.writeText("RequestId", x.id)
	} else {
		w.writeCount("status", http.StatusOK)
		w.writeText("requestId", x.id)
	}
	if w.openMember(data) {
		if next := x.page.Skipped + x.page.PageSize; next < p.Total { // whatever a fault does to the page
			w.writeText("lastSortValue", strconv.Itoa(next))
		}
		if err := writeRows(w, b, "bills", items, x.writeItemBill); err != nil {
			return err
		}
		w.closeObject(data)
	}
	return x.closeRoot(w, b)
}

// writeItemBill writes the fields of the page, some of which begin with a small letter.
func (x *exchange) writeItemBill(w writer, i *item) {
	g := x.account.groupOf(i.ProductCode, i.ProductName)
	w.writeID("CustomerBillMonth", withoutHyphens(x.months[0]))
	w.writeID("BillMonth", withoutHyphens(i.BillMonth))
	w.writeID("UserId", i.CustomerID)
	w.writeText("UserName", "")
	w.writeText("SellerCompanyName", "")
	w.writeText("productGroupName", g.Name)
	w.writeText("productTypeName", typeOf(g, i.ProductSubTypeName).name)
	w.writeText("billDetailTypeName", x.billDetailTypeName(&i.unionLine))
	w.writeText("payTypeName", x.variant.modes[i.mode])
	w.writeText("InstanceId", i.InstanceID)
	w.writeText("InstanceName", i.InstanceName)
	w.writeID("ProjectId", i.ProjectID)
	w.writeText("ProjectName", i.ProjectName)
	w.writeText("RegionName", i.RegionName)
	w.writeText("AvailabilityZone", i.ZoneName)
	w.writeText("BillStartTime", i.StartTime)
	w.writeText("BillEndTime", i.EndTime)
	w.writeText("ServiceBeginTime", i.ServiceStartTime)
	w.writeText("Duration", strconv.Itoa(duration(&i.Line)))
	w.writeText("DurationUnit", "秒")
	w.writeText("pkgCode", "")
	x.writePairs(w, "ConfigInfo", i.Configs)
	w.writeText("ItemName", i.name)
	w.writeText("ItemPrice", i.price.format(0))
	w.writeText("ItemPriceUnit", "元/"+i.unit)
	w.writeText("ItemPriceDesc", "")
	w.writeText("BillItemValue", i.value.format(0))
	w.writeText("BillItemUnit", i.unit)
}
