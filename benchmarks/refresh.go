package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/exposition"
	"ksyun_bill_exporter/ledger"
)

// measureRefresh measures the whole exporter without its web server, from its start to the page that shows the bill.
func measureRefresh(ctx context.Context, j job) (measurement, error) {
	return j.measure(func() error {
		return runCollector(ctx, j, prometheus.NewRegistry(), func(*collector.Collector, *exposition.Page) {})
	})
}

// measureKept measures the memory that an exporter keeps after a refresh: the page and the sums that it is rendered
// from.
func measureKept(ctx context.Context, j job) (m measurement, err error) {
	before := heapInUse()
	err = runCollector(ctx, j, prometheus.NewRegistry(), func(_ *collector.Collector, page *exposition.Page) {
		m.Kept, m.Series = heapInUse()-before, page.Series()
	})
	return m, err
}

// lookAt looks at a collector and its page.
type lookAt func(*collector.Collector, *exposition.Page)

// runCollector runs a new collector until it has published the lines, calls look with the page and ends the collector,
// whose own metrics stay in the registry.
func runCollector(ctx context.Context, j job, registry prometheus.Registerer, look lookAt) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	pages, ended := make(chan *exposition.Page, 1), make(chan error, 1)
	publish := func(page *exposition.Page) {
		// Earlier pages do not have the lines yet. A page that does has two series for each instance.
		if page.Series() < 2*min(j.Shown, j.Bill.Instances) {
			return
		}
		select {
		case pages <- page:
		default: // the first page is enough
		}
	}
	c := collector.New(collectorOptions(j), registry, publish, newFailureLogger(stop))
	go func() { ended <- c.Run(ctx) }()
	select {
	case page := <-pages:
		look(c, page)
		stop(nil)
		return <-ended
	case <-ctx.Done():
		<-ended
		return context.Cause(ctx)
	}
}

// collectorOptions returns the exporter's defaults, except for how many instances are shown.
func collectorOptions(j job) collector.Options {
	return collector.Options{
		Accounts: []collector.Account{{Name: "main", API: clientOptions(j)}},
		Refresh: collector.Refresh{
			Interval: time.Hour, DetailsInterval: 6 * time.Hour, DetailsMaxAge: 24 * time.Hour,
			MaxStaleness: 72 * time.Hour, Concurrency: 2,
		},
		Months: collector.Months{Past: 3},
		Instances: ledger.Instances{
			Enabled: true, LastMonth: true, MaxSeries: j.Shown, Promote: []string{"instance_name"},
		},
	}
}

// newFailureLogger returns a logger that calls stop with the first error that is logged.
func newFailureLogger(stop context.CancelCauseFunc) log.Logger {
	return log.LoggerFunc(func(keyvals ...any) error {
		for i := 0; i+1 < len(keyvals); i += 2 {
			if keyvals[i] == "err" {
				stop(fmt.Errorf("collector: %v", keyvals[i+1]))
			}
		}
		return nil
	})
}
