package billclient

import (
	"context"
	"sync"
	"time"
)

// Counter counts the calls of a day of the Beijing calendar, perhaps those of other clients too. It is safe for
// concurrent use.
type Counter interface {
	// Take counts a call of the day, unless limit of them are counted already; 0 is no limit. It tells whether it did.
	// Where it has to wait, it does no longer than ctx lasts.
	Take(ctx context.Context, day Day, limit int) bool
	// Used returns how many calls of the day are counted.
	Used(day Day) int
}

// countCall counts a call, or fails if there have been enough today.
func (c *Client) countCall(ctx context.Context, now time.Time) error {
	if day := DayOf(now); !c.counter.Take(ctx, day, c.options.DailyCalls) {
		return classify(CallLimit, "the %d calls of today (api.daily_calls) are used up; the next day begins at %v",
			c.options.DailyCalls, day.End().Format(time.RFC3339))
	}
	return nil
}

// memoryCounter is a Counter that forgets with the process.
type memoryCounter struct {
	mu   sync.Mutex
	day  Day
	used int
}

func (m *memoryCounter) Take(_ context.Context, day Day, limit int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.startDay(day)
	if limit > 0 && m.used >= limit {
		return false
	}
	m.used++
	return true
}

func (m *memoryCounter) Used(day Day) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.startDay(day)
	return m.used
}

// startDay begins a new count when the day is another one.
func (m *memoryCounter) startDay(day Day) {
	if day != m.day {
		m.day, m.used = day, 0
	}
}
