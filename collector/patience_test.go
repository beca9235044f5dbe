package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
)

// What hangs is given up after ten seconds, once: until it has ended, nobody waits for it again. The end of the program
// waits a second for it.
func TestPatiently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, release := &patient{}, make(chan struct{})
		hang := func() (int, error) {
			<-release
			return 1, nil
		}
		answer := func() (int, error) { return 2, nil }
		began := time.Now()
		if _, err := patiently(t.Context(), p, "a file", hang); err == nil || err.Error() != "a file: took longer than 10s" {
			t.Error(err)
		}
		if _, err := patiently(t.Context(), p, "a file", answer); err == nil || err.Error() != "a file: still hangs" {
			t.Error(err)
		}
		if took := time.Since(began); took != patience {
			t.Errorf("given up after %v", took)
		}
		close(release)
		synctest.Wait()
		if got, err := patiently(t.Context(), p, "a file", answer); got != 2 || err != nil {
			t.Errorf("%d, %v", got, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		release = make(chan struct{})
		defer close(release)
		began = time.Now()
		cancel()
		if _, err := patiently(ended, p, "a file", hang); err == nil || time.Since(began) != lastPatience {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

var errSlowKey = errors.New("slow")

// A key file that hangs stops neither the other accounts nor the end of the program, and the numbers stay. Hanging from
// the start, it delays the other accounts by a second, and its own account has the key as soon as it can be read.
func TestKeyFileHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, other := newCustomer("1"), newCustomer("2")
		c.bill("2026-10", server("kec-1", 100))
		other.bill("2026-10", server("kec-2", 200))
		account := simulated("main", c.Account)
		read := account.API.Credentials
		var hangs atomic.Bool
		account.API.Credentials = func(ctx context.Context) (billclient.Credentials, error) {
			if hangs.Load() {
				ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlowKey)
				defer cancel()
				<-ctx.Done()
				return billclient.Credentials{}, fmt.Errorf("secret_access_key_file: key: %w", context.Cause(ctx))
			}
			return read(ctx)
		}
		o := options(account, simulated("other", other.Account))
		w := start(t, october(15), o, c.Account, other.Account)
		hangs.Store(true)
		other.bill("2026-10", server("kec-2", 300))
		w.sleep(2 * time.Hour)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_account_cost_cny{account="other",pay_mode="postpaid"} 3`)
		up := w.scrape("ksyun_bill_source_up")
		if !slices.Contains(up, `ksyun_bill_source_up{account="main",source="month_bill"} 0`) {
			t.Errorf("%q", up)
		}
		if log := w.log.take(); !strings.Contains(log, "credentials: secret_access_key_file: key: slow") {
			t.Errorf("log: %s", log)
		}
		began := time.Now()
		w.end()
		if took := time.Since(began); took > lastPatience {
			t.Errorf("the end takes %v", took)
		}

		w.run(o)
		w.sleep(2 * firstPatience)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="other",pay_mode="postpaid"} 3`)
		if log := w.log.take(); !strings.Contains(log, "secret_access_key_file: key: reading it took longer than 1s") {
			t.Errorf("log: %s", log)
		}
		hangs.Store(false)
		w.sleep(wake + patience)
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_account_cost_cny{account="other",pay_mode="postpaid"} 3`)
	})
}
