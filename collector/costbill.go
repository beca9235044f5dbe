package collector

import (
	"context"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// costBillSource is the source of what the vendor counts as last month's part of all that is prepaid: it is compared
// with what is spread here. The newest SDKs lack the action, so an API that does not know it is no failure.
var costBillSource = source{
	name: "cost_bill", title: "The vendor's own spreading of prepaid cost", unit: "products", loop: unionLoop,
	service: unionService,
	isDue: func(f *fetch, now time.Time) bool {
		known := f.snapshot.Months[billclient.MonthOf(now)-1].CostBill
		return f.options.Prepaid.Months > 0 && (known == nil || f.isOld(known.ReadAt, now))
	},
	read: func(ctx context.Context, f *fetch) error {
		now := now()
		last := billclient.MonthOf(now) - 1
		answer, err := f.client.DescribeCostBill(ctx, last)
		next := ledger.SummarizeCostBill(answer, now)
		if next.Absent = billclient.IsUnknownAction(err); err != nil && !next.Absent {
			return err
		}
		f.learnMonth(last, func(known ledger.Month) ledger.Month {
			known.CostBill = next
			return known
		})
		return nil
	},
	measure: func(s *ledger.Snapshot, _ time.Time) (items int, data time.Time) {
		for at, m := range s.Months {
			if m.CostBill != nil && !m.CostBill.Absent {
				items, data = m.CostBill.Rows, laterOf(data, at.End())
			}
		}
		return items, data
	},
}
