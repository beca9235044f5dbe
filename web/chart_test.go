package web

import (
	"fmt"
	"testing"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// Bars of costs stand on the line of 0, bars of refunds hang from it. The line is at the bottom if every cost is 0.
func TestDrawChart(t *testing.T) {
	for _, c := range []struct {
		costs []string
		want  string
	}{
		{[]string{"50", "100"}, "100: 50+50 0+100"},
		{[]string{"300", "-100"}, "75: 0+75 75+25"},
		{[]string{"-50", "-100"}, "0: 0+50 0+100"},
		{[]string{"0", "0"}, "100: 100+0 100+0"},
	} {
		var days []metrics.DayCost
		for i, text := range c.costs {
			days = append(days, metrics.DayCost{Day: billclient.Day(i), Cost: parseYuan(t, text)})
		}
		drawn := drawChart(days)
		got := fmt.Sprintf("%v:", drawn.Zero)
		for _, column := range drawn.Columns {
			got += fmt.Sprintf(" %v+%v", column.Y, column.Height)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.costs, got, c.want)
		}
	}
}
