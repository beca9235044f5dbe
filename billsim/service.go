package billsim

// The services of the API, for which calls are signed, and the versions of their actions.
const (
	billService  = "bill"
	unionService = "bill-union"
	payService   = "kingpay"
	tradeService = "trade"

	version2018  = "2018-06-01"
	version2022  = "2022-06-01" // of the consumption actions in the vendor's SDKs; no page of the vendor has it
	version2020  = "2020-01-01"
	versionDaily = "2022-12-22" // of what bill-union knows of days
	versionCost  = "2021-12-09"
	versionTypes = "2025-08-01" // of billing items, too
	versionTrade = "2025-08-28"
	versionPay   = "V1"
)

// serviceOf returns the service that an action has to be signed for.
func serviceOf(name string) string {
	if a, ok := actions[name]; ok {
		return a.service
	}
	return billService
}

// isUnionAction reports whether an action is one of bill-union.
func isUnionAction(name string) bool { return serviceOf(name) == unionService }

// WithoutActions makes the server not know these actions.
func WithoutActions(names ...string) Option {
	return func(s *Server) { s.variant.withoutActions = append(s.variant.withoutActions, names...) }
}
