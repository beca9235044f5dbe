package main

import (
	"fmt"
	"math"
	"slices"
)

// habits are what happens in a calm life, each with how likely an account has it.
var habits = []struct {
	name   string
	chance float64
	live   func(*life)
}{
	{"weekly job", .25, (*life).runWeekly},
	{"month-end job", .2, (*life).runMonthEnd},
	{"ad-hoc job", .2, (*life).runOnce},
	{"fee on the 1st", .3, (*life).payFee},
	{"growth", .2, (*life).grow},
	{"launch", .2, (*life).launch},
	{"refund", .15, (*life).refund},
	{"tiny product", .4, (*life).addTiny},
	{"new project", .15, (*life).addProject},
	{"deleted project", .15, (*life).deleteProject},
	{"price change", .15, (*life).changePrice},
	{"daily to hourly", .15, (*life).payHourly},
	{"young account", .06, (*life).beYoung},
}

func (l *life) liveNormally() {
	for _, h := range habits {
		if l.rng.Float64() < h.chance {
			l.note(h.name)
			h.live(l)
		}
	}
}

// watched returns a day that the rules will see as new.
func (l *life) watched() int { return pastDays + l.rng.IntN(watchedDays-5) }

func (l *life) anyCell() *cell { return l.cells[l.rng.IntN(len(l.cells))] }

// job returns where a job costs: among other things, or in a product of its own, which costs nothing on other days.
func (l *life) job() *cell {
	c := l.anyCell()
	if l.rng.IntN(2) > 0 {
		c = l.addCell(c.project, "KMR", c.region, 1)
		l.agreeDiscount("KMR")
	}
	return c
}

func (l *life) runWeekly() {
	c, weekday, cost := l.job(), l.rng.IntN(7), l.day*l.between(.02, .25)
	for d := range c.cost {
		if int(l.date(d).Weekday()) == weekday {
			c.cost[d] += cost * l.between(.9, 1.1)
		}
	}
}

func (l *life) runMonthEnd() {
	c, cost := l.job(), l.day*l.between(.02, .25)
	for d := range c.cost {
		if l.date(d+1).Day() == 1 {
			c.cost[d] += cost * l.between(.9, 1.1)
		}
	}
}

func (l *life) runOnce() {
	c, from, cost := l.job(), l.watched(), l.day*l.between(.02, .2)
	for d := from; d < from+1+l.rng.IntN(2); d++ {
		c.cost[d] += cost
	}
}

// payFee adds a fee of each month, for which there is no discount.
func (l *life) payFee() {
	c, fee := l.anyCell(), l.day*l.between(.1, 1)
	for d := range c.cost {
		if l.date(d).Day() == 1 {
			c.cost[d] += fee
			l.paid[c.product][d] = 1
		}
	}
}

func (l *life) grow() {
	rate := l.between(.002, .008)
	for _, c := range l.cells {
		for d := range c.cost {
			c.cost[d] *= math.Pow(1+rate, float64(d-pastDays))
		}
	}
}

func (l *life) launch() {
	project, from := l.anyCell().project, l.watched()
	for _, c := range l.cells {
		for d := from; d < allDays && c.project == project; d++ {
			c.cost[d] *= 1.3
		}
	}
}

func (l *life) refund() {
	c, d := l.anyCell(), l.watched()
	c.cost[d] -= c.cost[d] * l.between(.5, 4)
}

func (l *life) addTiny() {
	for i := range 1 + l.rng.IntN(2) {
		c := l.addCell(l.anyCell().project, fmt.Sprint("TINY", i), "上海2区(VPC)", 1)
		l.fill(c, l.between(1, 8))
		for d := range c.cost {
			c.cost[d] *= math.Exp(.5 * l.rng.NormFloat64())
		}
	}
}

// addProject starts a planned project, which uses products that the account has.
func (l *life) addProject() {
	from, size, first := l.watched(), l.day*l.between(.01, .1), l.cells[0]
	other := slices.IndexFunc(l.cells, func(c *cell) bool { return c.product != first.product })
	for _, product := range []string{first.product, l.cells[other].product} {
		c := l.addCell("200000", product, first.region, 2)
		l.fill(c, size)
		clear(c.cost[:from])
	}
}

func (l *life) deleteProject() {
	project, from := l.cells[len(l.cells)-1].project, l.watched()
	for _, c := range l.cells {
		if c.project == project {
			clear(c.cost[from:])
		}
	}
}

func (l *life) changePrice() {
	product, from, by := l.anyCell().product, l.watched(), l.between(.9, 1.12)
	for _, c := range l.cells {
		for d := from; d < allDays && c.product == product; d++ {
			c.cost[d] *= by
		}
	}
}

func (l *life) payHourly() { l.anyCell().hourlyFrom = l.watched() }

// beYoung lets the account begin shortly before or after the rules are watched, and grow to its size in ten days.
func (l *life) beYoung() {
	l.birth = pastDays - 15 + l.rng.IntN(25)
	for _, c := range l.cells {
		begin := l.birth + l.rng.IntN(8)
		for d := range c.cost {
			c.cost[d] *= max(0, min(1, float64(d-begin+1)/10))
		}
	}
}

// meterLate chooses days whose metering is slow.
func (l *life) meterLate() {
	for d := range allDays {
		if l.rng.Float64() < .05 {
			l.lateDays[d] = true
		}
		if l.rng.Float64() < .1 {
			l.halfDays[d] = l.between(.3, .9)
		}
	}
}
