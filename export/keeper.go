package export

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// Keeper puts the lines into a lake that a collector reads for its numbers. What is read is in files until a month has
// all its lines; Run puts these into the lake. It is safe for concurrent use.
type Keeper struct {
	userAgent string
	patience  time.Duration // how long DaysThrough may take
	logger    log.Logger
	failures  prometheus.Counter
	wake      chan struct{} // of capacity 1: there is something to do

	mu       sync.Mutex // guards what follows
	lake     *lake.Lake // nil: none is configured
	place    string
	projects map[projectKey]metrics.Project
	products []metrics.ProductMapping
	months   map[lake.Partition]*readMonth // that are not in the lake yet
	stale    []*readPart                   // that nobody wants any more; publish may be reading them

	// The rest is only for publish.
	opened *lake.Lake // the lake that was found to be there
	said   string     // the newest error in the log, empty once something is in the lake
}

// readMonth is what was read of a month and is not in the lake yet.
type readMonth struct {
	account  string
	version  string // of the columns of FOCUS
	expected collector.Expected
	since    time.Time // when the first part was read
	warned   bool      // the log says that the month waits
	// replacesForeign says that a file with other columns is replaced once the month has all its lines.
	replacesForeign bool

	parts map[string][]*readPart // by name; each has days in place of those of the parts before it
}

// readPart is a file with the lines of one read.
type readPart struct {
	lake.Part
	target *output.Target
	read   collector.LineRead
}

// isRest reports whether the lines are those of the later days of a month: those of the earlier ones are known.
func (p *readPart) isRest() bool { return p.read.From > billclient.DayOf(p.read.Month.Start()) }

// lookPatience is how long a lake may take to tell what it has, while an account waits.
const lookPatience = 10 * time.Second

// NewKeeper returns a Keeper of no lake. Its metric says how often it fails.
func NewKeeper(registry prometheus.Registerer, userAgent string, logger log.Logger) *Keeper {
	k := &Keeper{
		userAgent: userAgent, patience: lookPatience, logger: logger, wake: make(chan struct{}, 1),
		months: map[lake.Partition]*readMonth{},
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ksyun_bill_exporter_lake_write_failures_total",
			Help: "Failures to put lines of bills into the lake; it has what it had before, and the numbers here are right.",
		}),
	}
	registry.MustRegister(k.failures)
	return k
}

// Use takes what a configuration says of the lake. It returns the keeper for the collector, nil without a lake.
func (k *Keeper) Use(c config.Config) collector.LineKeeper {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.projects, k.products = projectsOf(c), c.Products
	if c.Lake.Path != k.place {
		k.place, k.lake = c.Lake.Path, nil
		k.dropLocked()
		if k.place != "" {
			k.lake, _ = lake.New(k.place) // the rules of the configuration have seen it
		}
	}
	if k.lake == nil {
		return nil // not a nil Keeper
	}
	return k
}

// dropLocked gives up all that is not in the lake yet.
func (k *Keeper) dropLocked() {
	for _, m := range k.months {
		for _, parts := range m.parts {
			k.stale = append(k.stale, parts...)
		}
	}
	clear(k.months)
	k.wakeUp()
}

// discardStale removes the files that nobody wants any more. It must not be called while publish runs.
func (k *Keeper) discardStale() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.stale {
		p.target.Discard()
	}
	k.stale = nil
}

// Begin implements collector.LineKeeper.
func (k *Keeper) Begin(r collector.LineRead) collector.LineBatch {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := &batch{keeper: k, lake: k.lake, projects: k.projects, read: r, payer: payer{customer: r.Customer}}
	if !strings.Contains(r.BillID, ",") { // several bills, and no line says of which it is
		b.billID = r.BillID
	}
	if r.Basis == ledger.Undecided {
		b.names = k.namesLocked(r)
	}
	return b
}

// namesLocked returns what lines of bill-union are called elsewhere.
func (k *Keeper) namesLocked(r collector.LineRead) *names {
	codes := productCodes(k.products)
	n := &names{projects: uniqueNames{}, codeOf: func(id, name string) string {
		group := r.Groups.CodeOf(id, name)
		return cmp.Or(codes[group], group)
	}}
	for name, id := range r.Projects {
		n.projects.add(name, id)
	}
	return n
}

// DaysThrough implements collector.LineKeeper.
func (k *Keeper) DaysThrough(ctx context.Context, customer billclient.CustomerID, m billclient.Month) billclient.Day {
	p := lake.Partition{Customer: customer, Month: m}
	l, months := k.waiting()
	if parts := months[p].parts[othersPart]; len(parts) > 0 {
		return parts[len(parts)-1].read.To
	}
	if l == nil || customer == "" {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	found := make(chan billclient.Day, 1)
	go func() { found <- daysThrough(ctx, l, p) }() // a network file system that is away does not heed ctx
	select {
	case day := <-found:
		return day
	case <-ctx.Done():
		return 0
	}
}

// daysThrough returns the last day of which a lake has the lines in other pay modes than postpaid.
func daysThrough(ctx context.Context, l *lake.Lake, p lake.Partition) billclient.Day {
	current, done, err := openCurrent(ctx, l, p, Focus13)
	defer func() { _ = done() }() // nothing was written
	if err != nil {
		return 0
	}
	i := slices.IndexFunc(current, func(s source) bool { return s.Name == othersPart })
	if i < 0 {
		return 0
	}
	day, _ := billclient.ParseDay(current[i].Through) // 0 of a month as a whole
	return day
}

// keep takes a part of a month, in place of the same one of an earlier read. What was read for a lake that is no longer
// in use is given up: later days go with earlier ones that the lake in use may lack.
func (k *Keeper) keep(l *lake.Lake, customer billclient.CustomerID, p *readPart, expected collector.Expected) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l != k.lake {
		k.stale = append(k.stale, p)
		k.wakeUp()
		return
	}
	at := lake.Partition{Customer: customer, Month: p.read.Month}
	m := k.months[at]
	if m == nil {
		m = &readMonth{
			version: Focus13, since: time.Now(), replacesForeign: true, parts: map[string][]*readPart{},
		}
		k.months[at] = m
	}
	m.account, m.expected = p.read.Account, expected
	if !p.isRest() {
		k.stale = append(k.stale, m.parts[p.Name]...)
		m.parts[p.Name] = nil
	}
	m.parts[p.Name] = append(m.parts[p.Name], p)
	k.wakeUp()
}

