package collector

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// An empty answer to a new key does not tell whose it is: nothing of the former key is shown, and nothing is lost. Once
// a bill tells that the customer is the same, what was kept is shown again.
func TestNewKeyAndEmptyAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, again := newCustomer("1"), newCustomer("1")
		again.AccessKeyID = "AKnew"
		c.bill("2026-09", server("kec-1", 300))
		c.bill("2026-10", server("kec-1", 100))
		account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
		w := start(t, october(15), options(account), c.Account, again.Account)
		families := []string{"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"}
		key.Store(keyOf(again))
		w.sleep(time.Minute)
		compare(t, w.scrape(families...), "")
		again.bill("2026-10", server("kec-1", 400))
		w.sleep(time.Hour)
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 4
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3`)
	})
}

// Where the new key may not see bills, an estimate tells whose it is.
func TestNewKeyAndDeniedBills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, again := newCustomer("1"), newCustomer("1")
		again.AccessKeyID, again.Denied = "AKnew", []string{getMonthBill}
		c.bill("2026-09", server("kec-1", 300))
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 100)))
		again.consume("2026-10", 14, on("2026-10-14", server("kec-1", 500)))
		account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
		w := start(t, october(15), options(account), c.Account, again.Account)
		key.Store(keyOf(again))
		w.sleep(time.Minute)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 5
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3`)
	})
}

// A new key that may see neither bills nor estimates does not tell whose it is: nothing of the former key is shown,
// also after a restart, and all of it comes back with that key.
func TestNewKeyWithoutBills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		before, after := newCustomer("11"), newCustomer("22")
		before.bill("2026-10", server("kec-1", 100))
		after.bill("2026-10", server("kec-9", 900))
		after.Denied = []string{getMonthBill, "getMonthConsume"}
		account, key := withKey(simulated("main", before.Account), before.AccessKeyID, before.SecretAccessKey)
		o := keptIn(t, t.TempDir(), options(account))
		w := start(t, october(15), o, before.Account, after.Account)
		numbers := w.scrape()
		key.Store(keyOf(after))
		w.sleep(25 * time.Hour)
		compare(t, w.scrape(), "")
		w.end()
		w.run(o)
		w.sleep(time.Second)
		compare(t, w.scrape(), "")
		key.Store(keyOf(before))
		away := billsim.Page(503)
		w.api.Fault(away)
		w.sleep(time.Minute)
		compare(t, w.scrape(), strings.Join(numbers, "\n"))
	})
}

// A key that is replaced while it asks is asked with to the end of the call, and its numbers are those of its customer.
// Within a minute the new key takes its place, and shows nothing of them.
func TestKeyIsReplacedDuringACall(t *testing.T) {
	const bills, estimates = "GetMonthBill 2026-07 2026-10", "getMonthConsume 2026-10\ngetMonthConsume 2026-09"
	const lines = "getPostpayDetailConsume 2026-10 0\ngetPostpayDetailConsume 2026-09 0"
	for _, during := range []string{getMonthBill, "getMonthConsume", "getPostpayDetailConsume"} {
		t.Run(during, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before, after := newCustomer("11"), newCustomer("22")
				for i, customer := range []*customer{before, after} {
					customer.bill("2026-10", server("kec-1", int64(100+i*800)))
					customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", int64(100+i*800))))
					customer.consume("2026-09", 30, on("2026-09-30", server("kec-1", int64(200+i*500))))
				}
				account, key := withKey(simulated("main", before.Account), before.AccessKeyID, before.SecretAccessKey)
				away := billsim.Page(503)
				away.AccessKeyID = after.AccessKeyID
				arrive := func() {}
				replace := func(api http.Handler) http.Handler {
					arrive = api.(*billsim.Server).Fault(away)
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						api.ServeHTTP(w, r)
						if r.URL.Query().Get("Action") == during {
							key.Store(keyOf(after))
						}
					})
				}
				w := startWith(t, october(15), options(account), replace, before.Account, after.Account)
				families := []string{
					"ksyun_bill_account_cost_cny", "ksyun_bill_region_cost_cny", "ksyun_bill_past_month_estimate_cny",
				}
				compare(t, w.asked(), bills+"\n"+estimates+"\n"+lines)
				compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 1
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 2`)
				w.sleep(time.Minute)
				compare(t, w.scrape(families...), "")
				arrive()
				w.sleep(time.Hour)
				compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 9
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 9
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 7`)
			})
		})
	}
}

