package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/singleflight"
)

// fileTimeout is how long reading a file may take: a pipe that nobody writes to, or a network file system that is away,
// does not hold up the program.
const fileTimeout = 10 * time.Second

// withFileTimeout returns a context that ends after fileTimeout, if not before.
func withFileTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, fileTimeout, fmt.Errorf("reading it took longer than %v", fileTimeout))
}

// reads has the reads that are under way. Whoever wants a file whose read hangs waits for that read, so that reads that
// hang do not become more and more.
var reads singleflight.Group

// Fingerprint returns a text that is another one once a file has something else in it, or cannot be read. It gives up
// after ten seconds. It is safe for concurrent use.
func Fingerprint(file string) string {
	ctx, cancel := withFileTimeout(context.Background())
	defer cancel()
	text, err := readFile(ctx, file)
	return fmt.Sprintf("%x %v", sha256.Sum256(text), err)
}

// readFile returns what is in a file, or gives up when ctx has ended. It is safe for concurrent use.
func readFile(ctx context.Context, name string) ([]byte, error) {
	select {
	case read := <-reads.DoChan(name, func() (any, error) { return os.ReadFile(name) }):
		if read.Err != nil {
			return nil, read.Err
		}
		return read.Val.([]byte), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
}
