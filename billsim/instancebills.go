package billsim

import (
	"cmp"
	"iter"
	"strconv"
)

// readMonthAndPage reads the month and the page of DescribeInstanceSummaryBills, whose page has Size as required.
// https://endocs.ksyun.com/documents/37499
func (x *exchange) readMonthAndPage() *refusal {
	month, err := x.monthParameter("BillMonth")
	if err != nil {
		return err
	}
	if x.query.Get("Size") == "" {
		return missingParameter("Size")
	}
	x.months = []string{month.Format(monthForm)}
	return x.readPage("Page", "Size", 20, 1000)
}

// writeInstanceBills answers DescribeInstanceSummaryBills: every purchase and every line of the bill, and what an
// instance used by the hour as one line of the month.
func writeInstanceBills(x *exchange, b *body) error {
	p, lines := pageOf(x, x.keepRows(x.instanceBills), lineOf)
	w := x.openRoot()
	w.writeText("Email", "")
	w.writeCount("PageNum", p.PageNo)
	w.writeCount("PageSize", p.PageSize)
	w.writeCount("TotalCount", p.Total)
	w.writeID("CustomerId", x.account.CustomerID)
	if err := writeRows(w, b, "SummaryOverview", lines, x.writeInstanceBill); err != nil {
		return err
	}
	return x.closeRoot(w, b)
}

// instanceBills yields the rows of a month that the query asks for. The sum of an instance stands where its first line
// does.
func (x *exchange) instanceBills() iter.Seq[unionLine] {
	hourly := x.sumHours()
	return func(yield func(unionLine) bool) {
		seen := map[hourlyInstance]bool{}
		for l := range x.linesOfMonth() {
			if l.mode == realtime {
				key := hourlyKey(&l)
				if seen[key] {
					continue
				}
				seen[key] = true
				l = *hourly[key]
			}
			if x.matchesProduct(&l) && !yield(l) {
				return
			}
		}
	}
}

// hourlyInstance is what the lines of one row have in common.
type hourlyInstance struct {
	InstanceKey
	subType string
	kind    Kind
}

func hourlyKey(l *unionLine) hourlyInstance {
	return hourlyInstance{InstanceKey{l.ProductCode, l.ProjectID, l.InstanceID}, l.ProductSubTypeName, l.kind}
}

// sumHours adds up the lines that are paid by the hour. A sum has the other fields of its first line.
func (x *exchange) sumHours() map[hourlyInstance]*unionLine {
	sums := map[hourlyInstance]*unionLine{}
	for _, l := range x.account.purchases(x.months[0]) {
		if l.mode != realtime {
			continue
		}
		sum, ok := sums[hourlyKey(&l)]
		if !ok {
			sums[hourlyKey(&l)] = &l
			continue
		}
		sum.Cost += l.Cost
		sum.MeasureAmount += l.MeasureAmount
		sum.BillHours += l.BillHours
		sum.StartTime, sum.EndTime = min(sum.StartTime, l.StartTime), max(sum.EndTime, l.EndTime)
	}
	return sums
}

// writeInstanceBill writes neither ids of product and project nor empty sets. ProductSubTyeName is misspelt in all SDKs
// of the vendor, and so probably in the API.
// https://github.com/kingsoftcloud/sdk-go/blob/master/ksyun/client/bill_union/v20200101/models.go
func (x *exchange) writeInstanceBill(w writer, l *unionLine) {
	w.writeText("BillsNo", l.DetailBillNo)
	w.writeText("CustomerBillMonth", x.months[0])
	w.writeText("BillMonth", l.BillMonth)
	w.writeText("ProductName", x.account.groupOf(l.ProductCode, l.ProductName).Name)
	w.writeText("ProductSubTyeName", l.ProductSubTypeName)
	w.writeText("InstanceId", l.InstanceID)
	w.writeText("InstanceName", l.InstanceName)
	w.writeText("Currency", x.currency())
	w.writeText("DetailBillStartTime", l.StartTime)
	w.writeText("DetailBillEndTime", l.EndTime)
	w.writeText("ServiceBillStartTime", l.ServiceStartTime)
	w.writeText("PayMode", x.variant.modes[l.mode])
	w.writeText("BillTypeName", x.billTypeName(l))
	w.writeText("RegionName", l.RegionName)
	w.writeText("ZoneName", l.ZoneName)
	w.writeText("ProjectName", l.ProjectName)
	w.writeText("Duration", strconv.Itoa(duration(&l.Line)))
	w.writeText("Remark", l.RuleRemark)
	w.writeText("Cost", l.measureText())
	w.writeText("RealCost", l.costText())
	writeFullSet(w, "ConfigSet", l.Configs)
	writeFullSet(w, "ProviderSet", l.Providers)
	writeFullSet(w, "ExtraSet", l.Extras)
	writeFullSet(w, "TagSet", l.Tags)
}

// writeFullSet writes a set with a Code in its elements; nothing if it is empty.
func writeFullSet(w writer, set string, pairs []KeyValue) {
	if len(pairs) == 0 || !w.openList(set) {
		return
	}
	for _, kv := range pairs {
		w.openObject(set)
		w.writeText("Key", kv.Key)
		w.writeText("Code", "")
		w.writeText("Value", kv.Value)
		w.closeObject(set)
	}
	w.closeList(set)
}

func (x *exchange) currency() string { return cmp.Or(x.account.Currency, "CNY") }
