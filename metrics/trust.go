package metrics

import (
	"maps"
	"slices"
	"strconv"

	"ksyun_bill_exporter/ledger"
)

// pastEstimate is what last month was estimated to cost, beside what it was billed.
var pastEstimate = []Family{{
	Name: "ksyun_bill_past_month_estimate_cny", Labels: []string{"months_ago"},
	Help: "Cost in CNY of last month as daily metering has it, to hold against its bill, which has what is billed by" +
		" the month too. Postpaid only; cached between refreshes.",
	samples: func(a Account, emit emit) {
		if e := lastEstimate(a); e != nil {
			emit(e.Float64(), "1")
		}
	},
}}

// trustFamilies say how far the numbers can be trusted.
var trustFamilies = []Family{
	{
		Name: "ksyun_bill_unreconciled_cost_cny", Labels: []string{"months_ago", "product_code"},
		Help: "The bill's summary minus its lines, per product, in CNY: 0 where they agree; what its sum has beyond" +
			" its products is of __none__. For the running and the last month, each with the summary that stood when" +
			" its lines were read.",
		samples: func(a Account, emit emit) {
			for n, m := range a.shownMonths(0, min(1, a.options.PastMonths)) {
				emitUnreconciled(m, strconv.Itoa(n), emit)
			}
		},
	},
	{
		Name: "ksyun_bill_past_month_restated_cny", Labels: []string{"months_ago", "product_code"},
		Help: "By how much in CNY the bill of a closed month has changed since it was first taken over, per product" +
			" that has ever changed; what no product has of it is of __none__. Postpaid only; cached between refreshes.",
		samples: func(a Account, emit emit) {
			for n, m := range a.shownMonths(1, a.options.PastMonths) {
				if m.Basis != ledger.Billed {
					continue
				}
				for _, r := range ledger.Restated(a.Snapshot.Months[m.Month]) {
					emit(r.Amount.Float64(), strconv.Itoa(n), r.Labels[0])
				}
			}
		},
	},
	{
		Name: "ksyun_bill_instances", Labels: []string{"product_code"},
		Help: "Instances per product in the newest month whose lines are shown, folded ones included.",
		samples: func(a Account, emit emit) {
			tallies := tally(a)
			for _, code := range slices.Sorted(maps.Keys(tallies)) {
				emit(float64(tallies[code].All), code)
			}
		},
	},
	{
		Name: "ksyun_bill_folded_instances", Labels: []string{"product_code"},
		Help: "How many of ksyun_bill_instances have no series of their own but are part of __other__.",
		samples: func(a Account, emit emit) {
			tallies := tally(a)
			for _, code := range slices.Sorted(maps.Keys(tallies)) {
				emit(float64(tallies[code].Folded), code)
			}
		},
	},
	{
		Name: "ksyun_bill_source_data_timestamp_seconds", Labels: []string{"source"},
		Help: "Instant up to which the last good answer of a source counts, as Unix time: the end of the newest" +
			" closed month with a bill, or of the newest line.",
		samples: func(a Account, emit emit) {
			for _, s := range a.answeredSources() {
				if !s.Data.IsZero() {
					emit(unixSeconds(s.Data), s.Name)
				}
			}
		},
	},
	{
		Name: "ksyun_bill_source_items", Labels: []string{"source"},
		Help: "Items that the shown numbers of a source are made of: bill lines, or months where the source is a" +
			" summary.",
		samples: func(a Account, emit emit) {
			for _, s := range a.answeredSources() {
				emit(float64(s.Items), s.Name)
			}
		},
	},
	{
		Name: "ksyun_bill_source_from_disk", Labels: []string{"source"},
		Help: "1 while the numbers of a source were kept from before a restart, 0 once they were asked for.",
		samples: func(a Account, emit emit) {
			for _, s := range a.answeredSources() {
				fromDisk := 0.
				if s.FromDisk {
					fromDisk = 1
				}
				emit(fromDisk, s.Name)
			}
		},
	},
}

// emitUnreconciled emits, for every product of the summary or the lines, what the summary has more than the lines; what
// the bill's sum has more than its products is of ledger.None.
func emitUnreconciled(m shownMonth, monthsAgo string, emit emit) {
	difference := ledger.Sums{}
	switch lines := m.Lines; {
	case lines != nil:
		for _, r := range lines.ReadFor.Product {
			difference.Add(ledger.Key{r.Labels[0]}, r.Amount)
		}
		for _, r := range lines.Rows[productView] {
			cost, isBeyond := r.Amount, r.Labels[0] == ledger.None && lines.Beyond.Sign() != 0
			if isBeyond {
				cost = cost.Sub(lines.Beyond)
			}
			if !isBeyond || cost.Sign() != 0 { // what is beyond the lines is none of them
				difference.Add(ledger.Key{r.Labels[0]}, cost.Neg())
			}
		}
	case m.Summary.Beyond.Sign() != 0:
		difference.Add(ledger.Key{ledger.None}, m.Summary.Beyond)
	}
	for _, r := range difference.Rows(1) {
		emit(r.Amount.Float64(), monthsAgo, r.Labels[0])
	}
}
