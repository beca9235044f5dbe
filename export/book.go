package export

import (
	"context"
	"errors"
	"fmt"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/metrics"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log/level"
)

// book is what is written: the bills of accounts and months, one after the other.
type book struct {
	Options
	accounts  []collector.Account
	modes     payModes
	lake      *lake.Lake // nil: all bills are in one file
	target    *output.Target
	progress  *progress // nil: none is shown
	rows      rowWriter // nil: none are written
	projects  map[projectKey]metrics.Project
	codes     namedProducts     // of the vendor's file, which has names only
	customers map[string]string // customer -> the account whose lines have it

	withoutItems map[string]bool // the accounts whose billing items are not to be had

	bills       int // that are written
	lines       int
	cost        billclient.Amount
	differences []difference
}

// rowWriter writes the rows of bills, one bill after the other.
type rowWriter interface {
	// begin begins a bill, or begins it again: what was written of it is no longer there. It fails if that cannot be.
	begin(isFirst bool) error
	write(*row) error
	// end ends a bill, which is whole.
	end() error
	// close ends the file.
	close() error
}

// newRowWriter returns what writes the rows in the format, nil if it has none.
func (b *book) newRowWriter() rowWriter {
	switch b.Format {
	case FormatCSV:
		return newSheet(b.target.Writer, columnsWith(b.Config.Instances.Tags), false)
	case FormatFocusCSV:
		return newSheet(b.target.Writer, focusColumns(b.FocusVersion), true)
	case FormatParquet:
		return b.newParquetFile(typed(columnsWith(b.Config.Instances.Tags), "tags_map"))
	case FormatFocusParquet:
		return b.newParquetFile(typed(focusColumns(b.FocusVersion), "x_Tags"))
	default:
		return nil
	}
}

func (b *book) newParquetFile(columns []column) *parquetFile {
	f := newParquetFile(b.target.Writer, columns)
	f.keep = b.target.Keep
	return f
}

type projectKey struct{ account, id string }

// openBook opens the file or the lake for the bills. The caller has to call discard when it is done.
func openBook(ctx context.Context, o Options, accounts []collector.Account, modes payModes) (*book, error) {
	b := &book{
		Options: o, accounts: accounts, modes: modes, projects: projectsOf(o.Config), customers: map[string]string{},
		withoutItems: map[string]bool{}, codes: newNamedProducts(o.Config.Products),
	}
	var err error
	if o.Lake != "" {
		if b.lake, err = lake.New(o.Lake); err == nil {
			err = b.lake.Open(ctx)
		}
		return b, err
	}
	if b.target, err = output.Open(o.Output, o.Stdout); err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	b.rows = b.newRowWriter()
	return b, nil
}

// projectsOf returns what the configuration says of projects.
func projectsOf(c config.Config) map[projectKey]metrics.Project {
	projects := map[projectKey]metrics.Project{}
	for _, p := range c.Projects {
		projects[projectKey{p.Account, p.ID}] = p
	}
	return projects
}

// discard removes what was not put in its place.
func (b *book) discard() {
	if b.target != nil {
		b.target.Discard()
	}
}

// isOne reports whether one bill was asked for.
func (b *book) isOne() bool { return len(b.accounts) == 1 && b.From == b.To }

// write writes all bills, and puts them in their place.
func (b *book) write(ctx context.Context) error {
	for _, account := range b.accounts {
		api := b.Config.ClientOptions(account, b.Logger)
		api.Transport = b.progress.meter(b.Transport)
		client := billclient.New(api)
		for month := b.From; month <= b.To; month++ {
			j := &job{book: b, month: month, account: account, client: client}
			if err := b.add(ctx, j); err != nil {
				return fmt.Errorf("export: %v: %w", j, b.adviceOnBytes(err))
			}
		}
	}
	if b.bills == 0 {
		return fmt.Errorf("export: of no account and month: %w", errNoBill)
	}
	return b.commit()
}

// add writes one bill. Where several are asked for, one that is not there is left out with a warning: accounts did not
// all begin in the same month.
func (b *book) add(ctx context.Context, j *job) error {
	if b.lake != nil {
		if err := b.stage(); err != nil {
			return err
		}
	}
	totals, err := j.run(ctx)
	if errors.Is(err, errNoBill) && !b.isOne() {
		level.Warn(b.Logger).Log("msg", "no bill, or none yet: the file is without this month", "account", j.account.Name,
			"month", j.month)
		return nil
	}
	if err != nil {
		return j.addAdvice(err)
	}
	b.bills++
	b.lines, b.cost = b.lines+totals.lines, b.cost.Add(totals.cost)
	if b.isOne() {
		return nil
	}
	level.Info(b.Logger).Log("msg", "bill", "account", j.account.Name, "month", j.month, "lines", totals.lines,
		"cost_cny", totals.cost)
	if b.lake != nil {
		return nil
	}
	return b.target.Keep()
}

// note keeps how the lines of a bill differ from its summary.
func (b *book) note(j *job, difference *DisagreementError) {
	if difference == nil {
		return
	}
	for _, d := range difference.differences {
		if !b.isOne() {
			d.subject = j.String() + ": " + d.subject
		}
		b.differences = append(b.differences, d)
	}
}

// adviceOnBytes adds to the error that ends the export that other bills are on standard output already.
func (b *book) adviceOnBytes(err error) error {
	if b.lake != nil {
		return b.adviceOnLake(err)
	}
	if sent := b.target.Bytes(); b.bills > 0 && b.target.Name() == "" && sent > 0 {
		return fmt.Errorf("%w; %d bytes of other bills are on standard output already. With --output there is a whole file"+
			" or none", err, sent)
	}
	return err
}

// commit puts the bills in their place, or beside it if one differs from its summary.
func (b *book) commit() error {
	if b.lake != nil {
		return b.concludeLake()
	}
	if b.rows != nil {
		if err := b.rows.close(); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	suffix := ""
	if b.differences != nil {
		suffix = UnreconciledSuffix
	}
	if err := b.target.Commit(suffix); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if b.target.Name() != "" {
		level.Info(b.Logger).Log("msg", "written", "file", b.target.Name()+suffix, "lines", b.lines,
			"bytes", b.target.Bytes(), "cost_cny", b.cost)
	}
	if b.differences == nil {
		return nil
	}
	return fmt.Errorf("export: %s%w", b.explainPlace(), &DisagreementError{b.differences})
}

// explainPlace returns the beginning of the error that lines and summaries disagree.
func (b *book) explainPlace() string {
	which := ""
	if b.isOne() {
		which = fmt.Sprintf("%s, %v: ", output.Printable(b.accounts[0].Name), b.From)
	}
	if b.target.Name() == "" {
		return which + "all is written, but "
	}
	return fmt.Sprintf("%[1]sall is written, but to %[2]s%[3]s, and %[2]s is as it was: ", which, b.target.Name(),
		UnreconciledSuffix)
}
