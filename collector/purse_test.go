package collector

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"
)

const (
	balanceFamily  = "ksyun_bill_account_balance_cny"
	expiryFamily   = "ksyun_bill_prepaid_expiry_timestamp_seconds"
	expiringFamily = "ksyun_bill_prepaid_expiring_instances"
)

// withPurse is an account that asks for its balance and for the ends of its instances.
func withPurse(c *customer) Account {
	a := simulated("main", c.Account)
	a.API.PayEndpoint, a.API.TradeEndpoint = a.API.Endpoint, a.API.Endpoint
	return a
}

// purseOptions are options with everything of the purse at its default.
func purseOptions(accounts ...Account) Options {
	o := options(accounts...)
	o.Prepaid.ExpiryWithin = 30 * 24 * time.Hour
	return o
}

// filled lets the customer's wallet have what is stored.
func filled(c *customer, available billsim.Amount) *atomic.Int64 {
	var amount atomic.Int64
	amount.Store(int64(available))
	c.Wallet = func() billsim.Wallet {
		return billsim.Wallet{
			Available: billsim.Amount(amount.Load()), Reward: 3 * billsim.Yuan / 2, Frozen: 7 * billsim.Fen,
		}
	}
	return &amount
}

const balances = `
ksyun_bill_account_balance_cny{account="main",kind="available"} %s
ksyun_bill_account_balance_cny{account="main",kind="reward"} 1.5
ksyun_bill_account_balance_cny{account="main",kind="frozen"} 0.07`

func hasAsked(w *world, action string) (times int) {
	return strings.Count(strings.Join(w.asked(), "\n"), action)
}

// The balance is asked for once an interval, outlives a restart, and goes away when it is too old.
func TestBalance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		amount := filled(c, 12606*billsim.Fen)
		o := purseOptions(withPurse(c))
		o.Refresh.MaxStaleness = 25 * time.Hour
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		compare(t, w.scrape(balanceFamily), fmt.Sprintf(balances, "126.06"))
		if asked := hasAsked(w, billclient.QueryCashWalletAction); asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		amount.Store(-int64(billsim.Yuan))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(balanceFamily), fmt.Sprintf(balances, "-1"))
		if asked := hasAsked(w, billclient.QueryCashWalletAction); asked != 2 {
			t.Errorf("asked %d times in two hours", asked)
		}
		w = w.restart(october(15).Add(3*time.Hour), dir, o)
		compare(t, w.scrape(balanceFamily), fmt.Sprintf(balances, "-1"))
		const source = `{account="main",source="cash_wallet"} `
		for _, sample := range []string{"from_disk" + source + "1", "items" + source + "3"} {
			if !strings.Contains(w.body(), "\nksyun_bill_source_"+sample+"\n") {
				t.Errorf("no %s", sample)
			}
		}
		w.sleep(22 * time.Hour)
		compare(t, w.scrape(balanceFamily), fmt.Sprintf(balances, "-1"))
		w.sleep(3 * time.Hour)
		compare(t, w.scrape(balanceFamily), "")
	})
}

// Without the endpoints nothing is asked, and the page has nothing of it, not even what was kept.
func TestWithoutPurse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.Prepaid = ending("kec-9", "2026-10-20 23:59:59")
		filled(c, billsim.Yuan)
		o := purseOptions(withPurse(c))
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		if got := len(w.scrape(balanceFamily, expiryFamily, expiringFamily)); got != 6 {
			t.Errorf("%d samples before", got)
		}
		off := options(simulated("main", c.Account))
		w = w.restart(october(15).Add(time.Minute), dir, off)
		for _, text := range []string{"balance_cny", "ksyun_bill_prepaid", `"cash_wallet"`, `"prepaid_instances"`} {
			if strings.Contains(w.body(), text) {
				t.Errorf("the page has %s", text)
			}
		}
		if s := w.bills.Status().Accounts[0]; s.Balance != nil || s.Ends != nil {
			t.Errorf("people are shown %v and %v", s.Balance, s.Ends)
		}
		w = w.restart(october(15).Add(2*time.Minute), dir, o) // what was kept is wanted again
		if got := len(w.scrape(balanceFamily, expiryFamily, expiringFamily)); got != 6 {
			t.Errorf("%d samples after", got)
		}
	})
}

