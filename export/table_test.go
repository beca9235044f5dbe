package export

import (
	"testing"

	"ksyun_bill_exporter/billclient"
)

// Lines that are rounded to the fen may differ from the summary by half a fen each; more is a loss.
func TestRoundingIsNoLoss(t *testing.T) {
	amount := func(text string) billclient.Amount {
		a, err := billclient.ParseAmount(text)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, c := range []struct {
		name, summary string
		want          string
	}{
		{"the same", "2.02", ""},
		{"half a fen a line", "2.03", ""},
		{
			"more", "2.031",
			"the postpaid lines come to 2.02 CNY, the summary says 2.031; those of KEC come to 2.02 CNY, the" +
				" summary says 2.031",
		},
	} {
		totals := newTotals(true)
		for range 2 {
			line := billclient.Line{ProductCode: "KEC", Cost: amount("1.01")}
			totals.add(&row{Line: line, payMode: billclient.Postpaid})
		}
		bill := billclient.MonthBill{
			Sum: amount(c.summary), Products: []billclient.ProductCost{{Code: "KEC", Cost: amount(c.summary)}},
		}
		got := ""
		if difference := totals.compare(allModes, summaries{bills: []billclient.MonthBill{bill}}); difference != nil {
			got = difference.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
