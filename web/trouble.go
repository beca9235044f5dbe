package web

import (
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
)

// foreign stands for the reason of a failure that is not the API's: the numbers are another customer's.
const foreign billclient.Reason = "foreign"

// trouble is one thing that is wrong, and the sources that fail for it: a wrong key is one thing, and fails them all.
type trouble struct {
	Reason  billclient.Reason
	Sources []collector.SourceStatus
}

// troubles returns what is wrong with the sources of an account, but for what a refusal says already.
func troubles(a collector.AccountStatus) []trouble {
	var all []trouble
	for _, s := range a.Sources {
		reason := s.Reason
		if s.Foreign {
			reason = foreign
		}
		if s.Failed == 0 || reason == foreign && a.Refused != nil {
			continue
		}
		i := slices.IndexFunc(all, func(t trouble) bool { return t.Reason == reason })
		if i < 0 {
			i, all = len(all), append(all, trouble{Reason: reason})
		}
		all[i].Sources = append(all[i].Sources, s)
	}
	return all
}

func failing(sources []collector.SourceStatus) int {
	n := 0
	for _, s := range sources {
		n += min(s.Failed, 1)
	}
	return n
}
