package ledger

import (
	"testing"

	"ksyun_bill_exporter/billclient"
)

// The sum alone can change: by what is of no product.
func TestSumAloneChanges(t *testing.T) {
	bill := func(sum string) *Summary {
		products := []billclient.ProductCost{{Cost: amount(t, "1")}}
		return SummarizeBills([]billclient.MonthBill{{Sum: amount(t, sum), Products: products}}, october(1))
	}
	b := Book{Summary: bill("1"), Lines: &LineSums{ReadFor: bill("1.00")}}
	if b.LinesChanged() {
		t.Error("the same bill is another one")
	}
	if b.Summary = bill("2"); !b.LinesChanged() {
		t.Error("another sum is not noticed")
	}
}

func amount(t *testing.T, text string) billclient.Amount {
	t.Helper()
	a, err := billclient.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
