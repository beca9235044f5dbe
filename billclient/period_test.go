package billclient

import (
	"net/url"
	"testing"
)

func TestPeriod(t *testing.T) {
	for query, want := range map[string]string{
		"":                           "",
		"BillMonth=2026-10&PageNo=1": "2026-10",
		"billMonth=202610":           "202610",
		"CustomerBillMonth=202610":   "202610",
		"BillStartMonth=2026-08&BillEndMonth=2026-10":  "2026-08 to 2026-10",
		"BillBeginMonth=2026-10&BillEndMonth=2026-10":  "2026-10",
		"StartDay=2026-10-01&EndDay=2026-10-31&Page=2": "2026-10-01 to 2026-10-31",
	} {
		params, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := periodOf(params); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
