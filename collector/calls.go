package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/gofrs/flock"
)

// Calls counts the calls that an account makes in a day, in a file of the state directory: for all processes that use
// the directory, and over a restart. It needs no State: a process that only asks has none. Where the file fails, it
// goes on in memory. It implements billclient.Counter and is safe for concurrent use.
type Calls struct {
	file  string
	onUse func(error) // called with the result of each use of the file
	disk  patient

	mu   sync.Mutex // guards what follows; not held while a file is used, for a scrape asks for it
	days map[billclient.Day]callCount
}

// callCount is how many calls were made in a day.
type callCount struct {
	used int
	last time.Time // when the last one was made, by the clock
}

// at returns the count at the instant now. Calls that were made half a day later are of a clock that was ahead: they do
// not count once their day has come.
func (n callCount) at(now time.Time) callCount {
	if n.last.Sub(now) > 12*time.Hour {
		return callCount{}
	}
	return n
}

// keptCallDays is how many days' counts are kept: more than one, so that a clock that is wrong for a while and right
// again finds the count of its day.
const keptCallDays = 4

const (
	callsSuffix = ".calls"
	lockSuffix  = ".lock"

	// lockWait is how long a call waits for another process that uses the file, lockPoll how often it looks.
	lockWait = 2 * time.Second
	lockPoll = 10 * time.Millisecond
)

var errLocked = fmt.Errorf("locked by another process for %v", lockWait)

// NewCalls returns the count of an account's calls in a state directory, in memory only if that is empty. onUse is
// called with the result of each use of the file.
func NewCalls(stateDir, account string, onUse func(error)) *Calls {
	c := &Calls{onUse: onUse, days: map[billclient.Day]callCount{}}
	if stateDir == "" {
		return c
	}
	c.file = filepath.Join(stateDir, fileName(account)+callsSuffix)
	_, err := patiently(context.Background(), &c.disk, "calls of today: "+c.file, func() (struct{}, error) {
		return struct{}{}, c.readFile()
	})
	c.onUse(err)
	return c
}

// Take implements billclient.Counter. It waits for others that use the file, for two seconds at most, and for a file
// that hangs ten.
func (c *Calls) Take(ctx context.Context, day billclient.Day, limit int) (taken bool) {
	if c.file == "" {
		return c.take(day, limit)
	}
	taken, err := patiently(ctx, &c.disk, "calls of today: "+c.file, func() (bool, error) {
		return c.takeFromFile(ctx, day, limit)
	})
	if ctx.Err() != nil {
		return c.take(day, limit)
	}
	c.onUse(err)
	if err != nil && !taken {
		return c.take(day, limit)
	}
	return taken
}

// takeFromFile takes a call together with others that use the file. The error is of the file, whether it was taken or
// not.
func (c *Calls) takeFromFile(ctx context.Context, day billclient.Day, limit int) (taken bool, err error) {
	release, err := c.lock(ctx)
	if err != nil {
		return false, fmt.Errorf("calls of today: %s%s: %w", c.file, lockSuffix, err)
	}
	defer release()
	err = c.readFile()
	if !c.take(day, limit) {
		return false, nil
	}
	return true, errors.Join(err, c.write())
}

// lock excludes other processes, unless ctx or the patience ends before.
func (c *Calls) lock(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait, errLocked)
	defer cancel()
	lock := flock.New(c.file+lockSuffix, flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil // the next one to lock would tell
}

// Used implements billclient.Counter. It returns what was counted up to this process's last call.
func (c *Calls) Used(day billclient.Day) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.days[day].at(now()).used
}

func (c *Calls) take(day billclient.Day, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.days[day].at(now())
	if limit > 0 && count.used >= limit {
		return false
	}
	c.days[day] = callCount{count.used + 1, now()}
	c.forgetFarDays(day)
	return true
}

// forgetFarDays keeps the counts of the days that are nearest to a day.
func (c *Calls) forgetFarDays(from billclient.Day) {
	days := slices.SortedFunc(maps.Keys(c.days), func(a, b billclient.Day) int {
		return cmp.Compare(max(a-from, from-a), max(b-from, from-b))
	})
	for _, far := range days[min(keptCallDays, len(days)):] {
		delete(c.days, far)
	}
}

// readFile takes over what the file says, unless it knows less than this process does.
func (c *Calls) readFile() error {
	text, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		err = errors.Join(err, c.readDay(line))
	}
	if err == nil && len(text) == 0 {
		err = errors.New("is empty")
	}
	if err != nil {
		return fmt.Errorf("calls of today: %s: %w", c.file, err)
	}
	return nil
}

// callsFormat is a day, the number of its calls, and the instant of the last one, which files of earlier versions lack.
const callsFormat = "%s %d %s\n"

func (c *Calls) readDay(line string) error {
	var date, instant string
	var count callCount
	if n, err := fmt.Sscanf(line, callsFormat, &date, &count.used, &instant); n < 2 {
		return err
	}
	day, err := billclient.ParseDay(date)
	if err != nil {
		return err
	}
	count.last, _ = time.Parse(time.RFC3339, instant)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := now()
	if known, ok := c.days[day]; !ok || count.at(t).used > known.at(t).used {
		c.days[day] = count
	}
	return nil
}

func (c *Calls) write() error {
	var text []byte
	c.mu.Lock()
	for _, day := range slices.Sorted(maps.Keys(c.days)) {
		count := c.days[day]
		text = fmt.Appendf(text, callsFormat, day, count.used, count.last.Format(time.RFC3339))
	}
	c.mu.Unlock()
	if err := overwrite(c.file, text); err != nil {
		return fmt.Errorf("calls of today: %w", err)
	}
	return nil
}

// overwrite replaces a small text in a file, in place: it is done before each call of the API, and a file that is
// written anew, and is on the disk before it gets its name, costs ten times as much. A loss of power can leave the
// count before, or none that can be read, which counts from 0.
func overwrite(file string, text []byte) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(text)))
}
