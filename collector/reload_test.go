package collector

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"
)

// What a change of the configuration does: to the numbers, to the calls that are made for it, to accounts that have
// nothing to do with it.
func TestReload(t *testing.T) {
	t.Parallel()
	const a, b = `ksyun_bill_account_cost_cny{account="a",pay_mode="postpaid"} 1`,
		`ksyun_bill_account_cost_cny{account="b",pay_mode="postpaid"} 2`
	for _, c := range []struct {
		name   string
		change func(o *Options, third Account)
		shown  string
		asked  int // GetMonthBill calls for it
		anew   int // accounts that start for it
	}{
		{"nothing", func(*Options, Account) {}, a + "\n" + b, 0, 0},
		{"an interval", func(o *Options, _ Account) { o.Refresh.Interval = 2 * time.Hour }, a + "\n" + b, 0, 2},
		{"how many at once", func(o *Options, _ Account) { o.Refresh.Concurrency = 1 }, a + "\n" + b, 0, 0},
		{"the order", func(o *Options, _ Account) {
			o.Accounts = []Account{o.Accounts[1], o.Accounts[0]}
		}, b + "\n" + a, 0, 0},
		{"what sums are made by", func(o *Options, _ Account) { o.Instances.MaxSeries = 1 }, a + "\n" + b, 0, 2},
		{"a key", func(o *Options, _ Account) { o.Accounts[0].Keys = "another file" }, a + "\n" + b, 0, 1},
		{"a keeper of lines", func(o *Options, _ Account) { o.Keeper = &shelf{} }, a + "\n" + b, 0, 2},
		{"an account less", func(o *Options, _ Account) { o.Accounts = o.Accounts[1:] }, b, 0, 0},
		{
			"an account more", func(o *Options, third Account) { o.Accounts = append(o.Accounts, third) },
			a + "\n" + b + "\n" + `ksyun_bill_account_cost_cny{account="c",pay_mode="postpaid"} 3`, 1, 1,
		},
		{"an owner", func(o *Options, _ Account) {
			o.Projects = []metrics.Project{{Account: "b", ID: "0", Owner: "ads"}}
		}, a + "\n" + b + "\n" +
			`ksyun_bill_project_info{account="b",project_id="0",project_name="默认项目",` +
			`owner="ads",cost_center=""} 1`, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var accounts []Account
				var customers []billsim.Account
				for i, name := range []string{"a", "b", "c"} {
					customer := newCustomer(name)
					customer.CustomerID = string(rune('1' + i))
					customer.bill("2026-10", server("kec-1", int64(100*(i+1))))
					accounts = append(accounts, simulated(name, customer.Account))
					customers = append(customers, customer.Account)
				}
				o := options(accounts[:2]...)
				w := startWith(t, october(15), o, faulty(nil, nil), customers...)
				w.asked()
				_, before := w.bills.inForce()
				c.change(&o, accounts[2])
				if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
					t.Error(err)
				}
				_, after := w.bills.inForce()
				fresh := func(a *account) bool { return !slices.Contains(before, a) }
				kept := slices.DeleteFunc(slices.Clone(after), fresh)
				if anew := len(after) - len(kept); len(after) != len(o.Accounts) || anew != c.anew {
					t.Errorf("%d of %d accounts start, want %d of %d", anew, len(after), c.anew, len(o.Accounts))
				}
				w.sleep(time.Second)
				shown := w.scrape("ksyun_bill_account_cost_cny")
				for _, sample := range w.scrape("ksyun_bill_project_info") {
					if strings.Contains(sample, `owner="ads"`) {
						shown = append(shown, sample)
					}
				}
				compare(t, shown, c.shown)
				for _, sample := range w.scrape("ksyun_bill_source_from_disk") {
					if !strings.HasSuffix(sample, "} 0") {
						t.Errorf("not from the disk: %s", sample)
					}
				}
				if asked := strings.Count(strings.Join(w.asked(), "\n"), "GetMonthBill"); asked != c.asked {
					t.Errorf("%d accounts were asked, want %d", asked, c.asked)
				}
				own := strings.Join(w.scrape("ksyun_bill_api_requests_total", "ksyun_bill_source_up"), "\n")
				gone := strings.Contains(own, `"a"`)
				if gone == (c.name == "an account less") {
					t.Errorf("the first account's own metrics are there: %v", gone)
				}
				w.sleep(2 * time.Hour)
				asked, want := strings.Count(strings.Join(w.asked(), "\n"), "GetMonthBill"), 5*len(o.Accounts) // three months were never seen
				if o.Refresh.Interval == time.Hour && asked != want {
					t.Errorf("%d calls in two hours, want %d", asked, want)
				}
			})
		})
	}
}

// A long read of an account that stays as it is goes on while another one is changed, which ends before its successor
// starts.
func TestReloadDuringARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, other := newCustomer("1"), newCustomer("2")
		slow.bill("2026-10", server("kec-1", 100), server("kec-2", 100))
		other.bill("2026-10", server("kec-1", 200))
		o := options(simulated("slow", slow.Account), simulated("other", other.Account))
		drip := billsim.Fault{Action: getDetailBill, Drip: 20 * time.Millisecond}
		var stop func()
		w := startWith(t, october(15), o, faulty(&drip, &stop), slow.Account, other.Account)
		stop()
		w.asked()
		o.Accounts[1].CustomerID = "2"
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		w.sleep(time.Second)
		compare(t, w.asked(), "GetPostpayDetailBill 2026-10 2026-10") // which was cut short
		w.sleep(2 * time.Minute)
		compare(t, w.scrape("ksyun_bill_region_cost_cny"), `
ksyun_bill_region_cost_cny{account="slow",pay_mode="postpaid",region_name="华北1(北京)"} 2
ksyun_bill_region_cost_cny{account="other",pay_mode="postpaid",region_name="华北1(北京)"} 2`)
	})
}

