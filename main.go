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
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"ksyun_bill_exporter/backfill"
	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/check"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/export"
	"ksyun_bill_exporter/output"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	sloggokit "github.com/tjhop/slog-gokit"
)

const (
	programName     = "ksyun_bill_exporter"
	serveCommand    = "serve"
	checkCommand    = "check"
	exportCommand   = "export"
	backfillCommand = "backfill"
	versionCommand  = "version"
)

// The values of --log.format.
const (
	formatLogfmt = "logfmt"
	formatJSON   = "json"
)

// The exit codes of the program, apart from 0.
const (
	exitFailure      = 1
	exitWrongUsage   = 2
	exitDisagreement = 3 // export has written everything, but it differs from the summary of the month
)

// release is the version of this source tree, for builds that do not set one.
//
//go:embed VERSION
var release string

// gcPercent is how much the heap may grow between two collections, in percent of what is in use. The tables of a read
// are large and soon gone, so that Go's own 100 would double the peak for little: most of the time the program waits.
const gcPercent = 35

func main() {
	version.Version = cmp.Or(version.Version, strings.TrimSpace(release))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// userAgent returns how the program names itself to the API.
func userAgent() string { return programName + "/" + version.Version }

// run is the program without its exit. It returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	f, done, err := parse(args, stdout, stderr)
	if done {
		return 0
	}
	if err != nil {
		return reportUsage(stderr, err)
	}
	if f.command == versionCommand {
		fmt.Fprintln(stdout, version.Print(programName))
		return 0
	}
	i := invocation{
		flags: f, getenv: getenv, stdout: stdout, stderr: stderr, logs: newLogs(stderr, f.logLevel, f.logFormat),
	}
	err = i.executeInTime(ctx)
	if _, ok := errors.AsType[config.ArgumentError](err); ok {
		return reportUsage(stderr, err)
	}
	for _, err := range splitErrors(err) {
		i.reportError(err)
	}
	return exitCode(err)
}

// reportError prints why the program cannot go on: in plain words on a terminal, else in the log's form, so that who
// collects the log can read it.
func (i invocation) reportError(err error) {
	if i.logFormat != formatJSON && output.IsTerminal(i.stderr) {
		fmt.Fprintf(i.logs.writer, "%s: %v\n", programName, err)
		return
	}
	level.Error(i.logs.kit).Log("msg", "cannot go on", "err", err)
}

// reportUsage prints an error of the command line and returns the exit code for it.
func reportUsage(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s: %v; try --help\n", programName, err)
	return exitWrongUsage
}

// splitErrors returns the errors that were joined, so that each mistake of a configuration gets a line of its own.
func splitErrors(err error) []error {
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

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*export.DisagreementError](err); ok {
		return exitDisagreement
	}
	return exitFailure
}

// flags are the flags of the program and of its commands.
type flags struct {
	command    string
	configFile string
	logLevel   string
	logFormat  string
	demo       bool
	serve      serveFlags
	check      check.Options
	export     export.Options
	backfill   backfill.Options
}

// parse reads the arguments. done is true if they asked only for help or the version, which was printed.
func parse(args []string, stdout, stderr io.Writer) (f flags, done bool, err error) {
	app := newApplication(&f)
	app.UsageWriter(stdout).ErrorWriter(stderr).Terminate(func(int) { done = true })
	if f.command, err = app.Parse(args); err != nil {
		err = addFlagName(app, args, err)
	} else if !done {
		err = f.validate()
	}
	return f, done, err
}

