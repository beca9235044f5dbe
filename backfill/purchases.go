package backfill

import (
	"context"

	"ksyun_bill_exporter/billclient"
)

// spreads reports whether prepaid cost is to be spread over its terms.
func spreads(j *job) bool { return j.prepaidMonths > 0 && j.modes.has(billclient.Prepaid) }

// firstBought returns the first month whose purchases can count in a month.
func firstBought(j *job, m billclient.Month) billclient.Month {
	return max(m.Add(-j.prepaidMonths), billclient.FirstMonth)
}

// askPurchases asks for what was bought in the months before the first one, as far back as terms may begin.
func askPurchases(j *job, ctx context.Context, a account) error {
	if !spreads(j) {
		return nil
	}
	for m := j.from.Add(-1); m >= firstBought(j, j.from); m-- {
		if err := j.ask(ctx, a, m, instances); err != nil {
			return err
		}
	}
	return nil
}

// knowsPurchases reports whether it is known what was bought in a month. Where bill-union has nothing of a month that
// has a bill, it is not.
func knowsPurchases(j *job, a account, m billclient.Month) bool {
	if known := j.journal.answer(a.owner, m, instances); known != nil {
		return known.Lines != nil
	}
	known := j.journal.answer(a.owner, m, sums)
	hasNothing := known != nil && known.Sums != nil && len(known.Sums.Parts) == 0 && hasCost(j, a, m)
	return known != nil && known.Sums != nil && !known.hasOtherModes() && !hasNothing
}

// isAmortized reports whether all purchases are known that can count in a month.
func isAmortized(j *job, a account, m billclient.Month) bool {
	for of := firstBought(j, m); of <= m; of++ {
		if !knowsPurchases(j, a, of) {
			return false
		}
	}
	return true
}
