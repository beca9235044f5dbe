package ledger

import (
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"

	"pgregory.net/rapid"
)

var rules = BasisRules{MaxStaleness: 72 * time.Hour, BillSettles: 240 * time.Hour}

// A month's basis follows from what is known of its two books and the instant.
func TestBasis(t *testing.T) {
	october, november := billclient.MonthOf(october(15)), billclient.MonthOf(beijing(11, 1, 0))
	book := func(m billclient.Month, sum string, readAt time.Time) Book {
		return Book{Summary: &Summary{Month: m, Sum: amount(t, sum), ReadAt: readAt}}
	}
	none := Book{}
	running := func(now time.Time, bill, estimate, last Book) (*Snapshot, time.Time) {
		return (&Snapshot{}).WithMonth(november, Month{Bill: bill, Estimate: estimate}).
			WithMonth(october, Month{Estimate: last}), now
	}
	closed := func(now time.Time, bill, estimate Book) (*Snapshot, time.Time) {
		return (&Snapshot{}).WithMonth(october, Month{Bill: bill, Estimate: estimate}), now
	}
	at := func(day, hour int) time.Time { return beijing(11, day, hour) }
	for _, c := range []struct {
		name string
		of   billclient.Month
		make func() (*Snapshot, time.Time)
		want Basis
	}{
		{"running, an estimate beside a bill", november, func() (*Snapshot, time.Time) {
			return running(at(3, 0), book(november, "1", at(3, 0)), book(november, "1", at(3, 0)), none)
		}, Estimated},
		{"running, nothing metered yet, estimates last month", november, func() (*Snapshot, time.Time) {
			return running(at(3, 23), book(november, "1", at(3, 0)), none, book(october, "1", at(3, 0)))
		}, Estimated},
		{"running, still nothing metered on the 4th", november, func() (*Snapshot, time.Time) {
			return running(at(4, 0), book(november, "1", at(3, 0)), none, book(october, "1", at(3, 0)))
		}, Billed},
		{"running, and no bill either", november, func() (*Snapshot, time.Time) {
			return running(at(4, 0), none, none, book(october, "1", at(3, 0)))
		}, Estimated},
		{"running, estimates are no longer answered", november, func() (*Snapshot, time.Time) {
			return running(at(9, 1), book(november, "1", at(9, 0)), book(november, "1", at(6, 0)), none)
		}, Billed},
		{"running, an estimate by a clock that was weeks ahead", november, func() (*Snapshot, time.Time) {
			return running(at(3, 0), book(november, "1", at(3, 0)), book(november, "1", at(20, 0)), none)
		}, Billed},
		{"running, nothing known", november, func() (*Snapshot, time.Time) {
			return running(at(3, 0), none, none, none)
		}, Undecided},
		{"closed, a whole bill", october, func() (*Snapshot, time.Time) {
			return closed(at(1, 1), book(october, "99", at(1, 0)), book(october, "100", at(1, 0)))
		}, Billed},
		{"closed, a bill below the estimate", october, func() (*Snapshot, time.Time) {
			return closed(at(3, 1), book(october, "98.99", at(3, 0)), book(october, "100", at(3, 0)))
		}, Estimated},
		{"closed, a bill below the estimate that has settled", october, func() (*Snapshot, time.Time) {
			return closed(at(11, 1), book(october, "98.99", at(3, 0)), book(october, "100", at(3, 0)))
		}, Billed},
		{"closed, a placeholder of 0", october, func() (*Snapshot, time.Time) {
			return closed(at(2, 1), book(october, "0", at(2, 0)), book(october, "100", at(3, 0)))
		}, Estimated},
		{"closed, more was paid back than paid", october, func() (*Snapshot, time.Time) {
			return closed(at(2, 1), book(october, "-100.9", at(2, 0)), book(october, "-100", at(2, 0)))
		}, Billed},
		{"closed, a bill from before its end", october, func() (*Snapshot, time.Time) {
			return closed(at(2, 1), book(october, "100", at(1, 0).Add(-1)), book(october, "100", at(2, 0)))
		}, Estimated},
		{"closed, a bill by a clock that was ahead", october, func() (*Snapshot, time.Time) {
			return closed(at(2, 1), book(october, "100", at(5, 0)), book(october, "100", at(2, 0)))
		}, Estimated},
		{"closed, nothing but a part of its bill", october, func() (*Snapshot, time.Time) {
			return closed(at(2, 1), book(october, "100", at(1, 0).Add(-1)), none)
		}, Billed},
		{"closed, nothing known", october, func() (*Snapshot, time.Time) {
			return closed(at(2, 1), none, none)
		}, Undecided},
		{"yet to come", november, func() (*Snapshot, time.Time) {
			return running(at(1, 0).Add(-1), book(november, "1", at(1, 0)), book(november, "1", at(1, 0)), none)
		}, Undecided},
	} {
		s, now := c.make()
		if got := BasisOf(s, c.of, now, rules); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The configuration decides for the running month, whatever is known.
func TestForcedBasis(t *testing.T) {
	october := billclient.MonthOf(october(15))
	for _, forced := range []Basis{Billed, Estimated} {
		rules := rules
		rules.Running = forced
		if got := BasisOf(&Snapshot{}, october, beijing(10, 15, 0), rules); got != forced {
			t.Errorf("%q, want %q", got, forced)
		}
	}
}

// Two exporters with the same last answers say the same, whatever they were answered before.
func TestBasisHasNoMemory(t *testing.T) {
	books := rapid.Custom(func(t *rapid.T) Book {
		if rapid.Bool().Draw(t, "empty") {
			return Book{}
		}
		sum, _ := billclient.ParseAmount(rapid.SampledFrom([]string{"0", "98", "99", "100", "-5"}).Draw(t, "sum"))
		readAt := beijing(10, 1, 0).Add(time.Duration(rapid.Int64Range(0, 50*24).Draw(t, "read")) * time.Hour)
		return Book{Summary: &Summary{Sum: sum, ReadAt: readAt}}
	})
	months := []billclient.Month{billclient.MonthOf(beijing(10, 1, 0)), billclient.MonthOf(beijing(11, 1, 0))}
	answer := func(t *rapid.T, s *Snapshot) *Snapshot {
		for _, m := range months {
			month := Month{Bill: books.Draw(t, "bill"), Estimate: books.Draw(t, "estimate")}
			for _, b := range []Book{month.Bill, month.Estimate} {
				if !b.IsEmpty() {
					b.Summary.Month = m
				}
			}
			next := *s.WithMonth(m, month)
			next.Months[m] = month
			s = &next
		}
		return s
	}
	rapid.Check(t, func(t *rapid.T) {
		old := &Snapshot{}
		for range rapid.IntRange(0, 5).Draw(t, "answers") {
			old = answer(t, old)
		}
		old = answer(t, old)
		fresh := &Snapshot{}
		for m, month := range old.Months {
			fresh = fresh.WithMonth(m, Month{Bill: Book{Summary: month.Bill.Summary}, Estimate: Book{Summary: month.Estimate.Summary}})
		}
		now := beijing(10, 1, 0).Add(time.Duration(rapid.Int64Range(0, 60*24).Draw(t, "now")) * time.Hour)
		for _, m := range months {
			if a, b := BasisOf(old, m, now, rules), BasisOf(fresh, m, now, rules); a != b {
				t.Fatalf("%v at %v: %q, and %q for one that has just begun", m, now, a, b)
			}
		}
	})
}
