package billsim

import (
	"fmt"
	"iter"
)

// company is a made-up customer. What it has and what that costs on a day depends on its seed and the day only, so that
// months and days agree in whatever order they are asked for.
type company struct {
	customerID  string
	seed        uint64
	projects    []KeyValue
	departments []string
	stocks      []stock
	opened      day                 // nothing is billed before
	spike       day                 // the day on which the traffic of the first EIP runs away
	lastBilled  func(today day) day // the last day of the newest bill
}

// stock is a number of places for instances of a product. A place has one instance after another.
type stock struct {
	product *product
	places  int
	names   []string // of instances, without the number at their end
}

// bills returns the Bills of the company's account.
func (c *company) bills(today func() day) func(month string) (Bill, bool) {
	return func(month string) (Bill, bool) {
		first, last, ok := daysOf(month)
		last = min(last, c.lastBilled(today()))
		if !ok || first < c.opened || last < first {
			return Bill{}, false
		}
		return Bill{Lines: c.lines(first, last, (*instance).billLines)}, true
	}
}

// lines yields the lines of all instances for the days first to last, which are of one month. linesOf returns the lines
// of one instance for days of its life.
func (c *company) lines(first, last day, linesOf func(i *instance, first, last day) iter.Seq[Line]) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for i := range c.instances(first, last) {
			for l := range linesOf(i, max(first, i.firstDay), min(last, i.lastDay)) {
				l.BillMonth, l.CustomerID = first.month(), c.customerID
				if !yield(l) {
					return
				}
			}
		}
	}
}

// instances yields the instances that exist on any of the days first to last.
func (c *company) instances(first, last day) iter.Seq[*instance] {
	return func(yield func(*instance) bool) {
		for n, s := range c.stocks {
			for place := range s.places {
				bits := mix(c.seed, uint64(n), uint64(place))
				period, offset := lifetime(place, s.product.lasting, bits)
				for start := (first+offset)/period*period - offset; start <= last; start += period {
					i := c.newInstance(&s, place, mix(bits, uint64(start)), start, start+period*9/10)
					if i.lastDay >= first && !yield(i) {
						return
					}
				}
			}
		}
	}
}

// lifetime returns how many days a place keeps an instance, with a short gap after it, and where in this period day 0
// is. The first place, and each place of a lasting product, keeps its instance from 2023 on for 50 years. One place in
// four gets a new instance several times a year.
func lifetime(place int, lasting bool, bits uint64) (period, offset day) {
	switch {
	case place == 0 || lasting:
		return 20_000, 600
	case place%4 == 1:
		period = 60 + day(bits%240)
	default:
		period = 1200 + day(bits%2000)
	}
	return period, day(bits >> 20 % uint64(period))
}

func (c *company) newInstance(s *stock, place int, bits uint64, from, to day) *instance {
	p := s.product
	i := &instance{
		company:   c,
		product:   p,
		bits:      bits,
		firstDay:  from,
		lastDay:   to,
		changeDay: from + 1 + day(bits>>8%uint64(to-from)),
		runaway:   p.code == "EIP" && place == 0,
		price:     Amount(p.low+int(bits>>16%uint64(p.high-p.low))) * Fen * growth(from) / 10,
		project:   pickSkewed(c.projects, bits>>24),
		region:    pickSkewed(regions[:], bits>>32),
		tags:      c.tags(bits),
	}
	if !p.anonymous {
		i.id = newUUID(bits, mix(bits))
		i.name = fmt.Sprintf("%s-%02d", s.names[place%len(s.names)], place/len(s.names)+1)
	}
	return i
}

// pickSkewed returns one of choices, the first ones more often than the last ones.
func pickSkewed(choices []KeyValue, bits uint64) KeyValue {
	n := uint64(len(choices))
	return choices[min(bits%n, bits>>8%n)]
}

// tags returns the tags of an instance. Most instances have some.
func (c *company) tags(bits uint64) []KeyValue {
	var tags []KeyValue
	if bits>>40%5 < 3 {
		tags = append(tags, KeyValue{"部门", c.departments[bits>>44%uint64(len(c.departments))]})
	}
	if bits>>50%2 == 0 {
		tags = append(tags, KeyValue{"环境", [...]string{"生产", "生产", "预发", "测试"}[bits>>52%4]})
	}
	return tags
}

// consumption returns the Consume of the company's account.
func (c *company) consumption(metered func() horizon) func(month string) (Consumption, bool) {
	return func(month string) (Consumption, bool) {
		first, last, ok := daysOf(month)
		h := metered()
		last = min(last, h.newest)
		if !ok || first < c.opened || last < first {
			return Consumption{}, false
		}
		days := func(i *instance, first, last day) iter.Seq[Line] {
			if i.isLate() {
				last = min(last, h.whole)
			}
			return i.dayLines(first, last)
		}
		return Consumption{EndDate: last.String(), Bill: Bill{Lines: c.lines(first, last, days)}}, true
	}
}
