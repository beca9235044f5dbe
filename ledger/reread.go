package ledger

import (
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// others is what a ledger has of lines that were not added to it one by one: what each product comes to, and each day.
type others struct {
	parts   []*part
	days    map[billclient.Day]Sums           // by project and product
	watched map[billclient.Day][]InstanceCost // of watched days
}

// ProductsToRead returns the products whose cost in the book's summary is another one than when the lines were read:
// their lines alone have to be read again. It returns none while lines of one of them were read after an instant, and
// false if all lines have to be read: where nothing is known of single products, or some were read before the oldest
// instant, where something else has changed, or where so many products have that one read of all costs no more. It is
// for a month that is over.
func (b Book) ProductsToRead(readBefore, oldest time.Time) (products []string, ok bool) {
	isTooOld := func(p *part) bool { return p.readAt.Before(oldest) }
	if b.Lines.parts == nil || b.Lines.ReadFor.End != b.Summary.End || slices.ContainsFunc(b.Lines.parts, isTooOld) {
		return nil, false
	}
	changed, lines, isDue := changedProducts(b.Lines.ReadFor, b.Summary), 0, true
	for _, product := range changed {
		if KeyLabel(product) != product { // it cannot be asked for
			return nil, false
		}
		if p := b.Lines.partOf(product); p != nil {
			lines += p.count
			isDue = isDue && !p.readAt.After(readBefore)
		}
	}
	if len(changed) == 0 || 2*lines > b.Lines.Count {
		return nil, false
	}
	if !isDue {
		return nil, true
	}
	return changed, true
}

// changedProducts returns the products that cost something else in one summary than in another, as labels have them.
func changedProducts(before, after *Summary) (products []string) {
	change := Sums{}
	for _, r := range before.Product {
		change.Add(Key{r.Labels[0]}, r.Amount.Neg())
	}
	for _, r := range after.Product {
		change.Add(Key{r.Labels[0]}, r.Amount)
	}
	for _, k := range change.keys() {
		if change[k].Sign() != 0 {
			products = append(products, k[0])
		}
	}
	return products
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

// partOf returns what is known of the lines of a product, nil if there are none.
func (s *LineSums) partOf(product string) *part {
	for _, p := range s.parts {
		if p.product == product {
			return p
		}
	}
	return nil
}

// ComesTo reports whether the lines come to what a product costs in a summary.
func (l *Ledger) ComesTo(product string, s *Summary) bool {
	return IsRounding(s.costOf(KeyLabel(product)).Sub(l.Cost()), l.Count()+1)
}

// KeepProducts adds what is known of the lines of other products than the given ones, which are read again, and of the
// days that lines were read of. The known lines have to be some that ProductsToRead was asked about.
func (l *Ledger) KeepProducts(known *LineSums, days map[billclient.Day]Day, except []string) {
	isKept := func(product string) bool { return !slices.Contains(except, product) }
	var kept others
	for _, p := range known.parts {
		if isKept(p.product) {
			kept.parts = append(kept.parts, p)
		}
	}
	kept.days, kept.watched = map[billclient.Day]Sums{}, map[billclient.Day][]InstanceCost{}
	for at, d := range days {
		if at.Month() == known.ReadFor.Month {
			kept.days[at] = d.costsOf(isKept)
			kept.watched[at] = d.instancesOf(isKept)
			l.newestDay = max(l.newestDay, at)
		}
	}
	l.customerID = known.CustomerID
	l.others = append(l.others, kept)
}

// costsOf returns what some products have cost, by project and product.
func (d Day) costsOf(isKept func(product string) bool) Sums {
	costs := Sums{}
	for _, r := range d.ProjectProduct {
		if isKept(r.Labels[1]) {
			costs.Add(Key{r.Labels[0], r.Labels[1]}, r.Amount)
		}
	}
	return costs
}

// instancesOf returns what instances of some products have cost.
func (d Day) instancesOf(isKept func(product string) bool) (costs []InstanceCost) {
	for _, i := range d.Instances {
		if isKept(i.Key[0]) {
			costs = append(costs, i)
		}
	}
	return costs
}

// Include adds what the lines of another ledger come to, which were read at an instant. The other ledger
// must not be used any more.
func (l *Ledger) Include(other *Ledger, readAt time.Time) {
	l.others = append(l.others, others{other.parts(readAt, dearestOfEach), other.daySums(), other.watchedCosts()})
	l.newestDay = max(l.newestDay, other.newestDay)
	if other.customerID != "" {
		l.customerID = other.customerID
	}
}

// allParts returns the parts of the ledger with those of others.
func (l *Ledger) allParts(readAt time.Time, of reach) []*part {
	parts := l.parts(readAt, of)
	for _, o := range l.others {
		parts = append(parts, o.parts...)
	}
	slices.SortFunc(parts, func(a, b *part) int { return strings.Compare(a.product, b.product) })
	return parts
}

// KnowsInstances reports whether it is known what instances have cost on those of some days that are of a month.
func (s *Snapshot) KnowsInstances(of billclient.Month, days []billclient.Day) bool {
	return !slices.ContainsFunc(days, func(at billclient.Day) bool {
		return at.Month() == of && s.Days[at].Instances == nil
	})
}
