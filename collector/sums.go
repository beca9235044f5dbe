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
func (s sums) fold(options Instances, into func(key) key) (kept sums, folded []key) {
	order := slices.SortedFunc(maps.Keys(s), func(a, b key) int {
		return cmp.Or(s[b].Abs().Cmp(s[a].Abs()), compareKeys(a, b))
	})
	kept = make(sums, min(len(s), options.MaxSeries))
	for i, k := range order {
		if i < options.MaxSeries && s[k].Abs().Cmp(options.MinCost) >= 0 {
			kept.add(k, s[k])
			continue
		}
		kept.add(into(k), s[k])
		folded = append(folded, k)
	}
	return kept, folded
}

// summary is a month's bill as GetMonthBill sums it up: what the account, its products and its projects cost.
// Immutable.
type summary struct {
	month      billclient.Month
	billID     string
	customerID string // as the bill's id tells it; empty if it does not
	sum        billclient.Amount

	account, product, project, projectProduct []row
	productNames, projectNames                map[string]string // by label value
}

// summarize adds up the bills of one month: the API lists one per month, but does not promise it.
func summarize(bills []billclient.MonthBill) *summary {
	s := &summary{productNames: map[string]string{}, projectNames: map[string]string{}}
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

// close derives every family from the cells. The ledger must not be used any more.
func (l *ledger) close() *lineSums {
	s := &lineSums{
		lines: l.lines, customerID: l.customerID, rows: map[string][]row{},
		productNames: l.names(
			func(c *cell) key { return labelled(key{c.product}, 1) }, func(c *cell) string { return c.productName }),
		projectNames: l.names(
			func(c *cell) key { return labelled(key{c.project}, 1) }, func(c *cell) string { return c.projectName }),
	}
	s.newest, _ = time.ParseInLocation(time.DateTime, l.newest, billclient.Beijing)
	for _, v := range views {
		switch {
		case v.keys == nil:
		case v.name == instanceView:
			l.closeInstances(s, v)
		case v.fold != nil:
			kept, _ := l.total(v).fold(l.options, v.fold)
			s.rows[v.name] = kept.rows(len(v.labels))
		default:
			s.rows[v.name] = l.total(v).rows(len(v.labels))
		}
	}
	return s
}

// total adds up the cells by the keys of a view, as labels have them.
func (l *ledger) total(v view) sums {
	total := sums{}
	for _, c := range l.cells {
		v.keys(c, l.options.Tags, func(k key) { total.add(labelled(k, len(v.labels)), v.amount(c)) })
	}
	return total
}

func labelled(k key, n int) key {
	for i := range n {
		k[i] = keyLabel(k[i])
	}
	return k
}

// closeInstances folds the instances, describes those that are kept, and counts both.
func (l *ledger) closeInstances(s *lineSums, v view) {
	if !l.options.Enabled {
		return
	}
	total := l.total(v)
	kept, folded := total.fold(l.options, v.fold)
	s.tallies = count(total, folded)
	latest := l.latest(func(c *cell) key { return labelled(key{c.product, c.project, c.instance}, len(v.labels)) })
	for _, r := range kept.rows(len(v.labels)) {
		i := instance{key: key(r.labels), facts: l.facts(latest[key(r.labels)])}
		r.labels = append(r.labels, l.options.promoted(i.facts)...)
		s.rows[v.name] = append(s.rows[v.name], r)
		s.instances = append(s.instances, i)
	}
}

// tally counts the instances of a product.
type tally struct{ all, folded int }

// count counts the instances per product. What no line names is no instance.
func count(total sums, folded []key) map[string]tally {
	tallies := map[string]tally{}
	for k := range total {
		t := tallies[k[0]]
		t.all += isInstance(k)
		tallies[k[0]] = t
	}
	for _, k := range folded {
		t := tallies[k[0]]
		t.folded += isInstance(k)
		tallies[k[0]] = t
	}
	return tallies
}

func isInstance(k key) int {
	if k[2] == none {
		return 0
	}
	return 1
}

// names returns the newest name of each key.
func (l *ledger) names(of func(*cell) key, name func(*cell) string) map[string]string {
	names := map[string]string{}
	for k, c := range l.latest(of) {
		names[k[0]] = name(c)
	}
	return names
}

// latest returns the cell with the newest line of each key.
func (l *ledger) latest(of func(*cell) key) map[key]*cell {
	latest := map[key]*cell{}
	for _, c := range l.cells {
		k := of(c)
		if known, ok := latest[k]; !ok || c.newerThan(known) {
			latest[k] = c
		}
	}
	return latest
}

// newerThan orders cells by their newest lines; lines of the same time and number are told apart by what they say, so
// that an attribute does not depend on the order of the lines.
func (c *cell) newerThan(d *cell) bool {
	return cmp.Or(
		bytes.Compare(c.latest, d.latest),
		cmp.Compare(c.name, d.name), cmp.Compare(c.subtype, d.subtype), cmp.Compare(c.zone, d.zone),
		cmp.Compare(c.mode, d.mode), cmp.Compare(c.region, d.region), cmp.Compare(c.tags, d.tags),
	) > 0
}

// facts returns the values of instanceFacts and of the configured tags; empty ones for what was folded.
func (l *ledger) facts(c *cell) []string {
	facts := make([]string, len(instanceFacts)+len(l.options.Tags))
	if c == nil {
		return facts
	}
	copy(facts, []string{c.name, c.subtype, c.mode, c.region, c.zone})
	for i := range l.options.Tags {
		facts[len(instanceFacts)+i] = c.tagValue(i)
	}
	return facts
}