// People are shown the balance, of gifts and frozen money only if there is some, and the ten instances that end first.
func TestStatusOfPurse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		all := []billsim.Purchase{boughtUntil("kec-1", "2026-10-16 23:59:59"), boughtUntil("far", "2026-11-20 23:59:59")}
		for day := 17; day <= 27; day++ {
			all = append(all, boughtUntil(fmt.Sprint("kec-", day), fmt.Sprintf("2026-10-%d 23:59:59", day)))
		}
		all[2].AutoRenew = true
		c.Prepaid = purchases(all...)
		c.Wallet = func() billsim.Wallet { return billsim.Wallet{Frozen: billsim.Fen} }
		account := withPurse(c)
		account.API.UnionEndpoint = account.API.Endpoint
		o := purseOptions(account)
		o.Products = []metrics.ProductMapping{{Group: "VM_GROUP", Code: "KEC"}}
		w := start(t, october(15), o, c.Account)
		check := func(name, want string) {
			t.Helper()
			s, got := w.bills.Status().Accounts[0], ""
			for _, b := range s.Balance {
				got += fmt.Sprintf("%s %v\n", b.Key, b.Cost.Float64())
			}
			for _, e := range s.Ends {
				got += fmt.Sprintln(e.Product, e.ProductName, e.ProjectID, e.Instance, e.Name, e.Renewal,
					e.At.Format(time.DateTime))
			}
			if got += fmt.Sprintln("and", s.MoreEnds); got != want {
				t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
			}
		}
		var want strings.Builder
		want.WriteString("available 0\nfrozen 0.01\n")
		want.WriteString("KEC 云服务器(KEC) 7 kec-1 web-kec-1 manual 2026-10-16 23:59:59\n")
		want.WriteString("KEC 云服务器(KEC) 7 kec-17  auto 2026-10-17 23:59:59\n")
		for day := 18; day <= 25; day++ {
			fmt.Fprintf(&want, "KEC 云服务器(KEC) 7 kec-%d  manual 2026-10-%d 23:59:59\n", day, day)
		}
		check("ten of twelve", want.String()+"and 2\n")
		w.sleep(73 * time.Hour)
		if s := w.bills.Status().Accounts[0]; len(s.Ends) != 10 || s.Ends[0].Instance != "kec-18" || s.MoreEnds != 0 {
			t.Errorf("three days later: %v and %d", s.Ends, s.MoreEnds)
		}
	})
}

// Numbers of another endpoint, or of a shorter time, are not those that are wanted: they go, and are asked for at once.
func TestPurseOfAnotherService(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		left   int // samples
	}{
		{"nothing", func(*Options) {}, 6},
		{"pay_endpoint", func(o *Options) { o.Accounts[0].API.PayEndpoint = "http://kingpay.api.ksyun.com" }, 3},
		{"trade_endpoint", func(o *Options) { o.Accounts[0].API.TradeEndpoint = "http://trade.api.ksyun.com" }, 3},
		{"expiry_within", func(o *Options) { o.Prepaid.ExpiryWithin = 31 * 24 * time.Hour }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				customer.Prepaid = ending("kec-9", "2026-10-20 23:59:59")
				filled(customer, billsim.Yuan)
				o := purseOptions(withPurse(customer))
				w := start(t, october(15), keptIn(t, dir, o), customer.Account)
				c.change(&o)
				w = w.restart(october(15).Add(time.Minute), dir, o)
				if got := len(w.scrape(balanceFamily, expiryFamily, expiringFamily)); got != c.left {
					t.Errorf("%d samples are left, want %d", got, c.left)
				}
				if asked := len(w.asked()) > 0; asked != (c.left < 6) {
					t.Errorf("the API was asked: %t", asked)
				}
			})
		})
	}
}

// A balance in another currency is not shown, and its source says why. The costs, which name their own, are.
func TestBalanceInDollars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		filled(c, billsim.Yuan)
		var answer atomic.Pointer[string]
		w := startWith(t, october(15), purseOptions(withPurse(c)),
			answering(billclient.QueryCashWalletAction, &answer), c.Account)
		compare(t, w.scrape(balanceFamily), fmt.Sprintf(balances, "1"))
		dollars := `{"status":200,"request_id":"r","data":{"userId":"1","availableAmount":7,"currency":"USD"}}`
		answer.Store(&dollars)
		w.log.take()
		w.sleep(time.Hour)
		compare(t, w.scrape(balanceFamily, "ksyun_bill_account_cost_cny"),
			`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		if !strings.Contains(w.body(), `ksyun_bill_source_up{account="main",source="cash_wallet"} 0`+"\n") {
			t.Error("the source works")
		}
		const says = `reason=decode err="QueryCashWalletAction (HTTP 200, request id r): Currency \"USD\": only amounts in CNY`
		if log := w.log.take(); !strings.Contains(log, says) {
			t.Errorf("log: %s", log)
		}
		answer.Store(nil)
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(balanceFamily), fmt.Sprintf(balances, "1"))
	})
}

