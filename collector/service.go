package collector

import (
	"fmt"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// service is a service of the vendor that not every configuration asks.
type service struct {
	name     string
	endpoint func(billclient.Options) string
	without  func(*ledger.Snapshot) *ledger.Snapshot // what is known but for what the service says
	scope    func(Options) any                       // what is asked for; nil: always the same
}

var (
	unionService = &service{
		name: "bill-union", endpoint: func(o billclient.Options) string { return o.UnionEndpoint },
		without: (*ledger.Snapshot).WithoutUnions,
	}
	payService = &service{
		name: "kingpay", endpoint: func(o billclient.Options) string { return o.PayEndpoint },
		without: func(s *ledger.Snapshot) *ledger.Snapshot { return s.WithPurse(nil) },
	}
	tradeService = &service{
		name: "trade", endpoint: func(o billclient.Options) string { return o.TradeEndpoint },
		without: func(s *ledger.Snapshot) *ledger.Snapshot { return s.WithTerms(nil) },
		scope:   func(o Options) any { return o.Prepaid.ExpiryWithin },
	}
	optionalServices = []*service{unionService, payService, tradeService}
)

// isAsked reports whether the configuration of an account asks the service.
func (s *service) isAsked(a Account) bool { return s.endpoint(a.API) != "" }

// origin returns the fingerprint of where the numbers of the service come from: with another one, they mean something
// else.
func (s *service) origin(a Account, o Options) string {
	if s.scope == nil {
		return fingerprint(s.endpoint(a.API))
	}
	return fingerprint(s.endpoint(a.API), fmt.Sprint(s.scope(o)))
}

// originsOf returns the origins of the numbers of all services, by their names.
func originsOf(a Account, o Options) map[string]string {
	origins := map[string]string{}
	for _, s := range optionalServices {
		origins[s.name] = s.origin(a, o)
	}
	return origins
}
