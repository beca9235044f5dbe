package billsim

import (
	"fmt"
	"iter"
)

// company is a made-up customer. What it has and what that costs on a day follows from its seed and the day alone, so
// that months and days, asked for in any order, agree.
type company struct {
	customerID  string
	seed        uint64
	projects    []KeyValue
	departments []string
	stocks      []stock
	opened      day                 // nothing is billed before
	spike       day                 // when the first EIP's traffic runs away
	billed      func(today day) day // the last day on a bill
}

// stock is so many places for instances of a product. A place holds one instance after another.
type stock struct {
	product *product
	places  int
	names   []string // what instances are called, a number follows
}

// bills is the company's account of bills.
func (c *company) bills(today func() day) func(month string) (Bill, bool) {
	return func(month string) (Bill, bool) {
		first, last, ok := daysOf(month)
		last = min(last, c.billed(today()))
		if !ok || first < c.opened || last < first {
			return Bill{}, false
		}
		return Bill{Lines: c.lines(first, last, (*instance).lines)}, true
	}
}

// lines are those that each instance has of its days among these of one month.
func (c *company) lines(first, last day, of func(i *instance, first, last day) iter.Seq[Line]) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for i := range c.instances(first, last) {
			for l := range of(i, max(first, i.from), min(last, i.to)) {
				l.BillMonth, l.CustomerID = first.month(), c.customerID
				if !yield(l) {
					return
				}
			}
		}
	}
}

// instances are those that live on any of the days.
func (c *company) instances(first, last day) iter.Seq[*instance] {
	return func(yield func(*instance) bool) {
		for n, s := range c.stocks {
			for place := range s.places {
				bits := mix(c.seed, uint64(n), uint64(place))
				period, offset := lifetime(place, s.product.lasting, bits)
				for start := (first+offset)/period*period - offset; start <= last; start += period {
					i := c.newInstance(&s, place, mix(bits, uint64(start)), start, start+period*9/10)
					if i.to >= first && !yield(i) {
						return
					}
				}
			}
		}
	}
}

// lifetime is how long a place keeps an instance, a short gap behind it included, and the phase of that. The first
// place, and each of a lasting product, keeps its own from 2023 on for 50 years; one in four changes several times a
// year.
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
		company: c,
		product: p,
		bits:    bits,
		from:    from,
		to:      to,
		change:  from + 1 + day(bits>>8%uint64(to-from)),
		runaway: p.code == "EIP" && place == 0,
		price:   Amount(p.low+int(bits>>16%uint64(p.high-p.low))) * Fen * growth(from) / 10,
		project: skewed(c.projects, bits>>24),
		region:  skewed(regions[:], bits>>32),
		tags:    c.tags(bits),
	}
	if !p.anonymous {
		i.id = newUUID(bits, mix(bits))
		i.name = fmt.Sprintf("%s-%02d", s.names[place%len(s.names)], place/len(s.names)+1)
	}
	return i
}

// skewed prefers the front.
func skewed(of []KeyValue, bits uint64) KeyValue {
	n := uint64(len(of))
	return of[min(bits%n, bits>>8%n)]
}

// tags are on most instances.
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

// consumption is the company's account of days.
func (c *company) consumption(metered func() horizon) func(month string) (Consumption, bool) {
	return func(month string) (Consumption, bool) {
		first, last, ok := daysOf(month)
		h := metered()
		last = min(last, h.newest)
		if !ok || first < c.opened || last < first {
			return Consumption{}, false
		}
		days := func(i *instance, first, last day) iter.Seq[Line] {
			if i.late() {
				last = min(last, h.whole)
			}
			return i.days(first, last)
		}
		return Consumption{EndDate: last.String(), Bill: Bill{Lines: c.lines(first, last, days)}}, true
	}
}

// prepaid are a company's subscriptions. A project renews those of a product on the same day of each month, and now
// and then it buys more.
func (c *company) prepaid(today func() day) func(month string) []Purchase {
	products := []*product{kec, krds}
	return func(month string) []Purchase {
		return c.purchases(month, today(), products, func(bits uint64, d day) Amount {
			renewal := Amount(800+bits>>8%6000) * Yuan
			switch {
			case d == d.monthStart(0)+day(bits%28):
				return renewal
			case mix(bits, uint64(d))%150 == 0:
				return 2 * renewal
			default:
				return 0
			}
		})
	}
}

// realtime is what a company pays by the hour or the day. It is known until yesterday.
func (c *company) realtime(today func() day) func(month string) []Purchase {
	products := []*product{kecHourly, eip}
	return func(month string) []Purchase {
		return c.purchases(month, today()-1, products, func(bits uint64, d day) Amount {
			return Amount(30+bits>>8%140) * Amount(800+mix(bits, uint64(d))%400) * Yuan / 1000
		})
	}
}

// purchases adds up the days of a month until last, for each project and product that has any cost on them.
func (c *company) purchases(month string, last day, products []*product, cost func(uint64, day) Amount) []Purchase {
	first, end, ok := daysOf(month)
	if !ok || first < c.opened {
		return nil
	}
	var all []Purchase
	for n, project := range c.projects {
		for i, p := range products {
			bits, sum := mix(c.seed, uint64(n), uint64(i)), Amount(0)
			for d := first; d <= min(end, last); d++ {
				sum += cost(bits, d)
			}
			if sum != 0 {
				all = append(all, Purchase{p.code, p.name, project.Key, project.Value, sum})
			}
		}
	}
	return all
}
