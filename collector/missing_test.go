package collector

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
)

// Lines that are not there are no day that costs 0, also when none were ever seen.
func TestNoLinesAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.vanish("2026-10", "2026-10-14")
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_day_account_cost_cny", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 5
ksyun_bill_source_up{account="main",source="detail_consume"} 0
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		const why = `err="2026-10: getPostpayDetailConsume: the answer has no lines, though the summary comes to 5 CNY"`
		if said := w.log.take(); !strings.Contains(said, why) {
			t.Errorf("want %s in the log:\n%s", why, said)
		}
	})
}

// Lines that vanish while they are to be added up anew leave the days as they were.
func TestLinesVanishBeforeAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		c.consume("2026-09", 30, on("2026-09-29", server("kec-1", 50)), on("2026-09-30", server("kec-1", 100)))
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 10)), on("2026-10-14", server("kec-1", 200)))
		o := options(simulated("main", c.Account))
		w := start(t, october(15), o, c.Account)
		days := strings.Join(w.scrape("ksyun_bill_day_account_cost_cny"), "\n")
		c.vanish("2026-09", "2026-09-30")
		w.api.Fault(billsim.Fault{Action: billclient.GetPostpayDetailConsume, EditPage: firstLineOnly})
		o.Instances.MaxSeries = 1000
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		w.sleep(5 * time.Second)
		compare(t, w.scrape("ksyun_bill_day_account_cost_cny"), days)
		compare(t, w.scrape("ksyun_bill_region_cost_cny"), "") // of another configuration
	})
}

func firstLineOnly(p *billsim.LinePage) { p.Total, p.Lines = 1, 1 }

// Fewer lines than before are a short answer, unless their summary has fallen with them, or they add up to it.
func TestFewerLines(t *testing.T) {
	whole := []billsim.Line{on("2026-10-13", server("kec-1", 100)), on("2026-10-14", server("kec-2", 90000))}
	for _, c := range []struct {
		name   string
		change func(*customer, *world)
		newest string
		up     string
	}{
		{"of the same sum", func(_ *customer, w *world) {
			w.api.Fault(billsim.Fault{Action: billclient.GetPostpayDetailConsume, EditPage: firstLineOnly})
		}, "900", "0"},
		{"of a lower sum", func(c *customer, w *world) {
			c.consume("2026-10", 14, whole[0], on("2026-10-14", server("kec-2", 200)))
			w.api.Fault(billsim.Fault{Action: billclient.GetPostpayDetailConsume, EditPage: firstLineOnly})
		}, "0", "1"},
		{"that add up", func(c *customer, _ *world) {
			c.consume("2026-10", 14, on("2026-10-14", server("kec-2", 95000)))
		}, "950", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.consume("2026-10", 14, whole...)
				w := start(t, october(15), options(simulated("main", customer.Account)), customer.Account)
				c.change(customer, w)
				w.log.take()
				w.sleep(25 * time.Hour)
				compare(t, w.scrape("ksyun_bill_day_account_cost_cny")[:1],
					`ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} `+c.newest)
				compare(t, w.scrape("ksyun_bill_source_up")[:1],
					`ksyun_bill_source_up{account="main",source="detail_consume"} `+c.up)
				const why = "the answer has 1 lines, fewer than the 2 before, and they do not come to 901 CNY"
				if said := w.log.take(); strings.Contains(said, why) != (c.up == "0") {
					t.Errorf("log:\n%s", said)
				}
			})
		})
	}
}

// A billed month's estimate that is corrected downwards, lines and summary alike, is taken over.
func TestEstimateIsCorrectedDownwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 100))
		c.consume("2026-09", 30, on("2026-09-14", server("kec-1", 100)), on("2026-09-14", server("kec-2", 90000)))
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		c.consume("2026-09", 30, on("2026-09-14", server("kec-1", 100)))
		w.sleep(7 * time.Hour)
		compare(t, w.scrape("ksyun_bill_past_month_to_date_account_cost_cny", "ksyun_bill_past_month_estimate_cny"), `
ksyun_bill_past_month_estimate_cny{account="main",months_ago="1"} 1
ksyun_bill_past_month_to_date_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 1`)
	})
}

// Lines that another build has described otherwise are read again; the numbers beside them stay.
func TestStateOfAnotherBuild(t *testing.T) {
	for name, change := range map[string]func(*ledger.LineSums){
		"a fact less":  func(l *ledger.LineSums) { l.Instances[0].Facts = l.Instances[0].Facts[1:] },
		"a label less": func(l *ledger.LineSums) { l.Rows["instance"][0].Labels = l.Rows["instance"][0].Labels[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				c := newCustomer("1")
				c.bill("2026-10", server("kec-1", 100))
				o := options(simulated("main", c.Account))
				w := start(t, october(15), keptIn(t, dir, o), c.Account)
				w.stop()
				a := w.bills.accounts[0]
				k := a.keep(a.custody)
				change(k.Snapshot.Months[billclient.MonthOf(october(1))].Bill.Lines)
				if err := a.options.State.save(k); err != nil {
					t.Fatal(err)
				}
				again := w.restart(october(15).Add(time.Minute), dir, o)
				compare(t, again.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_instance_cost_cny"),
					`ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`)
			})
		})
	}
}

