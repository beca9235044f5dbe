package collector

import (
	"context"
	"errors"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// readPurse reads what an account has left to spend. When the API names another currency than CNY, what was known of it
// is no longer shown; that says nothing of the costs, whose own sources name theirs.
func readPurse(ctx context.Context, f *fetch) error {
	wallet, err := f.client.QueryCashWalletAction(ctx)
	if billclient.IsForeignCurrency(err) {
		f.learn(payService.without)
		refused := *asBillError(err)
		refused.Err = errors.New(refused.Err.Error())
		return &refused
	}
	if err != nil {
		return err
	}
	if err := f.expectCustomer(billclient.QueryCashWalletAction, "the balance", string(wallet.CustomerID)); err != nil {
		return err
	}
	p := ledger.NewPurse(wallet, now())
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot { return s.WithPurse(p) })
	return nil
}

func measurePurse(s *ledger.Snapshot, _ time.Time) (items int, data time.Time) {
	if s.Purse == nil {
		return 0, data
	}
	return len(s.Purse.Rows), s.Purse.ReadAt
}

// areTermsDue reports whether it is time to ask when prepaid instances end. They are on pages, and asked for as seldom
// as lines.
func areTermsDue(f *fetch, now time.Time) bool {
	known := f.snapshot.Terms
	if known == nil {
		return true
	}
	age := now.Sub(known.ReadAt) // before 0 if the clock was set back since
	return age < 0 || age >= f.options.Refresh.DetailsInterval
}

func measureTerms(s *ledger.Snapshot, _ time.Time) (items int, data time.Time) {
	if s.Terms == nil {
		return 0, data
	}
	return len(s.Terms.All), s.Terms.ReadAt
}

// readTerms asks for the instances that end within ExpiryWithin at any time at which the answer may still be shown.
func readTerms(ctx context.Context, f *fetch) error {
	now := now()
	until := now.Add(f.options.Prepaid.ExpiryWithin + f.options.Refresh.MaxStaleness)
	instances, err := f.client.QueryInstances(ctx, now, until)
	if err != nil {
		return err
	}
	for _, i := range instances {
		if err := f.expectCustomer(billclient.QueryInstances, "an instance", string(i.CustomerID)); err != nil {
			return err
		}
	}
	t := ledger.NewTerms(instances, now)
	f.learn(func(s *ledger.Snapshot) *ledger.Snapshot { return s.WithTerms(t) })
	return nil
}
