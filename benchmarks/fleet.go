package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"ksyun_bill_exporter/billsim"
)

// fleet is many small accounts that one exporter asks.
type fleet struct {
	Accounts  int
	Instances int           // of each account, with five lines in a bill and one on each day
	Latency   time.Duration // of each answer of the API
	Pace      float64       // api.requests_per_second; 0: the default
}

// largeFleet is the fleet that limits are for, smallFleet one that shows whether everything works.
var (
	largeFleet = fleet{Accounts: 300, Instances: 60, Latency: 100 * time.Millisecond}
	smallFleet = fleet{Accounts: 3, Instances: 10, Pace: 1000}
)

// fleetServer returns the simulated API of a fleet. Consumption has the first ten days of each month.
func fleetServer(_ context.Context, j job) (http.Handler, error) {
	accounts := make([]billsim.Account, j.Fleet.Accounts)
	for i := range accounts {
		customer, seed, n := fmt.Sprint(73400000+i), uint64(i), j.Fleet.Instances
		bills := billsim.Generated(customer, 5*n, n, seed)
		consume := billsim.GeneratedConsumption(customer, 10, n, seed)
		accounts[i] = billsim.Account{
			AccessKeyID: fleetKey(i), SecretAccessKey: "secret", CustomerID: customer,
			Bills: func(month string) (billsim.Bill, bool) {
				bill, ok := bills(month)
				return inFewProjects(bill), ok
			},
			Consume: func(month string) (billsim.Consumption, bool) {
				c, ok := consume(month)
				c.Bill = inFewProjects(c.Bill)
				return c, ok
			},
			Prepaid: billsim.GeneratedPrepaid(customer, n/10, seed),
		}
	}
	api := billsim.New(accounts, billsim.WithKeptPages())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(j.Fleet.Latency)
		api.ServeHTTP(w, r)
	}), nil
}

// inFewProjects returns a bill with the lines of another in three projects instead of twelve: an account of so few
// instances has few.
func inFewProjects(b billsim.Bill) billsim.Bill {
	lines := b.All()
	return billsim.Bill{Lines: func(yield func(billsim.Line) bool) {
		for l := range lines {
			if l.ProjectID > "103801" {
				l.ProjectID, l.ProjectName = "0", "默认项目"
			}
			if !yield(l) {
				return
			}
		}
	}}
}

func fleetKey(i int) string { return fmt.Sprintf("AKFLEET%d", i) }

// setup returns a configuration for the accounts of the fleet, everything else at its default.
func (f fleet) setup(api string) setup {
	s := setup{api: api, pace: f.Pace}
	for i := range f.Accounts {
		account := fmt.Sprintf("{name: account-%03d, access_key_id: %s, secret_access_key: secret}", i, fleetKey(i))
		s.accounts = append(s.accounts, account)
	}
	return s
}

// runFleet measures the whole program with many accounts, once: a round takes minutes, most of them waiting for the
// pace of the calls. It is scraped until the lines of all accounts are shown.
func (b *bench) runFleet(ctx context.Context) (err error) {
	api, err := job{Do: "fleet", Fleet: b.fleet}.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	fmt.Fprintf(b.progress, "%d accounts: the first round\n", b.fleet.Accounts)
	return withProgram(ctx, b.program, b.fleet.setup(api.url), func(exporter *server) error {
		m, err := b.fleet.watch(ctx, exporter, time.Now())
		b.results.add("fleet", b.fleet.Accounts, m)
		return err
	})
}

// scrapeInterval is how often a fleet's exporter is scraped, as Prometheus does by default in its examples.
const scrapeInterval = 15 * time.Second

// watch waits until all accounts have been asked for all there is, scraping meanwhile.
func (f fleet) watch(ctx context.Context, exporter *server, began time.Time) (m measurement, err error) {
	s := newScraper()
	defer s.CloseIdleConnections()
	scraped := began
	for isWhole := false; !isWhole; time.Sleep(200 * time.Millisecond) {
		if m.Ready == 0 && isReady(ctx, exporter) {
			m.Ready = time.Since(began)
		}
		if m.Ready == 0 || time.Since(scraped) < min(scrapeInterval, time.Since(began)/4) {
			continue
		}
		scraped = time.Now()
		err := s.get(ctx, exporter, metricsPath, gzipCoding, func(body io.Reader) (err error) {
			isWhole, m.Series, err = f.isWhole(body)
			return err
		})
		if err != nil {
			return m, err
		}
	}
	m.Whole = time.Since(began)
	if m.CPU, err = processCPUTime(exporter.pid); err != nil {
		return m, err
	}
	m.Peak, err = peakMemory(exporter.pid)
	return m, err
}

func isReady(ctx context.Context, exporter *server) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, exporter.url+"/-/ready", nil)
	return err == nil && fetch(http.DefaultClient, req, func(*http.Response) error { return nil }) == nil
}

// linesOf are the sources that are asked last.
var linesOf = []string{"detail_bill", "detail_consume", "instance_consume", "instance_summary"}

// isWhole reports whether a page has the lines of all accounts, and how many series it has.
func (f fleet) isWhole(body io.Reader) (whole bool, series int, err error) {
	read := map[string]int{}
	text, err := gzip.NewReader(body)
	if err != nil {
		return false, 0, err
	}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, "#") {
			series++
		}
		isUp := strings.HasSuffix(strings.TrimSuffix(line, ".0"), " 1")
		if source, ok := strings.CutPrefix(line, "ksyun_bill_source_up{"); ok && isUp {
			for _, name := range linesOf {
				if strings.Contains(source, `source="`+name+`"`) {
					read[name]++
				}
			}
		}
	}
	for _, name := range linesOf {
		if read[name] < f.Accounts {
			return false, series, lines.Err()
		}
	}
	return true, series, lines.Err()
}
