package ledger_test

import (
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// realtimeDays returns what an instance that costs a yuan a day costs on the days from one to another, with what is known
// of the days before.
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
