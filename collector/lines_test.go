package collector

import (
	"testing"
	"time"

	"ksyun_bill_exporter/ledger"
)

// When lines are read: a month's first ones at once, then as seldom as the configuration wants.
func TestLinesDue(t *testing.T) {
	f := &fetch{options: options()}
	before, changed := &ledger.Summary{End: 1}, &ledger.Summary{End: 2}
	lines := &ledger.LineSums{ReadFor: before, ReadAt: october(15), Summed: true}
	counted := &ledger.LineSums{ReadFor: before, ReadAt: october(15)}
	for _, c := range []struct {
		name string
		book ledger.Book
		age  time.Duration

		isShown, want bool
	}{
		{"no summary", ledger.Book{}, 48 * time.Hour, true, false},
		{"no summary any more", ledger.Book{Lines: lines}, 48 * time.Hour, true, false},
		{"never read", ledger.Book{Summary: before}, 0, true, true},
		{"no change", ledger.Book{Summary: before, Lines: lines}, 23 * time.Hour, true, false},
		{"no change for a day", ledger.Book{Summary: before, Lines: lines}, 24 * time.Hour, true, true},
		{"a change", ledger.Book{Summary: changed, Lines: lines}, 6 * time.Hour, true, true},
		{"a change too soon", ledger.Book{Summary: changed, Lines: lines}, 5 * time.Hour, true, false},
		{"read by a clock that was ahead", ledger.Book{Summary: before, Lines: lines}, -time.Hour, true, true},
		{"counted only, and shown", ledger.Book{Summary: before, Lines: counted}, 0, true, true},
		{"counted only, and not shown", ledger.Book{Summary: before, Lines: counted}, 0, false, false},
	} {
		if got := areLinesDue(f, c.book, c.isShown, october(15).Add(c.age)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Instances are told apart where days and instances are shown.
func TestWatchedDays(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   int
	}{
		{"days and instances", func(*Options) {}, 6},
		{"no days", func(o *Options) { o.Days = 0 }, 0},
		{"no instances", func(o *Options) { o.Instances.Enabled = false }, 0},
	} {
		f := &fetch{options: options(), snapshot: &ledger.Snapshot{}}
		c.change(&f.options)
		if got := len(watchedDays(f, october(15))); got != c.want {
			t.Errorf("%s: %d days, want %d", c.name, got, c.want)
		}
	}
}
