package ledger

import (
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
