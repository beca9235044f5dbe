package exposition

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// BenchmarkScrape compares a scrape with one of promhttp.
func BenchmarkScrape(b *testing.B) {
	for _, series := range []int{20_000, 200_000} {
		h := NewHandler(testLive(), Options{})
		h.Publish(render(b, instanceFamily("a_cny", series)))
		registry := prometheus.NewRegistry()
		registry.MustRegister(constMetrics{instanceFamily("a_cny", series)})
		for _, coding := range []string{"gzip", "identity"} {
			b.Run(fmt.Sprintf("page/%s/%d", coding, series), func(b *testing.B) { benchmarkScrape(b, h, coding) })
			b.Run(fmt.Sprintf("promhttp/%s/%d", coding, series), func(b *testing.B) {
				benchmarkScrape(b, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), coding)
			})
		}
	}
}

func benchmarkScrape(b *testing.B, h http.Handler, coding string) {
	r := request(b, http.MethodGet, "/metrics", "Accept", acceptOpenMetrics, "Accept-Encoding", coding)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(nullWriter{}, r)
	}
}

// constMetrics collects a family as most exporters do: as const metrics that are made at every scrape.
type constMetrics struct{ Family }

func (c constMetrics) desc() *prometheus.Desc {
	return prometheus.NewDesc(c.Name, c.Help, c.Labels, nil)
}

func (c constMetrics) Describe(out chan<- *prometheus.Desc) { out <- c.desc() }

func (c constMetrics) Collect(out chan<- prometheus.Metric) {
	desc := c.desc()
	for values, number := range c.Samples {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, number, values...)
	}
}

// BenchmarkRender compares rendering a page with compressing its text.
func BenchmarkRender(b *testing.B) {
	for _, series := range []int{20_000, 200_000} {
		f := instanceFamily("a_cny", series)
		var values [][]string
		var numbers []float64
		for v, n := range f.Samples {
			values, numbers = append(values, v), append(numbers, n)
		}
		f.Samples = func(yield func([]string, float64) bool) {
			for i, v := range values {
				if !yield(v, numbers[i]) {
					return
				}
			}
		}
		var page *Page
		b.Run(fmt.Sprintf("page/%d", series), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page = render(b, f)
			}
			b.ReportMetric(float64(page.Size())/float64(series), "bytes/series")
		})
		text := []byte(textOf(b, render(b, f)))
		b.Run(fmt.Sprintf("compression/%d", series), func(b *testing.B) {
			for b.Loop() {
				compress(b, text)
			}
		})
	}
}

func compress(b *testing.B, text []byte) {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}
