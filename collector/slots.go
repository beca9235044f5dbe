package collector

import (
	"context"
	"sync"
)

// SummariesAtOnce is how many accounts are asked for summaries at once. Their answers are small, and each account has a
// pace of its own, so that most of the time is spent waiting; the bound is for sockets and for the API.
const SummariesAtOnce = 64

// slots bound how many accounts a loop of the same name runs for at once. They are safe for concurrent use.
type slots struct {
	mu     sync.Mutex
	byLoop map[loopName]chan struct{}
}

func newSlots(lines int) *slots {
	s := &slots{byLoop: map[loopName]chan struct{}{}}
	s.resize(lines)
	return s
}

// resize has lines of that many accounts read at once. What holds a slot by then is not counted any more.
func (s *slots) resize(lines int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, loop := range loopNames {
		size := SummariesAtOnce
		if loop == lineLoop || loop == instanceLoop {
			size = max(1, lines)
		}
		if size != cap(s.byLoop[loop]) {
			s.byLoop[loop] = make(chan struct{}, size)
		}
	}
}

func (s *slots) of(loop loopName) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byLoop[loop]
}

// with calls do while it holds a slot, unless ctx ends before there is one. A free slot is taken anyway.
func (s *slots) with(ctx context.Context, loop loopName, do func()) {
	free := s.of(loop)
	select {
	case free <- struct{}{}:
	default:
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
	defer func() { <-free }()
	do()
}
