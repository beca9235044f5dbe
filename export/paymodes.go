package export

import (
	"fmt"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
)

// payModes are pay modes in the order of allModes, each of them once.
type payModes []string

var allModes = payModes{billclient.Prepaid, billclient.Realtime, billclient.Postpaid}

// choosePayModes returns the pay modes that Options.PayModes asks for, else all that the source and the configuration
// cover.
func (o Options) choosePayModes(account collector.Account) (payModes, error) {
	asked, err := parsePayModes(o.PayModes)
	isCovered := o.Source == SourceLines && account.API.UnionEndpoint != ""
	switch others := asked.others(); {
	case err != nil:
		return nil, err
	case asked == nil && isCovered:
		return allModes, nil
	case asked == nil:
		return payModes{billclient.Postpaid}, nil
	case len(others) > 0 && o.Source != SourceLines:
		return nil, fmt.Errorf("--source=%s has postpaid lines only: use --source=lines for %v", o.Source, others)
	case len(others) > 0 && !isCovered:
		return nil, fmt.Errorf("%v lines are those of bill-union: set api.union_endpoint", others)
	}
	return asked, nil
}

// parsePayModes reads pay modes with commas between them, nil from an empty text.
func parsePayModes(text string) (modes payModes, err error) {
	if text == "" {
		return nil, nil
	}
	words := strings.Split(text, ",")
	for i, word := range words {
		words[i] = strings.TrimSpace(word)
		if !slices.Contains(allModes, words[i]) {
			return nil, fmt.Errorf("%q is none of %s", words[i], strings.Join(allModes, ", "))
		}
	}
	for _, mode := range allModes {
		if slices.Contains(words, mode) {
			modes = append(modes, mode)
		}
	}
	return modes, nil
}

func (m payModes) has(mode string) bool { return slices.Contains(m, mode) }

// others returns the modes that the service bill does not know.
func (m payModes) others() payModes {
	return slices.DeleteFunc(slices.Clone(m), func(mode string) bool { return mode == billclient.Postpaid })
}

// String returns the modes as a sentence has them.
func (m payModes) String() string {
	last := len(m) - 1
	if last < 1 {
		return strings.Join(m, "")
	}
	return strings.Join(m[:last], ", ") + " and " + m[last]
}
