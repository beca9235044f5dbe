package ledger

import (
	"slices"

	"ksyun_bill_exporter/billclient"
)

// Instances is the section instances of the configuration.
type Instances struct {
	Enabled   bool              `yaml:"enabled"`
	LastMonth bool              `yaml:"last_month"` // whether the last closed month's instances are shown too
	MaxSeries int               `yaml:"max_series"` // instances per account and month; the others are folded
	MinCost   billclient.Amount `yaml:"min_cost"`   // below it, by absolute value, instances are folded too
	Promote   []string          `yaml:"promote"`    // attributes that the cost families carry as labels
	Tags      []Tag             `yaml:"tags"`
}

// Tag is a tag of the API and the label that it becomes.
type Tag struct {
	Key   string `yaml:"key"`
	Label string `yaml:"label"`
}

// InstanceFacts returns the attributes of an instance that the API knows; configured tags come on top.
func InstanceFacts() []string { return slices.Clone(instanceFacts) }

var instanceFacts = []string{"instance_name", "product_subtype", "billing_mode", "region_name", "zone_name"}

// Facts returns the names of all attributes of an instance, tags included.
func (i Instances) Facts() []string {
	names := slices.Clone(instanceFacts)
	for _, tag := range i.Tags {
		names = append(names, tag.Label)
	}
	return names
}

// Promoted returns which of Facts are promoted to labels, by their index.
func (i Instances) Promoted() []int {
	names := i.Facts()
	promoted := make([]int, len(i.Promote))
	for n, name := range i.Promote {
		promoted[n] = slices.Index(names, name)
	}
	return promoted
}
