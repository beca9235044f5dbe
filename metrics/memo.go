package metrics

import (
	"sync"

	"ksyun_bill_exporter/ledger"
)

// memo keeps what several families of a page are made of, once it was made. It is safe for concurrent use.
type memo struct {
	labels    [linedMonths]once[keyLabels]
	instances [linedMonths]once[foldedInstances]
	amortized once[[]instanceRow]
	dayNames  struct{ groups, projects once[map[string]string] }
}

// linedMonths is how many months have lines of all pay modes: the running one and the last.
const linedMonths = 2

// foldedInstances are the instances of a month, and how many of each product were folded.
type foldedInstances struct {
	rows   []instanceRow
	folded map[string]int
}

// once is a value that is made when it is first wanted.
type once[T any] struct {
	once  sync.Once
	value T
}

func (o *once[T]) get(make func() T) T {
	o.once.Do(func() { o.value = make() })
	return o.value
}

// lineLabels returns how the products and projects of modeLines are called on a page; there are lines.
func lineLabels(a Account, n int) keyLabels {
	if n >= linedMonths { // of history
		return labelsOf(a, n, modeLines(a, n))
	}
	return a.memo.labels[n].get(func() keyLabels { return labelsOf(a, n, modeLines(a, n)) })
}

// instanceRows returns the instances of the month n months ago in all pay modes, postpaid first, and how many of each
// product have been folded because there are too many of all pay modes together.
func instanceRows(a Account, n int) (rows []instanceRow, folded map[string]int) {
	f := a.memo.instances[n].get(func() (f foldedInstances) {
		f.rows, f.folded = makeInstanceRows(a, n)
		return f
	})
	return f.rows, f.folded
}

// amortizedRows returns the instances of the running month with prepaid cost spread over its terms; there is some.
func amortizedRows(a Account) []instanceRow {
	return a.memo.amortized.get(func() []instanceRow { return makeAmortizedRows(a) })
}

// dayNames returns the names of what stands in families of other pay modes by their days.
func dayNames(a Account, by ledger.Split) map[string]string {
	names := &a.memo.dayNames.projects
	if by == ledger.ByGroup {
		names = &a.memo.dayNames.groups
	}
	return names.get(func() map[string]string { return a.makeDayNames(by) })
}
