package collector

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// retirement is how long numbers are kept of an account that is not configured any more: long enough to notice that it
// was left out by mistake.
const retirement = 30 * 24 * time.Hour

// retire forgets what was kept of accounts that have not been asked for 30 days and are not configured, in the state
// directory too.
func retire(v *vault, options Options, logger log.Logger, now time.Time) {
	isRetired := func(k *kept) bool {
		isConfigured := slices.ContainsFunc(options.Accounts, func(a Account) bool { return a.Name == k.Account })
		asked := k.lastAttempt()
		return !isConfigured && !asked.IsZero() && now.Sub(asked) > retirement
	}
	for k := v.take(isRetired); k != nil; k = v.take(isRetired) {
		_, err := patiently(context.Background(), &patient{}, "state_dir", func() (struct{}, error) {
			return struct{}{}, options.State.removeAll(k)
		})
		if err != nil {
			level.Error(logger).Log("msg", "what was kept of a former account cannot be removed",
				"account", k.Account, "file", k.file, "err", err)
			continue
		}
		level.Info(logger).Log(
			"msg", "what was kept of an account is removed, it has not been configured for 30 days",
			"account", k.Account, "file", k.file)
	}
}

// lastAttempt returns when the account was last asked for anything.
func (k *kept) lastAttempt() (at time.Time) {
	for _, p := range k.Sources {
		at = laterOf(at, p.LastAttempt)
	}
	return at
}

// removeAll removes all files of an account, or of a former key of it: its numbers, what was set aside of them, and how
// many calls it has made.
func (s *State) removeAll(k *kept) error {
	if s == nil || k.file == "" {
		return nil
	}
	calls := filepath.Join(s.dir, fileName(k.Account)+callsSuffix)
	aside, _ := filepath.Glob(escapeGlob(k.file) + ".*" + asideSuffix) // the pattern is good
	var errs []error
	for _, file := range append(aside, calls, calls+lockSuffix, k.file) {
		errs = append(errs, s.remove(file))
	}
	return errors.Join(errs...)
}
