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

// WithFirstBills returns a copy of the snapshot in which every closed month whose basis is the bill at the instant now
// keeps what that bill came to at first, and which products have changed since. A bill that its estimate stands in for
// is not taken over: what it says until then may be a part.
func (s *Snapshot) WithFirstBills(now time.Time, rules BasisRules) *Snapshot {
	next := s
	for at, m := range s.Months {
		if !m.Bill.IsFinal(now) || BasisOf(s, at, now, rules) != Billed {
			continue
		}
		first := FirstBill{ReadAt: m.Bill.Summary.ReadAt, Sum: m.Bill.Summary.Sum, Product: m.Bill.Summary.Product}
		if m.FirstBill != nil {
			first = *m.FirstBill
			first.Changed = nil
		}
		for _, r := range m.Restated() {
			first.Changed = append(first.Changed, r.Labels[0])
		}
		m.FirstBill = &first
		next = next.WithMonth(at, m)
	}
	return next
}

// Restated returns by how much the month's bill has changed since it was first taken over, per product that has ever
// changed. The rows come to the change of the sum: what no product has of it is of None.
func (m Month) Restated() []Row {
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
