package config

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/singleflight"
)

// fileTimeout is how long reading a file may take: a pipe that nobody writes to, or a network file system that is away,
// does not hold up the program.
const fileTimeout = 10 * time.Second

// reads has the reads that are under way. Whoever wants a file whose read hangs waits for that read, so that reads that
// hang do not become more and more.
var reads singleflight.Group

// readFile returns what is in a file. It gives up after ten seconds. It is safe for concurrent use.
func readFile(name string) ([]byte, error) {
	timer := time.NewTimer(fileTimeout)
	defer timer.Stop()
	select {
	case read := <-reads.DoChan(name, func() (any, error) { return os.ReadFile(name) }):
		if read.Err != nil {
			return nil, read.Err
		}
		return read.Val.([]byte), nil
	case <-timer.C:
		return nil, fmt.Errorf("%s: reading it took longer than %v", name, fileTimeout)
	}
}
