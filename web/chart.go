package web

import (
	"math"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
)

// chart is how days are drawn: 100 high, and stretched to the width of the page.
type chart struct {
	First, Last billclient.Day
	Highest     collector.DayCost
	Width       int
	Zero        float64 // how far below the top the bars start
	Columns     []column
}

// column is a day's bar.
type column struct {
	collector.DayCost
	X         int
	Y, Height float64
	Class     string
}

// columnWidth is that of a bar and the gap beside it.
const columnWidth, columnGap = 10, 2

// draw draws days, of which there are some, between the smallest of them, 0 at most, and the largest.
func draw(days []collector.DayCost) chart {
	compare := func(a, b collector.DayCost) int { return a.Cost.Cmp(b.Cost) }
	c := chart{
		First: days[0].Day, Last: days[len(days)-1].Day,
		Highest: slices.MaxFunc(days, compare), Width: columnWidth*len(days) - columnGap,
	}
	high := max(0, c.Highest.Cost.Float64())
	low := min(0, slices.MinFunc(days, compare).Cost.Float64())
	if high == low {
		high = 1 // nothing was paid: all the height is above the line of 0
	}
	scale := 100 / (high - low)
	c.Zero = round(high * scale)
	for i, d := range days {
		amount := d.Cost.Float64()
		c.Columns = append(c.Columns, column{
			DayCost: d, X: columnWidth * i, Class: c.class(d),
			Y: round((high - max(0, amount)) * scale), Height: round(math.Abs(amount) * scale),
		})
	}
	return c
}

// class tells the days of the newest month from those before, and what was paid from what was paid back.
func (c chart) class(d collector.DayCost) string {
	switch {
	case d.Cost.Sign() < 0:
		return "refund"
	case d.Day.Month() != c.Last.Month():
		return "before"
	default:
		return "day"
	}
}

func round(x float64) float64 { return math.Round(10*x) / 10 }
