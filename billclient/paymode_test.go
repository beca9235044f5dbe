package billclient

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// payModeAnswer returns an answer of DescribeBillSummaryByPayMode that has these parts, of 1 yuan each.
func payModeAnswer(modes ...string) string {
	var parts []string
	for _, mode := range modes {
		parts = append(parts, fmt.Sprintf(`{"PayMode":%q,"RealTotalCost":1,"BillMonth":"2026-10"}`, mode))
	}
	return fmt.Sprintf(`{"Currency":"CNY","RealTotalCost":%d,"SummaryOverview":[%s]}`,
		len(modes), strings.Join(parts, ","))
}

func TestPayModes(t *testing.T) {
	for name, want := range map[string]string{
		"Prepaid": "prepaid", "PREPAYMENT": "prepaid", " 预付费\n": "prepaid", "prePay": "prepaid",
		"预付费(包年包月)": "prepaid", "包年包月": "prepaid", "Prepaid (Subscription)": "prepaid", "0": "prepaid",
		"Pay-As-You-Go": "realtime", "pay as you go": "realtime", "Real-time": "realtime",
		"按量付费": "realtime", "实时付费": "realtime", "1": "realtime",
		"Postpaid": "postpaid", "Post-payment": "postpaid", "后付费": "postpaid", "postpay": "postpaid",
		"Post-pay": "postpaid", "POST_PAY": "postpaid", "后付费(月结)": "postpaid", "后付费（月结）": "postpaid",
		"后付费 （月结） ": "postpaid", "2": "postpaid", "２": "postpaid", "2.0": "postpaid",
		" Spot-Market ": "spot-market", "竞价": "竞价", "postpaid2": "postpaid2", "3": "3",
		"Pay-As-You-Go (Monthly)": "pay-as-you-go (monthly)", "按量付费(月结)": "按量付费(月结)",
		"竞价(月结)": "竞价(月结)", "后付费(月结": "后付费(月结",
	} {
		body := payModeAnswer("Postpaid", name) // which a mode that is not known needs beside it
		got, err := newUnionClient(t, respondWith(200, "", body)).DescribeBillSummaryByPayMode(t.Context(), october)
		if err != nil {
			t.Fatal(err)
		}
		wantParts := []UnionPart{unionPart("postpaid", "Postpaid", "1"), unionPart(want, name, "1")}
		if diff := cmp.Diff(wantParts, got.Parts, equalAmounts); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
	}
}

// TestUnknownPayModes tests that a mode that is not known fails an answer in which it could be postpaid under another
// name: the cost of GetMonthBill would count once more.
func TestUnknownPayModes(t *testing.T) {
	for name, tt := range map[string]struct {
		body, text string
		modes      string // as RefusedPayModes returns them, as words and keys
	}{
		"alone": {
			payModeAnswer("月结算"), `1: PayMode "月结算" is not known, and no part is postpaid`, "月结算 月结算",
		},
		"beside": {
			payModeAnswer("预付费", "X"), `2: PayMode "X" is not known, and no part is postpaid`, "预付费 prepaid, X x",
		},
		"beside postpaid before": {body: payModeAnswer("后付费", "X")},
		"beside postpaid after":  {body: payModeAnswer("X", "2")},
		"without any cost":       {body: strings.ReplaceAll(payModeAnswer("X", "预付费"), `Cost":1`, `Cost":0`)},
		"all known":              {body: payModeAnswer("0", "1")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUnionClient(t, respondWith(200, "", tt.body))
			_, err := c.DescribeBillSummaryByPayMode(t.Context(), october)
			if tt.text != "" {
				checkError(t, err, Decode, "SummaryOverview "+tt.text)
			} else if err != nil {
				t.Error(err)
			}
			var modes []string
			for _, part := range RefusedPayModes(err) {
				modes = append(modes, part.Name+" "+part.Key)
			}
			if diff := cmp.Diff(tt.modes, strings.Join(modes, ", ")); diff != "" {
				t.Errorf("refused pay modes (-want +got):\n%s", diff)
			}
		})
	}
}
