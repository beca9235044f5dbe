// Package metrics turns what is known of accounts into metric families, and into the status that people read. It makes
// no call and keeps nothing.
package metrics

import (
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/exposition"
	"ksyun_bill_exporter/ledger"
)

// emit hands one sample of a family to a page.
type emit func(value float64, labels ...string)

// Family is a family of a page: every account is asked for its samples in turn.
type Family struct {
	Name, Help string
	Labels     []string // after account
	samples    func(a Account, emit emit)
}

// Families returns all families of a page in their order.
func Families(o Options) []Family {
	var families []Family
	for _, v := range views {
		families = append(families, runningFamily(o, v))
	}
	for _, v := range views {
		if v.past != runningOnly {
			families = append(families, pastFamily(o, v))
		}
	}
	return slices.Concat(families, pastEstimate, dayFamilies(o), amortizedFamilies(o), unionFamilies(),
		purseFamilies, infoFamilies(o), periodFamilies,
		budgetFamilies(o), configFamilies, trustFamilies)
}

// Render returns a page of what is shown of all accounts.
func Render(o Options, all []Account) (*exposition.Page, error) {
	return exposition.Render(func(yield func(exposition.Family) bool) {
		for _, f := range Families(o) {
			if !yield(f.expose(all)) {
				return
			}
		}
	})
}

func (f Family) expose(all []Account) exposition.Family {
	return exposition.Family{
		Name: f.Name, Help: f.Help, Labels: append([]string{"account"}, f.Labels...),
		Samples: func(yield func([]string, float64) bool) {
			name, values, more := "", []string{}, true
			emit := func(value float64, labels ...string) { // one for all: a family is asked for by each account
				values = append(append(values[:0], name), labels...)
				more = more && yield(values, value)
			}
			for i := range all {
				name = all[i].Name
				f.samples(all[i], emit)
			}
		},
	}
}

// emitRows emits postpaid rows; after are the label values behind those of a row.
func emitRows(rows []ledger.Row, emit emit, after ...string) {
	labels := []string{}
	for _, r := range rows {
		labels = append(append(append(labels[:0], billclient.Postpaid), r.Labels...), after...)
		emit(r.Amount.Float64(), labels...)
	}
}
