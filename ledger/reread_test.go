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

// When the lines of single products are enough, and of which.
func TestProductsToRead(t *testing.T) {
	october := billclient.MonthOf(time.Date(2026, 10, 1, 0, 0, 0, 0, billclient.Beijing))
	readAt := time.Date(2026, 11, 5, 12, 0, 0, 0, billclient.Beijing)
	summary := func(end billclient.Day, kec, eip, ebs, ofProject string) *ledger.Summary {
		return &ledger.Summary{
			Month: october, End: end, Sum: yuan(kec).Add(yuan(eip)).Add(yuan(ebs)),
			Product: []ledger.Row{
				{Labels: []string{"EBS"}, Amount: yuan(ebs)}, {Labels: []string{"EIP"}, Amount: yuan(eip)},
				{Labels: []string{"KEC"}, Amount: yuan(kec)},
			},
			ProjectProduct: []ledger.Row{{Labels: []string{"1", "EBS"}, Amount: yuan(ofProject)}},
		}
	}
	fewLines := 24
	read := func() *ledger.Ledger {
		l := ledger.New(ledger.Options{Views: metrics.LedgerViews(), ReadAt: readAt, FewLines: fewLines})
		for product, n := range map[string]int{"KEC": 20, "EIP": 2, "EBS": 3} {
			for range n {
				l.Add(&billclient.Line{ProductCode: product, Cost: yuan("1")})
			}
		}
		return l
	}
	before := summary(1, "20", "2", "3", "3")
	for _, c := range []struct {
		name          string
		before, after *ledger.Summary
		since         time.Duration // the read
		want          []string
		ok            bool
	}{
		{"no change", before, before, 7 * time.Hour, nil, false},
		{"a product", before, summary(1, "20", "2.5", "3", "3"), 7 * time.Hour, []string{"EIP"}, true},
		{"a product, too soon", before, summary(1, "20", "2.5", "3", "3"), 5 * time.Hour, nil, true},
		{"a product, a week later", before, summary(1, "20", "2.5", "3", "3"), 170 * time.Hour, nil, false},
		{"a product's projects", before, summary(1, "20", "2", "3", "2"), 7 * time.Hour, []string{"EBS"}, true},
		{"one of most lines", before, summary(1, "21", "2", "3", "3"), 7 * time.Hour, nil, false},
		{"two of few lines", before, summary(1, "20", "2.5", "3.5", "3"), 7 * time.Hour, nil, false},
		{"the days too", before, summary(2, "20", "2.5", "3", "3"), 7 * time.Hour, nil, false},
		{
			"one, and lines of another that did not come to it", summary(1, "20", "2", "4", "3"),
			summary(1, "20", "2.5", "4", "3"), 7 * time.Hour, nil, false,
		},
	} {
		b := ledger.Book{Summary: c.after, Lines: read().Close(c.before, readAt)}
		now := readAt.Add(c.since)
		products, ok := b.ProductsToRead(now.Add(-6*time.Hour), now.Add(-168*time.Hour))
		if !slices.Equal(products, c.want) || ok != c.ok {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, products, ok, c.want, c.ok)
		}
	}
	after := summary(1, "20", "2.5", "3", "3")
	b := ledger.Book{Summary: before, Lines: read().Close(before, readAt)}
	b.Lines = b.LinesReadAgain(read(), readAt) // they are those of an earlier summary
	b.Summary = after
	if products, ok := b.ProductsToRead(readAt, readAt); ok {
		t.Errorf("after lines that were dropped: %v", products)
	}
	fewLines = 25
	for name, lines := range map[string]*ledger.LineSums{
		"sums": read().Close(before, readAt), "no sums": read().CloseUnsummed(before, readAt),
	} {
		b = ledger.Book{Summary: after, Lines: lines}
		if products, ok := b.ProductsToRead(readAt, readAt); ok {
			t.Errorf("after few lines, %s: %v", name, products)
		}
	}
}
