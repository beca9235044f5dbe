package collector

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/metrics"
)

// A budget or project that matches nothing in the data for a day is told, in the log once, until it matches.
func TestUnmatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		o.Budgets = []metrics.Budget{
			{Account: "main", Product: "KEC", Monthly: yuan("1")},
			{Account: "main", Product: "KEK", Monthly: yuan("1")},
			{Account: "main", Project: "0", Monthly: yuan("1")},
			{Account: "main", Monthly: yuan("1")},
		}
		o.Projects = []metrics.Project{{Account: "main", ID: "0"}, {Account: "main", ID: "7"}}
		w := start(t, october(15), o, c.Account)
		w.sleep(23 * time.Hour)
		compare(t, w.scrape("ksyun_bill_config_unmatched"), "")
		w.sleep(49 * time.Hour)
		compare(t, w.scrape("ksyun_bill_config_unmatched"), `
ksyun_bill_config_unmatched{account="main",kind="budget",key="KEK"} 1
ksyun_bill_config_unmatched{account="main",kind="project",key="7"} 1`)
		if said := strings.Count(w.log.take(), "not in the account's numbers for a day"); said != 2 {
			t.Errorf("said %d times", said)
		}
		found := server("kek-1", 100)
		found.ProductCode, found.ProjectID = "KEK", "7"
		c.bill("2026-10", server("kec-1", 100), found)
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_config_unmatched"), "")
	})
}

// A project or product that has other pay modes only is in the numbers.
func TestMatchedByOtherPayModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		o := options(bought(c))
		o.Projects = []metrics.Project{{Account: "main", ID: "7", Owner: "ads"}}
		o.Budgets = []metrics.Budget{{Account: "main", Product: "EBS_GROUP", Monthly: yuan("1")}}
		w := start(t, october(15), o, c.Account)
		w.sleep(26 * time.Hour)
		compare(t, w.scrape("ksyun_bill_config_unmatched"), "")
	})
}
