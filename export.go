package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/output"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log/level"
)

const (
	exportCommand = "export"

	csvFormat   = "csv"
	tableFormat = "table"

	linesSource = "lines"
	csvSource   = "csv"

	// unreconciledSuffix makes the name of a file whose lines are not what the summary says: perhaps somebody needs
	// them all the same, but they are not to be taken for the bill, or to take a good one's place.
	unreconciledSuffix = ".unreconciled"
)

// exportFlags are the flags of the command export.
type exportFlags struct {
	month   billclient.Month
	account string
	format  string
	source  string
	output  string
}

func (f *exportFlags) add(export *kingpin.CmdClause) {
	export.Flag("month", "Month whose bill to export.").
		PlaceHolder("YYYY-MM").Required().SetValue((*monthValue)(&f.month))
	export.Flag("account", "Account whose bill to export; not needed where only one is configured.").
		StringVar(&f.account)
	export.Flag("format", "csv: the lines of the bill; table: what they come to, by product and by project.").
		Default(csvFormat).EnumVar(&f.format, csvFormat, tableFormat)
	export.Flag("source", "lines: GetPostpayDetailBill, with codes and ids; csv: the vendor's CSV file, names only.").
		Default(linesSource).EnumVar(&f.source, linesSource, csvSource)
	export.Flag("output", "File to write: whole, or not at all. Without it, standard output.").
		PlaceHolder("FILE").StringVar(&f.output)
}

// monthValue is a month as a flag.
type monthValue billclient.Month

// Set implements kingpin.Value.
func (v *monthValue) Set(text string) error {
	return (*billclient.Month)(v).UnmarshalText([]byte(text))
}

func (v *monthValue) String() string { return billclient.Month(*v).String() }

// export writes the lines of a month's bill, or a table of what they come to. It ends with a *disagreement where
// everything was written, but is not what the month's summary says.
func export(ctx context.Context, f flags, getenv func(string) string, stdout, stderr io.Writer, logs logs) error {
	conf, err := config.Load(f.configFile, getenv)
	if err != nil {
		return err
	}
	account, err := conf.FindAccount(f.export.account, userAgent())
	if err != nil {
		return config.ArgumentError{Err: fmt.Errorf("export: %w", err)}
	}
	if f.export.month < billclient.FirstMonth {
		return config.ArgumentError{Err: fmt.Errorf("export: --month: there are bills from %v on", billclient.FirstMonth)}
	}
	out, err := output.Open(f.export.output, stdout)
	if err != nil {
		return fmt.Errorf("export: --output: %w", err)
	}
	defer out.Discard()
	x := statement{exportFlags: f.export, account: account, out: out, now: time.Now(), logs: logs}
	if f.export.format == tableFormat || f.export.output != "" || !isTerminal(stdout) {
		x.progress = newProgress(stderr) // lines and a bar on one terminal would be neither
	}
	x.account.API.Transport = x.progress.transport()
	x.client = billclient.New(conf.ClientOptions(x.account, logs.kit))
	if err := x.write(ctx); err != nil {
		return fmt.Errorf("export: %s, %v: %w", output.Printable(account.Name), f.export.month, err)
	}
	return nil
}

// statement is a month's bill on its way to where it is written.
type statement struct {
	exportFlags
	account  collector.Account
	client   *billclient.Client
	out      *output.Target
	progress *progress
	now      time.Time
	logs     logs
}

func (s *statement) write(ctx context.Context) error {
	bills, err := s.client.GetMonthBill(ctx, s.month, s.month)
	if err != nil {
		return err
	}
	if len(bills) == 0 {
		return errors.New("there is no bill, or none yet")
	}
	totals, err := s.readLines(ctx)
	if err != nil {
		return err
	}
	wrong, soFar := totals.compare(bills), s.soFar(totals)
	if s.format == tableFormat {
		fmt.Fprintf(s.out, "%s: postpaid bill of %v%s, in CNY\n\n%s\n", output.Printable(s.account.Name), s.month, soFar,
			totals.tables(wrong))
	}
	return s.settle(wrong)
}

