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
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// The values of Options.Format.
const (
	FormatCSV          = "csv"           // a row for each line of the bill
	FormatTable        = "table"         // sums by product, by project and by pay mode, for people
	FormatFocusCSV     = "focus-csv"     // a row for each line, with the columns of FOCUS
	FormatParquet      = "parquet"       // the rows of FormatCSV with types
	FormatFocusParquet = "focus-parquet" // the rows of FormatFocusCSV with types
)

// Formats are the values of Options.Format.
var Formats = []string{FormatCSV, FormatTable, FormatFocusCSV, FormatParquet, FormatFocusParquet}

// The values of Options.Source.
const (
	SourceLines = "lines" // GetPostpayDetailBill and bill-union: with codes and ids
	SourceCSV   = "csv"   // GetPostpayDetailBillCSV, the vendor's file: postpaid only, names only
	SourceFile  = "file"  // such a file that is here already: no call is made
)

// UnreconciledSuffix is added to the name of a file whose lines do not add up to the summary of the month. Somebody may
// need them, but they must not pass for the bill, or replace a file that is right.
const UnreconciledSuffix = ".unreconciled"

// Options say what to export, and to where.
type Options struct {
	Config       config.Config
	Account      string            // name, or config.AllAccounts; may be empty if the configuration has one account only
	Month        billclient.Month  // whose bill to export; 0: From and To say
	From, To     billclient.Month  // the first and the last of several months; without To, the last one that is over
	Format       string            // empty: FormatCSV
	Source       string            // empty: SourceLines
	Input        string            // name of the file of SourceFile, which may be StandardInput
	PayModes     string            // with commas between them; empty: all that Source and the configuration cover
	FocusVersion string            // of the columns of FOCUS; empty: Focus13
	Output       string            // name of the file; empty: Stdout
	Lake         string            // a folder or s3://bucket/prefix, with a file for each bill; in place of Output
	UserAgent    string            // of the requests
	Transport    http.RoundTripper // carries the requests; nil: one of its own
	Now          time.Time         // decides whether the month is over
	Stdin        io.Reader         // what StandardInput names
	Stdout       io.Writer
	Stderr       io.Writer // shows how far the export is, if it is a terminal
	Logger       log.Logger
}

// Run exports bills. The error is a config.ArgumentError if there is no such account, month or pay mode, and a
// *DisagreementError if everything was written, but differs from the summary of a month.
func Run(ctx context.Context, o Options) error {
	o.Format, o.Source = cmp.Or(o.Format, o.defaultFormat()), cmp.Or(o.Source, SourceLines)
	accounts, err := findAccounts(o)
	if err == nil {
		err = cmp.Or(checkInput(o), o.chooseMonths(), o.checkFormat())
	}
	if err != nil {
		return config.ArgumentError{Err: fmt.Errorf("export: %w", err)}
	}
	modes, err := o.choosePayModes(accounts[0]) // all have the same endpoints
	if err == nil {
		err = checkLakeModes(o, modes)
	}
	if err != nil {
		return config.ArgumentError{Err: fmt.Errorf("export: --pay-modes: %w", err)}
	}
	b, err := openBook(ctx, o, accounts, modes)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer b.discard()
	if o.Format == FormatTable || o.Output != "" || o.Lake != "" || !output.IsTerminal(o.Stdout) {
		b.progress = newProgress(o.Stderr) // not where it would be mixed with the lines on one terminal
	}
	if o.Source == SourceFile {
		return writeFile(ctx, b)
	}
	return b.write(ctx)
}

// chooseMonths sets From and To. The error is about the flags for months.
func (o *Options) chooseMonths() error {
	switch {
	case o.Month != 0 && (o.From != 0 || o.To != 0):
		return errors.New("--month: give it, or --from and --to, not both")
	case o.Month != 0:
		o.From, o.To = o.Month, o.Month
		if o.Month < billclient.FirstMonth {
			return fmt.Errorf("--month: there are bills from %v on", billclient.FirstMonth)
		}
	case o.From == 0 && o.To == 0 && o.Source == SourceFile:
		return nil // all that are in the file
	case o.From == 0 && o.To == 0:
		return errors.New("--month: say which one, or --from and --to")
	case o.From < billclient.FirstMonth:
		return fmt.Errorf("--from: there are bills from %v on", billclient.FirstMonth)
	}
	o.To = cmp.Or(o.To, billclient.MonthOf(o.Now)-1)
	if o.To < o.From {
		return fmt.Errorf("--to: %v is before %v", o.To, o.From)
	}
	return nil
}

// job is the export of one bill.
type job struct {
	*book
	month   billclient.Month
	account collector.Account
	client  *billclient.Client

	payer

	items *itemTable // nil: there are none
}

// String returns which bill it is.
func (j *job) String() string {
	return fmt.Sprintf("%s, %v", output.Printable(j.account.Name), j.month)
}

