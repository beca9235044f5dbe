package collector

import (
	"fmt"
	"strings"

	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log/level"
)

// known returns what earlier answers said, nothing if they may have been about another customer: when the key is
// another one and the bills do not tell that they are the same customer's. Bills are compared with bills: what their
// ids suggest need not be what lines say, and not what the ids of other months do, but a key stays its customer's.
func (a *account) known(customer string) *snapshot {
	if a.owner == a.asker || customer != "" && customer == a.snapshot.suggestedCustomer() {
		return a.snapshot
	}
	return &snapshot{}
}

// rotated tells whether what is known was read with another key than the one that asks. An empty answer to that tells
// nothing of whose it is, and is no reason to lose what is known.
func (a *account) rotated() bool { return a.owner != a.asker && a.snapshot.any() }

// keyOwner returns the fingerprint of the access key id in use.
func (a *account) keyOwner() string {
	key, _ := a.API.Credentials()
	return fingerprint(key.AccessKeyID)
}

// sameOwner tells whether what is known is certain to be of the key in use.
func (a *account) sameOwner() bool { return a.owner == "" || a.owner == a.keyOwner() }

// open returns the sources that may be asked. A key that was replaced may be another customer's: its bills tell, and
// its estimates where it may not see bills, so nothing else is asked for before they are there.
func (a *account) open() []*source {
	switch all := a.sources(); {
	case a.sameOwner():
		return all
	case a.monthBill.reason == billclient.Auth:
		return all[:2]
	default:
		return all[:1]
	}
}

// expect fails if a line is of another customer than the configuration expects.
func (a *account) expect(action, customer string) error {
	if a.CustomerID == "" || customer == "" || bare(customer) == bare(a.CustomerID) {
		return nil
	}
	return &billclient.Error{
		Action: action, Reason: billclient.Auth, Err: &foreignLine{customer, a.CustomerID},
	}
}

// foreignLine is a line of another customer than the configuration expects.
type foreignLine struct{ customer, expected string }

func (f *foreignLine) Error() string {
	return fmt.Sprintf("a line is of customer %.60s, customer_id expects %s", f.customer, f.expected)
}

// bare returns a customer id without the zeros that bill ids pad it with.
func bare(customerID string) string { return strings.TrimLeft(customerID, "0") }

// refuse decides whether the account's numbers may be shown, and tells when the answer is a new no.
func (a *account) refuse(owners map[string]string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	refused := a.refusal(owners)
	if refused != nil && (a.refused == nil || *refused != *a.refused) {
		level.Error(a.logger).Log("msg", "account refused, its numbers are not shown", "err", refused)
	}
	a.refused = refused
	return refused != nil
}

// refusal is why the account's numbers may not be shown, nil if they may: they are of another customer than the
// configuration expects, or an account in owners, which has the earlier ones by their customer and by their key, shows
// them already.
func (a *account) refusal(owners map[string]string) *Refusal {
	known := a.visible.snapshot
	customer, expected := known.customerID(), bare(a.CustomerID)
	if expected != "" && expected != customer && known.any() {
		return &Refusal{Customer: customer, Expected: a.CustomerID}
	}
	var marks []string
	if a.visible.owner != "" { // where nothing tells the customer, a key is still of only one
		marks = append(marks, "key "+a.visible.owner)
	}
	if customer != "" {
		marks = append(marks, "customer "+customer)
	}
	for _, mark := range marks {
		if owner, taken := owners[mark]; taken {
			return &Refusal{Customer: customer, ShownBy: owner}
		}
	}
	for _, mark := range marks {
		owners[mark] = a.Name
	}
	return nil
}
