package web

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// manyAccounts returns accounts with everything that one can have: a month of days in three pay modes, a dozen
// products, ten instances that end soon, and the sources of all services. One in ten fails, one in three has a budget.
func manyAccounts(t *testing.T, count int) metrics.Status {
	t.Helper()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, billclient.Beijing)
	status := metrics.Status{At: now}
	for i := range count {
		status.Accounts = append(status.Accounts, fullAccount(t, i, now))
	}
	return status
}

func fullAccount(t *testing.T, i int, now time.Time) metrics.AccountStatus {
	t.Helper()
	seed := uint32(i)
	yuan := func(most int) billclient.Amount { // of an order that is the same at each run
		seed = seed*1664525 + 1013904223
		return parseYuan(t, fmt.Sprintf("%d.%06d", int(seed>>8)%most, seed%1_000_000))
	}
	a := metrics.AccountStatus{Name: fmt.Sprintf("team-%03d-prod", i), CustomerID: fmt.Sprint(73400000 + 7919*i)}
	newest := billclient.DayOf(now) - 1
	m := &metrics.MonthStatus{
		Month: billclient.MonthOf(now), Estimated: true, Until: newest.End(), OthersAt: now.Add(-time.Hour), AllModes: true,
		ByMode: true,
	}
	for _, mode := range []string{"postpaid", "prepaid", "realtime"} {
		m.Modes = append(m.Modes, metrics.Part{Key: mode, Cost: yuan(200_000)})
		m.Total = m.Total.Add(m.Modes[len(m.Modes)-1].Cost)
	}
	for p := range 12 {
		m.Products = append(m.Products, metrics.Part{
			PayMode: "postpaid", Key: fmt.Sprint("P", p), Name: fmt.Sprint("云产品", p), Cost: yuan(50_000),
		})
	}
	lines := m.Modes[0].Cost
	m.Details.Lines, m.Rest, m.RestCount = &lines, metrics.Part{Cost: yuan(900)}, 31
	a.Running, a.LastMonth = m, &metrics.MonthStatus{Month: m.Month - 1, AllModes: true, Total: yuan(600_000)}
	a.ToDate = &metrics.ToDate{Day: newest, Running: m.Total, LastMonth: yuan(600_000), AllModes: true}
	forecast := m.Total.Add(yuan(50_000))
	a.Forecast = &forecast
	if i%3 == 0 {
		a.Budget = &metrics.BudgetStatus{Monthly: yuan(600_000), Used: m.Total, Forecast: &forecast}
	}
	for ago := 30; ago >= 0; ago-- {
		a.Days = append(a.Days, newDay(t, newest.Add(-ago), yuan(9000).String(), yuan(3000).String(), yuan(2000).String()))
	}
	for e := range 10 {
		end := metrics.End{Product: "VM", Instance: fmt.Sprint("i-", i, e), Renewal: "auto", At: now.Add(time.Hour)}
		a.Ends = append(a.Ends, end)
	}
	for s := range 12 {
		p := metrics.Progress{LastSuccess: now.Add(-time.Minute), Data: newest.End()}
		if i%10 == 0 {
			p.Failed, p.Reason, p.Error = 3, billclient.Auth, "no permission for action "+fmt.Sprint(s)
		}
		a.Sources = append(a.Sources, metrics.Source{
			Name: fmt.Sprint("source_", s), Title: "All pay modes", Progress: p, Next: now.Add(time.Minute),
		})
	}
	return a
}

// Neither the page of 300 accounts nor that of one of them is more than 300 kB on its way, and what arrives is what a
// browser without gzip gets.
func TestSizeOfPage(t *testing.T) {
	const most, mostUnpacked = 300_000, 600_000
	handler := newHandler(t, func() metrics.Status { return manyAccounts(t, 300) })
	for _, path := range []string{
		"/", "/?sort=name&lang=zh", "/?account=team-150-prod&more=days&more=messages", "/?q=team-00",
	} {
		plain := get(t, handler, path, "Accept-Encoding", "br, gzip;q=0").Body.String()
		packed := get(t, handler, path, "Accept-Encoding", "gzip, zstd")
		size := packed.Body.Len()
		if got := unpack(t, packed); got != plain || packed.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: unpacked %d bytes, want the same %d, %v", path, len(got), len(plain), packed.Header())
		}
		t.Logf("%s: %d bytes, packed %d", path, len(plain), size)
		if size > most || len(plain) > mostUnpacked {
			t.Errorf("%s: %d bytes, packed %d, want at most %d", path, len(plain), size, most)
		}
	}
}

func unpack(t *testing.T, answer *httptest.ResponseRecorder) string {
	t.Helper()
	unpacked, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
