package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"

	"ksyun_bill_exporter/exposition"
)

// newFamilies returns families with the given number of series, like those of the exporter: half of them are the costs
// of instances, half describe the instances. They are sorted by product and project. Samples are made while they are
// read, so that they need no memory in a process that serves them.
func newFamilies(series int) iter.Seq[exposition.Family] {
	count := series - series/2
	costs := exposition.Family{
		Name: "ksyun_bill_past_month_instance_cost_cny", Help: "Cost in CNY of a closed month per instance.",
		Labels: []string{
			"account", "pay_mode", "product_code", "project_id", "instance_id", "instance_name", "months_ago",
		},
		Samples: newSamples(count, func(i int) ([]string, float64) {
			t := newInstance(i, count)
			return []string{"main", "postpaid", t.product, t.project, t.id, t.name, "1"}, t.cost
		}),
	}
	infos := exposition.Family{
		Name: "ksyun_bill_instance_info", Help: "Attributes of each instance. Always 1.",
		Labels: []string{
			"account", "product_code", "project_id", "instance_id", "instance_name", "product_subtype", "billing_mode",
			"region_name", "zone_name",
		},
		Samples: newSamples(series/2, func(i int) ([]string, float64) {
			t := newInstance(i, count)
			return []string{
				"main", t.product, t.project, t.id, t.name, "IO优化型云主机", "按日配置付费", "华北1(北京)", t.zone,
			}, 1
		}),
	}
	return func(yield func(exposition.Family) bool) { _ = yield(costs) && yield(infos) }
}

func newSamples(n int, at func(int) ([]string, float64)) iter.Seq2[[]string, float64] {
	return func(yield func([]string, float64) bool) {
		for i := range n {
			if !yield(at(i)) {
				return
			}
		}
	}
}

// instance is an instance of the cloud.
type instance struct {
	product, project, id, name, zone string
	cost                             float64
}

// newInstance returns the i-th of n instances, always the same.
func newInstance(i, n int) instance {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	products := [...]string{"CDN", "EBS", "EIP", "KEC", "KRDS", "KS3", "Redis", "SLB"}
	const projects = 12 // of each product
	group := i * len(products) * projects / n
	return instance{
		product: products[group/projects],
		project: fmt.Sprint(103800 + group%projects),
		id:      fmt.Sprintf("%08x-%04x-4000-8000-%012x", r.Uint32(), r.IntN(1<<16), r.Int64N(1<<48)),
		name:    fmt.Sprintf("prod-order-service-%d", r.IntN(1<<24)),
		zone:    "可用区" + string(rune('A'+i%3)),
		cost:    float64(r.IntN(150_000)) / 100,
	}
}

// copyToMemory returns a copy of the families with all samples in memory, so that making them is not measured.
func copyToMemory(families iter.Seq[exposition.Family]) iter.Seq[exposition.Family] {
	var copies []exposition.Family
	for f := range families {
		var values [][]string
		var numbers []float64
		for v, number := range f.Samples {
			values, numbers = append(values, v), append(numbers, number)
		}
		f.Samples = newSamples(len(values), func(i int) ([]string, float64) { return values[i], numbers[i] })
		copies = append(copies, f)
	}
	return func(yield func(exposition.Family) bool) {
		for _, f := range copies {
			if !yield(f) {
				return
			}
		}
	}
}

// measureRender measures how samples become a page.
func measureRender(_ context.Context, j job) (measurement, error) {
	all := copyToMemory(newFamilies(j.Series))
	before := heapInUse()
	var page *exposition.Page
	m, err := j.measure(func() (err error) {
		page, err = exposition.Render(all)
		return err
	})
	if err != nil {
		return m, err
	}
	m.Kept, m.Series = heapInUse()-before, page.Series()
	runtime.KeepAlive(all) // it is part of the heap before, so it must be part of the heap after
	return m, nil
}

// measureCompression measures the compression of the text of such a page.
func measureCompression(_ context.Context, j job) (measurement, error) {
	page, err := exposition.Render(newFamilies(j.Series))
	if err != nil {
		return measurement{}, err
	}
	text := readPage(page)
	return j.measure(func() error {
		to, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if _, err := to.Write(text); err != nil {
			return err
		}
		return to.Close()
	})
}

// readPage returns what a scraper without gzip gets.
func readPage(page *exposition.Page) []byte {
	h := exposition.NewHandler(prometheus.NewRegistry(), exposition.Options{})
	h.Publish(page)
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, metricsPath, nil))
	return answer.Body.Bytes()
}
