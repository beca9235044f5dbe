package backfill

import (
	"fmt"
	"slices"
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
	for _, p := range slices.Concat(accountPart(bill), productParts(bill), projectParts(bill)) {
		parts = append(parts, fmt.Sprintf("%s=%v", p.value, p.cost))
	}
	if got := strings.Join(parts, ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
