package ledger

import (
	"iter"
	"time"

	"ksyun_bill_exporter/billclient"
)

// part is what the lines of one product come to. Of its instances it has as many as could be shown; the others are
// folded. Immutable.
type part struct {
	product      string    // as a label has it
	readAt       time.Time // when the read of the lines began
	count        int
	newest       time.Time // end of the newest line; zero if none tells
	name         newestText
	projectNames map[string]*newestText // by project
	groups       []groupCost
	instances    []partInstance               // the dearest, in the order of their keys
	folded       map[string]billclient.Amount // the cost of the others, by project
	tally        Tally
}

// groupCost is what the lines of some dimensions, of whatever instance, have cost.
type groupCost struct {
	Dimensions
	Cell
}

// partInstance is what an instance of a part has cost, with its attributes.
type partInstance struct {
	*traits
	instance string // as a label has it
	name     string
	cost     billclient.Amount
}

// traits are what many instances share: their project, as a label has it, and all attributes but their name. Immutable.
type traits struct{ project, subtype, mode, region, zone, tags string }

// facts returns the values of instanceFacts and of n configured tags.
func (i partInstance) facts(n int) []string {
	facts := make([]string, len(instanceFacts), len(instanceFacts)+n)
	copy(facts, []string{i.name, i.subtype, i.mode, i.region, i.zone})
	dimensions := Dimensions{tags: i.tags}
	for tag := range n {
		facts = append(facts, dimensions.Tag(tag))
	}
	return facts
}

// cost returns what all lines of the part have cost.
func (p *part) cost() (sum billclient.Amount) {
	for i := range p.groups {
		sum = sum.Add(p.groups[i].Cost)
	}
	return sum
}

// reach says which instances parts have.
type reach int

const (
	noInstances   reach = iota
	dearestOfAll        // those that are shown
	dearestOfEach       // those of each product that could be shown, whatever is read of the other products
)

// mostPartInstances is of how many instances parts are kept at most: they are in memory for as long as the month is
// shown.
const mostPartInstances = 50_000

// count returns how many of the values are true.
func count(values []bool) (n int) {
	for _, is := range values {
		if is {
			n++
		}
	}
	return n
}

// runs yields the longest parts of a list in which each element belongs to the one before.
func runs(list []uint32, belong func(a, b uint32) bool) iter.Seq[[]uint32] {
	return func(yield func([]uint32) bool) {
		for from, i := 0, 1; i <= len(list); i++ {
			if i < len(list) && belong(list[i-1], list[i]) {
				continue
			}
			if !yield(list[from:i:i]) {
				return
			}
			from = i
		}
	}
}
