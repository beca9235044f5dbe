package ledger

import (
	"time"

	"ksyun_bill_exporter/billclient"
)

// Split is one of the ways in which bill-union splits a month. Its text is the name under which it is kept on disk.
type Split string

// The splits that have families.
const (
	ByPayMode Split = "PayModes"
	ByGroup   Split = "Groups" // product groups
	ByProject Split = "Projects"
)

// Union is what bill-union says of a month in all pay modes, split one way, in CNY. Immutable.
type Union struct {
	ReadAt  time.Time
	ReadFor billclient.Amount // the sum of the month's bill when it was read
	Parts   []Row             // by pay mode, product group or project; what the total has beyond them is of None
	Names   map[string]string // by label value
	Paid    []Row             // by means of payment, where the answer has them
}

// SummarizeUnion adds up an answer: that a key stands only once in it is not promised.
func SummarizeUnion(answer billclient.UnionSummary, readAt time.Time) *Union {
	u := &Union{ReadAt: readAt, Names: map[string]string{}}
	parts, beyond := addUpParts(answer)
	for _, part := range answer.Parts {
		u.Names[keepLabel(part.Key)] = keepText(part.Name)
	}
	paid := Sums{}
	for _, payment := range answer.Paid {
		paid.Add(Key{keepText(payment.Means)}, payment.Cost)
	}
	if beyond.Sign() != 0 {
		addMissing(u.Names, None)
	}
	u.Parts, u.Paid = parts.Rows(1), paid.Rows(1)
	return u
}

// addUpParts adds up the parts of an answer. What the total has more or less than they is of None, and returned.
func addUpParts(answer billclient.UnionSummary) (parts Sums, beyond billclient.Amount) {
	parts = Sums{}
	for _, part := range answer.Parts {
		parts.Add(Key{keepLabel(part.Key)}, part.Cost)
	}
	return parts, parts.balance(answer.Total, len(parts), Key{None})
}

// LostParts returns the parts of an earlier answer that u lacks while its total still has the money: an answer that is
// likely to be cut.
func (u *Union) LostParts(earlier *Union) []string {
	if earlier == nil || costOfNone(u.Parts).Cmp(costOfNone(earlier.Parts)) <= 0 {
		return nil
	}
	return lostParts(u.Parts, earlier.Parts)
}

// Part returns the cost of a part by its label; ok is false if there is none. A nil Union has none.
func (u *Union) Part(label string) (cost billclient.Amount, ok bool) {
	if u == nil {
		return billclient.Amount{}, false
	}
	for _, r := range u.Parts {
		if r.Labels[0] == label {
			return r.Amount, true
		}
	}
	return billclient.Amount{}, false
}

func (u *Union) valid() bool { return u == nil || haveLabels(u.Parts, 1) && haveLabels(u.Paid, 1) }
