package ledger

import (
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/google/go-cmp/cmp"
)

// Instances that are prepaid and in use are terms, each once, by their ends; what the API does not say is none.
func TestNewTerms(t *testing.T) {
	read := time.Date(2026, 10, 15, 12, 0, 0, 0, billclient.Beijing)
	end := func(day int) time.Time { return read.AddDate(0, 0, day) }
	of := func(id, status, mode string, day int) billclient.TradeInstance {
		return billclient.TradeInstance{
			InstanceID: id, ProductGroup: "VM_GROUP", ProjectID: "7", PayMode: mode, End: end(day),
			Renewal: billclient.RenewAuto, Status: status,
		}
	}
	answer := []billclient.TradeInstance{
		{InstanceID: "bare", End: end(9)},
		of("twice", "open", billclient.Prepaid, 3),
		of("twice", "open", billclient.Prepaid, 4),
		of("twice", "open", billclient.Prepaid, 2),
		of("hourly", "open", billclient.Realtime, 1),
		of("__none__", "shut down", billclient.Prepaid, 1),
		of("b", "in arrears", "", 4),
		of("odd", "13", billclient.Prepaid, 1),
	}
	for _, over := range []string{
		"failed", "expired", "recycled", "refunded", "deleted", "recycled for arrears", "recycled at once", "refunding",
	} {
		answer = append(answer, of("over", over, billclient.Prepaid, 1))
	}
	want := &Terms{ReadAt: read, All: []Term{
		{"VM_GROUP", "7", "___none__", "auto", end(1)},
		{"VM_GROUP", "7", "odd", "auto", end(1)},
		{"VM_GROUP", "7", "b", "auto", end(4)},
		{"VM_GROUP", "7", "twice", "auto", end(4)},
		{"__none__", "__none__", "bare", "__none__", end(9)},
	}}
	if diff := cmp.Diff(want, NewTerms(answer, read)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of two snapshots, the newer purse and the newer terms stay, each on its own.
func TestMergePurse(t *testing.T) {
	old := (&Snapshot{}).WithPurse(&Purse{ReadAt: time.Unix(1, 0)}).WithTerms(&Terms{ReadAt: time.Unix(1, 0)})
	merged := old.Merge((&Snapshot{}).WithPurse(&Purse{ReadAt: time.Unix(2, 0)}))
	if merged.Purse.ReadAt != time.Unix(2, 0) || merged.Terms != old.Terms {
		t.Errorf("%+v %+v", merged.Purse, merged.Terms)
	}
}
