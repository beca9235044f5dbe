package collector

import (
	"time"

	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// unmatched has, for each key of the configuration that matches nothing in an account's numbers, since when. It is not
// safe for concurrent use.
type unmatched map[accountKey]*unmatchedSince

type accountKey struct {
	account string
	metrics.ConfigKey
}

type unmatchedSince struct {
	at   time.Time
	said bool // in the log
}

// unmatchedFor is how long a key may match nothing: a project may be new.
const unmatchedFor = 24 * time.Hour

// update returns the keys of an account that have matched nothing for a day, and logs each once.
func (u unmatched) update(now time.Time, a metrics.Account, logger log.Logger) (old []metrics.ConfigKey) {
	seen := map[accountKey]bool{}
	for _, k := range metrics.UnmatchedKeys(a) {
		key := accountKey{a.Name, k}
		seen[key] = true
		since, ok := u[key]
		if !ok || since.at.After(now) {
			u[key] = &unmatchedSince{at: now}
			continue
		}
		if now.Sub(since.at) < unmatchedFor {
			continue
		}
		old = append(old, k)
		if !since.said {
			since.said = true
			level.Warn(logger).Log("msg", "configured, but not in the account's numbers for a day", "account", a.Name,
				"kind", k.Kind, "key", k.Key)
		}
	}
	for key := range u {
		if key.account == a.Name && !seen[key] {
			delete(u, key)
		}
	}
	return old
}
