package billsim

import (
	"iter"
	"strconv"
)

func writeDetailBill(x *exchange, b *body) error {
	w := x.openRoot()
	if err := writeLines(w, b, x.lines()); err != nil {
		return err
	}
	return x.closeRoot(w, b)
}

// writeLines writes and sends the lines one by one, so that a fault can end the answer after any of them.
func writeLines(w writer, b *body, lines iter.Seq[Line]) error {
	if !w.openList("PostpayDetailBillSet") {
		return nil
	}
	for l := range lines {
		writeLine(w, &l)
		if _, err := b.Write(w.take()); err != nil {
			return err
		}
		if err := b.endLine(); err != nil {
			return err
		}
	}
	w.closeList("PostpayDetailBillSet")
	return nil
}

func writeLine(w writer, l *Line) {
	w.openObject("Item")
	w.writeText("DetailBillNo", l.DetailBillNo)
	w.writeText("BillMonth", l.BillMonth)
	w.writeText("CustomerId", l.CustomerID)
	if l.daily {
		w.writeText("DetailBillStatDate", l.StatDate)
	}
	w.writeText("DetailBillStartTime", l.StartTime)
	w.writeText("DetailBillEndTime", l.EndTime)
	w.writeText("ProductCode", l.ProductCode)
	w.writeText("ProductName", l.ProductName)
	w.writeText("ProductSubTypeName", l.ProductSubTypeName)
	w.writeText("InstanceId", l.InstanceID)
	w.writeText("InstanceName", l.InstanceName)
	w.writeText("Cost", l.costText())
	w.writeText("ServiceStartTime", l.ServiceStartTime)
	w.writeText("BillType", l.BillType)
	w.writeText("BillDays", strconv.Itoa(l.BillDays))
	w.writeText("BillHours", strconv.Itoa(l.BillHours))
	w.writeText("RegionName", l.RegionName)
	w.writeText("ZoneName", l.ZoneName)
	if !l.daily {
		w.writeText("RuleRemark", l.RuleRemark)
	}
	w.writeText("MeasureAmount", l.measureText())
	w.writeText("Discount", l.Discount)
	w.writeText("ProjectId", l.ProjectID)
	w.writeText("ProjectName", l.ProjectName)
	writeSet(w, "ProviderSet", "ProviderItem", l.Providers)
	writeSet(w, "ConfigSet", "ConfigItem", l.Configs)
	writeSet(w, "ExtraSet", "ExtraItem", l.Extras)
	writeSet(w, "TagSet", "TagItem", l.Tags) // TagItem is a guess: the pages show an empty set
	w.closeObject("Item")
}

func writeSet(w writer, set, item string, pairs []KeyValue) {
	if !w.openList(set) {
		return
	}
	for _, kv := range pairs {
		w.openObject(item)
		w.writeText("Key", kv.Key)
		w.writeText("Value", kv.Value)
		w.closeObject(item)
	}
	w.closeList(set)
}
