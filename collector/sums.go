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
	labels []string
	amount billclient.Amount
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
		rows = append(rows, row{labels: slices.Clone(k[:n]), amount: s[k]})
	}
	return rows
}

// fold keeps the largest sums by absolute value, at most options.MaxSeries and none below options.MinCost, and adds the
// others to the key that into returns for theirs. Ties go to the smaller key, so that a series does not come and go.
func (s sums) fold(options Instances, into func(key) key) (kept sums) {
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
	key key
	abs billclient.Amount
}

func (s sums) dearestFirst() []size {
	order := make([]size, 0, len(s))
	for k, amount := range s {
		order = append(order, size{k, amount.Abs()})
	}
	slices.SortFunc(order, func(a, b size) int {
		if order := b.abs.Cmp(a.abs); order != 0 {
			return order
		}
		return compareKeys(a.key, b.key)
	})
	return order
}

// summary is a month's bill as GetMonthBill sums it up: what the account, its products and its projects cost.
// Immutable.
type summary struct {
	month      billclient.Month
	billID     string
	customerID string // as the bill's id tells it; empty if it does not
	sum        billclient.Amount
	readAt     time.Time

	account, product, project, projectProduct []row
	productNames, projectNames                map[string]string // by label value
}

// summarize adds up the bills of one month: the API lists one per month, but does not promise it.
func summarize(bills []billclient.MonthBill, readAt time.Time) *summary {
	s := &summary{readAt: readAt, productNames: map[string]string{}, projectNames: map[string]string{}}
	product, project, projectProduct := sums{}, sums{}, sums{}
	for _, bill := range bills {
		s.month = bill.Month
		s.billID = joinIDs(s.billID, bill.BillID)
		s.customerID = cmp.Or(s.customerID, customerOf(bill.BillID))
		s.sum = s.sum.Add(bill.Sum)
		for _, p := range bill.Products {
			code := keyLabel(p.Code)
			product.add(key{code}, p.Cost)
			s.productNames[code] = p.Name
		}
		for _, p := range bill.Projects {
			id := keyLabel(p.ID)
			project.add(key{id}, p.Cost)
			s.projectNames[id] = p.Name
			for _, q := range p.Products {
				projectProduct.add(key{id, keyLabel(q.Code)}, q.Cost)
			}
		}
	}
	s.account = []row{{amount: s.sum}}
	s.product, s.project, s.projectProduct = product.rows(1), project.rows(1), projectProduct.rows(2)
	return s
}

// final tells whether the bill was there after its month had ended: a bill that was seen only before may have grown
// since.
func (s *summary) final() bool { return !s.readAt.Before(s.month.End()) }

func total(rows []row) billclient.Amount {
	var sum billclient.Amount
	for _, r := range rows {
		sum = sum.Add(r.amount)
	}
	return sum
}

func joinIDs(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}

// customerOf reads the customer id out of a bill id: KSYZD, the id padded to ten digits, the month as YYYYMM. The API
// does not document the form; both of its samples have it. Other forms tell nothing.
func customerOf(billID string) string {
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
	readFor *summary  // the summary that stood when the lines were read
	readAt  time.Time // when the read began
	lines   int
	newest  time.Time // end of the newest line; zero if none tells

	customerID                 string
	rows                       map[string][]row // by name of the view
	instances                  []instance       // those of rows["instance"], in the same order
	productNames, projectNames map[string]string
	tallies                    map[string]tally // by product
}

// instance is a key of the instance family with what is known of it.
type instance struct {
	key   key
	facts []string // values of instanceFacts, then of the configured tags
}