// run writes the bill, and returns what its lines come to.
func (j *job) run(ctx context.Context) (*totals, error) {
	summaries, err := j.readSummaries(ctx)
	if err != nil {
		return nil, err
	}
	j.items = readItems(ctx, j)
	totals, err := j.readLines(ctx, summaries)
	if err != nil {
		return nil, err
	}
	if j.rows != nil {
		if err := j.rows.end(); err != nil {
			return nil, err
		}
	}
	difference := totals.compare(j.modes, summaries)
	remark := j.warnUnfinished(totals)
	j.writeTables(totals, remark, j.conclude(difference))
	j.note(j, difference)
	return totals, publishBill(ctx, j, difference)
}

// writeTables writes the tables of the bill, if that is the format.
func (j *job) writeTables(t *totals, remark, conclusion string) {
	if j.Format != FormatTable {
		return
	}
	if j.bills > 0 {
		_ = j.target.WriteByte('\n') // Commit returns its error
	}
	fmt.Fprintf(j.target, "%s: %v bill of %v%s, in CNY\n\n%s\n", output.Printable(j.account.Name), j.modes, j.month,
		remark, t.tables(j.modes, conclusion))
}

// readLines reads all lines. An attempt that breaks off is repeated, unless a part of its lines cannot be taken back.
func (j *job) readLines(ctx context.Context, s summaries) (t *totals, err error) {
	var finalErr error
	err = j.client.Retry(ctx, billclient.GetPostpayDetailBill, func() error {
		j.progress.begin()
		defer j.progress.end()
		t = newTotals(j.Source == SourceLines)
		err := j.readAttempt(ctx, s, t)
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
	return t, cmp.Or(err, finalErr)
}

// readAttempt makes one attempt: it writes all lines and adds them to t. The postpaid ones come first: they are one
// call, and name projects.
func (j *job) readAttempt(ctx context.Context, s summaries, t *totals) error {
	if j.rows != nil {
		if err := j.rows.begin(j.bills == 0 || j.lake != nil); err != nil {
			return err
		}
	}
	j.items.begin()
	add := func(r *row) error {
		if err := j.complete(r); err != nil {
			return err
		}
		j.items.describe(r)
		if j.rows != nil {
			if err := j.rows.write(r); err != nil {
				return err
			}
		}
		t.add(r)
		j.progress.show(t.lines)
		return nil
	}
	if len(s.bills) > 0 {
		if err := j.readBillLines(ctx, s.names, add); err != nil {
			return err
		}
	}
	if s.names == nil {
		return nil
	}
	return j.readUnionLines(ctx, s, add)
}

// complete adds to a row what the line does not say. It fails if the row is not one of this account's.
func (j *job) complete(r *row) error {
	if j.Source != SourceLines {
		r.ProductCode = cmp.Or(r.ProductCode, j.codes.find(r.ProductName))
	}
	r.belongTo(j.account.Name, j.projects)
	if err := j.checkCustomer("a line", r.CustomerID); err != nil || !j.isFocus() {
		return err
	}
	return j.payer.charge(r)
}

// readBillLines hands all lines of the postpaid bill to add. It learns the names of their projects, unless n is nil.
func (j *job) readBillLines(ctx context.Context, n *names, add func(*row) error) error {
	for line, err := range j.openBill(ctx) {
		if err == nil {
			err = add(&row{Line: line, payMode: billclient.Postpaid, basis: ledger.Billed, until: line.EndTime})
		}
		if err != nil {
			return err
		}
		if n != nil {
			n.projects.add(line.ProjectName, line.ProjectID)
		}
	}
	return nil
}

func (j *job) openBill(ctx context.Context) iter.Seq2[billclient.Line, error] {
	query := billclient.DetailQuery{From: j.month, To: j.month, Sets: j.rows != nil}
	if j.Source == SourceCSV {
		return j.client.GetPostpayDetailBillCSV(ctx, query)
	}
	return j.client.GetPostpayDetailBill(ctx, query)
}

// readUnionLines hands the lines of bill-union to add, but for those that are postpaid, which the bill has, and those
// of no known pay mode, which cost nothing.
func (j *job) readUnionLines(ctx context.Context, s summaries, add func(*row) error) error {
	others, read := j.modes.others(), 0
	for line, err := range j.openUnion(ctx) {
		if err == nil && others.has(line.PayMode) {
			err = add(s.names.rowOf(&line))
		}
		if err != nil {
			return err
		}
		read++
	}
	if read == 0 {
		return j.checkNoUnionLines(s)
	}
	return nil
}

func (j *job) openUnion(ctx context.Context) iter.Seq2[billclient.UnionLine, error] {
	sets := billclient.UnionSets{All: j.rows != nil}
	if j.isOver() {
		return j.client.DescribeInstanceSummaryBills(ctx, j.month, sets)
	}
	return j.client.QueryInstanceConsume(ctx, billclient.DayOf(j.month.Start()), billclient.DayOf(j.Now), sets)
}

// checkNoUnionLines fails if bill-union has no lines of a month of which it has costs, not even postpaid ones. Of the
// running month, it may know nothing yet.
func (j *job) checkNoUnionLines(s summaries) error {
	if !j.isOver() {
		level.Warn(j.Logger).Log("msg", "bill-union has no lines of this month, or none yet", "account", j.account.Name,
			"month", j.month)
		return nil
	}
	for _, part := range s.modes {
		if part.Cost.Sign() != 0 {
			return fmt.Errorf("%s has no lines, or none yet, but %s has costs%s",
				billclient.DescribeInstanceSummaryBills, billclient.DescribeBillSummaryByPayMode, j.adviceOnUnion())
		}
	}
	return nil
}

// checkCustomer fails if something is of another customer than the configuration expects, or of one whose bills are
// written as those of another account.
func (j *job) checkCustomer(subject, customer string) error {
	if owner, ok := j.customers[customer]; ok && owner != j.account.Name {
		return fmt.Errorf("%s is of customer %.60s, as those of account %s: they would be there twice", subject, customer,
			output.Printable(owner))
	} else if !ok && customer != "" {
		j.customers[strings.Clone(customer)] = j.account.Name
	}
	if !billclient.ParseCustomerID(customer).DiffersFrom(billclient.ParseCustomerID(j.account.CustomerID)) {
		return nil
	}
	return fmt.Errorf("%s is of customer %.60s, customer_id expects %s", subject, customer, j.account.CustomerID)
}

// addAdvice adds to an error that only bill-union or the vendor's file can have, because they need permissions of their
// own, and the file quotes nothing, what can be exported all the same.
func (j *job) addAdvice(err error) error {
	isAboutFile := billclient.IsDenied(err) || billclient.IsUnknownAction(err) ||
		billclient.ReasonOf(err) == billclient.Decode
	failure, isOfAPI := errors.AsType[*billclient.Error](err)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case j.Source == SourceCSV && isAboutFile:
		return fmt.Errorf("%w; --source=lines does without the vendor's file", err)
	case isOfAPI && strings.HasPrefix(billclient.Permission(failure.Action), "bill-union:"):
		return fmt.Errorf("%w%s", err, j.adviceOnUnion())
	}
	return err
}

// adviceOnUnion returns how an export goes that does not ask bill-union, if there is one.
func (j *job) adviceOnUnion() string {
	if !j.modes.has(billclient.Postpaid) {
		return ""
	}
	return "; --pay-modes=postpaid does without bill-union"
}

// conclude returns, for people, whether the lines are what the summary says.
func (j *job) conclude(difference *DisagreementError) string {
	others, conclusion := j.modes.others(), "The lines come to what the month's summary says."
	if difference != nil {
		conclusion = "Lines and summary disagree: " + output.Printable(difference.Error()) + "."
	}
	if j.isOver() || len(others) == 0 {
		return conclusion
	}
	notCompared := fmt.Sprintf("There is no summary of %v lines before the month is over.", others)
	if len(others) == len(j.modes) {
		return notCompared
	}
	return strings.Replace(conclusion, "The lines", "The postpaid lines", 1) + " " + notCompared
}

// warnUnfinished logs a warning if the month is not over, and returns the same as a remark for a title.
func (j *job) warnUnfinished(t *totals) string {
	if j.isOver() {
		return ""
	}
	newest := output.OrDash(t.newestDay().String())
	level.Warn(j.Logger).Log("msg", "the month is not over, its bill grows", "account", j.account.Name,
		"month", j.month, "newest_line", newest)
	return fmt.Sprintf(", which is not over yet (newest line: %s)", newest)
}

// checkFormat returns an error if there can be no file in the format.
func (o *Options) checkFormat() error {
	o.FocusVersion = cmp.Or(o.FocusVersion, Focus13)
	switch {
	case !slices.Contains(FocusVersions, o.FocusVersion):
		return fmt.Errorf("--focus-version: %q is none of %s", o.FocusVersion, strings.Join(FocusVersions, ", "))
	case o.Lake != "":
		return checkLake(o)
	case o.isBinary() && o.Lake == "" && o.Output == "" && output.IsTerminal(o.Stdout):
		return fmt.Errorf("--format=%s is not for a terminal: name a file with --output", o.Format)
	}
	return nil
}

// defaultFormat returns the format where none is asked for.
func (o Options) defaultFormat() string {
	if o.Lake != "" {
		return FormatFocusParquet
	}
	return FormatCSV
}

// isFocus reports whether the file has the columns of FOCUS.
func (o Options) isFocus() bool {
	return o.Format == FormatFocusCSV || o.Format == FormatFocusParquet
}

// isBinary reports whether the file is not one of text.
func (o Options) isBinary() bool { return o.Format == FormatParquet || o.Format == FormatFocusParquet }
