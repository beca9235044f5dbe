package collector

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
)

// A temporary key whose time is over is asked with once an interval, until its file has another token: then everything
// is asked again within a minute. The next key is another one, of the same customer.
func TestSecurityToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newCustomer("1"), newCustomer("1")
		second.AccessKeyID = "AK1b"
		for _, c := range []*customer{first, second} {
			c.bill("2026-10", server("kec-1", 100))
		}
		account, key := withKey(simulated("main", first.Account), first.AccessKeyID, first.SecretAccessKey)
		withToken := func(c *customer, token string) *billclient.Credentials {
			k := keyOf(c)
			k.SecurityToken = token
			return k
		}
		key.Store(withToken(first, "t1"))
		var good atomic.Pointer[string]
		accept := func(token string) { good.Store(&token) }
		accept("t1")
		w := startWith(t, october(15), options(account), func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				signed := strings.Contains(r.Header.Get("Authorization"), "x-ksc-security-token")
				if r.Header.Get("X-Ksc-Security-Token") != *good.Load() || !signed {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusBadRequest)
					_, _ = io.WriteString(w, `{"Error":{"Code":"SecurityTokenExpired","Message":"over"}}`)
					return
				}
				api.ServeHTTP(w, r)
			})
		}, first.Account, second.Account)
		const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1`
		const up = `ksyun_bill_source_up{account="main",source="month_bill"} `
		isUp := func() []string {
			return slices.DeleteFunc(w.scrape("ksyun_bill_source_up"), func(s string) bool { return !strings.HasPrefix(s, up) })
		}
		compare(t, w.scrape("ksyun_bill_account_cost_cny"), cost)

		accept("t2")
		w.log.take()
		w.sleep(time.Hour)
		compare(t, slices.Concat(w.scrape("ksyun_bill_account_cost_cny"), isUp()), cost+"\n"+up+"0")
		if log := w.log.take(); !strings.Contains(log, "source=month_bill") || !strings.Contains(log, "reason=auth") ||
			!strings.Contains(log, "SecurityTokenExpired (HTTP 400)") {
			t.Errorf("log: %s", log)
		}
		key.Store(withToken(first, "t2"))
		w.sleep(61 * time.Second)
		compare(t, isUp(), up+"1")

		accept("t3")
		key.Store(withToken(second, "t3"))
		w.sleep(61 * time.Second)
		compare(t, slices.Concat(w.scrape("ksyun_bill_account_cost_cny"), isUp()), cost+"\n"+up+"1")
		if log := w.log.take(); !strings.Contains(log, "the new key is of a known customer, whose numbers are taken over") {
			t.Errorf("log: %s", log)
		}
	})
}

// A token that was replaced while the program was away is asked with at once.
func TestTokenOverARestart(t *testing.T) {
	for _, c := range []struct {
		token string
		asks  bool
	}{{"t1", false}, {"t2", true}} {
		t.Run(c.token, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				customer := newCustomer("1")
				customer.bill("2026-10", server("kec-1", 100))
				account, key := withKey(simulated("main", customer.Account), "", "")
				withToken := keyOf(customer)
				withToken.SecurityToken = "t1"
				key.Store(withToken)
				w := start(t, october(15), keptIn(t, dir, options(account)), customer.Account)
				another := *withToken
				another.SecurityToken = c.token
				key.Store(&another)
				w = w.restart(october(15).Add(time.Minute), dir, options(account))
				if asks := len(w.asked()) > 0; asks != c.asks {
					t.Errorf("the API is asked: %t", asks)
				}
			})
		})
	}
}
