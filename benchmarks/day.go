package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// day is a day of refreshes, in which an hour passes faster.
type day struct {
	rounds int           // of summaries
	hour   time.Duration // for a million lines; a second at least
}

var (
	wholeDay = day{rounds: 24, hour: 6 * time.Second}
	shortDay = day{rounds: 2}
)

// setup returns the configuration of the day: all defaults that count hours are shorter in proportion.
func (d day) setup(lines int, api *server) setup {
	hour := d.hourOf(lines)
	s := companySetup(api)
	s.refresh = refreshOf(hour, 6*hour, 24*hour)
	return s
}

func (d day) hourOf(lines int) time.Duration {
	return max(time.Second, time.Duration(float64(d.hour)*float64(lines)/largestBill))
}

// runDay measures a day of the program with a state directory and another day without one, whose difference is what
// the state costs. The running month grows meanwhile, and a product of the last month is corrected.
func (b *bench) runDay(ctx context.Context, lines int) error {
	for _, name := range []string{"day", "day without state"} {
		fmt.Fprintf(b.progress, "%d lines, once: %s\n", lines, name)
		if err := b.passDay(ctx, lines, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) passDay(ctx context.Context, lines int, name string) (err error) {
	api, err := job{Do: "company", Company: company{Instances: lines / meteredDays, Grows: true}}.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	s := b.day.setup(lines, api)
	s.forgets = name != "day"
	return withProgram(ctx, b.program, s, func(exporter *server) error {
		m, err := b.watchDay(ctx, lines, exporter, api)
		b.results.add(name, lines, m)
		return err
	})
}

// watchDay waits until the program has read everything, and returns the cost of a round in the day that follows. It is
// scraped once in each round.
func (b *bench) watchDay(ctx context.Context, lines int, exporter, api *server) (measurement, error) {
	s := newScraper()
	defer s.CloseIdleConnections()
	isEnough, deadline := hasLines(lines), time.Now().Add(longestWait)
	var began, r reading
	for round := -1; time.Now().Before(deadline); {
		if err := pause(ctx, b.day.hourOf(lines)/20); err != nil {
			return measurement{}, err
		}
		journal, err := readJournal(ctx, api)
		if err != nil {
			return measurement{}, err
		}
		if journal.Rounds == round {
			continue
		}
		round = journal.Rounds
		if r, err = readProgram(ctx, s, exporter, api); err != nil {
			return measurement{}, err
		}
		if began.journal.Rounds == 0 && isEnough(r) {
			began = r
		}
		if rounds := r.journal.Rounds - began.journal.Rounds; began.journal.Rounds > 0 && rounds >= b.day.rounds {
			return r.since(began).divide(float64(rounds)), nil
		}
	}
	return measurement{}, fmt.Errorf("the day was not over in %v", longestWait)
}
