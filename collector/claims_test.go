package collector

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"
)

// Of two accounts of one customer the first in the file is shown, though the second answered first; a key of an
// unexpected customer shows nothing.
func TestAccountsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newCustomer("7"), newCustomer("7"), newCustomer("9")
		second.AccessKeyID = "AK7b"
		for _, c := range []*customer{first, second, third} {
			c.bill("2026-10", server("kec-1", 100))
		}
		a, key := withKey(simulated("a", first.Account), first.AccessKeyID, "not yet")
		b, unexpected := simulated("b", second.Account), simulated("c", third.Account)
		unexpected.CustomerID = "0008"
		w := start(t, october(15), options(a, b, unexpected), first.Account, second.Account, third.Account)
		families := []string{"ksyun_bill_account_cost_cny", "ksyun_bill_account_info", "ksyun_bill_source_up"}
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="b",pay_mode="postpaid"} 1
ksyun_bill_account_info{account="a",customer_id=""} 1
ksyun_bill_account_info{account="b",customer_id="7"} 1
ksyun_bill_account_info{account="c",customer_id="0008"} 1
ksyun_bill_source_up{account="a",source="month_bill"} 0
ksyun_bill_source_up{account="a",source="month_consume"} 0
ksyun_bill_source_up{account="b",source="detail_bill"} 1
ksyun_bill_source_up{account="b",source="month_bill"} 1
ksyun_bill_source_up{account="b",source="month_consume"} 1
ksyun_bill_source_up{account="c",source="detail_bill"} 0
ksyun_bill_source_up{account="c",source="month_bill"} 0
ksyun_bill_source_up{account="c",source="month_consume"} 0`)
		key.Store(keyOf(first))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="a",pay_mode="postpaid"} 1
ksyun_bill_account_info{account="a",customer_id="7"} 1
ksyun_bill_account_info{account="b",customer_id=""} 1
ksyun_bill_account_info{account="c",customer_id="0008"} 1
ksyun_bill_source_up{account="a",source="detail_bill"} 1
ksyun_bill_source_up{account="a",source="month_bill"} 1
ksyun_bill_source_up{account="a",source="month_consume"} 1
ksyun_bill_source_up{account="b",source="detail_bill"} 0
ksyun_bill_source_up{account="b",source="month_bill"} 0
ksyun_bill_source_up{account="b",source="month_consume"} 0
ksyun_bill_source_up{account="c",source="detail_bill"} 0
ksyun_bill_source_up{account="c",source="month_bill"} 0
ksyun_bill_source_up{account="c",source="month_consume"} 0`)
		var refusals []string
		for line := range strings.Lines(w.log.take()) {
			if strings.Contains(line, "refused, its numbers") {
				refusals = append(refusals, strings.TrimSpace(line))
			}
		}
		compare(t, refusals, `
level=error account=c msg="account refused, its numbers are not shown" err="the key belongs to customer 9, customer_id expects 0008"
level=error account=b msg="account refused, its numbers are not shown" err="account a has the numbers of customer 7 already"`)
	})
}

// Where nothing tells the customer, two accounts of one key are not shown twice either.
func TestOneKeyOfTwoAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.put("2026-10", billsim.Bill{ID: "X1", SummaryOnly: []billsim.Product{{Code: "KEC", Cost: 4 * billsim.Yuan}}})
		w := start(t, october(15), options(simulated("a", c.Account), simulated("b", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"),
			`ksyun_bill_account_cost_cny{account="a",pay_mode="postpaid"} 4`)
		const why = `account=b msg="account refused, its numbers are not shown"` +
			` err="account a has the numbers of the same key already"`
		if said := w.log.take(); !strings.Contains(said, why) {
			t.Errorf("want %s in the log:\n%s", why, said)
		}
	})
}

