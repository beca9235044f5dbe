package ledger

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Summary is what the account, its products and its projects cost in a month, in CNY: as GetMonthBill bills it, or as
// getMonthConsume estimates it. Immutable.
type Summary struct {
	Month      billclient.Month
	BillID     string
	CustomerID billclient.CustomerID // as the bill's id names it
	Sum        billclient.Amount
	ReadAt     time.Time

	// The parts come to Sum: what it has more or less than an answer's parts is of None.
	Product, Project, ProjectProduct []Row
	Beyond                           billclient.Amount // what Sum has more than the products; 0 if that is rounding
	ProductNames, ProjectNames       map[string]string // by label value

	Begin, End billclient.Day // first and last day metered, of an estimate; zero if it does not say
}

// SummarizeBills adds up the bills of one month: the API lists one per month, but does not promise it.
func SummarizeBills(bills []billclient.MonthBill, readAt time.Time) *Summary {
	s, _ := addUp(bills, readAt)
	return s
}

// addUp adds up the bills of one month, and compares their parts with their totals.
func addUp(bills []billclient.MonthBill, readAt time.Time) (*Summary, Comparison) {
	c, hasDetails := Comparison{}, false
	s := &Summary{ReadAt: readAt, ProductNames: map[string]string{}, ProjectNames: map[string]string{}}
	product, project, projectProduct := Sums{}, Sums{}, Sums{}
	for _, bill := range bills {
		s.Month = bill.Month
		id := strings.Clone(bill.BillID)
		s.BillID, s.CustomerID = joinIDs(s.BillID, id), cmp.Or(s.CustomerID, billclient.CustomerOfBill(id))
		s.Sum = s.Sum.Add(bill.Sum)
		for _, p := range bill.Products {
			code := keepLabel(p.Code)
			product.Add(Key{code}, p.Cost)
			s.ProductNames[code] = keepText(p.Name)
		}
		for _, p := range bill.Projects {
			id := keepLabel(p.ID)
			project.Add(Key{id}, p.Cost)
			s.ProjectNames[id] = keepText(p.Name)
			c.note(Details, addDetails(projectProduct, id, p))
			hasDetails = hasDetails || len(p.Products) > 0
		}
	}
	s.Beyond = product.balance(s.Sum, len(product), Key{None})
	c.note(Products, s.Beyond)
	if len(project) > 0 { // an estimate has none
		projectProduct.balance(s.Sum, len(projectProduct), Key{None, None})
		c.note(Projects, project.balance(s.Sum, len(project), Key{None}))
	}
	if !hasDetails {
		delete(c, Details)
	}
	s.nameNone(product, project)
	s.Product, s.Project, s.ProjectProduct = product.Rows(1), project.Rows(1), projectProduct.Rows(2)
	return s, c
}

// nameNone gives a row of None a name, which is empty: every key has one.
func (s *Summary) nameNone(product, project Sums) {
	if _, ok := product[Key{None}]; ok {
		addMissing(s.ProductNames, None)
	}
	if _, ok := project[Key{None}]; ok {
		addMissing(s.ProjectNames, None)
	}
}

// addDetails adds what the products of a project cost; what the project has more than they is of None, and returned.
func addDetails(sums Sums, id string, p billclient.ProjectCost) (beyond billclient.Amount) {
	details := Sums{}
	for _, q := range p.Products {
		details.Add(Key{id, keepLabel(q.Code)}, q.Cost)
	}
	beyond = details.balance(p.Cost, len(p.Products), Key{id, None})
	for k, cost := range details {
		sums.Add(k, cost)
	}
	return beyond
}

// LostParts returns the products and projects of an earlier summary that s lacks while its sum still has the money: an
// answer that is likely to be cut.
func (s *Summary) LostParts(earlier *Summary) (lost []string) {
	if earlier == nil {
		return nil
	}
	if s.Beyond.Sign() != 0 {
		lost = lostParts(s.Product, earlier.Product)
	}
	if len(s.Project) == 0 && s.Sum.Sign() != 0 || costOfNone(s.Project).Cmp(costOfNone(earlier.Project)) > 0 {
		lost = append(lost, lostParts(s.Project, earlier.Project)...)
	}
	return lost
}

// lostParts returns the labels of earlier rows that rows lack.
func lostParts(rows, earlier []Row) (lost []string) {
	for _, r := range earlier {
		hasPart := func(q Row) bool { return q.Labels[0] == r.Labels[0] }
		if r.Labels[0] != None && !slices.ContainsFunc(rows, hasPart) {
			lost = append(lost, r.Labels[0])
		}
	}
	return lost
}

// SummarizeEstimates adds up the estimates of one month, of which there is at least one.
func SummarizeEstimates(estimates []billclient.MonthConsume, readAt time.Time) *Summary {
	s := SummarizeBills(billsOf(estimates), readAt)
	s.Begin, s.End = estimates[0].Begin, estimates[0].End // of the whole answer
	return s
}

// billsOf returns estimates in the form of bills.
func billsOf(estimates []billclient.MonthConsume) (bills []billclient.MonthBill) {
	for _, e := range estimates {
		bills = append(bills, billclient.MonthBill{
			Month: e.Month, BillType: e.BillType, BillID: e.BillID, Sum: e.Sum, Products: e.Products,
		})
	}
	return bills
}

func joinIDs(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}

// clockSlack is how far a clock may be set back without a read from before being one of the future.
const clockSlack = time.Minute

// IsFinal reports whether the summary was there after its month had ended. What a clock that was ahead has read in the
// future does not count.
func (s *Summary) IsFinal(now time.Time) bool {
	return !s.ReadAt.Before(s.Month.End()) && !s.ReadAt.After(now.Add(clockSlack))
}

// IsWhole reports whether all days of the month are metered.
func (s *Summary) IsWhole() bool { return s.End != 0 && !s.End.End().Before(s.Month.End()) }

// DataEnd returns the instant up to which an estimate counts, the zero time if it does not say. A day that is not over
// counts as far as it has come.
func (s *Summary) DataEnd() time.Time {
	if s.End == 0 {
		return time.Time{}
	}
	return earlier(s.End.End(), s.ReadAt)
}

// agrees reports whether lines of this cost are all that the summary is of. A summary may be rounded to a fen per
// product.
func (s *Summary) agrees(cost billclient.Amount) bool {
	return math.Abs(s.Sum.Sub(cost).Float64()) <= 0.01*float64(len(s.Product))
}

// equalSums reports whether two summaries say the same of what lines are behind them.
func (s *Summary) equalSums(t *Summary) bool {
	return s.Sum.Cmp(t.Sum) == 0 && s.End == t.End && slices.EqualFunc(s.Product, t.Product, equalRows)
}

func (s *Summary) valid() bool {
	return haveLabels(s.Product, 1) && haveLabels(s.Project, 1) && haveLabels(s.ProjectProduct, 2)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
