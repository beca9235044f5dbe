package collector

import (
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// claims has, by what tells whose numbers are, the account that shows them: no number is shown twice.
type claims map[string]string

// check returns why an account's numbers may not be shown, nil if they may: they are of another customer than the
// configuration expects, or an account before it in the configuration shows them already, or they are not in CNY.
func (c claims) check(a *account, v visible) *metrics.Refusal {
	customer, expected := v.snapshot.CustomerID(), billclient.ParseCustomerID(a.CustomerID)
	if expected != "" && expected != customer && v.snapshot.HasNumbers() {
		return &metrics.Refusal{Customer: string(customer), Expected: a.CustomerID}
	}
	var marks []string
	if v.keyID != "" { // where nothing tells the customer, a key is still of only one
		marks = append(marks, "key "+v.keyID)
	}
	if customer != "" {
		marks = append(marks, "customer "+string(customer))
	}
	for id := range v.snapshot.BillIDs() { // one bill is of one customer, in whatever form its id is
		marks = append(marks, "bill "+id)
	}
	for _, mark := range marks {
		if shownBy, ok := c[mark]; ok {
			return &metrics.Refusal{Customer: string(customer), ShownBy: shownBy}
		}
	}
	if slices.ContainsFunc(usedAttempts(a.Account, v), func(s *attempts) bool { return s.NotCNY }) {
		return &metrics.Refusal{Customer: string(customer), NotCNY: true}
	}
	for _, mark := range marks {
		c[mark] = a.Name
	}
	return nil
}
