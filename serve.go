package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/exposition"
	"ksyun_bill_exporter/web"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"
)

const serveCommand = "serve"

// serveFlags are the flags of the command serve.
type serveFlags struct {
	web           *toolkit.FlagConfig
	telemetryPath string
	maxRequests   int
	ownMetricsOff bool
	pprof         bool
	lifecycle     bool
	check         bool
	demo          bool
}

func (f *serveFlags) add(serve *kingpin.CmdClause) {
	serve.Flag("web.telemetry-path", "Path under which to expose metrics.").
		Default("/metrics").StringVar(&f.telemetryPath)
	serve.Flag("web.max-requests", "Most scrapes at once; 0 is no limit.").
		Default("40").IntVar(&f.maxRequests)
	serve.Flag("web.disable-exporter-metrics", "Leave out the metrics of the Go runtime, the process and promhttp.").
		BoolVar(&f.ownMetricsOff)
	serve.Flag("web.enable-pprof", "Serve profiles of this process under /debug/pprof.").
		BoolVar(&f.pprof)
	serve.Flag("web.enable-lifecycle", "Reload the configuration at a POST to /-/reload, as at SIGHUP.").
		BoolVar(&f.lifecycle)
	serve.Flag("config.check", "Read the configuration, say what it means in series and calls a day, and exit.").
		BoolVar(&f.check)
	serve.Flag("demo", "Show two made-up accounts of a simulated billing API; needs no configuration and no key.").
		BoolVar(&f.demo)
}

// validateServe finds what cannot be served before anything is asked.
func (f flags) validateServe() error {
	if f.serve.demo && (f.configFile != "" || f.serve.check) {
		return errors.New("--demo brings its own configuration: leave out --config.file and --config.check, or --demo")
	}
	if f.serve.maxRequests < 0 {
		return fmt.Errorf("--web.max-requests: %d: want 0 (no limit) or more", f.serve.maxRequests)
	}
	for _, address := range *f.serve.web.WebListenAddresses {
		if err := checkAddress(address); err != nil {
			return fmt.Errorf("--web.listen-address: %w", err)
		}
	}
	_, err := web.New(web.Options{Metrics: http.NotFoundHandler(), MetricsPath: f.serve.telemetryPath})
	return err
}

// checkAddress fails if an address has no port, or none that there is. Whether it can be had, listening tells.
func checkAddress(address string) error {
	if strings.HasPrefix(address, "vsock://") {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.ResolveTCPAddr("tcp", ":"+port)
	}
	return err
}

// checkConfig reads the configurations of the program and of its web server, and prints what they mean.
func checkConfig(f flags, getenv func(string) string, stdout io.Writer) error {
	conf, err := config.LoadWithKeys(f.configFile, getenv)
	if err != nil {
		return err
	}
	if err := checkWebConfig(f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "The configuration is good.\n%s", config.Meaning(conf))
	return err
}

// checkWebConfig reads the configuration of the web server, so that a mistake in it is known before anything is asked.
func checkWebConfig(f flags) error {
	if err := toolkit.Validate(*f.serve.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %s: %w", *f.serve.web.WebConfigFile, err)
	}
	return nil
}

// serve runs the exporter until ctx ends.
func serve(ctx context.Context, f flags, getenv func(string) string, logs logs) error {
	conf, err := config.Load(f.configFile, getenv)
	if err != nil {
		return err
	}
	if err := checkWebConfig(f); err != nil {
		return err
	}
	level.Info(logs.kit).Log("msg", "starting "+program, "version", version.Info(), "build", version.BuildContext())
	return runAll(ctx, conf, f.serve, logs, func() (config.Config, error) { return config.Load(f.configFile, getenv) })
}

// runAll runs what asks and what answers; when either ends, so does the other. load reads the configuration anew.
func runAll(
	ctx context.Context, conf config.Config, f serveFlags, logs logs, load func() (config.Config, error),
) (err error) {
	options := conf.Options(userAgent())
	if conf.StateDir != "" {
		if options.State, err = collector.OpenState(conf.StateDir); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, options.State.Close()) }()
	}
	registry := prometheus.NewRegistry()
	metrics := exposition.NewHandler(registry, exposition.Options{
		MaxRequestsInFlight: f.maxRequests,
		ErrorLog:            func(err error) { level.Error(logs.kit).Log("msg", "scrape", "err", err) },
		Registerer:          f.ownRegisterer(registry),
	})
	registry.MustRegister(versioncollector.NewCollector(program))
	// Who restarts within a scrape interval is to have no gap: nobody is let in before there is a page.
	published := make(chan struct{})
	open := sync.OnceFunc(func() { close(published) })
	bills := collector.New(options, registry, func(page *exposition.Page) {
		metrics.Publish(page)
		open()
	}, logs.kit)
	reloads := newReloader(registry, conf, load, bills.Reload, logs.kit)
	handler, err := web.New(web.Options{
		Metrics: f.instrument(registry, metrics), MetricsPath: f.telemetryPath, Ready: bills.Ready,
		Status: bills.Status, Pprof: f.pprof, Reload: f.reload(reloads),
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return bills.Run(ctx) })
	group.Go(func() error {
		select {
		case <-published:
			return listen(ctx, handler, f.web, logs)
		case <-ctx.Done():
			return nil
		}
	})
	group.Go(func() error { return reloads.atHangup(ctx) })
	err = group.Wait()
	level.Info(logs.kit).Log("msg", "stopped")
	return err
}

// reload is what may be asked for over HTTP.
func (f serveFlags) reload(r *reloader) func(context.Context) error {
	if !f.lifecycle {
		return nil
	}
	return r.reload
}

func userAgent() string { return program + "/" + version.Version }

// ownRegisterer is where the metrics go that say nothing about bills: nowhere, if they are not wanted.
func (f serveFlags) ownRegisterer(registry *prometheus.Registry) prometheus.Registerer {
	if f.ownMetricsOff {
		return nil
	}
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

func (f serveFlags) instrument(registry *prometheus.Registry, metrics http.Handler) http.Handler {
	if f.ownMetricsOff {
		return metrics
	}
	return promhttp.InstrumentMetricHandler(registry, metrics)
}

// Time limits of the web server. A slow reader of a large page gets writeTimeout; requests in flight at the end of the
// program get shutdownTimeout.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second
	writeTimeout    = 2 * time.Minute
	idleTimeout     = 5 * time.Minute
	shutdownTimeout = 3 * time.Second
)

// listen serves handler until ctx ends.
func listen(ctx context.Context, handler http.Handler, flags *toolkit.FlagConfig, logs logs) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(logs.slog.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		level.Info(logs.kit).Log("msg", "stopping")
		stopped <- server.Shutdown(ctx)
	})
	err := toolkit.ListenAndServe(server, flags, logs.slog)
	if stop() || !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("web server: %w", err)
	}
	if err := <-stopped; err != nil {
		return server.Close() // who is still reading has had the time
	}
	return nil
}