// soFar says of a bill of the running month that it is not the whole one: in the log, and in words for a title.
func (s *statement) soFar(t *totals) string {
	if !s.now.Before(s.month.End()) {
		return ""
	}
	newest := output.OrDash(t.newest().String())
	level.Warn(s.logs.kit).Log("msg", "the month is not over, its bill grows", "account", s.account.Name,
		"month", s.month, "newest_line", newest)
	return fmt.Sprintf(", which is not over yet (newest line: %s)", newest)
}

// settle puts the lines where they belong, and those that are not what the summary says beside it.
func (s *statement) settle(wrong *disagreement) error {
	if wrong == nil {
		return s.out.Commit("")
	}
	if err := s.out.Commit(unreconciledSuffix); err != nil {
		return err
	}
	if s.out.Name() == "" {
		return fmt.Errorf("all is written, but %w", wrong)
	}
	return fmt.Errorf("all is written, but to %[1]s%[2]s, and %[1]s is as it was: %[3]w", s.out.Name(),
		unreconciledSuffix, wrong)
}

// readLines reads all lines. An attempt that breaks off is made again, unless a part of its lines is where nobody can
// take it back.
func (s *statement) readLines(ctx context.Context) (t *totals, err error) {
	var final error
	action, stream := s.stream(ctx)
	err = s.client.Retry(ctx, action, func() error {
		s.progress.begin()
		defer s.progress.end()
		t = &totals{codes: s.source == linesSource, products: sums{}, projects: sums{}}
		err := s.attempt(stream, t)
		if err == nil {
			return nil
		}
		if sent := s.out.SentBytes(); sent > 0 {
			final = fmt.Errorf("%w; do not use the %d bytes of the bill that are on standard output already. With"+
				" --output there is another try, and a whole file or none", err, sent)
			return nil
		}
		return cmp.Or(s.out.Rewind(), err)
	})
	return t, s.elsewhere(cmp.Or(err, final))
}

// elsewhere adds to an error of the vendor's file, which has its own permission and quotes nothing, that there is
// another way to the same lines.
func (s *statement) elsewhere(err error) error {
	ofFile := billclient.IsDenied(err) || billclient.IsUnknownAction(err) ||
		billclient.ReasonOf(err) == billclient.Decode
	if err != nil && s.source == csvSource && ofFile {
		return fmt.Errorf("%w; --source=lines does without the vendor's file", err)
	}
	return err
}

func (s *statement) stream(ctx context.Context) (action string, lines iter.Seq2[billclient.Line, error]) {
	query := billclient.DetailQuery{From: s.month, To: s.month, Sets: s.format == csvFormat}
	if s.source == csvSource {
		return billclient.GetPostpayDetailBillCSV, s.client.GetPostpayDetailBillCSV(ctx, query)
	}
	return billclient.GetPostpayDetailBill, s.client.GetPostpayDetailBill(ctx, query)
}

// attempt reads the stream once.
func (s *statement) attempt(stream iter.Seq2[billclient.Line, error], t *totals) error {
	write := func(*billclient.Line) error { return nil }
	if s.format == csvFormat {
		write = newSheet(s.out.Writer).write
	}
	for line, err := range stream {
		if err == nil {
			err = s.expect(line.CustomerID)
		}
		if err == nil {
			err = write(&line)
		}
		if err != nil {
			return err
		}
		t.add(&line)
		s.progress.show(t.lines)
	}
	return nil
}

// expect fails if a line is of another customer than the configuration expects.
func (s *statement) expect(customer string) error {
	got, want := config.CustomerNumber(customer), config.CustomerNumber(s.account.CustomerID)
	if got == "" || want == "" || got == want {
		return nil
	}
	return fmt.Errorf("a line is of customer %.60s, customer_id expects %s", customer, s.account.CustomerID)
}
