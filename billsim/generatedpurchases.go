package billsim

// GeneratedPrepaid returns the Prepaid of a big account: the given number of instances, like those of Generated but
// with other ids, each of which is renewed for a month on one of the first 28 days of every month. The amounts depend
// on seed and month. The returned function is safe for concurrent use.
func GeneratedPrepaid(customerID string, instances int, seed uint64) func(month string) []Purchase {
	return func(month string) []Purchase {
		first, _, ok := daysOf(month)
		if !ok {
			return nil
		}
		g := newGenerator(customerID, month, instances, mix(seed, 1), fiveDayPeriods(month))
		all := make([]Purchase, instances)
		for n := range all {
			l := g.newLine(n)
			on := first + day(mix(g.seed, uint64(n))%28)
			all[n] = newGeneratedPurchase(&l, on.String())
			all[n].Kind = Renewed
			all[n].StartTime = on.timestamp("00:00:00")
			all[n].EndTime = (on.addMonths(1) - 1).timestamp("23:59:59")
		}
		return all
	}
}

// GeneratedRealtime returns the Realtime of a big account: instances as in GeneratedPrepaid that are used by the hour
// on each of the first days of every month. The returned function is safe for concurrent use.
func GeneratedRealtime(customerID string, days, instances int, seed uint64) func(month string) []Purchase {
	return func(month string) []Purchase {
		periods := dailyPeriods(month, days)
		g := newGenerator(customerID, month, instances, mix(seed, 2), periods)
		all := make([]Purchase, 0, len(periods)*instances)
		for n := range len(periods) * instances {
			l := g.newLine(n)
			p := newGeneratedPurchase(&l, l.StatDate)
			p.Hours = 24
			all = append(all, p)
		}
		return all
	}
}

// newGeneratedPurchase returns a purchase with what a line says.
func newGeneratedPurchase(l *Line, day string) Purchase {
	return Purchase{
		ProductCode:      l.ProductCode,
		ProductName:      l.ProductName,
		ProjectID:        l.ProjectID,
		ProjectName:      l.ProjectName,
		Cost:             l.Cost,
		Day:              day,
		InstanceID:       l.InstanceID,
		InstanceName:     l.InstanceName,
		SubType:          l.ProductSubTypeName,
		RegionName:       l.RegionName,
		ZoneName:         l.ZoneName,
		ServiceStartTime: l.ServiceStartTime,
		List:             l.MeasureAmount,
		Discount:         l.Discount,
		Configs:          l.Configs,
		Tags:             l.Tags,
	}
}
