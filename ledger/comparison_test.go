package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billclient"
)

// Parts that may be rounded come to their total, others miss it, and those that are not there are not compared.
func TestCompareBills(t *testing.T) {
	product := func(code, cost string) billclient.ProductCost {
		return billclient.ProductCost{Code: code, Cost: amount(t, cost)}
	}
	project := func(id, cost string, details ...billclient.ProductCost) billclient.ProjectCost {
		return billclient.ProjectCost{ID: id, Cost: amount(t, cost), Products: details}
	}
	for name, tt := range map[string]struct {
		sum      string
		products []billclient.ProductCost
		projects []billclient.ProjectCost
		want     Comparison
	}{
		"nothing": {sum: "0", want: Comparison{Products: true}},
		"rounded": {
			"3.01", []billclient.ProductCost{product("KEC", "1"), product("EIP", "2")},
			[]billclient.ProjectCost{project("0", "1", product("KEC", "1.005")), project("1", "2", product("EIP", "2"))},
			Comparison{Products: true, Projects: true, Details: true},
		},
		"products": {
			"3.011", []billclient.ProductCost{product("KEC", "1"), product("EIP", "2")}, nil, Comparison{Products: false},
		},
		"projects": {
			"1", []billclient.ProductCost{product("KEC", "1")}, []billclient.ProjectCost{project("0", "1.01")},
			Comparison{Products: true, Projects: false},
		},
		"details of one project": {
			"2", []billclient.ProductCost{product("KEC", "2")},
			[]billclient.ProjectCost{project("0", "1"), project("1", "1", product("KEC", "1"))},
			Comparison{Products: true, Projects: true, Details: false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bills := []billclient.MonthBill{{Sum: amount(t, tt.sum), Products: tt.products, Projects: tt.projects}}
			if diff := cmp.Diff(tt.want, CompareBills(bills)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What tells that parts miss a total is what makes the row of None.
func TestCompareIsTheRuleOfSummaries(t *testing.T) {
	for sum, whole := range map[string]bool{"1": true, "1.005": true, "0.995": true, "1.0051": false, "0": false} {
		estimates := []billclient.MonthConsume{{
			Sum: amount(t, sum), Products: []billclient.ProductCost{{Code: "KEC", Cost: amount(t, "1")}},
		}}
		if got := CompareEstimates(estimates); got[Products] != whole {
			t.Errorf("estimate of %s: %v", sum, got)
		}
		if rows := SummarizeEstimates(estimates, october(1)).Product; (len(rows) == 1) != whole {
			t.Errorf("estimate of %s: rows %v", sum, rows)
		}
		answer := billclient.UnionSummary{
			Total: amount(t, sum), Parts: []billclient.UnionPart{{Key: "prepaid", Cost: amount(t, "1")}},
		}
		if got := CompareUnion(answer); got != whole {
			t.Errorf("total of %s: %t", sum, got)
		}
		if rows := SummarizeUnion(answer, october(1)).Parts; (len(rows) == 1) != whole {
			t.Errorf("total of %s: rows %v", sum, rows)
		}
	}
}
