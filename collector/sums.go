package collector

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// row is one sample of a cost family: its label values after account and pay mode, and the amount.
type row struct {
	Labels []string
	Amount billclient.Amount
}

// key of a row while it is added up: as many label values as any family has of its own.
type key [3]string

func compareKeys(a, b key) int { return slices.Compare(a[:], b[:]) }

// sums adds up amounts by key.
type sums map[key]billclient.Amount

func (s sums) add(k key, amount billclient.Amount) { s[k] = s[k].Add(amount) }

// rows returns the sums sorted by key, each with its first n label values.
func (s sums) rows(n int) []row {
	rows := make([]row, 0, len(s))
	for _, k := range slices.SortedFunc(maps.Keys(s), compareKeys) {
		rows = append(rows, row{Labels: slices.Clone(k[:n]), Amount: s[k]})
	}
	return rows
}

// fold keeps the largest sums by absolute value, at most options.MaxSeries and none below options.MinCost, and adds the
// others to the key that into returns for theirs. Ties go to the smaller key, so that a series does not come and go.
func (s sums) fold(options Instances, into func(key) key) (kept sums) {
	if len(s) <= options.MaxSeries && options.MinCost.Sign() == 0 {
		return s
	}
	kept = make(sums, min(len(s), options.MaxSeries))
	for i, e := range s.dearestFirst() {
		if i < options.MaxSeries && e.abs.Cmp(options.MinCost) >= 0 {
			kept.add(e.key, s[e.key])
			continue
		}
		kept.add(into(e.key), s[e.key])
	}
	return kept
}

// size is a sum as it is ranked.
type size struct {
	key    key
	abs    billclient.Amount
	approx float64 // of abs: enough to order all but the closest
}

func (s sums) dearestFirst() []size {
	order := make([]size, 0, len(s))
	for k, amount := range s {
		abs := amount.Abs()
		order = append(order, size{k, abs, abs.Float64()})
	}
	slices.SortFunc(order, func(a, b size) int {
		if a.approx != b.approx {
			return cmp.Compare(b.approx, a.approx)
		}
		if order := b.abs.Cmp(a.abs); order != 0 {
			return order
		}
		return compareKeys(a.key, b.key)
	})
	return order
}

// summary is what the account, its products and its projects cost in a month: as GetMonthBill bills it, or as
// getMonthConsume estimates it. Immutable.
type summary struct {
	Month      billclient.Month
	BillID     string
	CustomerID string // as the bill's id tells it; empty if it does not
	Sum        billclient.Amount
	ReadAt     time.Time

	Product, Project, ProjectProduct []row
	ProductNames, ProjectNames       map[string]string // by label value

	Begin, End billclient.Day // first and last day metered, of an estimate; zero if it does not say
}

// summarize adds up the bills of one month: the API lists one per month, but does not promise it.
func summarize(bills []billclient.MonthBill, readAt time.Time) *summary {
	s := &summary{ReadAt: readAt, ProductNames: map[string]string{}, ProjectNames: map[string]string{}}
	product, project, projectProduct := sums{}, sums{}, sums{}
	for _, bill := range bills {
		s.Month = bill.Month
		s.BillID = joinIDs(s.BillID, bill.BillID)
		s.CustomerID = cmp.Or(s.CustomerID, CustomerOf(bill.BillID))
		s.Sum = s.Sum.Add(bill.Sum)
		for _, p := range bill.Products {
			code := KeyLabel(p.Code)
			product.add(key{code}, p.Cost)
			s.ProductNames[code] = p.Name
		}
		for _, p := range bill.Projects {
			id := KeyLabel(p.ID)
			project.add(key{id}, p.Cost)
			s.ProjectNames[id] = p.Name
			for _, q := range p.Products {
				projectProduct.add(key{id, KeyLabel(q.Code)}, q.Cost)
			}
		}
	}
	s.Product, s.Project, s.ProjectProduct = product.rows(1), project.rows(1), projectProduct.rows(2)
	return s
}

// estimate adds up the estimates of one month.
func estimate(estimates []billclient.MonthConsume, readAt time.Time) *summary {
	s := summarize(bills(estimates), readAt)
	s.Begin, s.End = estimates[0].Begin, estimates[0].End // of the whole answer
	return s
}

// bills returns estimates as the bills that they announce: those have projects too.
func bills(estimates []billclient.MonthConsume) []billclient.MonthBill {
	var bills []billclient.MonthBill
	for _, e := range estimates {
		bills = append(bills, billclient.MonthBill{
			Month: e.Month, BillType: e.BillType, BillID: e.BillID, Sum: e.Sum, Products: e.Products,
		})
	}
	return bills
}

// final tells whether the summary was there after its month had ended.
func (s *summary) final() bool { return !s.ReadAt.Before(s.Month.End()) }

// dataEnd returns the instant up to which an estimate counts, the zero time if it does not say. A day that is not over
// counts as far as it has come.
func (s *summary) dataEnd() time.Time {
	if s.End == 0 {
		return time.Time{}
	}
	return earlier(s.End.End(), s.ReadAt)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func total(rows []row) billclient.Amount {
	var sum billclient.Amount
	for _, r := range rows {
		sum = sum.Add(r.Amount)
	}
	return sum
}

func joinIDs(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}

// CustomerOf reads the customer id out of a bill id: KSYZD, the id padded to ten digits, the month as YYYYMM. The API
// does not document the form; both of its samples have it. Other forms tell nothing.
func CustomerOf(billID string) string {
	const prefix, width = "KSYZD", 10
	digits, ok := bytes.CutPrefix([]byte(billID), []byte(prefix))
	if !ok || len(digits) != width+len("YYYYMM") || bytes.ContainsFunc(digits, notDigit) {
		return ""
	}
	return string(bytes.TrimLeft(digits[:width], "0"))
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// lineSums is what the lines of one month add up to, folded. Immutable.
type lineSums struct {
	ReadFor *summary  // the summary that stood when the lines were read
	ReadAt  time.Time // when the read began
	Lines   int
	Newest  time.Time // end of the newest line; zero if none tells

	CustomerID                 string
	Rows                       map[string][]row // by name of the view
	Instances                  []instance       // those of Rows["instance"], in the same order
	ProductNames, ProjectNames map[string]string
	Tallies                    map[string]tally // by product
}

// instance is a key of the instance family with what is known of it.
type instance struct {
	Key   key
	Facts []string // values of instanceFacts, then of the configured tags
}
