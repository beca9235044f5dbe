package billclient

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tradeRow has the fields of the vendor's SDK.
const tradeRow = `{"instanceId":"i-1","billType":"0","billTypeName":"包年包月","billingBeginTime":"2025-10-05 10:00:00",` +
	`"billingEndTime":"2026-11-05 00:00:00","createTime":"2025-10-05 09:59:58","iamProjectId":"103800",` +
	`"instanceType":"S6","payTypeName":"预付费","productGroup":"VM_GROUP","productType":"KEC","productTypeName":"标准型",` +
	`"region":"cn-beijing-6","regionName":"华北1（北京）","renewDuration":"1","renewStrategy":"1",` +
	`"renewStrategyName":"自动续费","status":"2","statusName":"已开通","userId":"73400575"}`

func wantTradeInstance() TradeInstance {
	return TradeInstance{
		InstanceID: "i-1", ProductGroup: "VM_GROUP", ProductType: "KEC", RegionCode: "cn-beijing-6",
		ProjectID: "103800", CustomerID: "73400575", PayMode: Prepaid,
		Begin: time.Date(2025, time.October, 5, 10, 0, 0, 0, Beijing),
		End:   time.Date(2026, time.November, 5, 0, 0, 0, 0, Beijing), Renewal: RenewAuto, Status: InstanceOpen,
	}
}

// tradeAnswer returns an answer with these rows.
func tradeAnswer(total string, rows ...string) string {
	return `{"RequestId":"r","data":{"total":` + total + `,"retResponse":[` + strings.Join(rows, ",") + `]}}`
}

// TestTradeWords tests the words for what happens at the end of an instance, and for its status.
func TestTradeWords(t *testing.T) {
	for members, want := range map[string][2]string{
		`"renewStrategy":0,"status":2`:                                     {RenewManual, InstanceOpen},
		`"renewStrategy":"1.0","status":"12"`:                              {RenewAuto, "refunding"},
		`"renewStrategyName":"手动续费","status":4`:                            {RenewManual, "expired"},
		`"renewStrategy":null,"renewStrategyName":"自动续费","status":11`:      {RenewAuto, "recycled at once"},
		`"renewStrategy":7,"renewStrategyName":"Never","statusName":"New"`: {"7", "new"},
		`"instanceName":"x"`:                                               {"", ""},
	} {
		c := newEnvelopeClient(t, respondWith(200, "", tradeAnswer("1", `{"instanceId":"i-1",`+members+`}`)))
		got, err := c.QueryInstances(t.Context(), time.Time{}, time.Time{})
		if err != nil || got[0].Renewal != want[0] || got[0].Status != want[1] {
			t.Errorf("%s: %v, %v, want %v", members, got, err, want)
		}
	}
}

// TestTradeLimits tests that the limits are asked for, in Beijing's time, and hold where the API does not know them.
func TestTradeLimits(t *testing.T) {
	row := func(id, end string) string { return `{"instanceId":"` + id + `","billingEndTime":` + end + `}` }
	answer := respondWith(200, "", tradeAnswer("5", row("a", "null"), row("b", `"2026-11-04 23:59:59"`),
		row("c", `"2026-11-05 00:00:00"`), row("d", `1796486399000`), row("e", `"2026-12-06 00:00:00"`)))
	from := time.Date(2026, time.November, 4, 16, 0, 0, 0, time.UTC)
	to := time.Date(2026, time.December, 5, 23, 59, 59, 0, Beijing)
	const fromText, toText = "2026-11-05 00:00:00", "2026-12-05 23:59:59"
	for _, tt := range []struct {
		from, to time.Time
		want     string
		params   url.Values
	}{
		{time.Time{}, time.Time{}, "abcde", url.Values{}},
		{from, time.Time{}, "cde", url.Values{"billingEndTimeFrom": {fromText}}},
		{time.Time{}, to, "bcd", url.Values{"billingEndTimeTo": {toText}}},
		{from, to, "cd", url.Values{"billingEndTimeFrom": {fromText}, "billingEndTimeTo": {toText}}},
	} {
		var query url.Values
		c := newEnvelopeClient(t, func(w http.ResponseWriter, r *http.Request) {
			query = r.URL.Query()
			answer(w, r)
		})
		instances, err := c.QueryInstances(t.Context(), tt.from, tt.to)
		got := ""
		for _, i := range instances {
			got += i.InstanceID
		}
		streamed := 0
		for _, err := range c.StreamInstances(t.Context(), tt.from, tt.to) {
			if streamed++; err != nil {
				t.Fatal(err)
			}
		}
		if streamed != 5 {
			t.Errorf("%d instances in a stream, want all", streamed)
		}
		if err != nil || got != tt.want {
			t.Errorf("%v to %v: %s, %v, want %s", tt.from, tt.to, got, err, tt.want)
		}
		for _, name := range []string{"Action", "Version", "page", "size"} {
			query.Del(name)
		}
		if diff := cmp.Diff(tt.params, query); diff != "" {
			t.Errorf("query (-want +got):\n%s", diff)
		}
	}
}

// TestTradePages tests instances on several pages.
func TestTradePages(t *testing.T) {
	pages := []http.HandlerFunc{}
	for _, ids := range []string{"ab", "cd", "e"} {
		var rows []string
		for _, id := range ids {
			rows = append(rows, strings.Replace(tradeRow, "i-1", string(id), 1))
		}
		pages = append(pages, respondWith(200, "", tradeAnswer(`"5"`, rows...)))
	}
	runConversation(t, Options{TradeEndpoint: "http://trade.example"}, func(t *testing.T, c *conversation) {
		got, err := c.QueryInstances(t.Context(), time.Time{}, time.Time{})
		if err != nil || len(got) != 5 || got[4].InstanceID != "e" || len(c.calls) != 3 {
			t.Errorf("%v in %d calls: %v", got, len(c.calls), err)
		}
	}, pages...)
}

func TestBadTradeInstances(t *testing.T) {
	for row, text := range map[string]string{
		`{"billingEndTime":null}`:                          "instanceId: missing",
		`{"instanceId":" i ","billingEndTime":"for ever"}`: `billingEndTime: time "for ever": want YYYY-MM-DD hh:mm:ss`,
		`{"instanceId":"i","billingBeginTime":"soon"}`:     `billingBeginTime: time "soon": want YYYY-MM-DD hh:mm:ss`,
		`{"instanceId":"i","status":[2]}`:                  "status: an object or a list in place of a text",
		`{"instanceId":"i","InstanceID":"j"}`:              "instanceId: twice in one object",
	} {
		c := newEnvelopeClient(t, respondWith(200, "", tradeAnswer("2", tradeRow, row)))
		got, err := c.QueryInstances(t.Context(), time.Time{}, time.Time{})
		checkError(t, err, Decode, "page 1: retResponse 2: "+text)
		if got != nil {
			t.Errorf("%v in spite of the error", got)
		}
	}
}
