package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// partial is what is known of an unfinished backfill: a file with a line for each month that an account was asked for.
type partial struct {
	*os.File
	bills map[monthOf][]billclient.MonthBill
}

type monthOf struct {
	account string
	month   billclient.Month
}

// knownMonth is a line of the file; a month that has no bill has none in it.
type knownMonth struct {
	Account string
	Month   billclient.Month
	Bills   []billclient.MonthBill
}

// openPartial opens or makes the file. A last line that was not written to its end is cut off.
func openPartial(name string) (*partial, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	p := &partial{File: file, bills: map[monthOf][]billclient.MonthBill{}}
	whole, err := p.read()
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		_ = file.Close() // it failed already
		return nil, fmt.Errorf("%s: %w; remove it to begin anew", name, err)
	}
	return p, nil
}

// read returns how much of the file is whole lines.
func (p *partial) read() (whole int64, err error) {
	lines := json.NewDecoder(p.File)
	for {
		var line knownMonth
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return whole, nil
		case err != nil:
			return 0, err
		}
		p.bills[monthOf{line.Account, line.Month}] = line.Bills
		whole = lines.InputOffset()
	}
}

// missing returns the months that nothing is known of.
func (p *partial) missing(account string, from, to billclient.Month) []billclient.Month {
	var missing []billclient.Month
	for m := from; m <= to; m++ {
		if _, known := p.bills[monthOf{account, m}]; !known {
			missing = append(missing, m)
		}
	}
	return missing
}

// keep takes down the months that have bills.
func (p *partial) keep(account string, bills []billclient.MonthBill) error {
	byMonth := map[billclient.Month][]billclient.MonthBill{}
	for _, b := range bills {
		byMonth[b.Month] = append(byMonth[b.Month], b)
	}
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		if err := p.keepMonth(account, month, byMonth[month]); err != nil {
			return err
		}
	}
	return nil
}

// keepMonth takes down the bills of a month, none if it has none.
func (p *partial) keepMonth(account string, month billclient.Month, bills []billclient.MonthBill) error {
	if err := checkBills(bills); err != nil {
		return err
	}
	line, err := json.Marshal(knownMonth{account, month, bills})
	if err == nil {
		_, err = p.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name(), err)
	}
	p.bills[monthOf{account, month}] = bills
	return nil
}

func (p *partial) remove() error { return os.Remove(p.Name()) }

// historyFamilies are what is written. There is no label for the month: the time of a sample is in it.
var historyFamilies = []struct {
	name, help, label string
	parts             func(billclient.MonthBill) []part
}{
	{"ksyun_bill_month_account_cost_cny", "of an account", "", accountPart},
	{"ksyun_bill_month_product_cost_cny", "of a product", "product_code", productParts},
	{"ksyun_bill_month_project_cost_cny", "of a project", "project_id", projectParts},
}

const historyHelp = "Postpaid bill %s for a closed month, in CNY, after discount and before vouchers; a sample a" +
	" month, at noon (Beijing) of its last day."

// part is a part of a bill, by its code or id.
type part struct {
	key  string
	cost billclient.Amount
}

func accountPart(b billclient.MonthBill) []part { return []part{{"", b.Sum}} }

func productParts(b billclient.MonthBill) (parts []part) {
	for _, p := range b.Products {
		parts = append(parts, part{cmp.Or(p.Code, "__none__"), p.Cost})
	}
	return parts
}

func projectParts(b billclient.MonthBill) (parts []part) {
	for _, p := range b.Projects {
		parts = append(parts, part{cmp.Or(p.ID, "__none__"), p.Cost})
	}
	return parts
}

// publish writes all months to the file and ends the partial one. It returns how many samples there are.
func (h *history) publish(name string) (samples int, err error) {
	out, err := newOutput(name, nil)
	if err != nil {
		return 0, fmt.Errorf("--output: %w", err)
	}
	defer out.discard()
	if samples, err = h.write(out); err != nil {
		return 0, err
	}
	if samples == 0 {
		return 0, cmp.Or(h.partial.remove(), fmt.Errorf("no account has a bill of %v to %v", h.from, h.to))
	}
	if err := out.commit(); err != nil {
		return 0, err
	}
	return samples, h.partial.remove()
}

// write writes all months as OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), where the
// samples of a series stand together, and returns how many there are.
func (h *history) write(w io.Writer) (samples int, err error) {
	for _, of := range historyFamilies {
		family := &dto.MetricFamily{
			Name: new(of.name), Help: new(fmt.Sprintf(historyHelp, of.help)),
			Type: dto.MetricType_GAUGE.Enum(),
		}
		for _, account := range h.accounts {
			family.Metric = append(family.Metric, h.series(account, of.label, of.parts)...)
		}
		samples += len(family.Metric)
		if len(family.Metric) == 0 {
			continue
		}
		if _, err := expfmt.MetricFamilyToOpenMetrics(w, family); err != nil {
			return 0, fmt.Errorf("output: %w", err)
		}
	}
	if _, err := expfmt.FinalizeOpenMetrics(w); err != nil {
		return 0, fmt.Errorf("output: %w", err)
	}
	return samples, nil
}

// series returns the samples of an account's series, one series after the other.
func (h *history) series(account, label string, parts func(billclient.MonthBill) []part) []*dto.Metric {
	series := map[string][]*dto.Metric{}
	for m := h.from; m <= h.to; m++ {
		sums := map[string]billclient.Amount{}
		for _, bill := range h.partial.bills[monthOf{account, m}] {
			for _, p := range parts(bill) {
				sums[p.key] = sums[p.key].Add(p.cost)
			}
		}
		for key, sum := range sums {
			labels := pairs("account", account, "pay_mode", billclient.Postpaid)
			if label != "" {
				labels = append(labels, pairs(label, key)...)
			}
			series[key] = append(series[key], &dto.Metric{
				Label: labels, Gauge: &dto.Gauge{Value: new(sum.Float64())},
				TimestampMs: new(sampleTime(m).UnixMilli()),
			})
		}
	}
	var all []*dto.Metric
	for _, key := range slices.Sorted(maps.Keys(series)) {
		all = append(all, series[key]...)
	}
	return all
}

// sampleTime is the time of a month's sample. A grid of whole days, of Beijing's or of UTC, has no point there: over a
// window as wide as its steps it counts once.
func sampleTime(m billclient.Month) time.Time { return m.End().Add(-12 * time.Hour) }

func pairs(texts ...string) (pairs []*dto.LabelPair) {
	for i := 0; i < len(texts); i += 2 {
		pairs = append(pairs, &dto.LabelPair{Name: new(texts[i]), Value: new(texts[i+1])})
	}
	return pairs
}
