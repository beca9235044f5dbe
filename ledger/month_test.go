package ledger

import (
	"testing"

	"ksyun_bill_exporter/billclient"
)

// What a month is based on: the first numbers that it has, and its bill in the end.
func TestSettled(t *testing.T) {
	of := billclient.MonthOf(october(15))
	part := Book{Summary: &Summary{Month: of, ReadAt: october(15)}}
	whole := Book{Summary: &Summary{Month: of, ReadAt: of.End()}}
	for _, c := range []struct {
		name    string
		month   Month
		running bool
		forced  Basis
		want    Basis
	}{
		{"nothing yet", Month{EstimateAnswered: true}, true, Undecided, Undecided},
		{"an estimate", Month{Bill: part, Estimate: part, EstimateAnswered: true}, true, Undecided, Estimated},
		{"a bill, and perhaps an estimate", Month{Bill: part}, true, Undecided, Undecided},
		{"a bill, and no estimate", Month{Bill: part, EstimateAnswered: true}, true, Undecided, Billed},
		{"an estimate after the bill", Month{Bill: part, Estimate: part, Basis: Billed}, true, Undecided, Billed},
		{
			"a bill read by a clock that was ahead",
			Month{Bill: whole, Estimate: part, Basis: Estimated},
			true, Undecided,
			Estimated,
		},
		{"the bill is wanted", Month{Estimate: part, EstimateAnswered: true}, true, Billed, Billed},
		{"the estimate is wanted", Month{Bill: part, EstimateAnswered: true}, true, Estimated, Estimated},
		{"closed, with its bill", Month{Bill: whole, Estimate: whole, Basis: Estimated}, false, Undecided, Billed},
		{"closed, with its bill, though not wanted", Month{Bill: whole, Basis: Estimated}, false, Estimated, Billed},
		{
			"closed, with a part of its bill",
			Month{Bill: part, Estimate: whole, Basis: Estimated},
			false, Undecided,
			Estimated,
		},
		{"closed, with nothing but a part of its bill", Month{Bill: part}, false, Undecided, Billed},
		{
			"closed, and billed before the estimate",
			Month{Bill: part, Estimate: part, Basis: Billed},
			false, Undecided,
			Billed,
		},
		{"closed, without the bill that was wanted", Month{Estimate: whole, Basis: Billed}, false, Billed, Estimated},
	} {
		if got := c.month.Settled(c.running, c.forced).Basis; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

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
