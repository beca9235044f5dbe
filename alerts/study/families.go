package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

const (
	scrapesADay = 3
	scrapes     = watchedDays * scrapesADay
)

// A recorder keeps what the exporter would have shown at each scrape, by series.
type recorder struct {
	life   *life
	days   int // that the exporter shows
	scrape int
	half   float64 // the metered part of the newest day
	newest int
	today  int
	series map[string]*[scrapes]float64
}

// record returns the families of a life, as the exporter shows them at 02:00, 10:00 and 18:00.
func record(l *life, days int) *recorder {
	r := &recorder{life: l, days: days, series: map[string]*[scrapes]float64{}}
	for r.scrape = range scrapes {
		r.today = pastDays + r.scrape/scrapesADay
		r.look(r.scrape % scrapesADay)
		r.recordFacts()
		if r.newest < l.birth {
			continue
		}
		r.recordDays()
		r.recordMonths()
		r.recordChanges()
	}
	return r
}

// look finds the newest day and how much of it is metered: at 02:00 it rarely is.
func (r *recorder) look(hour int) {
	r.newest, r.half = r.today-1, 1
	if r.life.lateDays[r.today] {
		r.newest--
		return
	}
	if half, is := r.life.halfDays[r.newest]; is {
		r.half = half
	} else if hour == 0 {
		r.half = .6
	}
}

// add adds to a series, which begins with its first value.
func (r *recorder) add(series string, value float64) {
	values := r.series[series]
	if values == nil {
		values = &[scrapes]float64{}
		for i := range values {
			values[i] = math.NaN()
		}
		r.series[series] = values
	}
	if math.IsNaN(values[r.scrape]) {
		values[r.scrape] = 0
	}
	values[r.scrape] += value
}

func (r *recorder) recordFacts() {
	account := fmt.Sprintf("account=%q", r.life.account)
	r.add("ksyun_bill_account_info{"+account+`,customer_id="1"}`, 1)
	r.add("ksyun_bill_source_last_success_timestamp_seconds{"+account+`,source="month_bill"}`, 1)
	seen := map[string]bool{}
	for _, c := range r.life.cells {
		for _, fact := range []string{
			fmt.Sprintf("ksyun_bill_product_info{%s,product_code=%q,product_name=%q}", account, c.product, c.product),
			fmt.Sprintf("ksyun_bill_project_info{%s,project_id=%q,project_name=%q,owner=\"o\",cost_center=\"\"}",
				account, c.project, c.project),
		} {
			if !seen[fact] {
				seen[fact] = true
				r.add(fact, 1)
			}
		}
	}
}

func (r *recorder) cost(c *cell, d int) float64 {
	if d == r.newest {
		return c.cost[d] * r.half
	}
	return c.cost[d]
}

func payMode(c *cell, d int) string {
	if d >= c.hourlyFrom {
		return "realtime"
	}
	return "postpaid"
}

// recordDays records a cell's days in the families of all levels, 0 too, unless it cost nothing on all of them.
func (r *recorder) recordDays() {
	first := max(r.newest-r.days+1, r.life.birth, 0)
	for d := first; d <= r.newest; d++ {
		r.add(fmt.Sprintf("ksyun_bill_day_start_timestamp_seconds{account=%q,days_ago=\"%d\"}",
			r.life.account, r.newest-d), beijing(r.life.date(d)))
	}
	for _, c := range r.life.cells {
		shown := map[string]bool{}
		for d := first; d <= r.newest; d++ {
			if c.cost[d] != 0 {
				shown[payMode(c, d)] = true
			}
		}
		for mode := range shown {
			r.recordCellDays(c, mode, first)
		}
	}
}

func (r *recorder) recordCellDays(c *cell, mode string, first int) {
	for d := first; d <= r.newest; d++ {
		var cost float64
		if payMode(c, d) == mode {
			cost = r.cost(c, d)
		}
		r.addLevels("ksyun_bill_day_%s_cost_cny", c, mode, fmt.Sprintf("days_ago=\"%d\"", r.newest-d), cost)
	}
}

// addLevels adds to the families of the account, the product, the project and the product in the project.
func (r *recorder) addLevels(family string, c *cell, mode, label string, value float64) {
	common := fmt.Sprintf("account=%q,pay_mode=%q", r.life.account, mode)
	if label != "" {
		common += "," + label
	}
	product, project := fmt.Sprintf(",product_code=%q", c.product), fmt.Sprintf(",project_id=%q", c.project)
	r.add(fmt.Sprintf(family, "account")+"{"+common+"}", value)
	r.add(fmt.Sprintf(family, "product")+"{"+common+product+"}", value)
	r.add(fmt.Sprintf(family, "project")+"{"+common+project+"}", value)
	r.add(fmt.Sprintf(family, "project_product")+"{"+common+product+project+"}", value)
}

// recordMonths records the running month, unless it has no day yet, and the three closed ones.
func (r *recorder) recordMonths() {
	today := r.life.date(r.today)
	month := today.AddDate(0, 0, 1-today.Day())
	newest := r.life.date(r.newest)
	if !newest.Before(month) {
		r.recordPeriod(month)
		r.sum(month, newest, r.addRunning)
		before := month.AddDate(0, -1, 0)
		last := before.AddDate(0, 0, newest.Day()-1)
		if !last.Before(month) {
			last = month.AddDate(0, 0, -1)
		}
		r.sum(before, last, func(c *cell, mode string, cost, _ float64) {
			r.addLevels("ksyun_bill_past_month_to_date_%s_cost_cny", c, mode, `months_ago="1"`, cost)
		})
	}
	for ago := 1; ago <= 3; ago++ {
		r.sum(month.AddDate(0, -ago, 0), month.AddDate(0, 1-ago, -1), func(c *cell, mode string, cost, list float64) {
			r.addPast(ago, c, mode, cost, list)
		})
	}
}

