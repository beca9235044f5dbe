package ledger

import (
	"testing"

	"pgregory.net/rapid"

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

// Whatever an answer has and lacks: the rows of every view come to its sum, but for half a fen a part, and each key of
// them has a name.
func TestPartsComeToTheTotal(t *testing.T) {
	codes := rapid.SampledFrom([]string{"KEC", "EIP", "", "__none__"})
	amounts := rapid.Custom(func(t *rapid.T) billclient.Amount {
		text := rapid.SampledFrom([]string{"0", "1", "-3", "0.004", "500015.5", "0.01"}).Draw(t, "amount")
		a, _ := billclient.ParseAmount(text)
		return a
	})
	product := rapid.Custom(func(t *rapid.T) billclient.ProductCost {
		return billclient.ProductCost{Code: codes.Draw(t, "code"), Cost: amounts.Draw(t, "cost")}
	})
	project := rapid.Custom(func(t *rapid.T) billclient.ProjectCost {
		return billclient.ProjectCost{
			ID: codes.Draw(t, "id"), Cost: amounts.Draw(t, "cost"),
			Products: rapid.SliceOfN(product, 0, 3).Draw(t, "details"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		s := SummarizeBills([]billclient.MonthBill{{
			Sum:      amounts.Draw(t, "sum"),
			Products: rapid.SliceOfN(product, 0, 4).Draw(t, "products"),
			Projects: rapid.SliceOfN(project, 0, 3).Draw(t, "projects"),
		}}, october(15))
		for _, rows := range [][]Row{s.Product, s.Project, s.ProjectProduct} {
			if difference := s.Sum.Sub(Total(rows)); !IsRounding(difference, 2*len(rows)) && len(rows) > 0 {
				t.Fatalf("rows %v lack %v of %v", rows, difference, s.Sum)
			}
		}
		for _, r := range s.Product {
			if _, ok := s.ProductNames[r.Labels[0]]; !ok {
				t.Fatalf("product %q has no name", r.Labels[0])
			}
		}
		for _, r := range s.Project {
			if _, ok := s.ProjectNames[r.Labels[0]]; !ok {
				t.Fatalf("project %q has no name", r.Labels[0])
			}
		}
		u := SummarizeUnion(billclient.UnionSummary{
			Total: s.Sum, Parts: []billclient.UnionPart{{Key: "prepaid", Cost: amounts.Draw(t, "part")}},
		}, october(15))
		if difference := s.Sum.Sub(Total(u.Parts)); !IsRounding(difference, 1) {
			t.Fatalf("parts %v lack %v of %v", u.Parts, difference, s.Sum)
		}
	})
}
