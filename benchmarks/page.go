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

// families are a page of so many series as the exporter has them: half are the costs of instances, half describe them,
// sorted by product and project. They are made while they are read, so that a process that serves them has nothing else
// in memory.
func families(series int) iter.Seq[exposition.Family] {
	things := series - series/2
	costs := exposition.Family{
		Name: "ksyun_bill_past_month_instance_cost_cny", Help: "Cost in CNY of a closed month per instance.",
		Labels: []string{
			"account", "pay_mode", "product_code", "project_id", "instance_id", "instance_name", "months_ago",
		},
		Samples: samples(things, func(i int) ([]string, float64) {
			t := newThing(i, things)
			return []string{"main", "postpaid", t.product, t.project, t.id, t.name, "1"}, t.cost
		}),
	}
	infos := exposition.Family{
		Name: "ksyun_bill_instance_info", Help: "Attributes of each instance. Always 1.",
		Labels: []string{
			"account", "product_code", "project_id", "instance_id", "instance_name", "product_subtype", "billing_mode",
			"region_name", "zone_name",
		},
		Samples: samples(series/2, func(i int) ([]string, float64) {
			t := newThing(i, things)
			return []string{
				"main", t.product, t.project, t.id, t.name, "IO优化型云主机", "按日配置付费", "华北1(北京)", t.zone,
			}, 1
		}),
	}
	return func(yield func(exposition.Family) bool) { _ = yield(costs) && yield(infos) }
}

func samples(n int, at func(int) ([]string, float64)) iter.Seq2[[]string, float64] {
	return func(yield func([]string, float64) bool) {
		for i := range n {
			if !yield(at(i)) {
				return
			}
		}
	}
}

// thing is an instance of the cloud.
type thing struct {
	product, project, id, name, zone string
	cost                             float64
}

// newThing is the i-th of n things, always the same.
func newThing(i, n int) thing {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	products := [...]string{"CDN", "EBS", "EIP", "KEC", "KRDS", "KS3", "Redis", "SLB"}
	const projects = 12 // of each product
	group := i * len(products) * projects / n
	return thing{
		product: products[group/projects],
		project: fmt.Sprint(103800 + group%projects),
		id:      fmt.Sprintf("%08x-%04x-4000-8000-%012x", r.Uint32(), r.IntN(1<<16), r.Int64N(1<<48)),
		name:    fmt.Sprintf("prod-order-service-%d", r.IntN(1<<24)),
		zone:    "可用区" + string(rune('A'+i%3)),
		cost:    float64(r.IntN(150_000)) / 100,
	}
}

// inMemory is a copy of the families whose samples need not be made any more.
func inMemory(families iter.Seq[exposition.Family]) iter.Seq[exposition.Family] {
	var copies []exposition.Family
	for f := range families {
		var values [][]string
		var numbers []float64
		for v, number := range f.Samples {
			values, numbers = append(values, v), append(numbers, number)
		}
		f.Samples = samples(len(values), func(i int) ([]string, float64) { return values[i], numbers[i] })
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

// render makes a page out of samples.
func render(_ context.Context, j job) (measured, error) {
	all := inMemory(families(j.Series))
	before := heap()
	var page *exposition.Page
	m, err := j.measure(func() (err error) {
		page, err = exposition.Render(all)
		return err
	})
	if err != nil {
		return m, err
	}
	m.Kept, m.Series = heap()-before, page.Series()
	runtime.KeepAlive(all) // it was there before
	return m, nil
}

// compress only compresses the text of such a page.
func compress(_ context.Context, j job) (measured, error) {
	page, err := exposition.Render(families(j.Series))
	if err != nil {
		return measured{}, err
	}
	text := textOf(page)
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

// textOf is what a scraper without gzip gets.
func textOf(page *exposition.Page) []byte {
	h := exposition.NewHandler(prometheus.NewRegistry(), exposition.Options{})
	h.Publish(page)
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, metricsPath, nil))
	return answer.Body.Bytes()
}
