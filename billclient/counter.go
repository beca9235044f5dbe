package billclient

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Counter counts the calls of a day of the Beijing calendar, perhaps those of several clients together. It is safe for
// concurrent use.
type Counter interface {
	// Take counts a call of the day, unless limit calls of the day are counted already; 0 is no limit. It reports
	// whether it counted the call. If it has to wait, it waits no longer than ctx lasts.
	Take(ctx context.Context, day Day, limit int) bool
	// Used returns how many calls of the day are counted.
	Used(day Day) int
}

// callBudget decides when a call may be made, and whether: at the pace and within the daily calls of Options.
type callBudget struct {
	limiter    *rate.Limiter
	counter    Counter
	dailyCalls int
	reserve    int // of the daily calls
}

// burst is how many calls may follow each other without a pause.
const burst = 2

func newCallBudget(o Options) *callBudget {
	pace := rate.Inf
	if o.RequestsPerSecond > 0 {
		pace = rate.Limit(o.RequestsPerSecond)
	}
	counter := o.Counter
	if counter == nil {
		counter = &memoryCounter{}
	}
	return &callBudget{
		limiter: rate.NewLimiter(pace, burst), counter: counter, dailyCalls: o.DailyCalls, reserve: o.DailyReserve,
	}
}

// take waits until a call of an action may be made, and then counts it: a call that is given up while it waits does not
// count.
func (b *callBudget) take(ctx context.Context, action string) error {
	if err := b.limiter.Wait(ctx); err != nil {
		return classify(reasonOfContext(ctx), "waiting for api.requests_per_second: %w", err)
	}
	today, reserve := DayOf(time.Now()), b.reserveFor(action)
	limit := b.dailyCalls - reserve
	if b.dailyCalls > 0 && limit <= 0 || !b.counter.Take(ctx, today, limit) {
		return classify(CallLimit, "the %d calls of today (api.daily_calls%s) are used up; the next day begins at %v",
			max(0, limit), describeReserve(reserve), today.End().Format(time.RFC3339))
	}
	return nil
}

// reserveFor returns how many of the daily calls an action has to leave to others.
func (b *callBudget) reserveFor(action string) int {
	if b.dailyCalls == 0 || action == GetMonthBill || strings.EqualFold(action, GetMonthConsume) {
		return 0
	}
	return b.reserve
}

// describeReserve returns what a text says about the calls that are left to others.
func describeReserve(reserve int) string {
	if reserve == 0 {
		return ""
	}
	return fmt.Sprintf(" less %d for %s and %s", reserve, GetMonthBill, GetMonthConsume)
}

// used returns how many calls were counted today.
func (b *callBudget) used() int { return b.counter.Used(DayOf(time.Now())) }

// memoryCounter is a Counter whose count ends with the process.
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

// startDay begins a new count if the day is another one than before.
func (m *memoryCounter) startDay(day Day) {
	if day != m.day {
		m.day, m.used = day, 0
	}
}
