package billclient

import (
	"errors"
	"fmt"
	"strings"
)

// CustomerID is the id of a customer of the vendor: its digits without the leading zeros, which pad it in the ids of
// bills. The zero CustomerID stands for a customer who is not known. A CustomerID can be compared with == and be a key
// of a map.
type CustomerID string

// ParseCustomerID returns the customer id that a line of a bill or a configuration states, without blanks around it
// and without leading zeros. A whole number with a point or an exponent (7.3400575E7) becomes its digits. The API
// documents the id as free text, so any other text is kept as it is.
func ParseCustomerID(text string) CustomerID {
	return CustomerID(strings.TrimLeft(canonicalNumberID(text), "0"))
}

// CustomerOfBill returns the customer whose bill has the id: KSYZD, ten digits of the customer id, and the month as
// YYYYMM. The API does not document this form, but the samples of GetMonthBill and getMonthConsume both have it
// (https://endocs.ksyun.com/documents/37509, https://endocs.ksyun.com/documents/37507). An id in another form tells no
// customer.
func CustomerOfBill(billID string) CustomerID {
	const width = 10
	digits, ok := strings.CutPrefix(billID, "KSYZD")
	if !ok || len(digits) != width+len("YYYYMM") || strings.ContainsFunc(digits, isNoDigit) {
		return ""
	}
	return ParseCustomerID(digits[:width])
}

func isNoDigit(r rune) bool { return r < '0' || r > '9' }

// DiffersFrom reports whether id and other are two customers. Where one of them is not known, nothing shows that they
// differ.
func (id CustomerID) DiffersFrom(other CustomerID) bool {
	return id != "" && other != "" && id != other
}

// twoCustomers is an answer that has the bills of two customers.
type twoCustomers struct{ first, second CustomerID }

func (t *twoCustomers) Error() string {
	return fmt.Sprintf("bills of two customers in one answer, %s and %s",
		min(t.first, t.second), max(t.first, t.second))
}

// IsTwoCustomers reports whether err says that an answer has the bills of two customers, as a payer's can have those of
// a linked account. Its Reason is Auth, as where a key belongs to another customer than expected: another try does not
// help, but another key does.
func IsTwoCustomers(err error) bool {
	_, ok := errors.AsType[*twoCustomers](err)
	return ok
}
