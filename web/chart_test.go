package web

import (
	"fmt"
	"strings"
	"testing"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// Bars of costs stand on the line of 0, bars of refunds hang from it, and those of the pay modes are stacked. The line
// is at the bottom if every cost is 0, and what has cost nothing has no bar.
func TestDrawChart(t *testing.T) {
	for _, c := range []struct {
		costs []string
		want  string
	}{
		{[]string{"50", "100"}, "100: 50+50, 0+100"},
		{[]string{"300", "-100"}, "75: 0+75, 75+25"},
		{[]string{"-50", "-100"}, "0: 0+50, 0+100"},
		{[]string{"0", "0"}, "100:,"},
		{[]string{"50 20 30", "10"}, "100: 50+50 30+20 0+30, 90+10"},
		{[]string{"50 0 30", "100"}, "100: 50+50 20+30, 0+100"},
		{[]string{"100 -20 50 -30", "0 -50"}, "75: 25+50 75+10 0+25 85+15, 75+25"},
		{[]string{"0.333 0.333 0.334"}, "100: 66.7+33.3 33.4+33.3 0+33.4"},
	} {
		var days []metrics.DayCost
		for i, text := range c.costs {
			days = append(days, newDay(t, billclient.Day(i), strings.Fields(text)...))
		}
		drawn := drawChart(days)
		var bars []string
		for _, column := range drawn.Columns {
			bars = append(bars, "")
			for _, s := range column.Segments {
				bars[len(bars)-1] += fmt.Sprintf(" %v+%v", s.Y, s.Height)
			}
		}
		if got := fmt.Sprintf("%v:%s", drawn.Zero, strings.Join(bars, ",")); got != c.want {
			t.Errorf("%q: %s, want %s", c.costs, got, c.want)
		}
	}
}
