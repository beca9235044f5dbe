package collector

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"ksyun_bill_exporter/billclient"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// Calls counts the calls that an account makes in a day, in a file of the state directory: for all processes that use
// the directory, and over a restart. It needs no State: a process that only asks has none. Where the file fails, it
// goes on in memory. It implements billclient.Counter and is safe for concurrent use.
type Calls struct {
	file   string
	lock   *flock.Flock
	failed func(error) // called with what came of each use of the file

	mu   sync.Mutex
	day  billclient.Day
	used int
}

const callsSuffix = ".calls"

// NewCalls returns the count of an account's calls in a state directory, in memory only if that is empty. failed is
// told how each use of the file went.
func NewCalls(stateDir, account string, failed func(error)) *Calls {
	c := &Calls{failed: failed}
	if stateDir == "" {
		return c
	}
	c.file = filepath.Join(stateDir, fileName(account)+callsSuffix)
	c.lock = flock.New(c.file+".lock", flock.SetPermissions(0o600))
	c.failed(c.read())
	return c
}

// Take implements billclient.Counter.
func (c *Calls) Take(day billclient.Day, limit int) (taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == "" {
		return c.take(day, limit)
	}
	err := c.lock.Lock()
	if err != nil {
		c.failed(fmt.Errorf("calls of today: %w", err))
		return c.take(day, limit)
	}
	defer c.lock.Unlock() //nolint:errcheck // the next Lock would tell
	err = c.read()
	if taken = c.take(day, limit); taken {
		err = errors.Join(err, c.write())
	}
	c.failed(err)
	return taken
}

// Used implements billclient.Counter. It tells what was counted up to this process's last call.
func (c *Calls) Used(day billclient.Day) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(day)
	return c.used
}

func (c *Calls) take(day billclient.Day, limit int) bool {
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

// read takes over what the file says, unless it knows less than this process does.
func (c *Calls) read() error {
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
	if day > c.day || day == c.day && used > c.used {
		c.day, c.used = day, used
	}
	return nil
}

const callsFormat = "%s %d\n"

func (c *Calls) write() error {
	text := fmt.Appendf(nil, callsFormat, c.day, c.used)
	err := renameio.WriteFile(c.file, text, 0o600, renameio.WithStaticPermissions(0o600),
		renameio.WithTempDir(filepath.Dir(c.file)))
	if err != nil {
		return fmt.Errorf("calls of today: %w", err)
	}
	return nil
}
