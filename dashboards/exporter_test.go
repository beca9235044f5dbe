//go:build e2e

package main

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// TestNativeHistograms checks that the durations of calls are there also in a Prometheus that keeps histograms as
// native ones, which have no series of buckets.
func TestNativeHistograms(t *testing.T) {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ksyun_bill_api_request_duration_seconds", Help: "Duration.", NativeHistogramBucketFactor: 1.1,
	}, []string{"action"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(durations, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "calls", Help: "Calls."},
		func() float64 { durations.WithLabelValues("GetMonthBill").Observe(0.5); return 1 }))
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(server.Close)
	p := peers.StartPrometheus(t, t.TempDir(), peers.Scrape(time.Second, server.Listener.Addr().String()),
		"--enable-feature=native-histograms")
	p.Await(t, "histogram_count(increase(ksyun_bill_api_request_duration_seconds[1h])) > 0", 1)
	if classic := p.Query(t, "ksyun_bill_api_request_duration_seconds_bucket"); len(classic) > 0 {
		t.Fatalf("%d buckets", len(classic))
	}
	for place, target := range dashboardTargets(readDashboard(t, "ksyun-bill-exporter.json")) {
		if place.panel.Title != "Duration of a call, 95%" {
			continue
		}
		answer := runTarget(t, p, target, map[string]string{"job": ".*", "instance": ".*", "account": ".*"})
		if len(answer) != 1 || answer[0].Labels["action"] != "GetMonthBill" || math.Abs(answer[0].Value()-0.5) > 0.05 {
			t.Errorf("%s: %v", place.name, answer)
		}
	}
}

// testReplicaCount checks that a replica that two jobs scrape counts once, and that other targets do not count.
func testReplicaCount(t *testing.T, two peers.Prometheus) { checkReplicas(t, two, "up 1", "down 0") }

func checkReplicas(t *testing.T, p peers.Prometheus, want ...string) {
	t.Helper()
	var got []string
	for place, target := range dashboardTargets(readDashboard(t, "ksyun-bill-exporter.json")) {
		if place.panel.Title == "Replicas up" {
			answer := runTarget(t, p, target, map[string]string{"job": ".*", "instance": ".*"})
			got = append(got, readValues(place.panel, target, answer)...)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("replicas (-want +got):\n%s", diff)
	}
}

// TestReplicaDown checks that a replica that no longer answers is counted as down.
func TestReplicaDown(t *testing.T) {
	gone := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if gone {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		gone = true
		_, _ = io.WriteString(w, "ksyun_bill_exporter_build_info{version=\"1\"} 1\n")
	}))
	t.Cleanup(server.Close)
	p := peers.StartPrometheus(t, t.TempDir(), peers.Scrape(time.Second, server.Listener.Addr().String()))
	p.Await(t, "min_over_time(up[1m]) == 0 and on () max_over_time(up[1m]) == 1", 1)
	checkReplicas(t, p, "up 0", "down 1")
}
