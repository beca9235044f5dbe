package billsim

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
