// Command ksyun_bill_exporter exposes the cost of Kingsoft Cloud (ksyun) accounts to Prometheus.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"ksyun_bill_exporter/backfill"
	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/check"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/export"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	sloggokit "github.com/tjhop/slog-gokit"
)

const (
	program         = "ksyun_bill_exporter"
	checkCommand    = "check"
	exportCommand   = "export"
	backfillCommand = "backfill"
)

// release is the version of this source tree, for builds that do not set one.
//
//go:embed VERSION
var release string

func main() {
	version.Version = cmp.Or(version.Version, strings.TrimSpace(release))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // who asks a second time does not want to wait for a clean end
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// flags are the flags of the program and of its commands.
type flags struct {
	command    string
	configFile string
	logLevel   string
	logFormat  string
	serve      serveFlags
	export     export.Options
	backfill   backfill.Options
}

// parse reads the arguments; done tells that they only asked for help or the version, which is answered.
func parse(args []string, stdout, stderr io.Writer) (f flags, done bool, err error) {
	app := kingpin.New(program, "Exposes the cost of Kingsoft Cloud (ksyun) accounts to Prometheus.")
	app.UsageWriter(stdout).ErrorWriter(stderr).Version(version.Print(program)).HelpFlag.Short('h')
	app.Terminate(func(int) { done = true })
	app.Flag("config.file", "Configuration file; without one, KSYUN_ACCESS_KEY and KSYUN_SECRET_KEY make one account.").
		StringVar(&f.configFile)
	app.Flag("log.level", "Least severe messages to log: debug, info, warn or error.").
		Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Form of the log: logfmt or json.").
		Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
	serve := app.Command(serveCommand, "Ask the billing API on a clock of its own and serve to Prometheus.").Default()
	f.serve.web = kingpinflag.AddFlags(serve, ":9978")
	f.serve.add(serve)
	app.Command(checkCommand, "Ask all that can be asked, once for each account; say what works and what to grant.")
	addExportFlags(app.Command(exportCommand, "Write the lines of a month's bill as CSV, or a table of their sums."+
		" Exit code 1: it failed; 2: wrong arguments; 3: all is written, but lines and summary disagree: in place of"+
		" FILE there is FILE"+export.UnreconciledSuffix+"."), &f.export)
	addBackfillFlags(app.Command(backfillCommand, "Write closed months as OpenMetrics with timestamps: history."),
		&f.backfill)
	if f.command, err = app.Parse(args); err != nil {
		err = atFlag(app, args, err)
	} else if f.command == serveCommand && !done {
		err = f.validateServe()
	}
	return f, done, err
}

func addExportFlags(command *kingpin.CmdClause, o *export.Options) {
	command.Flag("month", "Month whose bill to export.").
		PlaceHolder("YYYY-MM").Required().SetText(&o.Month)
	command.Flag("account", "Account whose bill to export; not needed where only one is configured.").
		StringVar(&o.Account)
	command.Flag("format", "csv: the lines of the bill; table: what they come to, by product and by project.").
		Default(export.FormatCSV).EnumVar(&o.Format, export.FormatCSV, export.FormatTable)
	command.Flag("source", "lines: GetPostpayDetailBill, with codes and ids; csv: the vendor's CSV file, names only.").
		Default(export.SourceLines).EnumVar(&o.Source, export.SourceLines, export.SourceCSV)
	command.Flag("output", "File to write: whole, or not at all. Without it, standard output.").
		PlaceHolder("FILE").StringVar(&o.Output)
}

func addBackfillFlags(command *kingpin.CmdClause, o *backfill.Options) {
	command.Flag("from", "First month; by default the first one of which the API has bills.").
		PlaceHolder(billclient.FirstMonth.String()).SetText(&o.From)
	command.Flag("to", "Last month; by default the last one that is over.").
		PlaceHolder("YYYY-MM").SetText(&o.To)
	command.Flag("account", "Account whose months to write, for one or more of them; by default all.").
		PlaceHolder("NAME").StringsVar(&o.Accounts)
	command.Flag("output", "File to write: whole, or not at all. FILE.partial keeps for a week what is known until"+
		" then.").PlaceHolder("FILE").Required().StringVar(&o.Output)
}

// atFlag names the flag whose value err is about, which kingpin does not.
func atFlag(app *kingpin.Application, args []string, err error) error {
	parsed, _ := app.ParseContext(args) // its error is err
	if parsed == nil {
		return err
	}
	for _, e := range parsed.Elements {
		flag, ok := e.Clause.(*kingpin.FlagClause)
		if !ok || e.Value == nil {
			continue
		}
		if wrong := flag.Model().Value.Set(*e.Value); wrong != nil {
			return fmt.Errorf("--%s: %w", flag.Model().Name, wrong)
		}
	}
	return err
}

// run is the program without its exit.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	f, done, err := parse(args, stdout, stderr)
	switch {
	case done:
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v; try --help\n", program, err)
		return 2
	}
	if f.command != serveCommand {
		var release func()
		ctx, release = untilHangup(ctx)
		defer release()
	}
	logs := newLogs(stderr, f.logLevel, f.logFormat)
	switch {
	case f.command == checkCommand:
		err = runCheck(ctx, f.configFile, getenv, stdout)
	case f.command == exportCommand:
		err = runExport(ctx, f, getenv, stdout, stderr, logs)
	case f.command == backfillCommand:
		err = runBackfill(ctx, f, getenv, logs)
	case f.serve.check:
		err = checkConfig(f, getenv, stdout)
	case f.serve.demo:
		err = demo(ctx, f, logs)
	default:
		err = serve(ctx, f, getenv, logs)
	}
	if wrong, ok := errors.AsType[config.ArgumentError](err); ok {
		fmt.Fprintf(stderr, "%s: %v; try --help\n", program, wrong)
		return 2
	}
	for _, cause := range causes(err) {
		level.Error(logs.kit).Log("msg", "cannot go on", "err", cause)
	}
	return exitCode(err)
}

