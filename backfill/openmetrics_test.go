package backfill

import (
	"fmt"
	"strings"
	"testing"

	"ksyun_bill_exporter/billclient"
)

// The parts of a bill come to its sum: an answer that lacks a product does not make a cheap month of the products.
func TestPartsComeToTheSum(t *testing.T) {
	amount := func(text string) billclient.Amount {
		a, err := billclient.ParseAmount(text)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	bill := billclient.MonthBill{
		Sum: amount("100"), Products: []billclient.ProductCost{{Code: "KEC", Cost: amount("4")}},
		Projects: []billclient.ProjectCost{{ID: "0", Cost: amount("100.01")}},
	}
	const want = "=100, KEC=4, __none__=96, 0=100.01, __none__=-0.01"
	var parts []string
	h := history{bills: map[billclient.Month][]billclient.MonthBill{0: {bill}}}
	for _, f := range families[:3] {
		for _, r := range f.sums(h, 0).Rows(2) {
			parts = append(parts, fmt.Sprintf("%s=%v", r.Labels[1], r.Amount))
		}
	}
	if got := strings.Join(parts, ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
