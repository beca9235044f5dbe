package ledger

import (
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// others is what a ledger has of lines that were not added to it one by one: what each product comes to, and each day.
type others struct {
	parts   []*part
	days    map[billclient.Day]Sums           // by project and product
	watched map[billclient.Day][]InstanceCost // of watched days
}

// pageSize is how many lines a call of consumption has at most
// (https://endocs.ksyun.com/documents/37508).
const pageSize = 5000

// ProductsToRead returns the products whose lines alone have to be read again: whose cost in the book's summary is
// another one than when the lines were read, and then also those whose lines did not come to their cost. It returns
// none while lines of one of them were read after an instant, and false if all lines have to be read: where nothing is
// known of single products, or some were read before the oldest instant, where something else has changed, or where
// so many products have that one read of all costs no more. It is for a month that is over.
func (b Book) ProductsToRead(readBefore, oldest time.Time) (products []string, ok bool) {
	isTooOld := func(p *part) bool { return p.readAt.Before(oldest) }
	if b.Lines.parts == nil || b.Lines.ReadFor.End != b.Summary.End || slices.ContainsFunc(b.Lines.parts, isTooOld) {
		return nil, false
	}
	changed := b.changedProducts()
	if len(changed) == 0 || len(changed) > max(1, b.Lines.Count/pageSize) {
		return nil, false
	}
	lines, isDue := 0, true
	for _, product := range changed {
		if KeyLabel(product) != product { // it cannot be asked for
			return nil, false
		}
		if p := b.Lines.partOf(product); p != nil {
			lines += p.count
			isDue = isDue && !p.readAt.After(readBefore)
		}
	}
	if 2*lines > b.Lines.Count {
		return nil, false
	}
	if !isDue {
		return nil, true
	}
	return changed, true
}

// changedProducts returns the products, as labels have them, of which the summary says something else than the one that
// the lines were read for, and with them those whose lines do not come to their cost. It returns none if nothing has
// changed.
func (b Book) changedProducts() (products []string) {
	change := Sums{}
	b.Lines.ReadFor.addProducts(change, billclient.Amount.Neg)
	b.Summary.addProducts(change, func(a billclient.Amount) billclient.Amount { return a })
	hasChanged := map[string]bool{}
	for k, amount := range change {
		if amount.Sign() != 0 {
			hasChanged[k[0]] = true
		}
	}
	if len(hasChanged) == 0 {
		return nil
	}
	for k := range change {
		if p := b.Lines.partOf(k[0]); !p.comesTo(b.Summary.costOf(k[0])) {
			hasChanged[k[0]] = true
		}
	}
	return slices.Sorted(maps.Keys(hasChanged))
}

// addProducts adds what the products cost, and what they cost in each project, to sums by product.
func (s *Summary) addProducts(sums Sums, signed func(billclient.Amount) billclient.Amount) {
	for _, r := range s.Product {
		sums.Add(Key{r.Labels[0]}, signed(r.Amount))
	}
	for _, r := range s.ProjectProduct {
		sums.Add(Key{r.Labels[1], r.Labels[0], "in a project"}, signed(r.Amount))
	}
}

// comesTo reports whether the lines of a part, of which there may be none, come to a cost.
func (p *part) comesTo(cost billclient.Amount) bool {
	if p == nil {
		return cost.Sign() == 0
	}
	return IsRounding(cost.Sub(p.cost()), p.count+1)
}

// costOf returns what a product costs, 0 if it is not listed.
func (s *Summary) costOf(product string) billclient.Amount {
	for _, r := range s.Product {
		if r.Labels[0] == product {
			return r.Amount
		}
	}
	return billclient.Amount{}
}
