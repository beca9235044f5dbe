package billclient

import "testing"

// TestRowDigestsMemory tests that a million rows take 8 MB, and that a Total alone takes no more.
func TestRowDigestsMemory(t *testing.T) {
	const pages = 200
	for name, total := range map[string]int{"right": pages * maxPageSize, "absurd": 1 << 60} {
		d := newRowDigests(nil)
		rows := make([]uint64, maxPageSize)
		for page := range pages {
			for i := range rows {
				rows[i] = uint64(page*maxPageSize+i) * 0x9E3779B97F4A7C15 // an odd factor keeps them different
			}
			d.addPage(rows, total)
		}
		if size, most := 8*cap(d.digests), 8*maxGrowth+8*maxPageSize; size > most {
			t.Errorf("total %s: %d bytes, want at most %d", name, size, most)
		}
		if err := d.check(pages*maxPageSize, total); (err == nil) != (name == "right") || d.result != nil {
			t.Errorf("total %s: %v", name, err)
		}
	}
}
