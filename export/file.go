package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log/level"
)

// StandardInput is the value of Options.Input that stands for Options.Stdin.
const StandardInput = "-"

// fileConclusion stands below the tables of a file.
const fileConclusion = "The lines are those of a file: no summary says whether they are all."

// unnamedAccount is whose the lines of a file are where neither a configuration nor Options.Account says it.
const unnamedAccount = "file"

// findAccounts returns the accounts whose bills to export. A file is of one account, which needs no configuration.
func findAccounts(o Options) ([]collector.Account, error) {
	switch {
	case o.Source != SourceFile:
		return o.Config.FindAccountOrAll(o.Account, o.UserAgent)
	case len(o.Config.Accounts) == 0 && o.Account == "":
		return []collector.Account{{Name: unnamedAccount}}, nil
	case len(o.Config.Accounts) == 0:
		return []collector.Account{{Name: o.Account}}, nil
	case len(o.Config.Accounts) > 1 && o.Account == "":
		var names []string
		for _, a := range o.Config.Accounts {
			names = append(names, output.Printable(a.Name))
		}
		return nil, fmt.Errorf("--account: say whose file it is: %s", strings.Join(names, ", "))
	}
	account, err := o.Config.FindAccount(o.Account, o.UserAgent)
	return []collector.Account{account}, err
}

// checkInput returns an error if there is a file without a use, or a use without a file.
func checkInput(o Options) error {
	switch {
	case o.Source == SourceFile && o.Input == "":
		return errors.New("--input: say which file --source=file is to read, or - for standard input")
	case o.Source != SourceFile && o.Input != "":
		return errors.New("--input: it is for --source=file only")
	}
	return nil
}

// fileJob is the export of the lines of a file. They are of any months, in any order.
type fileJob struct {
	job
	file    *billclient.BillFile
	months  map[billclient.Month]*totals
	files   fileMonths               // for a lake
	leftOut map[billclient.Month]int // lines of months that were not asked for
	owner   billclient.CustomerID    // of the lines so far
}

// writeFile writes the lines of the input file, and puts them in their place.
func writeFile(ctx context.Context, b *book) error {
	input, name, err := openInput(ctx, b)
	if err != nil {
		return fmt.Errorf("export: --input: %w", err)
	}
	defer input.Close()
	f := &fileJob{
		job:    job{book: b, account: b.accounts[0]},
		months: map[billclient.Month]*totals{}, leftOut: map[billclient.Month]int{}, files: fileMonths{},
	}
	defer f.files.discard()
	f.customer = billclient.ParseCustomerID(f.account.CustomerID)
	if err = f.readFile(ctx, b.progress.meterFile(input)); err == nil {
		err = f.finish()
	}
	if err == nil {
		err = f.files.publish(ctx, &f.job)
	}
	if sent := sentBytes(b); err != nil && sent > 0 {
		err = fmt.Errorf("%w; do not use the %d bytes that are on standard output already. With --output there is a"+
			" whole file or none", err, sent)
	}
	if err != nil {
		return fmt.Errorf("export: %s: %w", name, err)
	}
	return b.commit()
}

// sentBytes returns how many bytes are on standard output already.
func sentBytes(b *book) int64 {
	if b.target == nil || b.Output != "" {
		return 0
	}
	return b.target.Bytes()
}

// openInput returns the input file and how errors name it.
func openInput(ctx context.Context, b *book) (file io.ReadCloser, name string, err error) {
	if b.Input == StandardInput {
		return interruptible(ctx, b.Stdin), "standard input", nil
	}
	file, err = os.Open(b.Input)
	return file, output.Printable(b.Input), err
}

// interruptible returns a reader of r that fails once ctx has ended: nothing else breaks off the read of a pipe into
// which nobody writes, so that the program could not remove its unfinished file. The caller has to close it.
func interruptible(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	go func() {
		defer stop()
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err)
	}()
	return out
}

