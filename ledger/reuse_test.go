package ledger_test

import (
	"slices"
	"testing"
	"time"
	"unsafe"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"

	"github.com/google/go-cmp/cmp"
)

// What was read again and is the same is the same in memory too, and what has changed shares the keys of instances. The
// numbers are those of the new read.
func TestReusing(t *testing.T) {
	of := billclient.MonthOf(time.Date(2026, 10, 1, 0, 0, 0, 0, billclient.Beijing))
	first := billclient.DayOf(of.Start())
	read := func(name string, second int) *ledger.Snapshot {
		at := time.Date(2026, 10, 15, second, 0, 0, 0, billclient.Beijing)
		cost := func(key ledger.Key, amount string) ledger.InstanceCost {
			return ledger.InstanceCost{Key: &key, Cost: yuan(amount)}
		}
		lines := &ledger.LineSums{
			ReadFor: &ledger.Summary{}, ReadAt: at,
			Rows: map[string][]ledger.Row{
				"region":   {{Labels: []string{"北京"}, Amount: yuan("3")}},
				"instance": {{Labels: []string{"KEC", "0", "kec-1"}, Amount: yuan(name)}},
			},
			Instances: []ledger.Instance{{Key: ledger.Key{"KEC", "0", "kec-1"}, Facts: []string{name}}},
		}
		modes := &ledger.ModeLines{ReadAt: at, Sums: map[string]*ledger.LineSums{billclient.Prepaid: lines}}
		return (&ledger.Snapshot{}).
			WithMonth(of, ledger.Month{Estimate: ledger.Book{Summary: &ledger.Summary{}, Lines: lines}, DayLines: modes}).
			WithDays(of, map[billclient.Day]ledger.Day{
				first: {
					ReadAt: at, ProjectProduct: []ledger.Row{{Labels: []string{"0", "KEC"}, Amount: yuan("1")}},
					Instances: []ledger.InstanceCost{cost(ledger.Key{"KEC", "0", "kec-1"}, "1")},
				},
				first + 1: {
					ReadAt: at,
					Instances: []ledger.InstanceCost{
						cost(ledger.Key{"KEC", "0", "kec-0"}, "1"), cost(ledger.Key{"KEC", "0", "kec-1"}, name),
					},
				},
				first + 2: {ReadAt: at, Instances: []ledger.InstanceCost{cost(ledger.Key{"KEC", "0", "kec-" + name}, "5")}},
			}).
			WithTerms(&ledger.Terms{ReadAt: at, All: []ledger.Term{{Instance: "kec-1"}}})
	}
	known, again := read("1", 1), read("2", 2)
	next := again.Reusing(known)
	if diff := cmp.Diff(again, next, byValue, noParts, cmp.AllowUnexported(ledger.ModeKey{})); diff != "" {
		t.Errorf("(-read +reusing):\n%s", diff)
	}
	lines := func(s *ledger.Snapshot) *ledger.LineSums { return s.Months[of].Estimate.Lines }
	modes := func(s *ledger.Snapshot) *ledger.LineSums { return s.Months[of].DayLines.Sums[billclient.Prepaid] }
	same := func(what string, a, b unsafe.Pointer, want bool) {
		if (a == b) != want {
			t.Errorf("%s: the same: %v", what, !want)
		}
	}
	row := func(rows []ledger.Row) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(rows)) }
	same("region rows", row(lines(known).Rows["region"]), row(lines(next).Rows["region"]), true)
	same("instance rows", row(lines(known).Rows["instance"]), row(lines(next).Rows["instance"]), false)
	same("region rows of a mode", row(modes(known).Rows["region"]), row(modes(next).Rows["region"]), true)
	same("rows of a day", row(known.Days[first].ProjectProduct), row(next.Days[first].ProjectProduct), true)
	same("terms", unsafe.Pointer(&known.Terms.All[0]), unsafe.Pointer(&next.Terms.All[0]), true)
	a, b := known.Days[first], next.Days[first]
	same("instances of a day", unsafe.Pointer(&a.Instances[0]), unsafe.Pointer(&b.Instances[0]), true)
	a, b = known.Days[first+1], next.Days[first+1]
	same("changed instances", unsafe.Pointer(&a.Instances[0]), unsafe.Pointer(&b.Instances[0]), false)
	for i := range b.Instances {
		same("a key", unsafe.Pointer(a.Instances[i].Key), unsafe.Pointer(b.Instances[i].Key), true)
	}
	sharesKey := func(what string, s *ledger.LineSums) {
		same(what+": the key of a row", unsafe.Pointer(&s.Rows["instance"][0].Labels[0]),
			unsafe.Pointer(&s.Instances[0].Key[0]), true)
	}
	sharesKey("reused", lines(next))
	shared := again.ShareKeys()
	sharesKey("shared", lines(shared))
	if first, second := shared.Days[first].Instances, shared.Days[first+1].Instances; first[0].Key != second[1].Key {
		t.Error("days do not share a key")
	}
	if !slices.Equal(lines(again).Instances[0].Facts, []string{"2"}) {
		t.Error("the new read was changed")
	}
}
