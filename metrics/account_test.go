package metrics

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

func beijing(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, billclient.Beijing)
}

// october returns 12:00 of a day of October 2026 in Beijing.
func october(day int) time.Time { return beijing(10, day, 12) }

func yuan(s string) billclient.Amount {
	a, err := billclient.ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// A day whose instances were not told apart is not one on which they cost nothing.
func TestWeekChangeNeedsBothDays(t *testing.T) {
	costs := []ledger.InstanceCost{{Key: &ledger.Key{"KEC", "0", "kec-1"}, Cost: yuan("1")}}
	for _, c := range []struct {
		name             string
		day, aWeekBefore []ledger.InstanceCost
		want             int
	}{
		{"both", costs, []ledger.InstanceCost{}, 1},
		{"not the week before", costs, nil, 0},
		{"not the day", nil, costs, 0},
	} {
		a := Account{newest: billclient.DayOf(october(14)), Snapshot: &ledger.Snapshot{Days: map[billclient.Day]ledger.Day{
			billclient.DayOf(october(13)): {Instances: c.day}, billclient.DayOf(october(6)): {Instances: c.aWeekBefore},
		}}}
		if got := len(weekChanges(a)); got != c.want {
			t.Errorf("%s: %d changes, want %d", c.name, got, c.want)
		}
	}
}

// Last month up to the same day, of which every day is known: each of them has cost 1.
func TestToDate(t *testing.T) {
	one := ledger.Day{ProjectProduct: []ledger.Row{{Labels: []string{"0", "KEC"}, Amount: yuan("1")}}}
	known := map[billclient.Day]ledger.Day{}
	for at := beijing(2, 1, 0); at.Before(beijing(4, 1, 0)); at = at.AddDate(0, 0, 1) {
		known[billclient.DayOf(at)] = one
	}
	holed := maps.Clone(known)
	delete(holed, billclient.DayOf(beijing(2, 5, 0)))
	lately := maps.Clone(known)
	delete(lately, billclient.DayOf(beijing(3, 5, 0)))
	for _, c := range []struct {
		name   string
		days   map[billclient.Day]ledger.Day
		newest time.Time
		past   int
		want   string
	}{
		{"the first day", known, beijing(3, 1, 0), 1, "1"},
		{"a day that both have", known, beijing(3, 20, 0), 1, "20"},
		{"a day that last month had not", known, beijing(3, 30, 0), 1, "28"},
		{"a day that is not known", holed, beijing(3, 5, 0), 1, ""},
		{"before it", holed, beijing(3, 4, 0), 1, "4"},
		{"a day of this month that is not known", lately, beijing(3, 6, 0), 1, "6"},
		{"no day of this month", known, beijing(2, 28, 0), 1, ""},
		{"no past months", known, beijing(3, 20, 0), 0, ""},
	} {
		a := Account{
			options: Options{PastMonths: c.past}, Snapshot: &ledger.Snapshot{Days: c.days},
			month: billclient.MonthOf(beijing(3, 1, 0)), newest: billclient.DayOf(c.newest),
		}
		got := ""
		dayViews[0].emitToDate(a, func(value float64, _ ...string) { got += fmt.Sprint(value) })
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		whole := c.days[billclient.DayOf(beijing(3, 5, 0))].ProjectProduct != nil // what people are shown needs both
		if d := toDate(a); (d != nil) != (got != "" && whole) || d != nil && d.LastMonth.Cmp(yuan(got)) != 0 {
			t.Errorf("%s: people are shown %+v", c.name, d)
		}
	}
}
