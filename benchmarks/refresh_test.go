package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/exposition"
)

// TestRefresh checks that a refresh ends when its page shows the lines and that it returns the collector's error.
func TestRefresh(t *testing.T) {
	j := job{Bill: bill{1000, 200}, Shown: 1000}
	handler, err := apiServer(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(handler)
	defer api.Close()
	j.API = api.URL
	err = runCollector(t.Context(), j, prometheus.NewRegistry(), func(_ *collector.Collector, page *exposition.Page) {
		if got := bytes.Count(readPage(page), []byte("\nksyun_bill_past_month_instance_cost_cny{")); got != 200 {
			t.Errorf("%d instances on the page, want 200", got)
		}
	})
	if err != nil {
		t.Error(err)
	}
	broken := httptest.NewServer(http.NotFoundHandler())
	defer broken.Close()
	j.API = broken.URL
	err = runCollector(t.Context(), j, prometheus.NewRegistry(), func(*collector.Collector, *exposition.Page) {
		t.Error("a page without an API")
	})
	if err == nil || !strings.HasPrefix(err.Error(), "collector: ") || !strings.Contains(err.Error(), "HTTP 404") {
		t.Errorf("error %v, want what the collector says about HTTP 404", err)
	}
}
