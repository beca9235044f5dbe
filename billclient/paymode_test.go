package billclient

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPayModes(t *testing.T) {
	for name, want := range map[string]string{
		"Prepaid": "prepaid", "PREPAYMENT": "prepaid", " 预付费\n": "prepaid",
		"Pay-As-You-Go": "realtime", "pay as you go": "realtime", "Real-time": "realtime",
		"按量付费": "realtime", "实时付费": "realtime",
		"Postpaid": "postpaid", "Post-payment": "postpaid", "后付费": "postpaid",
		" Spot-Market ": "spot-market", "竞价": "竞价", "postpaid2": "postpaid2",
	} {
		body := fmt.Sprintf(`{"Currency":"CNY","RealTotalCost":1,"SummaryOverview":[{"PayMode":%q,"RealTotalCost":1,`+
			`"BillMonth":"2026-10"}]}`, name)
		got, err := newUnionClient(t, respondWith(200, "", body)).DescribeBillSummaryByPayMode(t.Context(), october)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]UnionPart{unionPart(want, name, "1")}, got.Parts, equalAmounts); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
	}
}
