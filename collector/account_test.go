package collector

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/exposition"
)

func TestBadKeyLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := newCustomer("1"), newCustomer("2")
		good.bill("2026-10", server("kec-1", 100))
		wrong, key := withKey(simulated("bad", bad.Account), bad.AccessKeyID, "guessed")
		w := start(t, october(15), options(wrong, simulated("good", good.Account)), good.Account, bad.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_account_info", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="good",pay_mode="postpaid"} 1
ksyun_bill_account_info{account="bad",customer_id=""} 1
ksyun_bill_account_info{account="good",customer_id="1"} 1
ksyun_bill_source_up{account="bad",source="month_bill"} 0
ksyun_bill_source_up{account="bad",source="month_consume"} 0
ksyun_bill_source_up{account="good",source="detail_bill"} 1
ksyun_bill_source_up{account="good",source="month_bill"} 1
ksyun_bill_source_up{account="good",source="month_consume"} 1`)
		if asked, all := w.bills.Readiness(); asked < all {
			t.Error("a bad key keeps the exporter from being ready")
		}

		// A wrong key stays wrong until somebody replaces it; then nobody waits for the next tick.
		w.asked()
		w.sleep(10 * time.Minute)
		compare(t, w.asked(), "")
		key.Store(keyOf(bad))
		w.sleep(time.Minute)
		compare(t, w.scrape("ksyun_bill_source_up"), `
ksyun_bill_source_up{account="bad",source="month_bill"} 1
ksyun_bill_source_up{account="bad",source="month_consume"} 1
ksyun_bill_source_up{account="good",source="detail_bill"} 1
ksyun_bill_source_up{account="good",source="month_bill"} 1
ksyun_bill_source_up{account="good",source="month_consume"} 1`)
	})
}

// Numbers are on disk before they are on the page.
func TestKeptBeforeShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(october(15)))
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		transport, stopAPI := billsim.PipeTransport(billsim.New([]billsim.Account{c.Account}))
		defer stopAPI()
		o := keptIn(t, t.TempDir(), options(simulated("main", c.Account)))
		o.Accounts[0].API.Transport = transport
		bills := New(o, prometheus.NewRegistry(), func(*exposition.Page) {}, log.NewNopLogger())
		a, october, seen := bills.accounts[0], billclient.MonthOf(october(15)), false
		a.onSave = func(error) {
			kept, errs := o.State.load()
			if errs != nil {
				t.Fatal(errs)
			}
			all := bills.show(now()).asOf()
			if !seen && len(kept) > 0 && !kept[0].Snapshot.Months[october].Bill.IsEmpty() {
				if seen = true; !all[0].Snapshot.IsEmpty() {
					t.Error("shown before it was kept")
				}
			}
		}
		(&loop{account: a, custody: a.custody, name: summaryLoop}).refresh(t.Context())
		if all := bills.show(now()).asOf(); !all[0].Snapshot.IsEmpty() {
			t.Error("shown before it is to be kept")
		}
		a.keepNow(t.Context())
		if all := bills.show(now()).asOf(); !seen || all[0].Snapshot.IsEmpty() {
			t.Errorf("kept: %t, and not shown after that", seen)
		}
	})
}

// What is learned within a page's pause is kept once, before the next page. What no page has shown yet is kept when the
// account ends all the same: with the program, with a reload, and with its key.
func TestLearnedIsKeptOnceAndAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(*world, Options, *atomic.Pointer[billclient.Credentials]){
		"the next page": func(w *world, _ Options, _ *atomic.Pointer[billclient.Credentials]) { w.sleep(pagePause) },
		"the end":       func(w *world, _ Options, _ *atomic.Pointer[billclient.Credentials]) { w.end() },
		"a reload": func(w *world, o Options, _ *atomic.Pointer[billclient.Credentials]) {
			o.Months.Past++
			if err := w.bills.Reload(w.t.Context(), w.reach(o)); err != nil {
				w.t.Error(err)
			}
		},
		"another key": func(w *world, _ Options, key *atomic.Pointer[billclient.Credentials]) {
			key.Store(&billclient.Credentials{AccessKeyID: "AKnew", SecretAccessKey: "secret"})
			w.sleep(pagePause * 3 / 4) // over the minute at which the key is looked at
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCustomer("1")
				account, key := withKey(simulated("main", c.Account), c.AccessKeyID, c.SecretAccessKey)
				o := options(account)
				w := start(t, october(15), keptIn(t, t.TempDir(), o), c.Account)
				a, state := w.bills.accounts[0], w.bills.options.State
				marks := func() string {
					all, errs := state.load()
					if errs != nil || len(all) == 0 {
						t.Fatal(all, errs)
					}
					return fmt.Sprint(slices.Sorted(maps.Keys(all[len(all)-1].Marks))) // a former key's comes last
				}
				learn := func(mark string) {
					a.custody.marks.age(mark, now())
					a.publish()
					synctest.Wait()
				}
				w.sleep(wake - time.Second - pagePause/2)
				learn("first")
				learn("second")
				learn("third")
				if got := marks(); got != "[first]" {
					t.Errorf("within the pause: %s", got)
				}
				end(w, o, key)
				if got := marks(); got != "[first second third]" {
					t.Errorf("after %s: %s", name, got)
				}
			})
		})
	}
}

// A file that hangs, or still does, takes no turn to write from other accounts.
func TestTurnsEnd(t *testing.T) {
	saves := 0
	a := &account{
		options: Options{State: &State{}}, disk: patient{hangs: make(chan struct{})},
		writes: make(chan struct{}, 1), onSave: func(err error) {
			if saves++; err == nil {
				t.Error("a file that hangs was written")
			}
		},
	}
	for range 2 {
		a.save(t.Context(), nil)
	}
	if len(a.writes) != 0 || saves != 2 {
		t.Errorf("%d turns are taken after %d saves", len(a.writes), saves)
	}
}
