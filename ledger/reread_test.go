package ledger_test

import (
	"slices"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// Lines of some products that are read again, with what is known of the others, say the same as all lines read again:
// every view, what is folded, names, days and the instances of days.
func TestProductsReadAgain(t *testing.T) {
	begin := billclient.DayOf(time.Date(2026, 10, 1, 0, 0, 0, 0, billclient.Beijing))
	readAt := time.Date(2026, 11, 2, 12, 0, 0, 0, billclient.Beijing)
	days := rapid.Custom(func(t *rapid.T) billclient.Line {
		line := anyLine.Draw(t, "line")
		line.StatDate = begin.Add(rapid.IntRange(0, 2).Draw(t, "day"))
		return line
	})
	rapid.Check(t, func(t *rapid.T) {
		options := ledger.Options{
			Views: metrics.LedgerViews(), Instances: anyInstances.Draw(t, "options"), ReadAt: readAt,
			Watched: []billclient.Day{begin, begin.Add(1)},
		}
		sum := func(lines []billclient.Line) *ledger.Ledger {
			l := ledger.New(options)
			for i := range lines {
				l.Add(&lines[i])
			}
			return l
		}
		month := billclient.MonthOf(begin.Start())
		closeAll := func(l *ledger.Ledger) (*ledger.LineSums, map[billclient.Day]ledger.Day) {
			s := &ledger.Summary{Month: month, Sum: l.Cost(), Begin: begin, End: begin.Add(2)}
			days := l.CloseDays(s, readAt)
			return l.Close(s, readAt), days
		}
		before := rapid.SliceOf(days).Draw(t, "before")
		changed := rapid.SliceOfDistinct(products, func(p string) string { return p }).Draw(t, "changed")
		isChanged := func(line billclient.Line) bool { return slices.Contains(changed, line.ProductCode) }
		again := slices.DeleteFunc(rapid.SliceOf(days).Draw(t, "again"),
			func(line billclient.Line) bool { return !isChanged(line) })
		after := slices.Concat(slices.DeleteFunc(slices.Clone(before), isChanged), again)

		known, knownDays := closeAll(sum(before))
		l := ledger.New(options)
		labels := make([]string, len(changed))
		for i, p := range changed {
			labels[i] = ledger.KeyLabel(p)
		}
		l.KeepProducts(known, knownDays, labels)
		for _, p := range changed {
			l.Include(sum(slices.DeleteFunc(slices.Clone(again),
				func(line billclient.Line) bool { return line.ProductCode != p })), readAt)
		}
		got, gotDays := closeAll(l)
		want, wantDays := closeAll(sum(after))
		if diff := cmp.Diff(want, got, byValue, noParts, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("sums (-want +got):\n%s", diff)
		}
		running := sum(after) // of which no parts are kept, and only instances that are shown looked at
		want = running.Close(&ledger.Summary{Sum: running.Cost()}, readAt)
		want.ReadFor = got.ReadFor
		if diff := cmp.Diff(want, got, byValue, noParts, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("sums of a running month (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantDays, gotDays, byValue, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("days (-want +got):\n%s", diff)
		}
	})
}
