package billsim

import (
	"fmt"
	"strings"
	"testing"
)

const costBill = "Action=DescribeCostBill&Version=2021-12-09&pageSize=2000"

// TestDemoCostBill checks that each month goes on where the one before ended, that a term ends with its whole cost, and
// that products and instances have the same sum.
func TestDemoCostBill(t *testing.T) {
	for _, a := range Demo(noonClock) {
		c := demoClient(t, a)
		spent, ended := map[string]Amount{}, 0
		const first = day(20_362)
		for m := first; m < 20_788; m = m.monthStart(1) {
			query := costBill + "&billMonth=" + withoutHyphens(m.month())
			_, instances := c.getBills(query+"&statisticalItem=0", "bills")
			_, products := c.getBills(query+"&statisticalItem=1", "bills")
			cost := func(row map[string]any) map[string]any { return map[string]any{"": row["totalCost"]} }
			if got, want := sumRows(t, products, cost)[""], sumRows(t, instances, cost)[""]; got != want || got == "" {
				t.Errorf("%s: products %s, instances %s", m.month(), got, want)
			}
			for _, row := range instances {
				key := fmt.Sprint(row["instanceId"], row["serviceStartTime"], row["totalBalance"])
				before := parseAmount(t, fmt.Sprint(row["costAtBeginning"]))
				if m == first {
					spent[key] = before // by the months that are not looked at
				}
				if before != spent[key] {
					t.Errorf("%s, %s: %s at the beginning, want %s", m.month(), key, before, spent[key])
				}
				spent[key] += parseAmount(t, fmt.Sprint(row["totalCost"]))
				if strings.HasPrefix(row["serviceEndTime"].(string), m.month()) {
					ended++
					if paid := parseAmount(t, fmt.Sprint(row["totalBalance"])); paid != spent[key] {
						t.Errorf("%s: %s of %s at the end", key, spent[key], paid)
					}
				}
			}
		}
		if ended < 300 {
			t.Errorf("%s: %d terms ended", a.CustomerID, ended)
		}
	}
}

// TestSpread checks days of a term one by one.
func TestSpread(t *testing.T) {
	l := Line{StartTime: "2026-11-01 00:00:00", EndTime: "2026-11-03 23:59:59", Cost: 100*Yuan + 5}
	november, _, _ := daysOf("2026-11")
	for n, want := range []string{"0.00", "33.33", "66.66", "100.00000005", "100.00000005"} {
		if got := spread(&l, november+day(n)).String(); got != want {
			t.Errorf("after %d days: %s, want %s", n, got, want)
		}
	}
	first, last := termOf(&Line{StatDate: "2026-11-02", EndTime: "n/a"})
	if first != last || first.String() != "2026-11-02" {
		t.Errorf("a line without a term is for %s to %s", first, last)
	}
}

func TestCostBillQueries(t *testing.T) {
	_, c := serve(t, lineAccount())
	const cost = "Action=DescribeCostBill&Version=2021-12-09"
	for query, want := range map[string]string{
		cost + "&statisticalItem=0":                                "parameter billMonth is missing",
		cost + "&billMonth=202611":                                 "parameter statisticalItem is missing",
		cost + "&billMonth=2026-11&statisticalItem=0":              "billMonth",
		cost + "&billMonth=202012&statisticalItem=0":               "billMonth",
		cost + "&billMonth=202611&statisticalItem=2":               "statisticalItem",
		cost + "&billMonth=202611&statisticalItem=0&pageSize=2001": "pageSize",
	} {
		if _, body := c.getUnion(query); !strings.Contains(errorOf(t, body), want) {
			t.Errorf("%s: %s", query, body)
		}
	}
	for query, want := range map[string]int{
		"&statisticalItem=0": 3, "&statisticalItem=0&instanceIds=kec-1,rack-1": 2,
		"&statisticalItem=1": 2, "&statisticalItem=1&instanceIds=kec-1": 2,
	} {
		if _, rows := c.getBills(cost+"&billMonth=202611"+query, "bills"); len(rows) != want {
			t.Errorf("%s: %d rows, want %d", query, len(rows), want)
		}
	}
}
