package collector

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// custody is what was read with one key of an account, and how asking with it goes. Numbers follow the key that read
// them: another key gets a custody of its own, which begins with what was kept of that key or with nothing. It is safe
// for concurrent use.
type custody struct {
	keyID     string // fingerprint of the access key id; empty while no key could be read
	oneByOne  oneByOne
	marks     marks
	firstTold chan struct{} // closed when summaries were asked for, which may tell whose the key is
	told      sync.Once

	mu        sync.Mutex // guards what follows
	snapshot  *ledger.Snapshot
	origins   map[string]string // by service, the fingerprint of where its numbers come from
	hasRead   bool              // something was learned with the key
	resumed   bool              // what was kept is part of the snapshot, and tells whose it is
	attempts  []attempts        // by index in sources
	reading   map[int]bool      // likewise, those that are being read
	schedules map[loopName]*schedule
	visible   visible
}

// visible is what others see of an account: what is known, once it is kept.
type visible struct {
	keyID    string // fingerprint of the access key id with which the snapshot was read; empty if none was read
	snapshot *ledger.Snapshot
	attempts []attempts
}

func newCustody(keyID, account string, origins map[string]string, interval time.Duration) *custody {
	c := &custody{
		keyID: keyID, origins: origins, firstTold: make(chan struct{}), snapshot: &ledger.Snapshot{},
		reading: map[int]bool{}, schedules: map[loopName]*schedule{}, visible: visible{snapshot: &ledger.Snapshot{}},
	}
	for _, loop := range loopNames {
		c.schedules[loop] = &schedule{account: account, interval: interval}
	}
	c.attempts = make([]attempts, len(sources))
	for i, s := range sources {
		c.attempts[i] = newAttempts(s)
	}
	return c
}

// takeCounters takes over the counters of the custody before, for they only rise.
func (c *custody) takeCounters(before *custody) {
	old := before.clonedAttempts()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.attempts {
		c.attempts[i].refreshes, c.attempts[i].failures = old[i].refreshes, old[i].failures
	}
}

func (c *custody) clonedAttempts() []attempts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cloneAttempts()
}

func (c *custody) cloneAttempts() []attempts {
	all := make([]attempts, len(c.attempts))
	for i := range c.attempts {
		all[i] = c.attempts[i].clone()
	}
	return all
}

// state returns what is known, and how asking for it goes.
func (c *custody) state() (*ledger.Snapshot, map[string]metrics.Progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	progress := map[string]metrics.Progress{}
	for _, a := range c.attempts {
		progress[a.Name] = a.Progress
	}
	return c.snapshot, progress
}

// schedule calls use with the schedule of a loop.
func (c *custody) schedule(loop loopName, use func(*schedule)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	use(c.schedules[loop])
}

// attempt calls use with the attempts at a source.
func (c *custody) attempt(i int, use func(*attempts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	use(&c.attempts[i])
}

// retry returns when the first of a loop's failed sources is due again, or at if none is before.
func (c *custody) retry(loop loopName, at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range sources {
		if a := &c.attempts[i]; s.loop == loop && a.IsFailing() {
			at = earlierOf(at, a.Retry)
		}
	}
	return at
}

// settle records the end of an attempt with what it learned, and returns the attempts at the source before and after,
// and which product groups are called something else by what it learned.
func (c *custody) settle(
	i int, f *fetch, began time.Time, took time.Duration, err error,
) (before, after attempts, products []productChange) {
	known := c.learn(f.learned)
	c.mu.Lock()
	defer c.mu.Unlock()
	if sources[i].service == unionService {
		products = productChanges(known, c.snapshot)
	}
	a := &c.attempts[i]
	before = a.clone()
	ended := now()
	a.record(began, ended, err, f.options.Refresh.Interval)
	a.Duration = took
	a.Items, a.Data = sources[i].measure(c.snapshot, ended)
	return before, a.clone(), products
}

// learn adds to what is known, and returns what was before. What was read again with the same result stays the same in
// memory. That can take a while, in which nothing else waits.
func (c *custody) learn(changes []func(*ledger.Snapshot) *ledger.Snapshot) (known *ledger.Snapshot) {
	for {
		known, _ = c.state()
		next := known
		for _, change := range changes {
			next = change(next)
		}
		if next != known {
			next = next.Reusing(known)
		}
		if c.replaceSnapshot(known, next, len(changes) > 0) {
			return known
		}
	}
}

// replaceSnapshot puts another snapshot into the place of the known one, unless that is not known any more.
func (c *custody) replaceSnapshot(known, next *ledger.Snapshot, isRead bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != known {
		return false
	}
	c.snapshot, c.hasRead = next, c.hasRead || isRead
	return true
}

// productChange is a product group that has another product code than before; its own if no other is known.
type productChange struct{ group, before, after string }

func productChanges(known, next *ledger.Snapshot) (changes []productChange) {
	before, after := known.ProductGroups().Products(), next.ProductGroups().Products()
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, group := range slices.Sorted(maps.Keys(all)) {
		c := productChange{group, cmp.Or(before[group], group), cmp.Or(after[group], group)}
		if c.before != c.after {
			changes = append(changes, c)
		}
	}
	return changes
}

// reveal shows what is known to others.
func (c *custody) reveal() { c.show(c.look()) }

// look returns what is known, as others may see it once it is kept.
func (c *custody) look() visible {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := visible{snapshot: c.snapshot, attempts: c.cloneAttempts()}
	if c.hasRead {
		v.keyID = c.keyID
	}
	return v
}

// show lets others see what was known.
func (c *custody) show(v visible) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visible = v
}

