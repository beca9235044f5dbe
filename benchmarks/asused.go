package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// runProgram measures the program as users run it: a process with a configuration file, a state directory and every
// service, for one account with three documents of so many lines.
func (b *bench) runProgram(ctx context.Context, lines int) (err error) {
	dir, err := os.MkdirTemp("", "ksyun-benchmark-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	api, err := job{Do: "company", Company: company{Instances: lines / meteredDays, Dir: dir}}.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	// The first one waits until the API has made its answers: of it, only the memory is shown.
	if err := b.takeTurn(ctx, lines, "once", b.programWay("program 20000", lines, api, 20_000)); err != nil {
		return err
	}
	if err := b.takeTurns(ctx, lines, b.programWays(lines, api)); err != nil {
		return err
	}
	if err := b.takeTurn(ctx, lines, "once", b.programWay("program all", lines, api, allShown)); err != nil {
		return err
	}
	fmt.Fprintf(b.progress, "%d lines, once: second reading\n", lines)
	return b.readTwice(ctx, lines, api)
}

// allShown is more instances than there are.
const allShown = 10_000_000

// programWays returns the ways that read the same documents. Each but the first reads what the first has read.
func (b *bench) programWays(lines int, api *server) []way {
	j := job{API: api.url, Bill: bill{Lines: lines}, Times: 1}
	count, usual := j, j
	count.Do, usual.Do = "count answers", "sum answers"
	return []way{
		b.programWay("program", lines, api, 0),
		newWay("program count", count),
		newWay("program usual", usual).requireMemory(lines),
	}
}

// programWay measures the program from its start until it has read everything and rests.
func (b *bench) programWay(name string, lines int, api *server, shown int) way {
	return way{name, func(ctx context.Context) (m measurement, err error) {
		if err := forgetAnswers(ctx, api); err != nil {
			return m, err
		}
		before, err := readJournal(ctx, api)
		if err != nil {
			return m, err
		}
		s := companySetup(api)
		s.shown = shown
		err = withProgram(ctx, b.program, s, func(exporter *server) error {
			r, err := b.settle(ctx, exporter, api, hasLines(lines))
			m = r.since(reading{journal: before})
			return err
		})
		return m, err
	}}
}

// companySetup returns the configuration for a company. The program does not wait for the pace of the real API.
func companySetup(api *server) setup {
	return setup{api: api.url, pace: 1000, accounts: []string{fmt.Sprintf(
		"{name: main, access_key_id: %s, secret_access_key: %q}", customerKeys.AccessKeyID, customerKeys.SecretAccessKey)}}
}

// hasLines returns a function that reports whether the program shows all lines of the three documents, of which the
// running month may have fewer in the beginning.
func hasLines(lines int) func(reading) bool {
	return func(r reading) bool {
		return r.lines["detail_bill"] >= float64(lines) && r.lines["detail_consume"] >= 1.85*float64(lines)
	}
}

func forgetAnswers(ctx context.Context, api *server) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, api.url+answersPath, nil)
	if err != nil {
		return err
	}
	return fetch(http.DefaultClient, req, func(*http.Response) error { return nil })
}

// since returns what the program has done since an earlier reading.
func (r reading) since(before reading) measurement {
	return measurement{
		CPU: r.cpu - before.cpu, Peak: r.peak, Series: int(r.series),
		Allocs: r.mallocs - before.mallocs, Allocated: r.bytes - before.bytes,
		Calls:    float64(r.journal.Calls - before.journal.Calls),
		Received: float64(r.journal.Bytes - before.journal.Bytes),
		Written:  float64(r.written - before.written),
	}
}

// divide returns the cost of one of n equal parts.
func (m measurement) divide(n float64) measurement {
	m.CPU = time.Duration(float64(m.CPU) / n)
	m.Allocs, m.Allocated, m.Calls, m.Received, m.Written = m.Allocs/n, m.Allocated/n, m.Calls/n, m.Received/n, m.Written/n
	return m
}

// ageOf returns an age after which lines are read again that is long enough to read them.
func ageOf(lines int) time.Duration {
	return max(2*time.Second, time.Duration(lines)*120*time.Microsecond)
}

// readTwice measures how the program reads everything, and reads it again because it is old, though nothing has
// changed.
func (b *bench) readTwice(ctx context.Context, lines int, api *server) error {
	s, age := companySetup(api), ageOf(lines)
	s.refresh = refreshOf(age/2, age, age)
	journal, err := readJournal(ctx, api)
	if err != nil {
		return err
	}
	return withProgram(ctx, b.program, s, func(exporter *server) error {
		one, err := b.settle(ctx, exporter, api, hasLines(lines))
		if err != nil {
			return err
		}
		first := one.since(reading{journal: journal})
		var second measurement
		_, err = b.settle(ctx, exporter, api, func(r reading) bool {
			second = r.since(one)
			return second.Received > .95*first.Received
		})
		b.results.add("first reading", lines, first)
		b.results.add("second reading", lines, second.divide(second.Received/first.Received))
		return err
	})
}