// newApplication returns the commands of the program, whose flags are read into f.
func newApplication(f *flags) *kingpin.Application {
	app := kingpin.New(programName, "Exposes the cost of Kingsoft Cloud (ksyun) accounts to Prometheus.")
	app.Version(version.Print(programName)).HelpFlag.Short('h')
	app.UsageTemplate(usageTemplate).UsageFuncs(usageFuncs)
	app.HelpFlag.Help("Show the commands and their flags; after a command, only that one.")
	app.VersionFlag.Help("Show the version.")
	app.Flag("config.file", "Configuration file; without one, KSYUN_ACCESS_KEY and KSYUN_SECRET_KEY make one account.").
		PlaceHolder("FILE").StringVar(&f.configFile)
	app.Flag("log.level", "Least severe messages to log: debug, info, warn or error.").
		Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Form of the log: logfmt or json.").
		Default(formatLogfmt).EnumVar(&f.logFormat, formatLogfmt, formatJSON)
	app.Flag("demo", "Two made-up accounts of a simulated billing API; needs no configuration and no key.").
		BoolVar(&f.demo)
	addServeFlags(app.Command(serveCommand, "Ask the billing API on a clock of its own and serve to Prometheus."),
		&f.serve)
	app.Command(checkCommand, "Ask all that can be asked, once for each account; say what works and what to grant.").
		Flag("account", "Account to ask, for one or more of them; by default all.").
		PlaceHolder("NAME").StringsVar(&f.check.Accounts)
	addExportFlags(app.Command(exportCommand, "Write the lines of a month's bill as CSV, or a table of their sums."+
		" Exit code 1: it failed; 2: wrong arguments; 3: all is written, but lines and summary disagree: in place of"+
		" FILE there is FILE"+export.UnreconciledSuffix+"."), &f.export)
	addBackfillFlags(app.Command(backfillCommand, "Write closed months as OpenMetrics with timestamps: history."),
		&f.backfill)
	app.Command(versionCommand, "Say which version this is, as --version does.")
	return app
}

// validate returns an error for flags that cannot work, before any call is made.
func (f *flags) validate() error {
	if f.demo && (f.configFile != "" || f.serve.check) {
		return errors.New("--demo brings its own configuration: leave out --config.file and --config.check, or --demo")
	}
	if f.command == serveCommand {
		f.serve.configFile = f.configFile
		return f.serve.validate()
	}
	return nil
}

func addExportFlags(command *kingpin.CmdClause, o *export.Options) {
	command.Flag("month", "Month whose bill to export; or --from and --to.").
		PlaceHolder("YYYY-MM").SetText(&o.Month)
	command.Flag("from", "First of several months.").PlaceHolder("YYYY-MM").SetText(&o.From)
	command.Flag("to", "Last of several months; by default the last one that is over.").
		PlaceHolder("YYYY-MM").SetText(&o.To)
	command.Flag("account", "Account whose bill to export, or all; not needed where only one is configured.").
		PlaceHolder("NAME").StringVar(&o.Account)
	command.Flag("format", "csv: the lines of the bill; table: what they come to, by product, project and pay mode;"+
		" focus-csv: the lines with the columns of FOCUS, for programs; parquet, focus-parquet: the same with types.").
		PlaceHolder(export.FormatCSV).EnumVar(&o.Format, export.Formats...)
	command.Flag("focus-version", "Version of the columns of FOCUS: "+strings.Join(export.FocusVersions, ", ")+".").
		Default(export.Focus13).EnumVar(&o.FocusVersion, export.FocusVersions...)
	command.Flag("source", "lines: GetPostpayDetailBill and bill-union, with codes and ids; csv: the vendor's CSV"+
		" file, postpaid only, names only; file: such a file that --input names, with no call, configuration or key.").
		Default(export.SourceLines).EnumVar(&o.Source, export.SourceLines, export.SourceCSV, export.SourceFile)
	command.Flag("input", "File of --source=file, perhaps packed with gzip; - is standard input. Without --month and"+
		" --from, all its months.").PlaceHolder("FILE").StringVar(&o.Input)
	command.Flag("pay-modes", "Pay modes of the lines: some of prepaid, realtime, postpaid. By default all where"+
		" api.union_endpoint is set and --source is lines, else postpaid.").
		PlaceHolder("MODE,MODE").StringVar(&o.PayModes)
	command.Flag("output", "File to write: whole, or not at all. Without it, standard output.").
		PlaceHolder("FILE").StringVar(&o.Output)
	command.Flag("lake", "Folder or s3://BUCKET/PREFIX for a file of each account and month, focus-parquet in folders of"+
		" Hive: each appears or changes whole, or not at all.").
		PlaceHolder("DIR_OR_URL").StringVar(&o.Lake)
}

