package collector

import (
	"slices"
	"sync"

	"ksyun_bill_exporter/ledger"
)

// vault holds numbers that were kept and that no account shows now: of a key or of a customer that may come back under
// whatever name. It is safe for concurrent use.
type vault struct {
	mu  sync.Mutex
	all []*kept
}

// put takes numbers into the vault, unless there are none.
func (v *vault) put(k *kept) {
	if k.Snapshot.IsEmpty() && len(k.Sources) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, k)
}

// empty reports whether there is nothing to take.
func (v *vault) empty() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.all) == 0
}

// take removes the newest numbers that match from the vault and returns them, nil if none match.
func (v *vault) take(match func(*kept) bool) *kept {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, k := range slices.Backward(v.all) {
		if match(k) {
			v.all = slices.Delete(v.all, i, i+1)
			return k
		}
	}
	return nil
}

// takeOfKey takes what was read with a key, preferably where there are numbers, and under the name of the account.
func (v *vault) takeOfKey(keyID, account string) *kept {
	for _, isBetter := range []func(*kept) bool{
		func(k *kept) bool { return k.Snapshot.HasNumbers() && k.Account == account && !k.apart },
		func(k *kept) bool { return k.Snapshot.HasNumbers() },
		func(k *kept) bool { return k.Account == account },
		func(*kept) bool { return true },
	} {
		if k := v.take(func(k *kept) bool { return k.Owner == keyID && isBetter(k) }); k != nil {
			return k
		}
	}
	return nil
}

// setApart renames a file whose numbers are in the vault, by a function that returns its new name. The vault is not
// locked meanwhile: the function may hang.
func (v *vault) setApart(file string, rename func(*kept) (string, error)) (err error) {
	k := v.take(func(k *kept) bool { return k.file == file })
	if k == nil {
		return nil
	}
	k.file, err = rename(k)
	k.apart = true
	v.put(k)
	return err
}

// takeOfPlace takes what an account's last key has read, if that key was read at a place: another place can have the
// key of another customer.
func (v *vault) takeOfPlace(account, keys string) *kept {
	return v.take(func(k *kept) bool { return k.Account == account && k.Keys == keys && !k.apart })
}

// takeOfCustomer takes what was kept of the customer whose numbers s has.
func (v *vault) takeOfCustomer(s *ledger.Snapshot) *kept {
	return v.take(func(k *kept) bool { return k.Snapshot.SameCustomer(s) })
}
