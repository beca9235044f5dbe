package backfill

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// families are the metric families that are written. They have no label for the month, because the time of a sample is
// in it.
var families = []family{
	{
		view: accountView, subject: "of an account",
		postpaid: func(s *ledger.Summary) []ledger.Row { return []ledger.Row{{Amount: s.Sum}} },
	},
	{
		view: "product", subject: "of a product", labels: []string{"product_code"},
		postpaid: func(s *ledger.Summary) []ledger.Row { return s.Product },
	},
	{
		view: "project", subject: "of a project", labels: []string{"project_id"},
		postpaid: func(s *ledger.Summary) []ledger.Row { return s.Project },
	},
	{
		view: "project_product", subject: "of a product in a project", labels: []string{"project_id", "product_code"},
		postpaid: func(s *ledger.Summary) []ledger.Row { return s.ProjectProduct }, needsModes: true,
	},
}

// allFamilies returns families, then the amortised twins of the first ones.
func allFamilies() []family {
	all := slices.Clone(families)
	for i, spread := range []func(ledger.Key) ledger.Key{
		func(ledger.Key) ledger.Key { return ledger.Key{billclient.Prepaid} },
		func(k ledger.Key) ledger.Key { return ledger.Key{billclient.Prepaid, k[0]} },
		func(k ledger.Key) ledger.Key { return ledger.Key{billclient.Prepaid, k[1]} },
	} {
		twin := families[i]
		twin.spread, twin.needsModes = spread, true
		all = append(all, twin)
	}
	return all
}

// name returns the name of the family.
func (f family) name() string {
	if f.spread != nil {
		return "ksyun_bill_month_amortized_" + f.view + "_cost_cny"
	}
	return "ksyun_bill_month_" + f.view + "_cost_cny"
}

// help returns what the family is; hasModes says whether it has other pay modes than postpaid, too.
func (f family) help(hasModes bool) string {
	switch {
	case f.spread != nil:
		return fmt.Sprintf(amortizedHelp, f.subject)
	case hasModes:
		return fmt.Sprintf(modesHelp, f.subject)
	default:
		return fmt.Sprintf(postpaidHelp, f.subject)
	}
}

const (
	postpaidHelp = "Postpaid bill %s for a closed month, in CNY, after discount and before vouchers; a sample a month," +
		" at noon (Beijing) of its last day."
	modesHelp = "Cost %s in a closed month, in CNY, after discount and before vouchers, by pay mode; a sample a" +
		" month, at noon (Beijing) of its last day."
	amortizedHelp = "Cost %s in a closed month, in CNY, after discount and before vouchers: prepaid spread over its term" +
		" by the day, other pay modes as they are; a sample a month, at noon (Beijing) of its last day."
)

// family is a metric family with one sample a month. Its view is the one in the exporter's own families.
type family struct {
	view, subject string
	labels        []string                           // beside account and pay mode
	postpaid      func(*ledger.Summary) []ledger.Row // of a bill
	needsModes    bool                               // it is not there where other pay modes were not asked for

	// spread returns the pay mode and the labels of prepaid cost that is spread over its terms, by product and project;
	// nil: it is not.
	spread func(ledger.Key) ledger.Key
}

// writeOpenMetrics writes all accounts as OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/),
// which wants the samples of a series together. It returns how many samples there are.
func writeOpenMetrics(w io.Writer, accounts []history, modes payModes) (samples int, err error) {
	hasModes := slices.ContainsFunc(accounts, func(h history) bool { return h.others != nil })
	for _, f := range allFamilies() {
		metrics := &dto.MetricFamily{
			Name: new(f.name()), Help: new(f.help(hasModes)), Type: dto.MetricType_GAUGE.Enum(),
		}
		for _, h := range accounts {
			metrics.Metric = append(metrics.Metric, f.samples(h, modes)...)
		}
		samples += len(metrics.Metric)
		if len(metrics.Metric) == 0 {
			continue
		}
		if _, err := expfmt.MetricFamilyToOpenMetrics(w, metrics); err != nil {
			return 0, fmt.Errorf("output: %w", err)
		}
	}
	if _, err := expfmt.FinalizeOpenMetrics(w); err != nil {
		return 0, fmt.Errorf("output: %w", err)
	}
	return samples, nil
}

// samples returns the samples of an account, one series after the other.
func (f family) samples(h history, modes payModes) []*dto.Metric {
	series := map[ledger.Key][]*dto.Metric{} // by pay mode and label values
	for _, month := range h.months {
		for key, sum := range f.sums(h, month) {
			if !modes.has(key[0]) {
				continue
			}
			labels := labelPairs("account", h.account, "pay_mode", key[0])
			for i, name := range f.labels {
				labels = append(labels, labelPairs(name, key[i+1])...)
			}
			series[key] = append(series[key], &dto.Metric{
				Label: labels, Gauge: &dto.Gauge{Value: new(sum.Float64())},
				TimestampMs: new(sampleTime(month).UnixMilli()),
			})
		}
	}
	var all []*dto.Metric
	for _, key := range slices.SortedFunc(maps.Keys(series), ledger.CompareKeys) {
		all = append(all, series[key]...)
	}
	return all
}

// sampleTime returns the time of a month's sample. A query with steps of whole days, of Beijing or of UTC, has no step
// at that time: over a window as wide as its steps, each sample counts once.
func sampleTime(m billclient.Month) time.Time { return m.End().Add(-12 * time.Hour) }

// labelPairs returns labels from names and values in turn.
func labelPairs(texts ...string) (pairs []*dto.LabelPair) {
	for i := 0; i < len(texts); i += 2 {
		pairs = append(pairs, &dto.LabelPair{Name: new(texts[i]), Value: new(texts[i+1])})
	}
	return pairs
}
