package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log/level"
	"github.com/gofrs/flock"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// partial is what is known of an unfinished backfill: a file with a line for each month that an account was asked for.
// It is the memory of one attempt, however often that is stopped; what is older may have been corrected since.
type partial struct {
	name  string
	now   time.Time
	file  *os.File
	lock  *flock.Flock
	whole int64 // how much of the file is whole lines
	bills map[monthOf][]billclient.MonthBill
}

// memory is how long a partial file is believed.
const memory = 7 * 24 * time.Hour

// owner is whose months are known: an account's, as long as it asks the same API with the same key.
type owner struct{ account, key string }

func ownerOf(a collector.Account) owner {
	var id string
	if a.API.Credentials != nil {
		keys, _ := a.API.Credentials() // without a key nothing is going to be known
		id = keys.AccessKeyID
	}
	sum := sha256.Sum256([]byte(a.API.Endpoint + "\n" + id))
	return owner{a.Name, hex.EncodeToString(sum[:8])}
}

type monthOf struct {
	owner
	month billclient.Month
}

// knownMonth is a line of the file; a month that has no bill has none in it.
type knownMonth struct {
	Account string
	Key     string // which it was asked with, and where, as a hash
	Asked   time.Time
	Month   billclient.Month
	Bills   []billclient.MonthBill
}

// openPartial opens or makes the file, for one process alone. A last line that was not written to its end is cut off.
func openPartial(name string, now time.Time) (*partial, error) {
	lock := flock.New(name, flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, err
	case !locked:
		return nil, fmt.Errorf("%s: another backfill is at work on it", name)
	}
	p := &partial{name: name, now: now, lock: lock, bills: map[monthOf][]billclient.MonthBill{}}
	var err error
	if p.file, err = os.OpenFile(name, os.O_RDWR, 0); err == nil {
		err = p.read()
	}
	if err == nil {
		err = p.cut()
	}
	if err != nil {
		p.unlock()
		return nil, fmt.Errorf("%s: %w; remove it to begin anew", name, err)
	}
	return p, nil
}

// read finds what is known out, and how much of the file is whole lines.
func (p *partial) read() error {
	lines := json.NewDecoder(p.file)
	lines.DisallowUnknownFields() // a foreign file is not to be written into, or removed
	for {
		var line knownMonth
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		case line.Account == "" || line.Asked.IsZero():
			return errors.New("is none of backfill's files")
		}
		if p.now.Sub(line.Asked) < memory {
			p.bills[monthOf{owner{line.Account, line.Key}, line.Month}] = line.Bills
		}
		p.whole = lines.InputOffset()
	}
}

// cut takes off what is behind the whole lines.
func (p *partial) cut() error {
	if err := p.file.Truncate(p.whole); err != nil {
		return err
	}
	_, err := p.file.Seek(p.whole, io.SeekStart)
	return err
}

// early tells whether the bill of a month may still come: of the last two that are over.
func (p *partial) early(m billclient.Month) bool { return m >= billclient.MonthOf(p.now).Add(-2) }

// missing returns the months that nothing is known of.
func (p *partial) missing(of owner, from, to billclient.Month) []billclient.Month {
	var missing []billclient.Month
	for m := from; m <= to; m++ {
		if _, known := p.bills[monthOf{of, m}]; !known {
			missing = append(missing, m)
		}
	}
	return missing
}

// keep takes down the months that have bills.
func (p *partial) keep(of owner, bills []billclient.MonthBill) error {
	byMonth := map[billclient.Month][]billclient.MonthBill{}
	for _, b := range bills {
		byMonth[b.Month] = append(byMonth[b.Month], b)
	}
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		if err := p.keepMonth(of, month, byMonth[month]); err != nil {
			return err
		}
	}
	return nil
}

// keepMonth takes down the bills of a month, none if it has none. That a bill is not there yet is known for now only.
func (p *partial) keepMonth(of owner, month billclient.Month, bills []billclient.MonthBill) error {
	if len(bills) > 0 || !p.early(month) {
		if err := p.write(knownMonth{of.account, of.key, p.now, month, bills}); err != nil {
			return err
		}
	}
	p.bills[monthOf{of, month}] = bills
	return nil
}

// write adds a line to the file, whole or not at all.
func (p *partial) write(month knownMonth) error {
	line, err := json.Marshal(month)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	n, err := p.file.Write(append(line, '\n'))
	if err != nil {
		_ = p.cut() // where a broken line stays, who reads the file is told
		return err
	}
	p.whole += int64(n)
	return nil
}

// close lets another process at the file, and leaves none that has nothing in it.
func (p *partial) close() {
	if p.whole == 0 {
		_ = os.Remove(p.name) // it may be gone already
	}
	p.unlock()
}

func (p *partial) unlock() {
	if p.file != nil {
		_ = p.file.Close() // its lines are for the next attempt, which checks them
	}
	_ = p.lock.Unlock()
}

func (p *partial) remove() error { return os.Remove(p.name) }

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
		parts = append(parts, part{collector.KeyLabel(p.Code), p.Cost})
	}
	return parts
}

func projectParts(b billclient.MonthBill) (parts []part) {
	for _, p := range b.Projects {
		parts = append(parts, part{collector.KeyLabel(p.ID), p.Cost})
	}
	return parts
}

// publish writes all months and ends the partial file.
func (h *history) publish(out *output.Target) error {
	samples, err := h.write(out)
	if err != nil {
		return err
	}
	if samples == 0 {
		return cmp.Or(h.partial.remove(), fmt.Errorf("no account has a bill of %v to %v", h.from, h.to))
	}
	if err := out.Commit(""); err != nil {
		return err
	}
	level.Info(h.logger).Log("msg", "written", "file", out.Name(), "samples", samples)
	return h.partial.remove()
}

// write writes all months as OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), where the
// samples of a series stand together, and returns how many there are.
func (h *history) write(w io.Writer) (samples int, err error) {
	for _, of := range historyFamilies {
		family := &dto.MetricFamily{
			Name: new(of.name), Help: new(fmt.Sprintf(historyHelp, of.help)),
			Type: dto.MetricType_GAUGE.Enum(),
		}
		for _, m := range h.members {
			family.Metric = append(family.Metric, h.series(m.owner, of.label, of.parts)...)
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
func (h *history) series(of owner, label string, parts func(billclient.MonthBill) []part) []*dto.Metric {
	series := map[string][]*dto.Metric{}
	for m := h.from; m <= h.to; m++ {
		sums := map[string]billclient.Amount{}
		for _, bill := range h.partial.bills[monthOf{of, m}] {
			for _, p := range parts(bill) {
				sums[p.key] = sums[p.key].Add(p.cost)
			}
		}
		for key, sum := range sums {
			labels := pairs("account", of.account, "pay_mode", billclient.Postpaid)
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
