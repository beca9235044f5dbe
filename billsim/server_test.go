package billsim

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCalls(t *testing.T) {
	s, c := serve(t, sampleAccount(sampleLine()))
	c.get("Action=GetMonthBill&" + monthQuery)
	r := c.request("Action=GetProductCode")
	signHeader(r, "AKOTHER", "", noon)
	c.getRefusal(r)
	type seen struct{ Action, Key, Region, Start string }
	var got []seen
	for _, call := range s.Calls() {
		got = append(got, seen{call.Action, call.AccessKeyID, call.Region, call.Query.Get("BillStartMonth")})
		if !call.Time.Equal(noon) || call.Method != http.MethodGet || call.Header.Get("Accept") != "application/json" {
			t.Errorf("call %+v", call)
		}
	}
	want := []seen{
		{"GetMonthBill", "AKSAMPLE", "cn-beijing-6", "2018-06"},
		{"GetProductCode", "AKOTHER", "cn-beijing-6", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if s.ResetCalls(); len(s.Calls()) != 0 {
		t.Error("calls are not forgotten")
	}
}
