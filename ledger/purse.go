package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
)

// Purse is what an account has left to spend. Immutable.
type Purse struct {
	ReadAt time.Time
	Rows   []Row // by kind of balance, in CNY
}

// NewPurse returns what an answer has.
func NewPurse(answer billclient.Wallet, readAt time.Time) *Purse {
	p := &Purse{ReadAt: readAt}
	for _, b := range answer.Balances {
		p.Rows = append(p.Rows, Row{Labels: []string{b.Kind}, Amount: b.Amount})
	}
	return p
}

func (p *Purse) valid() bool { return p == nil || haveLabels(p.Rows, 1) }

// Terms are the prepaid instances that are in use, as far as their ends were asked for. Immutable.
type Terms struct {
	ReadAt time.Time
	All    []Term // the one that ends first comes first
}

// Term is a prepaid instance and its end. What the API does not say is None.
type Term struct {
	Group     string // of bill-union, as the API writes it
	ProjectID string
	Instance  string
	Renewal   string // billclient.RenewManual, billclient.RenewAuto, or what the API says
	End       time.Time
}

// NewTerms returns what an answer has of instances that are prepaid and in use. That an instance stands only once in an
// answer is not promised: its latest end counts.
func NewTerms(answer []billclient.TradeInstance, readAt time.Time) *Terms {
	latest := map[Key]Term{}
	for _, i := range answer {
		if i.PayMode != "" && i.PayMode != billclient.Prepaid || i.IsOver() {
			continue
		}
		k := Key{KeyLabel(i.ProductGroup), KeyLabel(i.InstanceID)}
		if t, ok := latest[k]; !ok || i.End.After(t.End) {
			// Texts of an answer share memory with others.
			project, renewal := strings.Clone(KeyLabel(i.ProjectID)), strings.Clone(KeyLabel(i.Renewal))
			latest[k] = Term{strings.Clone(k[0]), project, strings.Clone(k[1]), renewal, i.End}
		}
	}
	firstToEnd := func(a, b Term) int {
		return cmp.Or(a.End.Compare(b.End), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Instance, b.Instance))
	}
	return &Terms{ReadAt: readAt, All: slices.SortedFunc(maps.Values(latest), firstToEnd)}
}