// An account that is changed while its lines are read reads them at once when it starts anew.
func TestReloadCutsARefreshShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100), server("kec-2", 100))
		o := options(simulated("main", c.Account))
		drip := billsim.Fault{Action: getDetailBill, Drip: 20 * time.Millisecond}
		var stop func()
		w := startWith(t, october(15), o, faulty(&drip, &stop), c.Account)
		stop()
		const lines = `ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 2`
		compare(t, w.scrape("ksyun_bill_region_cost_cny"), "")
		o.Accounts[0].Keys = "another file"
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		w.sleep(5 * time.Second)
		compare(t, w.scrape("ksyun_bill_region_cost_cny"), lines)
	})
}

// A reload moves no number, though it cuts short a refresh that has yielded some: what is shown is what is kept.
func TestReloadMovesNoNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 100)))
		o := options(simulated("main", c.Account))
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		c.consume("2026-10", 15, on("2026-10-14", server("kec-1", 200)))
		away := billsim.Never()
		refuses := func(r *http.Request) bool { // the estimate of last month takes long
			if r.URL.Query().Get("BillMonth") == "2026-09" {
				w.api.Fault(away)
			}
			return false
		}
		w.wire.refuses.Store(&refuses)
		w.sleepUntil(nextTick("main", time.Hour, time.Now()))
		const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} `
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), cost+"1")
		o.Accounts[0].Keys = "another file"
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), cost+"1")
		w = w.restart(time.Now(), dir, o)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), cost+"1")
	})
}

// An account that comes back has its numbers from the disk, and its clock.
func TestReloadBringsAnAccountBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		w := start(t, october(15), keptIn(t, t.TempDir(), o), c.Account)
		none := o
		none.Accounts = nil
		for _, step := range []struct {
			options Options
			shown   string
		}{
			{none, ""},
			{o, `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`},
		} {
			w.asked()
			if err := w.bills.Reload(t.Context(), w.reach(step.options)); err != nil {
				t.Error(err)
			}
			w.sleep(time.Second)
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), step.shown)
			compare(t, w.asked(), "")
		}
	})
}

// A reload that says whose the numbers must be takes none away; one that makes them mean something else sets the file
// aside, and says so.
func TestReloadSetsStateAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		w.api.Fault(billsim.Page(503))
		reload := func() {
			if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
				t.Error(err)
			}
			w.sleep(5 * time.Second)
		}
		o.Accounts[0].CustomerID = "1"
		reload()
		compare(t, w.scrape("ksyun_bill_account_cost_cny"),
			`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
		w.log.take()
		before, err := os.ReadFile(w.bills.options.State.file("main"))
		if err != nil {
			t.Fatal(err)
		}
		o.Accounts[0].API.Region = "cn-shanghai-3"
		reload()
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), "")
		asides, err := filepath.Glob(w.bills.options.State.file("main") + ".*.aside")
		if err != nil || len(asides) != 1 {
			t.Fatalf("%q, %v", asides, err)
		}
		aside, err := os.ReadFile(asides[0])
		if err != nil || string(aside) != string(before) {
			t.Errorf("the file is not as it was: %v", err)
		}
		if said := w.log.take(); !strings.Contains(said, errOtherConfig.Error()) {
			t.Errorf("want %v in the log:\n%s", errOtherConfig, said)
		}
	})
}

// What a change of the configuration does not concern stays, though the API is away, and comes back with the
// configuration as it was: months.running, bill-union and the instances.
func TestConfigurationThereAndBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Options)
		stays  string // a family that the change does not concern
	}{
		{"months.running", func(o *Options) { o.Months.Running = Bill }, "ksyun_bill_past_month_account_cost_cny"},
		{"no bill-union", func(o *Options) { o.Accounts[0].API.UnionEndpoint = "" }, "ksyun_bill_product_cost_cny"},
		{"max_series", func(o *Options) { o.Instances.MaxSeries = 1 }, "ksyun_bill_account_cost_cny"},
	} {
		for _, how := range []string{"reload", "restart"} {
			t.Run(c.name+" by a "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					customer := newCustomer("1")
					customer.bill("2026-09", server("kec-1", 300))
					customer.bill("2026-10", server("kec-1", 100))
					customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 100)))
					o := keptIn(t, t.TempDir(), options(complete(customer)))
					w := start(t, october(15), o, customer.Account)
					w.api.Fault(billsim.Page(503))
					summaries := func() []string {
						return w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny",
							"ksyun_bill_product_cost_cny", "ksyun_bill_all_modes_product_cost_cny")
					}
					before, stays := summaries(), w.scrape(c.stays)
					takeUp := func(o Options) {
						if how == "reload" {
							if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
								t.Error(err)
							}
						} else {
							w.end()
							w.run(o)
						}
						w.sleep(5 * time.Second)
					}
					changed := o
					changed.Accounts = slices.Clone(o.Accounts)
					c.change(&changed)
					takeUp(changed)
					for _, sample := range w.scrape(c.stays) {
						if !slices.Contains(stays, sample) {
							t.Errorf("changed: %s", sample)
						}
					}
					if len(w.scrape(c.stays)) == 0 {
						t.Errorf("gone: %q", stays)
					}
					takeUp(o)
					compare(t, summaries(), strings.Join(before, "\n"))
				})
			})
		}
	}
}
