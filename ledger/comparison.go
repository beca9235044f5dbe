package ledger

import (
	"time"

	"ksyun_bill_exporter/billclient"
)

// PartSet is one of the ways in which bills and estimates split a cost.
type PartSet string

// The sets of parts of a month's bills and estimates.
const (
	Products PartSet = "products" // of the sum
	Projects PartSet = "projects" // of the sum
	Details  PartSet = "details"  // of a project: its products
)

// Comparison says of each set of parts that an answer has whether the parts come to their total. What can come from
// their rounding to the fen is no difference.
type Comparison map[PartSet]bool

// CompareBills compares the parts of the bills of one month with their sum, by the rule of SummarizeBills.
func CompareBills(bills []billclient.MonthBill) Comparison {
	_, c := addUp(bills, time.Time{})
	return c
}

// CompareEstimates compares the parts of the estimates of one month with their sum, by the rule of SummarizeEstimates.
func CompareEstimates(estimates []billclient.MonthConsume) Comparison {
	return CompareBills(billsOf(estimates))
}

// CompareUnion reports whether the parts of an answer of bill-union come to its total, by the rule of SummarizeUnion.
func CompareUnion(answer billclient.UnionSummary) bool {
	_, beyond := addUpParts(answer)
	return beyond.Sign() == 0
}

// note notes what a total has beyond a set of its parts. A set is whole only where each of its totals has nothing.
func (c Comparison) note(set PartSet, beyond billclient.Amount) {
	whole, ok := c[set]
	c[set] = (whole || !ok) && beyond.Sign() == 0
}
