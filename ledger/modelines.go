package ledger

import (
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// ModeLines is what the instances of a month cost in the pay modes that the service bill does not have, by the lines of
// bill-union. Products and projects are as the answer has them: ids or, where Named is set, names. Immutable.
type ModeLines struct {
	ReadAt time.Time
	Named  bool
	Count  int                  // lines, postpaid ones apart
	Sums   map[string]*LineSums // by pay mode
	Codes  map[string][]string  // by product group, the codes that its postpaid instances have in the bill
	Bought []Purchase           // prepaid

	// The rest is of lines that tell the days.
	Through   billclient.Day // the newest day that was asked for; 0: the lines are of the month as a whole
	Instances []ModeInstance
	Days      map[billclient.Day][]DayCost // the newest ones
	Settled   int                          // lines of the days before, which are in the costs of Instances
}

// ModeInstance is an instance in one pay mode, with the attributes of its newest line.
type ModeInstance struct {
	ModeKey
	GroupName, ProjectName, Name, Subtype, Zone, End string

	Tags []string          // values of the configured tags, if there are any
	Cost billclient.Amount // of the days that are not told apart any more
}

// ModeKey is what lines of all pay modes are added up by.
type ModeKey struct {
	PayMode, Group, Project, Instance, Region, BillingMode string

	tags string // values of the configured tags, joined by tagSeparator
}

// DayCost is what an instance, by its index, has cost on a day.
type DayCost struct {
	Instance int
	Cost     billclient.Amount
}

// daysApart is how many of the newest days are told apart: those that are asked for again, and those that are compared
// with the same day of the week before.
const daysApart = 3 + Week + 1

// IsEmpty reports whether there is no line.
func (m *ModeLines) IsEmpty() bool { return m == nil || m.Count == 0 }

// withoutSums returns what remains of lines that are to be read anew: what products their groups are. They are due at
// once because they have no time of reading, and are not shown.
func (m *ModeLines) withoutSums() *ModeLines {
	if m == nil {
		return nil
	}
	return &ModeLines{Named: m.Named, Codes: m.Codes}
}

// KnowsCodes reports whether the product codes of the groups that have postpaid instances could be told.
func (m *ModeLines) KnowsCodes() bool { return m.Codes != nil }

// OnDay returns what each instance has cost on a day that is told apart, by product, project and instance as the lines
// have them, and by pay mode; ok is false where that is not known.
func (m *ModeLines) OnDay(day billclient.Day) (costs map[string]Sums, ok bool) {
	if m == nil || day > m.Through || day.End().After(m.ReadAt) {
		return nil, false
	}
	of, ok := m.Days[day]
	costs = map[string]Sums{}
	for _, c := range of {
		i := m.Instances[c.Instance]
		if costs[i.PayMode] == nil {
			costs[i.PayMode] = Sums{}
		}
		costs[i.PayMode].Add(labelKey(Key{i.Group, i.Project, i.Instance}, len(Key{})), c.Cost)
	}
	return costs, ok
}

// MissesDays returns the pay modes that the days from one to another come to another cost of than those of product
// groups or projects. Days that were not over, with all costs that come late, when one of the two was read are not
// compared, and those that are not told apart any more only together.
func (m *ModeLines) MissesDays(d *ModeDays, from, to billclient.Day, settling time.Duration) []string {
	missed := map[string]bool{}
	apart := m.FirstApart()
	if d != nil && from < apart {
		m.compareSettled(d, apart, missed)
	}
	for day := max(from, apart); d != nil && day <= to; day++ {
		if settled := day.End().Add(settling); m.ReadAt.Before(settled) || d.ReadAt.Before(settled) {
			break
		}
		costs := Sums{}
		for _, c := range m.Days[day] {
			costs.Add(Key{m.Instances[c.Instance].PayMode}, c.Cost)
		}
		costs.subtract(d.Days[day])
		costs.addMissed(missed, len(m.Days[day])+len(d.Days[day]))
	}
	return slices.Sorted(maps.Keys(missed))
}

// LostLines reports whether an earlier read had more lines of one of the days from one to another, all costs of which
// had come by then.
func (m *ModeLines) LostLines(earlier *ModeLines, from, to billclient.Day, settling time.Duration) bool {
	for day := from; day <= min(to, earlier.Through); day++ {
		wasSettled := !earlier.ReadAt.Before(day.End().Add(settling))
		if wasSettled && len(m.Days[day]) < len(earlier.Days[day]) {
			return true
		}
	}
	return false
}

// FirstApart returns the first of the days that are told apart.
func (m *ModeLines) FirstApart() billclient.Day {
	first := m.Through
	for day := range m.Days {
		first = min(first, day)
	}
	return first
}

// compareSettled adds the pay modes of which the days that are not told apart any more come to another cost.
func (m *ModeLines) compareSettled(d *ModeDays, apart billclient.Day, missed map[string]bool) {
	costs, rows := Sums{}, m.Settled
	for _, i := range m.Instances {
		costs.Add(Key{i.PayMode}, i.Cost)
	}
	for day, of := range d.Days {
		if day < apart {
			costs.subtract(of)
			rows += len(of)
		}
	}
	costs.addMissed(missed, rows)
}

// subtract subtracts rows that begin with a pay mode from the costs of pay modes.
func (s Sums) subtract(rows []Row) {
	for _, r := range rows {
		s.Add(Key{r.Labels[0]}, r.Amount.Neg())
	}
}

// addMissed adds the pay modes that differences are of, of n rows. What can come from rounding is none. What is
// postpaid is compared elsewhere.
func (s Sums) addMissed(missed map[string]bool, n int) {
	for k, difference := range s {
		if k[0] != billclient.Postpaid && !IsRounding(difference, n) {
			missed[k[0]] = true
		}
	}
}

// MissesModes returns the pay modes that the lines come to another cost of than the month's summary of its pay modes.
func (m *ModeLines) MissesModes(summary *Union) []string {
	return missedModes(m.costs(), m.Count, summary)
}

// costs returns what the lines come to by pay mode.
func (m *ModeLines) costs() Sums {
	costs := Sums{}
	for mode, lines := range m.Sums {
		costs.Add(Key{mode}, lines.ReadFor.Sum)
	}
	return costs
}

// distance returns by how much the lines differ from the month's summary of its pay modes, all of them together.
func (m *ModeLines) distance(summary *Union) (sum billclient.Amount) {
	costs := m.costs()
	costs.subtract(summary.Parts)
	for k, difference := range costs {
		if k[0] != billclient.Postpaid {
			sum = sum.Add(difference.Abs())
		}
	}
	return sum
}

// SameCosts reports whether two reads have the same cost of each pay mode.
func (m *ModeLines) SameCosts(other *ModeLines) bool {
	return m != nil && other != nil && sameCosts(m.costs(), other.costs())
}

// SameCostsUntil reports whether two reads of days have the same cost of each pay mode, up to and including a day.
func (m *ModeLines) SameCostsUntil(other *ModeLines, day billclient.Day) bool {
	return m != nil && other != nil && sameCosts(m.costsUntil(day), other.costsUntil(day))
}

// costsUntil returns what the lines come to by pay mode, without days after one.
func (m *ModeLines) costsUntil(day billclient.Day) Sums {
	costs := m.costs()
	for at, of := range m.Days {
		for _, c := range of {
			if at > day {
				costs.Add(Key{m.Instances[c.Instance].PayMode}, c.Cost.Neg())
			}
		}
	}
	maps.DeleteFunc(costs, func(_ Key, cost billclient.Amount) bool { return cost.Sign() == 0 })
	return costs
}

func sameCosts(a, b Sums) bool {
	return maps.EqualFunc(a, b, func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })
}

// missedModes returns the pay modes that a month comes to another cost of, in n rows, than the summary of its pay
// modes.
func missedModes(costs Sums, n int, summary *Union) (modes []string) {
	missed := map[string]bool{}
	costs.subtract(summary.Parts)
	costs.addMissed(missed, n+1)
	return slices.Sorted(maps.Keys(missed))
}

func (m *ModeLines) valid(views []View) bool {
	if m == nil {
		return true
	}
	for _, s := range m.Sums {
		if s == nil || s.ReadFor == nil || !s.valid(views) {
			return false
		}
	}
	for _, day := range m.Days {
		if slices.ContainsFunc(day, func(c DayCost) bool { return c.Instance < 0 || c.Instance >= len(m.Instances) }) {
			return false
		}
	}
	return true
}

func (m *ModeLines) matches(o Instances, views []View) bool {
	if m == nil {
		return true
	}
	for _, s := range m.Sums {
		if !s.matches(o, views) {
			return false
		}
	}
	return true
}
