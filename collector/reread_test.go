package collector

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

// ofProduct returns n lines of a product that come to a cost, in fen, together.
func ofProduct(code string, n int, fen int64) (lines []billsim.Line) {
	for i := range int64(n) {
		l := server(fmt.Sprintf("%s-%d", strings.ToLower(code), i), fen/int64(n)+max(0, min(1, fen%int64(n)-i)))
		l.ProductCode, l.ProductName = code, "name of "+code
		lines = append(lines, l)
	}
	return lines
}

// Of a bill of last month only the lines of those products are read again whose cost has changed, unless they are of no
// use alone. What is shown is what another exporter shows that reads all.
func TestProductsAreReadAgain(t *testing.T) {
	const all = "GetPostpayDetailBill 2026-10 2026-10"
	november := time.Date(2026, 11, 10, 12, 0, 0, 0, billclient.Beijing)
	for _, c := range []struct {
		name   string
		change func(bill map[string][]billsim.Line, api *billsim.Server)
		want   []string
	}{
		{"a product", func(bill map[string][]billsim.Line, _ *billsim.Server) {
			bill["EIP"] = ofProduct("EIP", 4, 777)
		}, []string{all + " EIP"}},
		{"a product that is new, and one that is gone", func(bill map[string][]billsim.Line, _ *billsim.Server) {
			bill["EIP"], bill["SLB"] = nil, ofProduct("SLB", 2, 900)
		}, []string{all}},
		{"more than half of the lines", func(bill map[string][]billsim.Line, _ *billsim.Server) {
			bill["KEC"] = ofProduct("KEC", 20, 5000)
		}, []string{all}},
		{"all products", func(bill map[string][]billsim.Line, _ *billsim.Server) {
			bill["KEC"], bill["EIP"] = ofProduct("KEC", 9, 1), ofProduct("EIP", 9, 2)
			bill["EBS"] = ofProduct("EBS", 9, 3)
		}, []string{all}},
		{"a product whose lines are of another one", func(bill map[string][]billsim.Line, api *billsim.Server) {
			bill["EIP"] = ofProduct("EIP", 4, 777)
			api.Fault(billsim.Fault{
				Action: billclient.GetPostpayDetailBill, Times: 1,
				Edit: func(_ int, l *billsim.Line) { l.ProductCode = "EBS" },
			})
		}, []string{all + " EIP", all}},
		{"a product whose lines do not follow", func(bill map[string][]billsim.Line, api *billsim.Server) {
			bill["EIP"] = ofProduct("EIP", 4, 777)
			api.Fault(billsim.Fault{
				Action: billclient.GetPostpayDetailBill, Times: 1, Edit: func(_ int, l *billsim.Line) { l.Cost += 1e8 },
			})
		}, []string{all + " EIP", all}},
		{"a product that the API fails for", func(bill map[string][]billsim.Line, api *billsim.Server) {
			bill["EIP"] = ofProduct("EIP", 4, 777)
			failure := billsim.Refuse(billsim.JSONError, 500, "InternalError", "ProductCode")
			failure.Action, failure.Times = billclient.GetPostpayDetailBill, 1
			api.Fault(failure)
		}, []string{all + " EIP", all}},
		{"a product that the API does not take", func(bill map[string][]billsim.Line, api *billsim.Server) {
			bill["EIP"] = ofProduct("EIP", 4, 777)
			refusal := billsim.Refuse(billsim.JSONError, 400, "InvalidParameter", "ProductCode")
			refusal.Action, refusal.Times = billclient.GetPostpayDetailBill, 1
			api.Fault(refusal)
		}, []string{all + " EIP", all}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				bill := map[string][]billsim.Line{
					"KEC": ofProduct("KEC", 12, 9000), "EIP": ofProduct("EIP", 3, 100), "EBS": ofProduct("EBS", 5, 300),
				}
				put := func() {
					customer.bill("2026-10", slices.Concat(bill["KEC"], bill["EIP"], bill["EBS"], bill["SLB"])...)
				}
				put()
				o := options(simulated("main", customer.Account))
				o.Instances.MaxSeries = 6
				w := start(t, november, o, customer.Account)
				w.sleep(7 * time.Hour)
				w.asked()
				c.change(bill, w.api)
				put()
				w.sleep(time.Hour)
				lines := slices.DeleteFunc(w.asked(), func(call string) bool { return !strings.HasPrefix(call, all) })
				if diff := cmp.Diff(c.want, lines); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				got := w.scrape()
				fresh := start(t, time.Now(), o, customer.Account)
				compare(t, got, strings.Join(fresh.scrape(), "\n"))
			})
		})
	}
}

// lineCounter counts the answers of lines of a bill, and their bytes.
type lineCounter struct {
	http.Handler
	calls, bytes atomic.Int64
}

func (c *lineCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("Action") != billclient.GetPostpayDetailBill {
		c.Handler.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	c.Handler.ServeHTTP(answer, r)
	c.calls.Add(1)
	c.bytes.Add(int64(answer.Body.Len()))
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// A month in which the bill of the last one is corrected every day, in one of its small products. What keeps lines
// wants whole months: with it, each correction costs all lines again. Without it, only the lines of the product.
func TestMonthOfCorrections(t *testing.T) {
	var pages []string
	for _, c := range []struct {
		name         string
		keeper       LineKeeper
		calls, bytes int64
	}{
		{"all lines", &shelf{}, 28, 1018052},
		{"lines of products", nil, 28, 188612},
	} {
		synctest.Test(t, func(t *testing.T) {
			customer := newCustomer("1")
			put := func(eip int64) {
				customer.bill("2026-10", slices.Concat(
					ofProduct("KEC", 40, 9000), ofProduct("EBS", 20, 3000), ofProduct("EIP", 3, eip))...)
			}
			put(100)
			o := options(simulated("main", customer.Account))
			o.Keeper = c.keeper
			counter := &lineCounter{}
			w := startWith(t, time.Date(2026, 11, 2, 12, 0, 0, 0, billclient.Beijing), o,
				func(api http.Handler) http.Handler { counter.Handler = api; return counter }, customer.Account)
			for day := range int64(27) {
				w.sleep(8 * time.Hour)
				put(101 + day)
				w.sleep(16 * time.Hour)
			}
			if calls, bytes := counter.calls.Load(), counter.bytes.Load(); calls != c.calls || bytes != c.bytes {
				t.Errorf("%s: %d calls of %d bytes, want %d of %d", c.name, calls, bytes, c.calls, c.bytes)
			}
			pages = append(pages, strings.Join(w.scrape(), "\n"))
		})
	}
	if diff := cmp.Diff(pages[0], pages[1]); diff != "" {
		t.Errorf("pages (-all lines +lines of products):\n%s", diff)
	}
}
