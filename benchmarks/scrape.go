package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/exposition"
)

// metricsPath and mallocsPath are the paths of every server: the metrics, and how many allocations the process has
// made.
const (
	metricsPath = "/metrics"
	mallocsPath = "/mallocs"
)

// plainFile and gzipFile are the names of the files that file servers serve.
const (
	plainFile = "metrics"
	gzipFile  = "metrics.gz"
)

// gzipCoding and plainCoding are content codings.
const (
	gzipCoding  = "gzip" // the one that Prometheus accepts
	plainCoding = "identity"
)

// addMallocs returns a handler that serves metrics and, at mallocsPath, the number of allocations.
func addMallocs(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(metricsPath, metrics)
	mux.HandleFunc(mallocsPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, mallocs()) })
	return mux
}

// pageServer returns the exporter's handler with a finished page.
func pageServer(ctx context.Context, j job) (http.Handler, error) {
	page, err := exposition.Render(newFamilies(j.Series))
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	h := exposition.NewHandler(registry, exposition.Options{})
	h.Publish(page)
	if j.Own {
		registry.MustRegister(versioncollector.NewCollector("ksyun_bill_exporter"))
		// Most of its metrics exist only after a call of the API.
		if err := runCollector(ctx, j, registry, func(c *collector.Collector, _ *exposition.Page) {
			h.SetFamilies(c.Families)
		}); err != nil {
			return nil, err
		}
	}
	if !j.Live {
		return addMallocs(h), nil
	}
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return addMallocs(promhttp.InstrumentMetricHandler(registry, h)), nil
}

// fileServer returns a handler that serves the same bytes from files with net/http.
func fileServer(_ context.Context, j job) (http.Handler, error) {
	return addMallocs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		name := plainFile
		if strings.Contains(r.Header.Get("Accept-Encoding"), gzipCoding) {
			w.Header().Set("Content-Encoding", gzipCoding)
			name = gzipFile
		}
		http.ServeFile(w, r, filepath.Join(j.Dir, name))
	})), nil
}

// constServer returns promhttp's handler for metrics that are made at every scrape, as in most exporters.
func constServer(_ context.Context, j job) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for f := range copyToMemory(newFamilies(j.Series)) {
		desc := prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
		if err := registry.Register(constMetrics{f, desc}); err != nil {
			return nil, err
		}
	}
	return addMallocs(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})), nil
}

// constMetrics collects a family as const metrics.
type constMetrics struct {
	exposition.Family
	desc *prometheus.Desc
}

func (c constMetrics) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

func (c constMetrics) Collect(metrics chan<- prometheus.Metric) {
	for values, number := range c.Samples {
		metrics <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, number, values...)
	}
}

// scraper is a client like Prometheus, which keeps its connection.
type scraper struct{ http.Client }

func newScraper() *scraper {
	return &scraper{http.Client{Transport: &http.Transport{DisableCompression: true}}}
}

// get requests a path of a server and calls read with the body of the answer.
func (s *scraper) get(ctx context.Context, from *server, path, coding string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
	req.Header.Set("Accept-Encoding", coding)
	return fetch(&s.Client, req, func(res *http.Response) error {
		if got := res.Header.Get("Content-Encoding"); (got == gzipCoding) != (coding == gzipCoding) {
			return fmt.Errorf("%s: content encoding %q, want %s", path, got, coding)
		}
		return read(res.Body)
	})
}

func (s *scraper) scrape(ctx context.Context, from *server, coding string) error {
	return s.get(ctx, from, metricsPath, coding, func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	})
}

// readMallocs returns the number of allocations of a server so far, 0 for nginx.
func (s *scraper) readMallocs(ctx context.Context, from *server) (n float64, err error) {
	if from.foreign {
		return 0, nil
	}
	err = s.get(ctx, from, mallocsPath, plainCoding, func(body io.Reader) error {
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		n, err = strconv.ParseFloat(string(text), 64)
		return err
	})
	return n, err
}

// countMallocs returns the number of allocations of a server during do, with those for reading their number.
func (s *scraper) countMallocs(ctx context.Context, from *server, do func() error) (float64, error) {
	before, err := s.readMallocs(ctx, from)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := s.readMallocs(ctx, from)
	return after - before, err
}

// measureScrapes returns what a scrape costs the server.
func measureScrapes(ctx context.Context, from *server, coding string, budget time.Duration) (m measurement, err error) {
	s := newScraper()
	defer s.CloseIdleConnections()
	if err := s.scrape(ctx, from, coding); err != nil { // the first one also opens the connection
		return m, err
	}
	asking, err := s.countMallocs(ctx, from, func() error { return nil })
	if err != nil {
		return m, err
	}
	scrapes := 0
	all, err := s.countMallocs(ctx, from, func() (err error) {
		m.CPU, scrapes, err = s.scrapeBudget(ctx, from, coding, budget)
		return err
	})
	m.Allocs = (all - asking) / float64(scrapes)
	return m, err
}

// tick is the unit of times in /proc, the same on all architectures of Go (proc(5): USER_HZ).
const tick = 10 * time.Millisecond

// scrapeBudget scrapes until the server has used up the budget of CPU time. It returns the CPU time of one scrape and
// the number of scrapes.
func (s *scraper) scrapeBudget(ctx context.Context, from *server, coding string, budget time.Duration,
) (each time.Duration, scrapes int, err error) {
	began, err := processCPUTime(from.pid)
	for used := time.Duration(0); err == nil && used < budget; scrapes++ {
		if err := s.scrape(ctx, from, coding); err != nil {
			return 0, 0, err
		}
		used, err = processCPUTime(from.pid)
		used -= began
		each = used / time.Duration(scrapes+1)
	}
	return each, scrapes, err
}

// scrapeTogether scrapes with several scrapers at once and reads no answer before all answers have begun.
func (s *scraper) scrapeTogether(ctx context.Context, from *server, scrapers int) error {
	group, ctx := errgroup.WithContext(ctx)
	var begun sync.WaitGroup
	begun.Add(scrapers)
	for range scrapers {
		group.Go(func() error {
			begin := sync.OnceFunc(begun.Done)
			defer begin() // the others must not wait for a scrape that has failed
			return s.get(ctx, from, metricsPath, gzipCoding, func(body io.Reader) error {
				begin()
				begun.Wait()
				_, err := io.Copy(io.Discard, body)
				return err
			})
		})
	}
	return group.Wait()
}