// Lines that take hours end with their key: nothing of them is shown under the next one.
func TestKeyIsReplacedDuringLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := newCustomer("11"), newCustomer("22")
		before.bill("2026-10", server("kec-1", 100), server("kec-2", 100))
		after.bill("2026-10", server("kec-9", 900))
		account, key := withKey(simulated("main", before.Account), before.AccessKeyID, before.SecretAccessKey)
		slow := billsim.Fault{Action: getDetailBill, AccessKeyID: before.AccessKeyID, Drip: 50 * time.Second}
		var stop func()
		w := startWith(t, october(15), options(account), faulty(&slow, &stop), before.Account, after.Account)
		key.Store(keyOf(after))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_region_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 9
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 9`)
	})
}

// Whatever becomes of names and keys, by a reload or over a restart, with the API there or away: no account shows what
// another customer's key has read, and each shows what was kept of its own key's.
func TestNumbersFollowTheKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		names map[string]string // the account's name by its customer, afterwards
	}{
		{"an account is renamed beside a new one of its name", map[string]string{"1": "prod-old", "2": "prod"}},
		{"two accounts swap their keys", map[string]string{"1": "test", "3": "prod"}},
		{"an account is renamed", map[string]string{"1": "production", "3": "test"}},
	} {
		for _, how := range []string{"reload", "restart"} {
			for _, isAway := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s by a %s, away %t", c.name, how, isAway), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { checkNumbersFollowTheKey(t, c.names, how, isAway) })
				})
			}
		}
	}
}

func checkNumbersFollowTheKey(t *testing.T, names map[string]string, how string, isAway bool) {
	customers := map[string]*customer{}
	var simulatedAccounts []billsim.Account
	for id, fen := range map[string]int64{"1": 100, "2": 200, "3": 300} {
		customers[id] = newCustomer(id)
		customers[id].bill("2026-10", server("kec-"+id, fen))
		simulatedAccounts = append(simulatedAccounts, customers[id].Account)
	}
	accountsOf := func(names map[string]string) (accounts []Account) {
		for _, id := range []string{"1", "2", "3"} {
			if name, ok := names[id]; ok {
				accounts = append(accounts, simulated(name, customers[id].Account))
				accounts[len(accounts)-1].Keys = id
			}
		}
		return accounts
	}
	o := keptIn(t, t.TempDir(), options(accountsOf(map[string]string{"1": "prod", "3": "test"})...))
	w := start(t, october(15), o, simulatedAccounts...)
	if isAway {
		w.api.Fault(billsim.Page(503))
	}
	o.Accounts = accountsOf(names)
	if how == "reload" {
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Fatal(err)
		}
	} else {
		w.end()
		w.run(o)
	}
	check := func() {
		t.Helper()
		var want []string
		for id, name := range names {
			if id != "2" || !isAway { // of which nothing was kept
				want = append(want, fmt.Sprintf(`ksyun_bill_account_cost_cny{account=%q,pay_mode="postpaid"} %s`, name, id))
			}
		}
		got := w.scrape("ksyun_bill_account_cost_cny")
		slices.Sort(want)
		slices.Sort(got)
		compare(t, got, strings.Join(want, "\n"))
	}
	w.sleep(time.Second)
	check()
	w.sleep(90 * time.Minute)
	check()
	w.end()
	w.run(o)
	w.sleep(time.Second)
	check()
}

// A key that becomes another one is kept apart on disk, under a name of its own, until its numbers are shown again.
func TestFormerKeyOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := newCustomer("11"), newCustomer("22")
		before.bill("2026-10", server("kec-1", 100))
		after.bill("2026-10", server("kec-9", 900))
		account, key := withKey(simulated("main", before.Account), before.AccessKeyID, before.SecretAccessKey)
		dir := t.TempDir()
		o := keptIn(t, dir, options(account))
		w := start(t, october(15), o, before.Account, after.Account)
		states := func() []string {
			files, err := filepath.Glob(filepath.Join(dir, "*"+stateSuffix))
			if err != nil {
				t.Fatal(err)
			}
			for i := range files {
				files[i] = filepath.Base(files[i])
			}
			return files
		}
		key.Store(keyOf(after))
		w.sleep(time.Minute)
		former := "main~" + fingerprint(before.AccessKeyID) + stateSuffix
		compare(t, states(), "main.state\n"+former)
		key.Store(keyOf(before))
		w.sleep(2 * time.Minute)
		compare(t, states(), "main.state\n"+"main~"+fingerprint(after.AccessKeyID)+stateSuffix)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		if _, err := os.Stat(filepath.Join(dir, former)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", former, err)
		}
	})
}

// A key that comes to belong to another customer takes nothing over from the one before, and shows nothing where the
// configuration expects somebody else.
func TestKeyOfAnotherCustomer(t *testing.T) {
	for _, c := range []struct {
		name, expected, want string
	}{
		{"not expected", "11", `