// visibleState returns what others may see.
func (c *custody) visibleState() visible {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.visible
}

// tell says that summaries were asked for.
func (c *custody) tell() { c.told.Do(func() { close(c.firstTold) }) }

// keep returns what of the custody outlives a restart.
func (c *custody) keep(account string) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &kept{
		Account: account, Snapshot: c.snapshot, Sources: map[string]metrics.Progress{}, Owner: c.keyID,
		Origins: maps.Clone(c.origins),
		Next:    c.schedules[summaryLoop].keptTick(), NextUnion: c.schedules[unionLoop].keptTick(),
		NextLines: c.schedules[lineLoop].keptTick(), NextInstances: c.schedules[instanceLoop].keptTick(),
		OneByOne: c.oneByOne.time(), Marks: c.marks.clone(now()), fromDisk: map[string]bool{},
	}
	for _, a := range c.attempts {
		if a.WasTried() {
			k.Sources[a.Name] = a.Progress
			k.fromDisk[a.Name] = a.FromDisk
		}
	}
	return k
}

// resume takes over what was kept: of the same key, or of the same customer. What this key has read itself by then is
// learned on top of it.
func (c *custody) resume(k *kept, fresh map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot, c.origins, c.resumed, c.hasRead = k.Snapshot, maps.Clone(k.Origins), k.Snapshot.TellsCustomer(), true
	c.oneByOne.set(k.OneByOne)
	c.marks.replace(k.Marks)
	c.schedules[unionLoop].next, c.schedules[lineLoop].next = k.NextUnion, k.NextLines
	c.schedules[instanceLoop].next = k.NextInstances
	if len(fresh) == 0 {
		c.schedules[summaryLoop].next = k.Next
	}
	for i := range c.attempts {
		a := &c.attempts[i]
		if p, ok := k.Sources[a.Name]; ok && !fresh[a.Name] {
			a.resume(p)
			a.FromDisk = a.FromDisk && (k.fromDisk == nil || k.fromDisk[a.Name])
		}
	}
}

// untold reports whether it is still open whose numbers these are: nothing that was kept and tells it has been taken
// over.
func (c *custody) untold() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.resumed
}

// askAtOnce has every loop ask everything.
func (c *custody) askAtOnce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.schedules {
		s.next = time.Time{}
	}
}

// drop forgets what was said by a service that numbers no longer come from, and has the one that they come from now
// asked at once.
func (c *custody) drop(service *service, origin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = service.without(c.snapshot)
	c.origins[service.name] = origin
	for i, s := range sources {
		if s.service == service {
			c.schedules[s.loop].next = time.Time{}
			counted := c.attempts[i]
			c.attempts[i] = newAttempts(s)
			c.attempts[i].refreshes, c.attempts[i].failures = counted.refreshes, counted.failures
		}
	}
}

// dropLines forgets what depends on how lines are added up, and has them read at once.
func (c *custody) dropLines() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = c.snapshot.WithoutLines()
	c.schedules[lineLoop].next, c.schedules[instanceLoop].next = time.Time{}, time.Time{}
	for i, s := range sources {
		if s.readsLines() {
			c.attempts[i].Items, c.attempts[i].Data = s.measure(c.snapshot, now())
		}
	}
}