func runCheck(ctx context.Context, file string, getenv func(string) string, stdout io.Writer) error {
	conf, err := config.Load(file, getenv)
	if err != nil {
		return err
	}
	return check.Run(ctx, check.Options{Config: conf, UserAgent: userAgent(), Now: time.Now(), Stdout: stdout})
}

func runExport(
	ctx context.Context, f flags, getenv func(string) string, stdout, stderr io.Writer, logs logs,
) (err error) {
	o := f.export
	if o.Config, err = config.Load(f.configFile, getenv); err != nil {
		return err
	}
	o.UserAgent, o.Now, o.Stdout, o.Stderr, o.Logger = userAgent(), time.Now(), stdout, stderr, logs.kit
	return export.Run(ctx, o)
}

func runBackfill(ctx context.Context, f flags, getenv func(string) string, logs logs) (err error) {
	o := f.backfill
	if o.Config, err = config.Load(f.configFile, getenv); err != nil {
		return err
	}
	o.UserAgent, o.Now, o.Logger = userAgent(), time.Now(), logs.kit
	return backfill.Run(ctx, o)
}

// untilHangup ends a context when the terminal is closed: what a command has begun is cleared away then, too. It goes
// on catching SIGHUP, for a shell sends another one.
func untilHangup(ctx context.Context) (context.Context, context.CancelFunc) {
	if signal.Ignored(syscall.SIGHUP) { // as under nohup
		return ctx, func() {}
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}

// exitCode is 0 where all went well, 3 where everything was written but does not add up, else 1; 2 is for arguments.
func exitCode(err error) int {
	_, disagree := errors.AsType[*export.DisagreementError](err)
	switch {
	case err == nil:
		return 0
	case disagree:
		return 3
	default:
		return 1
	}
}

// causes takes joined errors apart: each mistake of a configuration gets a line of its own.
func causes(err error) []error {
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// logs is the program's log in the two forms that its parts ask for.
type logs struct {
	kit  log.Logger
	slog *slog.Logger // for exporter-toolkit
}

func newLogs(w io.Writer, threshold, format string) logs {
	w = log.NewSyncWriter(w)
	plain := log.NewLogfmtLogger(w)
	if format == "json" {
		plain = log.NewJSONLogger(w)
	}
	lowest := new(slog.LevelVar)
	_ = lowest.UnmarshalText([]byte(threshold)) // the flag takes nothing that slog does not know
	kit := log.With(plain, "ts", log.DefaultTimestampUTC)
	kit = level.NewFilter(kit, level.Allow(level.ParseDefault(threshold, level.InfoValue())))
	return logs{kit: kit, slog: slog.New(sloggokit.NewGoKitHandler(plain, lowest))}
}