ksyun_bill_account_info{account="main",customer_id="11"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 0
ksyun_bill_source_up{account="main",source="month_bill"} 0
ksyun_bill_source_up{account="main",source="month_consume"} 0`},
		{"whoever it is", "", `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 9
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 9
ksyun_bill_account_info{account="main",customer_id="22"} 1
ksyun_bill_source_up{account="main",source="detail_bill"} 1
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before, after := newCustomer("11"), newCustomer("22")
				before.bill("2026-10", server("kec-1", 100))
				before.bill("2026-09", server("kec-1", 300))
				after.bill("2026-10", server("kec-9", 900))
				account, key := withKey(simulated("main", before.Account), before.AccessKeyID, before.SecretAccessKey)
				account.CustomerID = c.expected
				w := start(t, october(15), options(account), before.Account, after.Account)
				if got := w.scrape("ksyun_bill_region_cost_cny"); len(got) != 1 {
					t.Fatalf("before: %q", got)
				}
				key.Store(keyOf(after))
				w.sleepUntil(nextTick("main", time.Hour, time.Now()).Add(5 * time.Second))
				compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_region_cost_cny",
					"ksyun_bill_account_info", "ksyun_bill_past_month_account_cost_cny", "ksyun_bill_source_up"),
					c.want)
			})
		})
	}
}

// A key file that comes late, or goes for a while, is noticed within a minute once it is there; no number is lost.
func TestLateKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		account, key := withKey(simulated("main", c.Account), "", "")
		w := start(t, october(15), options(account), c.Account)
		w.sleep(90 * time.Second)
		compare(t, w.asked(), "")
		const up = `ksyun_bill_source_up{account="main",source="month_bill"} `
		const cost = `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`
		expect := func(want string, works string) {
			t.Helper()
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), want)
			if got := w.scrape("ksyun_bill_source_up"); !slices.Contains(got, up+works) {
				t.Errorf("%q, want %s", got, works)
			}
		}
		expect("", "0")
		const said = `source=month_bill duration=0s msg="refresh failed, there are no numbers yet" reason=auth` +
			` err="GetMonthBill: credentials: access_key_id_file: it is not there"`
		if log := w.log.take(); strings.Count(log, "source=month_bill") != 1 || !strings.Contains(log, said) {
			t.Errorf("log: %s", log)
		}
		key.Store(keyOf(c))
		w.sleep(time.Minute)
		expect(cost, "1")
		key.Store(&billclient.Credentials{})
		w.sleep(2 * time.Hour)
		expect(cost, "0")
		key.Store(keyOf(c))
		w.sleep(time.Minute)
		expect(cost, "1")
	})
}

// A new key of the same customer, as its bills tell, changes nothing, and no line is read for it.
func TestNewKeyOfTheSameCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := newCustomer("1"), newCustomer("1")
		after.AccessKeyID = "AK1b"
		for _, c := range []*customer{before, after} {
			c.bill("2026-10", server("kec-1", 100))
		}
		account, key := withKey(simulated("main", before.Account), before.AccessKeyID, before.SecretAccessKey)
		w := start(t, october(15), options(account), before.Account, after.Account)
		numbers := w.scrape()
		w.asked()
		key.Store(keyOf(after))
		w.sleep(time.Hour)
		compare(t, w.asked(), "GetMonthBill 2026-07 2026-10\n"+ // which tells whose the key is; then the tick
			"GetMonthBill 2026-07 2026-10\nGetMonthBill 2026-07 2026-07\nGetMonthBill 2026-08 2026-08\n"+
			"GetMonthBill 2026-09 2026-09\ngetMonthConsume 2026-10\ngetMonthConsume 2026-09")
		compare(t, w.scrape(), strings.Join(numbers, "\n"))
	})
}

// A key file that is unreadable for a moment is no other key: what was read is kept.
func TestKeyUnreadableForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
		w := start(t, october(15), options(account), c.Account)
		c.bill("2026-10", server("kec-1", 500))
		w.api.Fault(billsim.Fault{Action: getMonthBill, Drip: 20 * time.Millisecond})
		w.log.take()
		w.sleepUntil(nextTick("main", time.Hour, time.Now()))
		key.Store(&billclient.Credentials{})
		w.sleep(30 * time.Minute)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"),
			`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 5`)
		if said := w.log.take(); strings.Contains(said, "replaced") {
			t.Errorf("log: %s", said)
		}
	})
}

