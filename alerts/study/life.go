package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

const (
	pastDays    = 100 // lived before the rules are watched: three closed months
	watchedDays = 61
	allDays     = pastDays + watchedDays
)

// A cell is what one product costs in one project.
type cell struct {
	project, product, region string
	cost                     [allDays]float64
	hourlyFrom               int // the day from which it is paid by the hour, or allDays
	instances                []string
	noise                    float64 // of the instances against each other
}

// A life is an account from its first day to its last.
type life struct {
	account   string
	firstDay  time.Time // its calendar is Beijing's
	birth     int       // the first day with cost
	rng       *rand.Rand
	day       float64 // what a usual day costs
	consumer  bool
	weekend   float64
	holiday   float64
	sale      float64
	cells     []*cell
	instances int                          // how many have been named
	paid      map[string]*[allDays]float64 // of the list price, by product
	lateDays  map[int]bool                 // days on which the newest day is missing
	halfDays  map[int]float64              // the metered part of days that stay half metered for a day
	normal    []string                     // what happens in it, for the details
	anomaly   string
	anomalyAt int
}

var products = []string{"KEC", "EBS", "EIP", "SLB", "KS3", "CDN", "RDS", "KCS", "NAT", "KLOG"}

// newLife returns the calm life of account n. The same seed and n give the same life.
func newLife(seed uint64, n int) *life {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	watchFrom := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(360))
	l := &life{
		account: fmt.Sprintf("a%d", n), firstDay: watchFrom.AddDate(0, 0, -pastDays), rng: rng,
		day: 2000 * math.Exp(rng.Float64()*math.Log(60)), weekend: 1, holiday: 1, sale: 1,
		paid: map[string]*[allDays]float64{}, lateDays: map[int]bool{}, halfDays: map[int]float64{},
	}
	if n%7 == kindCluster {
		l.day = 50000 * (1 + rng.Float64()*2)
	}
	l.chooseWeek()
	l.addProjects()
	l.liveNormally()
	l.meterLate()
	return l
}

func (l *life) chooseWeek() {
	switch kind := l.rng.IntN(5); kind {
	case 0, 1:
		l.note("office week")
		l.weekend = l.between(.35, .8)
		l.holiday = l.weekend
	case 2, 3:
		l.note("consumer week")
		l.consumer = true
		l.weekend, l.holiday, l.sale = l.between(1, 1.4), l.between(.9, 1.5), l.between(1.2, 3)
	}
}

// addProjects fills the account with cells whose sizes differ as they do in real accounts: few are most of the bill.
func (l *life) addProjects() {
	regions := []string{"北京6区(VPC)", "上海2区(VPC)", "广州(VPC)"}
	var sum float64
	var sizes []float64
	for p := range 2 + l.rng.IntN(4) {
		region := regions[l.rng.IntN(2)]
		for _, i := range l.rng.Perm(len(products))[:2+l.rng.IntN(3)] {
			size := math.Exp(1.3 * l.rng.NormFloat64())
			sum += size
			sizes = append(sizes, size)
			l.addCell(fmt.Sprint(100000+p), products[i], region, 1+l.rng.IntN(6))
		}
	}
	for i, c := range l.cells {
		l.fill(c, sizes[i]/sum*l.day)
	}
}

// addCell adds a cell without cost.
func (l *life) addCell(project, product, region string, instances int) *cell {
	c := &cell{project: project, product: product, region: region, hourlyFrom: allDays, noise: l.between(0, .2)}
	for range instances {
		l.instances++
		c.instances = append(c.instances, fmt.Sprint("i-", l.instances))
	}
	l.cells = append(l.cells, c)
	return c
}

// fill gives a cell its usual days, with the week, holidays and sale days of its account and noise of its own.
func (l *life) fill(c *cell, usual float64) {
	noise := l.between(.01, .12)
	moves := l.between(.3, 1) // how much of the account's week the cell follows
	for d := range c.cost {
		c.cost[d] = usual * (1 + moves*(l.factor(d)-1)) * math.Exp(noise*l.rng.NormFloat64())
	}
	l.agreeDiscount(c.product)
}

func (l *life) agreeDiscount(product string) {
	if l.paid[product] != nil {
		return
	}
	l.paid[product] = &[allDays]float64{}
	share := .6 + .05*float64(l.rng.IntN(5))
	for d := range l.paid[product] {
		l.paid[product][d] = share * (1 + .01*l.rng.NormFloat64())
	}
}

func (l *life) factor(d int) float64 {
	date := l.date(d)
	switch {
	case isSale(date):
		return l.sale
	case isHoliday(date):
		return l.holiday
	case date.Weekday() == time.Saturday || date.Weekday() == time.Sunday:
		return l.weekend
	}
	return 1
}

func (l *life) date(d int) time.Time { return l.firstDay.AddDate(0, 0, d) }

func (l *life) between(low, high float64) float64 { return low + l.rng.Float64()*(high-low) }

func (l *life) note(text string) { l.normal = append(l.normal, text) }

// isSale reports whether shops sell most on a day: 11.11, 12.12 and 6.18, with the evening before.
func isSale(date time.Time) bool {
	switch date.Format("01-02") {
	case "11-10", "11-11", "12-12", "06-17", "06-18":
		return true
	}
	return false
}

// holidays are the first and last days of 国庆, 春节 and 五一.
var holidays = [][2]string{
	{"2025-05-01", "2025-05-05"}, {"2025-10-01", "2025-10-08"}, {"2026-02-15", "2026-02-23"},
	{"2026-05-01", "2026-05-05"}, {"2026-10-01", "2026-10-07"}, {"2027-02-05", "2027-02-11"},
}

func isHoliday(date time.Time) bool {
	day := date.Format(time.DateOnly)
	for _, h := range holidays {
		if h[0] <= day && day <= h[1] {
			return true
		}
	}
	return false
}
