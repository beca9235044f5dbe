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

// accountBills are the bills of an account by month.
type accountBills struct {
	account string
	bills   map[billclient.Month][]billclient.MonthBill
}

// families are the metric families that are written. They have no label for the month, because the time of a sample is
// in it.
var families = []family{
	{"ksyun_bill_month_account_cost_cny", "of an account", "", accountPart},
	{"ksyun_bill_month_product_cost_cny", "of a product", "product_code", productParts},
	{"ksyun_bill_month_project_cost_cny", "of a project", "project_id", projectParts},
}

const helpFormat = "Postpaid bill %s for a closed month, in CNY, after discount and before vouchers; a sample a" +
	" month, at noon (Beijing) of its last day."

type family struct {
	name, subject, label string
	split                func(billclient.MonthBill) []part
}

// part is the part of a bill that has this value of the family's label.
type part struct {
	value string
	cost  billclient.Amount
}

func accountPart(b billclient.MonthBill) []part { return []part{{"", b.Sum}} }

func productParts(b billclient.MonthBill) []part { return rowParts(summarize(b).Product) }
func projectParts(b billclient.MonthBill) []part { return rowParts(summarize(b).Project) }

// summarize returns a bill whose parts come to its sum: what it has beyond them is of __none__. When it was read does not
// matter.
func summarize(b billclient.MonthBill) *ledger.Summary {
	return ledger.SummarizeBills([]billclient.MonthBill{b}, time.Time{})
}

func rowParts(rows []ledger.Row) (parts []part) {
	for _, r := range rows {
		parts = append(parts, part{r.Labels[0], r.Amount})
	}
	return parts
}

// writeOpenMetrics writes all bills as OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), which
// wants the samples of a series together. It returns how many samples there are.
func writeOpenMetrics(w io.Writer, accounts []accountBills) (samples int, err error) {
	for _, f := range families {
		metrics := &dto.MetricFamily{
			Name: new(f.name), Help: new(fmt.Sprintf(helpFormat, f.subject)), Type: dto.MetricType_GAUGE.Enum(),
		}
		for _, a := range accounts {
			metrics.Metric = append(metrics.Metric, f.samples(a)...)
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
func (f family) samples(a accountBills) []*dto.Metric {
	series := map[string][]*dto.Metric{} // by label value
	for _, month := range slices.Sorted(maps.Keys(a.bills)) {
		sums := map[string]billclient.Amount{}
		for _, bill := range a.bills[month] {
			for _, p := range f.split(bill) {
				sums[p.value] = sums[p.value].Add(p.cost)
			}
		}
		for value, sum := range sums {
			labels := labelPairs("account", a.account, "pay_mode", billclient.Postpaid)
			if f.label != "" {
				labels = append(labels, labelPairs(f.label, value)...)
			}
			series[value] = append(series[value], &dto.Metric{
				Label: labels, Gauge: &dto.Gauge{Value: new(sum.Float64())},
				TimestampMs: new(sampleTime(month).UnixMilli()),
			})
		}
	}
	var all []*dto.Metric
	for _, value := range slices.Sorted(maps.Keys(series)) {
		all = append(all, series[value]...)
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
