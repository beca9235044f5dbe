package web

import (
	"math"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// chart has a bar for each of some days. It is 100 units high; the browser stretches it to the width of the page.
type chart struct {
	First, Last billclient.Day
	Highest     metrics.DayCost
	Modes       []string // pay modes, in the order in which a bar stacks them from the line of 0 on
	Unknown     int      // days of which not all of Modes are known
	Width       int
	Zero        float64 // the distance of the line of 0 from the top
	Columns     []column
}

// column is the bar of one day.
type column struct {
	metrics.DayCost
	X        int
	IsBefore bool                 // the day is before the newest month
	Segments []segment            // by pay mode
	Cells    []*billclient.Amount // the cost in each of the chart's pay modes; nil: it is not known
}

// segment is what a pay mode has of a bar. Refunds hang from the line of 0.
type segment struct {
	PayMode   string
	IsRefund  bool
	Y, Height float64
}

// columnWidth is the width of a bar with the gap beside it, columnGap the width of that gap.
const columnWidth, columnGap = 10, 2

// drawChart returns the chart of at least one day. Its scale covers 0 and the cost of every day.
func drawChart(days []metrics.DayCost) chart {
	c := chart{
		First: days[0].Day, Last: days[len(days)-1].Day, Width: columnWidth*len(days) - columnGap, Modes: modesOf(days),
		Highest: slices.MaxFunc(days, func(a, b metrics.DayCost) int { return a.Cost.Cmp(b.Cost) }),
	}
	var high, low float64
	for _, d := range days {
		up, down := extent(d)
		high, low = max(high, up), max(low, down)
	}
	if high+low == 0 {
		high = 1 // every cost is 0: the line of 0 is at the bottom
	}
	scale := 100 / (high + low)
	c.Zero = roundToTenth(high * scale)
	for i, d := range days {
		col := column{DayCost: d, X: columnWidth * i, Segments: stack(d, high, scale)}
		col.IsBefore = d.Day.Month() != c.Last.Month()
		for _, mode := range c.Modes {
			col.Cells = append(col.Cells, costIn(d, mode))
		}
		if slices.Contains(col.Cells, nil) {
			c.Unknown++
		}
		c.Columns = append(c.Columns, col)
	}
	return c
}

// modesOf returns the pay modes of some days, in the order in which the days have them.
func modesOf(days []metrics.DayCost) (modes []string) {
	for _, d := range days {
		for _, p := range d.Modes {
			if !slices.Contains(modes, p.Key) {
				modes = append(modes, p.Key)
			}
		}
	}
	return modes
}

// extent returns how far a day's bar reaches up from the line of 0, and how far down.
func extent(d metrics.DayCost) (up, down float64) {
	for _, p := range d.Modes {
		up += max(0, p.Cost.Float64())
		down += max(0, -p.Cost.Float64())
	}
	return up, down
}

// stack returns the segments of a day's bar in a chart whose top is at the amount high. What has cost nothing has none.
func stack(d metrics.DayCost, high, scale float64) (segments []segment) {
	var up, down float64
	for _, p := range d.Modes {
		top, bottom := 0., 0. // as amounts
		switch amount := p.Cost.Float64(); p.Cost.Sign() {
		case 0:
			continue
		case 1:
			top, bottom = up+amount, up
			up = top
		default:
			top, bottom = down, down+amount
			down = bottom
		}
		y, end := roundToTenth((high-top)*scale), roundToTenth((high-bottom)*scale)
		segments = append(segments, segment{
			PayMode: p.Key, IsRefund: p.Cost.Sign() < 0, Y: y, Height: roundToTenth(end - y),
		})
	}
	return segments
}

// costIn returns what a day has cost in a pay mode, nil if that is not known.
func costIn(d metrics.DayCost, mode string) *billclient.Amount {
	for _, p := range d.Modes {
		if p.Key == mode {
			return &p.Cost
		}
	}
	return nil
}

func roundToTenth(x float64) float64 { return math.Round(10*x) / 10 }
