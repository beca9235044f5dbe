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
	kindLeaked:   {"leaked key", leakKey},
	kindScaling:  {"autoscaling", scale},
	kindCDN:      {"CDN abuse", abuseCDN},
	kindLoop:     {"request loop, +80%", loop},
	kindDiscount: {"discount lost", loseDiscount},
	kindLeak:     {"slow leak, 5% a day", leakSlowly},
	kindCluster:  {"forgotten cluster, 1k a day above 50k", forgetCluster},
}

// strike gives the life of account n its anomaly. It draws from numbers of its own, so that all else stays the same.
func strike(l *life, seed uint64, n int) {
	rng := rand.New(rand.NewPCG(seed+1<<32, uint64(n)))
	kind := anomalies[n%len(anomalies)]
	l.anomaly, l.anomalyAt = kind.name, pastDays+16+rng.IntN(12)
	kind.strike(l, rng)
}

func span(rng *rand.Rand, low, high float64) float64 { return low + rng.Float64()*(high-low) }

// big returns a cell that matters: at least a twentieth of the account, or the dearest.
func big(l *life, rng *rand.Rand, product ...string) *cell {
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
func leakKey(l *life, rng *rand.Rand) {
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

func multiply(l *life, c *cell, from, days int, by float64) {
	for d := from; d < min(from+days, allDays); d++ {
		c.cost[d] *= by
	}
}

func scale(l *life, rng *rand.Rand) { multiply(l, big(l, rng), l.anomalyAt, 8, span(rng, 3, 8)) }

func abuseCDN(l *life, rng *rand.Rand) {
	c, cost := big(l, rng, "CDN", "EIP", "KS3"), max(l.day*span(rng, .3, 1.2), 800)
	for d := l.anomalyAt; d < l.anomalyAt+5; d++ {
		c.cost[d] += cost * span(rng, .7, 1.3)
	}
}

func loop(l *life, rng *rand.Rand) { multiply(l, big(l, rng), l.anomalyAt, 20, 1.8) }

// loseDiscount ends the contract of the account: half of its products and more are paid at the list price.
func loseDiscount(l *life, rng *rand.Rand) {
	for _, product := range slices.Sorted(maps.Keys(l.paid)) {
		if product == l.cells[0].product || rng.IntN(4) > 0 {
			payList(l, product, l.paid[product])
		}
	}
}

func payList(l *life, product string, paid *[allDays]float64) {
	for d := l.anomalyAt; d < allDays; d++ {
		for _, c := range l.cells {
			if c.product == product {
				c.cost[d] /= paid[d]
			}
		}
		paid[d] = 1
	}
}

func leakSlowly(l *life, rng *rand.Rand) {
	c := big(l, rng)
	for d := l.anomalyAt; d < allDays; d++ {
		c.cost[d] *= math.Pow(1.05, float64(d-l.anomalyAt+1))
	}
}

func forgetCluster(l *life, rng *rand.Rand) {
	beside := big(l, rng, "KEC")
	c := l.addCell(beside.project, beside.product, beside.region, 3+rng.IntN(6))
	for d := l.anomalyAt; d < allDays; d++ {
		c.cost[d] = 1000
	}
}
