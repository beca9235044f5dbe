package billsim

import (
	"fmt"
	"iter"
	"strconv"
)

// product is what can be had and how it is charged.
type product struct {
	code, name string
	anonymous  bool // lines name no instance
	lasting    bool // an instance stays for good: a new one would cost so much that it looked like a spike
	subTypes   []string
	low, high  int   // list price of an instance and day, yuan
	percent    int64 // of the list price that is paid
	sized      bool  // has cores and memory
	charges    []charge
}

// charge is one of the things that an instance is billed for.
type charge struct {
	mode    string
	subType string // empty: the instance's
	share   int    // percent of the instance's price
	usage   bool   // goes up and down with the days and grows over the years; else the same every day
}

// monthly charges have no lines of days: they come with the bill.
func (c *charge) monthly() bool { return c.mode == modeMonthly || c.mode == modePeak }

// instance is what a place holds from one day to another.
type instance struct {
	company  *company
	product  *product
	bits     uint64 // everything random about it
	from, to day
	change   day // renamed or made bigger that day
	runaway  bool
	price    Amount // list price of a day, before the change
	id, name string
	project  KeyValue
	region   KeyValue
	tags     []KeyValue
}

// cost is the list price of a charge on a day. All sums of the company, of months and of days, rest on it.
func (i *instance) cost(c *charge, d day) Amount {
	list := i.price * Amount(c.share) / 100
	if i.bigger(d) {
		list = list * 3 / 2
	}
	if !c.usage {
		return list - list%Fen
	}
	swing := 85 + mix(i.bits, uint64(c.share), uint64(d))%30
	if d.weekend() {
		swing += 25
	}
	list = list * Amount(swing) / 100 * growth(d) / 1000
	if i.runaway && d == i.company.spike {
		list *= 2000
	}
	return list - list%(Fen/100)
}

// growth is by 2% of the beginning of 2024 every 30 days, in thousandths. New instances begin with it, and usage
// follows it.
func growth(d day) Amount {
	const beginning = 19_723
	return 1000 + 20*Amount(max(0, d-beginning))/30
}

// A change makes one half of the instances bigger and gives the others a new name.
func (i *instance) bigger(d day) bool { return d >= i.change && i.bits%2 == 0 }

func (i *instance) renamed(d day) bool { return d >= i.change && i.bits%2 == 1 }

// lines are those of a bill of the days first to last, all within the instance's life.
func (i *instance) lines(first, last day) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for span := range i.spans(first, last) {
			if !yield(i.line(span.charge, span.first, span.last)) {
				return
			}
		}
		if d := i.refundDay(first); first <= d && d <= last {
			yield(i.refund(d))
		}
	}
}

// span is one line of a bill: days in a row on which a charge changes nothing but its amount.
type span struct {
	charge      *charge
	first, last day
}

// spans part the days of each fixed charge where the instance changes.
func (i *instance) spans(first, last day) iter.Seq[span] {
	return func(yield func(span) bool) {
		for n := range i.product.charges {
			c := &i.product.charges[n]
			from := first
			if !c.usage && first < i.change && i.change <= last {
				if !yield(span{c, first, i.change - 1}) {
					return
				}
				from = i.change
			}
			if !yield(span{c, from, last}) {
				return
			}
		}
	}
}

func (i *instance) line(c *charge, first, last day) Line {
	var list Amount
	for d := first; d <= last; d++ {
		list += i.cost(c, d)
	}
	days := int(last - first + 1)
	l := i.describe(c, first, last)
	l.Cost, l.MeasureAmount = list.discounted(i.product.percent), list
	if c.mode == modeHourly {
		l.BillHours = 24 * days
	} else {
		l.BillDays = days
	}
	return l
}

// refundDay is a day of first's month, or none: 0.
func (i *instance) refundDay(first day) day {
	start := first.monthStart(0)
	bits := mix(i.bits, uint64(start))
	if bits%70 != 0 {
		return 0
	}
	return start + day(bits>>8%28)
}

// refund gives back what the instance's first charge was on a day.
func (i *instance) refund(d day) Line {
	c := &i.product.charges[0]
	l := i.describe(c, d, d)
	l.DetailBillNo = i.lineNo("refund", d)
	l.MeasureAmount = -i.cost(c, d)
	l.Cost = l.MeasureAmount.discounted(i.product.percent)
	l.BillDays = 1
	l.RuleRemark = "故障补偿，退款"
	return l
}

// describe is a line without its amounts.
func (i *instance) describe(c *charge, first, last day) Line {
	p := i.product
	l := Line{
		DetailBillNo:       i.lineNo(c.subType, first),
		StartTime:          first.at("00:00:00"),
		EndTime:            last.at("23:59:59"),
		ProductCode:        p.code,
		ProductName:        p.name,
		ProductSubTypeName: c.subType,
		InstanceID:         i.id,
		InstanceName:       i.name,
		ServiceStartTime:   i.from.at("10:24:36"),
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
	if i.renamed(last) && i.name != "" {
		l.InstanceName = i.name + "-新"
	}
	if p.sized {
		l.Providers, l.Configs, l.Extras = i.sets(last)
	}
	return l
}

// lineNo is the same whenever the line is asked for, in its fifteen digits.
func (i *instance) lineNo(what string, first day) string {
	bits := mix(i.bits, uint64(first))
	for _, c := range what {
		bits = mix(bits, uint64(c))
	}
	return strconv.FormatUint(1e15+bits%1e11, 10)[1:]
}

func (i *instance) sets(d day) (providers, configs, extras []KeyValue) {
	cores := 1 << (i.bits >> 58 % 5)
	if i.bigger(d) {
		cores *= 2
	}
	configs = []KeyValue{
		{"CPU核数", strconv.Itoa(cores) + ".0000"},
		{"内存大小(GB)", strconv.Itoa(4*cores) + ".0000"},
		{"SATA盘大小(GB)", ""},
	}
	address := fmt.Sprintf("10.%d.%d.%d", i.bits>>8%256, i.bits>>16%256, i.bits>>24%254+1)
	extras = []KeyValue{{"内网IP", address}, {"公网IP", ""}}
	return bigProviders, configs, extras
}

// late is whether the instance is among those that are metered last.
func (i *instance) late() bool { return i.bits>>63 == 1 }

// days are the lines of consumption of the days first to last. Together they are lines, but for what is billed by the
// month.
func (i *instance) days(first, last day) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for span := range i.spans(first, last) {
			for l := range i.daily(span) {
				if !yield(l) {
					return
				}
			}
		}
		if d := i.refundDay(first); first <= d && d <= last {
			l := i.refund(d)
			l.StatDate = d.String()
			yield(l)
		}
	}
}

// daily are the days of one line of a bill. A day costs what it adds to that line, so that the rounding of each
// leaves no difference between the bill and its days.
func (i *instance) daily(s span) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		if s.charge.monthly() {
			return
		}
		var list, cost Amount // of the days so far
		for d := s.first; d <= s.last; d++ {
			l := i.line(s.charge, d, d)
			list += l.MeasureAmount
			l.Cost = list.discounted(i.product.percent) - cost
			cost += l.Cost
			l.StatDate, l.DetailBillNo = d.String(), i.lineNo("day"+s.charge.subType, d)
			if !yield(l) {
				return
			}
		}
	}
}
