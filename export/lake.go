package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ksyun_bill_exporter/lake"

	"github.com/go-kit/log/level"
)

// checkLake returns an error if there can be no lake at the place.
func (o *Options) checkLake() error {
	switch _, err := lake.New(o.Lake); {
	case err != nil:
		return fmt.Errorf("--%w", err)
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

// publish puts the bill, which is whole, into the lake, if there is one: beside the file that is there if its lines do
// not come to the summary.
func (j *job) publish(ctx context.Context, difference *DisagreementError) error {
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
	if difference != nil {
		return j.lake.SetAside(ctx, partition, j.target)
	}
	return j.lake.Publish(ctx, partition, j.target, about)
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
