package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
)

// shelf is a keeper that notes what it is to keep.
type shelf struct {
	mu      sync.Mutex
	notes   []string
	through map[billclient.Month]billclient.Day
}

func (s *shelf) Begin(r LineRead) LineBatch { return &shelved{shelf: s, read: r} }

func (s *shelf) DaysThrough(_ context.Context, _ billclient.CustomerID, m billclient.Month) billclient.Day {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.through[m]
}

// take returns the notes since the last time, each once. Days that were read before the products were, which are asked
// for at the same time, are read again at once: of these reads it has the first one, which has all days.
func (s *shelf) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.notes)
	notes := slices.Compact(s.notes)
	notes = slices.DeleteFunc(notes, func(n string) bool { return strings.Contains(n, " of 2026-10-13 to 2026-10-15: ") })
	s.notes = nil
	return notes
}

// shelved is one read.
type shelved struct {
	*shelf
	read  LineRead
	lines int
	cost  billclient.Amount
	pairs int // in the sets of lines of other pay modes than postpaid
}

func (s *shelved) Restart() { s.lines, s.cost, s.pairs = 0, billclient.Amount{}, 0 }

func (s *shelved) Add(line *billclient.Line) {
	s.lines++
	s.cost = s.cost.Add(line.Cost)
}

func (s *shelved) AddUnion(line *billclient.UnionLine) {
	if line.PayMode != billclient.Postpaid {
		s.lines++
		s.cost = s.cost.Add(line.Cost)
		s.pairs += len(line.Configs) + len(line.Tags)
	}
}

func (s *shelved) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what := string(s.read.Basis)
	if s.read.Basis == ledger.Undecided {
		what = strings.TrimSpace(fmt.Sprintf("others %s with %d pairs", s.read.Groups.CodeOf("", "云服务器"), s.pairs))
	}
	if s.read.From != 0 {
		what += fmt.Sprintf(" of %v to %v", s.read.From, s.read.To)
		s.through[s.read.Month] = s.read.To
	}
	s.notes = append(s.notes, fmt.Sprintf("%v %s: ", s.read.Month, what)+fmt.Sprintf(format, args...))
}

func (s *shelved) Keep(e Expected) {
	s.note("%d lines, %s CNY of customer %s, with %v", s.lines, strings.TrimRight(s.cost.String(), "0"), s.read.Customer, e)
}

func (s *shelved) Refuse(err error) { s.note("refused: %v", err) }

func (s *shelved) Discard() {}

// The lines that are read for the numbers are handed on when these are taken: those that are shown, of the running
// month and of the last one, without a call more. Those that do not come to their bill are refused.
func TestLinesAreHandedOn(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 150)), on("2026-10-20", server("kec-1", 999)))
		c.bill("2026-09", server("kec-1", 450))
		o := options(machines(c))
		shelf := &shelf{through: map[billclient.Month]billclient.Day{}}
		o.Keeper = shelf
		w := start(t, october(15), o, c.Account)
		check := func(at time.Time, want ...string) {
			t.Helper()
			w.sleepUntil(at)
			if diff := cmp.Diff(want, shelf.take()); diff != "" {
				t.Errorf("until %v (-want +got):\n%s", at, diff)
			}
		}
		check(october(15).Add(time.Minute),
			"2026-09 bill: 1 lines, 4.5 CNY of customer 1, with {true true}",
			"2026-09 others VM_GROUP with 2 pairs: 3 lines, 38. CNY of customer 1, with {true true}",
			"2026-10 estimate: 1 lines, 1.5 CNY of customer 1, with {true true}",
			"2026-10 others VM_GROUP with 2 pairs of 2026-10-01 to 2026-10-15: 6 lines, 38 CNY of customer 1, with {true true}",
		)
		c.put("2026-09", billsim.Bill{
			Lines: slices.Values([]billsim.Line{server("kec-1", 450)}), SummaryOnly: []billsim.Product{{Code: "EIP", Cost: 1e8}},
		})
		clear(shelf.through) // the lake is another one now
		check(october(16),
			"2026-09 bill: refused: the lines come to 4.50 CNY, the bill to 5.5",
			"2026-10 others VM_GROUP with 2 pairs of 2026-10-01 to 2026-10-16: 6 lines, 38 CNY of customer 1, with {true true}",
		)
		shelf.mu.Lock()
		// An old copy, whose last day was not over when it was read.
		shelf.through[billclient.MonthOf(october(1))] = billclient.DayOf(october(12))
		shelf.mu.Unlock()
		check(october(17),
			"2026-09 bill: refused: the lines come to 4.50 CNY, the bill to 5.5",
			"2026-09 others VM_GROUP with 2 pairs: 3 lines, 38. CNY of customer 1, with {true true}",
			"2026-10 estimate: 1 lines, 1.5 CNY of customer 1, with {true true}",
			"2026-10 others VM_GROUP with 0 pairs of 2026-10-11 to 2026-10-17: 3 lines, 3 CNY of customer 1, with {true true}",
		)
	})
}

// While nobody has told whether a month has postpaid lines, they are expected: the others alone are half of it. They
// are no longer once there is neither a bill nor an estimate.
func TestPostpaidLinesAreExpected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-09", 30, on("2026-09-13", server("kec-1", 150)))
		shelf := &shelf{through: map[billclient.Month]billclient.Day{}}
		o := options(machines(c))
		o.Keeper = shelf
		var stop func()
		w := startWith(t, october(15), o, faulty(&billsim.Fault{Action: "GetMonthBill", End: billsim.Drop}, &stop), c.Account)
		check := func(at time.Time, want string) {
			t.Helper()
			w.sleepUntil(at)
			notes := strings.Join(slices.DeleteFunc(shelf.take(), func(n string) bool {
				return !strings.HasPrefix(n, "2026-10 ")
			}), "\n")
			if !strings.HasSuffix(notes, want) {
				t.Errorf("until %v: got %q, want %q", at, notes, want)
			}
		}
		check(october(15).Add(time.Minute), "with {true true}")
		stop()
		check(october(16).Add(time.Hour), "with {false true}")
	})
}
