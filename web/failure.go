package web

import (
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// foreignCustomer is the reason of a failure for which the API is not to blame: the numbers belong to another customer
// than the configuration expects.
const foreignCustomer billclient.Reason = "foreign"

// failure is one reason, and the sources that fail for it. A wrong key, for example, is one failure of all sources.
type failure struct {
	Reason  billclient.Reason
	Sources []metrics.Source
}

// groupFailures returns the failures of an account's sources by their reason. It leaves out sources with the numbers of
// another customer if the account is refused, because the page then shows the refusal.
func groupFailures(a metrics.AccountStatus) []failure {
	var failures []failure
	for _, s := range a.Sources {
		reason := s.Reason
		if s.Foreign {
			reason = foreignCustomer
		}
		if s.Failed == 0 || reason == foreignCustomer && a.Refused != nil {
			continue
		}
		i := slices.IndexFunc(failures, func(f failure) bool { return f.Reason == reason })
		if i < 0 {
			i, failures = len(failures), append(failures, failure{Reason: reason})
		}
		failures[i].Sources = append(failures[i].Sources, s)
	}
	return failures
}

// countFailing returns how many of the sources fail.
func countFailing(sources []metrics.Source) int {
	n := 0
	for _, s := range sources {
		n += min(s.Failed, 1)
	}
	return n
}
