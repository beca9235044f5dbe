package collector

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
)

// A restart changes no number and makes no call: it serves what it had, and says that it is from before. At the next
// tick the account is asked as if nothing had been.
func TestRestart(t *testing.T) {
	skipIfShort(t)
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		time.Sleep(time.Until(october(15)))
		demo := billsim.Demo(time.Now)
		account := func(name string, a billsim.Account) Account {
			simulated := simulated(name, a)
			simulated.API.UnionEndpoint = simulated.API.Endpoint
			return simulated
		}
		o := options(account("shop/主", demo[0]), account("..", demo[1]))
		o.Instances.Tags = []ledger.Tag{{Key: "部门", Label: "department"}}
		w := start(t, october(15), keptIn(t, dir, o), demo...)
		page := func(w *world) []string {
			page, _, _ := strings.Cut(w.body(), "# HELP ksyun_bill_api") // the live part, if calls were made
			page, _, _ = strings.Cut(page, "# HELP ksyun_bill_exporter")
			return strings.Split(strings.TrimSpace(page), "\n")
		}
		before := page(w)
		if len(before) < 1000 {
			t.Fatalf("%d lines", len(before))
		}
		tick := min(nextTick("shop/主", time.Hour, october(15)).Unix(), nextTick("..", time.Hour, october(15)).Unix())
		w = w.restart(time.Unix(tick, 0).Add(-2*time.Second), dir, o)
		compare(t, w.asked(), "")
		if asked, all := w.bills.Readiness(); asked < all {
			t.Error("not ready with all numbers there")
		}
		for i, line := range before {
			if strings.HasPrefix(line, "ksyun_bill_source_from_disk{") {
				before[i] = strings.TrimSuffix(line, "0") + "1"
			}
		}
		compare(t, page(w), strings.Join(before, "\n"))
		w.sleep(2 * time.Second)
		if asked := w.asked(); len(asked) == 0 || asked[0] != "GetMonthBill 2026-07 2026-10" {
			t.Errorf("at the tick: %q", asked)
		}
	})
}

// What was kept in one month and is read in the next stands where it belongs.
func TestRestartInTheNextMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.consume("2026-10", 30, on("2026-10-30", server("kec-1", 30)))
		o := options(simulated("main", c.Account))
		o.Refresh.Interval, o.Refresh.MaxStaleness = 30*24*time.Hour, 31*24*time.Hour
		w := start(t, october(31), keptIn(t, dir, o), c.Account)
		families := []string{
			"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", "ksyun_bill_source_from_disk",
			"ksyun_bill_month_info",
		}
		w = w.restart(beijing(11, 1, 1), dir, o)
		compare(t, append(w.scrape(families...), w.asked()...), `
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="1"} 0.3
ksyun_bill_month_info{account="main",months_ago="1",month="2026-10",basis="estimate",bill_id="KSYZD0000000001202610"} 1
ksyun_bill_source_from_disk{account="main",source="month_bill"} 1
ksyun_bill_source_from_disk{account="main",source="month_consume"} 1
ksyun_bill_source_from_disk{account="main",source="detail_consume"} 1`)
	})
}

// A file that cannot be used is set aside, whatever is wrong with it, and the API is asked.
func TestUselessState(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, file string, o *Options)
		want   string
	}{
		{"cut", rewrite(func(b []byte) []byte { return b[:len(b)/2] }), "it is damaged: its checksum is wrong"},
		{
			"one bit", rewrite(func(b []byte) []byte { b[len(b)-9] ^= 1; return b }),
			"it is damaged: its checksum is wrong",
		},
		{"empty", rewrite(func([]byte) []byte { return nil }), "it is no state of this version"},
		{
			"older", rewrite(func(b []byte) []byte {
				return bytes.Replace(b, []byte("state 2"), []byte("state 1"), 1)
			}),
			"it is no state of this version",
		},
		{
			"another configuration", func(_ *testing.T, _ string, o *Options) { o.Accounts[0].API.Region = "cn-shanghai-3" },
			"it was made by another configuration (api.endpoint or api.region)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				o := options(simulated("main", customer.Account))
				w := start(t, october(15), keptIn(t, dir, o), customer.Account)
				w.stop()
				c.damage(t, filepath.Join(dir, "main.state"), &o)
				w = w.restart(october(15).Add(time.Minute), dir, o)
				name := o.Accounts[0].Name
				file := filepath.Join(dir, name+".state")
				const message = `msg="kept numbers are not used, the API is asked" err="state: `
				want := message + file + " is of no use and was set aside as " + file +
					".aside: " + c.want + `"`
				dated := regexp.MustCompile(`\.state\.20261015T0401\d\d\.000\.aside`)
				if log := dated.ReplaceAllString(w.log.take(), ".state.aside"); !strings.Contains(log, want) {
					t.Errorf("the log lacks %s:\n%s", want, log)
				}
				compare(t, w.scrape(), "")
				if asked := w.asked(); len(asked) == 0 || asked[0] != "GetMonthBill 2026-07 2026-10" {
					t.Errorf("asked %q", asked)
				}
			})
		})
	}
}

