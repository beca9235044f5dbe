package main

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSetup checks a configuration file.
func TestSetup(t *testing.T) {
	s := companySetup(&server{url: "http://127.0.0.1:1"})
	s.shown, s.refresh = 20_000, day{hour: 10 * time.Second}.setup(largestBill, &server{}).refresh
	const want = `api:
  endpoint: http://127.0.0.1:1
  union_endpoint: http://127.0.0.1:1
  pay_endpoint: http://127.0.0.1:1
  trade_endpoint: http://127.0.0.1:1
  requests_per_second: 1000
refresh: {interval: 10000ms, details_interval: 60000ms, details_max_age: 240000ms}
instances: {max_series: 20000}
state_dir: state
accounts:
  - {name: main, access_key_id: AKBENCHMARK, secret_access_key: "secret-of-the-benchmark"}
`
	if diff := cmp.Diff(want, string(s.text())); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// TestReadPage checks which numbers are read from a page.
func TestReadPage(t *testing.T) {
	var page bytes.Buffer
	w := gzip.NewWriter(&page)
	if _, err := w.Write([]byte(`# HELP ksyun_bill_source_items Items 5
# TYPE ksyun_bill_source_items gauge
ksyun_bill_source_items{account="a",source="detail_bill"} 1e+06
ksyun_bill_source_items{account="b",source="detail_bill"} 5
ksyun_bill_source_items{account="b",source="detail_consume"} 7
ksyun_bill_account_info{account="in words 8"} 1
go_memstats_mallocs_total 1.5e+03
go_memstats_alloc_bytes_total 9.0
# EOF
`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got reading
	if err := got.readPage(&page); err != nil {
		t.Fatal(err)
	}
	want := reading{
		mallocs: 1500, bytes: 9, series: 6, lines: map[string]float64{"detail_bill": 1_000_005, "detail_consume": 7},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(reading{})); diff != "" {
		t.Errorf("reading (-want +got):\n%s", diff)
	}
}

// TestSince checks what has been done between two readings, and in each of several rounds.
func TestSince(t *testing.T) {
	before := reading{
		journal: journalState{Calls: 1, Bytes: 2}, cpu: time.Second, peak: 3, written: 4, mallocs: 5, bytes: 6, series: 7,
	}
	after := reading{
		journal: journalState{Calls: 11, Bytes: 22}, cpu: 4 * time.Second, peak: 33, written: 44, mallocs: 55, bytes: 66,
		series: 77,
	}
	want := measurement{
		CPU: 1500 * time.Millisecond, Allocs: 25, Peak: 33, Series: 77, Allocated: 30, Calls: 5, Received: 10, Written: 20,
	}
	if diff := cmp.Diff(want, after.since(before).divide(2)); diff != "" {
		t.Errorf("measurement (-want +got):\n%s", diff)
	}
}
