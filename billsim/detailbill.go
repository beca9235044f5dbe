package billsim

import (
	"iter"
	"strconv"
)

func writeDetailBill(x *exchange, b *body) error {
	w := x.begin()
	if err := writeLines(w, b, x.lines()); err != nil {
		return err
	}
	return x.end(w, b)
}

func writeLines(w writer, b *body, lines iter.Seq[Line]) error {
	if !w.list("PostpayDetailBillSet") {
		return nil
	}
	for l := range lines {
		writeLine(w, &l)
		if _, err := b.Write(w.take()); err != nil {
			return err
		}
		if err := b.line(); err != nil {
			return err
		}
	}
	w.endList("PostpayDetailBillSet")
	return nil
}

func writeLine(w writer, l *Line) {
	w.open("Item")
	w.text("DetailBillNo", l.DetailBillNo)
	w.text("BillMonth", l.BillMonth)
	w.text("CustomerId", l.CustomerID)
	if l.daily {
		w.text("DetailBillStatDate", l.StatDate)
	}
	w.text("DetailBillStartTime", l.StartTime)
	w.text("DetailBillEndTime", l.EndTime)
	w.text("ProductCode", l.ProductCode)
	w.text("ProductName", l.ProductName)
	w.text("ProductSubTypeName", l.ProductSubTypeName)
	w.text("InstanceId", l.InstanceID)
	w.text("InstanceName", l.InstanceName)
	w.text("Cost", l.costText())
	w.text("ServiceStartTime", l.ServiceStartTime)
	w.text("BillType", l.BillType)
	w.text("BillDays", strconv.Itoa(l.BillDays))
	w.text("BillHours", strconv.Itoa(l.BillHours))
	w.text("RegionName", l.RegionName)
	w.text("ZoneName", l.ZoneName)
	if !l.daily {
		w.text("RuleRemark", l.RuleRemark)
	}
	w.text("MeasureAmount", l.measureText())
	w.text("Discount", l.Discount)
	w.text("ProjectId", l.ProjectID)
	w.text("ProjectName", l.ProjectName)
	writeSet(w, "ProviderSet", "ProviderItem", l.Providers)
	writeSet(w, "ConfigSet", "ConfigItem", l.Configs)
	writeSet(w, "ExtraSet", "ExtraItem", l.Extras)
	writeSet(w, "TagSet", "TagItem", l.Tags) // the item's name is a guess: the pages show it empty
	w.close("Item")
}

func writeSet(w writer, set, item string, pairs []KeyValue) {
	if !w.list(set) {
		return
	}
	for _, kv := range pairs {
		w.open(item)
		w.text("Key", kv.Key)
		w.text("Value", kv.Value)
		w.close(item)
	}
	w.endList(set)
}
