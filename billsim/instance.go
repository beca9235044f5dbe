package billsim

import (
	"fmt"
	"iter"
	"strconv"
)

// product is what a company can use and how it is charged.
type product struct {
	code, name string
	anonymous  bool // lines name no instance
	lasting    bool // instances are not replaced: a new one would cost so much that it looked like a spike
	subTypes   []string
	low, high  int   // list price of an instance for a day, yuan
	percent    int64 // of the list price that is paid
	sized      bool  // has cores and memory
	charges    []charge
}

// charge is one of the things that an instance is billed for.
type charge struct {
	mode    string
	subType string // empty: the instance's
	share   int    // percent of the instance's price
	usage   bool   // changes from day to day and grows over the years; if false, every day costs the same
}

// isMonthly reports whether the charge is on bills only, without lines for its days.
func (c *charge) isMonthly() bool { return c.mode == modeMonthly || c.mode == modePeak }

// instance is what a place has from firstDay to lastDay.
type instance struct {
	company           *company
	product           *product
	bits              uint64 // all that is random about it
	firstDay, lastDay day
	changeDay         day // the instance is renamed or enlarged on this day
	runaway           bool
	price             Amount // list price of a day, before the change
	id, name          string
	project           KeyValue
	region            KeyValue
	tags              []KeyValue
}

// listPrice returns the list price of a charge on a day. All sums of the company, of months and of days, are based on
// it.
func (i *instance) listPrice(c *charge, d day) Amount {
	list := i.price * Amount(c.share) / 100
	if i.isEnlarged(d) {
		list = list * 3 / 2
	}
	if !c.usage {
		return list - list%Fen
	}
	swing := 85 + mix(i.bits, uint64(c.share), uint64(d))%30
	if d.isWeekend() {
		swing += 25
	}
	list = list * Amount(swing) / 100 * growth(d) / 1000
	if i.runaway && d == i.company.spike {
		list *= 2000
	}
	return list - list%(Fen/100)
}

// growth returns the size of the business in thousandths of that at the beginning of 2024. It grows by 20 every 30
// days. It is part of the price of new instances and of usage.
func growth(d day) Amount {
	const beginning = 19_723
	return 1000 + 20*Amount(max(0, d-beginning))/30
}

// isEnlarged reports whether the instance has become bigger by a day. One half of the instances do, the others are
// renamed.
func (i *instance) isEnlarged(d day) bool { return d >= i.changeDay && i.bits%2 == 0 }

// isRenamed reports whether the instance has a new name by a day.
func (i *instance) isRenamed(d day) bool { return d >= i.changeDay && i.bits%2 == 1 }

// billLines yields the lines of a bill for the days first to last, all within the instance's life.
func (i *instance) billLines(first, last day) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for span := range i.spans(first, last) {
			if !yield(i.newLine(span.charge, span.first, span.last)) {
				return
			}
		}
		if d := i.refundDay(first); first <= d && d <= last {
			yield(i.newRefund(d))
		}
	}
}

// span is the days of one line of a bill: only the amount of the charge differs between them.
type span struct {
	charge      *charge
	first, last day
}

// spans yields the days first to last for each charge. Those of a fixed charge are split where the instance changes.
func (i *instance) spans(first, last day) iter.Seq[span] {
	return func(yield func(span) bool) {
		for n := range i.product.charges {
			c := &i.product.charges[n]
			from := first
			if !c.usage && first < i.changeDay && i.changeDay <= last {
				if !yield(span{c, first, i.changeDay - 1}) {
					return
				}
				from = i.changeDay
			}
			if !yield(span{c, from, last}) {
				return
			}
		}
	}
}

// newLine returns a line for the days first to last.
func (i *instance) newLine(c *charge, first, last day) Line {
	var list Amount
	for d := first; d <= last; d++ {
		list += i.listPrice(c, d)
	}
	days := int(last - first + 1)
	l := i.describe(c, first, last)
	l.Cost, l.MeasureAmount = list.discount(i.product.percent), list
	if c.mode == modeHourly {
		l.BillHours = 24 * days
	} else {
		l.BillDays = days
	}
	return l
}