func rewrite(change func([]byte) []byte) func(*testing.T, string, *Options) {
	return func(t *testing.T, file string, _ *Options) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, change(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Where lines are to be added up in another way, what does not hang on them stays, though the API is away; they are
// read at once when it is there.
func TestInstancesAreConfiguredAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 100)), on("2026-10-13", server("kec-2", 100)))
		o := options(simulated("main", c.Account))
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		families := []string{
			"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny", "ksyun_bill_day_account_cost_cny",
		}
		before := strings.Join(w.scrape(families...), "\n")
		w.end()
		if err := w.bills.options.State.Close(); err != nil {
			t.Fatal(err)
		}
		back := w.api.Fault(billsim.Page(503))
		o.Instances.MaxSeries = 1
		w.log.take()
		w.run(keptIn(t, dir, o))
		w.sleep(time.Second)
		const anew = `msg="numbers from before the restart" next=2026-10-15T12:45:39+08`
		if log := w.log.take(); !strings.Contains(log, anew) {
			t.Errorf("log: %s", log)
		}
		compare(t, w.scrape(families...), before)
		lines := []string{
			"ksyun_bill_region_cost_cny", "ksyun_bill_instance_cost_cny", "ksyun_bill_past_month_instance_cost_cny",
			"ksyun_bill_instance_week_change_cny",
		}
		compare(t, w.scrape(lines...), "")
		back()
		w.sleep(2 * time.Minute)
		compare(t, w.scrape(append(families, lines[:2]...)...), strings.Replace(before, "ksyun_bill_past", `
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 2
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="__other__",instance_name=""} 1
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1"} 1
ksyun_bill_past`[1:], 1))
	})
}

