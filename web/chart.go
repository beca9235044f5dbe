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
	Width       int
	Zero        float64 // the distance of the line of 0 from the top
	Columns     []column
}

// column is the bar of one day.
type column struct {
	metrics.DayCost
	X         int
	Y, Height float64
	Class     string
}

// columnWidth is the width of a bar with the gap beside it, columnGap the width of that gap.
const columnWidth, columnGap = 10, 2

// drawChart returns the chart of at least one day. Its scale covers 0 and the cost of every day.
func drawChart(days []metrics.DayCost) chart {
	compare := func(a, b metrics.DayCost) int { return a.Cost.Cmp(b.Cost) }
	c := chart{
		First: days[0].Day, Last: days[len(days)-1].Day,
		Highest: slices.MaxFunc(days, compare), Width: columnWidth*len(days) - columnGap,
	}
	high := max(0, c.Highest.Cost.Float64())
	low := min(0, slices.MinFunc(days, compare).Cost.Float64())
	if high == low {
		high = 1 // every cost is 0: the line of 0 is at the bottom
	}
	scale := 100 / (high - low)
	c.Zero = roundToTenth(high * scale)
	for i, d := range days {
		amount := d.Cost.Float64()
		c.Columns = append(c.Columns, column{
			DayCost: d, X: columnWidth * i, Class: c.columnClass(d),
			Y: roundToTenth((high - max(0, amount)) * scale), Height: roundToTenth(math.Abs(amount) * scale),
		})
	}
	return c
}

// columnClass returns the style of a day's bar: refunds, and days before the newest month, have styles of their own.
func (c chart) columnClass(d metrics.DayCost) string {
	switch {
	case d.Cost.Sign() < 0:
		return "refund"
	case d.Day.Month() != c.Last.Month():
		return "before"
	default:
		return "day"
	}
}

func roundToTenth(x float64) float64 { return math.Round(10*x) / 10 }
