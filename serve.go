package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/export"
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
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	"golang.org/x/sync/errgroup"
)

// serveFlags are the flags of the command serve.
type serveFlags struct {
	web           *toolkit.FlagConfig
	telemetryPath string
	externalURL   string
	routePrefix   string
	maxRequests   int
	ownMetricsOff bool
	pprof         bool
	lifecycle     bool
	check         bool
	standby       bool
	shardIndex    string
	shardCount    int

	configFile     string        // that of --config.file
	reloadInterval time.Duration // how often to look whether it has changed; 0: never
}

func addServeFlags(command *kingpin.CmdClause, f *serveFlags) {
	command.Default()
	f.web = kingpinflag.AddFlags(command, ":9978")
	command.Flag("web.telemetry-path", "Path under which to expose metrics.").
		Default("/metrics").StringVar(&f.telemetryPath)
	command.Flag("web.external-url", "URL under which browsers reach this exporter, as through a proxy; its path is the"+
		" default of --web.route-prefix.").PlaceHolder("URL").StringVar(&f.externalURL)
	command.Flag("web.route-prefix", "Path below which everything is served; by default that of --web.external-url.").
		PlaceHolder("PATH").StringVar(&f.routePrefix)
	command.Flag("web.max-requests", "Most scrapes at once; 0 is no limit.").
		Default("40").IntVar(&f.maxRequests)
	command.Flag("web.disable-exporter-metrics", "Leave out the metrics of the Go runtime, the process and promhttp.").
		BoolVar(&f.ownMetricsOff)
	command.Flag("web.enable-pprof", "Serve profiles of this process under /debug/pprof.").
		BoolVar(&f.pprof)
	command.Flag("web.enable-lifecycle", "Reload the configuration at a POST to /-/reload, as at SIGHUP.").
		BoolVar(&f.lifecycle)
	command.Flag("shard.count", "How many exporters share the accounts of this configuration; each account belongs to one.").
		Default("1").IntVar(&f.shardCount)
	command.Flag("shard.index", "Which of them this one is, from 0 on; by default the ordinal at the end of "+
		config.PodName+".").PlaceHolder("N").StringVar(&f.shardIndex)
	command.Flag("state.standby", "Stand by while another exporter has the same state_dir: ask nothing, and take over"+
		" when it ends.").BoolVar(&f.standby)
	command.Flag("config.auto-reload-interval", "Look this often whether the configuration file has changed, and reload"+
		" it then, as at SIGHUP; 0s is never.").
		Default("0s").DurationVar(&f.reloadInterval)
	command.Flag("config.check", "Read the configuration, say what it means in series, calls and the first round, and"+
		" exit.").
		BoolVar(&f.check)
}

// validate returns an error for flags that cannot work, before any call is made.
func (f serveFlags) validate() error {
	if f.maxRequests < 0 {
		return fmt.Errorf("--web.max-requests: %d: want 0 (no limit) or more", f.maxRequests)
	}
	if f.reloadInterval < 0 {
		return fmt.Errorf("--config.auto-reload-interval: %v: want 0s (never) or more", f.reloadInterval)
	}
	if f.reloadInterval > 0 && f.configFile == "" {
		return errors.New("--config.auto-reload-interval: there is no --config.file to look at")
	}
	for _, address := range *f.web.WebListenAddresses {
		if err := checkAddress(address); err != nil {
			return fmt.Errorf("--web.listen-address: %w", err)
		}
	}
	if err := checkExternalURL(f.externalURL); err != nil {
		return fmt.Errorf("--web.external-url: %w", err)
	}
	_, err := web.New(web.Options{Metrics: http.NotFoundHandler(), MetricsPath: f.telemetryPath, Prefix: f.prefix()})
	return err
}

// checkExternalURL fails if a text is no URL of something that a browser opens.
func checkExternalURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return err
	case text != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != ""):
		return fmt.Errorf("%q: want http:// or https://, a host, and perhaps a path", text)
	default:
		return nil
	}
}

