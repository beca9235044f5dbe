package backfill

import (
	"context"
	"math"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// viewsNamed returns the ways of these names to add up lines.
func viewsNamed(names ...string) []ledger.View {
	return slices.DeleteFunc(metrics.LedgerViews(), func(v ledger.View) bool { return !slices.Contains(names, v.Name) })
}

// readInstances reads what instances cost in a month in other pay modes than postpaid. Postpaid ones say which product
// a group is, as far as their product codes are known.
func readInstances(j *job, ctx context.Context, a account, m billclient.Month) (lines *ledger.ModeLines, err error) {
	var codes map[string]string
	if known := j.journal.answer(a.owner, newestBilled(j, a), productCodes); known != nil {
		codes = known.Codes
	}
	options := ledger.Options{Views: viewsNamed("product", "project_product"), ReadAt: j.journal.now}
	err = a.client.Retry(ctx, billclient.DescribeInstanceSummaryBills, func() error {
		l := ledger.NewModeLedger(options, codes, true)
		for line, err := range a.client.DescribeInstanceSummaryBills(ctx, m, billclient.UnionSets{}) {
			if err != nil {
				return err
			}
			l.Add(&line)
		}
		lines = l.CloseMonth()
		return nil
	})
	return lines, err
}

// readProductCodes reads the product code of each instance in the bill of a month. An instance of several has none.
func readProductCodes(j *job,
	ctx context.Context, a account, m billclient.Month,
) (codes map[string]string, err error) {
	options := ledger.Options{
		Views: viewsNamed("instance"), ReadAt: j.journal.now,
		Instances: ledger.Instances{Enabled: true, MaxSeries: math.MaxInt},
	}
	err = a.client.Retry(ctx, billclient.GetPostpayDetailBill, func() error {
		l := ledger.New(options)
		for line, err := range a.client.GetPostpayDetailBill(ctx, billclient.DetailQuery{From: m, To: m}) {
			if err != nil {
				return err
			}
			l.Add(&line)
		}
		bill := ledger.Book{Lines: l.Close(&ledger.Summary{Month: m, Sum: l.Cost()}, j.journal.now)}
		codes = ledger.BilledProducts(ledger.Month{Bill: bill})
		return nil
	})
	return codes, err
}

// newestBilled returns the newest month that has both a bill and other pay modes, in which instances say what product a
// group is; 0 if there is none. One month is enough: its instances are those of others as well, and a month's lines can
// be many.
func newestBilled(j *job, a account) billclient.Month {
	for m := j.to; m >= j.from; m-- {
		if hasCost(j, a, m) && j.journal.answer(a.owner, m, sums).hasOtherModes() {
			return m
		}
	}
	return 0
}
