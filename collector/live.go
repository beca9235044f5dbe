package collector

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// asked is how asking for an account goes at this moment.
type asked struct {
	account     string
	isShown     bool
	tried       []*attempts // at the sources that the configuration uses, in the order of their names
	used, limit int         // calls of today; a limit of 0 is none
}

func newAsked(a *account) asked {
	n := asked{account: a.Name, isShown: a.isShown()}
	n.used, n.limit = a.client.Calls()
	n.tried = slices.DeleteFunc(usedAttempts(a.Account, a.currentCustody().visibleState()), func(s *attempts) bool {
		return !s.WasTried()
	})
	slices.SortFunc(n.tried, func(a, b *attempts) int { return cmp.Compare(a.Name, b.Name) })
	return n
}

// samples are those of a family of one account. The labels are used again.
type samples = iter.Seq2[[]string, float64]

var liveFamilies = []struct {
	name, help string
	isCounter  bool
	labels     []string
	samples    func(*asked) samples
}{
	{
		name: "ksyun_bill_api_calls_limit", labels: []string{"account"},
		help:    "Calls that the account may make a day: api.daily_calls. Absent without a limit.",
		samples: ofLimit(func(a *asked) int { return a.limit }),
	},
	{
		name: "ksyun_bill_api_calls_remaining", labels: []string{"account"},
		help:    "Calls that the account may still make today (Beijing). Absent without a limit.",
		samples: ofLimit(func(a *asked) int { return max(0, a.limit-a.used) }),
	},
	{
		name: "ksyun_bill_source_last_attempt_timestamp_seconds", labels: sourceLabels,
		help:    "When the source was last asked, as Unix time.",
		samples: ofSources(func(_ *asked, s *attempts) (float64, bool) { return unixSeconds(s.LastAttempt), true }),
	},
	{
		name: "ksyun_bill_source_last_refresh_duration_seconds", labels: sourceLabels,
		help:    "How long the last attempt at the source took, retries included.",
		samples: ofSources(func(_ *asked, s *attempts) (float64, bool) { return s.Duration.Seconds(), true }),
	},
	{
		name: "ksyun_bill_source_last_success_timestamp_seconds", labels: sourceLabels,
		help: "When the source last answered well, as Unix time.",
		samples: ofSources(func(_ *asked, s *attempts) (float64, bool) {
			return unixSeconds(s.LastSuccess), !s.LastSuccess.IsZero()
		}),
	},
	{
		name: "ksyun_bill_source_refresh_failures_total", labels: []string{"account", "reason", "source"}, isCounter: true,
		help:    "Attempts at the source that failed, by reason.",
		samples: failuresOf,
	},
	{
		name: "ksyun_bill_source_refreshes_total", labels: sourceLabels, isCounter: true,
		help:    "Attempts at the source.",
		samples: ofSources(func(_ *asked, s *attempts) (float64, bool) { return float64(s.refreshes), true }),
	},
	{
		name: "ksyun_bill_source_up", labels: sourceLabels,
		help: "1 if the last attempt at the source succeeded and its numbers are shown, else 0.",
		samples: ofSources(func(a *asked, s *attempts) (float64, bool) {
			if s.Up && a.isShown {
				return 1, true
			}
			return 0, true
		}),
	},
}

var sourceLabels = []string{"account", "source"}

// ofLimit returns the sample of an account whose calls of a day are limited.
func ofLimit(number func(*asked) int) func(*asked) samples {
	return func(a *asked) samples {
		return func(yield func([]string, float64) bool) {
			if a.limit > 0 {
				yield([]string{a.account}, float64(number(a)))
			}
		}
	}
}

// ofSources returns a sample of each source that was tried and has the number.
func ofSources(number func(*asked, *attempts) (float64, bool)) func(*asked) samples {
	return func(a *asked) samples {
		return func(yield func([]string, float64) bool) {
			labels := []string{a.account, ""}
			for _, s := range a.tried {
				labels[1] = s.Name
				if value, ok := number(a, s); ok && !yield(labels, value) {
					return
				}
			}
		}
	}
}

var sortedReasons = slices.Sorted(slices.Values(billclient.Reasons()))

func failuresOf(a *asked) samples {
	return func(yield func([]string, float64) bool) {
		labels := []string{a.account, "", ""}
		for _, s := range a.tried {
			labels[2] = s.Name
			for _, reason := range sortedReasons {
				labels[1] = string(reason)
				if !yield(labels, float64(s.failures[reason])) {
					return
				}
			}
		}
	}
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