// A balance and instances of another customer than the configuration expects are not taken.
func TestPurseOfAnotherCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		account := withPurse(c)
		account.CustomerID = "1"
		wallet := `{"status":200,"data":{"customerId":"2","availableAmount":"7","currency":"CNY"}}`
		instances := `{"RequestId":"r","data":{"total":1,"retResponse":[{"instanceId":"x","userId":2,"status":2,` +
			`"billingEndTime":"2026-10-20 23:59:59"}]}}`
		w := startWith(t, october(15), purseOptions(account), func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answers := map[string]string{
					billclient.QueryCashWalletAction: wallet, billclient.QueryInstances: instances,
				}
				text, ok := answers[r.URL.Query().Get("Action")]
				if !ok {
					api.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, text)
			})
		}, c.Account)
		compare(t, w.scrape(balanceFamily, expiryFamily, "ksyun_bill_account_cost_cny"),
			`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		log := w.log.take()
		for _, says := range []string{
			`reason=auth err="QueryCashWalletAction: the balance is of customer 2, customer_id expects 1"`,
			`reason=auth err="QueryInstances: an instance is of customer 2, customer_id expects 1"`,
		} {
			if !strings.Contains(log, says) {
				t.Errorf("no %s in %s", says, log)
			}
		}
	})
}

// ending is an instance that was bought on the 1st of October and ends at some time.
func ending(id, end string) func(string) []billsim.Purchase { return purchases(boughtUntil(id, end)) }

func boughtUntil(id, end string) billsim.Purchase {
	return billsim.Purchase{
		ProductCode: "KEC", ProductName: "云服务器", ProjectID: "7", InstanceID: id, Day: "2026-10-01",
		StartTime: "2026-10-01 00:00:00", EndTime: end, Cost: billsim.Yuan,
	}
}

func purchases(all ...billsim.Purchase) func(string) []billsim.Purchase {
	return func(month string) []billsim.Purchase {
		if month == "2026-10" {
			return all
		}
		return nil
	}
}

// Ends come into the page and leave it by the clock alone, to the second.
func TestEndsOfInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		auto := boughtUntil("disk-1", "2026-10-22 12:30:00")
		auto.ProductCode, auto.ProjectID, auto.AutoRenew = "EBS", "", true
		refund := boughtUntil("gone", "2026-10-18 23:59:59")
		refund.Kind, refund.StartTime = billsim.Refunded, "2026-10-19 00:00:00"
		c.Prepaid = purchases(
			boughtUntil("kec-1", "2026-10-15 14:00:00"), auto, boughtUntil("late", "2026-11-14 13:00:00"),
			boughtUntil("later", "2026-11-18 12:00:00"), refund,
		)
		w := start(t, october(15), purseOptions(withPurse(c)), c.Account)
		const families = expiryFamily + " " + expiringFamily
		const first = `
ksyun_bill_prepaid_expiry_timestamp_seconds{account="main",product_code="VM_GROUP",project_id="7",instance_id="kec-1",instance_name="web-kec-1",renewal="manual"} 1792044000`
		const disk = `
ksyun_bill_prepaid_expiry_timestamp_seconds{account="main",product_code="EBS_GROUP",project_id="__none__",instance_id="disk-1",instance_name="__none__",renewal="auto"} 1792643400`
		const late = `
ksyun_bill_prepaid_expiry_timestamp_seconds{account="main",product_code="VM_GROUP",project_id="7",instance_id="late",instance_name="__none__",renewal="manual"} 1794632400`
		counts := func(ebs, vm, all int) string {
			return fmt.Sprintf(`
ksyun_bill_prepaid_expiring_instances{account="main",product_code="EBS_GROUP",renewal="auto",within="7d"} %d
ksyun_bill_prepaid_expiring_instances{account="main",product_code="EBS_GROUP",renewal="auto",within="30d"} 1
ksyun_bill_prepaid_expiring_instances{account="main",product_code="VM_GROUP",renewal="manual",within="7d"} %d
ksyun_bill_prepaid_expiring_instances{account="main",product_code="VM_GROUP",renewal="manual",within="30d"} %d`, ebs, vm, all)
		}
		shown := func() []string { return w.scrape(strings.Fields(families)...) }
		compare(t, shown(), first+disk+counts(0, 1, 1))
		w.asked()
		w.sleepUntil(october(15).Add(30*time.Minute - 2*time.Second))
		compare(t, shown(), first+disk+counts(0, 1, 1))
		w.sleep(time.Second + time.Nanosecond)
		compare(t, shown(), first+disk+counts(1, 1, 1))
		w.sleepUntil(october(15).Add(time.Hour - 2*time.Second))
		compare(t, shown(), first+disk+counts(1, 1, 1))
		w.sleep(time.Second + time.Nanosecond)
		compare(t, shown(), first+disk+late+counts(1, 1, 2))
		w.sleepUntil(october(15).Add(2*time.Hour - time.Second))
		compare(t, shown(), first+disk+late+counts(1, 1, 2))
		w.sleep(time.Nanosecond)
		compare(t, shown(), disk+late+counts(1, 0, 1))
		if asked := hasAsked(w, billclient.QueryInstances); asked != 0 {
			t.Errorf("asked %d times", asked)
		}
		w.sleep(6 * time.Hour)
		if asked := hasAsked(w, billclient.QueryInstances); asked != 1 {
			t.Errorf("asked %d times in a details_interval", asked)
		}
	})
}

// Of many instances those that end first are shown, all are counted, and they are asked for page by page.
func TestManyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		var all []billsim.Purchase
		for i := range 250 {
			end := time.Date(2026, 10, 16, 0, 250-i, 0, 0, time.UTC)
			all = append(all, boughtUntil(fmt.Sprintf("i-%03d", i), end.Format(time.DateTime)))
		}
		c.Prepaid = purchases(all...)
		w := start(t, october(15), purseOptions(withPurse(c)), c.Account)
		w.sleep(time.Minute)
		shown := w.scrape(expiryFamily)
		if len(shown) != 200 || !strings.Contains(shown[0], `"i-249"`) || !strings.Contains(shown[199], `"i-050"`) {
			t.Errorf("%d are shown, from %s to %s", len(shown), shown[0], shown[len(shown)-1])
		}
		compare(t, w.scrape(expiringFamily), `
ksyun_bill_prepaid_expiring_instances{account="main",product_code="VM_GROUP",renewal="manual",within="7d"} 250
ksyun_bill_prepaid_expiring_instances{account="main",product_code="VM_GROUP",renewal="manual",within="30d"} 250`)
		if asked := hasAsked(w, billclient.QueryInstances); asked != 3 {
			t.Errorf("asked %d times, want 3 pages", asked)
		}
	})
}

// Spans of which not all ends are known are not counted, and the configured one is kept to the second.
func TestShortExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.Prepaid = purchases(boughtUntil("a", "2026-10-20 00:00:00"), boughtUntil("b", "2026-10-25 12:30:00"))
		o := purseOptions(withPurse(c))
		o.Prepaid.ExpiryWithin = 10 * 24 * time.Hour
		w := start(t, october(15), o, c.Account)
		compare(t, w.scrape(expiringFamily),
			`ksyun_bill_prepaid_expiring_instances{account="main",product_code="VM_GROUP",renewal="manual",within="7d"} 1`)
		w.sleepUntil(october(15).Add(30*time.Minute - 2*time.Second))
		if got := len(w.scrape(expiryFamily)); got != 1 {
			t.Errorf("%d ends before", got)
		}
		w.sleep(time.Second + time.Nanosecond)
		if got := len(w.scrape(expiryFamily)); got != 2 {
			t.Errorf("%d ends after", got)
		}
	})
}

// What was read too long ago is not shown, to the second.
func TestOldPurse(t *testing.T) {
	t.Parallel()
	for action, c := range map[string]struct {
		families []string
		without  func(*Account)
	}{
		billclient.QueryInstances:        {[]string{expiryFamily, expiringFamily}, func(a *Account) { a.API.PayEndpoint = "" }},
		billclient.QueryCashWalletAction: {[]string{balanceFamily}, func(a *Account) { a.API.TradeEndpoint = "" }},
	} {
		t.Run(action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				customer.Prepaid = ending("kec-9", "2026-10-30 23:59:59")
				filled(customer, billsim.Yuan)
				a := withPurse(customer)
				c.without(&a)
				w := start(t, october(15), purseOptions(a), customer.Account)
				away := billsim.Page(503)
				away.Action = action
				w.api.Fault(away)
				w.sleepUntil(october(15).Add(72*time.Hour - 2*time.Second))
				if got := len(w.scrape(c.families...)); got != 3 {
					t.Errorf("%d samples while they are new enough", got)
				}
				w.sleep(2 * time.Second)
				compare(t, w.scrape(c.families...), "")
			})
		})
	}
}
