package main

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// The kinds of anomalies; account n has the kind n%7.
const (
	kindLeaked = iota
	kindScaling
	kindCDN
	kindLoop
	kindDiscount
	kindLeak
	kindCluster
)

var anomalies = []struct {
	name   string
	strike func(*life, *rand.Rand)
}{
	kindLeaked:   {"leaked key", (*life).leakKey},
	kindScaling:  {"autoscaling", (*life).scale},
	kindCDN:      {"CDN abuse", (*life).abuseCDN},
	kindLoop:     {"request loop, +80%", (*life).loop},
	kindDiscount: {"discount lost", (*life).loseDiscount},
	kindLeak:     {"slow leak, 5% a day", (*life).leakSlowly},
	kindCluster:  {"forgotten cluster, 1k a day above 50k", (*life).forgetCluster},
}

// strike gives the life of account n its anomaly. It draws from numbers of its own, so that all else stays the same.
func (l *life) strike(seed uint64, n int) {
	rng := rand.New(rand.NewPCG(seed+1<<32, uint64(n)))
	kind := anomalies[n%len(anomalies)]
	l.anomaly, l.anomalyAt = kind.name, pastDays+16+rng.IntN(12)
	kind.strike(l, rng)
}

func span(rng *rand.Rand, low, high float64) float64 { return low + rng.Float64()*(high-low) }

// big returns a cell that matters: at least a twentieth of the account, or the dearest.
func (l *life) big(rng *rand.Rand, product ...string) *cell {
	var found []*cell
	for _, c := range l.cells {
		isWanted := len(product) == 0 || slices.Contains(product, c.product)
		if isWanted && c.cost[l.anomalyAt-1] > .05*l.day && c.cost[l.anomalyAt] > 0 {
			found = append(found, c)
		}
	}
	if len(found) > 0 {
		return found[rng.IntN(len(found))]
	}
	return slices.MaxFunc(l.cells, func(a, b *cell) int {
		return int(a.cost[l.anomalyAt] - b.cost[l.anomalyAt])
	})
}

// leakKey starts machines in a region where the account has none, until somebody stops them.
func (l *life) leakKey(rng *rand.Rand) {
	c := l.addCell(l.cells[0].project, "KEC", "俄罗斯(VPC)", 8)
	if l.paid[c.product] == nil {
		l.paid[c.product] = l.paid[l.cells[0].product]
	}
	cost := max(l.day*span(rng, .3, 1.5), 800)
	for d := l.anomalyAt; d < l.anomalyAt+10; d++ {
		c.cost[d] = cost
	}
	c.cost[l.anomalyAt] *= span(rng, .3, 1)
}

func (l *life) multiply(c *cell, from, days int, by float64) {
	for d := from; d < min(from+days, allDays); d++ {
		c.cost[d] *= by
	}
}

func (l *life) scale(rng *rand.Rand) { l.multiply(l.big(rng), l.anomalyAt, 8, span(rng, 3, 8)) }

func (l *life) abuseCDN(rng *rand.Rand) {
	c, cost := l.big(rng, "CDN", "EIP", "KS3"), max(l.day*span(rng, .3, 1.2), 800)
	for d := l.anomalyAt; d < l.anomalyAt+5; d++ {
		c.cost[d] += cost * span(rng, .7, 1.3)
	}
}

func (l *life) loop(rng *rand.Rand) { l.multiply(l.big(rng), l.anomalyAt, 20, 1.8) }

// loseDiscount ends the contract of the account: half of its products and more are paid at the list price.
func (l *life) loseDiscount(rng *rand.Rand) {
	for _, product := range slices.Sorted(maps.Keys(l.paid)) {
		if product == l.cells[0].product || rng.IntN(4) > 0 {
			l.payList(product, l.paid[product])
		}
	}
}

func (l *life) payList(product string, paid *[allDays]float64) {
	for d := l.anomalyAt; d < allDays; d++ {
		for _, c := range l.cells {
			if c.product == product {
				c.cost[d] /= paid[d]
			}
		}
		paid[d] = 1
	}
}

func (l *life) leakSlowly(rng *rand.Rand) {
	c := l.big(rng)
	for d := l.anomalyAt; d < allDays; d++ {
		c.cost[d] *= math.Pow(1.05, float64(d-l.anomalyAt+1))
	}
}

func (l *life) forgetCluster(rng *rand.Rand) {
	beside := l.big(rng, "KEC")
	c := l.addCell(beside.project, beside.product, beside.region, 3+rng.IntN(6))
	for d := l.anomalyAt; d < allDays; d++ {
		c.cost[d] = 1000
	}
}
