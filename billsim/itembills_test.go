package billsim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const itemBills = "Action=QueryItemBills&Version=2025-08-01"

// TestItemsComeToLines checks that the items of an instance come to what its lines cost before discount, to the fen.
func TestItemsComeToLines(t *testing.T) {
	for _, a := range Demo(noonClock) {
		c := demoClient(t, a)
		for _, month := range []string{"2025-10", "2026-10"} {
			key := func(row map[string]any, typeName, begin, end string) string {
				return fmt.Sprint(row["InstanceId"], row[typeName], row[begin], row[end])
			}
			_, lines := c.getBills(instanceBill+"&Size=1000&BillMonth="+month, "SummaryOverview")
			want := sumRows(t, lines, func(row map[string]any) map[string]any {
				key := key(row, "ProductSubTyeName", "DetailBillStartTime", "DetailBillEndTime")
				return map[string]any{key: row["Cost"]}
			})
			_, items := c.getBills(itemBills+"&Size=1000&CustomerBillMonth="+withoutHyphens(month), "bills")
			got := sumRows(t, items, func(row map[string]any) map[string]any {
				price, value := parseAmount(t, row["ItemPrice"].(string)), parseAmount(t, row["BillItemValue"].(string))
				if price < 0 || row["ItemPriceUnit"] != "元/"+row["BillItemUnit"].(string) {
					t.Errorf("price of %v", row)
				}
				product := price / 10_000 * (value / 10_000) // without the rests of both, which the fen forgives
				if value%Yuan == 0 {
					product = price * (value / Yuan)
				}
				return map[string]any{key(row, "productTypeName", "BillStartTime", "BillEndTime"): product.String()}
			})
			for _, sums := range []map[string]string{want, got} {
				for k, sum := range sums {
					sums[k] = parseAmount(t, sum).discount(100).String()
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || len(items) <= len(lines) || len(want) < 100 {
				t.Errorf("%s of %s (-lines +items):\n%s", month, a.CustomerID, diff)
			}
		}
	}
}

// TestItemPages checks that the pages by cursor have the items of one page, in each envelope, and that the last one has
// no cursor.
func TestItemPages(t *testing.T) {
	const october = itemBills + "&CustomerBillMonth=202610"
	for _, options := range [][]Option{nil, {WithKeptPages()}, {WithEnvelope(LowerEnvelope)}} {
		c := serveVariant(t, lineAccount(), options...)
		_, all := c.getBills(october, "bills")
		var got []map[string]any
		cursor, pages := "", 0
		for cursor != "<nil>" && pages < 9 {
			data, rows := c.getBills(october+"&Size=2"+cursor, "bills")
			got, pages, cursor = append(got, rows...), pages+1, fmt.Sprint(data["lastSortValue"])
			if cursor != "<nil>" {
				cursor = "&LastSortValue=" + cursor
			}
		}
		if diff := cmp.Diff(all, got); diff != "" || pages != 2 || len(all) != 3 {
			t.Errorf("%d pages, %d items:\n%s", pages, len(all), diff)
		}
	}
}

// TestItemFilters checks that items can be asked for by product group, instance and pay mode.
func TestItemFilters(t *testing.T) {
	_, c := serve(t, lineAccount())
	for filter, want := range map[string]string{
		"": "使用时长 CPU 内存", "&PayType=0": "使用时长", "&PayType=2": "CPU 内存", "&InstanceId=kec-1": "使用时长",
		"&ProductGroupCode=VM_GROUP": "使用时长 CPU 内存", "&ProductGroupCode=KIS": "",
	} {
		var names []string
		_, rows := c.getBills(itemBills+"&CustomerBillMonth=202610"+filter, "bills")
		for _, row := range rows {
			names = append(names, row["ItemName"].(string))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q: %s, want %s", filter, got, want)
		}
	}
}
