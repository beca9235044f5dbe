// Package export writes the lines of a month's bill as a file, or what they add up to as a table.
package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// The values of Options.Format.
const (
	FormatCSV   = "csv"   // a row for each line of the bill
	FormatTable = "table" // sums by product and by project, for people
)

// The values of Options.Source.
const (
	SourceLines = "lines" // GetPostpayDetailBill: with codes and ids
	SourceCSV   = "csv"   // GetPostpayDetailBillCSV, the vendor's file: names only
)

// UnreconciledSuffix is added to the name of a file whose lines do not add up to the summary of the month. Somebody may
// need them, but they must not pass for the bill, or replace a file that is right.
const UnreconciledSuffix = ".unreconciled"

// Options say what to export, and to where.
type Options struct {
	Config    config.Config
	Account   string            // name; may be empty if the configuration has one account only
	Month     billclient.Month  // whose bill to export
	Format    string            // empty: FormatCSV
	Source    string            // empty: SourceLines
	Output    string            // name of the file; empty: Stdout
	UserAgent string            // of the requests
	Transport http.RoundTripper // carries the requests; nil: one of its own
	Now       time.Time         // decides whether the month is over
	Stdout    io.Writer
	Stderr    io.Writer // shows how far the export is, if it is a terminal
	Logger    log.Logger
}

// Run exports a bill. The error is a config.ArgumentError if there is no such account or month, and a
// *DisagreementError if everything was written, but differs from the summary of the month.
func Run(ctx context.Context, o Options) error {
	o.Format, o.Source = cmp.Or(o.Format, FormatCSV), cmp.Or(o.Source, SourceLines)
	account, err := o.Config.FindAccount(o.Account, o.UserAgent)
	if err == nil && o.Month < billclient.FirstMonth {
		err = fmt.Errorf("--month: there are bills from %v on", billclient.FirstMonth)
	}
	if err != nil {
		return config.ArgumentError{Err: fmt.Errorf("export: %w", err)}
	}
	target, err := output.Open(o.Output, o.Stdout)
	if err != nil {
		return fmt.Errorf("export: --output: %w", err)
	}
	defer target.Discard()
	j := &job{Options: o, account: account, target: target}
	if o.Format == FormatTable || o.Output != "" || !isTerminal(o.Stdout) {
		j.progress = newProgress(o.Stderr) // not where it would be mixed with the lines on one terminal
	}
	api := o.Config.ClientOptions(account, o.Logger)
	api.Transport = j.progress.meter(o.Transport)
	j.client = billclient.New(api)
	if err := j.run(ctx); err != nil {
		return fmt.Errorf("export: %s, %v: %w", output.Printable(account.Name), o.Month, err)
	}
	return nil
}

// job is the export of one bill.
type job struct {
	Options
	account  collector.Account
	client   *billclient.Client
	target   *output.Target
	progress *progress // nil: none is shown
}

func (j *job) run(ctx context.Context) error {
	bills, err := j.client.GetMonthBill(ctx, j.Month, j.Month)
	if err != nil {
		return err
	}
	if len(bills) == 0 {
		return errors.New("there is no bill, or none yet")
	}
	totals, err := j.readLines(ctx)
	if err != nil {
		return err
	}
	difference := totals.compare(bills)
	remark := j.warnUnfinished(totals)
	if j.Format == FormatTable {
		fmt.Fprintf(j.target, "%s: postpaid bill of %v%s, in CNY\n\n%s\n", output.Printable(j.account.Name), j.Month,
			remark, totals.tables(difference))
	}
	return j.commit(difference)
}

// readLines reads all lines. An attempt that breaks off is repeated, unless a part of its lines cannot be taken back.
func (j *job) readLines(ctx context.Context) (t *totals, err error) {
	var finalErr error
	action, lines := j.openStream(ctx)
	err = j.client.Retry(ctx, action, func() error {
		j.progress.begin()
		defer j.progress.end()
		t = newTotals(j.Source == SourceLines)
		err := j.readStream(lines, t)
		if err == nil {
			return nil
		}
		if sent := j.target.SentBytes(); sent > 0 {
			finalErr = fmt.Errorf("%w; do not use the %d bytes of the bill that are on standard output already. With"+
				" --output there is another try, and a whole file or none", err, sent)
			return nil
		}
		return cmp.Or(j.target.Rewind(), err)
	})
	return t, j.addAdvice(cmp.Or(err, finalErr))
}

func (j *job) openStream(ctx context.Context) (action string, lines iter.Seq2[billclient.Line, error]) {
	query := billclient.DetailQuery{From: j.Month, To: j.Month, Sets: j.Format == FormatCSV}
	if j.Source == SourceCSV {
		return billclient.GetPostpayDetailBillCSV, j.client.GetPostpayDetailBillCSV(ctx, query)
	}
	return billclient.GetPostpayDetailBill, j.client.GetPostpayDetailBill(ctx, query)
}

// readStream makes one attempt: it writes all lines and adds them to t.
func (j *job) readStream(lines iter.Seq2[billclient.Line, error], t *totals) error {
	write := func(*billclient.Line) error { return nil }
	if j.Format == FormatCSV {
		write = newSheet(j.target.Writer).write
	}
	for line, err := range lines {
		if err == nil {
			err = j.checkCustomer(line.CustomerID)
		}
		if err == nil {
			err = write(&line)
		}
		if err != nil {
			return err
		}
		t.add(&line)
		j.progress.show(t.lines)
	}
	return nil
}

// checkCustomer fails if a line is of another customer than the configuration expects.
func (j *job) checkCustomer(customer string) error {
	if !billclient.ParseCustomerID(customer).DiffersFrom(billclient.ParseCustomerID(j.account.CustomerID)) {
		return nil
	}
	return fmt.Errorf("a line is of customer %.60s, customer_id expects %s", customer, j.account.CustomerID)
}

// addAdvice adds to an error that only the vendor's file can have, because it needs a permission of its own and quotes
// nothing, that the same lines are available in another way.
func (j *job) addAdvice(err error) error {
	isAboutFile := billclient.IsDenied(err) || billclient.IsUnknownAction(err) ||
		billclient.ReasonOf(err) == billclient.Decode
	if err != nil && j.Source == SourceCSV && isAboutFile {
		return fmt.Errorf("%w; --source=lines does without the vendor's file", err)
	}
	return err
}

// warnUnfinished logs a warning if the month is not over, and returns the same as a remark for a title.
func (j *job) warnUnfinished(t *totals) string {
	if !j.Now.Before(j.Month.End()) {
		return ""
	}
	newest := output.OrDash(t.newestDay().String())
	level.Warn(j.Logger).Log("msg", "the month is not over, its bill grows", "account", j.account.Name,
		"month", j.Month, "newest_line", newest)
	return fmt.Sprintf(", which is not over yet (newest line: %s)", newest)
}

// commit puts the lines in their place, or beside it if they differ from the summary.
func (j *job) commit(difference *DisagreementError) error {
	if difference == nil {
		return j.target.Commit("")
	}
	if err := j.target.Commit(UnreconciledSuffix); err != nil {
		return err
	}
	if j.target.Name() == "" {
		return fmt.Errorf("all is written, but %w", difference)
	}
	return fmt.Errorf("all is written, but to %[1]s%[2]s, and %[1]s is as it was: %[3]w", j.target.Name(),
		UnreconciledSuffix, difference)
}
