package main

import (
	"context"
	"errors"
)

// crowdScrapes is how often a server is scraped in total.
const crowdScrapes = 200

// measureCrowd starts a server, lets the given number of scrapers scrape it at once several times, and returns the
// server's peak.
func measureCrowd(ctx context.Context, j job, scrapers int) (m measurement, err error) {
	from, err := j.serve(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, from.stop()) }()
	s := newScraper()
	defer s.CloseIdleConnections()
	for range crowdScrapes / scrapers {
		if err := s.scrapeTogether(ctx, from, scrapers); err != nil {
			return m, err
		}
	}
	m.Peak, err = peakMemory(from.pid)
	return m, err
}