// prefix returns the path before those of all routes, without a slash at its end: empty if there is none.
func (f serveFlags) prefix() string {
	prefix := f.routePrefix
	if u, err := url.Parse(f.externalURL); prefix == "" && err == nil {
		prefix = u.Path
	}
	return strings.TrimRight(prefix, "/")
}

// checkAddress fails if an address has no port, or one that does not exist. Only listening shows whether the address is
// free.
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

// webConfigTimeout is how long reading the configuration of the web server may take: a pipe that nobody writes to, or a
// network file system that is away, ends the start with an error.
const webConfigTimeout = 10 * time.Second

// checkWebConfig reads the configuration of the web server, so that a mistake in it is found before any call is made.
func (f serveFlags) checkWebConfig() error {
	checked := make(chan error, 1)
	go func() { checked <- toolkit.Validate(*f.web.WebConfigFile) }()
	var err error
	select {
	case err = <-checked:
	case <-time.After(webConfigTimeout):
		err = fmt.Errorf("reading it took longer than %v", webConfigTimeout)
	}
	if err != nil {
		return fmt.Errorf("--web.config.file: %s: %w", *f.web.WebConfigFile, err)
	}
	return nil
}

// registerOwnMetrics registers the metrics of the runtime and the process, unless they are switched off. It returns
// where the handler of the metrics can register its own.
func (f serveFlags) registerOwnMetrics(registry *prometheus.Registry) prometheus.Registerer {
	if f.ownMetricsOff {
		return nil
	}
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// instrument returns the handler of the metrics with metrics of its own, unless they are switched off.
func (f serveFlags) instrument(registry *prometheus.Registry, metrics http.Handler) http.Handler {
	if f.ownMetricsOff {
		return metrics
	}
	return promhttp.InstrumentMetricHandler(registry, metrics)
}

// serve runs the exporter until ctx ends.
func serve(ctx context.Context, load func() (config.Config, error), f serveFlags, logs logs) error {
	seen := f.fingerprint() // before it is read: a change between the two is not missed
	conf, err := load()
	if err != nil {
		return err
	}
	if err := f.checkWebConfig(); err != nil {
		return err
	}
	level.Info(logs.kit).Log(
		"msg", "starting "+programName, "version", version.Info(), "build", version.BuildContext())
	return runExporter(ctx, conf, load, seen, f, logs)
}

// fingerprint returns what tells whether the configuration file has changed, and nothing where nobody wants to know.
func (f serveFlags) fingerprint() string {
	if f.reloadInterval == 0 {
		return ""
	}
	return config.Fingerprint(f.configFile)
}

// exporter is a run of the exporter.
type exporter struct {
	serveFlags
	logs     logs
	load     func() (config.Config, error) // reads the configuration, again for a reload
	registry *prometheus.Registry
	metrics  *exposition.Handler
	door     *door
}

// runExporter runs the collector and the web server until ctx ends or one of them fails. seen is the fingerprint of the
// file of conf.
func runExporter(
	ctx context.Context, conf config.Config, load func() (config.Config, error), seen string, f serveFlags, logs logs,
) error {
	if f.standby && conf.StateDir == "" {
		return errStandbyWithoutState
	}
	registry := prometheus.NewRegistry()
	metrics := exposition.NewHandler(registry, exposition.Options{
		MaxRequestsInFlight: f.maxRequests,
		ErrorLog:            func(err error) { level.Error(logs.kit).Log("msg", "scrape", "err", err) },
		ClientLog: func(err error) {
			level.Debug(logs.kit).Log("msg", "a scrape was not read to its end", "err", err)
		},
		Registerer: f.registerOwnMetrics(registry),
	})
	registry.MustRegister(versioncollector.NewCollector(programName))
	e := &exporter{serveFlags: f, logs: logs, load: load, registry: registry, metrics: metrics, door: newDoor()}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.runCollector(ctx, conf, seen) })
	group.Go(func() error { return listen(ctx, e.door.opened, e.door, f, logs) })
	err := group.Wait()
	level.Info(logs.kit).Log("msg", "stopped")
	return err
}

