package metrics

import (
	"fmt"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// forecastAccount returns an account with a budget of some pay modes. Its days cost so much postpaid, the newest last,
// to the end of October 14th. October has cost 200, of which 50 is prepaid, and the bill of September has 31 beyond its
// estimate.
func forecastAccount(t *testing.T, payModes []string, days ...string) Account {
	t.Helper()
	now := october(15)
	newest := billclient.DayOf(now) - 1
	month := billclient.MonthOf(now)
	s := &ledger.Snapshot{Days: map[billclient.Day]ledger.Day{}}
	for i, cost := range days {
		s.Days[newest.Add(i+1-len(days))] = ledger.Day{ReadAt: now, ProjectProduct: []ledger.Row{
			{Labels: []string{"0", "KEC"}, Amount: yuan(cost)},
		}}
	}
	book := func(m billclient.Month, sum string, end billclient.Day) ledger.Book {
		return ledger.Book{Summary: &ledger.Summary{Month: m, Sum: yuan(sum), ReadAt: now, End: end}}
	}
	running := ledger.Month{Estimate: book(month, "150", newest)}
	running = running.WithUnion(ledger.ByPayMode, &ledger.Union{ReadAt: now.Add(-time.Hour), Parts: []ledger.Row{
		{Labels: []string{billclient.Postpaid}, Amount: yuan("150")},
		{Labels: []string{billclient.Prepaid}, Amount: yuan("50")},
	}})
	s.Months = map[billclient.Month]ledger.Month{
		month:     running,
		month - 1: {Bill: book(month-1, "331", 0), Estimate: book(month-1, "300", billclient.DayOf(month.Start())-1)},
	}
	a := Account{Name: "main", Snapshot: s, AllModes: true, Sources: []Source{
		{Name: "month_consume", Progress: Progress{LastAttempt: now}},
		{Name: "pay_mode_summary", Progress: Progress{LastAttempt: now, Data: month.Start()}},
	}}
	return a.AsOf(now, Options{
		PastMonths: 1, Days: 31, MaxStaleness: 72 * time.Hour,
		Budgets: []Budget{
			{Account: "main", Product: "KEC", Monthly: yuan("1")}, {Account: "other", Monthly: yuan("2")},
			{Account: "main", Monthly: yuan("1000"), PayModes: payModes},
		},
	})
}

// Seventeen days are left. What is prepaid is no part of a usual day, and the newest three days are none.
func TestForecast(t *testing.T) {
	text := func(a *billclient.Amount) string {
		if a == nil {
			return "unknown"
		}
		return a.String()
	}
	for _, c := range []struct {
		payModes []string
		days     []string
		want     string
	}{
		{nil, []string{"9", "1", "2", "3", "4", "5", "6", "100", "100", "100"}, "299; 200 and 299 of 1000"},
		{nil, []string{"7", "1", "2", "100", "100", "100"}, "265; 200 and 265 of 1000"},
		{nil, []string{"1", "2", "100", "100", "100"}, "256.5; 200 and 256.5 of 1000"},
		{nil, []string{"100", "100", "100"}, "unknown; 200 and unknown of 1000"},
		{[]string{"postpaid"}, []string{"4", "0", "0", "0"}, "299; 150 and 249 of 1000"},
		{[]string{"prepaid"}, []string{"4", "0", "0", "0"}, "299; 50 and 50 of 1000"},
	} {
		s := StatusOf(forecastAccount(t, c.payModes, c.days...))
		got := fmt.Sprintf("%s; %v and %s of %v", text(s.Forecast), s.Budget.Used, text(s.Budget.Forecast), s.Budget.Monthly)
		if got != c.want {
			t.Errorf("%v %v: %s, want %s", c.payModes, c.days, got, c.want)
		}
	}
}

// What is bought is no part of a usual day, and a bill has nothing beyond it.
func TestForecastOfABill(t *testing.T) {
	a := forecastAccount(t, nil, "0", "0", "0", "0")
	s := StatusOf(a)
	s.Running.Estimated = false
	s.Days[0].Modes = []Part{
		{Key: billclient.Postpaid, Cost: yuan("1")}, {Key: billclient.Prepaid, Cost: yuan("1000")},
		{Key: billclient.Realtime, Cost: yuan("2")},
	}
	if got := s.forecast(a, func(string) bool { return true }); got == nil || got.Cmp(yuan("251")) != 0 {
		t.Errorf("%v, want 251", got)
	}
}

// What bill-union says of the running month is as old as its answer.
func TestAgeOfBillUnion(t *testing.T) {
	s := StatusOf(forecastAccount(t, nil))
	want := october(15).Add(-time.Hour)
	if !s.Running.OthersAt.Equal(want) || !s.Sources[1].Data.Equal(want) {
		t.Errorf("%v, source to %v, want %v", s.Running.OthersAt, s.Sources[1].Data, want)
	}
}
