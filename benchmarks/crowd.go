package main

import (
	"context"
	"errors"
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
