package billsim

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// billDetailTypes and their English names are made up; the SDKs have number and name without their values.
var (
	billDetailTypes        = [...]string{Charged: "消费", Renewed: "续费", Refunded: "退款"}
	englishBillDetailTypes = [...]string{Charged: "Consumption", Renewed: "Renewal", Refunded: "Refund"}
)

// writeInstanceDays answers QueryInstanceConsume: every line of the days. Its fields are those of the vendor's SDKs, in
// whose types ServiceBegionTime is misspelt; no page shows a sample.
// https://github.com/kingsoftcloud/sdk-go/blob/master/ksyun/client/bill_union/v20221222/models.go
func writeInstanceDays(x *exchange, b *body) error {
	all := x.keepRows(func() iter.Seq[unionLine] {
		matching := slices.DeleteFunc(x.linesOfDays(), func(l unionLine) bool { return !x.matchesProduct(&l) })
		return slices.Values(matching)
	})
	p, lines := pageOf(x, all, lineOf)
	return x.writeBills(b, p, func(w writer, list string) error {
		return writeRows(w, b, list, lines, x.writeInstanceDay)
	})
}

// lineOf returns the part of l that a fault may change.
func lineOf(l *unionLine) *Line { return &l.Line }

// matchesProduct reports whether a line is of the ProductCode of the query, if there is one. That may be the code of a
// group or of a product: the pages say both.
func (x *exchange) matchesProduct(l *unionLine) bool {
	wanted := x.query.Get("ProductCode")
	return wanted == "" || wanted == l.ProductCode || wanted == x.account.groupOf(l.ProductCode, l.ProductName).Code
}

func (x *exchange) writeInstanceDay(w writer, l *unionLine) {
	x.writeHead(w, &l.Line)
	w.writeLiteral("id", "null")
	w.writeLiteral("financeUnitName", "null")
	w.writeText("billStartTime", l.StartTime)
	w.writeText("billEndTime", l.EndTime)
	w.writeText("instanceId", l.InstanceID)
	w.writeText("instanceName", l.InstanceName)
	x.writeProduct(w, &l.Line)
	x.writeTypes(w, l)
	x.writeDealPrice(w, l)
	w.writeText("regionCode", regionCodes[l.RegionName])
	w.writeText("regionName", l.RegionName)
	w.writeText("availabilityZone", l.ZoneName)
	w.writeID("projectId", l.ProjectID)
	w.writeText("projectName", l.ProjectName)
	seconds := duration(&l.Line)
	w.writeText("duration", strconv.Itoa(seconds))
	w.writeCount("durationNumber", seconds)
	w.writeText("ruleRemark", l.RuleRemark)
	w.writeText("serviceBegionTime", l.ServiceStartTime)
	x.writePairs(w, "configInfo", l.Configs)
	x.writePairs(w, "priceFactorInfo", l.Providers)
	x.writePairs(w, "extraInfo", l.Extras)
	w.writeLiteral("resourceDeductionInfo", "null")
	x.writePairs(w, "tagInfo", l.Tags)
}

// writeHead writes what all answers about days say of a row's customer and day.
func (x *exchange) writeHead(w writer, l *Line) {
	w.writeLiteral("aliasName", "null")
	w.writeText("email", "")
	w.writeLiteral("membershipGroup", "null")
	w.writeID("userId", l.CustomerID)
	w.writeText("userName", "")
	w.writeText("sellerCompanyName", "")
	if x.action == "QueryInstanceConsume" {
		w.writeID("billMonth", withoutHyphens(l.BillMonth))
	} else {
		w.writeText("billMonth", withoutHyphens(l.BillMonth))
	}
	w.writeID("customerBillMonth", withoutHyphens(x.months[0]))
	w.writeText("currencyCode", x.currency())
	w.writeLiteral("currencyInfo", "null")
	x.writeMoney(w, "exchangeRate", Yuan, "")
	x.writeDay(w, "billDay", l.StatDate)
}

// writeProduct writes type and group of a line's product. A line without a type has that of its group.
func (x *exchange) writeProduct(w writer, l *Line) {
	g := x.account.groupOf(l.ProductCode, l.ProductName)
	t := typeOf(g, l.ProductSubTypeName)
	w.writeCount("productTypeId", t.id)
	w.writeText("productTypeName", t.name)
	w.writeCount("productGroupId", g.ID)
	w.writeText("productGroupName", g.Name)
}

// writeTypes writes how a line was paid and for what.
func (x *exchange) writeTypes(w writer, l *unionLine) {
	w.writeCount("payType", int(l.mode))
	w.writeText("payTypeName", x.variant.modes[l.mode])
	w.writeCount("billType", int(l.mode))
	w.writeText("billTypeName", x.billTypeName(l))
	w.writeCount("billDetailType", int(l.kind))
	w.writeText("billDetailTypeName", x.billDetailTypeName(l))
}

// billTypeName returns the billing mode of a line.
func (x *exchange) billTypeName(l *unionLine) string {
	switch {
	case l.BillType != "":
		return l.BillType
	case l.mode == prepaid:
		return modeSubscription
	default:
		return modeHourly
	}
}

func (x *exchange) billDetailTypeName(l *unionLine) string {
	if x.variant.modes == englishModes {
		return englishBillDetailTypes[l.kind]
	}
	return billDetailTypes[l.kind]
}

// writeDealPrice writes the amounts of a line.
func (x *exchange) writeDealPrice(w writer, l *unionLine) {
	p := splitPayment(l.Cost, x.account.Payment)
	x.writeMoney(w, "billRealAmount", l.Cost, l.CostText)
	w.writeText("originalAmount", l.measureText())
	w.writeText("discount", l.Discount)
	x.writeMeans(w, p)
	x.writeMoney(w, "cloudTicketCost", p.ticket, "")
}

// writeMeans writes the means of payment.
func (x *exchange) writeMeans(w writer, p payments) {
	x.writeMoney(w, "cash", p.cash, "")
	x.writeMoney(w, "reward", p.reward, "")
	x.writeMoney(w, "vouchers", p.voucher, "")
	x.writeMoney(w, "cloudTicketDenomination", p.ticket, "")
}

// writePairs writes pairs as a list of texts or of objects.
func (x *exchange) writePairs(w writer, list string, pairs []KeyValue) {
	if !w.openList(list) {
		return
	}
	for _, kv := range pairs {
		if !x.variant.objectSets {
			w.writeItem("Item", strings.TrimSpace(kv.Key+": "+kv.Value))
			continue
		}
		w.openObject("Item")
		w.writeText("key", kv.Key)
		w.writeText("value", kv.Value)
		w.closeObject("Item")
	}
	w.closeList(list)
}
