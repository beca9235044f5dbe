package backfill

import (
	stdcmp "cmp"
	"path/filepath"
	"syscall"
	"testing"

	"ksyun_bill_exporter/billclient"

	"github.com/google/go-cmp/cmp"
)

// A line that cannot be written completely is removed, so that the lines after it can be read.
func TestJournalOnAFullDisk(t *testing.T) {
	name, now := filepath.Join(t.TempDir(), "partial"), noon
	j, err := openJournal(name, now)
	if err != nil {
		t.Fatal(err)
	}
	record := func(month billclient.Month, id string) error {
		return j.recordMonth(owner{"main", "key"}, month, []billclient.MonthBill{{Month: month, BillID: id}})
	}
	var before syscall.Rlimit
	err = record(billclient.FirstMonth, "1")
	if err = stdcmp.Or(err, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before)); err != nil {
		t.Fatal(err)
	}
	full := before
	full.Cur = uint64(j.size) + 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	err = record(billclient.FirstMonth+1, "2")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if want := "write " + name + ": file too large"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := record(billclient.FirstMonth+2, "3"); err != nil {
		t.Fatal(err)
	}
	j.close()
	if j, err = openJournal(name, now); err != nil {
		t.Fatal(err)
	}
	defer j.close()
	got := j.missingMonths(owner{"main", "key"}, billclient.FirstMonth, billclient.FirstMonth+2)
	if diff := cmp.Diff([]billclient.Month{billclient.FirstMonth + 1}, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}
