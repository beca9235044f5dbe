package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// runWholePage measures scrapes of the program while it shows every one of many instances, in turn with nginx, which
// serves the same bytes.
func (b *bench) runWholePage(ctx context.Context, lines int) (err error) {
	shown := company{Instances: lines * seriesShare / 300}
	api, err := job{Do: "company", Company: shown}.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	fmt.Fprintf(b.progress, "%d lines, once: every instance, to be scraped\n", lines)
	s := companySetup(api)
	s.shown = allShown
	return withProgram(ctx, b.program, s, func(exporter *server) error {
		r, err := b.settle(ctx, exporter, api, hasLines(meteredDays*shown.Instances))
		if err != nil {
			return err
		}
		return b.scrapeInTurn(ctx, lines, exporter, int(r.series))
	})
}

// seriesShare is how many series there are for a hundred lines where scrapes are measured. An instance has three.
const seriesShare = 81

// scrapeInTurn scrapes the program and nginx, if it is there, which has the same page.
func (b *bench) scrapeInTurn(ctx context.Context, lines int, exporter *server, series int) (err error) {
	dir, err := os.MkdirTemp("", "ksyun-benchmark-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := saveAnswers(ctx, exporter, dir); err != nil {
		return err
	}
	servers := serverSet{"program": exporter}
	nginx, err := startNginx(ctx, dir)
	if reason, ok := errors.AsType[omission](err); ok {
		b.addNote(fmt.Sprintf("%d lines, nginx: left out, %s", lines, reason))
		return b.scrapeOften(ctx, lines, servers, series)
	}
	if err != nil {
		return err
	}
	servers["program nginx"] = nginx
	return errors.Join(b.scrapeOften(ctx, lines, servers, series), nginx.stop())
}

// turnsOfScrapes is how often the scrapes take turns in each round: they are short, and what a server pays for sending
// depends on what else the machine does.
const turnsOfScrapes = 5

// scrapeOften scrapes servers whose pages have so many series.
func (b *bench) scrapeOften(ctx context.Context, lines int, servers serverSet, series int) error {
	var ways []way
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		ways = append(ways, way{name + " gzip", func(ctx context.Context) (measurement, error) {
			m, err := measureScrapes(ctx, servers[name], gzipCoding, 2*b.budget)
			m.Series = series
			return m, err
		}})
	}
	for range turnsOfScrapes {
		if err := b.takeTurns(ctx, lines, ways); err != nil {
			return err
		}
	}
	return nil
}
