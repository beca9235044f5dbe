package billclient

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// itemRow has the fields of the API's page, as far as it is known.
const itemRow = `{"RequestId":"x","CustomerBillMonth":202610,"BillMonth":202610,"UserId":"73400575","UserName":"x",` +
	`"SellerCompanyName":"x","productGroupName":"云服务器","productTypeName":"标准型","billDetailTypeName":"消费",` +
	`"payTypeName":"后付费","InstanceId":"i-1","InstanceName":"web","ProjectId":"103800","ProjectName":"广告",` +
	`"RegionName":"华北1（北京）","AvailabilityZone":"可用区A","BillStartTime":"2026-10-01 00:00:00",` +
	`"BillEndTime":"2026-10-31 23:59:59","ServiceBeginTime":"2025-10-05 10:00:00","Duration":"744",` +
	`"DurationUnit":"小时","pkgCode":"S6.4B","ConfigInfo":[{"Key":"CPU","Value":"4"}],"ItemName":"vCPU",` +
	`"ItemPrice":"0.0512","ItemPriceUnit":"元/核/小时","ItemPriceDesc":"目录价","BillItemValue":"2976","BillItemUnit":"核时"}`

func wantItem() ItemBill {
	return ItemBill{
		PayMode: Postpaid, ProductGroupName: "云服务器", ProductTypeName: "标准型", InstanceID: "i-1",
		StartTime: "2026-10-01 00:00:00", EndTime: "2026-10-31 23:59:59", Name: "vCPU", Price: "0.0512",
		PriceUnit: "元/核/小时", PriceNote: "目录价", Quantity: "2976", Unit: "核时",
	}
}

