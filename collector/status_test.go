package collector

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"
)

// daysText writes what days cost, by pay mode.
func daysText(days []metrics.DayCost) string {
	var texts []string
	for _, d := range days {
		text := fmt.Sprintf("%v %v:", d.Day, d.Cost.Float64())
		for _, p := range d.Modes {
			text += fmt.Sprintf(" %s %v", p.Key, p.Cost.Float64())
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// While the days of the other pay modes are not known, or only older ones are, people are shown no more than is known.
func TestStatusOfUnknownDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-09", 30, on("2026-09-14", server("kec-1", 200)))
		lines := []billsim.Line{on("2026-10-13", server("kec-1", 100)), on("2026-10-14", server("kec-1", 100))}
		c.consume("2026-10", 14, lines...)
		o := options(bought(c))
		o.Months.Past, o.Days = 1, 2
		var hasMore atomic.Bool
		before := c.Prepaid
		c.Prepaid = func(month string) []billsim.Purchase {
			if !hasMore.Load() || month != "2026-10" {
				return before(month)
			}
			return append(before(month), billsim.Purchase{ProductCode: "KEC", Day: "2026-10-15", Cost: 5 * billsim.Yuan})
		}
		fault := billsim.Page(503)
		fault.Action = billclient.QueryProductConsume
		var mend func()
		w := startWith(t, october(15), o, faulty(&fault, &mend), c.Account)
		check := func(name, want string) {
			t.Helper()
			if got := knownText(w.bills.Status().Accounts[0]); got != strings.TrimSpace(want) {
				t.Errorf("%s:\n%s\nwant:%s", name, got, want)
			}
		}
		check("no days", `
products: postpaid KEC 2; of all pay modes: false, missing 15 of 17
days: 2026-10-13 1: postpaid 1, 2026-10-14 1: postpaid 1
to the 14th: 2, last month 2; of all pay modes: false`)

		mend()
		w.sleep(time.Hour)
		check("all days", `
products: prepaid KEC 10, prepaid EBS_GROUP 3, postpaid KEC 2, realtime EIP_GROUP 2; of all pay modes: true, missing 0 of 17
days: 2026-10-13 2: postpaid 1 realtime 1, 2026-10-14 2: postpaid 1 realtime 1
to the 14th: 17, last month 17; of all pay modes: true`)

		stop := w.api.Fault(fault)
		defer stop()
		hasMore.Store(true)
		w.sleepUntil(beijing(10, 16, 1))
		c.consume("2026-10", 15, append(lines, on("2026-10-15", server("kec-1", 100)))...)
		w.sleep(time.Hour)
		check("older days", `
products: prepaid KEC 10, prepaid __none__ 5, postpaid KEC 3, prepaid EBS_GROUP 3, realtime EIP_GROUP 2; of all pay modes: true, missing 5 of 23
days: 2026-10-14 2: postpaid 1 realtime 1, 2026-10-15 1: postpaid 1
to the 15th: 3, last month 2; of all pay modes: false`)
	})
}

// knownText writes what people are shown of an account that depends on its days.
func knownText(a metrics.AccountStatus) string {
	var products []string
	for _, p := range a.Running.Products {
		products = append(products, fmt.Sprint(p.PayMode, " ", p.Key, " ", p.Cost.Float64()))
	}
	missing, total := a.Running.Details.Missing.Float64(), a.Running.Total.Float64()
	return fmt.Sprintf("products: %s; of all pay modes: %t, missing %v of %v\n",
		strings.Join(products, ", "), a.Running.ByMode, missing, total) +
		fmt.Sprintf("days: %s\n", daysText(a.Days)) +
		fmt.Sprintf("to the %dth: %v, last month %v; of all pay modes: %t",
			a.ToDate.Day.Start().Day(), a.ToDate.Running.Float64(), a.ToDate.LastMonth.Float64(), a.ToDate.AllModes)
}
