package ledger_test

import (
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// realtimeDays returns what an instance that costs a yuan a day costs on the days from one to another, with what is
// known of the days before.
func realtimeDays(known *ledger.ModeLines, from, to billclient.Day) *ledger.ModeLines {
	l := ledger.NewModeLedger(ledger.Options{ReadAt: to.End()}, nil, false)
	for day := from; day <= to; day++ {
		l.Add(&billclient.UnionLine{PayMode: billclient.Realtime, InstanceID: "r-1", Day: day, Cost: yuan("1")})
	}
	return l.CloseDays(known, from, to)
}

// What the days of a month cost does not depend on how often they were read, nor on a clock that was ahead for a while.
func TestDaysAreReadAgain(t *testing.T) {
	first := billclient.DayOf(time.Date(2026, 10, 1, 0, 0, 0, 0, billclient.Beijing))
	for _, c := range []struct {
		name  string
		reads [][2]int // first and last day
		want  string
	}{
		{"once", [][2]int{{1, 25}}, "25"},
		{"every day", [][2]int{{1, 5}, {3, 6}, {4, 20}, {18, 21}}, "21"},
		{"less", [][2]int{{1, 25}, {18, 20}}, "20"},
		{"far less, and again", [][2]int{{1, 25}, {1, 7}, {6, 25}}, "25"},
	} {
		var lines *ledger.ModeLines
		for _, read := range c.reads {
			lines = realtimeDays(lines, first.Add(read[0]-1), first.Add(read[1]-1))
		}
		if got := lines.Sums[billclient.Realtime].ReadFor.Sum; got.Cmp(yuan(c.want)) != 0 {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// Of the lines of a closed month those count that come closer to the summary of its pay modes.
func TestLinesOfAClosedMonth(t *testing.T) {
	day := billclient.DayOf(time.Date(2026, 10, 31, 0, 0, 0, 0, billclient.Beijing))
	lines := func(named bool, costs ...string) *ledger.ModeLines {
		l := ledger.NewModeLedger(ledger.Options{}, nil, named)
		for _, cost := range costs {
			l.Add(&billclient.UnionLine{PayMode: billclient.Prepaid, Month: day.Month(), Cost: yuan(cost)})
		}
		return l.CloseMonth()
	}
	for _, c := range []struct {
		name        string
		days, month *ledger.ModeLines
		summary     string
		wantsDays   bool
	}{
		{"both whole", lines(false, "3"), lines(true, "3"), "3", false},
		{"the month is whole", lines(false, "2"), lines(true, "3"), "3", false},
		{"the days are whole", lines(false, "3"), lines(true, "2"), "3", true},
		{"the days are closer", lines(false, "5"), lines(true, "2"), "6", true},
		{"the month is closer", lines(false, "5"), lines(true, "2"), "1", false},
		{"there is no month yet", lines(false, "3"), nil, "3", true},
		{"the month is empty", lines(false, "3"), lines(true), "3", true},
		{"there are no days", nil, lines(true, "3"), "4", false},
		{"there is no summary", lines(false, "3"), lines(true, "2"), "", false},
	} {
		m := ledger.Month{DayLines: c.days, MonthLines: c.month}
		if c.summary != "" {
			parts := []ledger.Row{{Labels: []string{billclient.Prepaid}, Amount: yuan(c.summary)}}
			m = m.WithUnion(ledger.ByPayMode, &ledger.Union{Parts: parts})
		}
		if got := m.ModeLines(); got.Named == c.wantsDays {
			t.Errorf("%s: names %t", c.name, got.Named)
		}
	}
}
