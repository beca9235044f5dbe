package ledger

import (
	"testing"

	"ksyun_bill_exporter/billclient"
)

// Two bills of a month are one: the API does not promise that there is only one.
func TestTwoBillsOfAMonth(t *testing.T) {
	bill := func(id, sum string) billclient.MonthBill {
		return billclient.MonthBill{
			Month: billclient.MonthOf(october(1)), BillID: id, Sum: amount(t, sum),
			Products: []billclient.ProductCost{{Code: "KEC", Cost: amount(t, sum)}},
		}
	}
	s := SummarizeBills([]billclient.MonthBill{bill("B1", "1.5"), bill("B2", "2")}, october(15))
	if s.BillID != "B1,B2" || s.Sum.String() != "3.5" || s.Product[0].Amount.String() != "3.5" {
		t.Errorf("%s, %s, %v", s.BillID, s.Sum, s.Product)
	}
}
