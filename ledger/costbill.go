package ledger

import (
	"time"

	"ksyun_bill_exporter/billclient"
)

// CostBill is what the vendor counts as a closed month's part of all that is prepaid, in CNY. Immutable.
type CostBill struct {
	ReadAt time.Time
	Absent bool // the API does not know the action
	Rows   int
	Cost   billclient.Amount
}

// SummarizeCostBill adds up an answer.
func SummarizeCostBill(answer []billclient.CostBill, readAt time.Time) *CostBill {
	b := &CostBill{ReadAt: readAt, Rows: len(answer)}
	for _, row := range answer {
		b.Cost = b.Cost.Add(row.Cost)
	}
	return b
}
