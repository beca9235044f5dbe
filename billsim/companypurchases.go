package billsim

import (
	"fmt"
	"slices"
	"sync"
)

// deal is the purchases of a project and a product.
type deal struct {
	company *company
	product *product
	project KeyValue
	bits    uint64
}

// deals returns one deal for each project and product.
func (c *company) deals(products ...*product) []deal {
	var all []deal
	for n, project := range c.projects {
		for i, p := range products {
			all = append(all, deal{c, p, project, mix(c.seed, uint64(n), uint64(i))})
		}
	}
	return all
}

// purchasesOf returns the purchases of the days of a month, but of none after last. Those of a month that is over are
// made once.
func (c *company) purchasesOf(
	months *sync.Map, month string, last day, deals []deal, of func(*deal, day) []Purchase,
) []Purchase {
	first, end, ok := daysOf(month)
	if !ok || first < c.opened {
		return nil
	}
	if known, ok := months.Load(month); ok {
		return slices.Clone(known.([]Purchase))
	}
	var all []Purchase
	for _, deal := range deals {
		for d := first; d <= min(end, last); d++ {
			all = append(all, of(&deal, d)...)
		}
	}
	if end <= last {
		months.Store(month, slices.Clone(all))
	}
	return all
}

// subscriptions returns the Prepaid of the company's account. A project renews the instances of a product on the same
// day of each month and buys more of them now and then, for a month, a year and three years. Some are given back after
// a few months, on the day of renewal, and exchanged for another one.
func (c *company) subscriptions(today func() day) func(month string) []Purchase {
	var months sync.Map
	return func(month string) []Purchase {
		return c.purchasesOf(&months, month, today(), c.deals(kec, krds), (*deal).subscribe)
	}
}

// hourlyUse returns the Realtime of the company's account: what it pays by the hour or the day. It is known until
// yesterday.
func (c *company) hourlyUse(today func() day) func(month string) []Purchase {
	var months sync.Map
	return func(month string) []Purchase {
		return c.purchasesOf(&months, month, today()-1, c.deals(kecHourly, eip), (*deal).useHours)
	}
}

// renewal is what is paid on the day of renewal.
func (d *deal) renewal() Amount { return Amount(800+d.bits>>8%6000) * Yuan }

// isRenewalDay reports whether a day is the one of its month on which instances are renewed.
func (d *deal) isRenewalDay(on day) bool { return on == on.monthStart(0)+day(d.bits%28) }

// isBuyingDay reports whether new instances are bought on a day, for twice what is paid for renewals.
func (d *deal) isBuyingDay(on day) bool {
	return !d.isRenewalDay(on) && mix(d.bits, uint64(on))%150 == 0
}

// subscribe returns what is bought and given back on a day.
func (d *deal) subscribe(on day) []Purchase {
	switch {
	case d.isRenewalDay(on):
		return append(d.renew(on), d.exchange(on)...)
	case d.isBuyingDay(on):
		return d.buy(on)
	default:
		return nil
	}
}

// renew returns another month of the one to four instances that are renewed each month.
func (d *deal) renew(on day) []Purchase {
	var all []Purchase
	costs := splitAmount(d.renewal(), 1+int(d.bits>>40%4), d.bits)
	for n, cost := range costs {
		p := d.newPurchase(mix(d.bits, uint64(n)), n, on, 1, cost)
		p.Kind, p.AutoRenew = Renewed, true
		p.ServiceStartTime = day(20_100 + d.bits>>32%300).timestamp("10:24:36")
		all = append(all, p)
	}
	return all
}

// buy returns new instances: for a month, a year and three years. What a database needs for three years stands in a
// data centre, which has no postpaid product.
func (d *deal) buy(on day) []Purchase {
	total, bits := 2*d.renewal(), mix(d.bits, uint64(on), 1)
	month, year := total/10, total*3/10
	long := d.newPurchase(mix(bits, 3), 12, on, 36, total-month-year)
	if d.product == krds {
		long.ProductCode, long.ProductName, long.SubType = "KIS", "云数据中心(KIS)", "机柜租用"
		long.InstanceName, long.Configs = fmt.Sprintf("机柜-%02d", 1+bits%40), nil
	}
	long.AutoRenew = true
	return []Purchase{d.newPurchase(mix(bits, 1), 10, on, 1, month), d.yearly(on), long}
}

// yearly returns the instance that is bought for a year on a day of buying.
func (d *deal) yearly(on day) Purchase {
	bits := mix(d.bits, uint64(on), 1)
	return d.newPurchase(mix(bits, 2), 11, on, 12, 2*d.renewal()*3/10)
}