// A disk that takes nothing is counted, and said once; the exporter goes on in memory, and keeps its numbers again when
// it can.
func TestStateCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		w := start(t, october(15), keptIn(t, dir, options(simulated("main", c.Account))), c.Account)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		c.bill("2026-10", server("kec-1", 200))
		w.log.take()
		w.sleepUntil(nextTick("main", time.Hour, time.Now()))
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_exporter_state_write_failures_total"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 2
ksyun_bill_exporter_state_write_failures_total 8`) // 6 calls, the first answer, what was learned within a page's pause
		const notKept = `what=numbers msg="not kept in state_dir, a restart would forget it"`
		if log := w.log.take(); strings.Count(log, notKept) != 1 {
			t.Errorf("log: %s", log)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		w.sleep(time.Hour)
		if log := w.log.take(); strings.Count(log, `what=numbers msg="kept in state_dir again"`) != 1 {
			t.Errorf("log: %s", log)
		}
	})
}

// One process a directory; only its owner can read what is in it, and no key is; what a killed process left is swept.
func TestStateDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		left := filepath.Join(dir, ".main.state123")
		if err := os.WriteFile(left, []byte("half a file"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := keptIn(t, dir, options(simulated("main", c.Account)))
		start(t, october(15), o, c.Account)
		want := "state_dir: " + dir + " is in use by another process; give each its own, or let one wait with --state.standby"
		if _, err := OpenState(dir); err == nil || err.Error() != want {
			t.Errorf("a second process: %v", err)
		}
		var names []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, info.Mode().String()+" "+info.Name())
			text, err := os.ReadFile(filepath.Join(dir, info.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{c.AccessKeyID, c.SecretAccessKey} {
				if bytes.Contains(plainState(t, text), []byte(key)) {
					t.Errorf("%s has a key", info.Name())
				}
			}
		}
		if want := []string{
			"-rw------- lock", "-rw------- main.calls", "-rw------- main.calls.lock", "-rw------- main.state",
		}; !slices.Equal(names, want) {
			t.Errorf("files: %q, want %q", names, want)
		}
	})
}

// plainState returns what a file of the directory says, unpacked.
func plainState(t *testing.T, text []byte) []byte {
	t.Helper()
	_, body, ok := bytes.Cut(text, []byte("\n"))
	if !ok || len(body) == 0 {
		return text
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(unzipped)
	if err != nil || !bytes.HasPrefix(plain, []byte(`{"Account":"main"`)) {
		t.Fatalf("%v, %.60q", err, plain)
	}
	return plain
}

// Every name has a file that the next start finds, sweeps not away, and reads.
func TestStateOfAnyName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"main", ".hidden", ".", "..", "lock", "../up", "主", strings.Repeat("主", 70)} {
		s := keptIn(t, dir, Options{}).State
		if err := s.save(&kept{Account: name, Snapshot: &ledger.Snapshot{}, config: "c"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = keptIn(t, dir, Options{}).State
		all, errs := s.load()
		if !slices.ContainsFunc(all, func(k *kept) bool { return k.Account == name && k.config == "c" }) || errs != nil {
			t.Errorf("%s: %v, %v", name, all, errs)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// All that an account knows comes back from the disk as it was: what is absent and what is empty too.
func TestStateIsWhole(t *testing.T) {
	o := options()
	newOne := func() (*account, *custody) {
		a := newAccount(simulated("main", newCustomer("1").Account), o, log.NewNopLogger(), &vault{}, newSlots(1))
		a.takeCustody(t.Context())
		return a, a.custody
	}
	a, before := newOne()
	_, after := newOne()
	for i, loop := range loopNames {
		before.schedules[loop].next = october(16 + i)
	}
	before.oneByOne.set(october(17))
	estimate := &ledger.Summary{Month: billclient.MonthOf(october(1)), Sum: yuan("1.0000000001"), ReadAt: october(15)}
	m := ledger.Month{
		Estimate: ledger.Book{
			Summary: estimate, Lines: &ledger.LineSums{ReadFor: estimate, Rows: map[string][]ledger.Row{}},
		},
	}.WithUnion(ledger.ByPayMode, &ledger.Union{
		ReadFor: yuan("-2"), Parts: []ledger.Row{{Labels: []string{"prepaid"}, Amount: yuan("3")}},
	})
	before.snapshot = (&ledger.Snapshot{}).WithMonth(estimate.Month, m).
		WithDays(estimate.Month, map[billclient.Day]ledger.Day{
			1: {ReadAt: october(15)}, 2: {Instances: []ledger.InstanceCost{}},
			3: {Instances: []ledger.InstanceCost{{Key: &ledger.Key{"a"}, Cost: yuan("4")}}},
		})
	for i := range before.attempts {
		s := &before.attempts[i]
		s.record(october(14), october(15), &billclient.Error{Reason: billclient.Auth}, time.Hour)
		s.Items, s.Data, s.LastSuccess, s.FromDisk = i, october(i+1), october(i+2), true
	}
	text, err := encodeState(a.keep(before))
	if err != nil {
		t.Fatal(err)
	}
	k, err := decodeState(text)
	if err != nil {
		t.Fatal(err)
	}
	after.resume(k, nil)
	if diff := cmp.Diff(a.keep(before), a.keep(after), sameSnapshot, cmp.AllowUnexported(kept{})); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// A whole file that has no numbers is of no use.
func TestStateWithoutNumbers(t *testing.T) {
	k, err := decodeState(withHead(zipped(t, []byte(`{"Account":"main"}`)), "c"))
	if k != nil || err == nil || err.Error() != "it has no numbers" {
		t.Errorf("%v, %v", k, err)
	}
}

// A refresh that was cut short begins anew with the next process, be it that the lines were still to be read.
func TestRestartDuringARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100), server("kec-2", 100))
		o := options(simulated("main", c.Account))
		drip := billsim.Fault{Action: getDetailBill, Drip: 20 * time.Millisecond}
		var stop func()
		w := startWith(t, october(15), keptIn(t, dir, o), faulty(&drip, &stop), c.Account)
		compare(t, w.scrape("ksyun_bill_source_items"), `
ksyun_bill_source_items{account="main",source="month_bill"} 1
ksyun_bill_source_items{account="main",source="month_consume"} 0`)
		w = w.restart(october(15).Add(time.Minute), dir, o)
		compare(t, w.asked(), "GetPostpayDetailBill 2026-10 2026-10")
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

// A file that cannot be set aside is said to be so; one that is not there has not to be. The newest three are kept.
func TestSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state, reason := &State{dir: t.TempDir()}, errors.New("no reason")
		file := state.file("[main]*")
		if err := state.setAside(file, reason); err != reason { //nolint:errorlint // nothing is to be added to it
			t.Errorf("without a file: %v", err)
		}
		for range 5 {
			time.Sleep(time.Second)
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := state.setAside(file, reason); !errors.Is(err, reason) {
				t.Error(err)
			}
		}
		names := filesOf(t, state.dir)
		want := "%5Bmain%5D%2A.state.20000101T000003.000.aside\n%5Bmain%5D%2A.state.20000101T000004.000.aside\n" +
			"%5Bmain%5D%2A.state.20000101T000005.000.aside"
		compare(t, names, want)
		time.Sleep(time.Second)
		inTheWay := file + ".20000101T000006.000.aside"
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(inTheWay, 0o700)); err != nil {
			t.Fatal(err)
		}
		err := state.setAside(file, reason)
		if !errors.Is(err, reason) || !strings.Contains(err.Error(), "it cannot be set aside: rename ") {
			t.Error(err)
		}
	})
}

func filesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A file that cannot be read at the moment stays where it is, and its numbers come back once it can.
func TestUnreadableState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		c.bill("2026-08", server("kec-1", 300))
		c.bill("2026-10", server("kec-1", 100))
		o := keptIn(t, dir, options(simulated("main", c.Account)))
		w := start(t, october(15), o, c.Account)
		w.end()
		file := filepath.Join(dir, "main.state")
		if err := errors.Join(os.Rename(file, file+".kept"), os.Mkdir(file, 0o700)); err != nil {
			t.Fatal(err)
		}
		c.withdraw("2026-08")
		w.log.take()
		w.run(o)
		w.sleep(2 * time.Hour)
		families := []string{"ksyun_bill_account_cost_cny", "ksyun_bill_past_month_account_cost_cny"}
		const running = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`
		compare(t, w.scrape(families...), running)
		if log := w.log.take(); !strings.Contains(log, "is a directory; it stays as it is until it can be read") {
			t.Errorf("log: %s", log)
		}
		if err := errors.Join(os.Remove(file), os.Rename(file+".kept", file)); err != nil {
			t.Fatal(err)
		}
		w.sleep(2*time.Hour + time.Second) // the answer after the one with which the file is read finds them
		compare(t, w.scrape(families...), running+`
ksyun_bill_past_month_account_cost_cny{account="main",pay_mode="postpaid",months_ago="2"} 3`)
	})
}