func addBackfillFlags(command *kingpin.CmdClause, o *backfill.Options) {
	command.Flag("from", "First month; by default the first one of which the API has bills.").
		PlaceHolder(billclient.FirstMonth.String()).SetText(&o.From)
	command.Flag("to", "Last month; by default the last one that is over.").
		PlaceHolder("YYYY-MM").SetText(&o.To)
	command.Flag("account", "Account whose months to write, for one or more of them; by default all.").
		PlaceHolder("NAME").StringsVar(&o.Accounts)
	command.Flag("pay-modes", "Pay modes to write: postpaid, prepaid, realtime; by default all, or postpaid without"+
		" api.union_endpoint.").PlaceHolder("MODE,...").StringVar(&o.PayModes)
	command.Flag("output", "File to write: whole, or not at all. FILE.partial keeps for a week what is known until"+
		" then.").PlaceHolder("FILE").Required().StringVar(&o.Output)
}

// addFlagName adds to an error of kingpin the flag whose value is wrong, which kingpin leaves out.
func addFlagName(app *kingpin.Application, args []string, parseErr error) error {
	parsed, _ := app.ParseContext(args) // it returns the same error
	if parsed == nil {
		return parseErr
	}
	for _, e := range parsed.Elements {
		flag, ok := e.Clause.(*kingpin.FlagClause)
		if !ok || e.Value == nil {
			continue
		}
		if err := flag.Model().Value.Set(*e.Value); err != nil {
			return fmt.Errorf("--%s: %w", flag.Model().Name, err)
		}
	}
	return parseErr
}

// invocation is one run of the program: its flags, and what it reads and writes.
type invocation struct {
	flags
	getenv         func(string) string
	stdout, stderr io.Writer
	logs           logs
}

// stopTimeout is how long the program has after a signal to end by itself. docs/operations.md promises 3 seconds in
// all.
const stopTimeout = 2500 * time.Millisecond

var errAbandoned = errors.New("ended while something hangs, such as the read of a file")

// executeInTime runs the command of the flags. After ctx has ended, it returns within stopTimeout, because nothing can
// break off the read of a file that hangs. For an exporter that is no error: it has nothing left to do.
func (i invocation) executeInTime(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- i.execute(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopTimeout):
	}
	if i.command == serveCommand && !i.serve.check {
		level.Warn(i.logs.kit).Log("msg", errAbandoned)
		return nil
	}
	return errAbandoned
}

// execute runs the command of the flags.
func (i invocation) execute(ctx context.Context) error {
	if i.command == serveCommand {
		return i.executeServe(ctx)
	}
	ctx, stop := cancelAtHangup(ctx)
	defer stop()
	load, stopDemo, err := i.openConfig(ctx)
	if err != nil {
		return err
	}
	defer stopDemo()
	conf, err := load()
	if err != nil {
		return err
	}
	now := time.Now()
	switch i.command {
	case checkCommand:
		o := i.check
		o.Config, o.UserAgent, o.Now = conf, userAgent(), now
		o.Stdout, o.Stderr, o.Logger = i.stdout, i.stderr, i.logs.kit
		return check.Run(ctx, o)
	case exportCommand:
		o := i.export
		o.Config, o.UserAgent, o.Now, o.Stdin = conf, userAgent(), now, os.Stdin
		o.Stdout, o.Stderr, o.Logger = i.stdout, i.stderr, i.logs.kit
		return export.Run(ctx, o)
	default: // backfillCommand, the only other one that kingpin accepts
		o := i.backfill
		o.Config, o.UserAgent, o.Now, o.Logger = conf, userAgent(), now, i.logs.kit
		return backfill.Run(ctx, o)
	}
}

