package billclient

import (
	"hash/maphash"
	"slices"
)

// maxGrowth limits how much memory a Total can ask for at once.
const maxGrowth = 1 << 20

// rowDigests finds rows that are on several pages of one read: rows move from page to page where the order of the API
// is not stable, or where something changes while the pages are read, and a last page can begin too early. It keeps 8
// bytes for each row, a digest of everything that was read of it, its DetailBillNo too.
//
// Such rows can be right as well: the API may have two lines that differ in nothing that was read. So a read in which
// rows are on several pages fails, and the next one counts if it has the same rows, in whatever order. Then Total
// decides: if it counts the repeated rows, they are lines of their own, and if it does not, they are repetitions, and
// each is taken once. Rows that are alike on one page are taken: one answer cannot overlap with itself.
type rowDigests struct {
	seed    maphash.Seed
	digests []uint64 // those of all pages so far, each of them once a page
	count   int      // of all rows
	sum     uint64   // of the digests of all rows: the same for the same rows in any order

	before *pagesRead // nil if no row of the read before was on several pages
	pages  []int      // the page on which each of before.repeated came first, -1 before it came
	result *pagesRead // of this read, if rows were on several pages

	isChecked bool // all pages were read
}

// pagesRead is what is kept of a read in which rows were on several pages.
type pagesRead struct {
	seed         maphash.Seed
	count, total int
	sum          uint64
	repeated     []uint64 // the digests of those rows, in ascending order
}

func newRowDigests(before *pagesRead) rowDigests {
	if before == nil {
		return rowDigests{seed: maphash.MakeSeed()}
	}
	return rowDigests{
		seed: before.seed, before: before, pages: slices.Repeat([]int{-1}, len(before.repeated)),
	}
}

// isRepetition reports whether the row was on an earlier page, and Total does not count it again. Only the read before
// can tell, so it is false for all rows without one.
func (d *rowDigests) isRepetition(digest uint64, page int) bool {
	if d.before == nil || d.before.count <= d.before.total {
		return false
	}
	place, ok := slices.BinarySearch(d.before.repeated, digest)
	if !ok {
		return false
	}
	if d.pages[place] < 0 {
		d.pages[place] = page
	}
	return d.pages[place] != page
}

// addPage adds the digests of the rows of a page.
func (d *rowDigests) addPage(rows []uint64, total int) {
	begin := len(d.digests)
	if cap(d.digests)-begin < len(rows) {
		d.digests = slices.Grow(d.digests, max(len(rows), min(total-begin, maxGrowth)))
	}
	d.digests = append(d.digests, rows...)
	slices.Sort(d.digests[begin:])
	d.digests = d.digests[:begin+len(slices.Compact(d.digests[begin:]))]
	d.count += len(rows)
	for _, digest := range rows {
		d.sum += digest
	}
}

// check fails after the last page unless the rows that were emitted are whole. It needs the digests for the last time.
func (d *rowDigests) check(emitted, total int) error {
	d.isChecked = true
	repeated := d.findRepeated()
	if len(repeated) > 0 {
		d.result = &pagesRead{d.seed, d.count, total, d.sum, repeated}
		if !d.agrees() {
			return newPagesError("%d of %d lines are on several pages", len(repeated), d.count)
		}
	}
	if emitted != total {
		return newPagesError("%d lines, Total is %d", emitted, total)
	}
	return nil
}

// findRepeated returns the digests that several pages have, in ascending order.
func (d *rowDigests) findRepeated() (repeated []uint64) {
	slices.Sort(d.digests)
	for i, digest := range d.digests {
		if i > 0 && digest == d.digests[i-1] && (len(repeated) == 0 || repeated[len(repeated)-1] != digest) {
			repeated = append(repeated, digest)
		}
	}
	d.digests = nil
	return repeated
}

// agrees reports whether this read has the same rows as the one before.
func (d *rowDigests) agrees() bool {
	before := d.before
	return before != nil && before.count == d.count && before.total == d.result.total && before.sum == d.sum
}
