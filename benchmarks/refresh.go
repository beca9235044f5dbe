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

// refresh is the whole exporter but its web server: from nothing to the page that shows the bill.
func refresh(ctx context.Context, j job) (measured, error) {
	return j.measure(func() error { return runCollector(ctx, j, prometheus.NewRegistry(), func(*exposition.Page) {}) })
}

// kept is what a refreshed exporter keeps: the page and the sums that it is rendered from.
func kept(ctx context.Context, j job) (m measured, err error) {
	before := heap()
	err = runCollector(ctx, j, prometheus.NewRegistry(), func(page *exposition.Page) {
		m.Kept, m.Series = heap()-before, page.Series()
	})
	return m, err
}

// refresh runs a new collector until it has published the lines, calls look while it is still there, and ends it. The
// collector's own metrics stay in the registry.
func runCollector(ctx context.Context, j job, registry prometheus.Registerer, look func(*exposition.Page)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	pages, ended := make(chan *exposition.Page, 1), make(chan error, 1)
	publish := func(page *exposition.Page) {
		// Earlier pages have no lines. With them, each instance has its cost and what describes it.
		if page.Series() < 2*min(j.Shown, j.Bill.Instances) {
			return
		}
		select {
		case pages <- page:
		default: // the first one is enough
		}
	}
	c := collector.New(collectorOptions(j), registry, publish, failures(stop))
	go func() { ended <- c.Run(ctx) }()
	select {
	case page := <-pages:
		look(page)
		stop(nil)
		return <-ended
	case <-ctx.Done():
		<-ended
		return context.Cause(ctx)
	}
}

// options are the exporter's defaults but for how many instances are shown.
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

// failures is a logger that calls stop with the first error that it is told.
func failures(stop context.CancelCauseFunc) log.Logger {
	return log.LoggerFunc(func(keyvals ...any) error {
		for i := 0; i+1 < len(keyvals); i += 2 {
			if keyvals[i] == "err" {
				stop(fmt.Errorf("collector: %v", keyvals[i+1]))
			}
		}
		return nil
	})
}