// wakeUp has Run look at what there is to do.
func (k *Keeper) wakeUp() {
	select {
	case k.wake <- struct{}{}:
	default: // it will look at everything anyway
	}
}

// waiting returns the months that have parts that are not in the lake yet.
func (k *Keeper) waiting() (l *lake.Lake, months map[lake.Partition]readMonth) {
	k.mu.Lock()
	defer k.mu.Unlock()
	months = map[lake.Partition]readMonth{}
	for at, m := range k.months {
		copied := *m
		copied.parts = maps.Clone(m.parts)
		months[at] = copied
	}
	return k.lake, months
}

// retryInterval is how long after a failure Run tries again.
const retryInterval = time.Minute

// Run puts into the lake what is read, as soon as a month has all its lines, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	ticks := time.NewTicker(retryInterval)
	defer ticks.Stop()
	for {
		select {
		case <-k.wake:
		case <-ticks.C:
		case <-ctx.Done():
			k.drop()
			return nil
		}
		k.publish(ctx)
	}
}

// drop gives up all that is not in the lake yet, and removes its files.
func (k *Keeper) drop() {
	k.mu.Lock()
	k.dropLocked()
	k.mu.Unlock()
	k.discardStale()
}

// publish puts all months into the lake that have all their lines.
func (k *Keeper) publish(ctx context.Context) {
	defer k.discardStale()
	l, months := k.waiting()
	if !k.open(ctx, l) {
		return
	}
	for at, m := range months {
		written, err := join(ctx, l, at, m, k.userAgent)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errGap):
			k.giveUp(at, m, othersPart) // so that the next read begins with the first day
			k.failAgain(err, "account", m.account, "month", at.Month)
		case err != nil:
			k.failAgain(err, "account", m.account, "month", at.Month)
		case written:
			k.forget(at, m)
			k.said = ""
			level.Info(k.logger).Log("msg", "in the lake", "account", m.account, "month", at.Month)
		default:
			k.wait(at, m)
		}
	}
}

// waitPatience is how long a month may lack lines before the log says so.
const waitPatience = time.Hour

// wait says that a month lacks lines, and gives it up once it is no longer read.
func (k *Keeper) wait(at lake.Partition, m readMonth) {
	if at.Month < billclient.MonthOf(time.Now())-1 {
		for _, name := range partNames {
			k.giveUp(at, m, name)
		}
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if waiting := k.months[at]; waiting != nil && !waiting.warned && time.Since(waiting.since) > waitPatience {
		waiting.warned = true
		level.Warn(k.logger).Log("msg", "a month is not in the lake: of postpaid lines and those of the other pay modes,"+
			" some could not be read yet", "account", m.account, "month", at.Month)
	}
}

// open reports whether the lake is there. It looks until it is, from the start of the program on: a bucket that is not
// there is to be seen before the first lines are.
func (k *Keeper) open(ctx context.Context, l *lake.Lake) bool {
	if l == nil || l == k.opened {
		return l != nil
	}
	err := l.Open(ctx)
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		k.failAgain(err)
		return false
	}
	k.opened, k.said = l, ""
	return true
}

// failAgain is fail for what is tried again every minute: the log has it once.
func (k *Keeper) failAgain(err error, about ...any) {
	if text := err.Error(); text != k.said {
		k.said = text
		k.fail(err, about...)
		return
	}
	k.failures.Inc()
}

// forget removes the parts of a month that are in the lake now. Newer ones may have come meanwhile.
func (k *Keeper) forget(at lake.Partition, written readMonth) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := k.months[at]
	if m == nil {
		return // another lake is in use now
	}
	left := 0
	for name, parts := range written.parts {
		isWritten := func(p *readPart) bool { return slices.Contains(parts, p) }
		k.stale = append(k.stale, parts...)
		m.parts[name] = slices.DeleteFunc(slices.Clone(m.parts[name]), isWritten)
	}
	for _, parts := range m.parts {
		left += len(parts)
	}
	if left == 0 {
		delete(k.months, at)
	}
}

// giveUp gives the parts of one name up.
func (k *Keeper) giveUp(at lake.Partition, m readMonth, name string) {
	k.forget(at, readMonth{parts: map[string][]*readPart{name: m.parts[name]}})
}

// fail counts a failure, and logs it.
func (k *Keeper) fail(err error, about ...any) {
	k.failures.Inc()
	message := []any{"msg", "lines not put into the lake, it has what it had before"}
	level.Error(k.logger).Log(slices.Concat(message, about, []any{"err", err})...)
}
