package ledger

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Day is what one day has cost, by daily metering. Immutable.
type Day struct {
	ReadAt         time.Time
	ProjectProduct []Row // project id and product code
	// Instances has the cost of each instance on the few days that are compared with others, in the order of their
	// keys; nil on other days.
	Instances []InstanceCost
}

// InstanceCost is what an instance has cost. Days share the keys.
type InstanceCost struct {
	Key  *Key
	Cost billclient.Amount
}

// Cost returns what the day has cost.
func (d Day) Cost() billclient.Amount { return Total(d.ProjectProduct) }

func (d Day) valid() bool {
	hasNoKey := func(i InstanceCost) bool { return i.Key == nil }
	return haveLabels(d.ProjectProduct, 2) && !slices.ContainsFunc(d.Instances, hasNoKey)
}

// Week is how many days lie between those that are compared.
const Week = 7

// watchedDays is how many days are watched at most (see Snapshot.WatchedDays).
const watchedDays = 6

// Changes yields by how much the cost of each instance has changed from an earlier day to a later one, given the
// instances of both.
func Changes(earlier, later []InstanceCost) iter.Seq2[*Key, billclient.Amount] {
	return func(yield func(*Key, billclient.Amount) bool) {
		for len(earlier) > 0 || len(later) > 0 {
			var before, after InstanceCost
			order := compareFirst(earlier, later)
			if order <= 0 {
				before, earlier = earlier[0], earlier[1:]
			}
			if order >= 0 {
				after, later = later[0], later[1:]
			}
			if !yield(cmp.Or(after.Key, before.Key), after.Cost.Sub(before.Cost)) {
				return
			}
		}
	}
}

// compareFirst compares the keys of the first instances of two lists, of which one may be empty.
func compareFirst(a, b []InstanceCost) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	case a[0].Key == b[0].Key: // days share keys
		return 0
	default:
		return CompareKeys(*a[0].Key, *b[0].Key)
	}
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
