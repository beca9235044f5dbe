package billclient

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billsim"
)

// costRow has the fields of the API's page.
const costRow = `{"billMonth":"2026-10","customerId":"73400575","customerName":"x","email":"","productGroupId":"41",` +
	`"productGroupName":"云服务器","payType":"0","payTypeName":"预付费","currency":"RMB","productTypeId":"7",` +
	`"productTypeName":"标准型","totalBalance":"1200.00","costAtBeginning":"300.50","totalCost":"101.91",` +
	`"voucherCost":"1.91","cloudTicketCost":"0","rewardCost":"0"}`

func wantCostBill() CostBill {
	return CostBill{"41", "云服务器", mustAmount("101.91"), mustAmount("300.5"), mustAmount("1200")}
}

// costRowWith returns costRow with other texts.
func costRowWith(oldnew ...string) string { return strings.NewReplacer(oldnew...).Replace(costRow) }

// TestCostBills tests that rows of a product group are added up, and what a row may lack.
func TestCostBills(t *testing.T) {
	body := bills(5,
		costRowWith(`"云服务器"`, `null`, `"billMonth"`, `"x"`, `"RMB"`, `null`, `"0","payTypeName"`, `0,"x"`),
		costRowWith(`"41"`, `null`, "云服务器", "云硬盘"),
		costRowWith(`"41"`, `4.1E1`, `"101.91"`, `-1.91`, `"300.50"`, `0`, `"1200.00"`, `-2e2`, `"7"`, `8`),
		costRowWith(`"41"`, `""`, "云服务器", "弹性IP"),
		costRowWith(`"41"`, `""`, "云服务器", "云硬盘", `"7"`, `8`, `"预付费"`, `"包年包月"`, "RMB", "CNY"),
	)
	got, err := newUnionClient(t, respondWith(200, "", body)).DescribeCostBill(t.Context(), october)
	disks := CostBill{"", "云硬盘", mustAmount("203.82"), mustAmount("601"), mustAmount("2400")}
	addresses := wantCostBill()
	addresses.ProductGroupID, addresses.ProductGroupName = "", "弹性IP"
	want := []CostBill{
		{"41", "云服务器", mustAmount("100"), mustAmount("300.5"), mustAmount("1000")}, disks, addresses,
	}
	if diff := cmp.Diff(want, got, equalAmounts); diff != "" || err != nil {
		t.Errorf("error %v, costs (-want +got):\n%s", err, diff)
	}
}

func TestBadCostBills(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, text string }{
		"no cost":        {`"totalCost"`, `"x"`, "totalCost: missing"},
		"null cost":      {`"101.91"`, `null`, `totalCost: amount "": not a decimal number`},
		"bad cost":       {`"101.91"`, `"101,91"`, `totalCost: amount "101,91": not a decimal number`},
		"no beginning":   {`"costAtBeginning"`, `"x"`, "costAtBeginning: missing"},
		"no payment":     {`"totalBalance"`, `"x"`, "totalBalance: missing"},
		"another month":  {`"2026-10"`, `"2026-09"`, `billMonth "2026-09": asked for 2026-10`},
		"dollars":        {`"RMB"`, `"USD"`, `Currency "USD": only amounts in CNY are taken`},
		"postpaid":       {`"payType":"0"`, `"payType":2`, "payType is postpaid: asked for what is prepaid"},
		"a list of ids":  {`"41"`, `[41]`, "productGroupId: an object or a list in place of a text"},
		"a cost twice":   {`"rewardCost"`, `"TotalCost"`, "totalCost: twice in one object"},
		"two currencies": {`"email"`, `"Currency"`, "Currency: twice in one object"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUnionClient(t, respondWith(200, "", bills(2, costRow, costRowWith(tt.old, tt.new))))
			got, err := c.DescribeCostBill(t.Context(), october)
			checkError(t, err, Decode, "page 1: bills 2: "+tt.text)
			if IsForeignCurrency(err) != (name == "dollars") || got != nil {
				t.Errorf("foreign currency %t; costs %v", IsForeignCurrency(err), got)
			}
		})
	}
}

// TestCostMonths tests that the months before the first one need no call, and what an API without the action says.
func TestCostMonths(t *testing.T) {
	const text = "no costs of 2020-12: the API has them from 2021-01 on"
	c := New(Options{UnionEndpoint: "http://127.0.0.1:1", Credentials: testKeys, MaxRetries: 3})
	_, err := c.DescribeCostBill(t.Context(), firstCostMonth-1)
	if used, _ := c.Calls(); used != 0 || !isErrorOf(err, Invalid, DescribeCostBill+": "+text) {
		t.Errorf("%v after %d calls, want %s", err, used, text)
	}
	const gone = `{"RequestId":"r","Error":{"Code":"INVALID_ACTION","Message":"Not Found"}}`
	_, err = newUnionClient(t, respondWith(http.StatusNotFound, "", gone)).DescribeCostBill(t.Context(), october)
	if checkError(t, err, Invalid, "Not Found"); !IsUnknownAction(err) {
		t.Errorf("%v is none of an unknown action", err)
	}
}

// TestSimulatedCostBills reads the costs of purchases in each form in which the API may write them.
func TestSimulatedCostBills(t *testing.T) {
	account := simulatedCustomer(nil)
	account[0].Prepaid = func(month string) []billsim.Purchase {
		if month != "2026-09" {
			return nil
		}
		half := billsim.Purchase{
			ProductCode: "KEC", StartTime: "2026-09-16 00:00:00", EndTime: "2026-10-15 23:59:59", InstanceID: "i-1",
			Cost: 300 * billsim.Yuan,
		}
		over := half
		over.InstanceID, over.EndTime = "i-2", "2026-09-30 23:59:59"
		return []billsim.Purchase{half, over}
	}
	for _, envelope := range []billsim.Envelope{billsim.LowerEnvelope, billsim.CapitalEnvelope} {
		for _, form := range []billsim.Form{billsim.AsString, billsim.AsNumber} {
			api := billsim.New(account, billsim.WithEnvelope(envelope), billsim.WithMoney(form))
			o := Options{UnionEndpoint: "http://union.example"}
			runSimulation(t, o, api, func(t *testing.T, c *conversation) {
				got, err := c.DescribeCostBill(t.Context(), october)
				if err != nil || len(got) != 1 {
					t.Fatalf("%v, %v", got, err)
				}
				got[0].ProductGroupID, got[0].ProductGroupName = "", "" // billsim makes them up
				want := CostBill{"", "", mustAmount("150"), mustAmount("150"), mustAmount("300")}
				if diff := cmp.Diff(want, got[0], equalAmounts); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}
