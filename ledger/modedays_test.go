package ledger

import (
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
)

// What a row's total has beyond its pay modes is of none of them where one is postpaid. Otherwise it can be postpaid,
// which the bill has too: it does not count twice.
func TestUnexplainedPartOfADay(t *testing.T) {
	yuan := func(text string) billclient.Amount {
		amount, err := billclient.ParseAmount(text)
		if err != nil {
			t.Fatal(err)
		}
		return amount
	}
	for postpaid, want := range map[string]string{"2": "4", "0": "0"} {
		row := billclient.DayConsume{Key: "101", Total: yuan("7")}
		row.Modes = [3]billclient.ModeCost{
			{PayMode: billclient.Prepaid, Cost: yuan("1")}, {PayMode: billclient.Realtime},
			{PayMode: billclient.Postpaid, Cost: yuan(postpaid)},
		}
		got := SummarizeDays([]billclient.DayConsume{row}, time.Now()).Sums()[Key{None, "101"}]
		if got.String() != want {
			t.Errorf("postpaid %s: %v of none of the pay modes, want %s", postpaid, got, want)
		}
	}
}
