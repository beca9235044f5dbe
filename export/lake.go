package export

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log/level"
)

// checkLake returns an error if there can be no lake at the place.
func checkLake(o *Options) error {
	switch _, err := lake.New(o.Lake); {
	case err != nil:
		return fmt.Errorf("--lake: %w", err)
	case o.Output != "":
		return errors.New("--lake: give it, or --output, not both")
	case o.Format != FormatFocusParquet:
		return fmt.Errorf("--format=%s: a lake has files of %s", o.Format, FormatFocusParquet)
	}
	return nil
}

// stage opens the file of the next bill for the lake.
func (b *book) stage() error {
	b.discard()
	target, err := b.lake.Stage()
	if err != nil {
		return err
	}
	b.target, b.rows = target, newMonthFile(target.Writer, b.FocusVersion, rightNow())
	return nil
}

// publishBill puts the bill, which is whole, into the lake, if there is one: beside the file that is there if its lines
// do not come to the summary.
func publishBill(ctx context.Context, j *job, difference *DisagreementError) error {
	if j.lake == nil {
		return nil
	}
	if j.customer == "" { // there is no line, and nothing else tells
		return errNoCustomer
	}
	file := j.rows.(*monthFile) // stage has made it
	partition := lake.Partition{Customer: j.customer, Month: j.month}
	about := newManifest(partition, j.account.Name, j.FocusVersion, j.UserAgent, file.parts)
	if err := file.finish(about); err != nil {
		return err
	}
	switch {
	case difference != nil:
		return j.lake.SetAside(ctx, partition, j.target)
	case len(j.modes) == len(allModes):
		return j.lake.Publish(ctx, partition, j.target, about)
	default:
		return publishPart(ctx, j, partition, j.target, file)
	}
}

// publishPart puts the lines of some pay modes into the lake: those of the others that are there stay.
func publishPart(ctx context.Context, j *job, at lake.Partition, target *output.Target, file *monthFile) error {
	part := &readPart{target: target, read: collector.LineRead{Month: at.Month}}
	part.Name, part.Basis, part.ReadAt = j.modes.part(), string(ledger.Billed), file.readAt
	if len(file.parts) > 0 {
		part.Part = file.parts[0]
	}
	m := readMonth{
		account: j.account.Name, version: j.FocusVersion, parts: map[string][]*readPart{part.Name: {part}},
	}
	_, err := join(ctx, j.lake, at, m, j.UserAgent)
	if errors.Is(err, errForeign) {
		return fmt.Errorf("%w: export all pay modes of the month, or remove it", err)
	}
	return err
}

// part returns the name of the part of a month that has these pay modes.
func (m payModes) part() string {
	if m.has(billclient.Postpaid) {
		return postpaidPart
	}
	return othersPart
}

// checkLakeModes returns an error if a lake cannot take the lines of some pay modes alone.
func checkLakeModes(o Options, modes payModes) error {
	if n := len(modes.others()); o.Lake != "" && n != 0 && n != len(allModes.others()) {
		return fmt.Errorf("in a lake, the lines of %v are replaced together: name both or none", allModes.others())
	}
	return nil
}

// fileMonths are the files of the months of an input file, before they are in the lake.
type fileMonths map[billclient.Month]*fileMonth

type fileMonth struct {
	*monthFile
	target *output.Target
}

// write adds a line to its month.
func (m fileMonths) write(l *lake.Lake, version string, r *row) error {
	f := m[r.Month]
	if f == nil {
		target, err := l.Stage()
		if err != nil {
			return err
		}
		f = &fileMonth{newMonthFile(target.Writer, version, rightNow()), target}
		m[r.Month] = f
		if err := f.begin(true); err != nil {
			return err
		}
	}
	return f.write(r)
}

// publish puts the months into the lake, one after the other.
func (m fileMonths) publish(ctx context.Context, j *job) error {
	for _, month := range slices.Sorted(maps.Keys(m)) {
		f := m[month]
		if err := errors.Join(f.end(), f.close()); err != nil {
			return err
		}
		at := lake.Partition{Customer: j.customer, Month: month}
		if err := publishPart(ctx, j, at, f.target, f.monthFile); err != nil {
			return err
		}
	}
	return nil
}

// discard removes what is not in the lake.
func (m fileMonths) discard() {
	for _, f := range m {
		f.target.Discard()
	}
}

// rightNow returns the time as a manifest has it.
func rightNow() time.Time { return time.Now().UTC().Truncate(time.Second) }

// adviceOnLake adds to the error that ends the export that other bills are in the lake already.
func (b *book) adviceOnLake(err error) error {
	if b.bills == 0 {
		return err
	}
	return fmt.Errorf("%w; %d other bills are in the lake, each whole", err, b.bills)
}

// concludeLake says what is in the lake now. The error is that lines and summaries disagree.
func (b *book) concludeLake() error {
	level.Info(b.Logger).Log("msg", "written", "lake", b.Lake, "bills", b.bills, "lines", b.lines, "cost_cny", b.cost)
	if b.differences == nil {
		return nil
	}
	return fmt.Errorf("export: each bill is written, but those that follow to %s, and the %s beside it is as it was: %w",
		lake.UnreconciledName, lake.FileName, &DisagreementError{b.differences})
}
