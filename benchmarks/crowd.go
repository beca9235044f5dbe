package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"
)

// crowdScrapes is how often a server is scraped altogether while its memory is watched.
const crowdScrapes = 200

// crowd has so many scrapers at once scrape a new server, again and again, and returns the server's peak.
func crowd(ctx context.Context, j job, scrapers int) (m measured, err error) {
	from, err := j.serve(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, from.stop()) }()
	s := newScraper()
	defer s.CloseIdleConnections()
	for range crowdScrapes / scrapers {
		if err := s.scrapeAtOnce(ctx, from, scrapers); err != nil {
			return m, err
		}
	}
	m.Peak, err = peakOf(from.pid)
	return m, err
}

// scrapeAtOnce reads no answer before all of them have begun.
func (s *scraper) scrapeAtOnce(ctx context.Context, from *server, scrapers int) error {
	group, ctx := errgroup.WithContext(ctx)
	var begun sync.WaitGroup
	begun.Add(scrapers)
	for range scrapers {
		group.Go(func() error {
			begin := sync.OnceFunc(begun.Done)
			defer begin() // a scrape that fails must not hold up the others
			return s.get(ctx, from, metricsPath, packed, func(body io.Reader) error {
				begin()
				begun.Wait()
				_, err := io.Copy(io.Discard, body)
				return err
			})
		})
	}
	return group.Wait()
}