func (i invocation) executeServe(ctx context.Context) error {
	if i.serve.check {
		return i.checkConfig()
	}
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more does not end a daemon
	load, stop, err := i.openConfig(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if load, err = i.ofShard(load); err != nil {
		return err
	}
	return serve(ctx, load, i.serve, i.logs)
}

// ofShard returns what reads the configuration of this shard.
func (i invocation) ofShard(load func() (config.Config, error)) (func() (config.Config, error), error) {
	shard, err := config.ParseShard(i.serve.shardIndex, i.serve.shardCount, i.getenv)
	if err != nil {
		return nil, config.ArgumentError{Err: err}
	}
	return func() (config.Config, error) {
		all, err := load()
		conf := all.OfShard(shard)
		if err == nil && shard.Count > 1 && !i.serve.check { // which says so itself
			level.Info(i.logs.kit).Log("msg", "accounts of this shard", "index", shard.Index, "count", shard.Count,
				"accounts", len(conf.Accounts), "of", len(all.Accounts))
		}
		return conf, err
	}, nil
}

// openConfig returns what reads the configuration, which with --demo is that of a simulated API. The API ends when stop
// is called.
func (i invocation) openConfig(ctx context.Context) (load func() (config.Config, error), stop func(), err error) {
	if i.demo {
		return startDemo(ctx, i.logs.kit)
	}
	if i.command == exportCommand && i.export.Source == export.SourceFile && i.configFile == "" {
		return func() (config.Config, error) { return config.Default(), nil }, func() {}, nil // it asks nobody
	}
	return func() (config.Config, error) { return config.Load(i.configFile, i.getenv) }, func() {}, nil
}

// checkConfig reads the configurations of the program and of its web server, and prints what they mean.
func (i invocation) checkConfig() error {
	load, err := i.ofShard(func() (config.Config, error) { return config.LoadWithKeys(i.configFile, i.getenv) })
	if err != nil {
		return err
	}
	conf, err := load()
	if err != nil {
		return err
	}
	if err := i.serve.checkWebConfig(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(i.stdout, "The configuration is good.\n%s", config.Meaning(conf))
	return err
}

// cancelAtHangup returns a context that ends when the terminal is closed, so that a command removes what is unfinished
// then, too. SIGHUP stays caught until stop is called, because a shell sends another one.
func cancelAtHangup(ctx context.Context) (hangup context.Context, stop context.CancelFunc) {
	if signal.Ignored(syscall.SIGHUP) { // as nohup does
		return ctx, func() {}
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}

// logs is the log of the program, in the two forms that its parts ask for.
type logs struct {
	kit    log.Logger
	slog   *slog.Logger // for exporter-toolkit
	writer io.Writer    // what both write to
}

// noticeLost returns a line of the log that says that others are lost.
func noticeLost(encoder func(io.Writer) log.Logger, lost int) string {
	var line strings.Builder
	level.Warn(log.With(encoder(&line), "ts", log.DefaultTimestampUTC)).Log(
		"msg", "log lines are lost, because nobody read the log", "lines", lost)
	return line.String()
}

func newLogs(w io.Writer, threshold, format string) logs {
	encoder := log.NewLogfmtLogger
	if format == formatJSON {
		encoder = log.NewJSONLogger
	}
	writer := output.NewLogWriter(w, func(lost int) string { return noticeLost(encoder, lost) })
	timed := log.With(encoder(writer), "ts", log.DefaultTimestampUTC)
	lowest := new(slog.LevelVar)
	_ = lowest.UnmarshalText([]byte(threshold)) // slog knows all values that the flag accepts
	kit := level.NewFilter(timed, level.Allow(level.ParseDefault(threshold, level.InfoValue())))
	return logs{kit: kit, slog: slog.New(bareHandler{sloggokit.NewGoKitHandler(timed, lowest)}), writer: writer}
}

// bareHandler leaves out of a record what the lines of this program do not have, or have under another name already:
// the place in the code, and the time.
type bareHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h bareHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time, r.PC = time.Time{}, 0
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h bareHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return bareHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h bareHandler) WithGroup(name string) slog.Handler {
	return bareHandler{h.Handler.WithGroup(name)}
}