// collectItems returns the items of a stream, and its error.
func collectItems(items iter.Seq2[ItemBill, error]) (all []ItemBill, err error) {
	for item, err := range items {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

// fullPage is the list of a page with as many items as there can be, whose last one has these members.
func fullPage(last string) string {
	return `[` + strings.Repeat(`{},`, ItemPageSize-1) + `{` + last + `}]`
}

// TestItemFields tests that the first letter of a name may be in either case, and that a field may be missing.
func TestItemFields(t *testing.T) {
	lower := strings.NewReplacer("InstanceId", "instanceId", "BillStartTime", "billStartTime", "BillEndTime",
		"billEndTime", "Item", "item", "BillitemValue", "billItemValue", `"payTypeName":"后付费"`, `"PayType":2`,
		"productGroupName", "ProductGroupName", `"2976"`, "2976").Replace(itemRow)
	c := newUnionClient(t, respondWith(200, "", bills(3, lower, `{"ItemPrice":null}`, `{"customerBillMonth":202610}`)))
	got, err := collectItems(c.QueryItemBills(t.Context(), october))
	if diff := cmp.Diff([]ItemBill{wantItem(), {}, {}}, got); diff != "" || err != nil {
		t.Errorf("error %v, items (-want +got):\n%s", err, diff)
	}
	first, last, ok := wantItem().Term()
	if !ok || first.String() != "2026-10-01" || last.String() != "2026-10-31" {
		t.Errorf("%v to %v, %v", first, last, ok)
	}
}

// TestItemPages tests where the cursor of the next page may stand, and what ends the pages.
func TestItemPages(t *testing.T) {
	const next = `"lastSortValue":"a,1 b"`
	full, short := fullPage(""), `[{}]`
	for name, tt := range map[string]struct {
		first, second string
		items         int
	}{
		"beside the list":   {`{"data":{` + next + `,"bills":` + full + `}}`, `{"data":{"bills":` + short + `}}`, 1001},
		"after the list":    {`{"Data":{"Bills":` + full + `,` + next + `}}`, `{"Data":{"Bills":[]}}`, 1000},
		"at the top":        {`{"bills":` + full + `,` + next + `}`, `{"bills":null}`, 1000},
		"beside data":       {`{"data":{"items":` + full + `},` + next + `}`, `{"data":{"items":` + short + `}}`, 1001},
		"in the last item":  {`{"data":{"list":` + fullPage(next) + `}}`, `{"data":{"list":` + short + `}}`, 1001},
		"data is the list":  {`{"Success":true,"Data":` + full + `,` + next + `}`, `{"Data":` + short + `}`, 1001},
		"data is empty":     {`{"Data":` + fullPage(next) + `}`, `{"Data":{}}`, 1000},
		"data is no list":   {`{"Data":` + fullPage(next) + `}`, `{"Data":[]}`, 1000},
		"another name":      {`{"data":{"ItemBills":` + fullPage(next) + `}}`, `{"data":{"total":0}}`, 1000},
		"no cursor":         {`{"data":{"bills":` + full + `}}`, "", 1000},
		"an empty cursor":   {`{"data":{"bills":` + full + `,"lastSortValue":""}}`, "", 1000},
		"a page not full":   {`{"data":{"bills":` + short + `,` + next + `}}`, "", 1},
		"an empty page":     {`{"data":{"total":12,"bills":[],` + next + `}}`, "", 0},
		"a list as cursor":  {`{"data":{"lastSortValue":["a"],"bills":` + full + `}}`, "", 1000},
		"the last one only": {`{"data":{"bills":[` + strings.Repeat(`{`+next+`},`, 999) + `{}]}}`, "", 1000},
	} {
		t.Run(name, func(t *testing.T) {
			var cursors []string
			c := newUnionClient(t, func(w http.ResponseWriter, r *http.Request) {
				cursor := r.URL.Query().Get("LastSortValue")
				cursors = append(cursors, cursor)
				body := tt.first
				if cursor != "" {
					body = tt.second
				}
				respondWith(200, "", body)(w, r)
			})
			got, err := collectItems(c.QueryItemBills(t.Context(), october))
			want := []string{"", "a,1 b"}
			if tt.second == "" {
				want = want[:1]
			}
			if err != nil || len(got) != tt.items || !slices.Equal(cursors, want) {
				t.Errorf("%d items, cursors %q, %v", len(got), cursors, err)
			}
		})
	}
}

// TestItemPagesWithoutEnd tests cursors that lead back, more pages than there may be, and pages that are too large.
func TestItemPagesWithoutEnd(t *testing.T) {
	circle := []string{`1`, `"b"`, `"b2"`, `"1"`}
	for name, tt := range map[string]struct {
		cursors   []string
		mostPages int
		extra     string
		reason    Reason
		text      string
	}{
		"a circle": {
			circle, 0, "", Incomplete, "page 4: the pages do not add up: LastSortValue leads back to a page before",
		},
		"too many": {
			circle, 2, "", CallLimit,
			"page 2: there are more items than the 2 calls bring that they may have of api.daily_calls",
		},
		"too large": {circle, 0, ",{}", Decode, "page 1: more than 1000 items"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := newUnionClient(t, func(w http.ResponseWriter, r *http.Request) {
				list := strings.TrimSuffix(fullPage(""), "]") + tt.extra + "]"
				respondWith(200, "", fmt.Sprintf(`{"bills":%s,"lastSortValue":%s}`, list, tt.cursors[calls]))(w, r)
				calls++
			})
			c.options.MostPages = tt.mostPages
			_, err := collectItems(c.QueryItemBills(t.Context(), october))
			checkError(t, err, tt.reason, tt.text)
		})
	}
}

func TestBadItems(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, text string }{
		"another month": {`Month":202610`, `Month":202609`, `billMonth "202609": asked for 2026-10`},
		"dollars":       {`"UserName"`, `"currencyCode":"USD","x"`, `Currency "USD": only amounts in CNY are taken`},
		"two prices":    {`"UserName"`, `"itemprice"`, "ItemPrice: twice in one object"},
		"a list":        {`"2976"`, `[2976]`, "BillItemValue: an object or a list in place of a text"},
		"two cursors": {
			`"UserName":"x"`, `"lastSortValue":1,"LastSortValue":2`, "LastSortValue: twice in one object",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.ReplaceAll(itemRow, tt.old, tt.new)
			c := newUnionClient(t, respondWith(200, "", bills(2, itemRow, bad)))
			got, err := collectItems(c.QueryItemBills(t.Context(), october))
			checkError(t, err, Decode, "page 1: item 2: "+tt.text)
			if len(got) != 1 {
				t.Errorf("%d items before the error", len(got))
			}
		})
	}
}

// TestItemMonths tests that months before the first one need no call, and that a consumer can end the stream.
func TestItemMonths(t *testing.T) {
	const text = "QueryItemBills: no items of 2021-10: the API has them from 2021-11 on"
	calls, answer := 0, respondWith(200, "", `{"bills":`+fullPage("")+`,"lastSortValue":1}`)
	c := newUnionClient(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		answer(w, r)
	})
	if _, err := collectItems(c.QueryItemBills(t.Context(), FirstItemMonth-1)); !isErrorOf(err, Invalid, text) {
		t.Errorf("%v, want %s", err, text)
	}
	for range c.QueryItemBills(t.Context(), FirstItemMonth) {
		break
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

// TestItemsInXML tests that the notation does not matter.
func TestItemsInXML(t *testing.T) {
	const item = `<item><InstanceId>i-1</InstanceId><ItemName>vCPU</ItemName><payType>0</payType></item>`
	for _, list := range []string{item + item, `<bills>` + item + item + `</bills>`} {
		body := `<QueryItemBillsResponse><RequestId>r</RequestId><Data>` + list + `</Data></QueryItemBillsResponse>`
		c := newUnionClient(t, respondWith(200, "text/xml", body))
		got, err := collectItems(c.QueryItemBills(t.Context(), october))
		want := ItemBill{PayMode: Prepaid, InstanceID: "i-1", Name: "vCPU"}
		if diff := cmp.Diff([]ItemBill{want, want}, got); diff != "" || err != nil {
			t.Errorf("error %v, items (-want +got):\n%s", err, diff)
		}
	}
}