func (r *recorder) recordPeriod(month time.Time) {
	account := fmt.Sprintf("{account=%q}", r.life.account)
	r.add(fmt.Sprintf("ksyun_bill_month_info{account=%q,months_ago=\"0\",basis=\"estimate\"}", r.life.account), 1)
	r.add("ksyun_bill_period_start_timestamp_seconds"+account, beijing(month))
	r.add("ksyun_bill_period_end_timestamp_seconds"+account, beijing(month.AddDate(0, 1, 0)))
	r.add("ksyun_bill_period_data_timestamp_seconds"+account, beijing(r.life.date(r.newest+1)))
}

// sum calls add with the cost and the list cost of each cell in the days from first to last, by pay mode.
func (r *recorder) sum(first, last time.Time, add func(c *cell, mode string, cost, list float64)) {
	from := max(int(first.Sub(r.life.firstDay).Hours()/24), r.life.birth, 0)
	to := min(int(last.Sub(r.life.firstDay).Hours()/24), r.newest)
	for _, c := range r.life.cells {
		costs, lists := map[string]float64{}, map[string]float64{}
		for d := from; d <= to; d++ {
			if cost := r.cost(c, d); cost != 0 {
				costs[payMode(c, d)] += cost
				lists[payMode(c, d)] += cost / r.life.paid[c.product][d]
			}
		}
		for mode, cost := range costs {
			add(c, mode, cost, lists[mode])
		}
	}
}

func (r *recorder) addRunning(c *cell, mode string, cost, list float64) {
	r.addLevels("ksyun_bill_%s_cost_cny", c, mode, "", cost)
	account := fmt.Sprintf("account=%q,pay_mode=%q", r.life.account, mode)
	r.add(fmt.Sprintf("ksyun_bill_region_cost_cny{%s,region_name=%q}", account, c.region), cost)
	r.addInstances("ksyun_bill_instance_cost_cny", c, account, cost)
	if mode == "postpaid" {
		r.add(fmt.Sprintf("ksyun_bill_product_list_cost_cny{%s,product_code=%q}", account, c.product), list)
	}
}

func (r *recorder) addPast(ago int, c *cell, mode string, cost, list float64) {
	months := fmt.Sprintf("months_ago=\"%d\"", ago)
	r.addLevels("ksyun_bill_past_month_%s_cost_cny", c, mode, months, cost)
	if ago > 1 {
		return
	}
	account := fmt.Sprintf("account=%q,pay_mode=%q,%s", r.life.account, mode, months)
	r.addInstances("ksyun_bill_past_month_instance_cost_cny", c, account, cost)
	if mode == "postpaid" {
		r.add(fmt.Sprintf("ksyun_bill_past_month_product_list_cost_cny{%s,product_code=%q}", account, c.product), list)
	}
}

// addInstances shares a cost between the instances of a cell.
func (r *recorder) addInstances(family string, c *cell, labels string, cost float64) {
	for _, id := range c.instances {
		r.add(fmt.Sprintf("%s{%s,product_code=%q,project_id=%q,instance_id=%q}",
			family, labels, c.product, c.project, id), cost/float64(len(c.instances)))
	}
}

// A change is by how much an instance costs more than a week ago.
type change struct {
	labels string
	cost   float64
}

// recordChanges records the 50 largest differences between the day before the newest and a week before.
func (r *recorder) recordChanges() {
	now, before := r.newest-1, r.newest-8
	if before < max(r.life.birth, r.newest-r.days+1) {
		return
	}
	var changes []change
	for _, c := range r.life.cells {
		for i, id := range c.instances {
			difference := c.shareOf(i, now) - c.shareOf(i, before)
			if difference != 0 {
				changes = append(changes, change{fmt.Sprintf("pay_mode=%q,product_code=%q,project_id=%q,instance_id=%q",
					payMode(c, now), c.product, c.project, id), difference})
			}
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(math.Abs(b.cost), math.Abs(a.cost)) })
	for _, c := range changes[:min(50, len(changes))] {
		r.add(fmt.Sprintf("ksyun_bill_instance_week_change_cny{account=%q,%s}", r.life.account, c.labels), c.cost)
	}
}

// shareOf returns what an instance of the cell costs on a day. Instances differ from day to day by the cell's noise.
func (c *cell) shareOf(instance, day int) float64 {
	wave := math.Sin(float64(day*(3*instance+5) + instance))
	return c.cost[day] / float64(len(c.instances)) * (1 + c.noise*wave)
}

// beijing returns the instant at which a day begins in Beijing.
func beijing(day time.Time) float64 { return float64(day.Unix() - 8*3600) }

// write writes the series as the input of a rule test.
func (r *recorder) write(b *bytes.Buffer) {
	for _, series := range slices.Sorted(maps.Keys(r.series)) {
		fmt.Fprintf(b, "      - series: '%s'\n        values: '", series)
		for _, v := range r.series[series] {
			if math.IsNaN(v) {
				b.WriteString("_ ")
			} else {
				b.WriteString(strconv.FormatFloat(v, 'f', 2, 64))
				b.WriteByte(' ')
			}
		}
		b.WriteString("'\n")
	}
}
