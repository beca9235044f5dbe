package billsim

// ProjectProduct is the key of a product's cost within a project.
type ProjectProduct struct{ ProjectID, ProductCode string }

// InstanceKey is the key of an instance's cost; InstanceID is empty for lines that name no instance.
type InstanceKey struct{ ProductCode, ProjectID, InstanceID string }

// Sums are the exact totals of a bill's lines: what an exporter has to show. The list amounts are before discount.
type Sums struct {
	Lines            int
	Total            Amount
	ByProduct        map[string]Amount
	ByProject        map[string]Amount
	ByProjectProduct map[ProjectProduct]Amount
	ByRegion         map[string]Amount
	ByBillingMode    map[string]Amount
	ByInstance       map[InstanceKey]Amount
	ListTotal        Amount
	ListByProduct    map[string]Amount
	ListByProject    map[string]Amount
}

func newSums() Sums {
	return Sums{
		ByProduct:        map[string]Amount{},
		ByProject:        map[string]Amount{},
		ByProjectProduct: map[ProjectProduct]Amount{},
		ByRegion:         map[string]Amount{},
		ByBillingMode:    map[string]Amount{},
		ByInstance:       map[InstanceKey]Amount{},
		ListByProduct:    map[string]Amount{},
		ListByProject:    map[string]Amount{},
	}
}

func (s *Sums) add(l *Line) {
	s.Lines++
	s.Total += l.Cost
	s.ByProduct[l.ProductCode] += l.Cost
	s.ByProject[l.ProjectID] += l.Cost
	s.ByProjectProduct[ProjectProduct{l.ProjectID, l.ProductCode}] += l.Cost
	s.ByRegion[l.RegionName] += l.Cost
	s.ByBillingMode[l.BillType] += l.Cost
	s.ByInstance[InstanceKey{l.ProductCode, l.ProjectID, l.InstanceID}] += l.Cost
	s.ListTotal += l.MeasureAmount
	s.ListByProduct[l.ProductCode] += l.MeasureAmount
	s.ListByProject[l.ProjectID] += l.MeasureAmount
}