// Keys that take turns with every call do not make the account ask without a pause.
func TestKeysInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, other := newCustomer("1"), newCustomer("2")
		account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
		account.API.RequestsPerSecond = 2
		between := func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next := keyOf(c)
				if key.Load().AccessKeyID == c.AccessKeyID {
					next = keyOf(other)
				}
				key.Store(next)
				api.ServeHTTP(w, r)
			})
		}
		w := startWith(t, october(15), options(account), between, c.Account, other.Account)
		w.asked()
		w.sleep(10 * time.Minute)
		if calls := len(w.asked()); calls == 0 || calls > 20 {
			t.Errorf("%d calls in ten minutes", calls)
		}
	})
}

// An account whose key cannot be read shows nothing that another key has read, though it has that account's name.
func TestRenamedBesideALateKey(t *testing.T) {
	for _, how := range []string{"reload", "restart"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := newCustomer("1"), newCustomer("2")
				one.bill("2026-10", server("kec-1", 100))
				two.bill("2026-10", server("kec-2", 200))
				prod := simulated("prod", one.Account)
				prod.Keys = "file 1"
				o := keptIn(t, t.TempDir(), options(prod))
				w := start(t, october(15), o, one.Account, two.Account)
				fresh, key := withKey(simulated("prod", two.Account), "", "")
				fresh.Keys = "file 2"
				old := prod
				old.Name = "prod-old"
				o.Accounts = []Account{fresh, old}
				if how == "reload" {
					if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
						t.Fatal(err)
					}
				} else {
					w.end()
					w.run(o)
				}
				w.sleep(time.Second)
				compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="prod-old",pay_mode="postpaid"} 1`)
				key.Store(keyOf(two))
				w.sleep(2 * time.Minute)
				compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="prod",pay_mode="postpaid"} 2
ksyun_bill_account_cost_cny{account="prod-old",pay_mode="postpaid"} 1`)
			})
		})
	}
}

// After a restart without a readable key, the numbers of the key before last do not come back.
func TestFormerKeyIsNotTakenWithoutAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newCustomer("1"), newCustomer("2")
		one.bill("2026-10", server("kec-1", 100))
		two.bill("2026-10", server("kec-2", 200))
		account, key := withKey(simulated("main", one.Account), one.AccessKeyID, one.SecretAccessKey)
		o := keptIn(t, t.TempDir(), options(account))
		w := start(t, october(15), o, one.Account, two.Account)
		key.Store(keyOf(two))
		w.sleep(2 * time.Hour)
		key.Store(&billclient.Credentials{})
		w.end()
		w.run(o)
		w.sleep(time.Second)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2`)
	})
}

// A key that is replaced over a restart while the API is away loses nothing.
func TestKeyReplacedOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, again := newCustomer("1"), newCustomer("1")
		again.AccessKeyID = "AKnew"
		c.bill("2026-09", server("kec-1", 300))
		c.bill("2026-10", server("kec-1", 100))
		again.bill("2026-10", server("kec-1", 100))
		account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
		o := keptIn(t, t.TempDir(), options(account))
		w := start(t, october(15), o, c.Account, again.Account)
		w.end()
		key.Store(keyOf(again))
		back := w.api.Fault(billsim.Page(503))
		w.run(o)
		w.sleep(time.Minute)
		w.end()
		w.run(o)
		back()
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 3`)
	})
}

// Two accounts that swap their keys are both on disk, whenever the end comes.
func TestSwapIsKept(t *testing.T) {
	for _, how := range []string{"reload", "restart"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := newCustomer("1"), newCustomer("2")
				one.bill("2026-10", server("kec-1", 100))
				two.bill("2026-10", server("kec-2", 200))
				accounts := func(a, b *customer) []Account {
					x, y := simulated("a", a.Account), simulated("b", b.Account)
					x.Keys, y.Keys = a.AccessKeyID, b.AccessKeyID
					return []Account{x, y}
				}
				o := keptIn(t, t.TempDir(), options(accounts(one, two)...))
				w := start(t, october(15), o, one.Account, two.Account)
				w.api.Fault(billsim.Page(503))
				o.Accounts = accounts(two, one)
				const want = `
ksyun_bill_account_cost_cny{account="a",pay_mode="postpaid"} 2
ksyun_bill_account_cost_cny{account="b",pay_mode="postpaid"} 1`
				if how == "reload" {
					if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
						t.Fatal(err)
					}
				} else {
					w.end()
					w.run(o)
				}
				for range 13 {
					w.sleep(5 * time.Minute)
					compare(t, w.scrape("ksyun_bill_account_cost_cny"), want)
					w.end()
					w.run(o)
				}
			})
		})
	}
}
