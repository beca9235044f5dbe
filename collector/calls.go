package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// Calls counts the calls that an account makes in a day, in a file of the state directory: for all processes that use
// the directory, and over a restart. It needs no State: a process that only asks has none. Where the file fails, it
// goes on in memory. It implements billclient.Counter and is safe for concurrent use.
type Calls struct {
	file  string
	onUse func(error) // called with the result of each use of the file
	disk  patient

	mu   sync.Mutex // guards what follows; not held while a file is used, for a scrape asks for it
	day  billclient.Day
	used int
}

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
	c := &Calls{onUse: onUse}
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

// Take implements billclient.Counter. It waits for others that use the file, for two seconds at most, and for a file that
// hangs ten.
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

// takeFromFile takes a call together with others that use the file. The error is of the file, whether it was taken or not.
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
	c.turn(day)
	return c.used
}

func (c *Calls) take(day billclient.Day, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(day)
	if limit > 0 && c.used >= limit {
		return false
	}
	c.used++
	return true
}

// turn begins a new count when the day is another one.
func (c *Calls) turn(day billclient.Day) {
	if day != c.day {
		c.day, c.used = day, 0
	}
}

// readFile takes over what the file says, unless it knows less than this process does.
func (c *Calls) readFile() error {
	text, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var date string
	var used int
	if err == nil {
		_, err = fmt.Sscanf(string(text), callsFormat, &date, &used)
	}
	day, noDay := billclient.ParseDay(date)
	if err = errors.Join(err, noDay); err != nil {
		return fmt.Errorf("calls of today: %s: %w", c.file, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if day > c.day || day == c.day && used > c.used {
		c.day, c.used = day, used
	}
	return nil
}

const callsFormat = "%s %d\n"

func (c *Calls) write() error {
	c.mu.Lock()
	text := fmt.Appendf(nil, callsFormat, c.day, c.used)
	c.mu.Unlock()
	err := renameio.WriteFile(c.file, text, 0o600, renameio.WithStaticPermissions(0o600),
		renameio.WithTempDir(filepath.Dir(c.file)))
	if err != nil {
		return fmt.Errorf("calls of today: %w", err)
	}
	return nil
}