// readFile writes all lines that are asked for, and adds them to the totals of their months. There is one attempt.
func (f *fileJob) readFile(ctx context.Context, input io.Reader) (err error) {
	f.progress.begin()
	defer f.progress.end()
	if f.file, err = billclient.OpenBillFile(input); err != nil {
		return err
	}
	f.warnOfColumns()
	if f.rows == nil {
		return f.readFileLines(ctx)
	}
	if err = f.rows.begin(true); err == nil {
		err = f.readFileLines(ctx)
	}
	if err != nil {
		return err
	}
	return f.rows.end()
}

// warnOfColumns logs what the file has that no output has, and the reverse.
func (f *fileJob) warnOfColumns() {
	if unknown := f.file.UnknownColumns(); unknown != nil {
		level.Warn(f.Logger).Log("msg", "columns of the file are left out: the vendor documents none of these names",
			"columns", output.Printable(strings.Join(unknown, ", ")))
	}
	if missing := f.file.MissingColumns(); missing != nil {
		level.Warn(f.Logger).Log("msg", "the file lacks columns of the vendor's: what they would say is empty",
			"fields", strings.Join(missing, ", "))
	}
}

func (f *fileJob) readFileLines(ctx context.Context) error {
	for line, err := range f.file.Lines() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if f.From != 0 && (line.Month < f.From || f.To < line.Month) {
			f.leftOut[line.Month]++
		} else if err := f.addLine(line); err != nil {
			return fmt.Errorf("line %d: %w", f.file.LineNumber(), err)
		}
	}
	return nil
}

func (f *fileJob) addLine(line billclient.Line) error {
	r := &row{Line: line, payMode: billclient.Postpaid, basis: ledger.Billed, until: line.EndTime}
	err := f.checkOwner(line.CustomerID)
	if err == nil {
		err = f.complete(r)
	}
	switch {
	case err != nil:
	case f.lake != nil:
		err = f.files.write(f.lake, f.FocusVersion, r)
	case f.rows != nil:
		err = f.rows.write(r)
	}
	if err != nil {
		return err
	}
	if f.months[line.Month] == nil {
		f.months[line.Month] = newTotals(false)
	}
	f.months[line.Month].add(r)
	f.lines, f.cost = f.lines+1, f.cost.Add(r.Cost)
	f.progress.show(f.lines)
	return nil
}

// checkOwner fails if a line is of another customer than those before it: a customer is an account.
func (f *fileJob) checkOwner(customer string) error {
	id := billclient.ParseCustomerID(customer)
	if id.DiffersFrom(f.owner) {
		return fmt.Errorf("it is of customer %.60s, those before it of %.60s: split the file, one for each account", id,
			f.owner)
	}
	if f.owner == "" {
		f.owner = billclient.CustomerID(strings.Clone(string(id)))
	}
	return nil
}

// finish logs what the lines of each month come to, and writes the tables, if these are the format. It fails if there
// are no lines.
func (f *fileJob) finish() error {
	if f.file.EndsInLine() {
		level.Warn(f.Logger).Log("msg", "the file does not end with the end of a line: its last line may be cut")
	}
	for _, month := range slices.Sorted(maps.Keys(f.leftOut)) {
		level.Info(f.Logger).Log("msg", "lines of another month are left out", "month", month, "lines", f.leftOut[month])
	}
	if len(f.months) == 0 {
		return errors.New("it has no lines, or none of the months asked for")
	}
	for _, month := range slices.Sorted(maps.Keys(f.months)) {
		totals := f.months[month]
		f.month = month
		level.Info(f.Logger).Log("msg", "lines of a file: they are not compared with the summary of the month",
			"account", f.account.Name, "month", month, "lines", totals.lines, "cost_cny", totals.cost)
		f.writeTables(totals, f.warnUnfinished(totals), fileConclusion)
		f.bills++
	}
	return nil
}