// A file that hangs is given up after ten seconds, stays as it is, and holds up no other one.
func TestStateFileHangs(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	dir := t.TempDir()
	o := keptIn(t, dir, Options{})
	good := &kept{Account: "good", Snapshot: &ledger.Snapshot{}, config: "c"}
	if err := errors.Join(o.State.save(good), syscall.Mkfifo(o.State.file("bad"), 0o600)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	all, errs := o.State.load()
	if took := time.Since(began); took > patience+5*time.Second {
		t.Errorf("given up after %v", took)
	}
	if len(all) != 1 || all[0].Account != "good" {
		t.Errorf("read %v", all)
	}
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "bad.state: took longer than 10s; it stays as it is") {
		t.Errorf("errors %v", errs)
	}
	writer, err := os.OpenFile(o.State.file("bad"), os.O_WRONLY, 0)
	if err := errors.Join(err, writer.Close(), os.Remove(o.State.file("bad"))); err != nil {
		t.Fatal(err)
	}
	bad := &kept{Account: "bad", Snapshot: &ledger.Snapshot{}, config: "c"}
	if err := o.State.save(bad); err != nil {
		t.Fatal(err)
	}
	if k, err := o.State.readAgain("bad"); err != nil || k == nil || k.Account != "bad" {
		t.Errorf("%v, %v", k, err)
	}
}

// A directory that hangs is given up after ten seconds, and named.
func TestStateDirectoryHangs(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, lockFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(dir); err == nil || err.Error() != "state_dir: "+dir+": took longer than 10s" {
		t.Error(err)
	}
}