// refundDay returns the day of a refund in the month of first, 0 if there is none.
func (i *instance) refundDay(first day) day {
	start := first.monthStart(0)
	bits := mix(i.bits, uint64(start))
	if bits%70 != 0 {
		return 0
	}
	return start + day(bits>>8%28)
}

// newRefund returns a line that gives back the first charge of a day.
func (i *instance) newRefund(d day) Line {
	c := &i.product.charges[0]
	l := i.describe(c, d, d)
	l.DetailBillNo = i.lineNumber("refund", d)
	l.MeasureAmount = -i.listPrice(c, d)
	l.Cost = l.MeasureAmount.discount(i.product.percent)
	l.BillDays = 1
	l.RuleRemark = "故障补偿，退款"
	return l
}

// describe returns a line without its amounts.
func (i *instance) describe(c *charge, first, last day) Line {
	p := i.product
	l := Line{
		DetailBillNo:       i.lineNumber(c.subType, first),
		StartTime:          first.timestamp("00:00:00"),
		EndTime:            last.timestamp("23:59:59"),
		ProductCode:        p.code,
		ProductName:        p.name,
		ProductSubTypeName: c.subType,
		InstanceID:         i.id,
		InstanceName:       i.name,
		ServiceStartTime:   i.firstDay.timestamp("10:24:36"),
		BillType:           c.mode,
		RegionName:         i.region.Key,
		ZoneName:           i.region.Value,
		Discount:           discountFactor(p.percent),
		ProjectID:          i.project.Key,
		ProjectName:        i.project.Value,
		Tags:               i.tags,
	}
	if c.subType == "" {
		l.ProductSubTypeName = p.subTypes[i.bits>>56%uint64(len(p.subTypes))]
	}
	if i.isRenamed(last) && i.name != "" {
		l.InstanceName = i.name + "-新"
	}
	if p.sized {
		l.Providers, l.Configs, l.Extras = i.propertySets(last)
	}
	return l
}

// lineNumber returns fifteen digits that depend on the line alone, so that it has the same number in every answer.
func (i *instance) lineNumber(what string, first day) string {
	bits := mix(i.bits, uint64(first))
	for _, c := range what {
		bits = mix(bits, uint64(c))
	}
	return fifteenDigits(bits)
}

// propertySets returns what a line says about the instance on a day.
func (i *instance) propertySets(d day) (providers, configs, extras []KeyValue) {
	cores := 1 << (i.bits >> 58 % 5)
	if i.isEnlarged(d) {
		cores *= 2
	}
	configs = []KeyValue{
		{"CPU核数", strconv.Itoa(cores) + ".0000"},
		{"内存大小(GB)", strconv.Itoa(4*cores) + ".0000"},
		{"SATA盘大小(GB)", ""},
	}
	address := fmt.Sprintf("10.%d.%d.%d", i.bits>>8%256, i.bits>>16%256, i.bits>>24%254+1)
	extras = []KeyValue{{"内网IP", address}, {"公网IP", ""}}
	return linuxProviders, configs, extras
}

// isLate reports whether the instance is among those that are metered last.
func (i *instance) isLate() bool { return i.bits>>63 == 1 }

// dayLines yields the lines of consumption for the days first to last. Together they cost what billLines do, without
// what is billed by the month.
func (i *instance) dayLines(first, last day) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for span := range i.spans(first, last) {
			for l := range i.splitIntoDays(span) {
				if !yield(l) {
					return
				}
			}
		}
		if d := i.refundDay(first); first <= d && d <= last {
			l := i.newRefund(d)
			l.StatDate = d.String()
			yield(l)
		}
	}
}

// splitIntoDays yields the days of one line of a bill. A day costs what it adds to that line, so that rounding makes no
// difference between the bill and its days.
func (i *instance) splitIntoDays(s span) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		if s.charge.isMonthly() {
			return
		}
		var list, cost Amount // of the days so far
		for d := s.first; d <= s.last; d++ {
			l := i.newLine(s.charge, d, d)
			list += l.MeasureAmount
			l.Cost = list.discount(i.product.percent) - cost
			cost += l.Cost
			l.StatDate, l.DetailBillNo = d.String(), i.lineNumber("day"+s.charge.subType, d)
			if !yield(l) {
				return
			}
		}
	}
}