// What lines are told apart by is part of what their sums are made by, and so is whether there are days.
func TestDetailsTellConfigurationsApart(t *testing.T) {
	o := options(Account{Name: "main"})
	withoutDays, others := o, o
	withoutDays.Days, others.Instances.MaxSeries = 0, 1
	seen := map[string]bool{}
	for _, o := range []Options{o, withoutDays, others} {
		seen[lineFingerprint(o)] = true
	}
	if len(seen) != 3 {
		t.Errorf("%q", slices.Collect(maps.Keys(seen)))
	}
}

// Without the postpaid part, other pay modes do not pass for the whole month: neither while it is too old, nor in a new
// month before there is any.
func TestOtherPayModesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100000))
		w := start(t, october(15), options(complete(c)), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1000
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01`)
		away := billsim.Page(503)
		away.Action = getMonthBill
		back := w.api.Fault(away)
		w.sleep(73 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"), "")
		if got := w.scrape("ksyun_bill_all_modes_project_cost_cny"); len(got) == 0 {
			t.Error("all_modes families are gone, too")
		}
		back()
		w.sleepUntil(beijing(11, 1, 3))
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), "")
	})
}

// An account that has nothing postpaid is shown by what it has, once the API has said that there is no more.
func TestNothingPostpaid(t *testing.T) {
	for _, action := range []string{getMonthBill, billclient.GetMonthConsume} {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			away := billsim.Page(503)
			away.Action = action
			var back func()
			w := startWith(t, october(15), options(complete(c)), faulty(&away, &back), c.Account)
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), "")
			back()
			w.sleep(2 * time.Minute)
			compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="prepaid"} 10
ksyun_bill_account_cost_cny{account="main",pay_mode="realtime"} 0.01`)
		})
	}
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
		o.Months.Running = Bill
		reload()
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), "")
		aside, err := os.ReadFile(w.bills.options.State.file("main") + ".aside")
		if err != nil || string(aside) != string(before) {
			t.Errorf("the file is not as it was: %v", err)
		}
		if said := w.log.take(); !strings.Contains(said, errOtherConfig.Error()) {
			t.Errorf("want %v in the log:\n%s", errOtherConfig, said)
		}
	})
}

// A file that cannot be set aside is said to be so; one that is not there has not to be.
func TestStateCannotBeSetAside(t *testing.T) {
	state, reason := &State{dir: t.TempDir()}, errors.New("no reason")
	file := state.file("main")
	if err := state.setAside(file, reason); err != reason { //nolint:errorlint // nothing is to be added to it
		t.Errorf("without a file: %v", err)
	}
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(file+".aside", 0o700)); err != nil {
		t.Fatal(err)
	}
	err := state.setAside(file, reason)
	if !errors.Is(err, reason) || !strings.Contains(err.Error(), "it cannot be set aside: rename ") {
		t.Error(err)
	}
}

// The running month alone may be invalid to the API: no bill yet, with past months or without.
func TestInvalidRunningMonth(t *testing.T) {
	for _, past := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			c := newCustomer("1")
			c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 100)))
			c.bill("2026-09", server("kec-1", 100))
			o := options(simulated("main", c.Account))
			o.Months.Past = past
			invalid := httpFilter(func(_, end string) bool { return end == "2026-10" })
			w := startWith(t, october(15), o, invalid, c.Account)
			up, want := w.scrape("ksyun_bill_source_up"), `ksyun_bill_source_up{account="main",source="month_bill"} 1`
			if !slices.Contains(up, want) {
				t.Errorf("months.past %d: %q", past, up)
			}
			if said := w.log.take(); strings.Contains(said, "a range of months") != (past > 0) {
				t.Errorf("months.past %d: log:\n%s", past, said)
			}
		})
	}
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

// A read of lines that lasts over the end of the month does not ask for a month that is not wanted any more.
func TestLinesAreReadOverTheEndOfAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 30, on("2026-10-14", server("kec-1", 200)))
		c.consume("2026-09", 30, on("2026-09-29", server("kec-1", 50)))
		var stop func()
		slow := billsim.Fault{Action: billclient.GetPostpayDetailConsume, Drip: 300 * time.Millisecond}
		w := startWith(t, beijing(10, 31, 23).Add(58*time.Minute), options(simulated("main", c.Account)),
			faulty(&slow, &stop), c.Account)
		w.sleep(8 * time.Minute)
		compare(t, w.asked(), `
GetMonthBill 2026-07 2026-10
getMonthConsume 2026-10
getMonthConsume 2026-09
getPostpayDetailConsume 2026-10 0`)
		compare(t, w.scrape("ksyun_bill_source_up")[:1],
			`ksyun_bill_source_up{account="main",source="detail_consume"} 1`)
	})
}

// What ends with the month while it is read is no failure; what ends otherwise is.
func TestReadEndsWithTheMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(beijing(11, 1, 0).Add(-time.Minute)))
		read := func(context.Context, *fetch, billclient.Month) error {
			time.Sleep(2 * time.Minute)
			return errors.New("invalid")
		}
		october := billclient.MonthOf(october(1))
		if err := readMonths(t.Context(), nil, []billclient.Month{october.Add(-1)}, read); err != nil {
			t.Error(err)
		}
		if err := readMonths(t.Context(), nil, []billclient.Month{october}, read); err == nil {
			t.Error("a failure is none")
		}
	})
}
