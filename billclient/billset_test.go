package billclient

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLeftOutBills tests that an element that is no postpaid bill, or has no id, does not make the bills of the same
// answer disappear, and that the client says what it left out.
func TestLeftOutBills(t *testing.T) {
	for name, tt := range map[string]struct {
		bills string
		want  string // months, ids and sums
		left  string // the texts of the errors
	}{
		"another pay mode": {
			`{"BillMonth":"2026-10","Sum":5,"BillId":"a","BillType":"prepay"},` +
				`{"BillMonth":"2026-10","Sum":1,"BillId":"b","BillType":"postpay"},` +
				`{"BillMonth":"2026-11","Sum":"?","BillType":"Realtime"}`,
			"2026-10 b 1", `MonthBillSet 1: BillType "prepay": want postpay
MonthBillSet 3: BillType "Realtime": want postpay`,
		},
		"postpaid in other words": {
			`{"BillMonth":"2026-10","Sum":1,"BillId":"a","BillType":"后付费(月结)"},{"BillMonth":"2026-11","Sum":2,` +
				`"BillId":"b","BillType":2}`, "2026-10 a 1, 2026-11 b 2", "",
		},
		"no id": {
			`{"BillMonth":"2026-10","Sum":1},{"BillMonth":"2026-11","Sum":2,"BillId":"b"}`,
			"2026-10  1, 2026-11 b 2", "",
		},
		"no id, twice": {
			`{"BillMonth":"2026-10","Sum":1},{"BillMonth":"2026-11","Sum":1},{"BillMonth":"2026-10","Sum":1}`,
			"2026-10  1, 2026-11  1", `MonthBillSet 3: no BillId, and the same bill as MonthBillSet 1`,
		},
		"no id, and the same with an id": {
			`{"BillMonth":"2026-10","Sum":1},{"BillMonth":"2026-10","Sum":1,"BillId":"a","BillType":"postpay"}`,
			"2026-10 a 1", `MonthBillSet 1: no BillId, and the same bill as MonthBillSet 2`,
		},
		"no id, and the same with an id and a currency": {
			`{"BillMonth":"2026-10","Sum":1},{"BillMonth":"2026-10","Sum":1,"BillId":"a","Currency":"CNY"}`,
			"2026-10 a 1", `MonthBillSet 1: no BillId, and the same bill as MonthBillSet 2`,
		},
		"no id, and other content": {
			`{"BillMonth":"2026-10","Sum":1},{"BillMonth":"2026-10","Sum":2},` +
				`{"BillMonth":"2026-10","Sum":3,"BillId":"a"}`,
			"2026-10  1, 2026-10  2, 2026-10 a 3", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, "", `{"MonthBillSet":[`+tt.bills+`]}`))
			var left []string
			c.options.OnLeftOut = func(bill LeftOutBill) { left = append(left, bill.Err.Error()) }
			bills, err := c.GetMonthBill(t.Context(), october, october.Add(1))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range bills {
				got = append(got, b.Month.String()+" "+b.BillID+" "+b.Sum.String())
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("bills (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.left, strings.Join(left, "\n")); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLeftOutEstimate tests that estimates are read as bills are.
func TestLeftOutEstimate(t *testing.T) {
	c := newTestClient(t, respondWith(200, "", `{"EndDate":"2026-10-05","MonthBillSet":[`+
		`{"BillMonth":"2026-10","Sum":5,"BillId":"a","BillType":"prepay"},`+
		`{"BillMonth":"2026-10","Sum":1,"BillId":"b"}]}`))
	var left []LeftOutBill
	c.options.OnLeftOut = func(bill LeftOutBill) { left = append(left, bill) }
	months, err := c.GetMonthConsume(t.Context(), october)
	if err != nil || len(months) != 1 || months[0].BillID != "b" {
		t.Errorf("months %+v, error %v", months, err)
	}
	if len(left) != 1 || left[0].Action != GetMonthConsume || left[0].Bill.BillID != "a" {
		t.Errorf("left out %+v", left)
	}
}

// TestCurrencyOfBills tests that a bill says which currency its answer names, and that one in another currency than the
// yuan fails the answer, though no page documents a currency.
func TestCurrencyOfBills(t *testing.T) {
	for name, tt := range map[string]struct{ ofAll, ofBill, want string }{
		"none":                {"", "", ""},
		"of the answer":       {`"Currency":" CNY",`, "", "CNY"},
		"of the bill":         {"", `"currency":"USD "`, "USD"},
		"of both":             {`"Currency":"CNY",`, `"Currency":"USD"`, "USD"},
		"null":                {`"Currency":null,`, `"Currency":null`, ""},
		"twice in the answer": {`"Currency":"CNY","currency":"USD",`, "", "CNY"},
		"twice in the bill":   {"", `"Currency":"CNY","currency":"USD"`, "USD"},
		"no texts":            {`"Currency":{"Code":["CNY"]},`, `"Currency":[{"Code":"CNY"}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, "", `{`+tt.ofAll+`"MonthBillSet":[{"BillMonth":"2026-10","Sum":1`+
				strings.TrimSuffix(","+tt.ofBill, ",")+`}]}`))
			bills, billErr := c.GetMonthBill(t.Context(), october, october)
			months, monthErr := c.GetMonthConsume(t.Context(), october)
			if tt.want == "USD" {
				for _, err := range []error{billErr, monthErr} {
					if !IsForeignCurrency(err) || !strings.HasSuffix(err.Error(), `MonthBillSet 1: Currency "USD": only amounts in CNY are taken`) {
						t.Error(err)
					}
				}
				return
			}
			if billErr != nil || len(bills) != 1 || bills[0].Currency != tt.want {
				t.Errorf("bills %+v, want currency %q; error %v", bills, tt.want, billErr)
			}
			if monthErr != nil || len(months) != 1 || months[0].Currency != tt.want {
				t.Errorf("estimates %+v, want currency %q; error %v", months, tt.want, monthErr)
			}
		})
	}
}
