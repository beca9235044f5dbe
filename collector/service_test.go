package collector

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A file from before there were origins has the numbers of bill-union, if it says that they come from the same place.
func TestStateWithoutOrigins(t *testing.T) {
	for _, c := range []struct {
		name, of string
		isShown  bool
	}{{"same", "", true}, {"other", "elsewhere", false}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				o := options(complete(customer))
				w := start(t, october(15), keptIn(t, dir, o), customer.Account)
				const family = "ksyun_bill_all_modes_project_cost_cny"
				before := strings.Join(w.scrape(family), "\n")
				if before == "" {
					t.Fatal("bill-union has nothing")
				}
				w.end()
				state := w.bills.options.State
				all, errs := state.load()
				if len(all) != 1 || errs != nil {
					t.Fatal(all, errs)
				}
				all[0].UnionOf, all[0].Origins = c.of+all[0].Origins[unionService.name], nil
				if err := state.save(all[0]); err != nil {
					t.Fatal(err)
				}
				w = w.restart(october(15).Add(time.Minute), dir, o)
				if !c.isShown {
					before = ""
				}
				compare(t, w.scrape(family), before)
			})
		})
	}
}
