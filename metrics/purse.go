package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/ledger"
)

// purseFamilies say what is left to spend, and which prepaid instances end.
var purseFamilies = []Family{
	{
		Name: "ksyun_bill_account_balance_cny", Labels: []string{"kind"},
		Help: "What the account has left to spend in CNY: available (cash), reward (a gift of the vendor), frozen; cached" +
			" between refreshes.",
		samples: func(a Account, emit emit) {
			for _, r := range balances(a) {
				emit(r.Amount.Float64(), r.Labels[0])
			}
		},
	},
	{
		Name:   "ksyun_bill_prepaid_expiry_timestamp_seconds",
		Labels: []string{"product_code", "project_id", "instance_id", "instance_name", "renewal"},
		Help: "End of a prepaid instance that ends within prepaid.expiry_within, as Unix time, for the 200 that end first." +
			" renewal is auto, or manual: it ends unless somebody renews it.",
		samples: emitExpiries,
	},
	{
		Name: "ksyun_bill_prepaid_expiring_instances", Labels: []string{"product_code", "renewal", "within"},
		Help: "Prepaid instances that end within 7 or 30 days, all of them. Absent for a product that has none within" +
			" prepaid.expiry_within.",
		samples: emitExpiring,
	},
}

// mostExpiries is how many ends of instances are shown, of those that come first.
const mostExpiries = 200

func emitExpiries(a Account, emit emit) {
	ends, _ := soonestEnds(a, mostExpiries)
	for _, e := range ends {
		emit(unixSeconds(e.At), e.Product, e.ProjectID, e.Instance, ledger.KeyLabel(e.Name), e.Renewal)
	}
}

// balances returns what is left to spend by kind, nothing if it is not known, or what is known is too old.
func balances(a Account) []ledger.Row {
	if p := a.Snapshot.Purse; p != nil && !p.ReadAt.Before(a.staleBefore) {
		return p.Rows
	}
	return nil
}

// End is a prepaid instance, and when it ends.
type End struct {
	Product     string // product code, or the code of a group that has none
	ProductName string // volatile; empty if there is none
	ProjectID   string
	Instance    string
	Name        string // volatile; empty if there is none
	Renewal     string // billclient.RenewManual, billclient.RenewAuto, or what the API says
	At          time.Time
}

// soonestEnds returns the instances that end first of those that end within Options.ExpiryWithin, and how many more of
// those there are.
func soonestEnds(a Account, most int) (ends []End, more int) {
	isKnown := map[ledger.Key]bool{}
	for _, t := range endingTerms(a, a.options.ExpiryWithin) {
		k := ledger.Key{groupCode(a, t.Group), t.Instance}
		if isKnown[k] { // a group can stand by its id and by its code
			continue
		}
		isKnown[k] = true
		if len(ends) == most {
			more++
			continue
		}
		ends = append(ends, End{
			Product: k[0], ProjectID: t.ProjectID, Instance: t.Instance, Renewal: t.Renewal, At: t.End,
		})
	}
	nameEnds(a, ends)
	return ends, more
}

// nameEnds sets the names of instances and of their products, as far as they are known.
func nameEnds(a Account, ends []End) {
	if len(ends) == 0 {
		return
	}
	names, products := instanceNames(a, ends), a.allProductNames()
	for i, e := range ends {
		ends[i].Name = names[e.Instance]
		ends[i].ProductName = products[e.Product]
	}
}

// withins are the spans of time for which instances are counted.
var withins = []struct {
	label string
	span  time.Duration
}{{"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}}

// emitExpiring counts nothing for a span of which not all ends are known.
func emitExpiring(a Account, emit emit) {
	type key struct{ product, renewal string }
	counts := map[key][]int{}
	for _, t := range endingTerms(a, a.options.ExpiryWithin) {
		k := key{groupCode(a, t.Group), t.Renewal}
		if counts[k] == nil {
			counts[k] = make([]int, len(withins))
		}
		for i, w := range withins {
			if t.End.Sub(a.now) < w.span {
				counts[k][i]++
			}
		}
	}
	compareKeys := func(a, b key) int {
		return cmp.Or(strings.Compare(a.product, b.product), strings.Compare(a.renewal, b.renewal))
	}
	for _, k := range slices.SortedFunc(maps.Keys(counts), compareKeys) {
		for i, w := range withins {
			if w.span <= a.options.ExpiryWithin {
				emit(float64(counts[k][i]), k.product, k.renewal, w.label)
			}
		}
	}
}

// endingTerms returns the prepaid instances that have not ended and end within a span, the first one first. There are
// none if what is known of them is too old.
func endingTerms(a Account, within time.Duration) []ledger.Term {
	known := a.Snapshot.Terms
	if known == nil || known.ReadAt.Before(a.staleBefore) {
		return nil
	}
	from, _ := slices.BinarySearchFunc(known.All, a.now, compareEnd)
	to, _ := slices.BinarySearchFunc(known.All, a.now.Add(within), compareEnd)
	return known.All[from:to]
}

func compareEnd(t ledger.Term, at time.Time) int { return t.End.Compare(at) }

// nextTermChange returns the last instant before the next instance ends or comes into a span, or until if that is
// earlier.
func nextTermChange(a Account, until time.Time) time.Time {
	if a.Snapshot.Terms == nil {
		return until
	}
	spans := []time.Duration{0, a.options.ExpiryWithin}
	for _, w := range withins {
		spans = append(spans, w.span)
	}
	all := a.Snapshot.Terms.All
	for _, span := range spans {
		i, _ := slices.BinarySearchFunc(all, a.now.Add(span), compareEnd)
		if i < len(all) && all[i].End.Add(-span).Before(until) {
			until = all[i].End.Add(-span)
		}
	}
	return until
}

// groupCode returns the product code of a product group, which trade may have by its id or by its code.
func groupCode(a Account, group string) string {
	if group == ledger.None {
		return group
	}
	return ledger.KeyLabel(a.productCode(cmp.Or(a.groups.CodeOf(group, ""), group)))
}

// instanceNames returns the names of instances, as far as shown lines have them.
func instanceNames(a Account, ends []End) map[string]string {
	names := map[string]string{}
	for _, e := range ends {
		names[e.Instance] = ""
	}
	if len(ends) == 0 {
		return names
	}
	position := slices.Index(ledger.InstanceFacts(), "instance_name")
	for n := range min(1, a.options.PastMonths) + 1 {
		rows, _ := instanceRows(a, n)
		for _, r := range rows {
			if name, ok := names[r.key[2]]; ok && name == "" {
				names[r.key[2]] = r.facts[position]
			}
		}
	}
	return names
}
