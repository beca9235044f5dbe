package collector

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What was kept of an account that is no longer configured is removed after 30 days, by a process that runs so long as
// well as at a start. What is configured stays, however long ago it was asked.
func TestFormerAccountIsRemoved(t *testing.T) {
	const removed = `level=info msg="what was kept of an account is removed, it has not been configured for 30 days" account=b file=`
	synctest.Test(t, func(t *testing.T) {
		a, b := newCustomer("1"), newCustomer("2")
		a.bill("2026-10", server("kec-1", 100))
		b.bill("2026-10", server("kec-1", 200))
		o := options(simulated("a", a.Account), simulated("b", b.Account))
		o.Refresh.Interval = 24 * time.Hour
		for i := range o.Accounts {
			o.Accounts[i].API.DailyCalls = 100
		}
		dir := t.TempDir()
		w := start(t, october(1), keptIn(t, dir, o), a.Account, b.Account)
		before := o
		o.Accounts = o.Accounts[:1]
		w = w.restart(october(2), dir, o)
		if !strings.Contains(files(t, dir), "b.calls b.calls.lock b.state") {
			t.Fatalf("files: %s", files(t, dir))
		}
		w.sleepUntil(october(30))
		if got := files(t, dir); !strings.Contains(got, "b.state") {
			t.Errorf("after 29 days: %s", got)
		}
		w.sleepUntil(october(1).AddDate(0, 0, 32))
		if got, want := files(t, dir), "a.calls a.calls.lock a.state lock"; got != want {
			t.Errorf("after 32 days: %s, want %s", got, want)
		}
		if log := w.log.take(); strings.Count(log, removed+dir+"/b.state") != 1 {
			t.Errorf("log: %s", log)
		}

		w = w.restart(october(1).AddDate(0, 0, 33), dir, before)
		w = w.restart(october(1).AddDate(0, 0, 70), dir, o)
		if got, want := files(t, dir), "a.calls a.calls.lock a.state lock"; got != want {
			t.Errorf("at a start: %s, want %s", got, want)
		}
		if log := w.log.take(); strings.Count(log, removed+dir+"/b.state") != 1 {
			t.Errorf("log at a start: %s", log)
		}
	})
}

// files returns the names of the files in a directory.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