// runCollector runs the collector, and reloads its configuration, until ctx ends.
func (e *exporter) runCollector(ctx context.Context, conf config.Config, seen string) (err error) {
	hangups, stop := notifyHangups() // from now on: a process that stands by does not end with the first one
	defer stop()
	conf, seen, state, err := e.openState(ctx, conf, seen)
	if ctx.Err() != nil {
		return state.Close()
	}
	keeper := export.NewKeeper(e.registry, userAgent(), e.logs.kit)
	options := conf.Options(userAgent())
	options.State, options.Keeper = state, keeper.Use(conf)
	if errors.Is(err, collector.ErrSlow) && !e.standby { // what is asked for is shown all the same
		options.StateErr, err = err, nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	var handler http.Handler
	open := sync.OnceFunc(func() { e.door.open(handler) })
	bills := collector.New(options, e.registry, func(page *exposition.Page) {
		e.metrics.Publish(page)
		open()
	}, e.logs.kit)
	e.metrics.SetFamilies(bills.Families)
	inForce := conf
	reloads := newReloader(e.registry, conf, e.load, func(ctx context.Context, conf config.Config) error {
		options := conf.Options(userAgent())
		options.Keeper = keeper.Use(conf)
		if err := bills.Reload(ctx, options); err != nil {
			keeper.Use(inForce)
			return err
		}
		inForce = conf
		return nil
	}, e.logs.kit)
	reloads.fingerprint, reloads.seen = e.fingerprint, seen
	if handler, err = web.New(e.routes(bills, reloads)); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return bills.Run(ctx) })
	group.Go(func() error { return keeper.Run(ctx) })
	group.Go(func() error { return reloads.reloadAtHangup(ctx, hangups) })
	group.Go(func() error { return reloads.reloadAtChange(ctx, e.reloadInterval) })
	return group.Wait()
}

// routes returns what the web server answers with.
func (e *exporter) routes(bills *collector.Collector, reloads *reloader) web.Options {
	o := web.Options{
		Metrics: e.instrument(e.registry, e.metrics), MetricsPath: e.telemetryPath, Readiness: bills.Readiness,
		Status: bills.Status, Pprof: e.pprof, Prefix: e.prefix(),
	}
	if e.lifecycle {
		o.Reload = reloads.reload
	}
	return o
}

// Time limits of the web server. writeTimeout is for a slow reader of a large page, shutdownTimeout for the requests in
// flight when the program ends, which leaves the rest of stopTimeout for what comes after them.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second
	writeTimeout    = 2 * time.Minute
	idleTimeout     = 5 * time.Minute
	shutdownTimeout = 2 * time.Second
)

// listen serves handler from the first page on until ctx ends. Before there is a page it does not listen, so that a
// restart within a scrape interval leaves no gap.
func listen(
	ctx context.Context, published <-chan struct{}, handler http.Handler, f serveFlags, logs logs,
) error {
	select {
	case <-published:
	case <-ctx.Done():
		return nil
	}
	var server *http.Server
	server = &http.Server{
		BaseContext: func(l net.Listener) context.Context {
			page := browserURL(l.Addr(), server.TLSConfig) + f.prefix()
			if f.externalURL != "" {
				page = strings.TrimRight(f.externalURL, "/")
			}
			level.Info(logs.kit).Log("msg", "open", "page", page+"/", "metrics", page+f.telemetryPath)
			return context.WithoutCancel(ctx)
		},
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
	err := toolkit.ListenAndServe(server, f.web, logs.slog)
	if stop() || !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("web server: %w", err)
	}
	if err := <-stopped; err != nil {
		return server.Close() // the requests that are left have had their time
	}
	return nil
}

// browserURL returns the URL with which a browser on this machine opens what is served at an address. The toolkit sets
// GetConfigForClient where it serves TLS, and only there.
func browserURL(address net.Addr, config *tls.Config) string {
	scheme := "http"
	if config != nil && config.GetConfigForClient != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return scheme + "://" + address.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