// Nor is what is not postpaid shown twice.
func TestOneKeyWithoutPostpaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		a := complete(c)
		again := a
		again.Name = "again"
		w := start(t, october(15), options(a, again), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01`)
	})
}

// With customer_id configured, nothing is shown before an answer tells whose numbers these are, and no line of another
// customer is added up.
func TestCustomerIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("11")
		stranger := server("kec-2", 200)
		stranger.CustomerID = "12"
		c.put("2026-10", billsim.Bill{ID: "B-1", Lines: slices.Values([]billsim.Line{server("kec-1", 100), stranger})})
		account := simulated("main", c.Account)
		account.CustomerID = "0011"
		o := keptIn(t, t.TempDir(), options(account))
		w := start(t, october(15), o, c.Account)
		compare(t, w.scrape(), "")
		log := w.log.take()
		for _, want := range []string{
			"nothing tells yet whose numbers these are, customer_id expects 0011",
			"2026-10: GetPostpayDetailBill: a line is of customer 12, customer_id expects 0011",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %s:\n%s", want, log)
			}
		}
		seen := func() (refused *metrics.Refusal, foreign []string) {
			status := w.bills.Status().Accounts[0]
			for _, s := range status.Sources {
				if s.Foreign {
					foreign = append(foreign, s.Name)
				}
			}
			return status.Refused, foreign
		}
		w.end()
		w.run(o)
		w.sleep(time.Second)
		refused, foreign := seen()
		if want := (metrics.Refusal{Expected: "0011"}); refused == nil || *refused != want ||
			!slices.Equal(foreign, []string{"detail_bill"}) {
			t.Errorf("refused %+v, foreign %q", refused, foreign)
		}
		c.put("2026-10", billsim.Bill{ID: "B-1", Lines: slices.Values([]billsim.Line{server("kec-1", 100)})})
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		if refused, foreign := seen(); refused != nil || foreign != nil {
			t.Errorf("refused %+v, foreign %q, with the right customer's lines", refused, foreign)
		}
	})
}

// What the ids of bills suggest need not be what their lines say: lines are right, and are not read anew for it.
func TestBillIDSuggestsAnotherCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("11")
		c.put("2026-10", billsim.Bill{
			ID: "KSYZD0000000099202610", Lines: slices.Values([]billsim.Line{server("kec-1", 100)}),
		})
		c.put("2026-09", billsim.Bill{
			ID: "KSYZD0000000099202609", Lines: slices.Values([]billsim.Line{server("kec-1", 1)}),
		})
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		w.asked()
		w.sleep(3 * time.Hour)
		for _, call := range w.asked() {
			if strings.HasPrefix(call, getDetailBill) {
				t.Errorf("read anew: %s", call)
			}
		}
		compare(t, w.scrape("ksyun_bill_account_info", "ksyun_bill_region_cost_cny"), `
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 1
ksyun_bill_account_info{account="main",customer_id="11"} 1`)
	})
}

// One bill under two accounts proves that they are of one customer, though its id tells no customer, and there are no
// lines: it is not counted twice.
func TestOneBillOfTwoAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newCustomer("1"), newCustomer("2")
		for _, c := range []*customer{a, b} {
			c.put("2026-10", billsim.Bill{ID: "B-2026-10", Lines: slices.Values([]billsim.Line{server("kec-1", 100)})})
			c.Denied = []string{getDetailBill}
		}
		w := start(t, october(15), options(simulated("a", a.Account), simulated("b", b.Account)), a.Account, b.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="a",pay_mode="postpaid"} 1`)
	})
}

// With customer_id configured, other pay modes alone are shown no sooner than it is known whose they are.
func TestOtherPayModesOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("11")
		c.Denied = []string{getMonthBill, "getMonthConsume"}
		account := complete(c)
		account.CustomerID = "22"
		w := start(t, october(15), options(account), c.Account)
		compare(t, w.scrape("ksyun_bill_all_modes_product_cost_cny"), "")
	})
}

// A range that has the bills of two customers is an error. Months that are surely the account's are taken all the same:
// by its configuration, or because lines prove that the ids tell no customer. Without that, none is.
func TestRangeOfTwoCustomers(t *testing.T) {
	const failed = `
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 1`
	for name, tt := range map[string]struct{ customer, september, october, lines, want string }{
		"not known": {"", "101", "202", "", `
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 1`},
		"of neither": {"303", "101", "202", "", `
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 1`},
		"the newer one": {"202", "101", "202", "202", `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2` + failed},
		"the older one": {"101", "101", "202", "101", `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1` + failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCustomer(tt.lines)
				c.put("2026-09", billsim.Bill{
					ID: "KSYZD0000000" + tt.september + "202609", Lines: slices.Values([]billsim.Line{server("kec-1", 100)}),
				})
				c.put("2026-10", billsim.Bill{
					ID: "KSYZD0000000" + tt.october + "202610", Lines: slices.Values([]billsim.Line{server("kec-1", 200)}),
				})
				o := options(simulated("main", c.Account))
				o.Accounts[0].CustomerID = tt.customer
				o.Months.Past = 1
				w := start(t, october(15), o, c.Account)
				compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny",
					"ksyun_bill_source_up"), tt.want)
			})
		})
	}
}

// Ids that look like those of several customers, though all lines are of one that is none of them, tell no customer.
func TestIDsThatTellNoCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("11")
		put := func(month, id string, fen int64) {
			c.put(month, billsim.Bill{ID: id, Lines: slices.Values([]billsim.Line{server("kec-1", fen)})})
		}
		put("2026-10", "KSYZD0000000099202610", 100)
		o := options(simulated("main", c.Account))
		o.Months.Past = 1
		w := start(t, october(15), o, c.Account)
		put("2026-10", "KSYZD0000000098202610", 200)
		put("2026-09", "KSYZD0000000097202609", 300)
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
	})
}
