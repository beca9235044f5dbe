package ledger

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

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
func CompareKeys(a, b Key) int {
	for i := range a {
		if order := strings.Compare(a[i], b[i]); order != 0 {
			return order
		}
	}
	return 0
}

// Sums adds up amounts by key. It is not safe for concurrent use.
type Sums map[Key]billclient.Amount

// Add adds an amount to the sum of a key.
func (s Sums) Add(k Key, amount billclient.Amount) { s[k] = s[k].Add(amount) }

// Rows returns the sums sorted by key, each with its first n label values.
func (s Sums) Rows(n int) []Row { return s.rows(n, nil) }

// rows is Rows with label values that are in pool, or go into it.
func (s Sums) rows(n int, pool labelPool) []Row {
	rows := make([]Row, 0, len(s))
	for _, k := range s.keys() {
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
	keys := s.keys()
	var rows []Row
	for _, i := range rank(len(keys), func(i int) billclient.Amount { return s[keys[i]] }) {
		if len(rows) == n {
			break
		}
		rows = append(rows, Row{Labels: keys[i][:], Amount: s[keys[i]]})
	}
	return rows
}

// keys returns all keys in order.
func (s Sums) keys() []Key { return slices.SortedFunc(maps.Keys(s), CompareKeys) }

// fold keeps the sums that the options keep, and adds the others to the key that target returns for theirs.
func (s Sums) fold(options Instances, target func(Key) Key) Sums {
	keys := s.keys()
	isKept := options.largest(len(keys), func(i int) billclient.Amount { return s[keys[i]] })
	kept := make(Sums, min(len(s), options.MaxSeries))
	for i, k := range keys {
		if !isKept[i] {
			k = target(k)
		}
		kept.Add(k, s[keys[i]])
	}
	return kept
}

// largest reports of each of n amounts, which are in the order of their keys, whether it is kept: the largest by
// absolute value are, at most MaxSeries and none below MinCost. The smaller key wins among equals, so that a series
// does not come and go.
func (o Instances) largest(n int, amount func(int) billclient.Amount) []bool {
	var large []uint32 // few of many, if MinCost is that of the dearest ones
	for i := range n {
		if o.MinCost.Sign() == 0 || amount(i).Abs().Cmp(o.MinCost) >= 0 {
			large = append(large, uint32(i))
		}
	}
	kept := make([]bool, n)
	if len(large) <= o.MaxSeries {
		for _, i := range large {
			kept[i] = true
		}
		return kept
	}
	ranked := rank(len(large), func(i int) billclient.Amount { return amount(int(large[i])) })
	for _, i := range ranked[:o.MaxSeries] {
		kept[large[i]] = true
	}
	return kept
}

// rank returns the places of n amounts, the largest absolute value first, and the smaller place first among equals.
func rank(n int, amount func(int) billclient.Amount) []uint32 {
	places, sizes := make([]uint32, n), make([]float64, n) // a float is enough to order all but the closest
	for i := range places {
		places[i], sizes[i] = uint32(i), amount(i).Abs().Float64()
	}
	slices.SortFunc(places, func(a, b uint32) int {
		if sizes[a] != sizes[b] {
			return cmp.Compare(sizes[b], sizes[a])
		}
		return cmp.Or(amount(int(b)).Abs().Cmp(amount(int(a)).Abs()), cmp.Compare(a, b))
	})
	return places
}
