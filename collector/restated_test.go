package collector

import (
	"testing"
	"testing/synctest"
	"time"
)

// The bill of a closed month that changes after it was taken over says by how much, product by product, also after a
// restart, until the month is no longer shown.
func TestRestatedMonth(t *testing.T) {
	skipIfShort(t)
	synctest.Test(t, func(t *testing.T) {
		const restated = "ksyun_bill_past_month_restated_cny"
		dir := t.TempDir()
		c := newCustomer("1")
		ip := server("eip-1", 5000)
		ip.ProductCode, ip.ProductName = "EIP", "弹性IP(EIP)"
		c.consume("2026-10", 31, on("2026-10-31", server("kec-1", 10_000)))
		c.bill("2026-09", server("kec-1", 9000), ip)
		c.bill("2026-10", server("kec-1", 4000))
		o := keptIn(t, dir, options(simulated("main", c.Account)))
		o.Months.Past = 2
		w := start(t, beijing(11, 1, 12), o, c.Account)
		c.bill("2026-10", server("kec-1", 10_000))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(restated), "") // what its estimate stood in for was no bill yet

		c.bill("2026-10", server("kec-1", 9950))
		c.bill("2026-09", server("kec-1", 9000), ip, server("kec-2", 1))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(restated), `
ksyun_bill_past_month_restated_cny{account="main",months_ago="1",product_code="KEC"} -0.5
ksyun_bill_past_month_restated_cny{account="main",months_ago="2",product_code="KEC"} 0.01`)

		w.stop()
		w = start(t, beijing(11, 2, 12), o, c.Account)
		c.bill("2026-10", server("kec-1", 10_000))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape(restated), `
ksyun_bill_past_month_restated_cny{account="main",months_ago="1",product_code="KEC"} 0
ksyun_bill_past_month_restated_cny{account="main",months_ago="2",product_code="KEC"} 0.01`)

		w.sleepUntil(beijing(12, 1, 0))
		compare(t, w.scrape(restated), `
ksyun_bill_past_month_restated_cny{account="main",months_ago="2",product_code="KEC"} 0`)
	})
}
