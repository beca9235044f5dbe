package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"ksyun_bill_exporter/config"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// reloader reads the configuration file again and puts it into force. A bad file changes nothing. It is safe for
// concurrent use.
type reloader struct {
	load   func() (config.Config, error)
	apply  func(context.Context, config.Config) error
	logger log.Logger

	successful  prometheus.Gauge
	lastSuccess prometheus.Gauge

	fingerprint func() string // of the file; nil: nobody looks at it

	mu       sync.Mutex // one reload at a time
	stateDir string
	seen     string // fingerprint of the file when it was last read
}

func newReloader(
	registry prometheus.Registerer, conf config.Config, load func() (config.Config, error),
	apply func(context.Context, config.Config) error, logger log.Logger,
) *reloader {
	r := &reloader{
		load: load, apply: apply, logger: logger, stateDir: conf.StateDir,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ksyun_bill_exporter_config_last_reload_successful",
			Help: "1 if the configuration was good when it was last read, else 0: an older one is in force.",
		}),
		lastSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ksyun_bill_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in force was read, as Unix time.",
		}),
	}
	registry.MustRegister(r.successful, r.lastSuccess)
	r.recordSuccess()
	return r
}

func (r *reloader) recordSuccess() {
	r.successful.Set(1)
	r.lastSuccess.Set(float64(time.Now().Unix()))
}

var errStateDir = errors.New("state_dir: another directory needs a restart")

// reload reads the configuration and puts it into force, or returns what is wrong with it.
func (r *reloader) reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fingerprint != nil {
		r.seen = r.fingerprint()
	}
	return r.reloadLocked(ctx)
}

func (r *reloader) reloadLocked(ctx context.Context) error {
	conf, err := r.load()
	if err == nil && conf.StateDir != r.stateDir {
		err = errStateDir
	}
	if err == nil {
		err = r.apply(ctx, conf)
	}
	if err != nil {
		r.successful.Set(0)
		level.Error(r.logger).Log("msg", "configuration not reloaded, the old one stays in force", "err", err)
		return err
	}
	r.recordSuccess()
	level.Info(r.logger).Log("msg", "configuration reloaded")
	return nil
}

// reloadAtChange looks at the file every interval until ctx ends, and reloads it if it has changed since it was last
// read. A bad file is read once. An interval of 0 is never.
func (r *reloader) reloadAtChange(ctx context.Context, interval time.Duration) error {
	if interval == 0 {
		return nil
	}
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			r.reloadIfChanged(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *reloader) reloadIfChanged(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.fingerprint()
	if seen == r.seen {
		return
	}
	r.seen = seen
	_ = r.reloadLocked(ctx) // it has logged the error, and a metric shows it
}

// notifyHangups returns a channel that gets every SIGHUP until stop is called, one that comes before it is read too.
func notifyHangups() (hangups <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}

// reloadAtHangup reloads at every SIGHUP until ctx ends.
func (r *reloader) reloadAtHangup(ctx context.Context, hangups <-chan os.Signal) error {
	for {
		select {
		case <-hangups:
			_ = r.reload(ctx) // it has logged the error, and a metric shows it
		case <-ctx.Done():
			return nil
		}
	}
}
