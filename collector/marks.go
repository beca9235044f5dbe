package collector

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"
)

// marks has, by what happened, when it did. They outlive a restart. It is safe for concurrent use.
type marks struct {
	mu sync.Mutex
	at map[string]time.Time
}

func markOf(what string, m billclient.Month) string { return fmt.Sprintf("%s %v", what, m) }

// age sets a mark unless it is set, and returns how long ago that was. A mark that is in the future, by a clock that
// was ahead, is set anew.
func (m *marks) age(mark string, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.at[mark]
	if !ok || at.After(now) {
		m.set(mark, now)
		return 0
	}
	return now.Sub(at)
}

// takeDue reports whether a mark is not set, or was set longer ago than every, and sets it if so.
func (m *marks) takeDue(mark string, every time.Duration, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.at[mark]; ok && now.Sub(at).Abs() < every {
		return false
	}
	m.set(mark, now)
	return true
}

// put sets a mark.
func (m *marks) put(mark string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(mark, at)
}

// isRecent reports whether a mark was set not longer ago than within.
func (m *marks) isRecent(mark string, within time.Duration, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.at[mark]
	return ok && now.Sub(at).Abs() < within
}

func (m *marks) set(mark string, at time.Time) {
	if m.at == nil {
		m.at = map[string]time.Time{}
	}
	m.at[mark] = at
}

// clear removes a mark.
func (m *marks) clear(mark string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.at, mark)
}

// clone returns all marks that are not too old to matter.
func (m *marks) clone(now time.Time) map[string]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.at, func(_ string, at time.Time) bool { return now.Sub(at) > longestMark })
	return maps.Clone(m.at)
}

// replace takes over marks from before a restart.
func (m *marks) replace(at map[string]time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = maps.Clone(at)
}

// longestMark is longer than anything waits for a mark.
const longestMark = 31 * 24 * time.Hour
