package collector

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// patience is how long a file may take: a disk or a network file system that hangs stops nothing else.
const patience = 10 * time.Second

// lastPatience is how long the end of the program waits for a file: less than what a supervisor gives it.
const lastPatience = time.Second

// ErrSlow says that a file or a directory was given up because it took too long.
var ErrSlow = fmt.Errorf("took longer than %v", patience)

// patient bounds uses of files that may hang, one at a time. It is safe for concurrent use.
type patient struct {
	mu    sync.Mutex
	hangs <-chan struct{} // closed when what was given up has ended after all; nil: nothing hangs
}

// patiently calls a function and returns what it returns. It gives up after a time, or when ctx has ended; the function
// goes on by itself then, its result is lost, and until it has ended further calls fail at once.
func patiently[T any](ctx context.Context, p *patient, what string, call func() (T, error)) (result T, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isHanging() {
		return result, fmt.Errorf("%s: still hangs", what)
	}
	type outcome struct {
		result T
		err    error
	}
	ended, outcomes := make(chan struct{}), make(chan outcome, 1)
	go func() {
		defer close(ended)
		result, err := call()
		outcomes <- outcome{result, err}
	}()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastPatience, cancel) })
	defer stop()
	select {
	case o := <-outcomes:
		return o.result, o.err
	case <-limit.Done():
		p.hangs = ended
		return result, fmt.Errorf("%s: %w", what, ErrSlow)
	}
}

func (p *patient) isHanging() bool {
	select {
	case <-p.hangs:
		p.hangs = nil
	default:
	}
	return p.hangs != nil
}
