package ledger

import (
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// FirstBill is what a closed month's bill came to when it was first taken over as the month's numbers. Immutable.
type FirstBill struct {
	ReadAt  time.Time
	Sum     billclient.Amount
	Product []Row    // what each product cost
	Changed []string // labels of the products that have cost something else since, None for what no product has
}

// Restated returns by how much the month's bill has changed since it was first taken over, per product that has ever
// changed. The rows come to the change of the sum: what no product has of it is of None.
func Restated(m Month) []Row {
	if m.FirstBill == nil || m.Bill.IsEmpty() {
		return nil
	}
	changes := Sums{}
	for _, r := range m.Bill.Summary.Product {
		changes.Add(Key{r.Labels[0]}, r.Amount)
	}
	for _, r := range m.FirstBill.Product {
		changes.Add(Key{r.Labels[0]}, r.Amount.Neg())
	}
	beyond := m.Bill.Summary.Sum.Sub(m.FirstBill.Sum)
	for _, change := range changes {
		beyond = beyond.Sub(change)
	}
	changes.Add(Key{None}, beyond)
	maps.DeleteFunc(changes, func(k Key, change billclient.Amount) bool {
		return change.Sign() == 0 && !slices.Contains(m.FirstBill.Changed, k[0])
	})
	for _, label := range m.FirstBill.Changed {
		changes.Add(Key{label}, billclient.Amount{}) // neither bill need have it any more
	}
	return changes.Rows(1)
}

func (b *FirstBill) valid() bool { return b == nil || haveLabels(b.Product, 1) }
