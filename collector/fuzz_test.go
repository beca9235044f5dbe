package collector

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/metrics"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// FuzzState reads any file, and any numbers under a good checksum. What is taken is the same when it is written and
// read again, and makes a page; the rest is set aside.
func FuzzState(f *testing.F) {
	customer := newCustomer("1")
	customer.Prepaid = func(month string) []billsim.Purchase {
		p := boughtUntil("kec-9", time.Now().Add(48*time.Hour).Format(time.DateTime))
		p.Day = month + "-01"
		return []billsim.Purchase{p}
	}
	of := withPurse(customer)
	f.Add(asJSON(f, stateOf(f, of, customer)))
	f.Add([]byte(`{"Account":"main","Snapshot":{}}`))
	f.Add([]byte(`{"Account":"main","Snapshot":{"Months":{"2026-10":{"Basis":"bill"}}},"Next":"2026-10-15T00:00:00Z"}`))
	f.Add([]byte(`{"Account":"main","Next":"2026-10-15T00:00:00Z","Snapshot":{"Months":{"2026-10":{"Basis":"bill",` +
		`"Bill":{"Summary":{"ReadAt":"2026-10-14T23:00:00Z"},"Lines":{"ReadAt":"2026-10-14T23:00:00Z"}}}}}}`))
	o := purseOptions(of)
	o.Prepaid.Months = 1
	o.State = &State{dir: f.TempDir()}
	config := configFingerprint(of)
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := decodeState(text); err == nil {
			t.Fatalf("%+v of a file without a checksum", k)
		}
		if err := os.WriteFile(o.State.file("main"), withHead(zipped(t, text), config), 0o600); err != nil {
			t.Fatal(err)
		}
		a := New(o, prometheus.NewRegistry(), nil, log.NewNopLogger()).accounts[0]
		checkRoundTrip(t, a.keep(a.custody))
		shown := a.show(a.refuse(claims{})).AsOf(now(), o.metricsOptions())
		if _, err := metrics.Render(o.metricsOptions(), []metrics.Account{shown}); err != nil {
			t.Error(err)
		}
	})
}

// checkRoundTrip writes and reads what is kept.
func checkRoundTrip(t *testing.T, k *kept) {
	t.Helper()
	text, err := encodeState(k)
	if err != nil {
		t.Fatal(err)
	}
	again, err := decodeState(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(asJSON(t, k)), string(asJSON(t, again))); diff != "" {
		t.Errorf("written and read (-first +again):\n%s", diff)
	}
}

// stateOf asks for everything once, of a customer who has a bit of all, and returns what is kept then.
func stateOf(f *testing.F, of Account, c *customer) *kept {
	f.Helper()
	today := time.Now().In(billclient.Beijing)
	running, last := billclient.MonthOf(today), billclient.MonthOf(today)-1
	for _, m := range []billclient.Month{running, last} {
		c.bill(m.String(), server("kec-1", 100), server("", -5))
		c.consume(m.String(), 1, on(m.String()+"-01", server("kec-1", 7)))
	}
	transport, stop := billsim.PipeTransport(billsim.New([]billsim.Account{c.Account}))
	defer stop()
	of.API.Transport, of.API.UnionEndpoint = transport, of.API.Endpoint
	o := purseOptions(of)
	o.Prepaid.Months = 1
	a := newAccount(of, o, log.NewNopLogger(), &vault{}, newSlots(1))
	a.takeCustody(f.Context())
	for _, name := range loopNames {
		(&loop{account: a, custody: a.custody, name: name}).refresh(f.Context())
	}
	for _, s := range a.custody.attempts {
		if s.IsFailing() || !s.WasTried() && s.Name != "detail_bill" {
			f.Fatalf("source %s: %+v", s.Name, s)
		}
	}
	return a.keep(a.custody)
}

func withHead(body []byte, config string) []byte {
	return append(fmt.Appendf(nil, stateFormat, wholeVersion, sha256.Sum256(body), config), body...)
}

func zipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJSON(t testing.TB, k *kept) []byte {
	t.Helper()
	text, err := jsonv2.Marshal(k, jsonOptions, jsonv2.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
