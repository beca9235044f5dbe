package metrics

import (
	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// OtherModes returns what a closed month cost in other pay modes than postpaid, in the rows of the family
// ksyun_bill_past_month_<name>_cost_cny: pay mode, then the labels of the view of that name. Each pay mode comes to
// what the account has of it. It panics if there is no such view. It is safe for concurrent use.
func (a Account) OtherModes(name string, m billclient.Month) []ledger.Row {
	return viewNamed(name).otherModes(a, int(a.month-m))
}
