package ledger

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"ksyun_bill_exporter/billclient"
)

// Row is one sample of a cost family: its label values after account and pay mode, and the amount in CNY.
type Row struct {
	Labels []string
	Amount billclient.Amount
}

// Total returns the sum of the rows.
func Total(rows []Row) billclient.Amount {
	var sum billclient.Amount
	for _, r := range rows {
		sum = sum.Add(r.Amount)
	}
	return sum
}

// haveLabels reports whether every row has n labels.
func haveLabels(rows []Row, n int) bool {
	return !slices.ContainsFunc(rows, func(r Row) bool { return len(r.Labels) != n })
}

func equalRows(a, b Row) bool { return slices.Equal(a.Labels, b.Labels) && a.Amount.Cmp(b.Amount) == 0 }

// Key identifies a row while amounts are added up. It has as many label values as any family has of its own.
type Key [3]string

// CompareKeys orders keys by their parts.
func CompareKeys(a, b Key) int { return slices.Compare(a[:], b[:]) }

// Sums adds up amounts by key. It is not safe for concurrent use.
type Sums map[Key]billclient.Amount

// Add adds an amount to the sum of a key.
func (s Sums) Add(k Key, amount billclient.Amount) { s[k] = s[k].Add(amount) }

// Rows returns the sums sorted by key, each with its first n label values.
func (s Sums) Rows(n int) []Row { return s.rows(n, nil) }

// rows is Rows with label values that are in pool, or go into it.
func (s Sums) rows(n int, pool labelPool) []Row {
	rows := make([]Row, 0, len(s))
	for _, k := range slices.SortedFunc(maps.Keys(s), CompareKeys) {
		rows = append(rows, Row{Labels: pool.values(k, n), Amount: s[k]})
	}
	return rows
}

// labelPool has the label values of rows by their keys, so that the rows of many days can share them. A nil labelPool
// keeps none.
type labelPool map[Key][]string

// values returns the first n label values of a key. They must not be changed.
func (p labelPool) values(k Key, n int) []string {
	if values, ok := p[k]; ok {
		return values
	}
	values := slices.Clip(slices.Clone(k[:n]))
	if p != nil {
		p[k] = values
	}
	return values
}

// balance adds to a key what total has more or less than the sums of n parts, so that no part can vanish from a total,
// and returns it. Parts that are rounded to the fen may differ by half a fen each: such a difference is none.
func (s Sums) balance(total billclient.Amount, n int, k Key) (beyond billclient.Amount) {
	beyond = total
	for _, amount := range s {
		beyond = beyond.Sub(amount)
	}
	if IsRounding(beyond, n) {
		return billclient.Amount{}
	}
	s.Add(k, beyond)
	return beyond
}

// Balance adds to a key what total has more or less than the sums, unless that can come from rounding them to the fen.
func (s Sums) Balance(total billclient.Amount, k Key) { s.balance(total, len(s), k) }

// IsRounding reports whether a difference can come from the rounding of n amounts to the fen, which is half a fen each.
func IsRounding(difference billclient.Amount, n int) bool {
	return math.Abs(difference.Float64()) <= 0.005*float64(n)
}

// Largest returns the n largest sums by absolute value, the largest first, and the smaller key first among equals.
func (s Sums) Largest(n int) []Row {
	var rows []Row
	for _, size := range s.rank() {
		if len(rows) == n {
			break
		}
		rows = append(rows, Row{Labels: size.key[:], Amount: s[size.key]})
	}
	return rows
}

// fold keeps the largest sums by absolute value, at most options.MaxSeries and none below options.MinCost, and adds the
// others to the key that target returns for theirs. The smaller key wins among equals, so that a series does not come
// and go.
func (s Sums) fold(options Instances, target func(Key) Key) Sums {
	if len(s) <= options.MaxSeries && options.MinCost.Sign() == 0 {
		return s
	}
	kept := make(Sums, min(len(s), options.MaxSeries))
	for i, size := range s.rank() {
		k := size.key
		if i >= options.MaxSeries || size.abs.Cmp(options.MinCost) < 0 {
			k = target(k)
		}
		kept.Add(k, s[size.key])
	}
	return kept
}

// size is a sum as it is ranked.
type size struct {
	key    Key
	abs    billclient.Amount
	approx float64 // of abs: enough to order all but the closest
}

// rank returns all sums, the largest absolute value first.
func (s Sums) rank() []size {
	order := make([]size, 0, len(s))
	for k, amount := range s {
		abs := amount.Abs()
		order = append(order, size{k, abs, abs.Float64()})
	}
	slices.SortFunc(order, func(a, b size) int {
		if a.approx != b.approx {
			return cmp.Compare(b.approx, a.approx)
		}
		return cmp.Or(b.abs.Cmp(a.abs), CompareKeys(a.key, b.key))
	})
	return order
}
