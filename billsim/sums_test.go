package billsim

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSums adds up lines some of which have the same keys.
func TestSums(t *testing.T) {
	line := func(product, project, instance, region, mode string, cost, list Amount) Line {
		return Line{
			ProductCode: product, ProjectID: project, InstanceID: instance, RegionName: region, BillType: mode,
			Cost: cost, MeasureAmount: list,
		}
	}
	bill := billOf(line("KEC", "0", "i", "north", "day", 3, 4), line("KEC", "7", "i", "north", "month", 5, 6),
		line("EIP", "0", "", "", "day", -8, -9), line("KEC", "0", "i", "south", "day", 10, 20))
	bill.SummaryOnly = []Product{{"KS3", "KS3", 1000}}
	want := Sums{
		Lines:            4,
		Total:            10,
		ByProduct:        map[string]Amount{"KEC": 18, "EIP": -8},
		ByProject:        map[string]Amount{"0": 5, "7": 5},
		ByProjectProduct: map[ProjectProduct]Amount{{"0", "KEC"}: 13, {"7", "KEC"}: 5, {"0", "EIP"}: -8},
		ByRegion:         map[string]Amount{"north": 8, "": -8, "south": 10},
		ByBillingMode:    map[string]Amount{"day": 5, "month": 5},
		ByInstance:       map[InstanceKey]Amount{{"KEC", "0", "i"}: 13, {"KEC", "7", "i"}: 5, {"EIP", "0", ""}: -8},
		ListTotal:        21,
		ListByProduct:    map[string]Amount{"KEC": 30, "EIP": -9},
		ListByProject:    map[string]Amount{"0": 15, "7": 6},
	}
	if diff := cmp.Diff(want, bill.Sums()); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	got, products := summarize(bill), []Product{{"KEC", "", 18}, {"EIP", "", -8}, {"KS3", "KS3", 1000}}
	if got.sum != 1010 || !slices.Equal(got.products, products) {
		t.Errorf("summary %+v", got)
	}
	if n := (Bill{}).Sums().Lines; n != 0 {
		t.Errorf("a bill without lines has %d", n)
	}
}
