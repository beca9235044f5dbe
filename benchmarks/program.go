package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// setup is what a configuration of the program says besides its defaults. Empty values are defaults.
type setup struct {
	api      string   // URL of all services
	pace     float64  // api.requests_per_second
	refresh  string   // of refresh, a YAML flow mapping
	shown    int      // instances.max_series
	forgets  bool     // there is no state_dir
	accounts []string // a YAML flow mapping for each
}

// text returns the configuration file.
func (s setup) text() []byte {
	var b strings.Builder
	b.WriteString("api:\n")
	for _, key := range []string{"endpoint", "union_endpoint", "pay_endpoint", "trade_endpoint"} {
		fmt.Fprintf(&b, "  %s: %s\n", key, s.api)
	}
	if s.pace > 0 {
		fmt.Fprintf(&b, "  requests_per_second: %g\n", s.pace)
	}
	if s.refresh != "" {
		fmt.Fprintf(&b, "refresh: %s\n", s.refresh)
	}
	if s.shown > 0 {
		fmt.Fprintf(&b, "instances: {max_series: %d}\n", s.shown)
	}
	if !s.forgets {
		b.WriteString("state_dir: state\n")
	}
	b.WriteString("accounts:\n")
	for _, account := range s.accounts {
		fmt.Fprintf(&b, "  - %s\n", account)
	}
	return []byte(b.String())
}

// refreshOf returns what a setup says of refresh.
func refreshOf(interval, details, age time.Duration) string {
	return fmt.Sprintf("{interval: %dms, details_interval: %dms, details_max_age: %dms}",
		interval.Milliseconds(), details.Milliseconds(), age.Milliseconds())
}

// buildProgram builds the exporter and returns the path of the program in the directory.
func buildProgram(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "exporter")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "ksyun_bill_exporter")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("go build: %w", err)
	}
	return program, nil
}

// withProgram starts the program as configured, calls use with its process and ends it.
func withProgram(ctx context.Context, program string, s setup, use func(*server) error) (err error) {
	dir, err := os.MkdirTemp("", "ksyun-benchmark-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, s.text(), 0o600); err != nil {
		return err
	}
	exporter, err := startExporter(ctx, program, file)
	if err != nil {
		return err
	}
	return errors.Join(use(exporter), exporter.stop())
}

// startExporter starts the program with a configuration file.
func startExporter(ctx context.Context, program, config string) (*server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{"--config.file=" + config, "--web.listen-address=" + address, "--log.level=error"}
	cmd := exec.CommandContext(ctx, program, args...)
	return startForeign(ctx, cmd, address)
}

// reading is what was known of the program at an instant.
type reading struct {
	journal                journalState
	cpu                    time.Duration
	peak, written          int64
	mallocs, bytes, series float64
	lines                  map[string]float64 // by source
}

// readProgram scrapes the program and reads what the system and the API know of it.
func readProgram(ctx context.Context, s *scraper, exporter, api *server) (r reading, err error) {
	err = s.get(ctx, exporter, metricsPath, gzipCoding, func(body io.Reader) error { return r.readPage(body) })
	if err != nil {
		return r, err
	}
	if r.journal, err = readJournal(ctx, api); err != nil {
		return r, err
	}
	if r.cpu, err = processCPUTime(exporter.pid); err != nil {
		return r, err
	}
	if r.peak, err = peakMemory(exporter.pid); err != nil {
		return r, err
	}
	r.written, err = processWritten(exporter.pid)
	return r, err
}

// readPage reads the program's own numbers from its page, and counts its series.
func (r *reading) readPage(body io.Reader) error {
	text, err := gzip.NewReader(body)
	if err != nil {
		return err
	}
	r.lines = map[string]float64{}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		series, number, ok := cutSample(lines.Text())
		if !ok {
			continue
		}
		r.series++
		switch name, labels, _ := strings.Cut(series, "{"); name {
		case "go_memstats_mallocs_total":
			r.mallocs = number
		case "go_memstats_alloc_bytes_total":
			r.bytes = number
		case "ksyun_bill_source_items":
			_, source, _ := strings.Cut(labels, `source="`)
			source, _, _ = strings.Cut(source, `"`)
			r.lines[source] += number
		}
	}
	return lines.Err()
}

// cutSample returns the series and the value of a line of a page; ok is false if it is a comment.
func cutSample(line string) (series string, value float64, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || strings.HasPrefix(line, "#") {
		return "", 0, false
	}
	value, err := strconv.ParseFloat(line[i+1:], 64)
	return line[:i], value, err == nil
}

// settle waits until what is known of the program is enough, and it rests. On a busy machine it may never rest, as when
// lines become old while others are read: then the wait for rest is given up after a while.
func (b *bench) settle(ctx context.Context, exporter, api *server, isEnough func(reading) bool) (reading, error) {
	s := newScraper()
	defer s.CloseIdleConnections()
	deadline := time.Now().Add(longestWait)
	for time.Now().Before(deadline) {
		if err := b.awaitRest(ctx, exporter, api, time.Now().Add(patience*b.rest)); err != nil {
			return reading{}, err
		}
		r, err := readProgram(ctx, s, exporter, api)
		if err != nil || isEnough(r) {
			return r, err
		}
	}
	return reading{}, fmt.Errorf("the program has not read what it should in %v", longestWait)
}

// longestWait is how long the program may take until enough is known, patience how many rests a rest is waited for.
const (
	longestWait = 15 * time.Minute
	patience    = 60
)

// awaitRest waits until the program has asked nothing and has used no CPU time for the bench's rest, or to a deadline.
func (b *bench) awaitRest(ctx context.Context, exporter, api *server, deadline time.Time) error {
	var cpu time.Duration
	calls, since := -1, time.Now()
	for time.Since(since) < b.rest && time.Now().Before(deadline) {
		journal, err := readJournal(ctx, api)
		if err != nil {
			return err
		}
		used, err := processCPUTime(exporter.pid)
		if err != nil {
			return err
		}
		if journal.Calls != calls || journal.InFlight > 0 || used > cpu+2*tick {
			calls, cpu, since = journal.Calls, used, time.Now()
		}
		if err := pause(ctx, b.rest/10); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