// exchange returns what is given back on a day of renewal: every second of the instances that were bought for a year
// four months before. What is left of its term pays for another instance.
func (d *deal) exchange(on day) []Purchase {
	var all []Purchase
	for past := on.monthStart(-4); past < on.monthStart(-3); past++ {
		if past < d.company.opened || !d.isBuyingDay(past) || mix(d.bits, uint64(past))>>20%2 != 0 {
			continue
		}
		back := d.giveBack(d.yearly(past), past, on)
		another := d.newPurchase(mix(d.bits, uint64(past), 9), 13, on, 12, -back.Cost)
		all = append(all, back, another)
	}
	return all
}

// giveBack returns the refund for the days of a purchase that are left, of which on is the first.
func (d *deal) giveBack(p Purchase, bought, on day) Purchase {
	end := bought.addMonths(12)
	rest := func(a Amount) Amount { return a / Fen * Amount(end-on) / Amount(end-bought) * Fen }
	p.Kind, p.Day, p.StartTime = Refunded, on.String(), on.timestamp("00:00:00")
	p.ServiceStartTime = bought.timestamp("00:00:00")
	p.Cost, p.List = -rest(p.Cost), -rest(p.List)
	p.Remark = "退订，退还剩余时长费用"
	return p
}

// newPurchase returns an instance that is bought for months.
func (d *deal) newPurchase(bits uint64, n int, on day, months int, cost Amount) Purchase {
	p := d.describe(bits, n, cost)
	p.Day, p.StartTime = on.String(), on.timestamp("00:00:00")
	p.EndTime = (on.addMonths(months) - 1).timestamp("23:59:59")
	return p
}

// useHours returns what the instances of a day cost that are paid by the hour. The first one is always there.
func (d *deal) useHours(on day) []Purchase {
	total := Amount(30+d.bits>>8%140) * Amount(800+mix(d.bits, uint64(on))%400) * Yuan / 1000
	var present []int
	for n := range 2 + int(d.bits>>40%4) {
		if n == 0 || mix(d.bits, uint64(n), uint64(on)/5)%3 != 0 {
			present = append(present, n)
		}
	}
	var all []Purchase
	for i, cost := range splitAmount(total, len(present), mix(d.bits, uint64(on))) {
		n := present[i]
		p := d.describe(mix(d.bits, uint64(n), 7), n, cost)
		p.Day, p.Hours = on.String(), 24
		if n > 0 {
			p.Hours = 1 + int(mix(d.bits, uint64(n), uint64(on))%24)
		}
		p.ServiceStartTime = day(20_100 + d.bits>>32%300).timestamp("09:15:02")
		all = append(all, p)
	}
	return all
}

// describe returns a purchase without its time.
func (d *deal) describe(bits uint64, n int, cost Amount) Purchase {
	names := d.company.namesOf(d.product)
	region := pickSkewed(regions[:], bits>>32)
	i := instance{product: d.product, bits: bits}
	p := Purchase{
		ProductCode:  d.product.code,
		ProductName:  d.product.name,
		ProjectID:    d.project.Key,
		ProjectName:  d.project.Value,
		Cost:         cost,
		InstanceID:   newUUID(bits, mix(bits)),
		InstanceName: fmt.Sprintf("%s-p%s-%02d", names[bits>>12%uint64(len(names))], d.project.Key, n+1),
		SubType:      d.product.subTypes[bits>>56%uint64(len(d.product.subTypes))],
		RegionName:   region.Key,
		ZoneName:     region.Value,
		List:         cost * 100 / Amount(d.product.percent) / Fen * Fen,
		Discount:     discountFactor(d.product.percent),
		Tags:         d.company.tags(bits),
	}
	if d.product.sized {
		_, p.Configs, _ = i.propertySets(0)
	}
	return p
}

// namesOf returns the names of the company's instances of a product.
func (c *company) namesOf(p *product) []string {
	for _, s := range c.stocks {
		if s.product == p {
			return s.names
		}
	}
	return []string{p.code}
}

// splitAmount splits a sum into parts of whole fens, but for the first one, which has what is left.
func splitAmount(sum Amount, parts int, bits uint64) []Amount {
	all := make([]Amount, parts)
	all[0] = sum
	for n := 1; n < parts; n++ {
		all[n] = sum / Fen * Amount(50+mix(bits, uint64(n))%50) / Amount(100*parts) * Fen
		all[0] -= all[n]
	}
	return all
}

// wallet returns the Wallet of the company's account. It is filled at the beginning of a month and, so that it never
// runs dry, whenever there is less than 300,000 yuan in it.
func (c *company) wallet(metered func() horizon) func() Wallet {
	const reserve, filling = 300_000 * Yuan, 400_000 * Yuan
	return func() Wallet {
		h := metered()
		yesterday := func() day { return h.newest }
		month := (h.newest + 1).month()
		consumed, _ := c.consumption(func() horizon { return h })(month)
		spent := consumed.Sums().Total
		for _, of := range []func(string) []Purchase{c.subscriptions(yesterday), c.hourlyUse(yesterday)} {
			for _, p := range of(month) {
				spent += p.Cost
			}
		}
		return Wallet{Available: reserve + filling - spent%filling}
	}
}
