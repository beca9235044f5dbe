package billsim

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// TestGenerated: the pieces join to what the fields say, the size is as promised, months differ in amounts only.
func TestGenerated(t *testing.T) {
	bills := Generated("73400575", 20_000, 4_000, 7)
	october, _ := bills("2026-10")
	var joined, written jsonWriter
	size := 0
	for l := range october.Lines {
		joined.line(&l)
		l.pieces = nil
		written.line(&l)
		got, want := joined.take(), written.take()
		if string(got) != string(want) {
			t.Fatalf("line\n got %s\nwant %s", got, want)
		}
		size += len(got)
	}
	if average := size / 20_000; average < 950 || average > 1100 {
		t.Errorf("%d bytes a line", average)
	}
	september, _ := bills("2026-09")
	a, b := october.Sums(), september.Sums()
	counts := []int{
		a.Lines, len(a.ByProduct), len(a.ByProject), len(a.ByRegion), len(a.ByBillingMode), len(a.ByInstance),
	}
	if want := []int{20_000, 8, 12, 6, 4, 4_000}; !slices.Equal(counts, want) {
		t.Errorf("lines, products, projects, regions, modes, instances: %v, want %v", counts, want)
	}
	if a.Total == b.Total || len(b.ByInstance) != len(a.ByInstance) {
		t.Errorf("totals %s and %s, instances %d and %d", a.Total, b.Total, len(a.ByInstance), len(b.ByInstance))
	}
	for key := range a.ByInstance {
		if _, ok := b.ByInstance[key]; !ok {
			t.Errorf("%v is in one month only", key)
		}
	}
	again, _ := Generated("73400575", 20_000, 4_000, 7)("2026-10")
	if got := again.Sums().Total; got != a.Total {
		t.Errorf("the same seed gives %s and %s", a.Total, got)
	}
}

// TestGeneratedFaults: faults inside a line hold for lines in pieces too.
func TestGeneratedFaults(t *testing.T) {
	a := accountOf(nil)
	a.Bills = Generated(a.CustomerID, 3, 1, 7)
	s, c := serve(t, a)
	for want, fault := range map[string]Fault{
		`"BillMonth":"2018-07"`: WrongMonth(2, "2018-07"),
		`"TagSet":null}`:        {Forms: map[string]Form{"TagSet": Null}},
	} {
		undo := s.Fault(fault)
		if _, got := c.get(linesQuery); !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
		undo()
	}
}

// BenchmarkDetailBill is what the simulator itself costs per line of a big bill, before the network.
func BenchmarkDetailBill(b *testing.B) {
	account := Account{Bills: Generated("73400575", b.N, b.N/5, 1)}
	x := &exchange{action: "GetPostpayDetailBill", account: &account, months: []string{"2026-10"}, syntax: JSONError}
	var size counter
	b.ReportAllocs()
	b.ResetTimer()
	if err := x.writeDetailBill(newBody(context.Background(), &size, &Fault{})); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size) / int64(b.N))
}
